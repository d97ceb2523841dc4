/* SPDX-License-Identifier: Apache-2.0 */
/* In place of kit_zip.c where there is no libarchive to build with. */
#include "cli/kit_writer.h"

mun_code mun_kit_zip_open(const char *path, int64_t time, mun_kit_writer **ret, mun_error *err)
{
    (void)path;
    (void)time;
    (void)ret;
    return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
                    "this Muniment was built without libarchive; give a folder with -o instead of "
                    "a zip file");
}

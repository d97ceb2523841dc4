/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

mun_code mun_config_read(const char *path, mun_config *ret, mun_error *err)
{
    (void)ret;
    return mun_failf(err, MUN_E_UNSUPPORTED, 0, "%s: configuration files are not read yet", path);
}

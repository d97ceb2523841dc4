/* SPDX-License-Identifier: Apache-2.0 */
/* An import under the name that is looked for after a disaster. */
#include "cli/commands.h"

mun_code mun_cmd_restore(mun_app *app, mun_error *err)
{
    return mun_import_as(app, "restored",
                         "restored, everything in it verified. It only reads; if the original is "
                         "gone for good, muniment adopt makes it register again.",
                         err);
}

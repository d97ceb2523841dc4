/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/speak.h"

#include <stdio.h>

#define FORMAT_VERSION 1 /* docs/format/README.md */

mun_code mun_cmd_version(mun_app *app, mun_error *err)
{
    (void)err;
    if (!app->json) {
        printf("muniment %s\n", MUN_VERSION);
        return MUN_OK;
    }
    json_t *object = mun_out_new("version");
    mun_out_cstr(object, "version", MUN_VERSION);
    mun_out_uint(object, "format", FORMAT_VERSION);
    mun_out_uint(object, "cli_json", 1);
    mun_out_print(app, object);
    return MUN_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/pages.h"
#include "cli/speak.h"

mun_code mun_cmd_completion(mun_app *app, mun_error *err)
{
    const char *shell = app->args.operands[0];
    mun_buf script MUN_BUF_AUTO = mun_buf_growable(MUN_PAGE_MAX);
    mun_completion_write(&script, shell);
    if (script.len == 0) {
        return mun_failf(err, MUN_E_USAGE, 0, "no completion for \"%s\"; there is one for %s",
                         MUN_PLAIN_PATH(shell), app->args.command->choices);
    }
    if (!mun_buf_ok(&script)) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the script");
    if (app->json) {
        json_t *object = mun_out_new("completion");
        mun_out_cstr(object, "shell", shell);
        mun_out_text(object, "script", mun_buf_slice(&script));
        mun_out_print(app, object);
        return MUN_OK;
    }
    mun_print_bytes(mun_buf_slice(&script));
    return MUN_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An import under the name that is looked for after a disaster. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/watching.h"

#include <stdio.h>

mun_code mun_cmd_restore(mun_app *app, mun_error *err)
{
    const char *from = app->args.operands[0], *to = app->args.operands[1];
    mun_watching w;
    mun_watching_begin(&w, app);
    mun_code code = mun_ledger_import(from, to, &w.watch, err);
    mun_watching_end(&w);
    MUN_TRY(code);
    if (app->json) {
        json_t *object = mun_out_new("restored");
        mun_out_path(object, "from", from);
        mun_out_path(object, "to", to);
        mun_out_print(app, object);
    } else if (!app->quiet) {
        printf("%s: restored, everything in it verified. It only reads; if the original is gone "
               "for good, muniment adopt makes it register again.\n",
               MUN_PLAIN_PATH(to));
    }
    return MUN_OK;
}

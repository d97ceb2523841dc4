/* SPDX-License-Identifier: Apache-2.0 */
/* An import under the name that is looked for after a disaster. */
#include "cli/commands.h"
#include "cli/watching.h"

mun_code mun_cmd_restore(mun_app *app, mun_error *err)
{
    const char *from = app->args.operands[0], *to = app->args.operands[1];
    mun_watching w;
    mun_watching_begin(&w, app);
    mun_code code = mun_ledger_import(from, to, &w.watch, err);
    mun_watching_end(&w);
    MUN_TRY(code);
    return mun_report_copy(app, "restored",
                           "restored, everything in it verified. It only reads; if the original "
                           "is gone for good, muniment adopt makes it register again.",
                           err);
}

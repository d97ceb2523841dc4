/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/remote.h"
#include "cli/status_text.h"

mun_code mun_cmd_status(mun_app *app, mun_error *err)
{
    const char *path;
    mun_ledger *ledger;
    MUN_TRY(mun_app_ledger_path(app, &path, err));
    if (mun_url_like(path)) return mun_remote_status(app, path, err);
    MUN_TRY(mun_app_ledger_open_at(app, path, MUN_USE_READ, &ledger, err));
    mun_code code = mun_status_print(app, path, ledger, err);
    (void)mun_ledger_close(ledger, NULL);
    return code;
}

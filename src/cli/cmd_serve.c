/* SPDX-License-Identifier: Apache-2.0 */
/* serve: what the command line says, handed to the service. */
#include "cli/commands.h"
#include "server/service.h"

#include <string.h>

static mun_code listeners(const mun_app *app, mun_service_options *options, mun_error *err)
{
    const char *where;
    while ((where = mun_args_nth(&app->args, MUN_OPT_LISTEN, options->listen_len)) != NULL) {
        if (options->listen_len == MUN_LISTEN_MAX) {
            return mun_failf(err, MUN_E_USAGE, 0, "--listen can be given %d times", MUN_LISTEN_MAX);
        }
        options->listen[options->listen_len++] = where;
    }
    return MUN_OK;
}

mun_code mun_cmd_serve(mun_app *app, mun_error *err)
{
    mun_service_options options = {.directories = app->args.operands,
                                   .directories_len = app->args.operands_len,
                                   .public_address = mun_app_has(app, MUN_OPT_PUBLIC),
                                   .config_path = mun_app_value(app, MUN_OPT_CONFIG),
                                   .check_only = mun_app_has(app, MUN_OPT_CHECK_ONLY),
                                   .json_log = app->json,
                                   .quiet = app->quiet};
    MUN_TRY(listeners(app, &options, err));
    if (options.config_path != NULL && options.directories_len > 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "give either directories or --config: the configuration names its ledgers");
    }
    if (options.config_path == NULL && options.directories_len == 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "which ledgers? muniment serve DIR..., or --config FILE");
    }
    return mun_service_run(&options, err);
}

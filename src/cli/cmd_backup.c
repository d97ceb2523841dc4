/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/watching.h"

#include <stdio.h>

static void report(mun_app *app, const char *from, const char *to, const mun_backup *b)
{
    char size[24];
    if (app->json) {
        json_t *object = mun_out_new("backup");
        mun_out_path(object, "from", from);
        mun_out_path(object, "to", to);
        mun_out_uint(object, "size", b->tree.size);
        mun_out_hex(object, "root", mun_slice_of(b->tree.root, sizeof b->tree.root));
        mun_out_uint(object, "size_before", b->size_before);
        mun_out_uint(object, "files_written", b->files_written);
        mun_out_uint(object, "bytes_written", b->bytes_written);
        mun_out_print(app, object);
        return;
    }
    if (app->quiet) return;
    printf("%s: %llu entries, %llu of them new; %llu files and %s written\n", MUN_PLAIN_PATH(to),
           (unsigned long long)b->tree.size, (unsigned long long)(b->tree.size - b->size_before),
           (unsigned long long)b->files_written, mun_size_text(b->bytes_written, size));
}

mun_code mun_cmd_backup(mun_app *app, mun_error *err)
{
    const char *from = app->args.operands[0], *to = app->args.operands[1];
    mun_ledger *ledger;
    mun_backup backup;
    mun_watching w;
    if (app->args.operands_len < 2) {
        to = from;
        MUN_TRY(mun_app_ledger_path(app, &from, err));
    }
    MUN_TRY(mun_app_ledger_open_at(app, from, MUN_USE_SIGN, &ledger, err));
    mun_watching_begin(&w, app);
    mun_code code = mun_ledger_backup(ledger, to, &w.watch, &backup, err);
    mun_watching_end(&w);
    (void)mun_ledger_close(ledger, NULL);
    if (code == MUN_OK) report(app, from, to, &backup);
    return code;
}

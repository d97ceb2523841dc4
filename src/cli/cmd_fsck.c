/* SPDX-License-Identifier: Apache-2.0 */
/* fsck and rebuild. */
#include "cli/commands.h"
#include "cli/watching.h"

#include <stdio.h>

static void report_sound(mun_app *app, const char *path, mun_tree tree, bool deep)
{
    if (app->json) {
        json_t *object = mun_out_new("fsck");
        mun_out_path(object, "ledger", path);
        mun_out_bool(object, "sound", true);
        mun_out_bool(object, "deep", deep);
        mun_out_uint(object, "size", tree.size);
        mun_out_hex(object, "root", mun_slice_of(tree.root, sizeof tree.root));
        mun_out_print(app, object);
        return;
    }
    if (app->quiet) return;
    printf("%s: sound. %llu entries, root %s%s\n", MUN_PLAIN_PATH(path),
           (unsigned long long)tree.size, MUN_HEX(tree.root, sizeof tree.root),
           deep ? "; every signature, the index and the known entries checked as well" : "");
}

mun_code mun_cmd_fsck(mun_app *app, mun_error *err)
{
    const char *path;
    mun_watching w;
    mun_tree tree;
    bool deep = mun_app_has(app, MUN_OPT_DEEP);
    MUN_TRY(mun_app_ledger_path(app, &path, err));
    mun_watching_begin(&w, app);
    mun_code code = mun_ledger_fsck(path, deep, &w.watch, &tree, err);
    mun_watching_end(&w);
    if (code == MUN_OK) report_sound(app, path, tree, deep);
    return code;
}

mun_code mun_cmd_rebuild(mun_app *app, mun_error *err)
{
    const char *path;
    mun_watching w;
    MUN_TRY(mun_app_ledger_path(app, &path, err));
    mun_watching_begin(&w, app);
    mun_code code = mun_ledger_rebuild(path, &w.watch, err);
    mun_watching_end(&w);
    if (code != MUN_OK) return code;
    if (app->json) {
        json_t *object = mun_out_new("rebuilt");
        mun_out_path(object, "ledger", path);
        mun_out_print(app, object);
    } else if (!app->quiet) {
        printf("%s: rebuilt what is derived from the entries\n", MUN_PLAIN_PATH(path));
    }
    return MUN_OK;
}

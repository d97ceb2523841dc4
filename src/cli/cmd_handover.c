/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/speak.h"
#include "vfs/files.h"

#include <stdio.h>

#define PUB_MAX 4096

static mun_code hand_over(mun_app *app, const char *directory, const char *successor,
                          mun_tree *ret_tree, mun_error *err)
{
    uint8_t room[MUN_PASSPHRASE_MAX], pub_room[PUB_MAX];
    mun_buf secret = mun_buf_fixed(room, sizeof room);
    mun_buf text = mun_buf_fixed(pub_room, sizeof pub_room);
    mun_ledger_pub pub;
    MUN_TRY(mun_file_read(successor, sizeof pub_room, &text, err));
    mun_code code = mun_ledger_pub_parse(&app->crypto, mun_buf_slice(&text), &pub, err);
    if (code != MUN_OK) return mun_error_prefix(err, code, MUN_PLAIN_PATH(successor));
    code = mun_app_passphrase(app, MUN_OPT_LEDGER_PASSPHRASE_FILE, &secret, err);
    if (code == MUN_OK) {
        code = mun_ledger_handover(directory, &pub, mun_buf_slice(&secret), ret_tree, err);
    }
    mun_cleanse(room, sizeof room);
    return code;
}

mun_code mun_cmd_handover(mun_app *app, mun_error *err)
{
    const char *directory = app->args.operands[0], *successor = app->args.operands[1];
    mun_tree tree;
    MUN_TRY(hand_over(app, directory, successor, &tree, err));
    if (app->json) {
        json_t *object = mun_out_new("handed-over");
        mun_out_path(object, "directory", directory);
        mun_out_uint(object, "size", tree.size);
        mun_out_hex(object, "root", mun_slice_of(tree.root, sizeof tree.root));
        mun_out_print(app, object);
    } else if (!app->quiet) {
        printf(
            "%s: handed over with %llu entries; from now on it only reads.\n"
            "At the successor: muniment standby DIR --once --from ..., then muniment adopt DIR.\n",
            MUN_PLAIN_PATH(directory), (unsigned long long)tree.size);
    }
    return MUN_OK;
}

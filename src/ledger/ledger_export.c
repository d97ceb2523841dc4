/* SPDX-License-Identifier: Apache-2.0 */
/* The static export of docs/format/export.md: what any web server can serve as tlog-tiles, with
 * what an import needs. One size is fixed at the beginning; the log may go on meanwhile. */
#include "ledger/staging.h"
#include "ledger/tree_out.h"

#include <stdlib.h>

static mun_code export_all(mun_tree_out *out, mun_slice checkpoint, mun_error *err)
{
    MUN_TRY(mun_tree_out_tiles(out, err));
    MUN_TRY(mun_tree_out_put(out, MUN_CHECKPOINT_FILE, checkpoint, err));
    MUN_TRY(mun_tree_out_put(out, MUN_LEDGER_PUB_FILE, mun_buf_slice(&out->ledger->pub_text), err));
    return mun_tree_out_put(out, MUN_EXPORT_FILE, MUN_LITERAL(MUN_EXPORT_LINE), err);
}

static mun_code export_to(mun_tree_out *out, const char *target, mun_error *err)
{
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(MUN_CHECKPOINT_MAX);
    mun_staging staging;
    MUN_TRY(mun_ledger_checkpoint(out->ledger, &checkpoint, err));
    /* The size is the checkpoint's, so that both are of one moment. */
    MUN_TRY(mun_checkpoint_head(mun_buf_slice(&checkpoint), &out->head, err));
    MUN_TRY(mun_staging_begin(target, &staging, err));
    mun_code code = mun_tree_out_begin(out, staging.temp, err);
    if (code == MUN_OK) code = export_all(out, mun_buf_slice(&checkpoint), err);
    mun_tree_out_finish(out);
    if (code == MUN_OK) return mun_staging_commit(&staging, MUN_EXPORT_FILE, err);
    mun_staging_abort(&staging);
    return code;
}

mun_code mun_ledger_export(mun_ledger *ledger, const char *target, const mun_watch *watch,
                           mun_error *err)
{
    mun_crypto *crypto = NULL;
    mun_watcher watcher;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_watcher_init(&watcher, watch);
    mun_tree_out *out = calloc(1, sizeof *out);
    mun_code code =
        out == NULL ? mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory") : MUN_OK;
    if (out != NULL) {
        *out = (mun_tree_out){.ledger = ledger, .crypto = crypto, .watcher = &watcher};
        code = export_to(out, target, err);
    }
    free(out);
    mun_watcher_finish(&watcher);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

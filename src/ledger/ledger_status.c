/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_parts.h"

static mun_code add_size(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    uint64_t *total = ctx;
    (void)err;
    if (entry->info.kind == MUN_FILE_REGULAR) *total += entry->info.size;
    return MUN_OK;
}

/* Files come and go while a writer works, and the key folder may be somebody else's. */
static mun_code pass_over(void *ctx, const mun_walk_entry *entry, const mun_error *why)
{
    (void)ctx;
    (void)entry;
    (void)why;
    return MUN_OK;
}

static mun_code disk_look(mun_ledger *ledger, mun_ledger_status *ret, mun_error *err)
{
    mun_fs_info info;
    mun_walk walk = {.ctx = &ret->disk_bytes, .file = add_size, .unreadable = pass_over};
    MUN_TRY(mun_dir_walk(ledger->directory, &walk, err));
    MUN_TRY(mun_fs_look(ledger->directory, &info, err));
    ret->disk_free = info.free;
    return MUN_OK;
}

static mun_code keys_look(mun_ledger *ledger, const mun_crypto *crypto, mun_ledger_status *ret,
                          mun_error *err)
{
    MUN_TRY(mun_control_current(ledger, crypto, err));
    pthread_rwlock_rdlock(&ledger->control_lock);
    const mun_control_state *state = &ledger->control.state;
    const mun_policy_epoch *epoch = state->epochs[state->epochs_len - 1];
    uint64_t index = epoch->index;
    ret->self_announced = epoch->self_announced;
    pthread_rwlock_unlock(&ledger->control_lock);
    return mun_log_time(ledger->log, index, &ret->key_created_ms, err);
}

static void rows_look(mun_ledger *ledger, mun_ledger_status *ret)
{
    mun_row_follower *f = &ledger->follower;
    if (mun_row_follower_index(f) == NULL) return;
    ret->index_rows = atomic_load(&f->size);
    if (!ledger->read_only) return;
    mun_code code = mun_index_size(f->index, &ret->index_rows, NULL);
    (void)code; /* an unreadable index has no rows to speak of */
}

mun_code mun_ledger_status_get(mun_ledger *ledger, mun_ledger_status *ret, mun_error *err)
{
    mun_log_status log;
    mun_ledger_status status = {.copy = ledger->copy};
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_log_status_get(ledger->log, &log, err));
    MUN_TRY(disk_look(ledger, &status, err));
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_code code = keys_look(ledger, crypto, &status, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    if (code != MUN_OK) return code;
    rows_look(ledger, &status);
    status.tree.size = log.head.size;
    memcpy(status.tree.root, log.head.root.bytes, MUN_HASH_SIZE);
    status.last_time_ms = log.last_time_ms;
    status.journal_bytes = log.journal_bytes;
    status.writer = log.writer || !ledger->read_only;
    *ret = status;
    return MUN_OK;
}

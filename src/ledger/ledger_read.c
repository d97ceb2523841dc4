/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: entries, proofs and roots, as the log gives them. */
#include "ledger/commits.h"
#include "ledger/ledger_parts.h"

_Static_assert(sizeof(mun_hash) == MUN_HASH_SIZE, "a path is an array of bare hashes");

const mun_ledger_pub *mun_ledger_identity(const mun_ledger *ledger)
{
    return &ledger->pub;
}

bool mun_ledger_any_issuer(const mun_ledger *ledger)
{
    return ledger->any_issuer;
}

bool mun_ledger_is_copy(const mun_ledger *ledger)
{
    return ledger->copy;
}

mun_tree mun_ledger_tree(mun_ledger *ledger)
{
    mun_tree_head head = mun_log_head(ledger->log);
    return mun_tree_of(&head);
}

mun_code mun_ledger_refresh(mun_ledger *ledger, mun_error *err)
{
    return mun_log_refresh(ledger->log, err);
}

mun_code mun_ledger_entry(mun_ledger *ledger, uint64_t index, mun_buf *ret, uint64_t *ret_time_ms,
                          mun_error *err)
{
    return mun_log_read(ledger->log, index, ret, ret_time_ms, err);
}

mun_code mun_ledger_lookup(mun_ledger *ledger, const uint8_t leaf[MUN_HASH_SIZE],
                           uint64_t *ret_index, mun_error *err)
{
    mun_hash hash;
    memcpy(hash.bytes, leaf, MUN_HASH_SIZE);
    return mun_log_find(ledger->log, &hash, ret_index, err);
}

typedef struct iteration {
    mun_ledger_visit visit;
    void *ctx;
} iteration;

static mun_code iterate_visit(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                              const mun_hash *leaf, mun_error *err)
{
    (void)leaf;
    const iteration *i = ctx;
    return i->visit(i->ctx, index, time_ms, entry, err);
}

mun_code mun_ledger_iterate(mun_ledger *ledger, uint64_t first, uint64_t end,
                            mun_ledger_visit visit, void *ctx, mun_error *err)
{
    iteration i = {visit, ctx};
    return mun_log_scan(ledger->log, first, end, iterate_visit, &i, err);
}

static mun_code path_out(mun_code code, const mun_path *path, uint8_t ret_path[][MUN_HASH_SIZE],
                         size_t *ret_len)
{
    if (code != MUN_OK) return code;
    if (path->len > 0) memcpy(ret_path, path->node, path->len * MUN_HASH_SIZE);
    *ret_len = path->len;
    return MUN_OK;
}

mun_code mun_ledger_inclusion(mun_ledger *ledger, uint64_t index, uint64_t size,
                              uint8_t ret_path[][MUN_HASH_SIZE], size_t *ret_len, mun_error *err)
{
    mun_path path;
    return path_out(mun_log_inclusion(ledger->log, index, size, &path, err), &path, ret_path,
                    ret_len);
}

mun_code mun_ledger_consistency(mun_ledger *ledger, uint64_t old_size, uint64_t new_size,
                                uint8_t ret_path[][MUN_HASH_SIZE], size_t *ret_len, mun_error *err)
{
    mun_path path;
    return path_out(mun_log_consistency(ledger->log, old_size, new_size, &path, err), &path,
                    ret_path, ret_len);
}

mun_code mun_ledger_root(mun_ledger *ledger, uint64_t size, uint8_t ret[MUN_HASH_SIZE],
                         mun_error *err)
{
    mun_hash root;
    MUN_TRY(mun_log_root(ledger->log, size, &root, err));
    memcpy(ret, root.bytes, MUN_HASH_SIZE);
    return MUN_OK;
}

mun_code mun_ledger_tile(mun_ledger *ledger, int level, uint64_t n, unsigned width, mun_buf *ret,
                         mun_error *err)
{
    return mun_log_tile(ledger->log, level, n, width, ret, err);
}

mun_code mun_ledger_commits(mun_ledger *ledger, uint64_t first, uint64_t size, size_t blocks,
                            mun_buf *ret, uint64_t *ret_next, mun_error *err)
{
    mun_crypto *crypto = NULL;
    if (size > mun_log_head(ledger->log).size) {
        return mun_failf(err, MUN_E_NOT_FOUND, 0, "the log has no %llu entries yet",
                         (unsigned long long)size);
    }
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_code code = mun_commits_write(crypto, ledger->log, first, size, blocks, ret, ret_next, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a service's answers more than its word: signatures, and proofs made here from tiles.
 */
#include "cli/remote.h"
#include "cli/speak.h"

#include <stdlib.h>
#include <string.h>

/* ---- Tiles ---- */

static mun_remote_tile *kept_tile(mun_remote *remote, const mun_tile *wanted)
{
    for (size_t i = 0; i < remote->tiles_len; i++) {
        mun_remote_tile *t = &remote->tiles[i];
        if (t->tile.level != wanted->level || t->tile.n != wanted->n) continue;
        if (t->tile.width >= wanted->width) return t;
    }
    return NULL;
}

static mun_remote_tile *room_for_tile(mun_remote *remote)
{
    if (remote->tiles == NULL) remote->tiles = calloc(MUN_REMOTE_TILES, sizeof *remote->tiles);
    if (remote->tiles == NULL) return NULL;
    if (remote->tiles_len < MUN_REMOTE_TILES) return &remote->tiles[remote->tiles_len++];
    mun_remote_tile *oldest = &remote->tiles[0];
    for (size_t i = 1; i < remote->tiles_len; i++) {
        if (remote->tiles[i].used < oldest->used) oldest = &remote->tiles[i];
    }
    return oldest;
}

/* A log may drop a partial tile once the full one exists (C2SP tlog-tiles). */
static mun_code fetch_tile(mun_remote *remote, mun_tile *tile, mun_error *err)
{
    char path[MUN_TILE_PATH_MAX + 1] = "/";
    mun_tile_path(path + 1, (int)tile->level, tile->n, tile->width);
    mun_code code = mun_remote_get(remote, path, "*/*", MUN_TILE_BYTES, err);
    if (code == MUN_E_NOT_FOUND && tile->width < MUN_TILE_WIDTH) {
        tile->width = MUN_TILE_WIDTH;
        mun_tile_path(path + 1, (int)tile->level, tile->n, tile->width);
        code = mun_remote_get(remote, path, "*/*", MUN_TILE_BYTES, err);
    }
    MUN_TRY(code);
    if (remote->answer.body.len == (size_t)tile->width * MUN_HASH_SIZE) return MUN_OK;
    return mun_failf(err, MUN_E_MALFORMED, 0, "the service's tile %s has %zu bytes", path,
                     remote->answer.body.len);
}

static mun_code node_get(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    mun_remote *remote = ctx;
    unsigned first, count;
    mun_tile wanted = mun_tile_of_node(height, index, &first, &count);
    mun_remote_tile *t = kept_tile(remote, &wanted);
    if (t == NULL) {
        wanted.width = mun_tile_width(wanted.level, wanted.n, remote->tree.size);
        MUN_TRY(fetch_tile(remote, &wanted, err));
        t = room_for_tile(remote);
        if (t == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
        t->tile = wanted;
        memcpy(t->hashes, remote->answer.body.ptr, remote->answer.body.len);
    }
    t->used = ++remote->tiles_used;
    mun_node_from_tile(&remote->app->crypto, t->hashes, height, index, ret);
    return MUN_OK;
}

mun_code mun_remote_prove(mun_remote *remote, uint64_t index, const uint8_t leaf[MUN_HASH_SIZE],
                          mun_path *ret, mun_error *err)
{
    mun_hash own, root;
    const mun_crypto *crypto = &remote->app->crypto;
    mun_node_source nodes = {.ctx = remote, .get = node_get};
    if (index >= remote->tree.size) {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "entry %llu is not below the checkpoint's %llu entries",
                         (unsigned long long)index, (unsigned long long)remote->tree.size);
    }
    MUN_TRY(mun_inclusion_make(crypto, &nodes, index, remote->tree.size, ret, err));
    memcpy(own.bytes, leaf, sizeof own.bytes);
    mun_code code =
        mun_inclusion_fold(crypto, index, remote->tree.size, &own, ret->node, ret->len, &root);
    if (code == MUN_OK && memcmp(root.bytes, remote->tree.root, sizeof root.bytes) == 0) {
        return MUN_OK;
    }
    return mun_failf(err, MUN_E_INVALID, 0,
                     "what the service shows as entry %llu is not in the tree that its checkpoint "
                     "of %llu entries signs",
                     (unsigned long long)index, (unsigned long long)remote->tree.size);
}

mun_code mun_remote_consistency(mun_remote *remote, uint64_t old_size, uint64_t new_size,
                                uint8_t ret_path[][MUN_HASH_SIZE], size_t *ret_len, mun_error *err)
{
    mun_path path;
    mun_node_source nodes = {.ctx = remote, .get = node_get};
    if (!remote->have_tree || new_size != remote->tree.size) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "consistency is with the last checkpoint");
    }
    MUN_TRY(mun_consistency_make(&remote->app->crypto, &nodes, old_size, new_size, &path, err));
    for (size_t i = 0; i < path.len; i++) memcpy(ret_path[i], path.node[i].bytes, MUN_HASH_SIZE);
    *ret_len = path.len;
    return MUN_OK;
}

/* ---- Checkpoints ---- */

mun_code mun_remote_note_check(const mun_remote *remote, const mun_note *note, mun_error *err)
{
    uint64_t time;
    mun_error why = {.code = MUN_E_NOT_FOUND};
    mun_code code = MUN_E_NOT_FOUND;
    for (size_t i = 0; i < remote->keys_len && code != MUN_OK; i++) {
        const mun_trusted_key *key = &remote->keys[i];
        if (key->key.kty != MUN_KTY_OKP) continue;
        mun_code one = mun_note_check(&remote->app->crypto, note, remote->pub.origin, MUN_VKEY_LOG,
                                      &key->key, &time, &why);
        if (one != MUN_E_NOT_FOUND) code = one;
    }
    if (code == MUN_OK) return MUN_OK;
    return mun_failf(
        err, MUN_E_INVALID, 0, "the checkpoint is not signed by a key of %s that %s: %s",
        MUN_PLAIN(remote->pub.origin), remote->trusted ? "is trusted here" : "the service shows",
        code == MUN_E_NOT_FOUND ? "no signature is by one" : "the signature is wrong");
}

static mun_code shrunk(const mun_remote *remote, uint64_t size, mun_error *err)
{
    return mun_failf(err, MUN_E_INVALID, 0,
                     "the service signs a log of %llu entries after one of %llu: entries were "
                     "lost, or an older copy answers",
                     (unsigned long long)size, (unsigned long long)remote->tree.size);
}

/* Tiles of a smaller tree are still true where they are full. */
static void drop_partial_tiles(mun_remote *remote)
{
    size_t kept = 0;
    for (size_t i = 0; i < remote->tiles_len; i++) {
        if (remote->tiles[i].tile.width == MUN_TILE_WIDTH) remote->tiles[kept++] = remote->tiles[i];
    }
    remote->tiles_len = kept;
    remote->bundle_width = 0;
}

/* Signed by the ledger, and of it; what it says is not yet held against what it said before. */
static mun_code read_checkpoint(const mun_remote *remote, mun_slice text, mun_tree *ret,
                                mun_error *err)
{
    mun_note note;
    mun_checkpoint parsed;
    MUN_TRY(mun_note_parse(text, &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &parsed, err));
    if (!mun_slice_equal(parsed.origin, remote->pub.origin)) {
        return mun_failf(err, MUN_E_INVALID, 0, "the service's checkpoint is of another ledger, %s",
                         MUN_PLAIN(parsed.origin));
    }
    MUN_TRY(mun_remote_note_check(remote, &note, err));
    ret->size = parsed.size;
    memcpy(ret->root, parsed.root, sizeof ret->root);
    return MUN_OK;
}

static void use_tree(mun_remote *remote, const mun_tree *tree)
{
    drop_partial_tiles(remote);
    remote->tree = *tree;
    remote->have_tree = true;
}

/* The tree of now begins with the old one: proven by tiles (RFC 9162 2.1.4). */
static mun_code check_growth(mun_remote *remote, const mun_tree *old, mun_error *err)
{
    mun_path path;
    mun_hash before, now;
    const mun_crypto *crypto = &remote->app->crypto;
    mun_node_source nodes = {.ctx = remote, .get = node_get};
    if (old->size == 0) return MUN_OK;
    mun_code code = mun_consistency_make(crypto, &nodes, old->size, remote->tree.size, &path, err);
    if (code == MUN_E_NOT_FOUND) { /* which is no word about what was searched for */
        return mun_failf(err, MUN_E_MALFORMED, 0,
                         "the service signs a log of %llu entries and has no tiles that show that "
                         "it begins with the %llu it signed before",
                         (unsigned long long)remote->tree.size, (unsigned long long)old->size);
    }
    MUN_TRY(code);
    memcpy(before.bytes, old->root, sizeof before.bytes);
    memcpy(now.bytes, remote->tree.root, sizeof now.bytes);
    if (mun_consistency_check(crypto, old->size, &before, remote->tree.size, &now, path.node,
                              path.len) == MUN_OK) {
        return MUN_OK;
    }
    return mun_failf(
        err, MUN_E_INVALID, 0,
        "the service signs a log of %llu entries that by its tiles does not begin with "
        "the %llu it signed before: history was changed, or a tile is damaged",
        (unsigned long long)remote->tree.size, (unsigned long long)old->size);
}

/* From one tree to another: it has only grown, or nothing is changed here. */
static mun_code follow(mun_remote *remote, const mun_tree *tree, mun_error *err)
{
    const mun_tree old = remote->tree;
    if (tree->size < old.size) return shrunk(remote, tree->size, err);
    if (tree->size == old.size) {
        if (memcmp(tree->root, old.root, sizeof old.root) == 0) return MUN_OK;
        return mun_fail(err, MUN_E_INVALID, MUN_NO_OFFSET,
                        "the service signed two different logs of the same size");
    }
    use_tree(remote, tree);
    mun_code code = check_growth(remote, &old, err);
    if (code != MUN_OK) use_tree(remote, &old);
    return code;
}

mun_code mun_remote_take_checkpoint(mun_remote *remote, mun_slice text, mun_error *err)
{
    mun_tree tree;
    mun_buf copy MUN_BUF_AUTO = mun_buf_growable(MUN_NOTE_MAX); /* tiles take the answer's place */
    MUN_TRY(read_checkpoint(remote, text, &tree, err));
    mun_buf_put(&copy, text);
    if (!mun_buf_ok(&copy)) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    if (remote->have_tree) {
        MUN_TRY(follow(remote, &tree, err));
    } else {
        use_tree(remote, &tree);
    }
    mun_buf_clear(&remote->checkpoint);
    mun_buf_put(&remote->checkpoint, mun_buf_slice(&copy));
    return MUN_OK;
}

mun_code mun_remote_checkpoint(mun_remote *remote, mun_error *err)
{
    MUN_TRY(mun_remote_get(remote, "/checkpoint", "*/*", MUN_NOTE_MAX, err));
    return mun_remote_take_checkpoint(remote, mun_buf_slice(&remote->answer.body), err);
}

/* ---- Evidence ---- */

static mun_code bad_evidence(const mun_remote *remote, const mun_report *report, mun_error *err)
{
    static const mun_check_id shown[] = {MUN_CHECK_STATEMENT_SIGNATURE, MUN_CHECK_RECEIPT_SIGNATURE,
                                         MUN_CHECK_INCLUSION, MUN_CHECK_LEDGER};
    const char *sentence = report->summary;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const mun_check *check = &report->checks[shown[i]];
        if (check->result == MUN_RESULT_PASS || check->result == MUN_RESULT_WARNING) continue;
        if (shown[i] == MUN_CHECK_STATEMENT_SIGNATURE && check->result != MUN_RESULT_FAIL) continue;
        sentence = check->sentence;
        break;
    }
    return mun_failf(err, MUN_E_INVALID, 0, "the receipt from the service does not hold%s: %s",
                     remote->trusted ? " against the keys trusted here" : "", sentence);
}

static bool is_good(const mun_report *report)
{
    return report->verdict != 1 &&
           report->checks[MUN_CHECK_RECEIPT_SIGNATURE].result == MUN_RESULT_PASS &&
           report->checks[MUN_CHECK_INCLUSION].result == MUN_RESULT_PASS &&
           report->checks[MUN_CHECK_LEDGER].result == MUN_RESULT_PASS;
}

/* The index that the good receipt's path stands for: by folding it was made part of the proof. */
static uint64_t index_in(const mun_statement *statement, const mun_report *report)
{
    mun_receipt receipt;
    if (report->have_position) return report->index;
    for (size_t i = 0; i < statement->receipts_len; i++) {
        if (mun_receipt_parse(statement->receipts[i], &receipt, NULL) != MUN_OK) continue;
        if (receipt.proofs_len > 0) return receipt.proofs[0].index_or_new;
    }
    return MUN_NO_OFFSET;
}

mun_code mun_remote_judge(mun_remote *remote, mun_slice evidence, const uint8_t *leaf,
                          uint64_t *ret_index, mun_error *err)
{
    mun_report report;
    mun_statement statement;
    mun_verify_input input = {
        .evidence = evidence, .keys = remote->keys, .keys_len = remote->keys_len};
    MUN_TRY(mun_verify(&remote->app->crypto, &input, &report, &statement, err));
    if (!is_good(&report)) return bad_evidence(remote, &report, err);
    if (leaf != NULL && memcmp(leaf, report.leaf, MUN_HASH_SIZE) != 0) {
        return mun_fail(err, MUN_E_INVALID, MUN_NO_OFFSET,
                        "the service answers with the evidence of another statement");
    }
    if (ret_index != NULL) *ret_index = index_in(&statement, &report);
    return MUN_OK;
}

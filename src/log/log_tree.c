/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree hashes of everything up to the head: nodes that the streams have come from the hash files,
 * one read for each tile that a proof touches, the newest ones from the batches in memory.
 */
#include <stdlib.h>

#include "log/log_parts.h"
#include "log/store_layout.h"

typedef struct tree_nodes {
    mun_log *log;
    mun_worker *worker;
    uint64_t size; /* of the tree: what is near its right edge is kept */
    mun_level_source levels;
} tree_nodes;

static mun_code nodes_open(tree_nodes *ret, mun_log *log, mun_worker *worker, mun_error *err)
{
    MUN_TRY(mun_worker_window(worker, err));
    mun_tile_window_open(worker->window, log->reader, mun_log_on_disk(log));
    *ret = (tree_nodes){
        .log = log,
        .worker = worker,
        .size = mun_log_head(log).size,
        .levels = {.ctx = worker->window, .read = mun_tile_window_read, .crypto = &worker->crypto},
    };
    return MUN_OK;
}

/* From the batches in memory, or hashed from a run of the files' level below. */
static mun_code node_made(tree_nodes *nodes, unsigned height, uint64_t index, mun_hash *ret,
                          mun_error *err)
{
    uint64_t end = (index + 1) << height;
    if (end > nodes->worker->window->size) {
        if (mun_recent_node(&nodes->log->recent, height, index, ret)) return MUN_OK;
        /* Not pending any more: the follower has put it into the streams meanwhile. */
        mun_tile_window_open(nodes->worker->window, nodes->log->reader,
                             mun_log_on_disk(nodes->log));
    }
    return mun_level_node(&nodes->levels, height, index, ret, err);
}

/* For proofs only: what they are checked against finds a wrong node. Recursion goes down to the
 * next height that the files have: at most eight deep. */
static mun_code node_get(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    tree_nodes *nodes = ctx;
    mun_node_cache *kept = &nodes->log->nodes;
    if (!mun_node_cache_suits(height, index, nodes->size)) {
        return node_made(nodes, height, index, ret, err);
    }
    if (mun_node_cache_get(kept, height, index, ret)) return MUN_OK;
    if (height % MUN_LOG_TILE_BITS == 0 && height < MUN_LOG_LEVELS * MUN_LOG_TILE_BITS) {
        MUN_TRY(node_made(nodes, height, index, ret, err));
    } else {
        mun_hash left, right;
        MUN_TRY(node_get(nodes, height - 1, index * 2, &left, err));
        MUN_TRY(node_get(nodes, height - 1, index * 2 + 1, &right, err));
        mun_hash_node(&nodes->worker->crypto, &left, &right, ret);
    }
    mun_node_cache_put(kept, height, index, ret);
    return MUN_OK;
}

static mun_node_source nodes_source(tree_nodes *nodes)
{
    return (mun_node_source){.ctx = nodes, .get = node_get};
}

static mun_code beyond(const mun_tree_head *head, uint64_t size, mun_error *err)
{
    if (size <= head->size) return MUN_OK;
    return mun_failf(err, MUN_E_NOT_FOUND, 0,
                     "the log has %llu entries; a tree of %llu does not exist yet",
                     (unsigned long long)head->size, (unsigned long long)size);
}

/* A proof is checked, so one that is given is right; damage that was seen may be what the disk lost
 * when a write failed. */
static mun_code proven(const mun_log *log, const mun_tree_head *head, mun_code code, mun_error *err)
{
    if (code != MUN_E_DAMAGED || head->size == 0) return code;
    return mun_log_unless_lost(log, head->size - 1, code, err);
}

/* Whoever called asks the files once more: what was kept may come from a file that has been mended
 * since, or from another ledger that stood here when a reader opened it. */
static mun_code wrong_proof(mun_log *log, mun_error *err, uint64_t entry)
{
    mun_node_cache_clear(&log->nodes);
    return mun_damage(err, MUN_DIR_HASHES, 0, entry,
                      "the tree hashes do not give the root of the log; run fsck");
}

mun_code mun_log_leaf_get(void *ctx, uint64_t index, mun_hash *ret, mun_error *err)
{
    mun_log *log = ctx;
    if (index >= mun_log_on_disk(log)) {
        if (mun_recent_node(&log->recent, 0, index, ret)) return MUN_OK;
        if (index >= mun_log_on_disk(log)) return MUN_E_NOT_FOUND;
    }
    return mun_reader_hashes(log->reader, 0, index, 1, ret, err);
}

mun_code mun_log_leaf(mun_log *log, uint64_t index, mun_hash *ret, mun_error *err)
{
    mun_tree_head head = mun_log_head(log);
    MUN_TRY(beyond(&head, index + 1, err));
    return mun_log_leaf_get(log, index, ret, err);
}

/*
 * Root of an older tree, which must be a prefix of the head's: a damaged hash file gives an error,
 * never another root. The head's own root was derived when its entries were appended or opened.
 */
static mun_code root_of(const tree_nodes *nodes, const mun_node_source *source,
                        const mun_tree_head *head, uint64_t size, mun_hash *ret, mun_error *err)
{
    const mun_crypto *crypto = &nodes->worker->crypto;
    mun_path path;
    if (size == head->size) {
        *ret = head->root;
        return MUN_OK;
    }
    MUN_TRY(mun_tree_root(crypto, source, size, ret, err));
    if (size == 0) return MUN_OK;
    MUN_TRY(mun_consistency_make(crypto, source, size, head->size, &path, err));
    mun_code code =
        mun_consistency_check(crypto, size, ret, head->size, &head->root, path.node, path.len);
    return code == MUN_OK ? MUN_OK : wrong_proof(nodes->log, err, size);
}

static mun_code root_at(mun_log *log, mun_worker *worker, const mun_tree_head *head, uint64_t size,
                        mun_hash *ret, mun_error *err)
{
    tree_nodes nodes;
    MUN_TRY(nodes_open(&nodes, log, worker, err));
    mun_node_source source = nodes_source(&nodes);
    return root_of(&nodes, &source, head, size, ret, err);
}

mun_code mun_log_root(mun_log *log, uint64_t size, mun_hash *ret, mun_error *err)
{
    mun_tree_head head = mun_log_head(log);
    mun_worker *worker;
    MUN_TRY(beyond(&head, size, err));
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = root_at(log, worker, &head, size, ret, err);
    if (code == MUN_E_DAMAGED) code = root_at(log, worker, &head, size, ret, err);
    mun_worker_give(log, worker);
    return proven(log, &head, code, err);
}

/* Every proof is checked against a root: damage gives no wrong proof. */
static mun_code inclusion_of(mun_log *log, mun_worker *worker, const mun_tree_head *head,
                             uint64_t index, uint64_t size, mun_path *ret, mun_error *err)
{
    tree_nodes nodes;
    mun_hash leaf, root, want;
    MUN_TRY(nodes_open(&nodes, log, worker, err));
    mun_node_source source = nodes_source(&nodes);
    MUN_TRY(mun_inclusion_make(&worker->crypto, &source, index, size, ret, err));
    MUN_TRY(root_of(&nodes, &source, head, size, &want, err));
    MUN_TRY(node_get(&nodes, 0, index, &leaf, err));
    mun_code code =
        mun_inclusion_fold(&worker->crypto, index, size, &leaf, ret->node, ret->len, &root);
    if (code != MUN_OK || !mun_hash_equal(&root, &want)) return wrong_proof(log, err, index);
    return MUN_OK;
}

static mun_code inclusion_to(mun_log *log, mun_worker *worker, const mun_hash *leaf, uint64_t index,
                             const mun_tree_head *head, mun_path *ret, mun_error *err)
{
    tree_nodes nodes;
    mun_hash root;
    MUN_TRY(nodes_open(&nodes, log, worker, err));
    mun_node_source source = nodes_source(&nodes);
    MUN_TRY(mun_inclusion_make(&worker->crypto, &source, index, head->size, ret, err));
    mun_code code =
        mun_inclusion_fold(&worker->crypto, index, head->size, leaf, ret->node, ret->len, &root);
    if (code != MUN_OK || !mun_hash_equal(&root, &head->root)) return wrong_proof(log, err, index);
    return MUN_OK;
}

mun_code mun_log_inclusion_to(mun_log *log, const mun_hash *leaf, uint64_t index,
                              const mun_tree_head *head, mun_path *ret, mun_error *err)
{
    mun_worker *worker;
    mun_tree_head now = mun_log_head(log);
    MUN_TRY(beyond(&now, head->size, err));
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = inclusion_to(log, worker, leaf, index, head, ret, err);
    if (code == MUN_E_DAMAGED) code = inclusion_to(log, worker, leaf, index, head, ret, err);
    mun_worker_give(log, worker);
    return proven(log, head, code, err);
}

void mun_log_keep_leaf(mun_log *log, uint64_t index, const mun_hash *leaf)
{
    mun_node_cache_put(&log->nodes, 0, index, leaf);
}

mun_code mun_log_inclusion(mun_log *log, uint64_t index, uint64_t size, mun_path *ret,
                           mun_error *err)
{
    mun_tree_head head = mun_log_head(log);
    mun_worker *worker;
    MUN_TRY(beyond(&head, size, err));
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = inclusion_of(log, worker, &head, index, size, ret, err);
    if (code == MUN_E_DAMAGED) code = inclusion_of(log, worker, &head, index, size, ret, err);
    mun_worker_give(log, worker);
    return proven(log, &head, code, err);
}

static mun_code consistency_of(mun_log *log, mun_worker *worker, const mun_tree_head *head,
                               uint64_t old_size, uint64_t new_size, mun_path *ret, mun_error *err)
{
    tree_nodes nodes;
    mun_hash old_root, new_root;
    MUN_TRY(nodes_open(&nodes, log, worker, err));
    mun_node_source source = nodes_source(&nodes);
    MUN_TRY(mun_consistency_make(&worker->crypto, &source, old_size, new_size, ret, err));
    MUN_TRY(root_of(&nodes, &source, head, new_size, &new_root, err));
    MUN_TRY(mun_tree_root(&worker->crypto, &source, old_size, &old_root, err));
    mun_code code = mun_consistency_check(&worker->crypto, old_size, &old_root, new_size, &new_root,
                                          ret->node, ret->len);
    return code == MUN_OK ? MUN_OK : wrong_proof(log, err, old_size);
}

mun_code mun_log_consistency(mun_log *log, uint64_t old_size, uint64_t new_size, mun_path *ret,
                             mun_error *err)
{
    mun_tree_head head = mun_log_head(log);
    mun_worker *worker;
    MUN_TRY(beyond(&head, new_size, err));
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = consistency_of(log, worker, &head, old_size, new_size, ret, err);
    if (code == MUN_E_DAMAGED) {
        code = consistency_of(log, worker, &head, old_size, new_size, ret, err);
    }
    mun_worker_give(log, worker);
    return proven(log, &head, code, err);
}

/* ---- tiles -----------------------------------------------------------------------------------*/

/* Node by node: also those above the last level kept, and those of the newest entries. Nothing here
 * checks them, so they are not kept, nor taken from what was. */
static mun_code tile_nodes(mun_log *log, mun_worker *worker, unsigned height, uint64_t first,
                           unsigned width, mun_buf *ret, mun_error *err)
{
    tree_nodes nodes;
    MUN_TRY(nodes_open(&nodes, log, worker, err));
    for (unsigned i = 0; i < width; i++) {
        mun_hash node;
        MUN_TRY(node_made(&nodes, height, first + i, &node, err));
        mun_buf_put(ret, mun_slice_of(node.bytes, sizeof node.bytes));
    }
    return MUN_OK;
}

/* A tile that another tile's hash covers is checked against it. */
static mun_code check_tile(mun_log *log, mun_worker *worker, unsigned level, uint64_t n,
                           const uint8_t *bytes, mun_error *err)
{
    mun_hash want, have;
    mun_hash hash[MUN_LOG_TILE_WIDTH];
    if (level + 1 >= MUN_LOG_LEVELS) return MUN_OK;
    MUN_TRY(mun_reader_hashes(log->reader, level + 1, n, 1, &want, err));
    memcpy(hash, bytes, sizeof hash);
    mun_hash_run(&worker->crypto, hash, MUN_LOG_TILE_WIDTH, &have);
    if (mun_hash_equal(&want, &have)) return MUN_OK;
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, MUN_STREAM_LEVEL + level, 0);
    return mun_damage(err, name, n * sizeof hash, MUN_NO_OFFSET,
                      "the tile does not match its hash one level up; run fsck");
}

static mun_code hash_tile(mun_log *log, mun_worker *worker, unsigned level, uint64_t n,
                          unsigned width, mun_buf *ret, mun_error *err)
{
    unsigned height = level * MUN_LOG_TILE_BITS;
    uint64_t first = n * MUN_LOG_TILE_WIDTH;
    bool on_disk = level < MUN_LOG_LEVELS && (first + width) << height <= mun_log_on_disk(log);
    if (!on_disk) return tile_nodes(log, worker, height, first, width, ret, err);
    uint8_t *to = mun_buf_reserve(ret, (size_t)width * MUN_HASH_SIZE);
    if (to == NULL) return mun_buf_fail(ret, err, "the tile does not fit");
    mun_hash hash[MUN_LOG_TILE_WIDTH];
    MUN_TRY(mun_reader_hashes(log->reader, level, first, width, hash, err));
    memcpy(to, hash, (size_t)width * MUN_HASH_SIZE);
    if (width < MUN_LOG_TILE_WIDTH) return MUN_OK;
    return check_tile(log, worker, level, n, to, err);
}

/* Straight from the segment, and every entry held against its leaf hash: whoever gets a bundle may
 * keep it for ever. */
static mun_code bundle_on_disk(mun_log *log, mun_worker *worker, uint64_t first, unsigned width,
                               mun_buf *ret, mun_error *err)
{
    mun_hash want[MUN_LOG_TILE_WIDTH];
    size_t from = ret->len;
    MUN_TRY(mun_reader_hashes(log->reader, 0, first, width, want, err));
    MUN_TRY(mun_reader_records(log->reader, first, width, mun_log_on_disk(log), ret, err));
    const uint8_t *at = ret->ptr + from, *end = ret->ptr + ret->len;
    for (unsigned i = 0; i < width; i++) {
        mun_slice entry;
        MUN_TRY(mun_log_record_take(&worker->crypto, first + i, &want[i], &at, end, &entry, err));
    }
    if (at == end) return MUN_OK;
    return mun_damage(err, MUN_FILE_OFFSETS, 4 * first, first + width - 1,
                      "the entry does not end where the next one begins");
}

static mun_code bundle(mun_log *log, mun_worker *worker, uint64_t n, unsigned width, mun_buf *ret,
                       mun_error *err)
{
    uint64_t first = n * MUN_LOG_TILE_WIDTH;
    if (first + width <= mun_log_on_disk(log)) {
        return bundle_on_disk(log, worker, first, width, ret, err);
    }
    for (unsigned i = 0; i < width; i++) {
        size_t at = ret->len;
        mun_buf_u16(ret, 0);
        MUN_TRY(mun_log_read(log, first + i, ret, NULL, err));
        if (!mun_buf_ok(ret)) break;
        size_t len = ret->len - at - 2;
        ret->ptr[at] = (uint8_t)(len >> 8);
        ret->ptr[at + 1] = (uint8_t)len;
    }
    if (mun_buf_ok(ret)) return MUN_OK;
    return mun_buf_fail(ret, err, "the bundle does not fit the buffer");
}

mun_code mun_log_tile(mun_log *log, int level, uint64_t n, unsigned width, mun_buf *ret,
                      mun_error *err)
{
    mun_tree_head head = mun_log_head(log);
    unsigned height = level < 0 ? 0 : (unsigned)level * MUN_LOG_TILE_BITS;
    uint64_t have = height < 64 ? head.size >> height : 0;
    if (width == 0 || width > MUN_LOG_TILE_WIDTH || n > have / MUN_LOG_TILE_WIDTH ||
        width > have - n * MUN_LOG_TILE_WIDTH) {
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET, "the log has no such tile (yet)");
    }
    mun_worker *worker;
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = level < 0 ? bundle(log, worker, n, width, ret, err)
                              : hash_tile(log, worker, (unsigned)level, n, width, ret, err);
    mun_worker_give(log, worker);
    if (code != MUN_OK && code != MUN_E_DAMAGED) return code;
    uint64_t last = ((n * MUN_LOG_TILE_WIDTH + width) << height) - 1;
    return mun_log_unless_lost(log, last, code, err);
}

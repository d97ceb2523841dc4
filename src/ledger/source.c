/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/source.h"

#include "base/cursor.h"
#include "ledger/tree_out.h"

/* ---- A folder ---------------------------------------------------------------------------------
 */

static mun_code folder_read(void *ctx, const char *name, size_t max, mun_buf *ret, mun_error *err)
{
    return mun_ledger_file_read(ctx, name, max, ret, err);
}

mun_source mun_source_folder(const char *path)
{
    return (mun_source){.ctx = (void *)(uintptr_t)path, .read = folder_read};
}

mun_code mun_source_read(const mun_source *source, const char *name, size_t max, mun_buf *ret,
                         mun_error *err)
{
    mun_buf_clear(ret);
    return source->read(source->ctx, name, max, ret, err);
}

/* ---- Tiles ------------------------------------------------------------------------------------
 */

static mun_code invalid(mun_error *err, const char *name, const char *what)
{
    return mun_failf(err, MUN_E_INVALID, 0, "the file %s %s", name, what);
}

/* Cuts a bundle behind `width` entries; more is allowed only where more was asked for. */
static mun_code bundle_cut(const char *name, unsigned width, bool exactly, mun_buf *ret,
                           mun_error *err)
{
    mun_cursor c = mun_cursor_over(mun_buf_slice(ret));
    for (unsigned i = 0; i < width; i++) {
        mun_slice entry = mun_cursor_take(&c, mun_cursor_u16(&c));
        if (!mun_cursor_ok(&c) || entry.len == 0) {
            return invalid(err, name, "is cut short or holds an empty entry");
        }
    }
    if (exactly && !mun_cursor_done(&c)) return invalid(err, name, "is longer than its entries");
    ret->len -= mun_cursor_left(&c);
    return MUN_OK;
}

static mun_code cut(const char *name, int level, unsigned width, bool exactly, mun_buf *ret,
                    mun_error *err)
{
    size_t want = (size_t)width * MUN_HASH_SIZE;
    if (level < 0) return bundle_cut(name, width, exactly, ret, err);
    if (ret->len < want || (exactly && ret->len > want)) {
        return invalid(err, name, "has another length than a tile of its width");
    }
    ret->len = want;
    return MUN_OK;
}

mun_code mun_source_tile(const mun_source *source, int level, uint64_t n, unsigned width,
                         mun_buf *ret, mun_error *err)
{
    char name[MUN_TILE_PATH_MAX], full[MUN_TILE_PATH_MAX];
    size_t max = level < 0 ? MUN_TREE_BUNDLE_MAX : MUN_TILE_BYTES;
    mun_error why = {0};
    mun_tile_path(name, level, n, width);
    mun_code code = mun_source_read(source, name, max, ret, &why);
    if (code == MUN_OK) return cut(name, level, width, true, ret, err);
    if (code == MUN_E_NOT_FOUND && width < MUN_TILE_WIDTH) {
        mun_tile_path(full, level, n, MUN_TILE_WIDTH);
        if (mun_source_read(source, full, max, ret, NULL) == MUN_OK) {
            return cut(full, level, width, false, ret, err);
        }
    }
    if (err != NULL) *err = why;
    return code;
}

/* ---- The checkpoint ---------------------------------------------------------------------------
 */

mun_code mun_source_checkpoint(const mun_source *source, const mun_crypto *crypto,
                               const mun_ledger_pub *pub, mun_buf *ret_note, mun_tree *ret,
                               mun_error *err)
{
    mun_note note;
    mun_checkpoint checkpoint;
    uint64_t time = 0;
    MUN_TRY(mun_source_read(source, MUN_CHECKPOINT_FILE, MUN_NOTE_MAX, ret_note, err));
    MUN_TRY(mun_note_parse(mun_buf_slice(ret_note), &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &checkpoint, err));
    if (!mun_slice_equal(checkpoint.origin, pub->origin)) {
        return invalid(err, MUN_CHECKPOINT_FILE, "names another origin than ledger.pub");
    }
    if (mun_note_check(crypto, &note, pub->origin, MUN_VKEY_LOG, &pub->checkpoints, &time, NULL) !=
        MUN_OK) {
        return invalid(err, MUN_CHECKPOINT_FILE, "is not signed by the key in ledger.pub");
    }
    if (checkpoint.size == 0) return invalid(err, MUN_CHECKPOINT_FILE, "is of an empty tree");
    ret->size = checkpoint.size;
    memcpy(ret->root, checkpoint.root, MUN_HASH_SIZE);
    return MUN_OK;
}

/* ---- Nodes ------------------------------------------------------------------------------------
 */

void mun_source_nodes_init(mun_source_nodes *nodes, const mun_source *source,
                           const mun_crypto *crypto, uint64_t size)
{
    *nodes = (mun_source_nodes){
        .source = source, .crypto = crypto, .size = size, .buf = mun_buf_growable(MUN_TILE_BYTES)};
}

void mun_source_nodes_finish(mun_source_nodes *nodes)
{
    mun_buf_free(&nodes->buf);
}

static mun_code tile_get(mun_source_nodes *nodes, unsigned level, uint64_t n, const mun_hash **ret,
                         mun_error *err)
{
    for (size_t i = 0; i < nodes->kept_len; i++) {
        if (nodes->kept[i].level != level || nodes->kept[i].n != n) continue;
        *ret = nodes->hash[i];
        return MUN_OK;
    }
    unsigned width = mun_tile_width(level, n, nodes->size);
    MUN_TRY(mun_source_tile(nodes->source, (int)level, n, width, &nodes->buf, err));
    size_t at = nodes->next;
    nodes->next = (nodes->next + 1) % MUN_SOURCE_TILES;
    if (nodes->kept_len < MUN_SOURCE_TILES) nodes->kept_len++;
    nodes->kept[at] = (mun_tile){.level = level, .n = n, .width = width};
    memcpy(nodes->hash[at], nodes->buf.ptr, nodes->buf.len);
    *ret = nodes->hash[at];
    return MUN_OK;
}

static mun_code node_get(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    mun_source_nodes *nodes = ctx;
    unsigned first = 0, count = 0;
    const mun_hash *hashes = NULL;
    mun_tile tile = mun_tile_of_node(height, index, &first, &count);
    MUN_TRY(tile_get(nodes, tile.level, tile.n, &hashes, err));
    mun_node_from_tile(nodes->crypto, hashes, height, index, ret);
    return MUN_OK;
}

mun_node_source mun_source_nodes_of(mun_source_nodes *nodes)
{
    return (mun_node_source){.ctx = nodes, .get = node_get};
}

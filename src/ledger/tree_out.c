/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tree_out.h"

#include "base/cursor.h"
#include "ledger/commits.h"

#define TEMP_NAME     ".tmp-0000000000000000" /* one run at a time writes a folder */
#define ENTRIES_LEVEL (-1)
#define PROGRESS_STEP 64

mun_code mun_tree_out_begin(mun_tree_out *out, const char *folder, mun_error *err)
{
    out->tile = mun_buf_growable(MUN_TREE_BUNDLE_MAX);
    out->again = mun_buf_growable(MUN_COMMITS_MAX + 1);
    return mun_vfs_posix_open(folder, &out->vfs, err);
}

void mun_tree_out_finish(mun_tree_out *out)
{
    if (out->vfs.ctx != NULL) mun_vfs_posix_close(&out->vfs);
    mun_buf_free(&out->tile);
    mun_buf_free(&out->again);
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* A folder and those above it, each durable in the one above. */
static mun_code folder_make(const mun_vfs *vfs, const char *folder, mun_error *err)
{
    char part[MUN_TILE_PATH_MAX], above[MUN_TILE_PATH_MAX] = "";
    for (size_t i = 1; folder[0] != '\0' && i <= strlen(folder); i++) {
        if (folder[i] != '/' && folder[i] != '\0') continue;
        mun_error why;
        memcpy(part, folder, i);
        part[i] = '\0';
        mun_code code = vfs->make_dir(vfs->ctx, part, &why);
        if (code == MUN_OK) {
            MUN_TRY(vfs->sync_dir(vfs->ctx, above, err));
        } else if (code != MUN_E_EXISTS) {
            if (err != NULL) *err = why;
            return code;
        }
        memcpy(above, part, i + 1);
    }
    return MUN_OK;
}

static mun_code folder_done(mun_tree_out *out, mun_error *err)
{
    return out->vfs.sync_dir(out->vfs.ctx, out->folder, err);
}

static mun_code folder_enter(mun_tree_out *out, const char *name, mun_error *err)
{
    char folder[MUN_TILE_PATH_MAX];
    const char *slash = strrchr(name, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - name);
    memcpy(folder, name, len);
    folder[len] = '\0';
    if (strcmp(folder, out->folder) == 0) return MUN_OK;
    MUN_TRY(folder_done(out, err));
    MUN_TRY(folder_make(&out->vfs, folder, err));
    memcpy(out->folder, folder, len + 1);
    return MUN_OK;
}

static mun_code fill(const mun_vfs *vfs, mun_file *file, mun_slice bytes, mun_error *err)
{
    MUN_TRY(vfs->truncate(vfs->ctx, file, 0, err));
    MUN_TRY(vfs->write(vfs->ctx, file, 0, bytes.ptr, bytes.len, err));
    return vfs->sync(vfs->ctx, file, err);
}

/* Durable but for its name, which is so when its folder is left. */
static mun_code file_put(mun_tree_out *out, const char *name, mun_slice bytes, mun_error *err)
{
    const mun_vfs *vfs = &out->vfs;
    mun_file *file;
    MUN_TRY(folder_enter(out, name, err));
    MUN_TRY(vfs->open(vfs->ctx, TEMP_NAME, MUN_OPEN_WRITE | MUN_OPEN_CREATE, &file, err));
    mun_code code = fill(vfs, file, bytes, err);
    vfs->close(vfs->ctx, file);
    if (code == MUN_OK) code = vfs->rename(vfs->ctx, TEMP_NAME, name, err);
    if (code != MUN_OK) {
        mun_code removed = vfs->remove(vfs->ctx, TEMP_NAME, NULL);
        (void)removed; /* the next run writes over it */
        return code;
    }
    out->files++;
    out->bytes += bytes.len;
    return MUN_OK;
}

mun_code mun_tree_out_put(mun_tree_out *out, const char *name, mun_slice bytes, mun_error *err)
{
    MUN_TRY(file_put(out, name, bytes, err));
    return folder_done(out, err);
}

/* Whether an earlier run has left the whole file. Its content is looked at when it is restored. */
static bool file_there(const mun_tree_out *out, const char *name, int level)
{
    mun_file *file;
    uint64_t size = 0;
    const mun_vfs *vfs = &out->vfs;
    if (vfs->open(vfs->ctx, name, MUN_OPEN_READ, &file, NULL) != MUN_OK) return false;
    bool known = vfs->size(vfs->ctx, file, &size, NULL) == MUN_OK;
    vfs->close(vfs->ctx, file);
    return known &&
           (level == ENTRIES_LEVEL ? size >= (uint64_t)MUN_TILE_WIDTH * 3 : size == MUN_TILE_BYTES);
}

/* Whether the file holds these very bytes already. */
static bool same_there(mun_tree_out *out, const char *name, mun_slice bytes)
{
    mun_file *file;
    size_t got = 0;
    const mun_vfs *vfs = &out->vfs;
    mun_buf_clear(&out->again);
    uint8_t *to = mun_buf_reserve(&out->again, bytes.len + 1);
    if (to == NULL || vfs->open(vfs->ctx, name, MUN_OPEN_READ, &file, NULL) != MUN_OK) return false;
    bool read = vfs->read(vfs->ctx, file, 0, to, bytes.len + 1, &got, NULL) == MUN_OK;
    vfs->close(vfs->ctx, file);
    return read && got == bytes.len && memcmp(to, bytes.ptr, got) == 0;
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

static mun_code damaged(mun_error *err, const char *name)
{
    return mun_failf(err, MUN_E_DAMAGED, 0,
                     "%s: the ledger's entries and hashes do not agree there; nothing that leads "
                     "to it was written: run muniment fsck on the ledger",
                     name);
}

/* The entries of a bundle must hash to the tile of leaf hashes that the tree above stands on. */
static mun_code bundle_check(mun_tree_out *out, const char *name, uint64_t n, unsigned width,
                             mun_error *err)
{
    mun_cursor c = mun_cursor_over(mun_buf_slice(&out->tile));
    mun_buf_clear(&out->again);
    MUN_TRY(mun_log_tile(out->ledger->log, 0, n, width, &out->again, err));
    if (out->again.len != (size_t)width * MUN_HASH_SIZE) return damaged(err, name);
    for (unsigned i = 0; i < width; i++) {
        mun_hash leaf;
        mun_slice entry = mun_cursor_take(&c, mun_cursor_u16(&c));
        if (!mun_cursor_ok(&c)) return damaged(err, name);
        mun_hash_leaf(out->crypto, entry, &leaf);
        if (memcmp(leaf.bytes, out->again.ptr + (size_t)i * MUN_HASH_SIZE, MUN_HASH_SIZE) != 0) {
            return damaged(err, name);
        }
    }
    return mun_cursor_done(&c) ? MUN_OK : damaged(err, name);
}

/* Full tiles were held against the hash above them by the log; the others give the root. */
static mun_code tile_check(mun_tree_out *out, const char *name, int level, uint64_t n,
                           unsigned width, mun_error *err)
{
    if (level == ENTRIES_LEVEL) return bundle_check(out, name, n, width, err);
    if (out->tile.len != (size_t)width * MUN_HASH_SIZE) return damaged(err, name);
    if (width < MUN_TILE_WIDTH) memcpy(out->edge[level], out->tile.ptr, out->tile.len);
    return MUN_OK;
}

static mun_code put_tile(mun_tree_out *out, int level, uint64_t n, unsigned width, mun_error *err)
{
    char name[MUN_TILE_PATH_MAX];
    mun_tile_path(name, level, n, width);
    mun_buf_clear(&out->tile);
    MUN_TRY(mun_log_tile(out->ledger->log, level, n, width, &out->tile, err));
    MUN_TRY(tile_check(out, name, level, n, width, err));
    if (width < MUN_TILE_WIDTH && same_there(out, name, mun_buf_slice(&out->tile))) return MUN_OK;
    return file_put(out, name, mun_buf_slice(&out->tile), err);
}

static bool tile_there(const mun_tree_out *out, int level, uint64_t n, uint64_t have)
{
    char name[MUN_TILE_PATH_MAX];
    if (n >= have) return false;
    mun_tile_path(name, level, n, MUN_TILE_WIDTH);
    return file_there(out, name, level);
}

/* [EXP-1]: every full tile of a level, and the one that is not full. */
static mun_code put_level(mun_tree_out *out, int level, uint64_t hashes, uint64_t have,
                          mun_error *err)
{
    uint64_t full = hashes / MUN_TILE_WIDTH;
    unsigned rest = (unsigned)(hashes % MUN_TILE_WIDTH);
    for (uint64_t n = 0; n < full; n++) {
        if (level == ENTRIES_LEVEL && n % PROGRESS_STEP == 0) {
            mun_watcher_progress(out->watcher, "entries", n * MUN_TILE_WIDTH, out->head.size);
        }
        if (tile_there(out, level, n, have / MUN_TILE_WIDTH)) continue;
        MUN_TRY(put_tile(out, level, n, MUN_TILE_WIDTH, err));
    }
    return rest == 0 ? MUN_OK : put_tile(out, level, full, rest, err);
}

static mun_code edge_node(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    const mun_tree_out *out = ctx;
    unsigned level = height / MUN_TILE_HEIGHT;
    (void)err; /* the tree of head.size asks for nodes of its partial tiles only */
    mun_node_from_tile(out->crypto, out->edge[level], height, index, ret);
    return MUN_OK;
}

static mun_code root_check(mun_tree_out *out, mun_error *err)
{
    mun_hash root;
    mun_node_source source = {.ctx = out, .get = edge_node};
    MUN_TRY(mun_tree_root(out->crypto, &source, out->head.size, &root, err));
    return mun_hash_equal(&root, &out->head.root) ? MUN_OK : damaged(err, "checkpoint");
}

static mun_code put_commits(mun_tree_out *out, mun_error *err)
{
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(MUN_COMMITS_MAX);
    uint64_t end;
    MUN_TRY(
        mun_commits_write(out->crypto, out->ledger->log, 0, out->head.size, 0, &bytes, &end, err));
    if (same_there(out, MUN_COMMITS_FILE, mun_buf_slice(&bytes))) return MUN_OK;
    return mun_tree_out_put(out, MUN_COMMITS_FILE, mun_buf_slice(&bytes), err);
}

mun_code mun_tree_out_tiles(mun_tree_out *out, mun_error *err)
{
    MUN_TRY(put_level(out, ENTRIES_LEVEL, out->head.size, out->have, err));
    uint64_t have = out->have;
    int level = 0;
    for (uint64_t hashes = out->head.size; hashes > 0; hashes /= MUN_TILE_WIDTH, level++) {
        MUN_TRY(put_level(out, level, hashes, have, err));
        have /= MUN_TILE_WIDTH;
    }
    MUN_TRY(root_check(out, err));
    return put_commits(out, err);
}

mun_code mun_checkpoint_head(mun_slice note_text, mun_tree_head *ret, mun_error *err)
{
    mun_note note;
    mun_checkpoint parsed;
    MUN_TRY(mun_note_parse(note_text, &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &parsed, err));
    ret->size = parsed.size;
    memcpy(ret->root.bytes, parsed.root, MUN_HASH_SIZE);
    return MUN_OK;
}

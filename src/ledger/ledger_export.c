/* SPDX-License-Identifier: Apache-2.0 */
/* The static export of docs/format/export.md: what any web server can serve as tlog-tiles, with
 * what an import needs. One size is fixed at the beginning; the log may go on meanwhile. */
#include "ledger/commits.h"
#include "ledger/ledger_parts.h"
#include "ledger/ledger_watch.h"
#include "ledger/staging.h"

#include <stdio.h>

#define EXPORT_LINE   "muniment-export 1\n"
#define LAST_FILE     "export"
#define BUNDLE_MAX    (MUN_TILE_WIDTH * (MUN_ENTRY_MAX + 2))
#define COMMITS_MAX   ((size_t)1 << 30)
#define ENTRIES_LEVEL (-1)
#define PROGRESS_STEP 64

typedef struct exporting {
    mun_ledger *ledger;
    mun_watcher watcher;
    const mun_crypto *crypto;
    const char *out;
    mun_tree_head head;
    mun_buf bytes;                   /* a tile or a bundle */
    char folder[MUN_PATH_BYTES_MAX]; /* made last */
} exporting;

static mun_code put(exporting *e, const char *name, mun_slice bytes, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX], folder[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_path_join(e->out, name, path, err));
    memcpy(folder, path, sizeof folder);
    *strrchr(folder, '/') = '\0';
    if (strcmp(folder, e->folder) != 0) {
        MUN_TRY(mun_dir_make(folder, err));
        memcpy(e->folder, folder, sizeof folder);
    }
    return mun_file_write(path, bytes, MUN_WRITE_NO_SYNC, err);
}

static mun_code put_tile(exporting *e, int level, uint64_t n, unsigned width, mun_error *err)
{
    char name[MUN_TILE_PATH_MAX];
    mun_tile_path(name, level, n, width);
    mun_buf_clear(&e->bytes);
    MUN_TRY(mun_log_tile(e->ledger->log, level, n, width, &e->bytes, err));
    return put(e, name, mun_buf_slice(&e->bytes), err);
}

/* [EXP-1]: every full tile of a level, and the one that is not full. */
static mun_code put_level(exporting *e, int level, uint64_t hashes, mun_error *err)
{
    uint64_t full = hashes / MUN_TILE_WIDTH;
    unsigned rest = (unsigned)(hashes % MUN_TILE_WIDTH);
    for (uint64_t n = 0; n < full; n++) {
        MUN_TRY(put_tile(e, level, n, MUN_TILE_WIDTH, err));
        if (level == ENTRIES_LEVEL && n % PROGRESS_STEP == 0) {
            mun_watcher_progress(&e->watcher, "entries", n * MUN_TILE_WIDTH, e->head.size);
        }
    }
    return rest == 0 ? MUN_OK : put_tile(e, level, full, rest, err);
}

static mun_code put_tree(exporting *e, mun_error *err)
{
    MUN_TRY(put_level(e, ENTRIES_LEVEL, e->head.size, err));
    int level = 0;
    for (uint64_t hashes = e->head.size; hashes > 0; hashes /= MUN_TILE_WIDTH, level++) {
        MUN_TRY(put_level(e, level, hashes, err));
    }
    return MUN_OK;
}

static mun_code put_commits(exporting *e, mun_error *err)
{
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(COMMITS_MAX);
    MUN_TRY(mun_commits_write(e->crypto, e->ledger->log, e->head.size, &bytes, err));
    return put(e, "commits", mun_buf_slice(&bytes), err);
}

static mun_code export_all(exporting *e, mun_slice checkpoint, mun_error *err)
{
    MUN_TRY(put(e, MUN_CHECKPOINT_FILE, checkpoint, err));
    MUN_TRY(put(e, MUN_LEDGER_PUB_FILE, mun_buf_slice(&e->ledger->pub_text), err));
    MUN_TRY(put_tree(e, err));
    MUN_TRY(put_commits(e, err));
    return put(e, LAST_FILE, MUN_LITERAL(EXPORT_LINE), err);
}

/* The size is the checkpoint's, so that both are of one moment. */
static mun_code head_of(mun_slice checkpoint, mun_tree_head *ret, mun_error *err)
{
    mun_note note;
    mun_checkpoint parsed;
    MUN_TRY(mun_note_parse(checkpoint, &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &parsed, err));
    ret->size = parsed.size;
    memcpy(ret->root.bytes, parsed.root, MUN_HASH_SIZE);
    return MUN_OK;
}

static mun_code export_to(exporting *e, const char *out, mun_error *err)
{
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(MUN_CHECKPOINT_MAX);
    mun_staging staging;
    MUN_TRY(mun_ledger_checkpoint(e->ledger, &checkpoint, err));
    MUN_TRY(head_of(mun_buf_slice(&checkpoint), &e->head, err));
    MUN_TRY(mun_staging_begin(out, &staging, err));
    e->out = staging.temp;
    mun_code code = export_all(e, mun_buf_slice(&checkpoint), err);
    if (code == MUN_OK) return mun_staging_commit(&staging, LAST_FILE, err);
    mun_staging_abort(&staging);
    return code;
}

mun_code mun_ledger_export(mun_ledger *ledger, const char *out, const mun_watch *watch,
                           mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    exporting e = {.ledger = ledger, .crypto = crypto, .bytes = mun_buf_growable(BUNDLE_MAX)};
    mun_watcher_init(&e.watcher, watch);
    mun_code code = export_to(&e, out, err);
    mun_watcher_finish(&e.watcher);
    mun_buf_free(&e.bytes);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

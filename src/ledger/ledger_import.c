/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy from an export [EXP-3]. Nothing in the export is believed: the log is made anew from the
 * entries, its root must be the signed one, every tile must be what the new log gives, and every
 * entry must have been admissible where it stands. Only then does the copy get its name.
 */
#include "base/cursor.h"
#include "ledger/replay.h"
#include "ledger/source.h"
#include "ledger/source_times.h"
#include "ledger/staging.h"
#include "ledger/tree_out.h"

#include <muniment/keys.h>
#include <stdio.h>

#define LAST_FILE "format"
#define BATCH_MAX 1024 /* entries appended together */
#define PROGRESS  64   /* bundles between two reports */

typedef struct importing {
    const mun_source *source;
    bool tiles;            /* the tiles are looked at, too [EXP-3] */
    const char *directory; /* being built */
    mun_watcher watcher;
    mun_crypto crypto;
    mun_buf pub_text, checkpoint;
    mun_ledger_pub pub;
    mun_tree_head head; /* signed */
    mun_source_times times;
    uint64_t time_ms, until; /* of the batch; entries below `until` have the same */
    mun_log *log;
    mun_buf bundle, again;
    mun_slice batch[BATCH_MAX];
    size_t batch_len, batch_bytes;
    uint64_t next; /* index of the first entry of the batch */
} importing;

/* ---- Reading the export ------------------------------------------------------------------------
 */

static mun_code read_named(const importing *im, const char *name, size_t max, mun_buf *ret,
                           mun_error *err)
{
    return mun_source_read(im->source, name, max, ret, err);
}

static mun_code invalid(mun_error *err, const char *name, const char *what)
{
    return mun_failf(err, MUN_E_INVALID, 0, "the export's file %s %s; nothing was imported", name,
                     what);
}

static mun_code version_check(const importing *im, mun_error *err)
{
    char line[64] = "";
    mun_buf buf = mun_buf_fixed(line, sizeof line);
    MUN_TRY(read_named(im, MUN_EXPORT_FILE, sizeof line, &buf, err));
    mun_slice text = mun_buf_slice(&buf);
    if (mun_slice_equal(text, MUN_LITERAL(MUN_EXPORT_LINE))) return MUN_OK;
    if (mun_slice_starts(text, MUN_LITERAL("muniment-export "))) {
        return mun_fail(err, MUN_E_VERSION, MUN_NO_OFFSET,
                        "this export was made by a newer version of Muniment, which is needed to "
                        "import it");
    }
    return invalid(err, "export", "does not hold the line \"muniment-export 1\"");
}

static mun_code preamble_read(importing *im, mun_error *err)
{
    MUN_TRY(version_check(im, err));
    MUN_TRY(read_named(im, MUN_LEDGER_PUB_FILE, MUN_LEDGER_PUB_MAX, &im->pub_text, err));
    MUN_TRY(mun_ledger_pub_parse(&im->crypto, mun_buf_slice(&im->pub_text), &im->pub, err));
    mun_tree head;
    MUN_TRY(mun_source_checkpoint(im->source, &im->crypto, &im->pub, &im->checkpoint, &head, err));
    im->head.size = head.size;
    memcpy(im->head.root.bytes, head.root, MUN_HASH_SIZE);
    mun_source_times_init(&im->times, im->source, &im->crypto, im->head.size);
    return mun_source_times_at(&im->times, 0, &im->time_ms, &im->until, err);
}

/* ---- Entries --------------------------------------------------------------------------------- */

static mun_code batch_append(importing *im, mun_error *err)
{
    if (im->batch_len == 0) return MUN_OK;
    MUN_TRY(mun_log_append_at(im->log, im->batch, im->batch_len, im->time_ms, NULL, err));
    im->next += im->batch_len;
    im->batch_len = 0;
    im->batch_bytes = 0;
    return MUN_OK;
}

/* A batch has one registration time, and it must fit the journal. */
static mun_code entry_take(importing *im, mun_slice entry, mun_error *err)
{
    uint64_t index = im->next + im->batch_len;
    size_t room = MUN_BATCH_BYTES_MAX - im->batch_bytes;
    if (im->batch_len == BATCH_MAX || entry.len + 2 > room || index >= im->until) {
        MUN_TRY(batch_append(im, err));
    }
    if (index >= im->until) {
        MUN_TRY(mun_source_times_at(&im->times, index, &im->time_ms, &im->until, err));
    }
    im->batch[im->batch_len++] = entry;
    im->batch_bytes += entry.len + 2;
    return MUN_OK;
}

static mun_code bundle_take(importing *im, uint64_t n, unsigned width, mun_error *err)
{
    MUN_TRY(mun_source_tile(im->source, -1, n, width, &im->bundle, err));
    mun_cursor c = mun_cursor_over(mun_buf_slice(&im->bundle));
    for (unsigned i = 0; i < width; i++) {
        MUN_TRY(entry_take(im, mun_cursor_take(&c, mun_cursor_u16(&c)), err));
    }
    return batch_append(im, err); /* the entries lie in the bundle's buffer */
}

static mun_code entries_import(importing *im, mun_error *err)
{
    uint64_t bundles = im->head.size / MUN_TILE_WIDTH;
    unsigned rest = (unsigned)(im->head.size % MUN_TILE_WIDTH);
    for (uint64_t n = 0; n < bundles; n++) {
        MUN_TRY(bundle_take(im, n, MUN_TILE_WIDTH, err));
        if (n % PROGRESS == 0) {
            mun_watcher_progress(&im->watcher, "entries", im->next, im->head.size);
        }
    }
    if (rest != 0) MUN_TRY(bundle_take(im, bundles, rest, err));
    mun_tree_head head = mun_log_head(im->log);
    if (head.size == im->head.size && mun_hash_equal(&head.root, &im->head.root)) return MUN_OK;
    return mun_fail(err, MUN_E_INVALID, MUN_NO_OFFSET,
                    "the export's entries do not give the root that its checkpoint signs: an entry "
                    "was altered; nothing was imported");
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

static mun_code tile_check(importing *im, int level, uint64_t n, unsigned width, mun_error *err)
{
    char name[MUN_TILE_PATH_MAX];
    mun_tile_path(name, level, n, width);
    MUN_TRY(read_named(im, name, MUN_TILE_BYTES, &im->bundle, err));
    mun_buf_clear(&im->again);
    MUN_TRY(mun_log_tile(im->log, level, n, width, &im->again, err));
    if (mun_slice_equal(mun_buf_slice(&im->bundle), mun_buf_slice(&im->again))) return MUN_OK;
    return invalid(err, name, "is not what the entries give");
}

static mun_code tiles_check(importing *im, mun_error *err)
{
    int level = 0;
    for (uint64_t hashes = im->head.size; hashes > 0; hashes /= MUN_TILE_WIDTH, level++) {
        uint64_t full = hashes / MUN_TILE_WIDTH;
        unsigned rest = (unsigned)(hashes % MUN_TILE_WIDTH);
        for (uint64_t n = 0; n < full; n++) {
            MUN_TRY(tile_check(im, level, n, MUN_TILE_WIDTH, err));
        }
        if (rest != 0) MUN_TRY(tile_check(im, level, full, rest, err));
    }
    return MUN_OK;
}

/* ---- The copy -------------------------------------------------------------------------------- */

static mun_code log_make(importing *im, const mun_vfs *vfs, mun_error *err)
{
    mun_log_config config = mun_ledger_log_config(vfs, im->pub.origin);
    config.no_dedup = true;
    MUN_TRY(mun_log_create(&config, err));
    MUN_TRY(mun_log_open(&config, &im->log, err));
    mun_code code = entries_import(im, err);
    if (code == MUN_OK && im->tiles) code = tiles_check(im, err);
    mun_code closed = mun_log_close(im->log, code == MUN_OK ? err : NULL);
    im->log = NULL;
    return code == MUN_OK ? closed : code;
}

static mun_code files_make(importing *im, mun_error *err)
{
    mun_vfs vfs;
    MUN_TRY(mun_ledger_file_write(im->directory, MUN_COPY_FILE, MUN_LITERAL("muniment-copy 1\n"), 0,
                                  err));
    MUN_TRY(mun_ledger_file_write(im->directory, MUN_LEDGER_PUB_FILE, mun_buf_slice(&im->pub_text),
                                  0, err));
    MUN_TRY(mun_ledger_file_write(im->directory, MUN_CHECKPOINT_FILE,
                                  mun_buf_slice(&im->checkpoint), 0, err));
    MUN_TRY(mun_vfs_posix_open(im->directory, &vfs, err));
    mun_code code = log_make(im, &vfs, err);
    if (code == MUN_OK) code = vfs.sync_dir(vfs.ctx, "", err);
    mun_vfs_posix_close(&vfs);
    return code;
}

/* Damage here is the export's, not a ledger's. */
static mun_code replay_check(importing *im, mun_ledger *ledger, mun_error *err)
{
    MUN_TRY(mun_replay_entries(ledger, &im->watcher, err));
    if (mun_watcher_verdict(&im->watcher, err) == MUN_OK) return MUN_OK;
    if (err != NULL) err->code = MUN_E_INVALID;
    return mun_error_prefix(err, MUN_E_INVALID, "the export is not a ledger's");
}

static mun_code copy_check(importing *im, mun_error *err)
{
    mun_ledger *ledger = NULL;
    mun_ledger_open_options options = {.read_only = true, .no_index = true, .no_keys = true};
    MUN_TRY(mun_ledger_open(im->directory, &options, &ledger, err));
    mun_code code = replay_check(im, ledger, err);
    if (code == MUN_OK) code = mun_index_make_anew(ledger, &im->watcher, err);
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    return code == MUN_OK ? closed : code;
}

static mun_code import_to(importing *im, const char *directory, mun_error *err)
{
    mun_staging staging;
    MUN_TRY(mun_native_crypto_new(&im->crypto, err));
    MUN_TRY(preamble_read(im, err));
    MUN_TRY(mun_staging_begin(directory, &staging, err));
    im->directory = staging.temp;
    mun_code code = files_make(im, err);
    if (code == MUN_OK) code = copy_check(im, err);
    if (code == MUN_OK) return mun_staging_commit(&staging, LAST_FILE, err);
    mun_staging_abort(&staging);
    return code;
}

static mun_code import(const mun_source *source, bool tiles, const char *directory,
                       const mun_watch *watch, mun_error *err)
{
    importing im = {.source = source,
                    .tiles = tiles,
                    .pub_text = mun_buf_growable(MUN_LEDGER_PUB_MAX),
                    .checkpoint = mun_buf_growable(MUN_NOTE_MAX),
                    .bundle = mun_buf_growable(MUN_TREE_BUNDLE_MAX),
                    .again = mun_buf_growable(MUN_TREE_BUNDLE_MAX)};
    mun_watcher_init(&im.watcher, watch);
    mun_code code = import_to(&im, directory, err);
    mun_watcher_finish(&im.watcher);
    mun_native_crypto_free(&im.crypto);
    mun_buf_free(&im.pub_text);
    mun_buf_free(&im.checkpoint);
    mun_source_times_finish(&im.times);
    mun_buf_free(&im.bundle);
    mun_buf_free(&im.again);
    return code;
}

mun_code mun_ledger_import(const char *exported, const char *directory, const mun_watch *watch,
                           mun_error *err)
{
    mun_source source = mun_source_folder(exported);
    return import(&source, true, directory, watch, err);
}

mun_code mun_ledger_import_from(const mun_source *source, const char *directory,
                                const mun_watch *watch, mun_error *err)
{
    return import(source, false, directory, watch, err);
}

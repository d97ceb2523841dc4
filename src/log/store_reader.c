/* SPDX-License-Identifier: Apache-2.0 */
#include "log/store_reader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "log/log.h"
#include "log/store_layout.h"

#define SEGMENTS_OPEN 8  /* segment files kept open */
#define REPLACED_MAX  16 /* files that a rebuild replaced under a reader */
#define TORN_RETRIES  64 /* the writer rewrites the last commit block; a torn read is read again */

typedef struct open_segment {
    mun_file *file;
    uint64_t number;
    uint64_t used; /* for the choice of the one to close */
    unsigned holders;
} open_segment;

struct mun_reader {
    const mun_vfs *vfs;
    pthread_mutex_t lock; /* segments, and opening */
    _Atomic(mun_file *) file[MUN_STREAMS];
    mun_file *replaced[REPLACED_MAX]; /* other threads may still read them */
    unsigned replaced_len;
    open_segment segment[SEGMENTS_OPEN];
    uint64_t clock;
};

mun_code mun_reader_new(const mun_vfs *vfs, mun_reader **ret, mun_error *err)
{
    mun_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for a ledger's files");
    }
    reader->vfs = vfs;
    pthread_mutex_init(&reader->lock, NULL);
    *ret = reader;
    return MUN_OK;
}

void mun_reader_free(mun_reader *reader)
{
    if (reader == NULL) return;
    const mun_vfs *vfs = reader->vfs;
    for (unsigned s = 0; s < MUN_STREAMS; s++) vfs->close(vfs->ctx, atomic_load(&reader->file[s]));
    for (unsigned i = 0; i < reader->replaced_len; i++) vfs->close(vfs->ctx, reader->replaced[i]);
    for (unsigned i = 0; i < SEGMENTS_OPEN; i++) vfs->close(vfs->ctx, reader->segment[i].file);
    pthread_mutex_destroy(&reader->lock);
    free(reader);
}

/* ---- files -----------------------------------------------------------------------------------*/

static mun_code open_file(mun_reader *reader, unsigned stream, uint64_t n, mun_file **ret,
                          mun_error *err)
{
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, stream, n);
    mun_code code = reader->vfs->open(reader->vfs->ctx, name, MUN_OPEN_READ, ret, err);
    if (code != MUN_E_NOT_FOUND) return code;
    return mun_damage(err, name, 0, MUN_NO_OFFSET, "the file is missing");
}

static mun_code stream_file(mun_reader *reader, unsigned stream, mun_file **ret, mun_error *err)
{
    mun_file *file = atomic_load_explicit(&reader->file[stream], memory_order_acquire);
    mun_code code = MUN_OK;
    if (file == NULL) {
        pthread_mutex_lock(&reader->lock);
        file = atomic_load(&reader->file[stream]);
        if (file == NULL) code = open_file(reader, stream, 0, &file, err);
        if (code == MUN_OK) atomic_store(&reader->file[stream], file);
        pthread_mutex_unlock(&reader->lock);
    }
    if (code == MUN_OK) *ret = file;
    return code;
}

/* With the lock: the slot of that segment, or the longest unused one that nobody holds, or NULL. */
static open_segment *segment_slot(mun_reader *reader, uint64_t number)
{
    open_segment *oldest = NULL;
    for (unsigned i = 0; i < SEGMENTS_OPEN; i++) {
        open_segment *slot = &reader->segment[i];
        if (slot->file != NULL && slot->number == number) return slot;
        if (slot->holders == 0 && (oldest == NULL || slot->used < oldest->used)) oldest = slot;
    }
    return oldest;
}

/* A segment's file; *ret_slot is NULL when it was opened for this use alone. */
static mun_code hold_segment(mun_reader *reader, uint64_t number, mun_file **ret,
                             open_segment **ret_slot, mun_error *err)
{
    mun_code code = MUN_OK;
    pthread_mutex_lock(&reader->lock);
    open_segment *slot = segment_slot(reader, number);
    if (slot == NULL) {
        code = open_file(reader, MUN_STREAM_SEGMENT, number, ret, err);
    } else if (slot->file == NULL || slot->number != number) {
        reader->vfs->close(reader->vfs->ctx, slot->file);
        slot->file = NULL;
        code = open_file(reader, MUN_STREAM_SEGMENT, number, &slot->file, err);
        slot->number = number;
    }
    if (code == MUN_OK && slot != NULL) {
        slot->holders++;
        slot->used = ++reader->clock;
        *ret = slot->file;
    }
    if (code == MUN_OK) *ret_slot = slot;
    pthread_mutex_unlock(&reader->lock);
    return code;
}

static void release_segment(mun_reader *reader, mun_file *file, open_segment *slot)
{
    if (slot == NULL) {
        reader->vfs->close(reader->vfs->ctx, file);
        return;
    }
    pthread_mutex_lock(&reader->lock);
    slot->holders--;
    pthread_mutex_unlock(&reader->lock);
}

static mun_code too_short(unsigned stream, uint64_t n, uint64_t end, mun_error *err)
{
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, stream, n);
    return mun_damage(err, name, end, MUN_NO_OFFSET, "the file ends too early");
}

static mun_code read_exactly(mun_reader *reader, mun_file *file, unsigned stream, uint64_t n,
                             uint64_t at, void *ret, size_t len, mun_error *err)
{
    size_t got = 0;
    MUN_TRY(reader->vfs->read(reader->vfs->ctx, file, at, ret, len, &got, err));
    return got == len ? MUN_OK : too_short(stream, n, at + got, err);
}

/* With the lock: whether another file has the stream's name now that reaches to end; it is then
 * the stream's. The old one stays open for those that read it. */
static bool take_replacement(mun_reader *reader, unsigned stream, uint64_t end)
{
    const mun_vfs *vfs = reader->vfs;
    mun_file *file = NULL;
    uint64_t size = 0;
    if (reader->replaced_len == REPLACED_MAX) return false;
    if (open_file(reader, stream, 0, &file, NULL) != MUN_OK) return false;
    if (vfs->size(vfs->ctx, file, &size, NULL) != MUN_OK || size < end) {
        vfs->close(vfs->ctx, file);
        return false;
    }
    reader->replaced[reader->replaced_len++] = atomic_exchange(&reader->file[stream], file);
    return true;
}

/* A file that is too short may have been replaced: a rebuild, while a reader in another process had
 * it open, made a new one of that name. */
static bool is_replaced(mun_reader *reader, unsigned stream, const mun_file *old, uint64_t end)
{
    pthread_mutex_lock(&reader->lock);
    bool replaced = atomic_load(&reader->file[stream]) != old;
    if (!replaced) replaced = take_replacement(reader, stream, end);
    pthread_mutex_unlock(&reader->lock);
    return replaced;
}

static mun_code read_stream(mun_reader *reader, unsigned stream, uint64_t at, void *ret, size_t len,
                            mun_error *err)
{
    mun_file *file;
    size_t got = 0;
    MUN_TRY(stream_file(reader, stream, &file, err));
    MUN_TRY(reader->vfs->read(reader->vfs->ctx, file, at, ret, len, &got, err));
    if (got == len) return MUN_OK;
    if (!is_replaced(reader, stream, file, at + len)) return too_short(stream, 0, at + got, err);
    MUN_TRY(stream_file(reader, stream, &file, err));
    return read_exactly(reader, file, stream, 0, at, ret, len, err);
}

/* ---- hashes ----------------------------------------------------------------------------------*/

mun_code mun_reader_hashes(mun_reader *reader, unsigned level, uint64_t first, uint32_t count,
                           mun_hash *ret, mun_error *err)
{
    MUN_ASSERT(level < MUN_LOG_LEVELS);
    return read_stream(reader, MUN_STREAM_LEVEL + level, first * MUN_HASH_SIZE, ret,
                       (size_t)count * MUN_HASH_SIZE, err);
}

void mun_tile_window_open(mun_tile_window *ret, mun_reader *reader, uint64_t size)
{
    ret->reader = reader;
    ret->size = size;
    for (unsigned level = 0; level < MUN_LOG_LEVELS; level++) ret->tile[level].count = 0;
}

mun_code mun_tile_window_read(void *ctx, unsigned level, uint64_t first, uint32_t count,
                              mun_hash *ret, mun_error *err)
{
    mun_tile_window *w = ctx;
    uint64_t have = w->size >> (level * MUN_LOG_TILE_BITS);
    MUN_ASSERT(first + count <= have && count <= MUN_LOG_TILE_WIDTH);
    if (w->tile[level].count == 0 || first < w->tile[level].first ||
        first + count > w->tile[level].first + w->tile[level].count) {
        uint64_t at = first / MUN_LOG_TILE_WIDTH * MUN_LOG_TILE_WIDTH;
        uint64_t left = have - at;
        uint32_t width = left < MUN_LOG_TILE_WIDTH ? (uint32_t)left : MUN_LOG_TILE_WIDTH;
        w->tile[level].count = 0;
        MUN_TRY(mun_reader_hashes(w->reader, level, at, width, w->tile[level].hash, err));
        w->tile[level].first = at;
        w->tile[level].count = width;
    }
    memcpy(ret, &w->tile[level].hash[first - w->tile[level].first], count * sizeof *ret);
    return MUN_OK;
}

/* ---- entries ---------------------------------------------------------------------------------*/

static uint64_t u32_at(const uint8_t *p)
{
    return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
}

static bool segment_ends(uint64_t index, uint64_t size)
{
    return index == size || index % MUN_LOG_SEGMENT_ENTRIES == 0;
}

/* Where records first .. end-1 lie in their segment; the last one's length may need a look. */
static mun_code record_range(mun_reader *reader, mun_file *segment, uint64_t first, uint64_t end,
                             uint64_t size, uint64_t *ret_from, uint64_t *ret_to, mun_error *err)
{
    const uint64_t number = first / MUN_LOG_SEGMENT_ENTRIES;
    uint8_t at[4];
    MUN_TRY(read_stream(reader, MUN_STREAM_OFFSETS, 4 * first, at, sizeof at, err));
    uint64_t from = u32_at(at);
    uint64_t to;
    bool open_end = segment_ends(end, size);
    MUN_TRY(read_stream(reader, MUN_STREAM_OFFSETS, 4 * (open_end ? end - 1 : end), at, sizeof at,
                        err));
    to = u32_at(at);
    if (open_end) {
        uint8_t len[2];
        MUN_TRY(
            read_exactly(reader, segment, MUN_STREAM_SEGMENT, number, to, len, sizeof len, err));
        to += 2u + ((uint64_t)len[0] << 8 | len[1]);
    }
    if (to <= from || to - from > (end - first) * (2u + MUN_ENTRY_MAX)) {
        return mun_damage(err, MUN_FILE_OFFSETS, 4 * first, first,
                          "the entry's place is not possible");
    }
    *ret_from = from;
    *ret_to = to;
    return MUN_OK;
}

static mun_code records_in(mun_reader *reader, mun_file *segment, uint64_t first, uint32_t count,
                           uint64_t size, mun_buf *ret, uint64_t *ret_at, mun_error *err)
{
    uint64_t from = 0, to = 0;
    MUN_TRY(record_range(reader, segment, first, first + count, size, &from, &to, err));
    uint8_t *out = mun_buf_reserve(ret, (size_t)(to - from));
    if (out == NULL) {
        return mun_buf_fail(ret, err, "the entries do not fit the buffer");
    }
    *ret_at = from;
    return read_exactly(reader, segment, MUN_STREAM_SEGMENT, first / MUN_LOG_SEGMENT_ENTRIES, from,
                        out, (size_t)(to - from), err);
}

static mun_code read_records(mun_reader *reader, uint64_t first, uint32_t count, uint64_t size,
                             mun_buf *ret, uint64_t *ret_at, mun_error *err)
{
    MUN_ASSERT(count >= 1 && first + count <= size);
    uint64_t number = first / MUN_LOG_SEGMENT_ENTRIES;
    MUN_ASSERT((first + count - 1) / MUN_LOG_SEGMENT_ENTRIES == number);
    mun_file *segment;
    open_segment *slot;
    MUN_TRY(hold_segment(reader, number, &segment, &slot, err));
    mun_code code = records_in(reader, segment, first, count, size, ret, ret_at, err);
    release_segment(reader, segment, slot);
    return code;
}

mun_code mun_reader_records(mun_reader *reader, uint64_t first, uint32_t count, uint64_t size,
                            mun_buf *ret, mun_error *err)
{
    uint64_t at;
    return read_records(reader, first, count, size, ret, &at, err);
}

mun_code mun_reader_entry(mun_reader *reader, const mun_crypto *crypto, uint64_t index,
                          uint64_t size, mun_buf *ret, mun_hash *ret_leaf, mun_error *err)
{
    uint8_t record[2 + MUN_ENTRY_MAX];
    mun_buf buf = mun_buf_fixed(record, sizeof record);
    char name[MUN_FILE_NAME_MAX];
    uint64_t at = 0;
    mun_hash want, leaf;
    mun_stream_name(name, MUN_STREAM_SEGMENT, index / MUN_LOG_SEGMENT_ENTRIES);
    MUN_TRY(read_records(reader, index, 1, size, &buf, &at, err));
    size_t len = (size_t)record[0] << 8 | record[1];
    if (buf.len != 2 + len) {
        return mun_damage(err, name, at, index,
                          "the entry's length does not fit the place of the next one");
    }
    mun_slice entry = mun_slice_of(record + 2, len);
    MUN_TRY(mun_reader_hashes(reader, 0, index, 1, &want, err));
    mun_hash_leaf(crypto, entry, &leaf);
    if (!mun_hash_equal(&leaf, &want)) {
        return mun_damage(err, name, at, index, "the entry does not match its hash in hashes/0");
    }
    mun_buf_put(ret, entry);
    if (!mun_buf_ok(ret)) {
        return mun_buf_fail(ret, err, "the entry does not fit the buffer");
    }
    if (ret_leaf != NULL) *ret_leaf = leaf;
    return MUN_OK;
}

/* ---- registration times ----------------------------------------------------------------------*/

static mun_code commit_blocks(mun_reader *reader, uint64_t *ret, mun_error *err)
{
    mun_file *file;
    uint64_t size;
    MUN_TRY(stream_file(reader, MUN_STREAM_COMMITS, &file, err));
    MUN_TRY(reader->vfs->size(reader->vfs->ctx, file, &size, err));
    *ret = size / MUN_LOG_BLOCK;
    return MUN_OK;
}

static mun_code commit_block(mun_reader *reader, const mun_crypto *crypto, uint64_t n,
                             uint8_t *ret_block, mun_error *err)
{
    for (int tries = 0; tries < TORN_RETRIES; tries++) {
        MUN_TRY(read_stream(reader, MUN_STREAM_COMMITS, n * MUN_LOG_BLOCK, ret_block, MUN_LOG_BLOCK,
                            err));
        if (mun_commit_sound(ret_block, MUN_LOG_COMMITS_IN_BLOCK, crypto)) return MUN_OK;
    }
    return mun_damage(err, MUN_FILE_COMMITS, n * MUN_LOG_BLOCK, MUN_NO_OFFSET,
                      "the registration times here do not match their digest");
}

/* Whether the record is one of an entry at or before index; unused records are zero. */
static bool at_or_before(const uint8_t *block, unsigned i, uint64_t index)
{
    uint64_t first, time;
    mun_commit_get(block, i, &first, &time);
    return first <= index && (first | time) != 0;
}

/* The last block whose first record is at or before the entry; not yet checked by digest. */
static mun_code find_block(mun_reader *reader, uint64_t blocks, uint64_t index, uint64_t *ret,
                           mun_error *err)
{
    uint64_t low = 0;
    while (blocks - low > 1) {
        uint64_t middle = low + (blocks - low) / 2;
        uint8_t record[16];
        MUN_TRY(read_stream(reader, MUN_STREAM_COMMITS, middle * MUN_LOG_BLOCK, record,
                            sizeof record, err));
        if (at_or_before(record, 0, index)) {
            low = middle;
        } else {
            blocks = middle;
        }
    }
    *ret = low;
    return MUN_OK;
}

/* Record number of the one that gives the entry's time, and that record's block. */
static mun_code find_commit(mun_reader *reader, const mun_crypto *crypto, uint64_t index,
                            uint8_t *ret_block, uint64_t *ret, mun_error *err)
{
    uint64_t blocks, n;
    MUN_TRY(commit_blocks(reader, &blocks, err));
    if (blocks == 0) {
        return mun_damage(err, MUN_FILE_COMMITS, 0, index, "the registration times are missing");
    }
    MUN_TRY(find_block(reader, blocks, index, &n, err));
    MUN_TRY(commit_block(reader, crypto, n, ret_block, err));
    unsigned i = 0;
    while (i < MUN_LOG_COMMITS_IN_BLOCK && at_or_before(ret_block, i, index)) i++;
    if (i == MUN_LOG_COMMITS_IN_BLOCK && n + 1 < blocks) {
        uint8_t next[MUN_LOG_BLOCK];
        MUN_TRY(commit_block(reader, crypto, n + 1, next, err));
        if (at_or_before(next, 0, index)) i = 0; /* the search was led astray */
    }
    if (i == 0 && index != 0) {
        return mun_damage(err, MUN_FILE_COMMITS, n * MUN_LOG_BLOCK, index,
                          "the registration times are not in order");
    }
    *ret = n * MUN_LOG_COMMITS_IN_BLOCK + (i == 0 ? 0 : i - 1);
    return MUN_OK;
}

mun_code mun_reader_time(mun_reader *reader, const mun_crypto *crypto, uint64_t index,
                         uint64_t *ret, mun_error *err)
{
    uint8_t block[MUN_LOG_BLOCK];
    uint64_t i, first;
    MUN_TRY(find_commit(reader, crypto, index, block, &i, err));
    mun_commit_get(block, (unsigned)(i % MUN_LOG_COMMITS_IN_BLOCK), &first, ret);
    return MUN_OK;
}

mun_code mun_time_walk_start(mun_time_walk *ret, mun_reader *reader, const mun_crypto *crypto,
                             uint64_t index, mun_error *err)
{
    uint64_t first;
    ret->reader = reader;
    ret->crypto = crypto;
    MUN_TRY(find_commit(reader, crypto, index, ret->block, &ret->record, err));
    ret->block_number = ret->record / MUN_LOG_COMMITS_IN_BLOCK;
    mun_commit_get(ret->block, (unsigned)(ret->record % MUN_LOG_COMMITS_IN_BLOCK), &first,
                   &ret->time);
    return MUN_OK;
}

/* Makes block_number the block of that record; false: there is none. */
static mun_code walk_to_block(mun_time_walk *walk, uint64_t record, bool *ret_there, mun_error *err)
{
    uint64_t n = record / MUN_LOG_COMMITS_IN_BLOCK;
    uint64_t blocks;
    *ret_there = true;
    if (n == walk->block_number) return MUN_OK;
    MUN_TRY(commit_blocks(walk->reader, &blocks, err));
    if (n >= blocks) {
        *ret_there = false;
        return MUN_OK;
    }
    MUN_TRY(commit_block(walk->reader, walk->crypto, n, walk->block, err));
    walk->block_number = n;
    return MUN_OK;
}

mun_code mun_time_walk_next(mun_time_walk *walk, uint64_t index, uint64_t *ret, mun_error *err)
{
    for (;;) {
        bool there;
        uint64_t first;
        uint64_t next = walk->record + 1;
        unsigned i = (unsigned)(next % MUN_LOG_COMMITS_IN_BLOCK);
        MUN_TRY(walk_to_block(walk, next, &there, err));
        if (!there || !at_or_before(walk->block, i, index)) break;
        mun_commit_get(walk->block, i, &first, &walk->time);
        walk->record = next;
    }
    *ret = walk->time;
    return MUN_OK;
}

mun_code mun_time_walk_change(mun_time_walk *walk, uint64_t end, bool *ret_there,
                              uint64_t *ret_first, mun_error *err)
{
    bool there = true, changed = false;
    uint64_t first = 0;
    while (!changed) {
        uint64_t next = walk->record + 1, before = walk->time;
        unsigned i = (unsigned)(next % MUN_LOG_COMMITS_IN_BLOCK);
        MUN_TRY(walk_to_block(walk, next, &there, err));
        if (!there || !at_or_before(walk->block, i, end - 1)) break;
        mun_commit_get(walk->block, i, &first, &walk->time);
        walk->record = next;
        changed = walk->time != before;
    }
    *ret_there = changed;
    if (changed) *ret_first = first;
    return MUN_OK;
}

mun_code mun_reader_batches(mun_reader *reader, const mun_crypto *crypto, uint64_t *ret,
                            uint64_t *ret_last_time, mun_error *err)
{
    uint8_t block[MUN_LOG_BLOCK];
    uint64_t blocks, first;
    uint64_t time = 0;
    unsigned i = 0;
    MUN_TRY(commit_blocks(reader, &blocks, err));
    if (blocks > 0) MUN_TRY(commit_block(reader, crypto, blocks - 1, block, err));
    while (blocks > 0 && i < MUN_LOG_COMMITS_IN_BLOCK && at_or_before(block, i, UINT64_MAX)) {
        mun_commit_get(block, i++, &first, &time);
    }
    *ret = blocks == 0 ? 0 : (blocks - 1) * MUN_LOG_COMMITS_IN_BLOCK + i;
    *ret_last_time = time;
    return MUN_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "log/store_streams.h"

#include <stdlib.h>

#include "base/assert.h"

#define OFFSETS_STEP   1024u /* offsets encoded on the stack at a time */
#define WARM_SEGMENTS  2u    /* newest finished segments that stay in the page cache */
#define SEGMENT_DIGITS 10

mun_code mun_streams_init(mun_streams *ret, const mun_vfs *vfs, mun_error *err)
{
    mun_streams streams = {.vfs = vfs};
    streams.tails = calloc(MUN_STREAMS, MUN_LOG_BLOCK);
    if (streams.tails == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for the log's streams");
    }
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        streams.stream[s].tail = streams.tails + (size_t)s * MUN_LOG_BLOCK;
    }
    *ret = streams;
    return MUN_OK;
}

void mun_streams_finish(mun_streams *streams)
{
    for (unsigned s = 0; s < MUN_STREAMS && streams->vfs != NULL; s++) {
        streams->vfs->close(streams->vfs->ctx, streams->stream[s].file);
    }
    free(streams->tails);
    *streams = (mun_streams){0};
}

static uint64_t segment_of(uint64_t index)
{
    return index / MUN_LOG_SEGMENT_ENTRIES;
}

mun_code mun_streams_make_files(const mun_vfs *vfs, mun_error *err)
{
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        if (s == MUN_STREAM_SEGMENT) continue;
        char name[MUN_FILE_NAME_MAX];
        mun_file *file;
        mun_stream_name(name, s, 0);
        MUN_TRY(vfs->open(vfs->ctx, name, MUN_OPEN_WRITE | MUN_OPEN_CREATE, &file, err));
        mun_code code = vfs->truncate(vfs->ctx, file, 0, err);
        if (code == MUN_OK) code = vfs->sync(vfs->ctx, file, err);
        vfs->close(vfs->ctx, file);
        if (code != MUN_OK) return code;
    }
    return MUN_OK;
}

/* ---- opening ---------------------------------------------------------------------------------*/

static mun_code open_stream(mun_streams *streams, unsigned s, uint64_t segment, unsigned mode,
                            mun_error *err)
{
    const mun_vfs *vfs = streams->vfs;
    mun_stream *st = &streams->stream[s];
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, s, segment);
    mun_code code = vfs->open(vfs->ctx, name, mode, &st->file, err);
    if (code == MUN_E_NOT_FOUND) {
        return mun_damage(err, name, 0, streams->size, "the file is missing");
    }
    if (code != MUN_OK) return code;
    uint64_t size;
    MUN_TRY(vfs->size(vfs->ctx, st->file, &size, err));
    if (size < st->len / MUN_LOG_BLOCK * MUN_LOG_BLOCK) {
        return mun_damage(err, name, size, MUN_NO_OFFSET,
                          "the file ends here, before what was made durable in it");
    }
    return MUN_OK;
}

#ifdef MUN_FAULT_NO_TAIL
/* Planted: the last partial block is believed as the file shows it. */
static mun_code read_tail(mun_streams *streams, mun_stream *st, mun_error *err)
{
    uint64_t at = st->len / MUN_LOG_BLOCK * MUN_LOG_BLOCK;
    if (st == &streams->stream[MUN_STREAM_COMMITS]) {
        if (streams->batches % MUN_LOG_COMMITS_IN_BLOCK == 0) return MUN_OK;
        at = st->len - MUN_LOG_BLOCK;
    }
    size_t got = 0;
    size_t want = (size_t)(st->len - at);
    return streams->vfs->read(streams->vfs->ctx, st->file, at, st->tail, want, &got, err);
}
#endif

mun_code mun_streams_open(mun_streams *streams, const mun_superblock *sb, const uint8_t *tails,
                          unsigned mode, mun_error *err)
{
    memcpy(streams->tails, tails, (size_t)MUN_STREAMS * MUN_LOG_BLOCK);
    streams->size = sb->size;
    streams->segment_entries = sb->size;
    streams->batches = sb->batches;
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        mun_stream *st = &streams->stream[s];
        st->len = mun_stream_length(s, sb->size, sb->batches, sb->segment_bytes);
        st->written = st->len;
        st->hinted = st->len;
        bool between = s == MUN_STREAM_SEGMENT && sb->size % MUN_LOG_SEGMENT_ENTRIES == 0;
        if (between) continue;
        MUN_TRY(open_stream(streams, s, segment_of(sb->size), mode, err));
#ifdef MUN_FAULT_NO_TAIL
        MUN_TRY(read_tail(streams, st, err));
#endif
    }
    return MUN_OK;
}

#ifdef MUN_FAULT_SKIP_SAME
/* Planted: bytes that the page cache shows are taken for bytes on the disk. */
static bool looks_right(mun_streams *streams, mun_file *file, uint64_t at, const void *bytes,
                        size_t len)
{
    uint8_t *found = malloc(len);
    size_t got = 0;
    bool same = found != NULL &&
                streams->vfs->read(streams->vfs->ctx, file, at, found, len, &got, NULL) == MUN_OK &&
                got == len && memcmp(found, bytes, len) == 0;
    free(found);
    return same;
}
#endif

static mun_code write_at(mun_streams *streams, mun_stream *st, uint64_t at, const void *bytes,
                         size_t len, mun_error *err)
{
#ifdef MUN_FAULT_SKIP_SAME
    if (streams->recovering && looks_right(streams, st->file, at, bytes, len)) return MUN_OK;
#endif
    st->dirty = true;
    return streams->vfs->write(streams->vfs->ctx, st->file, at, bytes, len, err);
}

/* Also where the file shows this length already: after a failed sync the disk may know another one,
 * and only a change of the length is sure to reach it. No reader is behind the end. */
static mun_code cut(mun_streams *streams, mun_stream *st, mun_error *err)
{
#ifdef MUN_FAULT_NO_CUT
    (void)streams, (void)st, (void)err;
    return MUN_OK;
#else
    const mun_vfs *vfs = streams->vfs;
    if (st->file == NULL) return MUN_OK;
    st->dirty = true;
#ifndef MUN_FAULT_SAME_LENGTH
    MUN_TRY(vfs->truncate(vfs->ctx, st->file, st->len + 1, err));
#endif
    return vfs->truncate(vfs->ctx, st->file, st->len, err);
#endif
}

/* Recovery steps 2 and 8: written again even where the file shows the same bytes, because after a
 * kill or a failed sync the page cache can show bytes that are not on the disk. */
static mun_code restore_stream(mun_streams *streams, unsigned s, mun_error *err)
{
    mun_stream *st = &streams->stream[s];
    if (st->file == NULL) return MUN_OK;
    st->dirty = true;
#ifdef MUN_FAULT_EARLY_CUT
    MUN_TRY(cut(streams, st, err));
#endif
#ifndef MUN_FAULT_NO_TAIL
    if (s == MUN_STREAM_COMMITS) {
        streams->commits_dirty = streams->batches % MUN_LOG_COMMITS_IN_BLOCK != 0;
        return MUN_OK;
    }
    uint64_t used = st->len % MUN_LOG_BLOCK;
    if (used != 0) MUN_TRY(write_at(streams, st, st->len - used, st->tail, (size_t)used, err));
#else
    (void)err;
#endif
    return MUN_OK;
}

typedef struct later_segments {
    uint64_t keep; /* segments below this number */
    uint64_t found;
    bool any;
} later_segments;

static void find_later(void *ctx, const char *entry)
{
    later_segments *later = ctx;
    uint64_t n = 0;
    size_t len = 0;
    for (; entry[len] >= '0' && entry[len] <= '9'; len++) n = n * 10 + (uint64_t)(entry[len] - '0');
    if (len != SEGMENT_DIGITS || entry[len] != '\0' || n < later->keep) return;
    later->found = n;
    later->any = true;
}

/* One at a time, so that nothing is allocated for names; there are few. */
static mun_code remove_later_segments(mun_streams *streams, mun_error *err)
{
    const mun_vfs *vfs = streams->vfs;
    uint64_t keep = (streams->size + MUN_LOG_SEGMENT_ENTRIES - 1) / MUN_LOG_SEGMENT_ENTRIES;
    for (;;) {
        later_segments later = {.keep = keep};
        char name[MUN_FILE_NAME_MAX];
        MUN_TRY(vfs->list(vfs->ctx, MUN_DIR_ENTRIES, find_later, &later, err));
        if (!later.any) return MUN_OK;
        mun_stream_name(name, MUN_STREAM_SEGMENT, later.found);
        MUN_TRY(vfs->remove(vfs->ctx, name, err));
        streams->new_segment = true; /* something to sync in the directory */
    }
}

mun_code mun_streams_restore(mun_streams *streams, mun_error *err)
{
    for (unsigned s = 0; s < MUN_STREAMS; s++) MUN_TRY(restore_stream(streams, s, err));
#ifdef MUN_FAULT_EARLY_CUT
    return remove_later_segments(streams, err);
#else
    return MUN_OK;
#endif
}

mun_code mun_streams_cut(mun_streams *streams, mun_error *err)
{
    for (unsigned s = 0; s < MUN_STREAMS; s++) MUN_TRY(cut(streams, &streams->stream[s], err));
    return remove_later_segments(streams, err);
}

/* ---- appending -------------------------------------------------------------------------------*/

static mun_code settle_stream(mun_streams *streams, mun_stream *st, mun_error *err)
{
    if (st->written == st->len) return MUN_OK;
    uint64_t block = (st->len - 1) / MUN_LOG_BLOCK * MUN_LOG_BLOCK;
    MUN_ASSERT(st->written >= block);
    size_t from = (size_t)(st->written - block);
    MUN_TRY(
        write_at(streams, st, st->written, st->tail + from, (size_t)(st->len - st->written), err));
    st->written = st->len;
    return MUN_OK;
}

/* All or nothing, so that a batch can be tried again after the disk was full. */
static mun_code append(mun_streams *streams, mun_stream *st, const uint8_t *bytes, size_t len,
                       mun_error *err)
{
    size_t used = (size_t)(st->len % MUN_LOG_BLOCK);
    if (used + len < MUN_LOG_BLOCK) {
        memcpy(st->tail + used, bytes, len);
        st->len += len;
        return MUN_OK;
    }
    MUN_TRY(settle_stream(streams, st, err));
    MUN_TRY(write_at(streams, st, st->len, bytes, len, err));
    st->len += len;
    st->written = st->len;
    size_t rest = (size_t)(st->len % MUN_LOG_BLOCK);
    memset(st->tail, 0, MUN_LOG_BLOCK);
    memcpy(st->tail, bytes + len - rest, rest);
    return MUN_OK;
}

/* Where the records of entries from..to-1 of the batch begin, in the segment at base. */
static mun_code append_offsets(mun_streams *streams, const mun_batch *b, uint32_t from, uint32_t to,
                               uint64_t base, mun_error *err)
{
    mun_stream *st = &streams->stream[MUN_STREAM_OFFSETS];
    uint64_t done = st->len / 4;
    uint8_t bytes[4 * OFFSETS_STEP];
    if (done > b->first + from) from = (uint32_t)(done - b->first);
    while (from < to) {
        uint32_t step = to - from < OFFSETS_STEP ? to - from : OFFSETS_STEP;
        for (uint32_t i = 0; i < step; i++) {
            uint32_t at = (uint32_t)(base + b->start[from + i]);
            bytes[4 * i] = (uint8_t)(at >> 24);
            bytes[4 * i + 1] = (uint8_t)(at >> 16);
            bytes[4 * i + 2] = (uint8_t)(at >> 8);
            bytes[4 * i + 3] = (uint8_t)at;
        }
        MUN_TRY(append(streams, st, bytes, 4 * (size_t)step, err));
        from += step;
    }
    return MUN_OK;
}

/* A finished segment never changes again: durable at once, and its elders leave the page cache. */
static mun_code finish_segment(mun_streams *streams, mun_error *err)
{
    const mun_vfs *vfs = streams->vfs;
    mun_stream *st = &streams->stream[MUN_STREAM_SEGMENT];
    MUN_TRY(settle_stream(streams, st, err));
    if (streams->recovering) MUN_TRY(cut(streams, st, err));
    MUN_TRY(mun_streams_sync(streams, MUN_STREAM_SEGMENT, err));
    vfs->close(vfs->ctx, st->file);
    uint8_t *tail = st->tail;
    *st = (mun_stream){.tail = tail};
    memset(tail, 0, MUN_LOG_BLOCK);
    uint64_t next = segment_of(streams->segment_entries);
    if (next <= WARM_SEGMENTS) return MUN_OK;
    char name[MUN_FILE_NAME_MAX];
    mun_file *old;
    mun_stream_name(name, MUN_STREAM_SEGMENT, next - 1 - WARM_SEGMENTS);
    if (vfs->open(vfs->ctx, name, MUN_OPEN_READ, &old, NULL) == MUN_OK) {
        vfs->drop_cache(vfs->ctx, old, 0, 0);
        vfs->close(vfs->ctx, old);
    }
    return MUN_OK;
}

static mun_code finish_if_full(mun_streams *streams, mun_error *err)
{
    const mun_stream *st = &streams->stream[MUN_STREAM_SEGMENT];
    bool full = st->len != 0 && streams->segment_entries % MUN_LOG_SEGMENT_ENTRIES == 0;
    return full ? finish_segment(streams, err) : MUN_OK;
}

static mun_code begin_segment(mun_streams *streams, mun_error *err)
{
    const mun_vfs *vfs = streams->vfs;
    mun_stream *st = &streams->stream[MUN_STREAM_SEGMENT];
    if (st->file != NULL) return MUN_OK;
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, MUN_STREAM_SEGMENT, segment_of(streams->segment_entries));
    MUN_TRY(vfs->open(vfs->ctx, name, MUN_OPEN_WRITE | MUN_OPEN_CREATE, &st->file, err));
    streams->new_segment = true;
    st->dirty = true;
    return MUN_OK;
}

static void hint(mun_streams *streams, mun_stream *st)
{
    if (st->written - st->hinted < MUN_LOG_WRITE_BACK_BYTES) return;
    streams->vfs->write_back(streams->vfs->ctx, st->file, st->hinted, st->written - st->hinted);
    st->hinted = st->written;
}

/* Entries and their offsets, segment by segment. */
static mun_code append_entries(mun_streams *streams, const mun_batch *b, mun_error *err)
{
    const uint8_t *payload = b->block + MUN_LOG_HEADER_BYTES;
    mun_stream *st = &streams->stream[MUN_STREAM_SEGMENT];
#ifdef MUN_FAULT_LONG_SEGMENT
    unsigned again = 0;
#endif
    while (streams->segment_entries < b->first + b->count) {
#ifdef MUN_FAULT_LONG_SEGMENT
        if (again++ > 0)
#endif
            MUN_TRY(finish_if_full(streams, err)); /* also the one that an earlier attempt left */
        uint32_t from = (uint32_t)(streams->segment_entries - b->first);
        uint32_t room = (uint32_t)(MUN_LOG_SEGMENT_ENTRIES -
                                   streams->segment_entries % MUN_LOG_SEGMENT_ENTRIES);
        uint32_t to = b->count - from < room ? b->count : from + room;
        MUN_TRY(begin_segment(streams, err));
        /* base + start[from] is the segment's length: the offset of the first of these records. */
        MUN_TRY(append_offsets(streams, b, from, to, st->len - b->start[from], err));
        MUN_TRY(append(streams, st, payload + b->start[from], b->start[to] - b->start[from], err));
        streams->segment_entries += to - from;
        hint(streams, st);
    }
    return finish_if_full(streams, err);
}

static mun_code append_hashes(mun_streams *streams, const mun_batch *b, mun_error *err)
{
    for (unsigned level = 0; level < MUN_LOG_LEVELS; level++) {
        mun_stream *st = &streams->stream[MUN_STREAM_LEVEL + level];
        unsigned height = level * MUN_LOG_TILE_BITS;
        uint64_t at = st->len / MUN_HASH_SIZE;
        uint64_t end = (b->first + b->count) >> height;
        if (at == end) continue;
        const mun_hash *node = mun_batch_node(b, height, at);
        MUN_ASSERT(node != NULL);
        MUN_TRY(append(streams, st, node->bytes, (size_t)(end - at) * MUN_HASH_SIZE, err));
    }
    return MUN_OK;
}

static mun_code write_commits(mun_streams *streams, const mun_crypto *crypto, mun_error *err)
{
    mun_stream *st = &streams->stream[MUN_STREAM_COMMITS];
    uint64_t block = streams->batches / MUN_LOG_COMMITS_IN_BLOCK;
    mun_commit_seal(st->tail, crypto);
    return write_at(streams, st, block * MUN_LOG_BLOCK, st->tail, MUN_LOG_BLOCK, err);
}

static mun_code append_commit(mun_streams *streams, const mun_crypto *crypto, const mun_batch *b,
                              mun_error *err)
{
    mun_stream *st = &streams->stream[MUN_STREAM_COMMITS];
    unsigned at = (unsigned)(streams->batches % MUN_LOG_COMMITS_IN_BLOCK);
    mun_commit_put(st->tail, at, b->first, b->time_ms);
    bool full = at + 1 == MUN_LOG_COMMITS_IN_BLOCK;
    if (full) {
        MUN_TRY(write_commits(streams, crypto, err));
        memset(st->tail, 0, MUN_LOG_BLOCK);
    }
    streams->commits_dirty = !full;
    streams->batches++;
    st->len = mun_stream_length(MUN_STREAM_COMMITS, 0, streams->batches, 0);
    st->written = st->len;
    return MUN_OK;
}

mun_code mun_streams_append(mun_streams *streams, const mun_crypto *crypto, const mun_batch *batch,
                            mun_error *err)
{
    MUN_ASSERT(batch->first == streams->size);
    MUN_TRY(append_entries(streams, batch, err));
    MUN_TRY(append_hashes(streams, batch, err));
    MUN_TRY(append_commit(streams, crypto, batch, err));
    streams->size += batch->count;
    return MUN_OK;
}

bool mun_streams_whole(const mun_streams *streams)
{
    for (unsigned s = 0; s < MUN_STREAM_SEGMENT; s++) {
        uint64_t want = mun_stream_length(s, streams->size, streams->batches, 0);
        if (streams->stream[s].len != want) return false;
    }
    return streams->segment_entries == streams->size;
}

mun_code mun_streams_settle(mun_streams *streams, const mun_crypto *crypto, mun_error *err)
{
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        MUN_TRY(settle_stream(streams, &streams->stream[s], err));
    }
    if (streams->commits_dirty) {
        MUN_TRY(write_commits(streams, crypto, err));
        streams->commits_dirty = false;
    }
    return MUN_OK;
}

mun_code mun_streams_sync(mun_streams *streams, unsigned stream, mun_error *err)
{
    mun_stream *st = &streams->stream[stream];
    if (st->file == NULL || !st->dirty) return MUN_OK;
    st->dirty = false;
    return streams->vfs->sync(streams->vfs->ctx, st->file, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* docs/format/log.md, "Recovery": LOG-5, LOG-18 to LOG-23. */
#include "log/store_recover.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"
#include "log/store_batch.h"
#include "log/store_tree.h"

/* ---- the state at the superblock -------------------------------------------------------------*/

typedef struct edge_source {
    const mun_streams *streams;
    const mun_crypto *crypto;
} edge_source;

/* Hashes of a level: full blocks from the file, the last partial block from the superblock. */
static mun_code edge_read(void *ctx, unsigned level, uint64_t first, uint32_t count, mun_hash *ret,
                          mun_error *err)
{
    const mun_streams *streams = ((const edge_source *)ctx)->streams;
    const mun_stream *st = &streams->stream[MUN_STREAM_LEVEL + level];
    uint64_t at = first * MUN_HASH_SIZE;
    uint64_t end = at + (uint64_t)count * MUN_HASH_SIZE;
    uint64_t tail_at = st->len / MUN_LOG_BLOCK * MUN_LOG_BLOCK;
    uint8_t *out = ret->bytes;
    MUN_ASSERT(end <= st->len);
    if (at < tail_at) {
        size_t want = (size_t)((end < tail_at ? end : tail_at) - at);
        size_t got = 0;
        MUN_TRY(streams->vfs->read(streams->vfs->ctx, st->file, at, out, want, &got, err));
        if (got != want) {
            char name[MUN_FILE_NAME_MAX];
            mun_stream_name(name, MUN_STREAM_LEVEL + level, 0);
            return mun_damage(err, name, at + got, MUN_NO_OFFSET, "the file ends too early");
        }
        out += want;
        at += want;
    }
    if (at < end) memcpy(out, st->tail + (at - tail_at), (size_t)(end - at));
    return MUN_OK;
}

/* Registration time of the last batch in the streams. */
static mun_code last_time(const mun_streams *streams, const mun_crypto *crypto, uint64_t *ret,
                          mun_error *err)
{
    const mun_stream *st = &streams->stream[MUN_STREAM_COMMITS];
    if (streams->batches == 0) {
        *ret = 0;
        return MUN_OK;
    }
    uint8_t block[MUN_LOG_BLOCK];
    unsigned used = (unsigned)(streams->batches % MUN_LOG_COMMITS_IN_BLOCK);
    uint64_t at = st->len - MUN_LOG_BLOCK;
    size_t got = MUN_LOG_BLOCK;
    if (used != 0) {
        memcpy(block, st->tail, MUN_LOG_BLOCK);
    } else {
        used = MUN_LOG_COMMITS_IN_BLOCK;
        MUN_TRY(
            streams->vfs->read(streams->vfs->ctx, st->file, at, block, sizeof block, &got, err));
    }
    uint64_t first;
    if (got != MUN_LOG_BLOCK || !mun_commit_sound(block, used, crypto)) {
        return mun_damage(err, MUN_FILE_COMMITS, at, MUN_NO_OFFSET,
                          "the last block of registration times does not match its digest");
    }
    mun_commit_get(block, used - 1, &first, ret);
    return MUN_OK;
}

static mun_code state_at_superblock(mun_replay *r, const mun_streams *streams, mun_error *err)
{
    edge_source edge = {.streams = streams, .crypto = r->crypto};
    mun_level_source levels = {.ctx = &edge, .read = edge_read, .crypto = r->crypto};
    mun_node_source source = {.ctx = &levels, .get = mun_level_node};
    MUN_TRY(mun_frontier_load(&r->at_f.frontier, r->sb.size, &source, err));
    mun_frontier_root(&r->at_f.frontier, r->crypto, &r->at_f.root);
    if (!mun_hash_equal(&r->at_f.root, &r->sb.root)) {
        return mun_damage(err, MUN_DIR_HASHES, 0, r->sb.size,
                          "the tree hashes do not give the root of the superblock; run rebuild");
    }
    MUN_TRY(last_time(streams, r->crypto, &r->at_f.time_ms, err));
    r->at_f.mark = r->sb.mark;
    return MUN_OK;
}

/* ---- the ring --------------------------------------------------------------------------------*/

static uint64_t journal_offset(const mun_replay *r, uint64_t lsn)
{
    return MUN_LOG_RING_AT + lsn % r->journal->blocks * MUN_LOG_BLOCK;
}

static mun_code batch_damage(const mun_replay *r, uint64_t lsn, uint64_t first, uint64_t end,
                             const char *sentence, mun_error *err)
{
    uint64_t offset = journal_offset(r, lsn);
    mun_code code = mun_failf(err, MUN_E_DAMAGED, 0,
                              "%s, byte %" PRIu64 " (batch at LSN %" PRIu64 ", entries %" PRIu64
                              " to %" PRIu64 "): %s",
                              MUN_FILE_JOURNAL, offset, lsn, first, end, sentence);
    if (err != NULL) err->offset = offset;
    return code;
}

static mun_code read_ring(mun_replay *r, mun_error *err)
{
    const mun_journal *journal = r->journal;
    size_t len = (size_t)journal->blocks * MUN_LOG_BLOCK;
    size_t got = 0;
    MUN_TRY(mun_aligned(len, &r->ring, err));
    MUN_TRY(journal->vfs->read(journal->vfs->ctx, journal->ring, MUN_LOG_RING_AT, r->ring, len,
                               &got, err));
    if (got == len) return MUN_OK;
    return mun_damage(err, MUN_FILE_JOURNAL, MUN_LOG_RING_AT + got, MUN_NO_OFFSET,
                      "the file ends too early");
}

static const uint8_t *ring_block(const mun_replay *r, uint64_t lsn)
{
    return r->ring + lsn % r->journal->blocks * MUN_LOG_BLOCK;
}

/* A header that is intact and in its place must also continue the log. */
static mun_code check_header(const mun_replay *r, const mun_batch_header *h, uint64_t size,
                             mun_error *err)
{
    uint64_t blocks = mun_batch_blocks(h->payload_len);
    uint64_t end = h->first + h->count - (h->count != 0 ? 1 : 0);
    if (h->first != size) {
        return batch_damage(r, h->lsn, h->first, end,
                            "the batch does not continue the entries before it", err);
    }
    if (h->payload_len > MUN_BATCH_BYTES_MAX || blocks > r->journal->blocks / 2 ||
        h->count > h->payload_len / 3 || h->count > MUN_LOG_ENTRIES_MAX - size) {
        return batch_damage(r, h->lsn, h->first, end, "the batch does not fit the journal", err);
    }
    if (h->lsn + blocks - r->sb.start > r->journal->blocks) {
        return batch_damage(r, h->lsn, h->first, end,
                            "the batch reaches into the oldest one still needed", err);
    }
    return MUN_OK;
}

/* Copies the batch out of the ring; false: its padding is not zero. */
static bool copy_out(mun_replay *r, const mun_batch_header *h)
{
    uint64_t blocks = mun_batch_blocks(h->payload_len);
    for (uint64_t i = 0; i < blocks; i++) {
        memcpy(r->batch.block + i * MUN_LOG_BLOCK, ring_block(r, h->lsn + i), MUN_LOG_BLOCK);
    }
    size_t used = MUN_LOG_HEADER_BYTES + h->payload_len;
    for (size_t i = used; i < blocks * MUN_LOG_BLOCK; i++) {
        if (r->batch.block[i] != 0) return false;
    }
    return true;
}

static mun_code room_for(mun_batch *batch, const mun_batch_header *h, mun_error *err)
{
    if (batch->block != NULL && batch->payload_cap >= h->payload_len &&
        batch->entries_cap >= h->count) {
        mun_batch_clear(batch);
        return MUN_OK;
    }
    mun_batch_finish(batch);
    return mun_batch_init(batch, h->payload_len, h->count, err);
}

/* False: not acceptable (LOG-5), by something that a torn write can explain. */
static bool accept(mun_replay *r, const mun_batch_header *h, mun_log_state *state)
{
    mun_batch *b = &r->batch;
    mun_frontier after;
    if (h->time_ms < state->time_ms || h->mark < state->mark) return false;
    if (!copy_out(r, h)) return false;
    if (mun_batch_parse(b, h->count, h->payload_len) != MUN_OK) return false;
    if (!mun_batch_derive(b, &state->frontier, r->crypto, &after)) return false;
#ifndef MUN_FAULT_NO_ROOT
    if (!mun_hash_equal(&b->root, &h->root)) return false;
#endif
    b->time_ms = h->time_ms;
    b->mark = h->mark;
    b->lsn = h->lsn;
    b->blocks = (uint32_t)mun_batch_blocks(h->payload_len);
    *state =
        (mun_log_state){.frontier = after, .root = b->root, .time_ms = h->time_ms, .mark = h->mark};
    return true;
}

mun_code mun_replay_next(mun_replay *r, mun_log_state *state, uint64_t *lsn, mun_error *err)
{
    mun_batch_header h;
    const uint8_t *nonce = r->sb.nonce;
    if (*lsn - r->sb.start >= r->journal->blocks) return MUN_E_NOT_FOUND; /* once round */
    if (!mun_batch_header_decode(ring_block(r, *lsn), nonce, r->crypto, &h) || h.lsn != *lsn) {
        return MUN_E_NOT_FOUND;
    }
    MUN_TRY(check_header(r, &h, state->frontier.size, err));
    MUN_TRY(room_for(&r->batch, &h, err));
    if (!accept(r, &h, state)) return MUN_E_NOT_FOUND;
    *lsn += r->batch.blocks;
    return MUN_OK;
}

/* LOG-22: nothing in the ring may know more than what was read. */
static mun_code search_contradiction(const mun_replay *r, mun_error *err)
{
    for (uint64_t place = 0; place < r->journal->blocks; place++) {
        mun_batch_header h;
        if (!mun_batch_header_decode(ring_block(r, place), r->sb.nonce, r->crypto, &h)) continue;
        if (h.lsn % r->journal->blocks != place) continue;
#ifndef MUN_FAULT_NO_LATER_SEARCH
        if (h.lsn > r->end_lsn) {
            uint64_t first = r->end.frontier.size;
            return batch_damage(r, r->end_lsn, first, h.first > first ? h.first - 1 : first,
                                "the batch is damaged: a later one was written after it was "
                                "durable; restore from a backup",
                                err);
        }
#endif
#ifndef MUN_FAULT_NO_GENERATION
        if (h.generation > r->sb.generation) {
            return mun_damage(err, MUN_FILE_JOURNAL,
                              h.generation % MUN_LOG_SLOTS * MUN_LOG_SLOT_BYTES, MUN_NO_OFFSET,
                              "the newest superblock is damaged; restore from a backup");
        }
#endif
    }
    return MUN_OK;
}

static mun_code check_published(const mun_replay *r, mun_error *err)
{
    const mun_vfs *vfs = r->journal->vfs;
    uint8_t block[MUN_LOG_BLOCK];
    mun_published p;
    mun_file *file;
    size_t got = 0;
    mun_error ignored;
    mun_code code = vfs->open(vfs->ctx, MUN_FILE_PUBLISHED, MUN_OPEN_READ, &file, &ignored);
    if (code == MUN_E_NOT_FOUND) return MUN_OK;
    if (code != MUN_OK) {
        if (err != NULL) *err = ignored;
        return code;
    }
    code = vfs->read(vfs->ctx, file, 0, block, sizeof block, &got, err);
    vfs->close(vfs->ctx, file);
    if (code != MUN_OK) return code;
    if (got != sizeof block || !mun_published_decode(block, r->crypto, &p)) return MUN_OK;
    if (memcmp(p.nonce, r->sb.nonce, MUN_NONCE_SIZE) != 0) return MUN_OK;
    uint64_t size = r->end.frontier.size;
    if (p.size < size) return MUN_OK;
    if (p.size == size && mun_hash_equal(&p.root, &r->end.root)) return MUN_OK;
    return batch_damage(r, r->end_lsn, size, p.size > size ? p.size - 1 : size,
                        "the batch is damaged: readers were shown its entries already; restore "
                        "from a backup",
                        err);
}

static mun_code read_all(mun_replay *r, const mun_streams *streams, mun_error *err)
{
    MUN_TRY(state_at_superblock(r, streams, err));
    MUN_TRY(read_ring(r, err));
    r->end = r->at_f;
    r->end_lsn = r->sb.start;
    for (;;) {
        mun_code code = mun_replay_next(r, &r->end, &r->end_lsn, err);
        if (code == MUN_E_NOT_FOUND) break;
        if (code != MUN_OK) return code;
        r->batches++;
    }
    MUN_TRY(search_contradiction(r, err));
    return check_published(r, err);
}

mun_code mun_replay_read(mun_replay *ret, const mun_journal *journal, const mun_streams *streams,
                         const mun_superblock *sb, const mun_crypto *crypto, mun_error *err)
{
    *ret = (mun_replay){.journal = journal, .crypto = crypto, .sb = *sb};
    mun_code code = read_all(ret, streams, err);
    if (code != MUN_OK) mun_replay_finish(ret);
    return code;
}

mun_code mun_replay_bury(mun_replay *r, mun_journal *journal, mun_error *err)
{
    uint8_t *block = r->ring + r->end_lsn % journal->blocks * MUN_LOG_BLOCK;
    memset(block, 0, MUN_LOG_BLOCK);
    return mun_journal_write(journal, r->end_lsn, block, 1, err);
}

void mun_replay_finish(mun_replay *replay)
{
    free(replay->ring);
    mun_batch_finish(&replay->batch);
    replay->ring = NULL;
}

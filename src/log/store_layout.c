/* SPDX-License-Identifier: Apache-2.0 */
#include "log/store_layout.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cursor.h"

static const uint8_t superblock_magic[8] = {'M', 'U', 'N', 'S', 'U', 'P', 'R', '1'};
static const uint8_t batch_magic[8] = {'M', 'U', 'N', 'J', 'R', 'N', 'L', '1'};
static const uint8_t published_magic[8] = {'M', 'U', 'N', 'P', 'U', 'B', 'L', '1'};

#define SUPERBLOCK_DIGEST_AT 96u
#define SUPERBLOCK_USED      176u
#define HEADER_DIGEST_AT     104u
#define PUBLISHED_DIGEST_AT  64u
#define COMMIT_DIGEST_AT     (MUN_LOG_BLOCK - MUN_HASH_SIZE)
#define COMMIT_RECORD        16u

static void digest(const mun_crypto *crypto, const uint8_t *bytes, size_t len, uint8_t *ret)
{
    mun_slice part = mun_slice_of(bytes, len);
    crypto->sha256(crypto->ctx, &part, 1, ret);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) return false;
    }
    return true;
}

static void put(mun_buf *buf, const uint8_t *bytes, size_t len)
{
    mun_buf_put(buf, mun_slice_of(bytes, len));
}

static bool take(mun_cursor *c, void *ret, size_t len)
{
    mun_slice s = mun_cursor_take(c, len);
    if (s.len != len) return false;
    memcpy(ret, s.ptr, len);
    return true;
}

static bool take_magic(mun_cursor *c, const uint8_t magic[8])
{
    uint8_t found[8] = {0};
    return take(c, found, sizeof found) && memcmp(found, magic, sizeof found) == 0;
}

/* ---- superblock ------------------------------------------------------------------------------*/

/* SHA-256 of the slot with the digest's own field zero, without changing the slot. */
static void superblock_digest(const uint8_t *slot, const mun_crypto *crypto, uint8_t *ret)
{
    static const uint8_t zero[MUN_HASH_SIZE];
    const size_t behind = SUPERBLOCK_DIGEST_AT + MUN_HASH_SIZE;
    mun_slice parts[] = {
        mun_slice_of(slot, SUPERBLOCK_DIGEST_AT),
        mun_slice_of(zero, sizeof zero),
        mun_slice_of(slot + behind, MUN_LOG_SLOT_BYTES - behind),
    };
    crypto->sha256(crypto->ctx, parts, 3, ret);
}

void mun_superblock_encode(const mun_superblock *sb, const uint8_t *tails, const mun_crypto *crypto,
                           uint8_t ret_slot[MUN_LOG_SLOT_BYTES])
{
    memset(ret_slot, 0, MUN_LOG_BLOCK);
    mun_buf buf = mun_buf_fixed(ret_slot, MUN_LOG_BLOCK);
    put(&buf, superblock_magic, sizeof superblock_magic);
    put(&buf, sb->nonce, MUN_NONCE_SIZE);
    mun_buf_u64(&buf, sb->generation);
    mun_buf_u64(&buf, sb->start);
    mun_buf_u64(&buf, sb->ring_blocks);
    mun_buf_u64(&buf, sb->size);
    mun_buf_u64(&buf, sb->segment_bytes);
    put(&buf, sb->root.bytes, MUN_HASH_SIZE);
    mun_buf_reserve(&buf, MUN_HASH_SIZE); /* the digest, last */
    put(&buf, sb->ledger_id.bytes, MUN_HASH_SIZE);
    mun_buf_u64(&buf, sb->mark);
    mun_buf_u64(&buf, sb->batches);
    memcpy(ret_slot + MUN_LOG_BLOCK, tails, (size_t)MUN_STREAMS * MUN_LOG_BLOCK);
    superblock_digest(ret_slot, crypto, ret_slot + SUPERBLOCK_DIGEST_AT);
}

static bool superblock_fields(const uint8_t *slot, mun_superblock *ret)
{
    mun_cursor c = mun_cursor_over(mun_slice_of(slot, SUPERBLOCK_USED));
    uint8_t found[MUN_HASH_SIZE];
    if (!take_magic(&c, superblock_magic)) return false;
    take(&c, ret->nonce, MUN_NONCE_SIZE);
    ret->generation = mun_cursor_u64(&c);
    ret->start = mun_cursor_u64(&c);
    ret->ring_blocks = mun_cursor_u64(&c);
    ret->size = mun_cursor_u64(&c);
    ret->segment_bytes = mun_cursor_u64(&c);
    take(&c, ret->root.bytes, MUN_HASH_SIZE);
    take(&c, found, sizeof found);
    take(&c, ret->ledger_id.bytes, MUN_HASH_SIZE);
    ret->mark = mun_cursor_u64(&c);
    ret->batches = mun_cursor_u64(&c);
    return mun_cursor_done(&c);
}

/* Behind a stream's last byte its tail block is zero; also when the stream ends with a block. */
static bool tails_clean(const uint8_t *slot, const mun_superblock *sb)
{
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        uint64_t len = mun_stream_length(s, sb->size, sb->batches, sb->segment_bytes);
        size_t used = (size_t)(len % MUN_LOG_BLOCK);
        if (s == MUN_STREAM_COMMITS && sb->batches % MUN_LOG_COMMITS_IN_BLOCK != 0) continue;
        if (!all_zero(slot + (1 + s) * MUN_LOG_BLOCK + used, MUN_LOG_BLOCK - used)) return false;
    }
    return true;
}

bool mun_superblock_decode(const uint8_t slot[MUN_LOG_SLOT_BYTES], unsigned place,
                           const mun_crypto *crypto, mun_superblock *ret)
{
    mun_superblock sb;
    uint8_t want[MUN_HASH_SIZE];
    if (!superblock_fields(slot, &sb)) return false;
    superblock_digest(slot, crypto, want);
    if (memcmp(want, slot + SUPERBLOCK_DIGEST_AT, sizeof want) != 0) return false;
    if (!all_zero(slot + SUPERBLOCK_USED, MUN_LOG_BLOCK - SUPERBLOCK_USED)) return false;
    if (sb.generation == 0 || sb.generation % MUN_LOG_SLOTS != place) return false;
    if (sb.ring_blocks < 2 || sb.ring_blocks > MUN_LOG_RING_LIMIT) return false;
    if (sb.size > MUN_LOG_ENTRIES_MAX) return false;
#ifndef MUN_FAULT_NO_TAIL
    if (!tails_clean(slot, &sb)) return false;
#else
    (void)tails_clean;
#endif
    *ret = sb;
    return true;
}

/* ---- batch header ----------------------------------------------------------------------------*/

void mun_batch_header_encode(const mun_batch_header *h, const mun_crypto *crypto,
                             uint8_t ret[MUN_LOG_HEADER_BYTES])
{
    mun_buf buf = mun_buf_fixed(ret, MUN_LOG_HEADER_BYTES);
    put(&buf, batch_magic, sizeof batch_magic);
    put(&buf, h->nonce, MUN_NONCE_SIZE);
    mun_buf_u64(&buf, h->lsn);
    mun_buf_u64(&buf, h->first);
    mun_buf_u32(&buf, h->count);
    mun_buf_u32(&buf, h->payload_len);
    mun_buf_u64(&buf, h->mark);
    mun_buf_u64(&buf, h->generation);
    put(&buf, h->root.bytes, MUN_HASH_SIZE);
    mun_buf_u64(&buf, h->time_ms);
    digest(crypto, ret, HEADER_DIGEST_AT, ret + HEADER_DIGEST_AT);
}

bool mun_batch_header_decode(const uint8_t bytes[MUN_LOG_HEADER_BYTES],
                             const uint8_t nonce[MUN_NONCE_SIZE], const mun_crypto *crypto,
                             mun_batch_header *ret)
{
    mun_cursor c = mun_cursor_over(mun_slice_of(bytes, HEADER_DIGEST_AT));
    mun_batch_header h;
    if (!take_magic(&c, batch_magic)) return false;
    take(&c, h.nonce, MUN_NONCE_SIZE);
    if (memcmp(h.nonce, nonce, MUN_NONCE_SIZE) != 0) return false;
    h.lsn = mun_cursor_u64(&c);
    h.first = mun_cursor_u64(&c);
    h.count = mun_cursor_u32(&c);
    h.payload_len = mun_cursor_u32(&c);
    h.mark = mun_cursor_u64(&c);
    h.generation = mun_cursor_u64(&c);
    take(&c, h.root.bytes, MUN_HASH_SIZE);
    h.time_ms = mun_cursor_u64(&c);
    uint8_t want[MUN_HASH_SIZE];
    digest(crypto, bytes, HEADER_DIGEST_AT, want);
    if (!mun_cursor_done(&c)) return false;
    if (memcmp(want, bytes + HEADER_DIGEST_AT, sizeof want) != 0) return false;
    *ret = h;
    return true;
}

/* ---- published -------------------------------------------------------------------------------*/

void mun_published_encode(const mun_published *p, const mun_crypto *crypto,
                          uint8_t ret[MUN_LOG_BLOCK])
{
    memset(ret, 0, MUN_LOG_BLOCK);
    mun_buf buf = mun_buf_fixed(ret, MUN_LOG_BLOCK);
    put(&buf, published_magic, sizeof published_magic);
    put(&buf, p->nonce, MUN_NONCE_SIZE);
    mun_buf_u64(&buf, p->size);
    put(&buf, p->root.bytes, MUN_HASH_SIZE);
    digest(crypto, ret, PUBLISHED_DIGEST_AT, ret + PUBLISHED_DIGEST_AT);
}

bool mun_published_decode(const uint8_t bytes[MUN_LOG_BLOCK], const mun_crypto *crypto,
                          mun_published *ret)
{
    mun_cursor c = mun_cursor_over(mun_slice_of(bytes, PUBLISHED_DIGEST_AT));
    mun_published p;
    if (!take_magic(&c, published_magic)) return false;
    take(&c, p.nonce, MUN_NONCE_SIZE);
    p.size = mun_cursor_u64(&c);
    take(&c, p.root.bytes, MUN_HASH_SIZE);
    uint8_t want[MUN_HASH_SIZE];
    digest(crypto, bytes, PUBLISHED_DIGEST_AT, want);
    if (!mun_cursor_done(&c)) return false;
    if (memcmp(want, bytes + PUBLISHED_DIGEST_AT, sizeof want) != 0) return false;
    /* What follows may be torn: never synced, and recovery has to believe what readers believed. */
    *ret = p;
    return true;
}

/* ---- commit records --------------------------------------------------------------------------*/

void mun_commit_put(uint8_t block[MUN_LOG_BLOCK], unsigned i, uint64_t first, uint64_t time_ms)
{
    mun_buf buf = mun_buf_fixed(block + (size_t)i * COMMIT_RECORD, COMMIT_RECORD);
    mun_buf_u64(&buf, first);
    mun_buf_u64(&buf, time_ms);
}

void mun_commit_get(const uint8_t *block, unsigned i, uint64_t *ret_first, uint64_t *ret_time_ms)
{
    mun_cursor c = mun_cursor_over(mun_slice_of(block + (size_t)i * COMMIT_RECORD, COMMIT_RECORD));
    *ret_first = mun_cursor_u64(&c);
    *ret_time_ms = mun_cursor_u64(&c);
}

void mun_commit_seal(uint8_t block[MUN_LOG_BLOCK], const mun_crypto *crypto)
{
    digest(crypto, block, COMMIT_DIGEST_AT, block + COMMIT_DIGEST_AT);
}

bool mun_commit_sound(const uint8_t block[MUN_LOG_BLOCK], unsigned used, const mun_crypto *crypto)
{
    uint8_t want[MUN_HASH_SIZE];
    digest(crypto, block, COMMIT_DIGEST_AT, want);
    size_t at = (size_t)used * COMMIT_RECORD;
    return memcmp(want, block + COMMIT_DIGEST_AT, sizeof want) == 0 &&
           all_zero(block + at, COMMIT_DIGEST_AT - at);
}

/* ---- names, lengths, version -----------------------------------------------------------------*/

uint64_t mun_stream_length(unsigned stream, uint64_t size, uint64_t batches, uint64_t segment_bytes)
{
    if (stream == MUN_STREAM_OFFSETS) return 4 * size;
    if (stream == MUN_STREAM_SEGMENT) return segment_bytes;
    if (stream == MUN_STREAM_COMMITS) {
        return (batches + MUN_LOG_COMMITS_IN_BLOCK - 1) / MUN_LOG_COMMITS_IN_BLOCK * MUN_LOG_BLOCK;
    }
    return MUN_HASH_SIZE * (size >> ((stream - MUN_STREAM_LEVEL) * MUN_LOG_TILE_BITS));
}

void mun_stream_name(char ret[MUN_FILE_NAME_MAX], unsigned stream, uint64_t n)
{
    if (stream == MUN_STREAM_OFFSETS) {
        snprintf(ret, MUN_FILE_NAME_MAX, MUN_FILE_OFFSETS);
    } else if (stream == MUN_STREAM_SEGMENT) {
        snprintf(ret, MUN_FILE_NAME_MAX, MUN_DIR_ENTRIES "/%010" PRIu64, n);
    } else if (stream == MUN_STREAM_COMMITS) {
        snprintf(ret, MUN_FILE_NAME_MAX, MUN_FILE_COMMITS);
    } else {
        snprintf(ret, MUN_FILE_NAME_MAX, MUN_DIR_HASHES "/%u", stream - MUN_STREAM_LEVEL);
    }
}

size_t mun_format_text(char ret[MUN_FORMAT_TEXT_MAX])
{
    return (size_t)snprintf(ret, MUN_FORMAT_TEXT_MAX, "muniment-log %u\n", MUN_LOG_FORMAT_VERSION);
}

/* The number in "muniment-log N\n", or 0. */
static uint64_t format_number(mun_slice bytes)
{
    const mun_slice head = MUN_LITERAL("muniment-log ");
    if (!mun_slice_starts(bytes, head) || bytes.ptr[bytes.len - 1] != '\n') return 0;
    uint64_t n = 0;
    for (size_t i = head.len; i + 1 < bytes.len; i++) {
        uint8_t digit = bytes.ptr[i];
        if (digit < '0' || digit > '9' || n > UINT32_MAX) return 0;
        n = n * 10 + (digit - '0');
    }
    return n;
}

mun_code mun_format_check(mun_slice bytes, mun_error *err)
{
    char want[MUN_FORMAT_TEXT_MAX];
    size_t len = mun_format_text(want);
    if (mun_slice_equal(bytes, mun_slice_of(want, len))) return MUN_OK;
    uint64_t n = format_number(bytes);
    if (n > MUN_LOG_FORMAT_VERSION) {
        return mun_failf(err, MUN_E_VERSION, 0,
                         "This ledger has format version %" PRIu64
                         "; this program reads version %u. Use a newer Muniment.",
                         n, MUN_LOG_FORMAT_VERSION);
    }
    return mun_damage(err, MUN_FILE_FORMAT, 0, MUN_NO_OFFSET,
                      "it does not hold the line that says which format the ledger has");
}

mun_code mun_damage(mun_error *err, const char *file, uint64_t offset, uint64_t entry,
                    const char *sentence)
{
    char place[64] = "";
    if (entry != MUN_NO_OFFSET) snprintf(place, sizeof place, " (entry %" PRIu64 ")", entry);
    mun_code code = mun_failf(err, MUN_E_DAMAGED, 0, "%s, byte %" PRIu64 "%s: %s", file, offset,
                              place, sentence);
    if (err != NULL) err->offset = offset;
    return code;
}

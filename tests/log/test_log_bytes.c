/* SPDX-License-Identifier: Apache-2.0 */
/* Every table of docs/format/log.md against the files of a log, offset by offset. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "log/log_bytes.h"

/* ---- what the streams must hold ----------------------------------------------------------------
 */

typedef struct expected {
    uint8_t *bytes[10]; /* by tail number k = 1 .. 8 */
    size_t len[10];
} expected;

static void leaf_of(const world *w, size_t i, uint8_t ret[32])
{
    mun_slice entry = reference_entry(&w->ref, i);
    uint8_t *copy = malloc(entry.len + 1);
    copy[0] = 0;
    memcpy(copy + 1, entry.ptr, entry.len);
    digest_of(w, copy, entry.len + 1, ret);
    free(copy);
}

/* The root of the full subtree over n = 2^k leaves. */
static void subtree_of(const world *w, size_t first, size_t n, uint8_t ret[32])
{
    uint8_t node[65] = {1};
    if (n == 1) {
        leaf_of(w, first, ret);
        return;
    }
    subtree_of(w, first, n / 2, node + 1);
    subtree_of(w, first + n / 2, n / 2, node + 33);
    digest_of(w, node, sizeof node, ret);
}

static void expect_segment(const writer *wr, expected *e)
{
    const reference *r = &wr->w.ref;
    e->bytes[1] = calloc(r->count + 1, 4);
    e->bytes[7] = malloc(r->bytes_len + 2 * r->count + 1);
    for (size_t i = 0; i < r->count; i++) {
        mun_slice entry = reference_entry(r, i);
        put_be(e->bytes[1] + 4 * i, 4, e->len[7]);
        put_be(e->bytes[7] + e->len[7], 2, entry.len);
        memcpy(e->bytes[7] + e->len[7] + 2, entry.ptr, entry.len);
        e->len[7] += 2 + entry.len;
    }
    e->len[1] = 4 * r->count;
}

static void expect_hashes(const writer *wr, expected *e)
{
    const world *w = &wr->w;
    for (unsigned level = 0; level < 2; level++) {
        size_t width = level == 0 ? 1 : 256;
        size_t n = w->ref.count / width;
        e->bytes[2 + level] = malloc(32 * n + 1);
        e->len[2 + level] = 32 * n;
        for (size_t i = 0; i < n; i++) {
            subtree_of(w, i * width, width, e->bytes[2 + level] + 32 * i);
        }
    }
}

/* First index and time of each batch, as the test wrote them. */
static void expect_commits(const writer *wr, const uint64_t (*record)[2], expected *e)
{
    size_t blocks = (wr->batches + COMMITS_IN_BLOCK - 1) / COMMITS_IN_BLOCK;
    e->bytes[8] = calloc(blocks + 1, BLOCK);
    e->len[8] = blocks * BLOCK;
    for (uint64_t i = 0; i < wr->batches; i++) {
        uint8_t *block = e->bytes[8] + i / COMMITS_IN_BLOCK * BLOCK;
        put_be(block + 16 * (i % COMMITS_IN_BLOCK), 8, record[i][0]);
        put_be(block + 16 * (i % COMMITS_IN_BLOCK) + 8, 8, record[i][1]);
    }
    for (size_t n = 0; n < blocks; n++) {
        uint8_t *block = e->bytes[8] + n * BLOCK;
        digest_of(&wr->w, block, COMMIT_DIGEST, block + COMMIT_DIGEST);
    }
}

static void check_file(const writer *wr, const char *name, const uint8_t *want, size_t want_len)
{
    size_t len;
    uint8_t *bytes = world_file(&wr->w, name, &len);
    assert_int_equal(len, want_len);
    assert_memory_equal(bytes, want, len);
    free(bytes);
}

static const char *const stream_name[9] = {"",         "offsets",  "hashes/0", "hashes/1",
                                           "hashes/2", "hashes/3", "hashes/4", "entries/0000000000",
                                           "commits"};

/* [LOG-13]: the tail of `commits` is its whole last block, unless that is full. */
static void check_tail(const writer *wr, const uint8_t *slot, const expected *e, unsigned k)
{
    const uint8_t *tail = slot + (size_t)k * BLOCK;
    size_t used = e->len[k] % BLOCK;
    if (k == 8 && wr->batches % COMMITS_IN_BLOCK != 0) {
        assert_memory_equal(tail, e->bytes[8] + e->len[8] - BLOCK, BLOCK);
        return;
    }
    if (used != 0) assert_memory_equal(tail, e->bytes[k] + e->len[k] - used, used);
    assert_true(is_zero(tail + used, BLOCK - used));
}

static void check_streams(const writer *wr, const uint64_t (*record)[2], const uint8_t *slot)
{
    expected e = {0};
    expect_segment(wr, &e);
    expect_hashes(wr, &e);
    expect_commits(wr, record, &e);
    for (unsigned k = 1; k <= 8; k++) {
        bool exists = k != 7 || wr->w.ref.count != 0;
        if (exists) check_file(wr, stream_name[k], e.bytes[k], e.len[k]);
        check_tail(wr, slot, &e, k);
        free(e.bytes[k]);
    }
}

/* ---- superblocks -------------------------------------------------------------------------------
 */

typedef struct state {
    uint64_t start; /* LSN behind the last batch */
    uint64_t (*record)[2];
} state;

static void check_superblock(const writer *wr, const uint8_t *slot, unsigned place, const state *s)
{
    uint8_t id[32];
    mun_hash root;
    const reference *r = &wr->w.ref;
    assert_memory_equal(slot, "MUNSUPR1", 8);
    assert_int_equal(get_be(slot + SB_GENERATION, 8) % SLOTS, place);
    assert_int_equal(get_be(slot + SB_START, 8), s->start);
    assert_int_equal(get_be(slot + SB_BLOCKS, 8), 64);
    assert_int_equal(get_be(slot + SB_SIZE, 8), r->count);
    assert_int_equal(get_be(slot + SB_SEGMENT, 8), r->bytes_len + 2 * r->count);
    reference_root(&wr->w, r->count, &root);
    assert_memory_equal(slot + SB_ROOT, root.bytes, 32);
    assert_true(slot_is_sealed(&wr->w, slot));
    digest_of(&wr->w, WORLD_ORIGIN, strlen(WORLD_ORIGIN), id);
    assert_memory_equal(slot + SB_LEDGER, id, 32);
    assert_int_equal(get_be(slot + SB_MARK, 8), wr->mark);
    assert_int_equal(get_be(slot + SB_BATCHES, 8), wr->batches);
    assert_true(is_zero(slot + SB_END, BLOCK - SB_END));
}

static void commit(writer *wr, state *s, unsigned count, size_t len)
{
    s->record[wr->batches][0] = wr->w.ref.count;
    s->record[wr->batches][1] = wr->w.now + 10;
    writer_commit(wr, count, len);
    s->start += (JB_END + count * (2 + len) + BLOCK - 1) / BLOCK;
}

static void check_journal(writer *wr, const state *s)
{
    size_t len;
    uint8_t *journal = world_file(&wr->w, "journal", &len);
    assert_int_equal(len, RING_AT + 64 * BLOCK);
    unsigned place = newest_slot(&wr->w, journal);
    const uint8_t *slot = journal + (size_t)place * SLOT_BYTES;
    check_superblock(wr, slot, place, s);
    check_streams(wr, s->record, slot);
    free(journal);
}

/* [LOG-4], [LOG-13]: after each flush the superblock, the streams and the tails are what the
 * tables say; with 0, 1 and 2 full blocks of commit records, and one that is just full. */
static void superblock_and_streams(void **unused)
{
    (void)unused;
    uint64_t record[600][2];
    state s = {.record = record};
    writer *wr = writer_new(0);
    assert_ok(writer_open(wr, err));
    check_journal(wr, &s);
    wr->mark = 3;
    commit(wr, &s, 5, 100);
    commit(wr, &s, 0, 0);
    commit(wr, &s, 1, 5000);
    writer_flush(wr);
    check_journal(wr, &s);
    wr->mark = UINT64_C(0x0102030405060708);
    while (wr->batches < 2 * COMMITS_IN_BLOCK + 3) {
        commit(wr, &s, (unsigned)(wr->batches % 3), 40 + wr->batches % 50);
        if (wr->batches % 20 == 0 || wr->batches % COMMITS_IN_BLOCK < 2) {
            writer_flush(wr);
            check_journal(wr, &s);
        }
    }
    writer_flush(wr);
    check_journal(wr, &s);
    assert_true(wr->w.ref.count > 256);
    writer_close(wr);
    writer_check(wr);
    writer_free(wr);
}

/* ---- batches -----------------------------------------------------------------------------------
 */

static const uint8_t *ring_block(const uint8_t *journal, uint64_t blocks, uint64_t lsn)
{
    return journal + RING_AT + lsn % blocks * BLOCK;
}

static void check_header(const writer *wr, const uint8_t *h, const uint8_t *slot, uint64_t lsn,
                         uint64_t first)
{
    uint8_t digest[32];
    mun_hash root;
    assert_memory_equal(h, "MUNJRNL1", 8);
    assert_memory_equal(h + JB_NONCE, slot + SB_NONCE, 16);
    assert_int_equal(get_be(h + JB_LSN, 8), lsn);
    assert_int_equal(get_be(h + JB_FIRST, 8), first);
    assert_int_equal(get_be(h + JB_COUNT, 4), wr->w.ref.count - first);
    assert_int_equal(get_be(h + JB_MARK, 8), wr->mark);
    assert_int_equal(get_be(h + JB_GENERATION, 8), get_be(slot + SB_GENERATION, 8));
    reference_root(&wr->w, wr->w.ref.count, &root);
    assert_memory_equal(h + JB_ROOT, root.bytes, 32);
    assert_int_equal(get_be(h + JB_TIME, 8), wr->w.now);
    digest_of(&wr->w, h, JB_DIGEST, digest);
    assert_memory_equal(h + JB_DIGEST, digest, 32);
}

/* Payload and padding, block by block round the ring's end. */
static void check_payload(const writer *wr, const uint8_t *journal, uint64_t ring, uint64_t lsn,
                          uint64_t first)
{
    const uint8_t *h = ring_block(journal, ring, lsn);
    size_t payload = (size_t)get_be(h + JB_PAYLOAD, 4);
    size_t blocks = (JB_END + payload + BLOCK - 1) / BLOCK;
    uint8_t *all = malloc(blocks * BLOCK);
    for (size_t i = 0; i < blocks; i++) {
        memcpy(all + i * BLOCK, ring_block(journal, ring, lsn + i), BLOCK);
    }
    size_t at = JB_END;
    for (size_t i = (size_t)first; i < wr->w.ref.count; i++) {
        mun_slice entry = reference_entry(&wr->w.ref, i);
        assert_int_equal(get_be(all + at, 2), entry.len);
        assert_memory_equal(all + at + 2, entry.ptr, entry.len);
        at += 2 + entry.len;
    }
    assert_int_equal(at, JB_END + payload);
    assert_true(is_zero(all + at, blocks * BLOCK - at));
    free(all);
}

/* [LOG-5]: each batch in the ring as the table says, at the place of its LSN; one wraps round. */
static void batches_in_the_ring(void **unused)
{
    (void)unused;
    enum { RING = 24 };
    writer *wr = writer_new(RING);
    bool wrapped = false;
    uint64_t lsn = 0;
    assert_ok(writer_open(wr, err));
    for (unsigned i = 0; i < 60; i++) {
        uint64_t first = wr->w.ref.count;
        unsigned count = i % 7 == 3 ? 0 : 1 + i % 5;
        wr->mark += i % 3;
        writer_commit(wr, count, 100 + 450 * (i * i % 23));
        size_t len;
        uint8_t *journal = world_file(&wr->w, "journal", &len);
        assert_int_equal(len, RING_AT + RING * BLOCK);
        const uint8_t *slot = journal + (size_t)newest_slot(&wr->w, journal) * SLOT_BYTES;
        const uint8_t *h = ring_block(journal, RING, lsn);
        check_header(wr, h, slot, lsn, first);
        check_payload(wr, journal, RING, lsn, first);
        uint64_t blocks = (JB_END + get_be(h + JB_PAYLOAD, 4) + BLOCK - 1) / BLOCK;
        wrapped = wrapped || lsn % RING + blocks > RING;
        lsn += blocks;
        free(journal);
        writer_flush(wr);
    }
    assert_true(wrapped);
    writer_free(wr);
}

/* ---- published ---------------------------------------------------------------------------------
 */

static void published_block(void **unused)
{
    (void)unused;
    writer *wr = writer_new(0);
    assert_ok(writer_open(wr, err));
    for (unsigned i = 0; i < 5; i++) {
        size_t len, journal_len;
        uint8_t digest[32];
        mun_hash root;
        uint8_t *p = world_file(&wr->w, "published", &len);
        uint8_t *journal = world_file(&wr->w, "journal", &journal_len);
        size_t slot = newest_slot(&wr->w, journal);
        assert_int_equal(len, BLOCK);
        assert_memory_equal(p, "MUNPUBL1", 8);
        assert_memory_equal(p + PUB_NONCE, journal + slot * SLOT_BYTES + SB_NONCE, 16);
        assert_int_equal(get_be(p + PUB_SIZE, 8), wr->w.ref.count);
        reference_root(&wr->w, wr->w.ref.count, &root);
        assert_memory_equal(p + PUB_ROOT, root.bytes, 32);
        digest_of(&wr->w, p, PUB_DIGEST, digest);
        assert_memory_equal(p + PUB_DIGEST, digest, 32);
        assert_true(is_zero(p + PUB_END, BLOCK - PUB_END));
        free(p);
        free(journal);
        writer_commit(wr, i + 1, 70);
        writer_follow(wr);
    }
    writer_free(wr);
}

/* ---- times -------------------------------------------------------------------------------------
 */

/* [LOG-14]: an entry has the time of the last record whose first index is not above it; batches
 * without entries, times that stand still and block boundaries in between. */
static void times_of_entries(void **unused)
{
    (void)unused;
    writer *wr = writer_new(0);
    assert_ok(writer_open(wr, err));
    for (unsigned i = 0; i < 600; i++) {
        if (i % 4 == 1) wr->w.now -= 10; /* the same time as the batch before */
        writer_commit(wr, i % 5 == 0 || i % 254 < 2 ? 0 : 1 + i % 3, 20);
        if (i % 30 == 29) writer_flush(wr);
    }
    writer_flush(wr);
    writer_close(wr);
    writer_check(wr);
    writer_free(wr);
}

/* [LOG-5], [LOG-14]: neither time nor mark of a batch is below the last one's. */
static void time_and_mark_never_go_back(void **unused)
{
    (void)unused;
    mun_batch b;
    mun_error why;
    writer *wr = writer_new(0);
    assert_ok(writer_open(wr, err));
    wr->mark = 5;
    writer_commit(wr, 1, 20);
    writer_fill(wr, &b, 1, 20, false);
    b.time_ms--;
    assert_int_equal(mun_store_write(wr->store, &wr->w.crypto, &b, &why), MUN_E_INVALID);
    b.time_ms++;
    b.mark--;
    assert_int_equal(mun_store_write(wr->store, &wr->w.crypto, &b, &why), MUN_E_INVALID);
    mun_batch_finish(&b);
    writer_commit(wr, 1, 20); /* nothing had happened */
    writer_flush(wr);
    writer_close(wr);
    writer_check(wr);
    writer_free(wr);
}

/* ---- limits ------------------------------------------------------------------------------------
 */

static void must_not_fit(writer *wr, size_t payload, mun_code expected_code)
{
    mun_batch b;
    mun_error why;
    unsigned count = (unsigned)(payload / 60000 + 1);
    writer_fill(wr, &b, count, payload / count - 2, false);
    assert_int_equal(mun_store_write(wr->store, &wr->w.crypto, &b, &why), expected_code);
    mun_batch_finish(&b);
}

/* [LOG-6]: at most N/2 blocks, at most 1,048,576 payload bytes, and never over `start`. */
static void batch_limits(void **unused)
{
    (void)unused;
    writer *wr = writer_new(24);
    assert_ok(writer_open(wr, err));
    assert_int_equal(mun_store_payload_max(wr->store), 12 * BLOCK - JB_END);
    must_not_fit(wr, 12 * BLOCK, MUN_E_AGAIN);
    writer_commit(wr, 1, 12 * BLOCK - JB_END - 2); /* exactly half */
    writer_commit(wr, 1, 12 * BLOCK - JB_END - 2); /* the other half: next + blocks - start = N */
    must_not_fit(wr, 10, MUN_E_AGAIN);
    writer_flush(wr);
    writer_commit(wr, 1, 10);
    must_not_fit(wr, 12 * BLOCK, MUN_E_AGAIN);
    writer_flush(wr);
    assert_ok(mun_store_grow(wr->store, &wr->w.crypto, 1024, err));
    assert_int_equal(mun_store_payload_max(wr->store), 1048576);
    must_not_fit(wr, 1048576 + 40, MUN_E_AGAIN);
    writer_commit(wr, 16, 65534); /* 16 * 65,536 bytes */
    writer_flush(wr);
    writer_close(wr);
    writer_check(wr);
    writer_free(wr);
}

/* [LOG-9]: the root is that of the bytes in the buffer which is written, whatever was handed in. */
static void root_of_the_buffer(void **unused)
{
    (void)unused;
    mun_batch b;
    mun_error why;
    mun_hash root;
    writer *wr = writer_new(0);
    assert_ok(writer_open(wr, err));
    writer_fill(wr, &b, 3, 30, false);
    b.block[JB_END + 2 + 5] ^= 1; /* an entry changes between its arrival and the write */
    for (uint32_t i = 0; i < 3; i++) reference_add(&wr->w.ref, mun_batch_entry(&b, i), wr->w.now);
    assert_ok(mun_store_write(wr->store, &wr->w.crypto, &b, err));
    assert_ok(mun_store_sync(wr->store, &b, err));
    reference_root(&wr->w, 3, &root);
    mun_tree_head head = mun_store_head(wr->store);
    assert_true(mun_hash_equal(&head.root, &root));
    mun_batch_finish(&b);
    /* With the maker's own leaf hashes the change is seen, and nothing is written. */
    writer_fill(wr, &b, 2, 30, false);
    for (uint32_t i = 0; i < 2; i++) {
        mun_hash_leaf(&wr->w.crypto, mun_batch_entry(&b, i), &b.node[i]);
    }
    b.leaf_given = true;
    b.block[JB_END + 2 + 5] ^= 1;
    snapshot before, after;
    const char *differs;
    snapshot_take(&wr->w, &before);
    assert_int_equal(mun_store_write(wr->store, &wr->w.crypto, &b, &why), MUN_E_INVALID);
    snapshot_take(&wr->w, &after);
    assert_true(snapshot_same(&before, &after, &differs));
    snapshot_free(&before);
    snapshot_free(&after);
    mun_batch_finish(&b);
    writer_close(wr);
    writer_check(wr);
    writer_free(wr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(superblock_and_streams),
        cmocka_unit_test(batches_in_the_ring),
        cmocka_unit_test(published_block),
        cmocka_unit_test(times_of_entries),
        cmocka_unit_test(time_and_mark_never_go_back),
        cmocka_unit_test(batch_limits),
        cmocka_unit_test(root_of_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

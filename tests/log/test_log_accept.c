/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What recovery takes and what it refuses: superblocks and batches forged by hand, right but for
 * one thing, each beside one that is right in everything.
 */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "log/log_bytes.h"

#define RING 24

static uint8_t *journal_of(const writer *wr, size_t *ret_len)
{
    return world_file(&wr->w, "journal", ret_len);
}

static void put_journal(const writer *wr, uint8_t *journal, size_t len)
{
    world_put(&wr->w, "journal", journal, len);
    free(journal);
}

/* A log with some entries and marks, closed, everything flushed. */
static writer *flushed_log(unsigned entries)
{
    writer *wr = writer_new(RING);
    wr->mark = 5;
    assert_ok(writer_open(wr, err));
    while (wr->w.ref.count < entries) {
        writer_commit(wr, 10, 60);
        if (wr->batches % 8 == 0) writer_flush(wr);
    }
    writer_flush(wr);
    writer_close(wr);
    return wr;
}

/* ---- superblocks [LOG-4], [LOG-18] -------------------------------------------------------------
 */

static bool has_generation(const writer *wr, uint64_t generation)
{
    size_t len;
    uint8_t *journal = journal_of(wr, &len);
    bool found = false;
    for (unsigned i = 0; i < SLOTS; i++) {
        const uint8_t *slot = journal + (size_t)i * SLOT_BYTES;
        found = found ||
                (slot_is_sealed(&wr->w, slot) && get_be(slot + SB_GENERATION, 8) == generation);
    }
    free(journal);
    return found;
}

typedef enum slot_fault {
    SLOT_RIGHT,
    SLOT_MAGIC,
    SLOT_DIGEST,
    SLOT_TAIL_DIGEST,
    SLOT_PLACE,
    SLOT_BLOCKS,
    SLOT_LEDGER,
    SLOT_FIRST_ZERO,
    SLOT_LAST_ZERO,
    SLOT_TAIL_ZERO, /* and one for each of the tails 1 .. 7 */
    SLOT_FAULTS = SLOT_TAIL_ZERO + 7
} slot_fault;

static void spoil_slot(uint8_t *slot, unsigned fault)
{
    switch (fault) {
    case SLOT_MAGIC: slot[7] = '2'; break;
    case SLOT_BLOCKS: put_be(slot + SB_BLOCKS, 8, RING + 1); break;
    case SLOT_LEDGER: slot[SB_LEDGER + 31] ^= 1; break;
    case SLOT_FIRST_ZERO: slot[SB_END] = 1; break;
    case SLOT_LAST_ZERO: slot[BLOCK - 1] = 1; break;
    default:
        if (fault >= SLOT_TAIL_ZERO) slot[(fault - SLOT_TAIL_ZERO + 2) * BLOCK - 1] = 1;
    }
}

/* A superblock three generations ahead, in its slot, with one fault; the true one stays. */
static uint64_t forge_superblock(const writer *wr, unsigned fault)
{
    size_t len;
    uint8_t *journal = journal_of(wr, &len);
    uint8_t *slot = malloc(SLOT_BYTES);
    memcpy(slot, journal + (size_t)newest_slot(&wr->w, journal) * SLOT_BYTES, SLOT_BYTES);
    uint64_t generation = get_be(slot + SB_GENERATION, 8) + 3;
    uint64_t place = (generation + (fault == SLOT_PLACE ? 3 : 0)) % SLOTS;
    put_be(slot + SB_GENERATION, 8, generation);
    spoil_slot(slot, fault);
    seal_slot(&wr->w, slot);
    if (fault == SLOT_DIGEST) slot[SB_DIGEST] ^= 1;
    if (fault == SLOT_TAIL_DIGEST) slot[BLOCK + 1] ^= 1;
    memcpy(journal + place * SLOT_BYTES, slot, SLOT_BYTES);
    free(slot);
    put_journal(wr, journal, len);
    return generation;
}

static void superblock_is_taken_only_if_right(void **unused)
{
    (void)unused;
    snapshot base;
    writer *wr = flushed_log(30);
    snapshot_take(&wr->w, &base);
    for (unsigned fault = SLOT_RIGHT; fault < SLOT_FAULTS; fault++) {
        snapshot_put(&wr->w, &base);
        uint64_t forged = forge_superblock(wr, fault);
        writer_check(wr); /* whichever was taken leads to the same log */
        bool taken = has_generation(wr, forged + 1);
        bool left = has_generation(wr, forged - 2);
        if (taken != (fault == SLOT_RIGHT) || left == taken) fail_msg("slot fault %u", fault);
    }
    snapshot_free(&base);
    writer_free(wr);
}

/* [LOG-18]: any one sound slot is enough while it leads to the end; none is damage. */
static void no_superblock_is_damage(void **unused)
{
    (void)unused;
    writer *wr = flushed_log(20);
    size_t len;
    uint8_t *journal = journal_of(wr, &len);
    for (unsigned i = 0; i < SLOTS; i++) journal[(size_t)i * SLOT_BYTES + SB_ROOT] ^= 1;
    put_journal(wr, journal, len);
    writer_refused(wr, "journal", "none of the superblocks is intact");
    writer_free(wr);
}

/* ---- batches [LOG-5], [LOG-6], [LOG-21], [LOG-27] ----------------------------------------------
 */

typedef struct forged {
    uint8_t block[14 * BLOCK];
    uint64_t blocks;
    uint64_t lsn;
} forged;

#define FORGED_ENTRIES 2
#define FORGED_LEN     50

static void forge_entries(writer *wr, forged *f)
{
    uint8_t entry[FORGED_LEN];
    for (unsigned i = 0; i < FORGED_ENTRIES; i++) {
        uint8_t *at = f->block + JB_END + i * (2 + FORGED_LEN);
        memset(entry, 'a' + (int)i, sizeof entry);
        put_be(at, 2, FORGED_LEN);
        memcpy(at + 2, entry, FORGED_LEN);
        reference_add(&wr->w.ref, mun_slice_of(entry, sizeof entry), wr->w.now + 77);
    }
}

/* The batch that would come next, by the tables alone. Its entries are in the reference then. */
static void forge_batch(writer *wr, const uint8_t *journal, forged *f)
{
    mun_hash root;
    const uint8_t *slot = journal + (size_t)newest_slot(&wr->w, journal) * SLOT_BYTES;
    uint64_t first = wr->w.ref.count;
    memset(f, 0, sizeof *f);
    f->blocks = 1;
    f->lsn = get_be(slot + SB_START, 8);
    forge_entries(wr, f);
    reference_root(&wr->w, wr->w.ref.count, &root);
    memcpy(f->block, "MUNJRNL1", 8);
    memcpy(f->block + JB_NONCE, slot + SB_NONCE, 16);
    put_be(f->block + JB_LSN, 8, f->lsn);
    put_be(f->block + JB_FIRST, 8, first);
    put_be(f->block + JB_COUNT, 4, FORGED_ENTRIES);
    put_be(f->block + JB_PAYLOAD, 4, FORGED_ENTRIES * (2 + FORGED_LEN));
    put_be(f->block + JB_MARK, 8, get_be(slot + SB_MARK, 8));
    put_be(f->block + JB_GENERATION, 8, get_be(slot + SB_GENERATION, 8));
    memcpy(f->block + JB_ROOT, root.bytes, 32);
    put_be(f->block + JB_TIME, 8, wr->w.now + 77);
}

static void put_batch(const writer *wr, uint8_t *journal, const forged *f)
{
    for (uint64_t i = 0; i < f->blocks; i++) {
        memcpy(journal + RING_AT + (f->lsn + i) % RING * BLOCK, f->block + i * BLOCK, BLOCK);
    }
    world_put(&wr->w, "journal", journal, RING_AT + RING * BLOCK);
}

static void change_header(forged *f, unsigned field, unsigned width, int by)
{
    put_be(f->block + field, width, get_be(f->block + field, width) + (uint64_t)(int64_t)by);
}

/* Each breaks one clause of LOG-5. */
enum {
    BATCH_MAGIC,
    BATCH_NONCE,
    BATCH_LSN,
    BATCH_LSN_ROUND, /* of the same place, a round later */
    BATCH_DIGEST,
    BATCH_MARK,
    BATCH_TIME,
    BATCH_COUNT_MORE,
    BATCH_COUNT_LESS,
    BATCH_PAYLOAD_LESS,
    BATCH_EMPTY_ENTRY,
    BATCH_ENTRY_BEYOND,
    BATCH_PADDING,
    BATCH_LAST_PADDING,
    BATCH_ROOT,
    BATCH_FAULTS
};

static void root_into(const writer *wr, forged *f, uint64_t size)
{
    mun_hash root;
    reference_root(&wr->w, size, &root);
    memcpy(f->block + JB_ROOT, root.bytes, 32);
}

static void forget_forged(writer *wr)
{
    wr->w.ref.count -= FORGED_ENTRIES;
    wr->w.ref.bytes_len = wr->w.ref.at[wr->w.ref.count];
}

/* The first entry takes no bytes, the second all of them: the lengths still fill the payload, and
 * the root is that of these two. */
static void empty_entry(writer *wr, forged *f)
{
    uint8_t *at = f->block + JB_END;
    put_be(at, 2, 0);
    put_be(at + 2, 2, 2 * FORGED_LEN);
    forget_forged(wr);
    reference_add(&wr->w.ref, mun_slice_of(at, 0), 0);
    reference_add(&wr->w.ref, mun_slice_of(at + 4, 2 * FORGED_LEN), 0);
    root_into(wr, f, wr->w.ref.count);
}

static void spoil_batch(writer *wr, forged *f, unsigned fault)
{
    const size_t end = JB_END + FORGED_ENTRIES * (2 + FORGED_LEN);
    switch (fault) {
    case BATCH_MAGIC: f->block[7] = '2'; break;
    case BATCH_NONCE: f->block[JB_NONCE + 15] ^= 1; break;
    case BATCH_LSN: change_header(f, JB_LSN, 8, 1); break;
    case BATCH_LSN_ROUND: change_header(f, JB_LSN, 8, -RING); break;
    case BATCH_MARK: change_header(f, JB_MARK, 8, -1); break;
    case BATCH_TIME: put_be(f->block + JB_TIME, 8, wr->w.now - 1); break;
    case BATCH_COUNT_MORE: change_header(f, JB_COUNT, 4, 1); break;
    case BATCH_COUNT_LESS:
        change_header(f, JB_COUNT, 4, -1);
        root_into(wr, f, wr->w.ref.count - 1);
        break;
    case BATCH_PAYLOAD_LESS: change_header(f, JB_PAYLOAD, 4, -1); break;
    case BATCH_EMPTY_ENTRY: empty_entry(wr, f); break;
    case BATCH_ENTRY_BEYOND: put_be(f->block + JB_END + 2 + FORGED_LEN, 2, FORGED_LEN + 1); break;
    case BATCH_PADDING: f->block[end] = 1; break;
    case BATCH_LAST_PADDING: f->block[BLOCK - 1] = 1; break;
    case BATCH_ROOT: f->block[JB_ROOT] ^= 1; break;
    default: break;
    }
    seal_header(&wr->w, f->block);
    if (fault == BATCH_DIGEST) f->block[JB_DIGEST + 31] ^= 1;
}

/* Whether the block at the forged batch's place is all zeros now. */
static bool is_buried(const writer *wr, const forged *f)
{
    size_t len;
    uint8_t *journal = journal_of(wr, &len);
    bool zero = is_zero(journal + RING_AT + f->lsn % RING * BLOCK, BLOCK);
    free(journal);
    return zero;
}

static void a_right_batch_is_taken(void **unused)
{
    (void)unused;
    forged f;
    size_t len;
    writer *wr = flushed_log(30);
    uint8_t *journal = journal_of(wr, &len);
    forge_batch(wr, journal, &f);
    seal_header(&wr->w, f.block);
    put_batch(wr, journal, &f);
    free(journal);
    writer_check(wr); /* with the two entries and their time */
    writer_free(wr);
}

/* One that is not right is the end of the log; [LOG-27]: its block is overwritten. */
static void a_wrong_batch_is_the_end(void **unused)
{
    (void)unused;
    snapshot base;
    writer *wr = flushed_log(300); /* the ring is in its second round */
    snapshot_take(&wr->w, &base);
    for (unsigned fault = 0; fault < BATCH_FAULTS; fault++) {
        forged f;
        size_t len;
        snapshot_put(&wr->w, &base);
        uint8_t *journal = journal_of(wr, &len);
        forge_batch(wr, journal, &f);
        spoil_batch(wr, &f, fault);
        put_batch(wr, journal, &f);
        free(journal);
        forget_forged(wr);
        writer_check(wr);
        if (!is_buried(wr, &f)) fail_msg("batch fault %u", fault);
    }
    snapshot_free(&base);
    writer_free(wr);
}

/* A right header that cannot be the next one is damage, not an end. */
static void a_batch_that_does_not_continue_is_damage(void **unused)
{
    (void)unused;
    static const struct {
        unsigned field, width;
        int by;
        const char *words;
    } faults[] = {
        {JB_FIRST, 8, 1, "does not continue"},       {JB_FIRST, 8, -1, "does not continue"},
        {JB_PAYLOAD, 4, 12 * BLOCK, "does not fit"}, /* [LOG-6]: more than half the ring */
        {JB_PAYLOAD, 4, 1048576, "does not fit"},    {JB_COUNT, 4, 1000000, "does not fit"},
        {JB_LSN, 8, 3, "damaged: a later one"}, /* put three blocks on: a gap */
        {JB_LSN, 8, RING, "damaged: a later one"},
    };
    snapshot base;
    writer *wr = flushed_log(30);
    snapshot_take(&wr->w, &base);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        forged f;
        size_t len;
        snapshot_put(&wr->w, &base);
        uint8_t *journal = journal_of(wr, &len);
        forge_batch(wr, journal, &f);
        change_header(&f, faults[i].field, faults[i].width, faults[i].by);
        f.lsn = get_be(f.block + JB_LSN, 8);
        seal_header(&wr->w, f.block);
        put_batch(wr, journal, &f);
        free(journal);
        forget_forged(wr);
        writer_refused(wr, "journal", faults[i].words);
    }
    snapshot_free(&base);
    writer_free(wr);
}

/* [LOG-27]: a torn batch, then the block that was missing: what was shown as absent stays so. */
static void an_unfinished_batch_never_comes_back(void **unused)
{
    (void)unused;
    mun_batch b;
    size_t len;
    uint8_t missing[BLOCK];
    writer *wr = flushed_log(20);
    assert_ok(writer_open(wr, err));
    writer_fill(wr, &b, 2, 3000, false);
    assert_ok(mun_store_write(wr->store, &wr->w.crypto, &b, err));
    uint64_t at = RING_AT + (b.lsn + 1) % RING * BLOCK;
    mun_batch_finish(&b);
    writer_close(wr);
    uint8_t *journal = journal_of(wr, &len);
    memcpy(missing, journal + at, BLOCK);
    memset(journal + at, 0, BLOCK);
    put_journal(wr, journal, len);
    writer_check(wr);
    journal = journal_of(wr, &len);
    memcpy(journal + at, missing, BLOCK);
    put_journal(wr, journal, len);
    writer_check(wr);
    writer_free(wr);
}

/* ---- contradictions [LOG-22] -------------------------------------------------------------------
 */

/* Ten entries flushed, then three batches of two blocks in the ring only; published_to of them. */
static writer *waiting_log(bool published)
{
    writer *wr = flushed_log(10);
    assert_ok(writer_open(wr, err));
    for (unsigned i = 0; i < 3; i++) writer_commit(wr, 2, 3000);
    if (published) writer_follow(wr);
    writer_close(wr);
    return wr;
}

/* Flips a bit inside the payload of waiting batch n. */
static void damage_waiting(const writer *wr, unsigned n)
{
    size_t len;
    uint8_t *journal = journal_of(wr, &len);
    const uint8_t *slot = journal + (size_t)newest_slot(&wr->w, journal) * SLOT_BYTES;
    uint64_t lsn = get_be(slot + SB_START, 8) + 2 * n;
    journal[RING_AT + lsn % RING * BLOCK + 1000] ^= 4;
    put_journal(wr, journal, len);
}

/* [LOG-21]: replayed in order, into the same streams. */
static void waiting_batches_are_replayed(void **unused)
{
    (void)unused;
    for (int published = 0; published < 2; published++) {
        writer *wr = waiting_log(published != 0);
        writer_check(wr);
        writer_free(wr);
    }
}

/* [LOG-22], [LOG-25]: the place is named by offset, LSN and entries. */
static void a_later_batch_contradicts(void **unused)
{
    (void)unused;
    writer *wr = waiting_log(false);
    damage_waiting(wr, 1);
    writer_refused(wr, "journal, byte ", "entries 12 to 13");
    writer_refused(wr, "journal, byte ", "(batch at LSN ");
    writer_free(wr);
}

static void published_contradicts(void **unused)
{
    (void)unused;
    writer *wr = waiting_log(true);
    damage_waiting(wr, 2);
    writer_refused(wr, "journal, byte ", "entries 14 to 15");
    /* Without `published` it looks like a batch that was never finished: the limit that
     * docs/format/log.md states. */
    assert_ok(wr->w.vfs.remove(wr->w.vfs.ctx, "published", err));
    wr->w.ref.count -= 2;
    writer_check(wr);
    writer_free(wr);
}

/* A published record of another journal, or one that is not intact, says nothing. */
static void strange_published_says_nothing(void **unused)
{
    (void)unused;
    for (int spoiled = 0; spoiled < 3; spoiled++) {
        size_t len;
        writer *wr = waiting_log(true);
        uint8_t *p = world_file(&wr->w, "published", &len);
        put_be(p + PUB_SIZE, 8, 1000);
        if (spoiled == 1) p[PUB_NONCE] ^= 1;
        seal_published(&wr->w, p);
        if (spoiled == 2) p[PUB_DIGEST] ^= 1;
        world_put(&wr->w, "published", p, len);
        free(p);
        if (spoiled == 0) {
            writer_refused(wr, "journal, byte ", "readers were shown");
        } else {
            writer_check(wr);
        }
        writer_free(wr);
    }
}

/* A batch that knew of a newer superblock than the newest one that is intact. */
static void a_batch_knows_the_generation(void **unused)
{
    (void)unused;
    size_t len;
    writer *wr = writer_new(64);
    assert_ok(writer_open(wr, err));
    writer_commit(wr, 3, 100);
    writer_flush(wr);
    writer_commit(wr, 3, 100);
    writer_close(wr);
    uint8_t *journal = journal_of(wr, &len);
    uint8_t *slot = journal + (size_t)newest_slot(&wr->w, journal) * SLOT_BYTES;
    slot[SB_ROOT] ^= 1;
    put_journal(wr, journal, len);
    writer_refused(wr, "journal", "newest superblock is damaged");
    writer_free(wr);
}

/* ---- streams [LOG-19], [LOG-20] ----------------------------------------------------------------
 */

static const char *const streams[] = {"offsets", "hashes/0", "hashes/1", "entries/0000000000",
                                      "commits"};

static const char junk[5000] = "junk behind the durable length";

/* The file with that length, its bytes or junk, opens and has its own bytes again. */
static void is_restored(writer *wr, const char *name, const uint8_t *bytes, size_t len, size_t put)
{
    size_t after_len;
    world_put(&wr->w, name, bytes, put);
    writer_check(wr);
    uint8_t *after = world_file(&wr->w, name, &after_len);
    assert_int_equal(after_len, len);
    assert_memory_equal(after, bytes, len);
    free(after);
}

static void lengths_of_stream(writer *wr, const char *name)
{
    size_t len;
    uint8_t *bytes = world_file(&wr->w, name, &len);
    size_t full = len / BLOCK * BLOCK; /* all of `commits`, which grows by blocks */
    bytes = realloc(bytes, len + sizeof junk);
    memcpy(bytes + len, junk, sizeof junk);
    if (full > 0) {
        world_put(&wr->w, name, bytes, full - 1);
        writer_refused(wr, name, "before what was made durable");
    }
    is_restored(wr, name, bytes, len, full);
    if (full < len) is_restored(wr, name, bytes, len, len - 1);
    is_restored(wr, name, bytes, len, len + 1);
    is_restored(wr, name, bytes, len, len + sizeof junk);
    free(bytes);
}

/* [LOG-19]: shorter than the full blocks below the durable length is damage. In the last partial
 * block the superblock has the bytes; behind the durable length they are cut; later segments go. */
static void lengths_of_streams(void **unused)
{
    (void)unused;
    writer *wr = flushed_log(2560); /* 256 batches: two blocks of commit records */
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        lengths_of_stream(wr, streams[i]);
    }
    world_put(&wr->w, "entries/0000000001", junk, sizeof junk);
    writer_check(wr);
    assert_false(world_has(&wr->w, "entries/0000000001"));
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        size_t len;
        uint8_t *bytes = world_file(&wr->w, streams[i], &len);
        assert_ok(wr->w.vfs.remove(wr->w.vfs.ctx, streams[i], err));
        writer_refused(wr, streams[i], "missing");
        world_put(&wr->w, streams[i], bytes, len);
        free(bytes);
    }
    writer_check(wr);
    writer_free(wr);
}

/* [LOG-20]: a wrong hash on the right edge, in the file's full blocks. */
static void the_edge_gives_the_root(void **unused)
{
    (void)unused;
    size_t len;
    writer *wr = flushed_log(400);
    uint8_t *bytes = world_file(&wr->w, "hashes/0", &len);
    bytes[32 * 300 + 7] ^= 1; /* entries 256 to 383 are one subtree of the edge */
    world_put(&wr->w, "hashes/0", bytes, len);
    writer_refused(wr, "hashes", "do not give the root of the superblock");
    bytes[32 * 300 + 7] ^= 1;
    bytes[32 * 399] ^= 1; /* in the tail: the superblock has these bytes */
    world_put(&wr->w, "hashes/0", bytes, len);
    writer_check(wr);
    free(bytes);
    writer_free(wr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(superblock_is_taken_only_if_right),
        cmocka_unit_test(no_superblock_is_damage),
        cmocka_unit_test(a_right_batch_is_taken),
        cmocka_unit_test(a_wrong_batch_is_the_end),
        cmocka_unit_test(a_batch_that_does_not_continue_is_damage),
        cmocka_unit_test(an_unfinished_batch_never_comes_back),
        cmocka_unit_test(waiting_batches_are_replayed),
        cmocka_unit_test(a_later_batch_contradicts),
        cmocka_unit_test(published_contradicts),
        cmocka_unit_test(strange_published_says_nothing),
        cmocka_unit_test(a_batch_knows_the_generation),
        cmocka_unit_test(lengths_of_streams),
        cmocka_unit_test(the_edge_gives_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The log's records: what was written is read again, any flipped bit is refused. */
#include "support/cmocka_all.h"

#include <string.h>

#include "log/log_world.h"
#include "log/store_layout.h"

static world w;

static int setup(void **state)
{
    (void)state;
    world_open(&w, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void test_superblock(void **state) /* [LOG-4] */
{
    (void)state;
    static uint8_t slot[MUN_LOG_SLOT_BYTES], tails[MUN_STREAMS * MUN_LOG_BLOCK];
    mun_superblock sb = {.generation = 6,
                         .start = 77,
                         .ring_blocks = 64,
                         .size = 1001,
                         .segment_bytes = 500,
                         .mark = 9,
                         .batches = 30};
    mun_superblock got;
    memset(sb.nonce, 3, sizeof sb.nonce);
    memset(sb.root.bytes, 4, sizeof sb.root.bytes);
    memset(sb.ledger_id.bytes, 5, sizeof sb.ledger_id.bytes);
    tails[0] = 1; /* offsets: 4 * 1001 bytes do not end with a block */
    mun_superblock_encode(&sb, tails, &w.crypto, slot);
    assert_memory_equal(slot, "MUNSUPR1", 8);
    assert_int_equal(slot[31], 6);
    assert_true(mun_superblock_decode(slot, 6 % MUN_LOG_SLOTS, &w.crypto, &got));
    assert_memory_equal(&got, &sb, sizeof sb);
    for (unsigned place = 0; place < MUN_LOG_SLOTS; place++) {
        if (place == 6 % MUN_LOG_SLOTS) continue;
        assert_false(mun_superblock_decode(slot, place, &w.crypto, &got));
    }
    for (size_t at = 0; at < sizeof slot; at += at < 300 ? 1 : 97) {
        slot[at] ^= 1;
        assert_false(mun_superblock_decode(slot, 6 % MUN_LOG_SLOTS, &w.crypto, &got));
        slot[at] ^= 1;
    }
    /* Bytes behind a stream's end, with a right digest. */
    tails[MUN_LOG_BLOCK - 1] = 1;
    mun_superblock_encode(&sb, tails, &w.crypto, slot);
    assert_false(mun_superblock_decode(slot, 6 % MUN_LOG_SLOTS, &w.crypto, &got));
    tails[MUN_LOG_BLOCK - 1] = 0;
    sb.generation = 0;
    mun_superblock_encode(&sb, tails, &w.crypto, slot);
    assert_false(mun_superblock_decode(slot, 0, &w.crypto, &got));
    sb.generation = 6;
    sb.ring_blocks = MUN_LOG_RING_LIMIT + 1;
    mun_superblock_encode(&sb, tails, &w.crypto, slot);
    assert_false(mun_superblock_decode(slot, 6 % MUN_LOG_SLOTS, &w.crypto, &got));
    sb.ring_blocks = 64;
    sb.size = MUN_LOG_ENTRIES_MAX + 1;
    mun_superblock_encode(&sb, tails, &w.crypto, slot);
    assert_false(mun_superblock_decode(slot, 6 % MUN_LOG_SLOTS, &w.crypto, &got));
}

static void test_header(void **state) /* [LOG-5] */
{
    (void)state;
    uint8_t bytes[MUN_LOG_HEADER_BYTES];
    mun_batch_header h = {.lsn = 5,
                          .first = 6,
                          .count = 7,
                          .payload_len = 100,
                          .mark = 8,
                          .generation = 9,
                          .time_ms = 10};
    mun_batch_header got = {0};
    uint8_t other[MUN_NONCE_SIZE] = {1};
    mun_batch_header_encode(&h, &w.crypto, bytes);
    assert_true(mun_batch_header_decode(bytes, h.nonce, &w.crypto, &got));
    assert_int_equal(got.lsn, 5);
    assert_int_equal(got.first, 6);
    assert_int_equal(got.count, 7);
    assert_int_equal(got.payload_len, 100);
    assert_int_equal(got.mark, 8);
    assert_int_equal(got.generation, 9);
    assert_int_equal(got.time_ms, 10);
    assert_false(mun_batch_header_decode(bytes, other, &w.crypto, &got));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(mun_batch_header_decode(bytes, h.nonce, &w.crypto, &got));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(mun_batch_blocks(0), 1);
    assert_int_equal(mun_batch_blocks(MUN_LOG_BLOCK - MUN_LOG_HEADER_BYTES), 1);
    assert_int_equal(mun_batch_blocks(MUN_LOG_BLOCK - MUN_LOG_HEADER_BYTES + 1), 2);
}

static void test_published(void **state)
{
    (void)state;
    uint8_t bytes[MUN_LOG_BLOCK];
    mun_published p = {.size = 99}, got;
    mun_published_encode(&p, &w.crypto, bytes);
    assert_true(mun_published_decode(bytes, &w.crypto, &got));
    assert_int_equal(got.size, 99);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit += bit < 800 ? 1 : 31) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(mun_published_decode(bytes, &w.crypto, &got), bit / 8 >= 96); /* LOG-16 */
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_commit_block(void **state) /* [LOG-13] */
{
    (void)state;
    uint8_t block[MUN_LOG_BLOCK] = {0};
    uint64_t first, time;
    mun_commit_put(block, 0, 0, 100);
    mun_commit_put(block, 1, 40, 101);
    mun_commit_seal(block, &w.crypto);
    assert_true(mun_commit_sound(block, 2, &w.crypto));
    assert_false(mun_commit_sound(block, 1, &w.crypto)); /* an unused record is not zero */
    mun_commit_get(block, 1, &first, &time);
    assert_int_equal(first, 40);
    assert_int_equal(time, 101);
    for (size_t at = 0; at < sizeof block; at++) {
        block[at] ^= 0x80;
        assert_false(mun_commit_sound(block, MUN_LOG_COMMITS_IN_BLOCK, &w.crypto));
        block[at] ^= 0x80;
    }
}

static void test_names_and_lengths(void **state)
{
    (void)state;
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, MUN_STREAM_SEGMENT, 12);
    assert_string_equal(name, "entries/0000000012");
    mun_stream_name(name, MUN_STREAM_LEVEL + 4, 0);
    assert_string_equal(name, "hashes/4");
    mun_stream_name(name, MUN_STREAM_OFFSETS, 0);
    assert_string_equal(name, "offsets");
    mun_stream_name(name, MUN_STREAM_COMMITS, 0);
    assert_string_equal(name, "commits");
    assert_int_equal(mun_stream_length(MUN_STREAM_OFFSETS, 10, 3, 7), 40);
    assert_int_equal(mun_stream_length(MUN_STREAM_SEGMENT, 10, 3, 7), 7);
    assert_int_equal(mun_stream_length(MUN_STREAM_COMMITS, 10, 0, 7), 0);
    assert_int_equal(mun_stream_length(MUN_STREAM_COMMITS, 10, 3, 7), MUN_LOG_BLOCK);
    assert_int_equal(mun_stream_length(MUN_STREAM_LEVEL, 10, 3, 7), 320);
    assert_int_equal(mun_stream_length(MUN_STREAM_LEVEL + 1, MUN_LOG_TILE_WIDTH * 2 + 1, 3, 7), 64);
}

static void test_format(void **state) /* [LOG-1] */
{
    (void)state;
    char text[MUN_FORMAT_TEXT_MAX];
    size_t len = mun_format_text(text);
    assert_int_equal(mun_format_check(mun_slice_of(text, len), NULL), MUN_OK);
    assert_int_equal(mun_format_check(mun_slice_of(text, len - 1), NULL), MUN_E_DAMAGED);
    assert_int_equal(mun_format_check(MUN_LITERAL(""), NULL), MUN_E_DAMAGED);
    assert_int_equal(mun_format_check(MUN_LITERAL("muniment-log x\n"), NULL), MUN_E_DAMAGED);
    assert_int_equal(mun_format_check(MUN_LITERAL("muniment-log 12\n"), NULL), MUN_E_VERSION);
    assert_int_equal(mun_format_check(MUN_LITERAL("muniment-log 99999999999999999999\n"), NULL),
                     MUN_E_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_superblock),        cmocka_unit_test(test_header),
        cmocka_unit_test(test_published),         cmocka_unit_test(test_commit_block),
        cmocka_unit_test(test_names_and_lengths), cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

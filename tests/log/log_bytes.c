/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log_bytes.h"

#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "log/store_reader.h"

uint64_t get_be(const uint8_t *p, unsigned width)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < width; i++) v = v << 8 | p[i];
    return v;
}

void put_be(uint8_t *p, unsigned width, uint64_t v)
{
    while (width-- > 0) {
        p[width] = (uint8_t)v;
        v >>= 8;
    }
}

void digest_of(const world *w, const void *bytes, size_t len, uint8_t ret[32])
{
    mun_slice part = mun_slice_of(bytes, len);
    w->crypto.sha256(w->crypto.ctx, &part, 1, ret);
}

bool is_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != 0) return false;
    }
    return true;
}

static void slot_digest(const world *w, const uint8_t *slot, uint8_t ret[32])
{
    uint8_t *copy = malloc(SLOT_BYTES);
    assert_non_null(copy);
    memcpy(copy, slot, SLOT_BYTES);
    memset(copy + SB_DIGEST, 0, 32);
    digest_of(w, copy, SLOT_BYTES, ret);
    free(copy);
}

void seal_slot(const world *w, uint8_t *slot)
{
    uint8_t digest[32];
    slot_digest(w, slot, digest);
    memcpy(slot + SB_DIGEST, digest, sizeof digest);
}

bool slot_is_sealed(const world *w, const uint8_t *slot)
{
    uint8_t digest[32];
    slot_digest(w, slot, digest);
    return memcmp(slot, "MUNSUPR1", 8) == 0 && memcmp(digest, slot + SB_DIGEST, 32) == 0;
}

void seal_header(const world *w, uint8_t *header)
{
    digest_of(w, header, JB_DIGEST, header + JB_DIGEST);
}

void seal_published(const world *w, uint8_t *block)
{
    digest_of(w, block, PUB_DIGEST, block + PUB_DIGEST);
}

unsigned newest_slot(const world *w, const uint8_t *journal)
{
    unsigned best = SLOTS;
    uint64_t highest = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        const uint8_t *slot = journal + (size_t)i * SLOT_BYTES;
        if (!slot_is_sealed(w, slot) || get_be(slot + SB_GENERATION, 8) <= highest) continue;
        highest = get_be(slot + SB_GENERATION, 8);
        best = i;
    }
    assert_true(best < SLOTS);
    return best;
}

uint64_t newest_generation(const world *w)
{
    size_t len;
    uint8_t *journal = world_file(w, "journal", &len);
    size_t slot = newest_slot(w, journal);
    uint64_t ret = get_be(journal + slot * SLOT_BYTES + SB_GENERATION, 8);
    free(journal);
    return ret;
}

/* ---- a log that is driven step by step -------------------------------------------------------*/

static mun_store_config config_of(writer *wr)
{
    return (mun_store_config){
        .vfs = wr->vfs,
        .origin = MUN_LITERAL(WORLD_ORIGIN),
        .random = world_bytes,
        .random_ctx = &wr->w,
        .ring_blocks = wr->ring_blocks,
    };
}

writer *writer_new(uint32_t ring_blocks)
{
    writer *wr = calloc(1, sizeof *wr);
    assert_non_null(wr);
    world_open(&wr->w, 7);
    wr->vfs = &wr->w.vfs;
    wr->ring_blocks = ring_blocks;
    mun_store_config config = config_of(wr);
    assert_ok(mun_store_create(&config, &wr->w.crypto, err));
    return wr;
}

static void drop_queue(writer *wr)
{
    for (unsigned i = 0; i < wr->queued; i++) mun_batch_finish(&wr->queue[i]);
    wr->queued = 0;
}

void writer_free(writer *wr)
{
    writer_close(wr);
    world_close(&wr->w);
    free(wr);
}

mun_code writer_open(writer *wr, mun_error *err)
{
    mun_store_config config = config_of(wr);
    return mun_store_open(&config, &wr->w.crypto, &wr->store, err);
}

void writer_close(writer *wr)
{
    drop_queue(wr);
    mun_store_close(wr->store);
    wr->store = NULL;
}

void writer_fill(writer *wr, mun_batch *ret, unsigned count, size_t len, bool noted)
{
    static uint8_t entry[MUN_ENTRY_MAX];
    assert_ok(mun_batch_init(ret, count * (2 + len) + 1, count + 1, err));
    for (unsigned i = 0; i < count; i++) {
        uint64_t index = noted ? wr->w.ref.count : wr->w.ref.count + i;
        for (size_t k = 0; k < len; k++) entry[k] = (uint8_t)(index * 37 + k + 1);
        assert_true(mun_batch_add(ret, mun_slice_of(entry, len)));
        if (noted) reference_add(&wr->w.ref, mun_slice_of(entry, len), wr->w.now);
    }
    ret->time_ms = wr->w.now;
    ret->mark = wr->mark;
}

void writer_commit(writer *wr, unsigned count, size_t len)
{
    mun_batch b;
    assert_true(wr->queued < WRITER_QUEUE);
    wr->w.now += 10;
    writer_fill(wr, &b, count, len, true);
    assert_ok(mun_store_write(wr->store, &wr->w.crypto, &b, err));
    assert_ok(mun_store_sync(wr->store, &b, err));
    assert_ok(mun_batch_copy(&b, &wr->queue[wr->queued++], err));
    mun_batch_finish(&b);
    wr->batches++;
}

void writer_follow(writer *wr)
{
    for (unsigned i = 0; i < wr->queued; i++) {
        assert_ok(mun_store_follow(wr->store, &wr->w.crypto, &wr->queue[i], err));
    }
    drop_queue(wr);
    assert_ok(mun_store_publish(wr->store, &wr->w.crypto, err));
}

void writer_flush(writer *wr)
{
    writer_follow(wr);
    assert_ok(mun_store_flush(wr->store, &wr->w.crypto, err));
}

static void check_entries(const writer *wr)
{
    const world *w = &wr->w;
    mun_reader *reader;
    assert_ok(mun_reader_new(&w->vfs, &reader, err));
    for (size_t i = 0; i < w->ref.count; i++) {
        uint8_t bytes[MUN_ENTRY_MAX];
        mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
        uint64_t time;
        assert_ok(mun_reader_entry(reader, &w->crypto, i, w->ref.count, &buf, NULL, err));
        assert_ok(mun_reader_time(reader, &w->crypto, i, &time, err));
        assert_true(mun_slice_equal(mun_buf_slice(&buf), reference_entry(&w->ref, i)));
        assert_int_equal(time, w->ref.time[i]);
    }
    mun_reader_free(reader);
}

void writer_check(writer *wr)
{
    mun_hash root;
    assert_ok(writer_open(wr, err));
    mun_tree_head head = mun_store_head(wr->store);
    assert_int_equal(head.size, wr->w.ref.count);
    reference_root(&wr->w, wr->w.ref.count, &root);
    assert_true(mun_hash_equal(&head.root, &root));
    check_entries(wr);
    writer_close(wr);
}

void writer_refused(writer *wr, const char *file, const char *words)
{
    snapshot before, after;
    mun_error why = {0};
    const char *differs = NULL;
    snapshot_take(&wr->w, &before);
    assert_int_equal(writer_open(wr, &why), MUN_E_DAMAGED);
    if (strncmp(why.text, file, strlen(file)) != 0 || strstr(why.text, words) == NULL) {
        fail_msg("`%s` does not name %s and %s", why.text, file, words);
    }
    snapshot_take(&wr->w, &after);
    if (!snapshot_same(&before, &after, &differs)) fail_msg("%s was changed", differs);
    snapshot_free(&before);
    snapshot_free(&after);
}

/* ---- all files of the log --------------------------------------------------------------------*/

const char *snapshot_name(unsigned i)
{
    static const char *const name[SNAPSHOT_FILES] = {
        "format",     "journal",  "published",          "offsets",
        "commits",    "hashes/0", "hashes/1",           "hashes/2",
        "hashes/3",   "hashes/4", "entries/0000000000", "entries/0000000001",
        "journal.new"};
    return name[i];
}

void snapshot_take(const world *w, snapshot *ret)
{
    *ret = (snapshot){0};
    for (unsigned i = 0; i < SNAPSHOT_FILES; i++) {
        ret->file[i].there = world_has(w, snapshot_name(i));
        if (!ret->file[i].there) continue;
        ret->file[i].bytes = world_file(w, snapshot_name(i), &ret->file[i].len);
    }
}

void snapshot_put(const world *w, const snapshot *s)
{
    for (unsigned i = 0; i < SNAPSHOT_FILES; i++) {
        const char *name = snapshot_name(i);
        if (s->file[i].there) {
            world_put(w, name, s->file[i].bytes, s->file[i].len);
        } else if (world_has(w, name)) {
            assert_ok(w->vfs.remove(w->vfs.ctx, name, err));
        }
    }
}

bool snapshot_same(const snapshot *a, const snapshot *b, const char **ret_differs)
{
    for (unsigned i = 0; i < SNAPSHOT_FILES; i++) {
        *ret_differs = snapshot_name(i);
        if (a->file[i].there != b->file[i].there || a->file[i].len != b->file[i].len) return false;
        if (!a->file[i].there || a->file[i].len == 0) continue;
        if (memcmp(a->file[i].bytes, b->file[i].bytes, a->file[i].len) != 0) return false;
    }
    return true;
}

void snapshot_free(snapshot *s)
{
    for (unsigned i = 0; i < SNAPSHOT_FILES; i++) free(s->file[i].bytes);
    *s = (snapshot){0};
}

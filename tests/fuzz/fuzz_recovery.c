/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery: the bytes of a log's files, changed in any way. The base is a small log after a kill:
 * entries in several segments, the newest batches in the ring only. The input is a list of changes
 * to its files, and says which digests are made right again after them, so that recovery's checks
 * behind the digests are reached as well.
 *
 * Whatever the bytes: no crash, a refused opening changes nothing, and a log that opens takes a
 * batch and opens again with it. [LOG-4] [LOG-5] [LOG-18] [LOG-22] [LOG-23]
 */
#include "fuzz/fuzz_need.h"
#include "sim/sim_hash.h"
#include "sim/simdisk.h"

#include "base/cursor.h"
#include "log/store.h"

#include <string.h>

#define RING      16u
#define BASE_LOTS 24
#define OPS_MAX   64
#define LARGE     (UINT64_C(1) << 60) /* counters that no log reaches may wrap round */

enum { SEAL_SLOTS = 1, SEAL_HEADERS = 2, SEAL_COMMITS = 4, SEAL_PUBLISHED = 8 };

static sim_disk *base;
static sim_disk *disk;
static mun_crypto crypto;
static sim_random dice = {1};

static mun_code draw(void *ctx, uint8_t *ret, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++) ret[i] = (uint8_t)sim_next(&dice);
    return MUN_OK;
}

static mun_store_config config_for(sim_disk *d)
{
    return (mun_store_config){.vfs = sim_disk_vfs(d),
                              .origin = MUN_LITERAL("fuzz.example/log"),
                              .random = draw,
                              .ring_blocks = RING};
}

static mun_code open_store(sim_disk *d, mun_store **ret)
{
    mun_error err;
    mun_store_config config = config_for(d);
    return mun_store_open(&config, &crypto, ret, &err);
}

/* One batch, acknowledged; followed too, if asked for. */
static mun_code commit(mun_store *store, uint32_t count, bool follow)
{
    mun_error err;
    mun_batch batch;
    uint8_t entry[60];
    mun_code code = mun_batch_init(&batch, mun_store_payload_max(store), 64, &err);
    if (code != MUN_OK) return code;
    for (uint32_t i = 0; i < count; i++) {
        memset(entry, (int)i, sizeof entry);
        mun_batch_add(&batch, mun_slice_of(entry, 1 + i * 7 % sizeof entry));
    }
    batch.time_ms = mun_store_last_time(store);
    batch.mark = mun_store_last_mark(store);
    code = mun_store_write(store, &crypto, &batch, &err);
    if (code == MUN_OK) code = mun_store_sync(store, &batch, &err);
    if (code == MUN_OK && follow) code = mun_store_follow(store, &crypto, &batch, &err);
    if (code == MUN_OK && follow) code = mun_store_publish(store, &crypto, &err);
    mun_batch_finish(&batch);
    return code;
}

static void make_base(void)
{
    mun_error err;
    mun_store *store = NULL;
    crypto = sim_fast_crypto();
    base = sim_disk_new(MUN_LOG_BLOCK, MUN_LOG_BLOCK, 1);
    disk = sim_disk_new(MUN_LOG_BLOCK, MUN_LOG_BLOCK, 1);
    mun_store_config config = config_for(base);
    need(mun_store_create(&config, &crypto, &err) == MUN_OK);
    need(open_store(base, &store) == MUN_OK);
    for (uint32_t i = 0; i < BASE_LOTS; i++) {
        need(commit(store, i % 9, true) == MUN_OK);
        if (i % 4 == 3) need(mun_store_flush(store, &crypto, &err) == MUN_OK);
    }
    need(commit(store, 5, false) == MUN_OK);
    need(commit(store, 12, false) == MUN_OK);
    need(commit(store, 1, false) == MUN_OK);
    mun_store_close(store);
    sim_disk_kill(base);
}

/* ---- changes -------------------------------------------------------------------------------- */

static uint64_t size_of(const char *name)
{
    mun_slice bytes;
    return sim_disk_bytes(disk, name, &bytes) ? bytes.len : 0;
}

static void write_file(const char *name, uint64_t offset, mun_slice bytes)
{
    const mun_vfs *vfs = sim_disk_vfs(disk);
    mun_error err;
    mun_file *file;
    if (vfs->open(vfs->ctx, name, MUN_OPEN_WRITE, &file, &err) != MUN_OK) return;
    (void)!vfs->write(vfs->ctx, file, offset, bytes.ptr, bytes.len, &err);
    vfs->close(vfs->ctx, file);
}

static void truncate_file(const char *name, uint64_t size)
{
    const mun_vfs *vfs = sim_disk_vfs(disk);
    mun_error err;
    mun_file *file;
    if (vfs->open(vfs->ctx, name, MUN_OPEN_WRITE, &file, &err) != MUN_OK) return;
    (void)!vfs->truncate(vfs->ctx, file, size, &err);
    vfs->close(vfs->ctx, file);
}

static const char *take_file(mun_cursor *c)
{
    return sim_disk_file_name(disk, mun_cursor_u8(c) % sim_disk_files(disk));
}

/* A block of the journal put where another was. */
static void move_block(mun_cursor *c)
{
    mun_slice journal;
    uint8_t block[MUN_LOG_BLOCK];
    if (!sim_disk_bytes(disk, "journal", &journal) || journal.len < sizeof block) return;
    uint64_t blocks = journal.len / MUN_LOG_BLOCK;
    uint64_t from = mun_cursor_u8(c) % blocks;
    uint64_t to = mun_cursor_u8(c) % blocks;
    memcpy(block, journal.ptr + from * MUN_LOG_BLOCK, sizeof block);
    write_file("journal", to * MUN_LOG_BLOCK, mun_slice_of(block, sizeof block));
}

/* Bytes in the fields of a slot (below the count of slots) or of a ring block. */
static void change_fields(mun_cursor *c)
{
    uint64_t place = mun_cursor_u8(c) % (MUN_LOG_SLOTS + RING);
    uint64_t at = place < MUN_LOG_SLOTS ? place * MUN_LOG_SLOT_BYTES
                                        : MUN_LOG_RING_AT + (place - MUN_LOG_SLOTS) * MUN_LOG_BLOCK;
    at += mun_cursor_u8(c) % 184;
    mun_slice bytes = mun_cursor_take(c, 1 + mun_cursor_u8(c) % 16);
    if (at + bytes.len <= size_of("journal")) write_file("journal", at, bytes);
}

static void change(mun_cursor *c)
{
    const mun_vfs *vfs = sim_disk_vfs(disk);
    mun_error err;
    const char *name;
    char kept[64];
    switch (mun_cursor_u8(c) % 6) {
    case 0:
        name = take_file(c);
        uint64_t offset = mun_cursor_u32(c) % (size_of(name) + 64);
        write_file(name, offset, mun_cursor_take(c, mun_cursor_u8(c)));
        break;
    case 1:
        name = take_file(c);
        truncate_file(name, mun_cursor_u32(c) % (size_of(name) + 600));
        break;
    case 2:
        name = take_file(c);
        if (strchr(name, '/') == NULL && size_of(name) == 0) break; /* a folder */
        strcpy(kept, name);
        (void)!vfs->remove(vfs->ctx, kept, &err);
        break;
    case 3: move_block(c); break;
    default: change_fields(c);
    }
}

/* ---- digests made right --------------------------------------------------------------------- */

static void seal(uint8_t *bytes, size_t covered, size_t digest_at)
{
    mun_slice part = mun_slice_of(bytes, covered);
    uint8_t digest[MUN_HASH_SIZE];
    crypto.sha256(crypto.ctx, &part, 1, digest);
    memcpy(bytes + digest_at, digest, sizeof digest);
}

static void seal_file(const char *name, uint64_t first, uint64_t unit, uint64_t end, size_t covered,
                      size_t digest_at)
{
    mun_slice bytes;
    uint8_t piece[MUN_LOG_SLOT_BYTES];
    for (uint64_t at = first; at + unit <= end; at += unit) {
        if (!sim_disk_bytes(disk, name, &bytes) || at + unit > bytes.len) return;
        memcpy(piece, bytes.ptr + at, unit);
        if (covered == MUN_LOG_SLOT_BYTES) memset(piece + digest_at, 0, MUN_HASH_SIZE);
        seal(piece, covered, digest_at);
        write_file(name, at + digest_at, mun_slice_of(piece + digest_at, MUN_HASH_SIZE));
    }
}

static void make_right(unsigned which)
{
    if (which & SEAL_SLOTS) {
        seal_file("journal", 0, MUN_LOG_SLOT_BYTES, MUN_LOG_RING_AT, MUN_LOG_SLOT_BYTES, 96);
    }
    if (which & SEAL_HEADERS) {
        seal_file("journal", MUN_LOG_RING_AT, MUN_LOG_BLOCK, UINT64_MAX, 104, 104);
    }
    if (which & SEAL_COMMITS) {
        seal_file("commits", 0, MUN_LOG_BLOCK, UINT64_MAX, MUN_LOG_BLOCK - 32, MUN_LOG_BLOCK - 32);
    }
    if (which & SEAL_PUBLISHED) seal_file("published", 0, MUN_LOG_BLOCK, MUN_LOG_BLOCK, 64, 64);
}

/* ---- what must hold ------------------------------------------------------------------------- */

static bool journal_counts_are_large(void)
{
    mun_slice bytes;
    if (!sim_disk_bytes(disk, "journal", &bytes)) return false;
    for (unsigned slot = 0; slot < MUN_LOG_SLOTS; slot++) {
        mun_cursor c = mun_cursor_over(mun_slice_of(bytes.ptr + slot * MUN_LOG_SLOT_BYTES, 176));
        (void)mun_cursor_take(&c, 24);
        for (int i = 0; i < 4; i++) {
            if (mun_cursor_u64(&c) > LARGE) return true; /* generation, start, N, F */
        }
    }
    return false;
}

static void use(mun_store *store)
{
    mun_error err;
    mun_tree_head head = mun_store_head(store);
    need(mun_store_flushed(store) == head.size && mun_store_followed(store) == head.size);
    bool large = journal_counts_are_large();
    mun_code code = commit(store, 2, true);
    if (code == MUN_OK) code = mun_store_flush(store, &crypto, &err);
    mun_store_close(store);
    sim_disk_kill(disk);
    need(sim_disk_open_files(disk) == 0);
    if (code != MUN_OK || large) return;
    need(open_store(disk, &store) == MUN_OK);
    need(mun_store_head(store).size == head.size + 2);
    mun_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (base == NULL) make_base();
    sim_disk_copy(disk, base, 1);
    mun_cursor c = mun_cursor_over(mun_slice_of(data, size));
    unsigned which = mun_cursor_u8(&c);
    for (int i = 0; i < OPS_MAX && mun_cursor_left(&c) > 0 && sim_disk_files(disk) > 0; i++)
        change(&c);
    make_right(which);
    uint64_t changes = sim_disk_changes(disk);
    mun_store *store = NULL;
    mun_code code = open_store(disk, &store);
    if (code == MUN_OK) {
        use(store);
        return 0;
    }
    need(sim_disk_open_files(disk) == 0);
    if (code == MUN_E_DAMAGED) need(sim_disk_changes(disk) == changes);
    return 0;
}

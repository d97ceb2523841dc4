/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold after a recovery, and at any moment for a reader. Reads the files by itself. */
#include "sim/sim_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v = v << 8 | p[i];
    return v;
}

/* Bytes of a record in `published` (docs/format/log.md), and where its fields are. */
enum { PUB_SIZE = 24, PUB_ROOT = 32, PUB_DIGEST = 64, PUB_END = 96 };
enum { COMMIT_RECORD = 16 };

static bool published_intact(const sim_world *w, const sim_disk *disk, mun_slice *ret)
{
    uint8_t digest[MUN_HASH_SIZE];
    if (!sim_disk_bytes(disk, "published", ret) || ret->len < PUB_END) return false;
    mun_slice covered = mun_slice_of(ret->ptr, PUB_DIGEST);
    w->crypto->sha256(w->crypto->ctx, &covered, 1, digest);
    return memcmp(ret->ptr, "MUNPUBL1", 8) == 0 &&
           memcmp(digest, ret->ptr + PUB_DIGEST, MUN_HASH_SIZE) == 0;
}

uint64_t sim_published_size(const sim_world *w, const sim_disk *disk)
{
    mun_slice bytes;
    return published_intact(w, disk, &bytes) ? get_u64(bytes.ptr + PUB_SIZE) : 0;
}

void sim_watch_published(sim_world *w)
{
    mun_slice bytes;
    if (!published_intact(w, w->disk, &bytes)) return;
    uint64_t size = get_u64(bytes.ptr + PUB_SIZE);
    /* Recovery may publish the batch of unknown outcome once it has made that durable. */
    uint64_t most = w->model.size + (w->pending ? w->batch.count : 0);
    if (size > most) {
        sim_broken(w, "%" PRIu64 " entries published, only %" PRIu64 " can be durable", size, most);
    }
    if (size <= w->model.size &&
        memcmp(bytes.ptr + PUB_ROOT, &w->model.root_at[size], MUN_HASH_SIZE) != 0) {
        sim_broken(w, "the published root of %" PRIu64 " entries is wrong", size);
    }
    if (size > w->floor) w->floor = size;
}

static void check_bytes(sim_world *w, const sim_disk *disk, const char *name, mun_slice want,
                        bool prefix_only)
{
    mun_slice have;
    if (!sim_disk_bytes(disk, name, &have)) {
        if (want.len == 0) return;
        sim_broken(w, "%s is missing", name);
    }
    if (have.len < want.len || (have.len > want.len && !prefix_only)) {
        sim_broken(w, "%s has %zu bytes, not %zu", name, have.len, want.len);
    }
    if (want.len == 0 || memcmp(have.ptr, want.ptr, want.len) == 0) return;
    size_t at = 0;
    while (have.ptr[at] == want.ptr[at]) at++;
    sim_broken(w, "%s differs at byte %zu of %zu", name, at, want.len);
}

static void check_segments(sim_world *w, const sim_disk *disk, const sim_model *model)
{
    uint64_t segments = (model->size + MUN_LOG_SEGMENT_ENTRIES - 1) / MUN_LOG_SEGMENT_ENTRIES;
    char name[SIM_SEGMENT_NAME];
    for (uint64_t n = 0; n < segments; n++) {
        snprintf(name, sizeof name, "entries/%010" PRIu64, n);
        check_bytes(w, disk, name, sim_model_segment(model, n), false);
    }
    for (size_t i = 0; i < sim_disk_files(disk); i++) {
        const char *file = sim_disk_file_name(disk, i);
        uint64_t n;
        mun_slice bytes;
        if (sscanf(file, "entries/%" SCNu64, &n) != 1 || n < segments) continue;
        if (sim_disk_bytes(disk, file, &bytes) && bytes.len > 0) {
            sim_broken(w, "%s was left over", file);
        }
    }
}

void sim_check_streams(sim_world *w, const sim_disk *disk, const sim_model *model)
{
    check_segments(w, disk, model);
    check_bytes(w, disk, "offsets", sim_model_offsets(model), false);
    check_bytes(w, disk, "commits", sim_model_commits(model), false);
    for (unsigned level = 0; level < MUN_LOG_LEVELS; level++) {
        char name[SIM_SEGMENT_NAME];
        snprintf(name, sizeof name, "hashes/%u", level);
        check_bytes(w, disk, name, sim_model_level(model, level), false);
    }
}

static void check_published(sim_world *w, const sim_disk *disk, const sim_model *model)
{
    mun_slice bytes;
    if (!published_intact(w, disk, &bytes)) sim_broken(w, "nothing is published after opening");
    if (get_u64(bytes.ptr + PUB_SIZE) != model->size) {
        sim_broken(w, "published size is %" PRIu64 " after opening, not %" PRIu64,
                   get_u64(bytes.ptr + PUB_SIZE), model->size);
    }
}

void sim_check_store(sim_world *w, sim_disk *disk, const mun_store *store, const sim_model *model)
{
    mun_tree_head head = mun_store_head(store);
    if (head.size != model->size || mun_store_batches(store) != model->batches) {
        sim_broken(
            w, "recovered %" PRIu64 " entries in %" PRIu64 " batches, not %" PRIu64 " in %" PRIu64,
            head.size, mun_store_batches(store), model->size, model->batches);
    }
    if (!mun_hash_equal(&head.root, &model->root)) sim_broken(w, "recovered root is wrong");
    if (mun_store_last_time(store) != model->last_time) {
        sim_broken(w, "last registration time is %" PRIu64 ", not %" PRIu64,
                   mun_store_last_time(store), model->last_time);
    }
    if (mun_store_last_mark(store) != model->last_mark) sim_broken(w, "the mark is wrong");
    if (mun_store_followed(store) != head.size || mun_store_flushed(store) != head.size) {
        sim_broken(w, "opened, but not all is followed and flushed");
    }
    sim_check_streams(w, disk, model);
    check_published(w, disk, model);
}

/* The records that give entries below size their times. Their block's digest may be torn. */
static void check_times(sim_world *w, uint64_t size)
{
    mun_slice want = sim_model_commits(&w->model);
    mun_slice have = {0};
    (void)sim_disk_bytes(w->disk, "commits", &have);
    for (uint64_t i = 0; i < w->model.batches; i++) {
        size_t at = (size_t)(i / MUN_LOG_COMMITS_IN_BLOCK * MUN_LOG_BLOCK +
                             i % MUN_LOG_COMMITS_IN_BLOCK * COMMIT_RECORD);
        if (get_u64(want.ptr + at) >= size) return;
        if (have.len < at + COMMIT_RECORD ||
            memcmp(have.ptr + at, want.ptr + at, COMMIT_RECORD) != 0) {
            sim_broken(w, "commits lacks record %" PRIu64 " of what was published", i);
        }
    }
}

void sim_check_prefix(sim_world *w)
{
    mun_slice bytes;
    if (!published_intact(w, w->disk, &bytes)) return;
    uint64_t size = get_u64(bytes.ptr + PUB_SIZE);
    if (size > w->model.size) return; /* judged by sim_watch_published */
    check_bytes(w, w->disk, "offsets", mun_slice_of(w->model.offsets.ptr, 4 * size), true);
    mun_slice leaves = sim_model_level(&w->model, 0);
    leaves.len = size * sizeof(mun_hash);
    check_bytes(w, w->disk, "hashes/0", leaves, true);
    check_times(w, size);
    for (uint64_t n = 0; n * MUN_LOG_SEGMENT_ENTRIES < size; n++) {
        char name[SIM_SEGMENT_NAME];
        snprintf(name, sizeof name, "entries/%010" PRIu64, n);
        mun_slice want = sim_model_segment(&w->model, n);
        uint64_t first = n * MUN_LOG_SEGMENT_ENTRIES;
        if (size - first < MUN_LOG_SEGMENT_ENTRIES) {
            want.len = w->model.record_at[size] - w->model.record_at[first];
        }
        check_bytes(w, w->disk, name, want, true);
    }
}

bool sim_prefix_holds(sim_world *w)
{
    jmp_buf outer;
    memcpy(outer, w->escape, sizeof outer);
    bool holds = setjmp(w->escape) == 0;
    if (holds) sim_check_prefix(w);
    memcpy(w->escape, outer, sizeof outer);
    w->broken[0] = '\0';
    return holds;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a writer does between two accidents: append, follow, publish, flush, grow, fill the disk. */
#include "sim/sim_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ENTRIES_CAP 2048u
#define OPS_MAX     24
#define SMALL_MAX   40

/* What became of an operation. */
typedef enum outcome { GOES_ON, ENDED } outcome;

static sim_random *r_of(sim_world *w)
{
    return &w->random;
}

/* [LOG-10]: after the failure nothing is taken any more. */
static void expect_refusal(sim_world *w)
{
    mun_error err;
    uint64_t changes = sim_disk_changes(w->disk);
    mun_batch_clear(&w->fill);
    mun_batch_add(&w->fill, mun_slice_of("x", 1));
    w->fill.time_ms = w->batch.time_ms;
    w->fill.mark = w->batch.mark;
    w->fill.leaf_given = false;
    mun_code code = mun_store_write(w->store, w->crypto, &w->fill, &err);
    if (code != MUN_E_FAILED || sim_disk_changes(w->disk) != changes) {
        sim_broken(w, "after a failed write or sync another batch gave %s", mun_code_name(code));
    }
}

/* Judges a code: without an accident the only failures allowed are a full disk, and a file that
 * could not be opened for want of a handle. */
static outcome judge(sim_world *w, const char *what, mun_code code, const mun_error *err)
{
    sim_watch_published(w);
    if (sim_disk_is_off(w->disk)) return ENDED;
    if (code == MUN_OK) return GOES_ON;
    /* A planned failure may pose as a full disk anywhere, also where that is final. */
    if (sim_disk_struck(w->disk)) {
        if (code != MUN_E_NO_SPACE && code != MUN_E_AGAIN) expect_refusal(w);
        return ENDED;
    }
    /* A batch may be half in the streams still when there is room again. */
    if (code == MUN_E_NO_SPACE && (sim_disk_is_tight(w->disk) || w->queued > 0)) {
        w->counts.full++;
        return GOES_ON;
    }
    if (code == MUN_E_AGAIN && !sim_disk_has_handles(w->disk)) return GOES_ON;
    sim_broken(w, "%s failed without a reason: %s (%s)", what, mun_code_name(code), err->text);
}

static void aim(sim_world *w, sim_aim at)
{
    if (w->aim != at) return;
    sim_disk_plan(w->disk, w->aim_event, w->aim_calls, w->aim_mask);
    w->aim = SIM_AIM_NONE;
}

void sim_forget_queue(sim_world *w)
{
    while (w->queued > 0) mun_batch_finish(&w->queue[--w->queued]);
}

static outcome follow(sim_world *w, size_t most)
{
    mun_error err;
    size_t done = 0;
    outcome o = GOES_ON;
    while (o == GOES_ON && done < most && done < w->queued) {
        mun_code code = mun_store_follow(w->store, w->crypto, &w->queue[done], &err);
        o = judge(w, "follow", code, &err);
        if (code != MUN_OK) break;
        mun_batch_finish(&w->queue[done++]);
    }
    memmove(w->queue, w->queue + done, (w->queued - done) * sizeof w->queue[0]);
    w->queued -= done;
    return o;
}

static outcome publish(sim_world *w)
{
    mun_error err;
    return judge(w, "publish", mun_store_publish(w->store, w->crypto, &err), &err);
}

static outcome flush_steps(sim_world *w, size_t most)
{
    mun_error err;
    bool done = false;
    aim(w, SIM_AIM_FLUSH);
    for (size_t i = 0; i < most && !done; i++) {
        mun_code code = mun_store_flush_step(w->store, w->crypto, &done, &err);
        outcome o = judge(w, "flush step", code, &err);
        if (o == ENDED || code != MUN_OK) return o;
    }
    return GOES_ON;
}

static outcome flush(sim_world *w)
{
    mun_error err;
    aim(w, SIM_AIM_FLUSH);
    return judge(w, "flush", mun_store_flush(w->store, w->crypto, &err), &err);
}

static void fill_random(sim_world *w, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = sim_next(r_of(w));
        memcpy(bytes + i, &v, len - i < 8 ? len - i : 8);
    }
}

static void add_entry(sim_world *w, size_t len)
{
    static uint8_t entry[MUN_ENTRY_MAX];
    if (len == 0) len = 1;
    if (len > MUN_ENTRY_MAX) len = MUN_ENTRY_MAX;
    fill_random(w, entry, len);
    /* Entries are strangers' bytes: some look like the log's own records. */
    if (len >= 16 && sim_once_in(r_of(w), 8)) memcpy(entry, "MUNJRNL1MUNSUPR1", 16);
    if (sim_once_in(r_of(w), 16)) memset(entry, 0, len);
    if (mun_batch_add(&w->fill, mun_slice_of(entry, len))) {
        sim_batch_add(&w->batch, mun_slice_of(entry, len));
    }
}

static void fill_up(sim_world *w, size_t payload_max)
{
    while (w->fill.payload_len + 2 < payload_max && w->fill.count < ENTRIES_CAP) {
        size_t left = payload_max - w->fill.payload_len - 2;
        add_entry(w, sim_once_in(r_of(w), 3) ? left : sim_between(r_of(w), 1, left));
    }
}

/* A batch of some shape: empty, one entry, several, the largest entry, exactly full, many tiny. */
static void compose(sim_world *w)
{
    size_t most = mun_store_payload_max(w->store);
    mun_batch_clear(&w->fill);
    sim_batch_clear(&w->batch);
    switch (sim_below(r_of(w), 16)) {
    case 0: break;
    case 1: add_entry(w, most - 2); break;
    case 2: fill_up(w, most); break;
    case 3: fill_up(w, sim_between(r_of(w), 3, most)); break;
    case 4:
        for (uint64_t i = sim_between(r_of(w), 10, 70); i > 0 && w->fill.payload_len + 3 <= most;
             i--)
            add_entry(w, 1);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        for (uint64_t i = sim_between(r_of(w), 2, 9); i > 0; i--) {
            size_t len = sim_between(r_of(w), 1, SMALL_MAX);
            if (w->fill.payload_len + 2 + len <= most) add_entry(w, len);
        }
        break;
    default: add_entry(w, sim_between(r_of(w), 1, SMALL_MAX));
    }
    w->batch.time_ms = w->max_times + sim_below(r_of(w), 3);
    w->batch.mark = w->model.last_mark + sim_below(r_of(w), 2);
    w->fill.time_ms = w->batch.time_ms;
    w->fill.mark = w->batch.mark;
    w->fill.leaf_given = false;
}

/* Sometimes the maker brings its own leaf hashes; wrong ones must be refused without a trace. */
static bool give_leaves(sim_world *w)
{
    if (w->fill.count == 0 || !sim_once_in(r_of(w), 8)) return true;
    size_t at = 0;
    for (uint32_t i = 0; i < w->fill.count; i++) {
        mun_hash_leaf(w->crypto, sim_batch_entry(&w->batch, &at), &w->fill.node[i]);
    }
    w->fill.leaf_given = true;
    if (!sim_once_in(r_of(w), 8)) return true;
    w->fill.node[sim_below(r_of(w), w->fill.count)].bytes[3] ^= 1;
    return false;
}

/* Makes room in the ring: everything followed and flushed leaves it empty. */
static outcome make_room(sim_world *w)
{
    if (mun_store_has_room(w->store, &w->fill) && w->queued < SIM_QUEUE_MAX) return GOES_ON;
    size_t queued = w->queued;
    if (follow(w, SIZE_MAX) == ENDED) return ENDED;
    if (w->queued > 0) return GOES_ON; /* disk full: the caller sees that there is no room */
    if (queued > 0 && publish(w) == ENDED) return ENDED;
    uint64_t full = w->counts.full;
    if (flush(w) == ENDED) return ENDED;
    if (!mun_store_has_room(w->store, &w->fill) && mun_store_can_hold(w->store, &w->fill) &&
        w->counts.full == full) {
        sim_broken(w, "no room in the ring after a flush of everything");
    }
    return GOES_ON;
}

static void acknowledged(sim_world *w)
{
    mun_error err;
    w->pending = false;
    sim_model_append(&w->model, &w->batch);
    w->max_times = w->batch.time_ms;
    w->counts.entries += w->batch.count;
    mun_tree_head head = mun_store_head(w->store);
    if (head.size != w->model.size || !mun_hash_equal(&head.root, &w->model.root)) {
        sim_broken(w, "the tree head after a batch is not that of the reference tree");
    }
    mun_code code = mun_batch_copy(&w->fill, &w->queue[w->queued], &err);
    if (code != MUN_OK) sim_broken(w, "copy of a batch: %s", err.text);
    w->queued++;
}

static outcome write_batch(sim_world *w, bool honest)
{
    mun_error err;
    w->pending = true;
    mun_code code = mun_store_write(w->store, w->crypto, &w->fill, &err);
    bool nothing = code == MUN_E_AGAIN || (code == MUN_E_INVALID && !honest);
    if (nothing) w->pending = false;
    if (code == MUN_OK && !honest) sim_broken(w, "wrong leaf hashes were taken");
    if (nothing) return judge(w, "write", MUN_OK, &err);
    if (code == MUN_OK) code = mun_store_sync(w->store, &w->fill, &err);
    if (code == MUN_OK) {
        acknowledged(w);
        sim_watch_published(w);
        return sim_disk_is_off(w->disk) ? ENDED : GOES_ON;
    }
    sim_watch_published(w);
    if (!sim_disk_struck(w->disk)) {
        sim_broken(w, "append failed without a reason: %s", err.text);
    }
    if (!sim_disk_is_off(w->disk)) expect_refusal(w);
    return ENDED;
}

static outcome append(sim_world *w)
{
    compose(w);
    if (make_room(w) == ENDED) return ENDED;
    bool honest = give_leaves(w);
    if (w->queued == SIM_QUEUE_MAX) return GOES_ON;
    if (!mun_store_has_room(w->store, &w->fill)) {
        mun_error err;
        mun_code code = mun_store_write(w->store, w->crypto, &w->fill, &err);
        if (code != MUN_E_AGAIN && code != MUN_E_INVALID) {
            sim_broken(w, "a batch without room gave %s", mun_code_name(code));
        }
        return GOES_ON;
    }
    return write_batch(w, honest);
}

static outcome grow(sim_world *w)
{
    mun_error err;
    uint32_t blocks = mun_store_ring_blocks(w->store);
    if (blocks * 2 > MUN_LOG_RING_MAX) return GOES_ON;
    if (follow(w, SIZE_MAX) == ENDED) return ENDED;
    if (w->queued > 0) return GOES_ON;
    aim(w, SIM_AIM_GROW);
    uint32_t larger = (uint32_t)sim_between(r_of(w), blocks + 1, blocks * 2);
    bool starve_it = !sim_disk_is_tight(w->disk) && sim_once_in(r_of(w), 4);
    uint64_t room = sim_below(r_of(w), (uint64_t)(larger + 40) * MUN_LOG_BLOCK);
    if (starve_it) sim_disk_set_budget(w->disk, sim_disk_used(w->disk) + room);
    mun_code code = mun_store_grow(w->store, w->crypto, larger, &err);
    if (code == MUN_OK) {
        w->counts.grown++;
        w->fill_ready = false;
    }
    outcome o = judge(w, "grow", code, &err);
    if (starve_it) sim_disk_set_budget(w->disk, UINT64_MAX);
    return o;
}

/* Little room from now on, or all of it again. */
static outcome fill_disk(sim_world *w)
{
    uint64_t room = sim_below(r_of(w), (sim_once_in(r_of(w), 2) ? 1u : 12u) * MUN_LOG_BLOCK);
    bool tight = sim_once_in(r_of(w), 2);
    sim_disk_set_budget(w->disk, tight ? sim_disk_used(w->disk) + room : UINT64_MAX);
    return GOES_ON;
}

/* The disk is full somewhere inside the batches that wait, and then it is not. */
static outcome starve(sim_world *w)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->queued; i++) {
        bytes += w->queue[i].payload_len + (uint64_t)w->queue[i].count * 40;
    }
    if (sim_disk_is_tight(w->disk)) return GOES_ON;
    sim_disk_set_budget(w->disk, sim_disk_used(w->disk) + sim_below(r_of(w), bytes + 1));
    outcome o = follow(w, SIZE_MAX);
    if (o == GOES_ON && sim_once_in(r_of(w), 4)) o = publish(w);
    sim_disk_set_budget(w->disk, UINT64_MAX);
    return o == GOES_ON ? follow(w, SIZE_MAX) : o;
}

/* No file can be opened for a while: segments are not begun, folders not synced, the journal does
 * not grow; what was left undone goes on later. */
static outcome lack_handles(sim_world *w)
{
    outcome o = GOES_ON;
    sim_disk_set_handles(w->disk, false);
    switch (sim_below(r_of(w), 4)) {
    case 0: o = follow(w, SIZE_MAX); break;
    case 1: o = grow(w); break;
    default: o = flush_steps(w, sim_between(r_of(w), 1, 15));
    }
    sim_disk_set_handles(w->disk, true);
    return o;
}

static void ready_batch(sim_world *w)
{
    if (w->fill_ready) return;
    mun_error err;
    mun_batch_finish(&w->fill);
    size_t most = mun_store_payload_max(w->store);
    if (mun_batch_init(&w->fill, most, ENTRIES_CAP, &err) != MUN_OK) {
        sim_broken(w, "no memory for a batch: %s", err.text);
    }
    w->fill_ready = true;
}

static outcome one_operation(sim_world *w)
{
    ready_batch(w);
    switch (sim_below(r_of(w), 32)) {
    case 0: return flush(w);
    case 1:
    case 2: return flush_steps(w, 1);
    case 3:
    case 4: return flush_steps(w, sim_between(r_of(w), 1, 9));
    case 5:
    case 6: return follow(w, 1);
    case 7: return starve(w);
    case 8:
    case 9: return follow(w, SIZE_MAX);
    case 10:
    case 11: return publish(w);
    case 12: return mun_store_flush_due(w->store) ? flush(w) : GOES_ON;
    case 13: return sim_once_in(r_of(w), 8) ? grow(w) : GOES_ON;
    case 14: return sim_once_in(r_of(w), 3) ? fill_disk(w) : GOES_ON;
    case 15: return sim_once_in(r_of(w), 3) ? lack_handles(w) : append(w);
    default: return append(w);
    }
}

/* One more batch if the ring has room as it is. */
static outcome append_if_room(sim_world *w)
{
    compose(w);
    if (w->queued == SIM_QUEUE_MAX || !mun_store_has_room(w->store, &w->fill)) return GOES_ON;
    return write_batch(w, true);
}

/*
 * The narrowest place of all: a full ring, a flush step by step, batches into every block that it
 * gives back, and the power off between a superblock's write and its sync.
 */
static outcome race(sim_world *w)
{
    mun_error err;
    bool done = false;
    for (int i = 0; i < 20; i++) {
        if (append_if_room(w) == ENDED) return ENDED;
    }
    if (follow(w, SIZE_MAX) == ENDED || w->queued > 0) return ENDED;
    w->aim_event = SIM_CUT;
    while (!done) {
        mun_code code = mun_store_flush_step(w->store, w->crypto, &done, &err);
        if (judge(w, "flush step", code, &err) == ENDED || code != MUN_OK) return ENDED;
        if (sim_once_in(r_of(w), 4)) {
            uint64_t calls = sim_between(r_of(w), 1, 2);
            sim_disk_plan(w->disk, SIM_CUT, calls, SIM_WRITE | SIM_SYNC);
        }
        if (append_if_room(w) == ENDED) return ENDED;
    }
    return GOES_ON;
}

/* Torn writes one over the other: a batch goes where the last one was lost, and is lost too. */
static outcome tear_again(sim_world *w)
{
    w->aim = SIM_AIM_NONE;
    w->aim_event = SIM_CUT;
    sim_disk_plan(w->disk, SIM_CUT, sim_between(r_of(w), 1, 2), SIM_WRITE | SIM_SYNC);
    return append_if_room(w);
}

void sim_work(sim_world *w)
{
    ready_batch(w);
    if (w->absent && sim_once_in(r_of(w), 2) && tear_again(w) == ENDED) return;
    for (uint64_t n = sim_below(r_of(w), OPS_MAX); n > 0; n--) {
        if (one_operation(w) == ENDED) return;
        if (sim_once_in(r_of(w), 16)) sim_check_prefix(w);
        if (sim_once_in(r_of(w), w->peer == NULL ? 48 : 4)) sim_peer_visit(w);
    }
    ready_batch(w);
    switch (w->aim) {
    case SIM_AIM_FLUSH: (void)(follow(w, SIZE_MAX) == GOES_ON && flush(w) == GOES_ON); break;
    case SIM_AIM_GROW: (void)grow(w); break;
    case SIM_AIM_NONE:
        if (!sim_disk_struck(w->disk) && sim_once_in(r_of(w), 4)) (void)race(w);
        break;
    default: break;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds and their cycles: work, accident, recovery (with accidents of its own), check. */
#include "sim/sim_world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECOVERY_ACCIDENTS 3 /* at most, in one recovery */
#define ORIGIN             "sim.example/log"

void sim_broken(sim_world *w, const char *format, ...)
{
    size_t at = strlen(w->broken);
    va_list args;
    va_start(args, format);
    vsnprintf(w->broken + at, sizeof w->broken - at, format, args);
    va_end(args);
    longjmp(w->escape, 1);
}

static mun_code draw_bytes(void *ctx, uint8_t *ret, size_t len)
{
    sim_world *w = ctx;
    for (size_t i = 0; i < len; i++) ret[i] = (uint8_t)sim_next(&w->random);
    return MUN_OK;
}

void sim_world_init(sim_world *w, uint32_t sector, uint32_t page, const mun_crypto *real)
{
    *w = (sim_world){.real = *real, .fast = sim_fast_crypto()};
    w->disk = sim_disk_new(sector, page, 0);
    w->copy = sim_disk_new(sector, page, 0);
    w->before = sim_disk_new(sector, page, 0);
}

void sim_world_finish(sim_world *w)
{
    sim_forget_queue(w);
    mun_batch_finish(&w->fill);
    sim_batch_finish(&w->batch);
    sim_model_finish(&w->model);
    sim_disk_free(w->disk);
    sim_disk_free(w->copy);
    sim_disk_free(w->before);
}

static sim_event any_event(sim_random *r)
{
    switch (sim_below(r, 10)) {
    case 0: return SIM_FAIL_FOREVER;
    case 1:
    case 2: return SIM_FAIL_ONCE;
    case 3:
    case 4: return SIM_KILL;
    default: return SIM_CUT;
    }
}

static unsigned any_mask(sim_random *r)
{
    static const unsigned masks[] = {SIM_ANY,   SIM_ANY,      SIM_ANY,   SIM_SYNC,
                                     SIM_WRITE, SIM_SYNC_DIR, SIM_NAMES, SIM_SYNC | SIM_WRITE,
                                     SIM_OPEN,  SIM_TRUNCATE, SIM_READ,  SIM_SYNC | SIM_SYNC_DIR};
    return masks[sim_below(r, sizeof masks / sizeof masks[0])];
}

static void plan(sim_world *w)
{
    sim_random *r = &w->random;
    w->aim = (sim_aim)(sim_below(r, 8) * SIM_AIM_GROW / 7);
    w->aim_event = any_event(r);
    w->aim_mask = any_mask(r);
    w->aim_calls = sim_between(r, 1, w->aim == SIM_AIM_ANYWHERE ? 40 : 10);
    if (w->aim == SIM_AIM_FLUSH && sim_once_in(r, 2)) w->aim_mask = SIM_ANY;
    if (w->aim == SIM_AIM_ANYWHERE) {
        if (w->aim_mask != SIM_ANY) w->aim_calls = sim_between(r, 1, 12);
        sim_disk_plan(w->disk, w->aim_event, w->aim_calls, w->aim_mask);
    }
}

static void check_closed(sim_world *w)
{
    if (sim_disk_open_files(w->disk) == 0) return;
    sim_broken(w, "%zu files were left open", sim_disk_open_files(w->disk));
}

/* What follows the work: a clean end or whatever the accident was. */
static void end_process(sim_world *w)
{
    mun_error err;
    sim_random *r = &w->random;
    sim_watch_published(w);
    bool was_cut = sim_disk_is_off(w->disk) && w->aim_event == SIM_CUT;
    bool was_killed = sim_disk_is_off(w->disk) && !was_cut;
    bool failed = sim_disk_struck(w->disk) && !sim_disk_is_off(w->disk);
    if (!sim_disk_is_off(w->disk) && !failed && sim_once_in(r, 3)) {
        mun_code code = mun_store_flush(w->store, w->crypto, &err);
        if (code != MUN_OK && code != MUN_E_NO_SPACE && !sim_disk_struck(w->disk)) {
            sim_broken(w, "the flush before closing failed: %s", err.text);
        }
    }
    sim_watch_published(w);
    sim_peer_leave(w);
    mun_store_close(w->store);
    w->store = NULL;
    sim_forget_queue(w);
    check_closed(w);
    w->counts.failures += failed;
    was_cut = was_cut || (!was_killed && sim_once_in(r, 2));
    sim_disk_calm(w->disk);
    if (w->verbose) fprintf(stderr, "%s\n", was_cut ? "power cut" : "kill");
    if (was_cut)
        sim_disk_power_cut(w->disk);
    else
        sim_disk_kill(w->disk);
    w->counts.cuts += was_cut;
    w->counts.kills += !was_cut;
}

/* An accident inside a recovery; true when the store is open all the same. */
static bool recover_with_accident(sim_world *w)
{
    mun_error err;
    sim_random *r = &w->random;
    sim_event event = any_event(r);
    unsigned mask = any_mask(r);
    bool readable = event == SIM_KILL && sim_prefix_holds(w);
    sim_disk_plan(w->disk, event, sim_between(r, 1, mask == SIM_ANY ? 60 : 12), mask);
    mun_code code = mun_store_open(&w->config, w->crypto, &w->store, &err);
    sim_watch_published(w);
    bool struck = sim_disk_struck(w->disk);
    bool off = sim_disk_is_off(w->disk);
    /* What a process sees at this moment is what readers saw all the time in between. [LOG-19] */
    if (readable && off) sim_check_prefix(w);
    sim_disk_calm(w->disk);
    if (code == MUN_OK && !off) return true;
    if (code == MUN_E_NO_SPACE)
        sim_disk_set_budget(w->disk, UINT64_MAX);
    else if (code != MUN_OK && (!struck || code == MUN_E_DAMAGED)) {
        sim_broken(w, "opening gave %s: %s", mun_code_name(code), err.text);
    }
    if (code == MUN_OK) mun_store_close(w->store);
    w->store = NULL;
    check_closed(w);
    if (event == SIM_CUT || (!off && sim_once_in(r, 3)))
        sim_disk_power_cut(w->disk);
    else if (off || sim_once_in(r, 2))
        sim_disk_kill(w->disk);
    return false;
}

static mun_code rebuild_and_open(sim_world *w, mun_error *err)
{
    check_closed(w);
    mun_code code = sim_rebuild(w, w->disk, err);
    if (code != MUN_OK) sim_broken(w, "rebuild: %s", err->text);
    return mun_store_open(&w->config, w->crypto, &w->store, err);
}

static void recover_calmly(sim_world *w)
{
    mun_error err;
    mun_code code = mun_store_open(&w->config, w->crypto, &w->store, &err);
    if (w->spoiled && code == MUN_E_DAMAGED) code = rebuild_and_open(w, &err);
    if (code == MUN_E_NO_SPACE) {
        check_closed(w);
        sim_disk_set_budget(w->disk, UINT64_MAX);
        code = mun_store_open(&w->config, w->crypto, &w->store, &err);
    }
    if (code != MUN_OK) {
        sim_broken(w, "opening gave %s: %s", mun_code_name(code), err.text);
    }
}

/* A batch of unknown outcome is there wholly or not at all; from now on it is known. */
static void settle_pending(sim_world *w)
{
    bool there = mun_store_batches(w->store) == w->model.batches + 1;
    if (w->pending && there) {
        sim_model_append(&w->model, &w->batch);
        w->max_times = w->batch.time_ms;
    }
    w->absent = w->pending && !there;
    w->appeared = w->pending && there && sim_once_in(&w->random, 2);
    w->pending = false;
    if (mun_store_head(w->store).size < w->floor) {
        sim_broken(w, "recovered %" PRIu64 " entries, but a reader had seen %" PRIu64,
                   mun_store_head(w->store).size, w->floor);
    }
}

/* Opening looks only at the edges of derived files; an interrupted rebuild is run again. */
static void repair_derived(sim_world *w)
{
    mun_error err;
    jmp_buf outer;
    memcpy(outer, w->escape, sizeof outer);
    bool sound = setjmp(w->escape) == 0;
    if (sound) sim_check_streams(w, w->disk, &w->model);
    memcpy(w->escape, outer, sizeof outer);
    w->broken[0] = '\0';
    if (sound) return;
    mun_store_close(w->store);
    w->store = NULL;
    if (rebuild_and_open(w, &err) != MUN_OK) sim_broken(w, "after a rebuild: %s", err.text);
}

/*
 * Derived files are lost and rebuilt between two openings, the rebuild interrupted anywhere. What
 * it then leaves may need another rebuild, or be good enough to open; entries are never lost.
 */
static void spoil_and_rebuild(sim_world *w)
{
    mun_error err;
    sim_random *r = &w->random;
    sim_disk_set_budget(w->disk, UINT64_MAX);
    sim_spoil_derived(w, w->disk);
    sim_event event = any_event(r);
    sim_disk_plan(w->disk, event, sim_between(r, 1, 60), SIM_ANY);
    mun_code code = sim_rebuild(w, w->disk, &err);
    if (code != MUN_OK && !sim_disk_struck(w->disk)) sim_broken(w, "rebuild: %s", err.text);
    check_closed(w);
    sim_disk_calm(w->disk);
    if (event == SIM_CUT)
        sim_disk_power_cut(w->disk);
    else
        sim_disk_kill(w->disk);
    w->spoiled = true;
}

static void recover(sim_world *w)
{
    bool open = false;
    w->spoiled = false;
    bool slots = w->appeared; /* then damage in a superblock is what may hurt */
    bool probe = slots || sim_once_in(&w->random, 8);
    int accidents = slots ? 0 : RECOVERY_ACCIDENTS;
    if (sim_once_in(&w->random, 16)) sim_peer_visit_alone(w);
    if (!slots && sim_once_in(&w->random, 48)) {
        spoil_and_rebuild(w);
        probe = false;
        accidents = 0;
    }
    for (int i = 0; i < accidents && !open && sim_once_in(&w->random, 3); i++) {
        open = recover_with_accident(w);
        probe = probe && !open;
    }
    if (!open) {
        if (probe) sim_disk_copy(w->before, w->disk, 1);
        w->was_pending = w->pending;
        recover_calmly(w);
    }
    settle_pending(w);
    if (w->spoiled) repair_derived(w);
    sim_check_store(w, w->disk, w->store, &w->model);
    sim_watch_published(w);
    w->fill_ready = false;
    if (probe) sim_probe_damage(w, w->before, slots);
    if (sim_once_in(&w->random, 24)) sim_audit(w);
}

/* Making a log is interrupted too; then nothing or all of it is there. */
static void make_log(sim_world *w)
{
    mun_error err;
    sim_random *r = &w->random;
    if (sim_once_in(r, 4)) {
        sim_event event = any_event(r);
        sim_disk_plan(w->disk, event, sim_between(r, 1, 60), SIM_ANY);
        mun_code code = mun_store_create(&w->config, w->crypto, &err);
        if (code != MUN_OK && !sim_disk_struck(w->disk)) sim_broken(w, "create: %s", err.text);
        sim_disk_calm(w->disk);
        check_closed(w);
        if (event == SIM_CUT)
            sim_disk_power_cut(w->disk);
        else
            sim_disk_kill(w->disk);
    }
    mun_code code = mun_store_create(&w->config, w->crypto, &err);
    if (code != MUN_OK && code != MUN_E_EXISTS) sim_broken(w, "create: %s", err.text);
    check_closed(w);
    recover_calmly(w);
    sim_check_store(w, w->disk, w->store, &w->model);
}

void sim_world_start(sim_world *w, uint64_t seed)
{
    sim_forget_queue(w);
    w->seed = seed;
    w->random.state = seed;
    w->broken[0] = '\0';
    w->crypto = sim_once_in(&w->random, 32) ? &w->real : &w->fast;
    sim_disk_reset(w->disk, sim_next(&w->random));
    w->config = (mun_store_config){
        .vfs = sim_disk_vfs(w->disk),
        .origin = mun_slice_of(ORIGIN, sizeof ORIGIN - 1),
        .random = draw_bytes,
        .random_ctx = w,
        .ring_blocks = (uint32_t)sim_between(&w->random, SIM_RING_LOW, SIM_RING_HIGH),
    };
    sim_model_clear(&w->model, w->crypto);
    w->pending = w->absent = w->appeared = w->fill_ready = false;
    w->floor = w->ended = 0;
    w->max_times = sim_below(&w->random, UINT64_C(1) << 40);
    sim_disk_trace(w->disk, w->verbose);
    w->counts.worlds++;
    make_log(w);
}

bool sim_world_cycle(sim_world *w)
{
    /* Sometimes nothing happens after a batch has appeared: its recovery must have been enough. */
    if (w->appeared) {
        w->aim = SIM_AIM_NONE;
        w->aim_event = SIM_NOTHING;
    } else {
        plan(w);
        sim_work(w);
    }
    end_process(w);
    recover(w);
    w->counts.cycles++;
    w->ended++;
    bool over = w->ended >= SIM_WORLD_CYCLES || w->model.size >= SIM_WORLD_ENTRIES ||
                w->model.batches >= SIM_WORLD_BATCHES;
    if (!over) return true;
    mun_store_close(w->store);
    w->store = NULL;
    check_closed(w);
    return false;
}

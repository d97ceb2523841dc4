/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsck and rebuild on the simulated disk: a sound log passes, a flipped bit in any stream is found
 * and its file named, derived files come back to the same bytes, also when the power goes off in
 * the middle of it. [LOG-25] [LOG-26]
 */
#include "sim/sim_world.h"

#include <inttypes.h>
#include <muniment/keys.h>
#include <stdio.h>
#include <string.h>

static mun_code fast_new(mun_crypto *ret, mun_error *err)
{
    (void)err;
    *ret = sim_fast_crypto();
    return MUN_OK;
}

static void fast_free(mun_crypto *crypto)
{
    (void)crypto;
}

mun_log_config sim_log_config(const sim_world *w, sim_disk *disk)
{
    bool fast = w->crypto == &w->fast;
    return (mun_log_config){
        .vfs = sim_disk_vfs(disk),
        .origin = w->config.origin,
        .crypto_new = fast ? fast_new : mun_native_crypto_new,
        .crypto_free = fast ? fast_free : mun_native_crypto_free,
        .threads = 1,
    };
}

typedef struct findings {
    const char *wanted;
    uint64_t count;
    uint64_t named; /* of the wanted file */
    char last[160];
} findings;

static void note_finding(void *ctx, const mun_log_finding *finding)
{
    findings *f = ctx;
    f->count++;
    f->named += strcmp(finding->file, f->wanted) == 0;
    snprintf(f->last, sizeof f->last, "%s, byte %" PRIu64 ": %.90s", finding->file, finding->offset,
             finding->sentence);
}

static mun_code run_fsck(const sim_world *w, sim_disk *disk, findings *f, mun_tree_head *ret_head,
                         mun_error *err)
{
    mun_log_config config = sim_log_config(w, disk);
    mun_log_watch watch = {.ctx = f, .finding = note_finding};
    return mun_log_fsck(&config, &watch, ret_head, err);
}

static void fsck_is_content(sim_world *w, sim_disk *disk)
{
    mun_error err;
    mun_tree_head head;
    findings f = {.wanted = ""};
    uint64_t changes = sim_disk_changes(disk);
    mun_code code = run_fsck(w, disk, &f, &head, &err);
    if (code != MUN_OK) sim_broken(w, "fsck of a sound log: %s", err.text);
    if (head.size != w->model.size || !mun_hash_equal(&head.root, &w->model.root)) {
        sim_broken(w, "fsck gives another tree head");
    }
    if (sim_disk_changes(disk) != changes) sim_broken(w, "fsck wrote to the disk");
}

/* A stream's file of the copy, and its length; false: it is empty. */
static bool choose_stream(sim_world *w, char name[SIM_SEGMENT_NAME], size_t *ret_len)
{
    sim_random *r = &w->random;
    uint64_t segments = (w->model.size + MUN_LOG_SEGMENT_ENTRIES - 1) / MUN_LOG_SEGMENT_ENTRIES;
    switch (sim_below(r, 4)) {
    case 0: snprintf(name, SIM_SEGMENT_NAME, "offsets"); break;
    case 1: snprintf(name, SIM_SEGMENT_NAME, "commits"); break;
    case 2:
        snprintf(name, SIM_SEGMENT_NAME, "hashes/%u", (unsigned)sim_below(r, MUN_LOG_LEVELS));
        break;
    default: snprintf(name, SIM_SEGMENT_NAME, "entries/%010" PRIu64, sim_below(r, segments));
    }
    mun_slice bytes;
    if (!sim_disk_bytes(w->copy, name, &bytes)) return false;
    *ret_len = bytes.len;
    return bytes.len > 0;
}

/* On a log at rest every byte of every stream counts. */
static void fsck_finds(sim_world *w)
{
    mun_error err;
    char name[SIM_SEGMENT_NAME];
    size_t len;
    if (!choose_stream(w, name, &len)) return;
    uint64_t offset = sim_below(&w->random, len);
    unsigned bit = (unsigned)sim_below(&w->random, 8);
    sim_disk_flip(w->copy, name, offset, bit);
    findings f = {.wanted = name};
    mun_code code = run_fsck(w, w->copy, &f, NULL, &err);
    if (code != MUN_E_DAMAGED || f.count == 0) {
        sim_broken(w, "fsck does not see bit %u of byte %" PRIu64 " of %s flipped (%s)", bit,
                   offset, name, mun_code_name(code));
    }
    if (f.named == 0) {
        sim_broken(w, "fsck blames something else than byte %" PRIu64 " of %s: %s", offset, name,
                   f.last);
    }
    sim_disk_flip(w->copy, name, offset, bit);
}

/* Removes, cuts, lengthens or damages a derived file, or leaves it. */
static void spoil(sim_world *w, sim_disk *disk, const char *name)
{
    const mun_vfs *vfs = sim_disk_vfs(disk);
    mun_error err;
    mun_file *file;
    sim_random *r = &w->random;
    uint64_t kind = sim_below(r, 5);
    if (kind == 0) return;
    if (kind == 1) {
        (void)!vfs->remove(vfs->ctx, name, &err);
        return;
    }
    if (vfs->open(vfs->ctx, name, MUN_OPEN_WRITE, &file, &err) != MUN_OK) return;
    uint64_t size = 0;
    (void)!vfs->size(vfs->ctx, file, &size, &err);
    if (kind == 2) (void)!vfs->truncate(vfs->ctx, file, sim_below(r, size + 1), &err);
    if (kind == 3) (void)!vfs->write(vfs->ctx, file, size, "beyond", 6, &err);
    if (kind == 4) (void)!vfs->write(vfs->ctx, file, sim_below(r, size + 1), "wrong", 5, &err);
    (void)!vfs->sync(vfs->ctx, file, &err);
    vfs->close(vfs->ctx, file);
}

void sim_spoil_derived(sim_world *w, sim_disk *disk)
{
    char name[SIM_SEGMENT_NAME];
    spoil(w, disk, "offsets");
    for (unsigned level = 0; level < MUN_LOG_LEVELS; level++) {
        snprintf(name, sizeof name, "hashes/%u", level);
        spoil(w, disk, name);
    }
}

mun_code sim_rebuild(sim_world *w, sim_disk *disk, mun_error *err)
{
    mun_log_config config = sim_log_config(w, disk);
    return mun_log_rebuild(&config, NULL, err);
}

static void rebuild_restores(sim_world *w)
{
    mun_error err;
    sim_random *r = &w->random;
    sim_spoil_derived(w, w->copy);
    if (sim_once_in(r, 2)) {
        bool cut = sim_once_in(r, 2);
        sim_disk_plan(w->copy, cut ? SIM_CUT : SIM_KILL, sim_between(r, 1, 60), SIM_ANY);
        mun_code code = sim_rebuild(w, w->copy, &err);
        if (code != MUN_OK && !sim_disk_struck(w->copy)) sim_broken(w, "rebuild: %s", err.text);
        sim_disk_calm(w->copy);
        if (cut)
            sim_disk_power_cut(w->copy);
        else
            sim_disk_kill(w->copy);
    }
    mun_code code = sim_rebuild(w, w->copy, &err);
    if (code != MUN_OK) sim_broken(w, "rebuild: %s", err.text);
    if (sim_once_in(r, 2)) sim_disk_power_cut(w->copy);
    sim_check_streams(w, w->copy, &w->model);
    fsck_is_content(w, w->copy);
}

void sim_audit(sim_world *w)
{
    sim_disk_copy(w->copy, w->disk, sim_next(&w->random));
    sim_disk_set_budget(w->copy, UINT64_MAX);
    fsck_is_content(w, w->copy);
    for (int i = 0; i < 4 && w->model.size > 0; i++) fsck_finds(w);
    rebuild_restores(w);
    w->counts.audits++;
}

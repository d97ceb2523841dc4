/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage: one flipped bit in any structure, on the medium or in one read. Opening must either
 * refuse, naming the file and without having written anything, or lose nothing.
 *
 * It works on copies of the disk from before a recovery whose result is known by now.
 */
#include "sim/sim_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct damage {
    char name[SIM_SEGMENT_NAME];
    uint64_t offset;
    unsigned bit;
    bool in_read; /* only one read returned it; the medium is sound */
} damage;

static const char *text_of(const damage *d)
{
    static char text[96];
    snprintf(text, sizeof text, "bit %u of byte %" PRIu64 " of %s flipped%s", d->bit, d->offset,
             d->name, d->in_read ? " in one read" : "");
    return text;
}

/* A byte of some file; the journal is asked for most often, its slots and ring alike. */
static bool choose(sim_world *w, const sim_disk *disk, bool slots, damage *ret)
{
    sim_random *r = &w->random;
    const char *name = "journal";
    if (!sim_once_in(r, 2)) name = sim_disk_file_name(disk, sim_below(r, sim_disk_files(disk)));
    mun_slice bytes;
    if (!sim_disk_bytes(disk, name, &bytes) || bytes.len == 0) return false;
    if (strcmp(name, "lock") == 0) return false;
    uint64_t offset = sim_below(r, bytes.len);
    if (slots) {
        name = "journal";
        offset = sim_below(r, MUN_LOG_RING_AT);
    } else if (strcmp(name, "journal") == 0 && sim_once_in(r, 4)) {
        /* The fields of a superblock are few among many bytes of tails. */
        offset = sim_below(r, MUN_LOG_SLOTS) * MUN_LOG_SLOT_BYTES + sim_below(r, 176);
    }
    *ret = (damage){.offset = offset, .bit = (unsigned)sim_below(r, 8)};
    snprintf(ret->name, sizeof ret->name, "%s", name);
    return true;
}

static void check_refusal(sim_world *w, const damage *d, mun_code code, const mun_error *err,
                          uint64_t changes)
{
    bool version = code == MUN_E_VERSION && strcmp(d->name, "format") == 0;
    if (code != MUN_E_DAMAGED && !version) {
        sim_broken(w, "%s: opening gave %s: %s", text_of(d), mun_code_name(code), err->text);
    }
    if (changes != 0) sim_broken(w, "%s: refused, but the disk was changed", text_of(d));
    if (strstr(err->text, "journal") == NULL && strstr(err->text, d->name) == NULL &&
        strstr(err->text, "hashes") == NULL) {
        sim_broken(w, "%s: the refusal does not name the place: %s", text_of(d), err->text);
    }
    w->counts.refusals++;
}

/*
 * The limit that docs/format/log.md states: the newest batch damaged, and nothing published that
 * speaks of it. Then it looks like a batch that was never finished. And a batch whose outcome
 * nobody had been told may go either way, wherever the damage is.
 */
static bool is_stated_limit(const sim_world *w, const damage *d, const mun_store *store,
                            uint64_t published)
{
    bool in_ring = strcmp(d->name, "journal") == 0 && d->offset >= MUN_LOG_RING_AT;
    bool one_less = mun_store_batches(store) + 1 == w->model.batches &&
                    mun_store_head(store).size + w->model.last_count == w->model.size;
    return (in_ring || w->was_pending) && one_less &&
           (published < w->model.size || w->model.last_count == 0);
}

/* What the model says that a stream holds; empty for other files. */
static mun_slice expected(const sim_model *model, const char *name)
{
    unsigned level;
    uint64_t n;
    if (strcmp(name, "offsets") == 0) return sim_model_offsets(model);
    if (strcmp(name, "commits") == 0) return sim_model_commits(model);
    if (sscanf(name, "entries/%" SCNu64, &n) == 1) return sim_model_segment(model, n);
    bool is_level = sscanf(name, "hashes/%u", &level) == 1 && level < MUN_LOG_LEVELS;
    return is_level ? sim_model_level(model, level) : (mun_slice){0};
}

/* Damage below the tails of the streams is not looked for at opening; take it out again. */
static void mend(const sim_world *w, const damage *d, sim_disk *copy)
{
    mun_slice now;
    mun_slice want = expected(&w->model, d->name);
    if (d->in_read || !sim_disk_bytes(copy, d->name, &now)) return;
    if (d->offset >= now.len || d->offset >= want.len) return;
    if (now.ptr[d->offset] == (want.ptr[d->offset] ^ (1u << d->bit))) {
        sim_disk_flip(copy, d->name, d->offset, d->bit);
    }
}

static void open_damaged(sim_world *w, sim_disk *copy, const sim_disk *before, damage *d)
{
    mun_error err;
    mun_store *store = NULL;
    mun_store_config config = w->config;
    config.vfs = sim_disk_vfs(copy);
    uint64_t published = sim_published_size(w, before);
    uint64_t changes = sim_disk_changes(copy);
    mun_code code = mun_store_open(&config, w->crypto, &store, &err);
    if (d->in_read) {
        if (!sim_disk_struck(copy))
            snprintf(d->name, sizeof d->name, "nothing");
        else
            snprintf(d->name, sizeof d->name, "%s", sim_disk_flip_place(copy, &d->offset));
    }
    if (code != MUN_OK) {
        check_refusal(w, d, code, &err, sim_disk_changes(copy) - changes);
        return;
    }
    if (!is_stated_limit(w, d, store, published)) {
        mend(w, d, copy);
        sim_check_store(w, copy, store, &w->model);
    }
    mun_store_close(store);
}

void sim_probe_damage(sim_world *w, const sim_disk *before, bool slots)
{
    damage d = {.in_read = !slots && sim_once_in(&w->random, 3)};
    sim_disk_copy(w->copy, before, sim_next(&w->random));
    sim_disk_set_budget(w->copy, UINT64_MAX);
    if (d.in_read) {
        sim_disk_plan(w->copy, SIM_FLIP, sim_between(&w->random, 1, 24), SIM_READ);
    } else {
        if (!choose(w, before, slots, &d)) return;
        sim_disk_flip(w->copy, d.name, d.offset, d.bit);
    }
    w->counts.probes++;
    if (w->verbose) fprintf(stderr, "probe: %s\n", d.in_read ? "a read" : text_of(&d));
    snprintf(w->broken, sizeof w->broken, "(damage probe: %s) ",
             d.in_read ? "a read" : text_of(&d));
    open_damaged(w, w->copy, before, &d);
    w->broken[0] = '\0';
}

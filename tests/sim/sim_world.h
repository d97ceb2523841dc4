/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One world of the simulator: a disk, a log on it, and the model of what the log must hold. A world
 * goes through cycles of work, accident, recovery and check until it is large enough.
 */
#ifndef MUN_SIM_WORLD_H
#define MUN_SIM_WORLD_H

#include "log/store.h"
#include "sim/sim_model.h"
#include "sim/simdisk.h"

#include <setjmp.h>

/* Smaller worlds cross more boundaries; see CMakeLists.txt for the builds. */
#ifndef SIM_RING_LOW
#define SIM_RING_LOW 8u
#endif
#ifndef SIM_RING_HIGH
#define SIM_RING_HIGH 27u
#endif

#define SIM_WORLD_ENTRIES 700
#define SIM_WORLD_BATCHES 1500
#define SIM_WORLD_CYCLES  300
#define SIM_QUEUE_MAX     64
#define SIM_SEGMENT_NAME  40

/* What the accident of a cycle aims at. */
typedef enum sim_aim {
    SIM_AIM_NONE,
    SIM_AIM_ANYWHERE,
    SIM_AIM_FLUSH, /* armed when a flush begins */
    SIM_AIM_GROW
} sim_aim;

typedef struct sim_counts {
    uint64_t cycles; /* accidents survived, recovered from and checked */
    uint64_t cuts, kills, failures, probes, refusals, audits, looks, worlds;
    uint64_t entries, grown, full;
} sim_counts;

typedef struct sim_world {
    sim_random random;
    sim_disk *disk;
    sim_disk *before; /* for damage probes: as it was before the recovery */
    sim_disk *copy;
    mun_crypto fast;
    mun_crypto real;
    const mun_crypto *crypto;
    mun_store_config config;
    mun_store *store;

    mun_log *peer; /* a reader in another process, or NULL */
    sim_model model;
    sim_batch batch; /* being written */
    bool pending;    /* its outcome is unknown */
    bool appeared; /* the last recovery found a batch of unknown outcome; do nothing, probe then */
    bool spoiled;  /* derived files were damaged; a rebuild may be needed */
    bool absent;   /* the last recovery found that such a batch was not there */
    bool was_pending; /* it was so when the copy for the damage probe was taken */
    mun_batch fill;
    bool fill_ready;
    mun_batch queue[SIM_QUEUE_MAX]; /* synced, not followed */
    size_t queued;
    uint64_t floor;     /* no recovery may give fewer entries: someone has read this size */
    uint64_t max_times; /* highest registration time used */
    sim_aim aim;
    sim_event aim_event;
    uint64_t aim_calls;
    unsigned aim_mask;
    unsigned ended; /* cycles of this world */

    sim_counts counts;
    uint64_t seed; /* of this world */
    bool verbose;
    jmp_buf escape; /* where a broken property ends the world */
    char broken[1024];
} sim_world;

void sim_world_init(sim_world *w, uint32_t sector, uint32_t page, const mun_crypto *real);
void sim_world_finish(sim_world *w);

/* Starts a new world; everything in it follows from the seed. */
void sim_world_start(sim_world *w, uint64_t seed);
/* One cycle. False when the world is over (and the next needs sim_world_start). */
bool sim_world_cycle(sim_world *w);

/* A property does not hold: says so and leaves by w->escape. */
__attribute__((format(printf, 2, 3), noreturn)) void sim_broken(sim_world *w, const char *format,
                                                                ...);

/* ---- sim_work.c: what a writer does */
void sim_work(sim_world *w);
void sim_forget_queue(sim_world *w);

/* ---- sim_check.c: what must hold */
/* What a reader in another process would see now; raises the floor. */
void sim_watch_published(sim_world *w);
/* The size in an intact `published`, else 0. */
uint64_t sim_published_size(const sim_world *w, const sim_disk *disk);
/* After a successful open: size, root, times, and every byte of every stream. */
void sim_check_store(sim_world *w, sim_disk *disk, const mun_store *store, const sim_model *model);
/* Every byte of every stream. */
void sim_check_streams(sim_world *w, const sim_disk *disk, const sim_model *model);
/* The streams below what was published, while the log is at work. */
void sim_check_prefix(sim_world *w);
bool sim_prefix_holds(sim_world *w);

/* ---- sim_probe.c: damage */
/* Opens a damaged copy of the disk as it was before the recovery that led to the model; slots: the
 * damage is in a superblock. */
void sim_probe_damage(sim_world *w, const sim_disk *before, bool slots);

/* ---- sim_audit.c: fsck and rebuild */
/* On a copy of the disk, whose log is at rest and as the model says. */
void sim_audit(sim_world *w);
void sim_spoil_derived(sim_world *w, sim_disk *disk);
mun_code sim_rebuild(sim_world *w, sim_disk *disk, mun_error *err);
/* For the log's public functions; one thread. */
mun_log_config sim_log_config(const sim_world *w, sim_disk *disk);

/* ---- sim_peer.c: readers in other processes */
/* Beside the writer: opens or refreshes the reader, and reads. No accident strikes in it. */
void sim_peer_visit(sim_world *w);
void sim_peer_leave(sim_world *w);
/* Nobody writes; nothing was recovered yet. */
void sim_peer_visit_alone(sim_world *w);

#endif

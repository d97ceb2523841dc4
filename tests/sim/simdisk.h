/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory behind the vfs table, made to be crueller than any real one: what was not synced
 * may be kept, lost, torn or garbled at a power cut, sector by sector; names too. Any call can
 * fail. Everything follows from one seed.
 *
 * Two contents for each file: what the process sees (the page cache), and what lies on the disk.
 *   write       changes the cache; its sectors are dirty from then on
 *   sync        brings dirty sectors and the size to the disk
 *   failed sync brings a part there, calls everything clean; the cache goes on showing all of it
 *               until the pages are evicted (drop_cache, or the process dies)
 *   kill        the process is gone, the cache stays
 *   power cut   each dirty sector: old, new, a version in between, torn at any byte, garbled; the
 *               size old, new or between; each name made, moved or removed without sync_dir: either
 *
 * Ownership: the disk owns all; files opened through the table belong to who opened them.
 * Threads: none.
 */
#ifndef MUN_SIMDISK_H
#define MUN_SIMDISK_H

#include "sim/sim_random.h"
#include "vfs/vfs.h"

typedef struct sim_disk sim_disk;

/*
 * sector: what the medium writes at once (512, 4096). page: what the page cache writes back at
 * least; a write of one byte makes all sectors of its page dirty (not through MUN_OPEN_DIRECT).
 */
sim_disk *sim_disk_new(uint32_t sector, uint32_t page, uint64_t seed);
void sim_disk_free(sim_disk *disk); /* accepts NULL */
/* Empties it; keeps memory. */
void sim_disk_reset(sim_disk *disk, uint64_t seed);
/* Makes into an exact copy of from (files, dirtiness, budget), with a seed of its own. */
void sim_disk_copy(sim_disk *into, const sim_disk *from, uint64_t seed);
const mun_vfs *sim_disk_vfs(sim_disk *disk);

/* Kinds of calls, for masks. */
enum {
    SIM_OPEN = 1,
    SIM_READ = 2,
    SIM_WRITE = 4,
    SIM_SYNC = 8,
    SIM_SIZE = 16,
    SIM_TRUNCATE = 32,
    SIM_NAMES = 64, /* make_dir, rename, remove, list, lock, free_space */
    SIM_SYNC_DIR = 128,
    SIM_ANY = 255
};

typedef enum sim_event {
    SIM_NOTHING,
    SIM_FAIL_ONCE,    /* that call fails, having done any part of its work */
    SIM_FAIL_FOREVER, /* that call and all of its mask after it, until sim_disk_calm */
    SIM_CUT,          /* power goes off inside that call */
    SIM_KILL,         /* the process dies inside that call */
    SIM_FLIP          /* that read returns one bit wrong; only SIM_READ counts */
} sim_event;

/* The event strikes at the n-th call from now (1: the next) whose kind is in mask. */
void sim_disk_plan(sim_disk *disk, sim_event event, uint64_t n, unsigned mask);
/* Forgets the plan and ends SIM_FAIL_FOREVER. */
void sim_disk_calm(sim_disk *disk);
/* While held, nothing strikes and no call counts: for those who only look. */
void sim_disk_hold(sim_disk *disk, bool held);
bool sim_disk_struck(const sim_disk *disk); /* the planned event has happened */
bool sim_disk_is_off(const sim_disk *disk); /* after SIM_CUT, SIM_KILL: every call fails */

/* Power off (if it is not yet) and on again. All files must be closed. */
void sim_disk_power_cut(sim_disk *disk);
/* The process dies (if it has not yet) and another starts. All files must be closed. */
void sim_disk_kill(sim_disk *disk);

/* No file may grow once all together have this many bytes. UINT64_MAX: no limit. */
void sim_disk_set_budget(sim_disk *disk, uint64_t bytes);
bool sim_disk_is_tight(const sim_disk *disk); /* there is a budget */
uint64_t sim_disk_used(const sim_disk *disk);

/* Whether the process has file handles to spare: else nothing is opened, nor a folder synced. */
void sim_disk_set_handles(sim_disk *disk, bool there);
bool sim_disk_has_handles(const sim_disk *disk);

/* For the one who checks: names in the cache's view, and what a process would read. */
size_t sim_disk_files(const sim_disk *disk);
const char *sim_disk_file_name(const sim_disk *disk, size_t i); /* folders too */
bool sim_disk_bytes(const sim_disk *disk, const char *name, mun_slice *ret);
/* Flips a bit of a file on the medium and in the cache. */
void sim_disk_flip(sim_disk *disk, const char *name, uint64_t offset, unsigned bit);
/* Where SIM_FLIP struck: the file ("" before) and the byte. */
const char *sim_disk_flip_place(const sim_disk *disk, uint64_t *ret_offset);
/* Writes, truncations and name changes so far, other than by lock. */
uint64_t sim_disk_changes(const sim_disk *disk);
size_t sim_disk_open_files(const sim_disk *disk);
/* Every call is written to standard error from now on. */
void sim_disk_trace(sim_disk *disk, bool on);

#endif

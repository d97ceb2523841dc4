/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in memory behind the vfs table, of which one call goes wrong: the n-th one that the plan
 * counts. For "fail call 1, 2, 3 ... until the run passes" over every operation of the log.
 *
 * Without a power cut and without time: that is the simulated disk's work (tests/sim). Ownership:
 * the disk owns its files; a handle is good until the disk is emptied. Any thread.
 */
#ifndef MUN_TESTS_NTH_DISK_H
#define MUN_TESTS_NTH_DISK_H

#include <pthread.h>
#include <stdatomic.h>

#include "vfs/vfs.h"

#define NTH_NAMES 64

typedef enum nth_plan {
    NTH_NOTHING,
    NTH_ONCE,     /* that call fails; a write has done half of its work */
    NTH_FOR_EVER, /* that one and all behind it */
    NTH_SHORT,    /* that read returns half of what is there (reads alone are counted) */
    NTH_FLIP      /* that read returns one bit wrong (the same) */
} nth_plan;

typedef struct nth_name {
    char name[40];
    mun_file *file; /* NULL: a folder */
} nth_name;

typedef struct nth_disk {
    mun_vfs vfs;  /* hand this to the log */
    mun_vfs calm; /* the same files, never struck */
    pthread_mutex_t lock;
    nth_name name[NTH_NAMES];
    unsigned names;
    mun_file *files;   /* all that were ever made since it was empty */
    _Atomic bool held; /* the writer's lock */
    nth_plan plan;
    mun_code code;
    _Atomic int64_t left;
    _Atomic bool struck;
    unsigned seed;
} nth_disk;

void nth_disk_init(nth_disk *ret);
void nth_disk_empty(nth_disk *disk); /* also frees; all files closed */
void nth_disk_copy(nth_disk *into, nth_disk *from);
/* code: for NTH_ONCE and NTH_FOR_EVER. */
void nth_disk_plan(nth_disk *disk, nth_plan plan, uint64_t n, mun_code code);
bool nth_disk_remove(nth_disk *disk, const char *name);
/* One bit of a file, for damage that stays. False: the file has not that many bytes. */
bool nth_disk_flip(nth_disk *disk, const char *name, uint64_t at);

#endif

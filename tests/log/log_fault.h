/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vfs table in front of another one that fails on demand: a full disk (writes that extend a file,
 * new files), no file handles left, or one failing sync or write. May be used by several threads.
 */
#ifndef MUN_TESTS_LOG_FAULT_H
#define MUN_TESTS_LOG_FAULT_H

#include <stdatomic.h>

#include "vfs/vfs.h"

typedef struct fault {
    mun_vfs vfs; /* hand this to the log */
    const mun_vfs *under;
    _Atomic bool full;       /* nothing may grow */
    _Atomic bool no_handles; /* nothing can be opened, folders neither */
    _Atomic int sync_fails;  /* this many-th sync from now fails; 0: none */
    _Atomic int write_fails; /* the same for writes */
    _Atomic bool as_full;    /* these two say that the disk is full */
    _Atomic int call_fails;  /* the same for calls of any kind */
    _Atomic bool reads_fail; /* with call_fails: only reads count, and they come short */
} fault;

void fault_init(fault *ret, const mun_vfs *under);

#endif

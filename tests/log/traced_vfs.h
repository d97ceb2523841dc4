/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vfs before another one: writes down each call that changes or syncs something, and reads; can
 * make one kind of call on one file fail. For tests of the order in which the log does things.
 */
#ifndef MUN_TESTS_TRACED_VFS_H
#define MUN_TESTS_TRACED_VFS_H

#include "vfs/vfs.h"

#include <pthread.h>

#define TRACE_MAX  4096
#define TRACE_HEAD 64

typedef enum trace_kind {
    TRACE_READ,
    TRACE_WRITE,
    TRACE_SYNC,
    TRACE_TRUNCATE,
    TRACE_CREATE, /* open with MUN_OPEN_CREATE */
    TRACE_RENAME,
    TRACE_REMOVE,
    TRACE_SYNC_DIR
} trace_kind;

typedef struct trace_call {
    trace_kind kind;
    char name[40];
    uint64_t offset;
    size_t len;
    bool zeros;               /* a write of zeros only */
    uint8_t head[TRACE_HEAD]; /* of a write: its first bytes */
} trace_call;

typedef struct traced {
    const mun_vfs *under;
    mun_vfs vfs; /* give this one to the log; several threads may call it */
    pthread_mutex_t lock;
    trace_call call[TRACE_MAX];
    size_t count;
    bool fail; /* calls of that kind on that file fail from now on */
    trace_kind fail_kind;
    const char *fail_name;
    uint64_t fail_from; /* only at offsets from here on */
} traced;

void traced_init(traced *ret, const mun_vfs *under);
/* The first call at or after `from` of that kind on that name (NULL: any); count if none. */
size_t traced_find(const traced *t, size_t from, trace_kind kind, const char *name);
bool traced_has(const traced *t, size_t from, trace_kind kind, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "log/nth_alloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

typedef struct countdown {
    _Atomic int64_t left; /* 0: no plan */
    _Atomic bool for_ever;
} countdown;

static countdown alloc, thread;
static _Atomic bool struck;
static _Thread_local bool spared_here;

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *ptr, size_t len);
int __real_posix_memalign(void **ret, size_t align, size_t len);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *ptr, size_t len);
int __wrap_posix_memalign(void **ret, size_t align, size_t len);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);

static void plan(countdown *c, uint64_t n, bool for_ever)
{
    atomic_store(&struck, false);
    atomic_store(&c->for_ever, for_ever);
    atomic_store(&c->left, (int64_t)n);
}

void nth_alloc_plan(uint64_t n, bool for_ever)
{
    plan(&alloc, n, for_ever);
}

void nth_thread_plan(uint64_t n, bool for_ever)
{
    plan(&thread, n, for_ever);
}

bool nth_alloc_struck(void)
{
    return atomic_load(&struck);
}

void nth_alloc_spare(bool spared)
{
    spared_here = spared;
}

static bool strikes(countdown *c)
{
    if (spared_here) return false;
    int64_t left = atomic_load(&c->left);
    while (left > 1 && !atomic_compare_exchange_weak(&c->left, &left, left - 1)) {
    }
    if (left != 1) return false;
    int64_t one = 1;
    if (!atomic_load(&c->for_ever) && !atomic_compare_exchange_strong(&c->left, &one, 0)) {
        return false;
    }
    atomic_store(&struck, true);
    return true;
}

void *__wrap_malloc(size_t len)
{
    return strikes(&alloc) ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
    return strikes(&alloc) ? NULL : __real_calloc(n, len);
}

void *__wrap_realloc(void *ptr, size_t len)
{
    return strikes(&alloc) ? NULL : __real_realloc(ptr, len);
}

int __wrap_posix_memalign(void **ret, size_t align, size_t len)
{
    return strikes(&alloc) ? ENOMEM : __real_posix_memalign(ret, align, len);
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
    if (strikes(&alloc)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(at, len, prot, flags, fd, offset);
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    return strikes(&thread) ? EAGAIN : __real_pthread_create(ret, attr, run, arg);
}

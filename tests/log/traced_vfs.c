/* SPDX-License-Identifier: Apache-2.0 */
#include "log/traced_vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ours; mun_file itself belongs to the vfs below. */
typedef struct traced_file {
    mun_file *under;
    char name[40];
} traced_file;

static traced_file *of(mun_file *file)
{
    return (traced_file *)(void *)file;
}

/* False: this call is to fail. */
static bool note(traced *t, trace_kind kind, const char *name, uint64_t offset, const void *bytes,
                 size_t len)
{
    pthread_mutex_lock(&t->lock);
    if (t->count < TRACE_MAX) {
        trace_call *c = &t->call[t->count++];
        *c = (trace_call){.kind = kind, .offset = offset, .len = len, .zeros = bytes != NULL};
        snprintf(c->name, sizeof c->name, "%s", name);
        for (size_t i = 0; i < len && c->zeros; i++) c->zeros = ((const char *)bytes)[i] == 0;
        if (bytes != NULL) memcpy(c->head, bytes, len < TRACE_HEAD ? len : TRACE_HEAD);
    }
    bool hit = t->fail && t->fail_kind == kind && offset >= t->fail_from &&
               strcmp(t->fail_name, name) == 0;
    pthread_mutex_unlock(&t->lock);
    return !hit;
}

static mun_code planned(mun_error *err)
{
    return mun_fail(err, MUN_E_IO, MUN_NO_OFFSET, "a planned failure");
}

static mun_code do_open(void *ctx, const char *name, unsigned flags, mun_file **ret, mun_error *err)
{
    traced *t = ctx;
    bool create = (flags & MUN_OPEN_CREATE) != 0;
    if (create && !note(t, TRACE_CREATE, name, 0, NULL, 0)) return planned(err);
    mun_file *under;
    mun_code code = t->under->open(t->under->ctx, name, flags, &under, err);
    if (code != MUN_OK) return code;
    traced_file *f = calloc(1, sizeof *f);
    if (f == NULL) abort();
    f->under = under;
    snprintf(f->name, sizeof f->name, "%s", name);
    *ret = (mun_file *)(void *)f;
    return MUN_OK;
}

static void do_close(void *ctx, mun_file *file)
{
    const traced *t = ctx;
    if (file == NULL) return;
    t->under->close(t->under->ctx, of(file)->under);
    free(file);
}

static mun_code do_read(void *ctx, mun_file *file, uint64_t offset, void *ret, size_t len,
                        size_t *ret_len, mun_error *err)
{
    traced *t = ctx;
    if (!note(t, TRACE_READ, of(file)->name, offset, NULL, len)) return planned(err);
    return t->under->read(t->under->ctx, of(file)->under, offset, ret, len, ret_len, err);
}

static mun_code do_write(void *ctx, mun_file *file, uint64_t offset, const void *bytes, size_t len,
                         mun_error *err)
{
    traced *t = ctx;
    if (!note(t, TRACE_WRITE, of(file)->name, offset, bytes, len)) return planned(err);
    return t->under->write(t->under->ctx, of(file)->under, offset, bytes, len, err);
}

static mun_code do_sync(void *ctx, mun_file *file, mun_error *err)
{
    traced *t = ctx;
    if (!note(t, TRACE_SYNC, of(file)->name, 0, NULL, 0)) return planned(err);
    return t->under->sync(t->under->ctx, of(file)->under, err);
}

static mun_code do_size(void *ctx, mun_file *file, uint64_t *ret, mun_error *err)
{
    const traced *t = ctx;
    return t->under->size(t->under->ctx, of(file)->under, ret, err);
}

static mun_code do_truncate(void *ctx, mun_file *file, uint64_t size, mun_error *err)
{
    traced *t = ctx;
    if (!note(t, TRACE_TRUNCATE, of(file)->name, size, NULL, 0)) return planned(err);
    return t->under->truncate(t->under->ctx, of(file)->under, size, err);
}

static void do_hint(void *ctx, mun_file *file, uint64_t offset, uint64_t len)
{
    (void)ctx, (void)file, (void)offset, (void)len;
}

static mun_code do_make_dir(void *ctx, const char *name, mun_error *err)
{
    const traced *t = ctx;
    return t->under->make_dir(t->under->ctx, name, err);
}

static mun_code do_rename(void *ctx, const char *from, const char *to, mun_error *err)
{
    traced *t = ctx;
    if (!note(t, TRACE_RENAME, to, 0, NULL, 0)) return planned(err);
    return t->under->rename(t->under->ctx, from, to, err);
}

static mun_code do_remove(void *ctx, const char *name, mun_error *err)
{
    traced *t = ctx;
    if (!note(t, TRACE_REMOVE, name, 0, NULL, 0)) return planned(err);
    return t->under->remove(t->under->ctx, name, err);
}

static mun_code do_sync_dir(void *ctx, const char *name, mun_error *err)
{
    traced *t = ctx;
    if (!note(t, TRACE_SYNC_DIR, name, 0, NULL, 0)) return planned(err);
    return t->under->sync_dir(t->under->ctx, name, err);
}

static mun_code do_list(void *ctx, const char *name,
                        void (*each)(void *each_ctx, const char *entry), void *each_ctx,
                        mun_error *err)
{
    const traced *t = ctx;
    return t->under->list(t->under->ctx, name, each, each_ctx, err);
}

static mun_code do_lock(void *ctx, const char *name, const char *holder, mun_file **ret,
                        mun_error *err)
{
    const traced *t = ctx;
    return t->under->lock(t->under->ctx, name, holder, ret, err);
}

static void do_unlock(void *ctx, mun_file *lock)
{
    const traced *t = ctx;
    t->under->unlock(t->under->ctx, lock);
}

static bool do_locked(void *ctx, const char *name)
{
    const traced *t = ctx;
    return t->under->locked(t->under->ctx, name);
}

static mun_code do_free_space(void *ctx, uint64_t *ret, mun_error *err)
{
    const traced *t = ctx;
    return t->under->free_space(t->under->ctx, ret, err);
}

void traced_init(traced *ret, const mun_vfs *under)
{
    *ret = (traced){.under = under, .fail_name = ""};
    pthread_mutex_init(&ret->lock, NULL);
    ret->vfs = (mun_vfs){
        .ctx = ret,
        .open = do_open,
        .close = do_close,
        .read = do_read,
        .write = do_write,
        .sync = do_sync,
        .size = do_size,
        .truncate = do_truncate,
        .write_back = do_hint,
        .drop_cache = do_hint,
        .make_dir = do_make_dir,
        .rename = do_rename,
        .remove = do_remove,
        .sync_dir = do_sync_dir,
        .list = do_list,
        .lock = do_lock,
        .unlock = do_unlock,
        .locked = do_locked,
        .free_space = do_free_space,
    };
}

size_t traced_find(const traced *t, size_t from, trace_kind kind, const char *name)
{
    while (from < t->count) {
        const trace_call *c = &t->call[from];
        if (c->kind == kind && (name == NULL || strcmp(c->name, name) == 0)) break;
        from++;
    }
    return from;
}

bool traced_has(const traced *t, size_t from, trace_kind kind, const char *name)
{
    return traced_find(t, from, kind, name) < t->count;
}

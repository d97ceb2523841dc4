/* SPDX-License-Identifier: Apache-2.0 */
#include "log/nth_disk.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "log/nth_alloc.h"

struct mun_file {
    mun_file *next;
    uint8_t *bytes;
    size_t len, cap;
};

/* ---- what strikes ----------------------------------------------------------------------------*/

static bool counts(const nth_disk *d, bool is_read)
{
    if (d->plan == NTH_NOTHING) return false;
    return d->plan == NTH_ONCE || d->plan == NTH_FOR_EVER || is_read;
}

static bool strikes(nth_disk *d, bool is_read)
{
    if (!counts(d, is_read)) return false;
    int64_t left = atomic_fetch_sub(&d->left, 1);
    if (left != 1 && !(left < 1 && d->plan == NTH_FOR_EVER)) return false;
    atomic_store(&d->struck, true);
    return true;
}

static mun_code fail(const nth_disk *d, const char *name, mun_error *err)
{
    return mun_failf(err, d->code, 5, "%s: the test's disk fails here", name);
}

/* ---- names, with the lock --------------------------------------------------------------------*/

static nth_name *lookup(nth_disk *d, const char *name)
{
    for (unsigned i = 0; i < d->names; i++) {
        if (strcmp(d->name[i].name, name) == 0) return &d->name[i];
    }
    return NULL;
}

static nth_name *add(nth_disk *d, const char *name)
{
    MUN_ASSERT(d->names < NTH_NAMES && strlen(name) < sizeof d->name[0].name);
    nth_name *entry = &d->name[d->names++];
    memset(entry, 0, sizeof *entry);
    memcpy(entry->name, name, strlen(name));
    return entry;
}

static mun_file *file_new(nth_disk *d)
{
    nth_alloc_spare(true);
    mun_file *file = calloc(1, sizeof *file);
    nth_alloc_spare(false);
    MUN_ASSERT(file != NULL);
    file->next = d->files;
    d->files = file;
    return file;
}

static void grow(mun_file *file, size_t len)
{
    if (len > file->cap) {
        size_t cap = len + len / 2 + 64;
        nth_alloc_spare(true);
        uint8_t *bytes = realloc(file->bytes, cap);
        nth_alloc_spare(false);
        MUN_ASSERT(bytes != NULL);
        file->bytes = bytes;
        file->cap = cap;
    }
    if (len > file->len) {
        memset(file->bytes + file->len, 0, len - file->len);
        file->len = len;
    }
}

/* ---- the table -------------------------------------------------------------------------------*/

static mun_code calm_open(void *ctx, const char *name, unsigned flags, mun_file **ret,
                          mun_error *err)
{
    nth_disk *d = ctx;
    mun_code code = MUN_OK;
    pthread_mutex_lock(&d->lock);
    nth_name *entry = lookup(d, name);
    if (entry == NULL && (flags & MUN_OPEN_CREATE) == 0) {
        code = mun_failf(err, MUN_E_NOT_FOUND, 2, "%s: no such file", name);
    } else if (entry != NULL && (flags & MUN_OPEN_FRESH) != 0) {
        code = mun_failf(err, MUN_E_EXISTS, 17, "%s: it exists", name);
    } else if (entry == NULL) {
        entry = add(d, name);
        entry->file = file_new(d);
    }
    if (code == MUN_OK) *ret = entry->file;
    pthread_mutex_unlock(&d->lock);
    return code;
}

static void calm_close(void *ctx, mun_file *file)
{
    (void)ctx, (void)file;
}

static mun_code calm_read(void *ctx, mun_file *file, uint64_t offset, void *ret, size_t len,
                          size_t *ret_len, mun_error *err)
{
    nth_disk *d = ctx;
    (void)err;
    pthread_mutex_lock(&d->lock);
    size_t left = offset < file->len ? file->len - (size_t)offset : 0;
    size_t n = len < left ? len : left;
    if (n > 0) memcpy(ret, file->bytes + offset, n);
    *ret_len = n;
    pthread_mutex_unlock(&d->lock);
    return MUN_OK;
}

static mun_code calm_write(void *ctx, mun_file *file, uint64_t offset, const void *bytes,
                           size_t len, mun_error *err)
{
    nth_disk *d = ctx;
    (void)err;
    if (len == 0) return MUN_OK;
    pthread_mutex_lock(&d->lock);
    grow(file, (size_t)offset + len);
    memcpy(file->bytes + offset, bytes, len);
    pthread_mutex_unlock(&d->lock);
    return MUN_OK;
}

static mun_code calm_sync(void *ctx, mun_file *file, mun_error *err)
{
    (void)ctx, (void)file, (void)err;
    return MUN_OK;
}

static mun_code calm_size(void *ctx, mun_file *file, uint64_t *ret, mun_error *err)
{
    nth_disk *d = ctx;
    (void)err;
    pthread_mutex_lock(&d->lock);
    *ret = file->len;
    pthread_mutex_unlock(&d->lock);
    return MUN_OK;
}

static mun_code calm_truncate(void *ctx, mun_file *file, uint64_t size, mun_error *err)
{
    nth_disk *d = ctx;
    (void)err;
    pthread_mutex_lock(&d->lock);
    grow(file, (size_t)size);
    file->len = (size_t)size;
    pthread_mutex_unlock(&d->lock);
    return MUN_OK;
}

static void hint(void *ctx, mun_file *file, uint64_t offset, uint64_t len)
{
    (void)ctx, (void)file, (void)offset, (void)len;
}

static mun_code calm_make_dir(void *ctx, const char *name, mun_error *err)
{
    nth_disk *d = ctx;
    mun_code code = MUN_OK;
    pthread_mutex_lock(&d->lock);
    if (lookup(d, name) != NULL) {
        code = mun_failf(err, MUN_E_EXISTS, 17, "%s: it exists", name);
    } else {
        add(d, name);
    }
    pthread_mutex_unlock(&d->lock);
    return code;
}

bool nth_disk_remove(nth_disk *d, const char *name)
{
    pthread_mutex_lock(&d->lock);
    nth_name *entry = lookup(d, name);
    if (entry != NULL) *entry = d->name[--d->names];
    pthread_mutex_unlock(&d->lock);
    return entry != NULL;
}

bool nth_disk_flip(nth_disk *d, const char *name, uint64_t at)
{
    nth_name *entry = lookup(d, name);
    if (entry == NULL || at >= entry->file->len) return false;
    entry->file->bytes[at] ^= (uint8_t)(1u << at % 8);
    return true;
}

static mun_code calm_remove(void *ctx, const char *name, mun_error *err)
{
    if (nth_disk_remove(ctx, name)) return MUN_OK;
    return mun_failf(err, MUN_E_NOT_FOUND, 2, "%s: no such file", name);
}

static mun_code calm_rename(void *ctx, const char *from, const char *to, mun_error *err)
{
    nth_disk *d = ctx;
    mun_code code = MUN_OK;
    pthread_mutex_lock(&d->lock);
    nth_name *entry = lookup(d, from);
    if (entry == NULL) {
        code = mun_failf(err, MUN_E_NOT_FOUND, 2, "%s: no such file", from);
    } else {
        mun_file *file = entry->file;
        *entry = d->name[--d->names];
        nth_name *old = lookup(d, to);
        (old != NULL ? old : add(d, to))->file = file;
    }
    pthread_mutex_unlock(&d->lock);
    return code;
}

static mun_code calm_sync_dir(void *ctx, const char *name, mun_error *err)
{
    (void)ctx, (void)name, (void)err;
    return MUN_OK;
}

static mun_code calm_list(void *ctx, const char *name,
                          void (*each)(void *each_ctx, const char *entry), void *each_ctx,
                          mun_error *err)
{
    nth_disk *d = ctx;
    size_t len = strlen(name);
    (void)err;
    for (unsigned i = 0; i < d->names; i++) {
        const char *full = d->name[i].name;
        if (strncmp(full, name, len) == 0 && full[len] == '/') each(each_ctx, full + len + 1);
    }
    return MUN_OK;
}

static mun_code calm_lock(void *ctx, const char *name, const char *holder, mun_file **ret,
                          mun_error *err)
{
    nth_disk *d = ctx;
    (void)holder;
    if (d->held) return mun_failf(err, MUN_E_BUSY, 11, "%s: held", name);
    d->held = true;
    return calm_open(ctx, name, MUN_OPEN_WRITE | MUN_OPEN_CREATE, ret, err);
}

static void calm_unlock(void *ctx, mun_file *lock)
{
    nth_disk *d = ctx;
    (void)lock;
    d->held = false;
}

static bool calm_locked(void *ctx, const char *name)
{
    nth_disk *d = ctx;
    (void)name;
    return d->held;
}

static mun_code calm_free_space(void *ctx, uint64_t *ret, mun_error *err)
{
    (void)ctx, (void)err;
    *ret = UINT64_C(1) << 40;
    return MUN_OK;
}

/* ---- the table that is struck ----------------------------------------------------------------*/

static mun_code nth_open(void *ctx, const char *name, unsigned flags, mun_file **ret,
                         mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, name, err) : calm_open(ctx, name, flags, ret, err);
}

static mun_code nth_read(void *ctx, mun_file *file, uint64_t offset, void *ret, size_t len,
                         size_t *ret_len, mun_error *err)
{
    nth_disk *d = ctx;
    bool now = strikes(d, true);
    if (now && (d->plan == NTH_ONCE || d->plan == NTH_FOR_EVER)) return fail(d, "read", err);
    MUN_TRY(calm_read(ctx, file, offset, ret, len, ret_len, err));
    if (!now || *ret_len == 0) return MUN_OK;
    if (d->plan == NTH_SHORT) {
        *ret_len /= 2;
    } else {
        size_t at = d->seed % *ret_len;
        ((uint8_t *)ret)[at] ^= (uint8_t)(1u << d->seed / 7 % 8);
    }
    return MUN_OK;
}

static mun_code nth_write(void *ctx, mun_file *file, uint64_t offset, const void *bytes, size_t len,
                          mun_error *err)
{
    bool now = strikes(ctx, false);
    MUN_TRY(calm_write(ctx, file, offset, bytes, now ? len / 2 : len, err));
    return now ? fail(ctx, "write", err) : MUN_OK;
}

static mun_code nth_sync(void *ctx, mun_file *file, mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, "sync", err) : calm_sync(ctx, file, err);
}

static mun_code nth_size(void *ctx, mun_file *file, uint64_t *ret, mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, "size", err) : calm_size(ctx, file, ret, err);
}

static mun_code nth_truncate(void *ctx, mun_file *file, uint64_t size, mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, "truncate", err) : calm_truncate(ctx, file, size, err);
}

static mun_code nth_make_dir(void *ctx, const char *name, mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, name, err) : calm_make_dir(ctx, name, err);
}

static mun_code nth_rename(void *ctx, const char *from, const char *to, mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, from, err) : calm_rename(ctx, from, to, err);
}

static mun_code nth_remove(void *ctx, const char *name, mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, name, err) : calm_remove(ctx, name, err);
}

static mun_code nth_sync_dir(void *ctx, const char *name, mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, "sync_dir", err) : calm_sync_dir(ctx, name, err);
}

static mun_code nth_list(void *ctx, const char *name,
                         void (*each)(void *each_ctx, const char *entry), void *each_ctx,
                         mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, name, err) : calm_list(ctx, name, each, each_ctx, err);
}

static mun_code nth_lock(void *ctx, const char *name, const char *holder, mun_file **ret,
                         mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, name, err) : calm_lock(ctx, name, holder, ret, err);
}

static mun_code nth_free_space(void *ctx, uint64_t *ret, mun_error *err)
{
    return strikes(ctx, false) ? fail(ctx, "free_space", err) : calm_free_space(ctx, ret, err);
}

/* ---- the disk --------------------------------------------------------------------------------*/

void nth_disk_init(nth_disk *d)
{
    memset(d, 0, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    d->calm = (mun_vfs){
        .ctx = d,
        .open = calm_open,
        .close = calm_close,
        .read = calm_read,
        .write = calm_write,
        .sync = calm_sync,
        .size = calm_size,
        .truncate = calm_truncate,
        .write_back = hint,
        .drop_cache = hint,
        .make_dir = calm_make_dir,
        .rename = calm_rename,
        .remove = calm_remove,
        .sync_dir = calm_sync_dir,
        .list = calm_list,
        .lock = calm_lock,
        .unlock = calm_unlock,
        .locked = calm_locked,
        .free_space = calm_free_space,
    };
    d->vfs = (mun_vfs){
        .ctx = d,
        .open = nth_open,
        .close = calm_close,
        .read = nth_read,
        .write = nth_write,
        .sync = nth_sync,
        .size = nth_size,
        .truncate = nth_truncate,
        .write_back = hint,
        .drop_cache = hint,
        .make_dir = nth_make_dir,
        .rename = nth_rename,
        .remove = nth_remove,
        .sync_dir = nth_sync_dir,
        .list = nth_list,
        .lock = nth_lock,
        .unlock = calm_unlock,
        .locked = calm_locked,
        .free_space = nth_free_space,
    };
}

void nth_disk_empty(nth_disk *d)
{
    while (d->files != NULL) {
        mun_file *file = d->files;
        d->files = file->next;
        free(file->bytes);
        free(file);
    }
    d->names = 0;
    d->held = false;
    d->plan = NTH_NOTHING;
}

void nth_disk_copy(nth_disk *into, nth_disk *from)
{
    nth_disk_empty(into);
    pthread_mutex_lock(&from->lock);
    for (unsigned i = 0; i < from->names; i++) {
        nth_name *entry = add(into, from->name[i].name);
        const mun_file *file = from->name[i].file;
        if (file == NULL) continue;
        entry->file = file_new(into);
        grow(entry->file, file->len);
        if (file->len > 0) memcpy(entry->file->bytes, file->bytes, file->len);
    }
    pthread_mutex_unlock(&from->lock);
}

void nth_disk_plan(nth_disk *d, nth_plan plan, uint64_t n, mun_code code)
{
    d->plan = plan;
    d->code = code;
    d->seed = (unsigned)(n * 2654435761u) >> 3;
    atomic_store(&d->left, (int64_t)n);
    atomic_store(&d->struck, false);
}

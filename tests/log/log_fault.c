/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log_fault.h"

static mun_code no_space(mun_error *err)
{
    return mun_fail(err, MUN_E_NO_SPACE, MUN_NO_OFFSET, "planted: the disk is full");
}

static mun_code io_error(mun_error *err)
{
    return mun_fail(err, MUN_E_IO, MUN_NO_OFFSET, "planted: input/output error");
}

static mun_code no_handles(mun_error *err)
{
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET, "planted: too many open files");
}

static mun_code planned(const fault *f, mun_error *err)
{
    return atomic_load(&f->as_full) ? no_space(err) : io_error(err);
}

static bool strikes(_Atomic int *countdown)
{
    int now = atomic_load(countdown);
    while (now > 0) {
        if (atomic_compare_exchange_weak(countdown, &now, now - 1)) return now == 1;
    }
    return false;
}

static mun_code fault_open(void *ctx, const char *name, unsigned flags, mun_file **ret,
                           mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    if (atomic_load(&f->no_handles)) return no_handles(err);
    mun_code code =
        f->under->open(f->under->ctx, name, flags & ~(unsigned)MUN_OPEN_CREATE, ret, err);
    if (code != MUN_E_NOT_FOUND || (flags & MUN_OPEN_CREATE) == 0) {
        if (code == MUN_OK && (flags & MUN_OPEN_FRESH) != 0) {
            f->under->close(f->under->ctx, *ret);
            return mun_fail(err, MUN_E_EXISTS, MUN_NO_OFFSET, "it exists");
        }
        return code;
    }
    if (atomic_load(&f->full)) return no_space(err);
    return f->under->open(f->under->ctx, name, flags, ret, err);
}

static void fault_close(void *ctx, mun_file *file)
{
    fault *f = ctx;
    f->under->close(f->under->ctx, file);
}

static mun_code fault_read(void *ctx, mun_file *file, uint64_t offset, void *ret, size_t len,
                           size_t *ret_len, mun_error *err)
{
    fault *f = ctx;
    if (atomic_load(&f->reads_fail) && strikes(&f->call_fails)) {
        *ret_len = 0;
        return MUN_OK;
    }
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    return f->under->read(f->under->ctx, file, offset, ret, len, ret_len, err);
}

static mun_code fault_write(void *ctx, mun_file *file, uint64_t offset, const void *bytes,
                            size_t len, mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    uint64_t size = 0;
    if (strikes(&f->write_fails)) return planned(f, err);
    if (atomic_load(&f->full)) {
        mun_code code = f->under->size(f->under->ctx, file, &size, err);
        if (code != MUN_OK) return code;
        if (offset + len > size) {
            /* As the real thing may: what fits is written. */
            if (offset < size) {
                (void)!f->under->write(f->under->ctx, file, offset, bytes, (size_t)(size - offset),
                                       NULL);
            }
            return no_space(err);
        }
    }
    return f->under->write(f->under->ctx, file, offset, bytes, len, err);
}

static mun_code fault_sync(void *ctx, mun_file *file, mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    if (strikes(&f->sync_fails)) return planned(f, err);
    return f->under->sync(f->under->ctx, file, err);
}

static mun_code fault_size(void *ctx, mun_file *file, uint64_t *ret, mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    return f->under->size(f->under->ctx, file, ret, err);
}

static mun_code fault_truncate(void *ctx, mun_file *file, uint64_t size, mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    return f->under->truncate(f->under->ctx, file, size, err);
}

static void fault_write_back(void *ctx, mun_file *file, uint64_t offset, uint64_t len)
{
    fault *f = ctx;
    f->under->write_back(f->under->ctx, file, offset, len);
}

static void fault_drop_cache(void *ctx, mun_file *file, uint64_t offset, uint64_t len)
{
    fault *f = ctx;
    f->under->drop_cache(f->under->ctx, file, offset, len);
}

static mun_code fault_make_dir(void *ctx, const char *name, mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    return f->under->make_dir(f->under->ctx, name, err);
}

static mun_code fault_rename(void *ctx, const char *from, const char *to, mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    return f->under->rename(f->under->ctx, from, to, err);
}

static mun_code fault_remove(void *ctx, const char *name, mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    return f->under->remove(f->under->ctx, name, err);
}

static mun_code fault_sync_dir(void *ctx, const char *name, mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    if (atomic_load(&f->no_handles)) return no_handles(err);
    return f->under->sync_dir(f->under->ctx, name, err);
}

static mun_code fault_list(void *ctx, const char *name,
                           void (*each)(void *each_ctx, const char *entry), void *each_ctx,
                           mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    return f->under->list(f->under->ctx, name, each, each_ctx, err);
}

static mun_code fault_lock(void *ctx, const char *name, const char *holder, mun_file **ret,
                           mun_error *err)
{
    fault *f = ctx;
    if (!atomic_load(&f->reads_fail) && strikes(&f->call_fails)) return io_error(err);
    return f->under->lock(f->under->ctx, name, holder, ret, err);
}

static void fault_unlock(void *ctx, mun_file *lock)
{
    fault *f = ctx;
    f->under->unlock(f->under->ctx, lock);
}

static bool fault_locked(void *ctx, const char *name)
{
    fault *f = ctx;
    return f->under->locked(f->under->ctx, name);
}

static mun_code fault_free_space(void *ctx, uint64_t *ret, mun_error *err)
{
    fault *f = ctx;
    return f->under->free_space(f->under->ctx, ret, err);
}

void fault_init(fault *ret, const mun_vfs *under)
{
    *ret = (fault){.under = under};
    ret->vfs = (mun_vfs){
        .ctx = ret,
        .open = fault_open,
        .close = fault_close,
        .read = fault_read,
        .write = fault_write,
        .sync = fault_sync,
        .size = fault_size,
        .truncate = fault_truncate,
        .write_back = fault_write_back,
        .drop_cache = fault_drop_cache,
        .make_dir = fault_make_dir,
        .rename = fault_rename,
        .remove = fault_remove,
        .sync_dir = fault_sync_dir,
        .list = fault_list,
        .lock = fault_lock,
        .unlock = fault_unlock,
        .locked = fault_locked,
        .free_space = fault_free_space,
    };
}

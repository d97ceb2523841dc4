/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated disk: the table of functions and the events. See simdisk.h. */
#include "sim/simdisk.h"

#include "sim/sim_names.h"
#include "sim/sim_node.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_disk {
    mun_vfs vfs;
    sim_random random;
    sim_geometry geometry;
    sim_names names;
    uint64_t budget;
    bool no_handles;
    uint64_t changes;
    uint64_t calls;
    size_t open_files;
    bool off;
    bool trace;
    char lock[SIM_NAME_MAX]; /* held by the process, "" when not */

    sim_event event;
    uint64_t countdown;
    unsigned mask;
    bool struck;
    bool held;
    char flip_name[SIM_NAME_MAX];
    uint64_t flip_offset;
};

struct mun_file {
    sim_node *node;
    bool writable;
    bool direct;
    bool is_lock;
    char name[SIM_NAME_MAX];
};

/* What becomes of a call. */
typedef enum fate {
    FATE_DONE, /* it works */
    FATE_FAIL, /* it fails, part of its work done */
    FATE_OFF,  /* it fails, nothing done: there is no process any more */
    FATE_FLIP
} fate;

static bool strikes(sim_disk *d, unsigned kind)
{
    if (d->held || d->event == SIM_NOTHING || !(d->mask & kind)) return false;
    if (d->struck) return d->event == SIM_FAIL_FOREVER;
    if (d->countdown > 1) {
        d->countdown--;
        return false;
    }
    d->struck = true;
    return true;
}

static fate begin(sim_disk *d, unsigned kind, const char *what, const char *name, uint64_t offset,
                  uint64_t len)
{
    d->calls++;
    bool was_off = d->off;
    bool strike = !was_off && strikes(d, kind);
    if (strike && (d->event == SIM_CUT || d->event == SIM_KILL)) d->off = true;
    if (d->trace && !was_off) {
        fprintf(stderr, "  %s %s %llu+%llu%s\n", what, name, (unsigned long long)offset,
                (unsigned long long)len, strike ? "  <- strikes" : "");
    }
    if (was_off) return FATE_OFF;
    if (!strike) return FATE_DONE;
    return d->event == SIM_FLIP ? FATE_FLIP : FATE_FAIL;
}

static mun_code broken(const sim_disk *d, const char *what, const char *name, mun_error *err)
{
    return mun_failf(err, MUN_E_IO, 0, "cannot %s %s: simulated %s", what, name,
                     d->off ? "end of the process" : "failure");
}

static bool exists(const sim_disk *d, const char *name)
{
    return name[0] == '\0' || sim_names_find(&d->names, name) != NULL;
}

static mun_code absent(const char *what, const char *name, mun_error *err)
{
    return mun_failf(err, MUN_E_NOT_FOUND, 0, "cannot %s %s: not there", what, name);
}

static sim_node *create(sim_disk *d, const char *name, bool folder)
{
    d->changes++;
    return sim_names_create(&d->names, &d->geometry, name, folder);
}

static mun_file *file_new(sim_disk *d, sim_node *node, const char *name, unsigned flags)
{
    mun_file *file = calloc(1, sizeof *file);
    MUN_ASSERT(file != NULL && strlen(name) < SIM_NAME_MAX);
    file->node = node;
    file->writable = (flags & MUN_OPEN_WRITE) != 0;
    file->direct = (flags & MUN_OPEN_DIRECT) != 0;
    strcpy(file->name, name);
    d->open_files++;
    return file;
}

static mun_code no_handle(const char *name, mun_error *err)
{
    return mun_failf(err, MUN_E_AGAIN, 0, "cannot open %s: too many open files", name);
}

static mun_code disk_open(void *ctx, const char *name, unsigned flags, mun_file **ret,
                          mun_error *err)
{
    sim_disk *d = ctx;
    char parent[SIM_NAME_MAX];
    sim_names_parent(name, parent);
    fate f = begin(d, SIM_OPEN, "open", name, flags, 0);
    if (f == FATE_OFF) return broken(d, "open", name, err);
    sim_node *node = sim_names_find(&d->names, name);
    bool make = node == NULL && (flags & MUN_OPEN_CREATE) && exists(d, parent);
    if (f == FATE_FAIL) {
        if (make && sim_once_in(&d->random, 2)) create(d, name, false);
        return broken(d, "open", name, err);
    }
    if (d->no_handles) return no_handle(name, err);
    if (node == NULL && !make) return absent("open", name, err);
    if (node != NULL && (flags & MUN_OPEN_FRESH)) {
        return mun_failf(err, MUN_E_EXISTS, 0, "cannot create %s: it is there", name);
    }
    if (node != NULL && node->folder) return mun_failf(err, MUN_E_IO, 0, "%s is a folder", name);
    if (make) node = create(d, name, false);
    *ret = file_new(d, node, name, flags);
    return MUN_OK;
}

static void disk_close(void *ctx, mun_file *file)
{
    sim_disk *d = ctx;
    if (file == NULL) return;
    MUN_ASSERT(d->open_files > 0);
    d->open_files--;
    free(file);
}

static void flip_in(sim_disk *d, const mun_file *file, uint64_t offset, uint8_t *bytes, size_t len)
{
    if (len == 0) return;
    size_t at = sim_below(&d->random, len);
    bytes[at] ^= (uint8_t)(1u << sim_below(&d->random, 8));
    strcpy(d->flip_name, file->name);
    d->flip_offset = offset + at;
}

static void check_direct(const mun_file *file, uint64_t offset, size_t len)
{
    /* The real disk would refuse it with EINVAL; here it is a mistake in the log. */
    MUN_ASSERT(!file->direct || (offset % 512 == 0 && len % 512 == 0));
}

static mun_code disk_read(void *ctx, mun_file *file, uint64_t offset, void *ret, size_t len,
                          size_t *ret_len, mun_error *err)
{
    sim_disk *d = ctx;
    check_direct(file, offset, len);
    fate f = begin(d, SIM_READ, "read", file->name, offset, len);
    if (f == FATE_OFF || f == FATE_FAIL) return broken(d, "read", file->name, err);
    size_t got = 0;
    if (offset < file->node->cache_size) {
        uint64_t left = file->node->cache_size - offset;
        got = left < len ? (size_t)left : len;
        memcpy(ret, file->node->cache + offset, got);
    }
    if (f == FATE_FLIP) flip_in(d, file, offset, ret, got);
    *ret_len = got;
    return MUN_OK;
}

static void put(sim_disk *d, mun_file *file, uint64_t offset, const void *bytes, size_t len)
{
    if (len == 0) return;
    d->changes++;
    uint64_t before = file->node->cache_size;
    sim_node_write(file->node, &d->geometry, &d->random, offset, bytes, len, file->direct);
    d->names.used += file->node->cache_size - before;
}

/* How much of a write fits on the disk. */
static size_t room_for(const sim_disk *d, const sim_node *node, uint64_t offset, size_t len)
{
    uint64_t size = node->cache_size;
    if (offset + len <= size || d->budget == UINT64_MAX) return len;
    uint64_t room = d->budget > d->names.used ? d->budget - d->names.used : 0;
    if (offset + len - size <= room) return len;
    return size + room > offset ? (size_t)(size + room - offset) : 0;
}

static mun_code disk_write(void *ctx, mun_file *file, uint64_t offset, const void *bytes,
                           size_t len, mun_error *err)
{
    sim_disk *d = ctx;
    check_direct(file, offset, len);
    MUN_ASSERT(file->writable);
    fate f = begin(d, SIM_WRITE, "write", file->name, offset, len);
    if (f == FATE_OFF) return broken(d, "write", file->name, err);
    size_t room = room_for(d, file->node, offset, len);
    if (f == FATE_FAIL) {
        put(d, file, offset, bytes, sim_below(&d->random, room + 1));
        if (d->event == SIM_FAIL_ONCE && sim_once_in(&d->random, 4))
            room = 0;
        else
            return broken(d, "write", file->name, err);
    } else {
        put(d, file, offset, bytes, room);
    }
    if (room < len) {
        return mun_failf(err, MUN_E_NO_SPACE, 0, "cannot write %s: no room", file->name);
    }
    return MUN_OK;
}

static mun_code disk_sync(void *ctx, mun_file *file, mun_error *err)
{
    sim_disk *d = ctx;
    fate f = begin(d, SIM_SYNC, "sync", file->name, 0, 0);
    if (f == FATE_OFF) return broken(d, "sync", file->name, err);
    if (f == FATE_FAIL) {
        /* When the power goes off, what is dirty stays so: the cut decides sector by sector. */
        if (!d->off) sim_node_sync_badly(file->node, &d->geometry, &d->random);
        return broken(d, "sync", file->name, err);
    }
    sim_node_sync(file->node, &d->geometry);
    return MUN_OK;
}

static mun_code disk_size(void *ctx, mun_file *file, uint64_t *ret, mun_error *err)
{
    sim_disk *d = ctx;
    if (begin(d, SIM_SIZE, "size", file->name, 0, 0) != FATE_DONE) {
        return broken(d, "look at", file->name, err);
    }
    *ret = file->node->cache_size;
    return MUN_OK;
}

static mun_code disk_truncate(void *ctx, mun_file *file, uint64_t size, mun_error *err)
{
    sim_disk *d = ctx;
    fate f = begin(d, SIM_TRUNCATE, "truncate", file->name, size, 0);
    if (f == FATE_OFF) return broken(d, "truncate", file->name, err);
    if (f == FATE_DONE || sim_once_in(&d->random, 2)) {
        if (file->node->cache_size != size) d->changes++;
        d->names.used += size - file->node->cache_size; /* may wrap down: unsigned */
        sim_node_truncate(file->node, &d->geometry, &d->random, size);
    }
    return f == FATE_DONE ? MUN_OK : broken(d, "truncate", file->name, err);
}

static void disk_write_back(void *ctx, mun_file *file, uint64_t offset, uint64_t len)
{
    (void)ctx; /* what it may bring to the disk early, a power cut may keep anyway */
    (void)file;
    (void)offset;
    (void)len;
}

static void disk_drop_cache(void *ctx, mun_file *file, uint64_t offset, uint64_t len)
{
    sim_disk *d = ctx;
    (void)offset;
    (void)len;
    if (!d->off && sim_once_in(&d->random, 2)) sim_node_evict(file->node, &d->geometry);
}

static mun_code disk_make_dir(void *ctx, const char *name, mun_error *err)
{
    sim_disk *d = ctx;
    fate f = begin(d, SIM_NAMES, "make_dir", name, 0, 0);
    char parent[SIM_NAME_MAX];
    sim_names_parent(name, parent);
    if (f == FATE_OFF) return broken(d, "make folder", name, err);
    if (exists(d, name)) return mun_failf(err, MUN_E_EXISTS, 0, "folder %s is there", name);
    if (!exists(d, parent)) return absent("make folder", name, err);
    if (f == FATE_DONE || sim_once_in(&d->random, 2)) create(d, name, true);
    return f == FATE_DONE ? MUN_OK : broken(d, "make folder", name, err);
}

static mun_code disk_rename(void *ctx, const char *from, const char *to, mun_error *err)
{
    sim_disk *d = ctx;
    fate f = begin(d, SIM_NAMES, "rename", to, 0, 0);
    if (f == FATE_OFF) return broken(d, "rename", from, err);
    if (!exists(d, from)) return absent("rename", from, err);
    if (f == FATE_DONE || sim_once_in(&d->random, 2)) {
        d->changes++;
        sim_names_rename(&d->names, from, to);
    }
    return f == FATE_DONE ? MUN_OK : broken(d, "rename", from, err);
}

static mun_code disk_remove(void *ctx, const char *name, mun_error *err)
{
    sim_disk *d = ctx;
    fate f = begin(d, SIM_NAMES, "remove", name, 0, 0);
    if (f == FATE_OFF) return broken(d, "remove", name, err);
    if (!exists(d, name)) return absent("remove", name, err);
    if (f == FATE_DONE || sim_once_in(&d->random, 2)) {
        d->changes++;
        sim_names_remove(&d->names, name);
    }
    return f == FATE_DONE ? MUN_OK : broken(d, "remove", name, err);
}

static mun_code disk_sync_dir(void *ctx, const char *name, mun_error *err)
{
    sim_disk *d = ctx;
    fate f = begin(d, SIM_SYNC_DIR, "sync_dir", name, 0, 0);
    if (f == FATE_OFF) return broken(d, "sync folder", name, err);
    if (!exists(d, name)) return absent("sync folder", name, err);
    if (d->no_handles && f == FATE_DONE) return no_handle(name, err);
    if (f == FATE_DONE)
        sim_names_sync(&d->names, name, SIZE_MAX);
    else
        sim_names_sync(&d->names, name, sim_below(&d->random, 4));
    return f == FATE_DONE ? MUN_OK : broken(d, "sync folder", name, err);
}

static mun_code disk_list(void *ctx, const char *name,
                          void (*each)(void *each_ctx, const char *entry), void *each_ctx,
                          mun_error *err)
{
    sim_disk *d = ctx;
    if (begin(d, SIM_NAMES, "list", name, 0, 0) != FATE_DONE) return broken(d, "list", name, err);
    if (!exists(d, name)) return absent("list", name, err);
    sim_names_list(&d->names, name, each, each_ctx);
    return MUN_OK;
}

static mun_code disk_lock(void *ctx, const char *name, const char *holder, mun_file **ret,
                          mun_error *err)
{
    sim_disk *d = ctx;
    (void)holder;
    if (begin(d, SIM_NAMES, "lock", name, 0, 0) != FATE_DONE) return broken(d, "lock", name, err);
    if (d->lock[0] != '\0') return mun_failf(err, MUN_E_BUSY, 0, "%s is held", name);
    if (!exists(d, name)) sim_names_create(&d->names, &d->geometry, name, false);
    *ret = file_new(d, sim_names_find(&d->names, name), name, MUN_OPEN_WRITE);
    (*ret)->is_lock = true;
    strcpy(d->lock, name);
    return MUN_OK;
}

static void disk_unlock(void *ctx, mun_file *lock)
{
    sim_disk *d = ctx;
    if (lock != NULL) d->lock[0] = '\0';
    disk_close(ctx, lock);
}

static bool disk_locked(void *ctx, const char *name)
{
    const sim_disk *d = ctx;
    return strcmp(d->lock, name) == 0;
}

static mun_code disk_free_space(void *ctx, uint64_t *ret, mun_error *err)
{
    sim_disk *d = ctx;
    if (begin(d, SIM_NAMES, "free_space", "", 0, 0) != FATE_DONE) {
        return broken(d, "look at", "the disk", err);
    }
    *ret = d->budget > d->names.used ? d->budget - d->names.used : 0;
    return MUN_OK;
}

static const mun_vfs disk_table = {
    .open = disk_open,
    .close = disk_close,
    .read = disk_read,
    .write = disk_write,
    .sync = disk_sync,
    .size = disk_size,
    .truncate = disk_truncate,
    .write_back = disk_write_back,
    .drop_cache = disk_drop_cache,
    .make_dir = disk_make_dir,
    .rename = disk_rename,
    .remove = disk_remove,
    .sync_dir = disk_sync_dir,
    .list = disk_list,
    .lock = disk_lock,
    .unlock = disk_unlock,
    .locked = disk_locked,
    .free_space = disk_free_space,
};

sim_disk *sim_disk_new(uint32_t sector, uint32_t page, uint64_t seed)
{
    MUN_ASSERT(sector > 0 && page % sector == 0);
    sim_disk *d = calloc(1, sizeof *d);
    MUN_ASSERT(d != NULL);
    d->geometry = (sim_geometry){sector, page};
    d->vfs = disk_table;
    d->vfs.ctx = d;
    sim_disk_reset(d, seed);
    return d;
}

void sim_disk_free(sim_disk *d)
{
    if (d == NULL) return;
    sim_names_finish(&d->names);
    free(d);
}

void sim_disk_reset(sim_disk *d, uint64_t seed)
{
    MUN_ASSERT(d->open_files == 0);
    sim_names_clear(&d->names);
    d->random.state = seed;
    d->budget = UINT64_MAX;
    d->no_handles = false;
    d->changes = 0;
    d->off = d->held = false;
    d->lock[0] = '\0';
    sim_disk_calm(d);
}

void sim_disk_copy(sim_disk *into, const sim_disk *from, uint64_t seed)
{
    sim_disk_reset(into, seed);
    into->geometry = from->geometry;
    into->budget = from->budget;
    into->no_handles = from->no_handles;
    sim_names_copy(&into->names, &from->names, &into->geometry);
}

const mun_vfs *sim_disk_vfs(sim_disk *d)
{
    return &d->vfs;
}

void sim_disk_plan(sim_disk *d, sim_event event, uint64_t n, unsigned mask)
{
    d->event = event;
    d->countdown = n;
    d->mask = event == SIM_FLIP ? SIM_READ : mask;
    d->struck = false;
    d->flip_name[0] = '\0';
}

void sim_disk_calm(sim_disk *d)
{
    sim_disk_plan(d, SIM_NOTHING, 0, 0);
}

void sim_disk_hold(sim_disk *d, bool held)
{
    d->held = held;
}

bool sim_disk_struck(const sim_disk *d)
{
    return d->struck;
}

bool sim_disk_is_off(const sim_disk *d)
{
    return d->off;
}

void sim_disk_power_cut(sim_disk *d)
{
    MUN_ASSERT(d->open_files == 0);
    d->off = false;
    d->lock[0] = '\0';
    sim_names_power_cut(&d->names, &d->geometry, &d->random);
}

void sim_disk_kill(sim_disk *d)
{
    MUN_ASSERT(d->open_files == 0);
    d->off = false;
    d->lock[0] = '\0';
    if (sim_once_in(&d->random, 4)) sim_names_evict(&d->names, &d->geometry);
}

void sim_disk_set_handles(sim_disk *d, bool there)
{
    d->no_handles = !there;
}

bool sim_disk_has_handles(const sim_disk *d)
{
    return !d->no_handles;
}

void sim_disk_set_budget(sim_disk *d, uint64_t bytes)
{
    d->budget = bytes;
}

bool sim_disk_is_tight(const sim_disk *d)
{
    return d->budget != UINT64_MAX;
}

uint64_t sim_disk_used(const sim_disk *d)
{
    return d->names.used;
}

size_t sim_disk_files(const sim_disk *d)
{
    return d->names.seen.count;
}

const char *sim_disk_file_name(const sim_disk *d, size_t i)
{
    return d->names.seen.name[i].path;
}

bool sim_disk_bytes(const sim_disk *d, const char *name, mun_slice *ret)
{
    const sim_node *node = sim_names_find(&d->names, name);
    if (node == NULL || node->folder) return false;
    *ret = mun_slice_of(node->cache, node->cache_size);
    return true;
}

void sim_disk_flip(sim_disk *d, const char *name, uint64_t offset, unsigned bit)
{
    sim_node *node = sim_names_find(&d->names, name);
    MUN_ASSERT(node != NULL && offset < node->cache_size);
    node->cache[offset] ^= (uint8_t)(1u << bit);
    node->disk[offset] ^= (uint8_t)(1u << bit);
}

const char *sim_disk_flip_place(const sim_disk *d, uint64_t *ret_offset)
{
    *ret_offset = d->flip_offset;
    return d->flip_name;
}

uint64_t sim_disk_changes(const sim_disk *d)
{
    return d->changes;
}

size_t sim_disk_open_files(const sim_disk *d)
{
    return d->open_files;
}

void sim_disk_trace(sim_disk *d, bool on)
{
    d->trace = on;
}

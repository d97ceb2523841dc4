/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_node.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define CAP_FIRST    8192
#define VERSIONS_MAX 64

enum { FLAG_DIRTY = 1, FLAG_LISTED = 2 };

static void *must(void *ptr)
{
    MUN_ASSERT(ptr != NULL);
    return ptr;
}

static void *regrow(void *ptr, size_t old_len, size_t new_len)
{
    uint8_t *grown = must(realloc(ptr, new_len));
    memset(grown + old_len, 0, new_len - old_len);
    return grown;
}

static void reserve(sim_node *n, const sim_geometry *g, uint64_t size)
{
    if (size > n->reach) n->reach = (size + g->page - 1) / g->page * g->page;
    if (size <= n->cap) return;
    size_t cap = n->cap == 0 ? CAP_FIRST : n->cap;
    while (cap < size) cap *= 2;
    cap = (cap + g->page - 1) / g->page * g->page;
    n->cache = regrow(n->cache, n->cap, cap);
    n->disk = regrow(n->disk, n->cap, cap);
    n->flag = regrow(n->flag, n->cap / g->sector, cap / g->sector);
    n->touched = must(realloc(n->touched, cap / g->sector * sizeof *n->touched));
    n->cap = cap;
}

void sim_node_finish(sim_node *n)
{
    free(n->cache);
    free(n->disk);
    free(n->flag);
    free(n->touched);
    free(n->version);
    free(n->pool);
    *n = (sim_node){0};
}

void sim_node_clear(sim_node *n, const sim_geometry *g)
{
    if (n->cap > 0) {
        memset(n->cache, 0, n->reach);
        memset(n->disk, 0, n->reach);
        memset(n->flag, 0, n->reach / g->sector);
    }
    n->reach = 0;
    n->folder = n->size_dirty = false;
    n->cache_size = n->disk_size = 0;
    n->touched_count = n->version_count = n->pool_len = 0;
}

static size_t larger(uint64_t a, uint64_t b)
{
    return (size_t)(a > b ? a : b);
}

static void copy_versions(sim_node *into, const sim_node *from)
{
    into->version_count = from->version_count;
    if (from->version_count > into->version_cap) {
        into->version_cap = from->version_count;
        into->version = must(realloc(into->version, into->version_cap * sizeof *into->version));
    }
    if (from->pool_len > into->pool_cap) {
        into->pool_cap = from->pool_len;
        into->pool = must(realloc(into->pool, into->pool_cap));
    }
    into->pool_len = from->pool_len;
    if (from->version_count == 0) return;
    memcpy(into->version, from->version, from->version_count * sizeof *from->version);
    memcpy(into->pool, from->pool, from->pool_len);
}

static void copy_and_zero(void *into, size_t into_len, const void *from, size_t len)
{
    if (len > 0) memcpy(into, from, len);
    if (into_len > len) memset((uint8_t *)into + len, 0, into_len - len);
}

void sim_node_copy(sim_node *into, const sim_node *from, const sim_geometry *g)
{
    size_t used = into->reach;
    reserve(into, g, from->reach);
    into->folder = from->folder;
    into->cache_size = from->cache_size;
    into->disk_size = from->disk_size;
    into->size_dirty = from->size_dirty;
    into->touched_count = from->touched_count;
    copy_versions(into, from);
    if (into->cap == 0) return;
    copy_and_zero(into->cache, used, from->cache, from->reach);
    copy_and_zero(into->disk, used, from->disk, from->reach);
    copy_and_zero(into->flag, used / g->sector, from->flag, from->reach / g->sector);
    into->reach = from->reach;
    if (from->touched_count == 0) return;
    memcpy(into->touched, from->touched, from->touched_count * sizeof *from->touched);
}

static void keep_version(sim_node *n, const sim_geometry *g, uint32_t sector)
{
    if (n->version_count >= VERSIONS_MAX) return;
    if (n->version_count == n->version_cap) {
        n->version_cap = n->version_cap == 0 ? 8 : n->version_cap * 2;
        n->version = must(realloc(n->version, n->version_cap * sizeof *n->version));
    }
    if (n->pool_len + g->sector > n->pool_cap) {
        n->pool_cap = (n->pool_len + g->sector) * 2;
        n->pool = must(realloc(n->pool, n->pool_cap));
    }
    n->version[n->version_count++] = (sim_version){sector, (uint32_t)n->pool_len};
    memcpy(n->pool + n->pool_len, n->cache + (size_t)sector * g->sector, g->sector);
    n->pool_len += g->sector;
}

static void make_dirty(sim_node *n, const sim_geometry *g, sim_random *r, uint64_t first,
                       uint64_t end)
{
    for (uint32_t s = (uint32_t)first; s < end; s++) {
        if (n->flag[s] & FLAG_DIRTY) {
            if (sim_once_in(r, 2)) keep_version(n, g, s);
        }
        if (!(n->flag[s] & FLAG_LISTED)) n->touched[n->touched_count++] = s;
        n->flag[s] |= FLAG_DIRTY | FLAG_LISTED;
    }
}

static uint64_t round_up(uint64_t v, uint64_t unit)
{
    return (v + unit - 1) / unit * unit;
}

void sim_node_write(sim_node *n, const sim_geometry *g, sim_random *r, uint64_t offset,
                    const void *bytes, size_t len, bool direct)
{
    uint32_t unit = direct ? g->sector : g->page;
    uint64_t end = round_up(offset + len, unit);
    reserve(n, g, end);
    make_dirty(n, g, r, offset / unit * unit / g->sector, end / g->sector);
    memcpy(n->cache + offset, bytes, len);
    if (offset + len <= n->cache_size) return;
    n->cache_size = offset + len;
    n->size_dirty = true;
}

void sim_node_truncate(sim_node *n, const sim_geometry *g, sim_random *r, uint64_t size)
{
    reserve(n, g, size);
    if (size < n->cache_size) {
        make_dirty(n, g, r, size / g->sector, round_up(n->cache_size, g->sector) / g->sector);
        memset(n->cache + size, 0, n->cache_size - size);
    }
    if (size != n->cache_size) n->size_dirty = true;
    n->cache_size = size;
}

static void set_disk_size(sim_node *n, uint64_t size)
{
    if (size < n->disk_size) memset(n->disk + size, 0, n->disk_size - size);
    n->disk_size = size;
}

static void forget_versions(sim_node *n)
{
    n->version_count = 0;
    n->pool_len = 0;
}

void sim_node_sync(sim_node *n, const sim_geometry *g)
{
    size_t left = 0;
    for (size_t i = 0; i < n->touched_count; i++) {
        uint32_t s = n->touched[i];
        if (n->flag[s] & FLAG_DIRTY) {
            size_t at = (size_t)s * g->sector;
            memcpy(n->disk + at, n->cache + at, g->sector);
            n->flag[s] = 0;
        } else {
            n->touched[left++] = s; /* lost by an earlier failed sync, and still */
        }
    }
    n->touched_count = left;
    if (n->size_dirty) set_disk_size(n, n->cache_size);
    n->size_dirty = false;
    forget_versions(n);
}

static void garble(uint8_t *bytes, size_t len, sim_random *r)
{
    switch (sim_below(r, 3)) {
    case 0: memset(bytes, 0, len); break;
    case 1: bytes[sim_below(r, len)] ^= (uint8_t)(1u << sim_below(r, 8)); break;
    default:
        for (size_t i = 0; i + 8 <= len; i += 8) {
            uint64_t v = sim_next(r);
            memcpy(bytes + i, &v, 8);
        }
    }
}

/* A version of the sector from between its writes, or NULL. */
static const uint8_t *some_version(const sim_node *n, uint32_t sector, sim_random *r)
{
    const uint8_t *found = NULL;
    unsigned seen = 0;
    for (size_t i = 0; i < n->version_count; i++) {
        if (n->version[i].sector != sector) continue;
        if (sim_once_in(r, ++seen)) found = n->pool + n->version[i].at;
    }
    return found;
}

static void settle_sector(sim_node *n, const sim_geometry *g, sim_random *r, uint32_t sector)
{
    uint8_t *disk = n->disk + (size_t)sector * g->sector;
    const uint8_t *cache = n->cache + (size_t)sector * g->sector;
    const uint8_t *version = n->version_count > 0 ? some_version(n, sector, r) : NULL;
    const uint8_t *from = version != NULL && sim_once_in(r, 3) ? version : cache;
    size_t cut = sim_below(r, g->sector + 1);
    switch (sim_below(r, 12)) {
    case 0: memcpy(disk, from, cut); break;
    case 1: memcpy(disk + cut, from + cut, g->sector - cut); break;
    case 2: garble(disk, g->sector, r); break;
    case 3:
    case 4:
    case 5:
    case 6: break;
    default: memcpy(disk, from, g->sector);
    }
}

static uint64_t settle_size(const sim_node *n, sim_random *r)
{
    uint64_t low = n->disk_size < n->cache_size ? n->disk_size : n->cache_size;
    uint64_t high = larger(n->disk_size, n->cache_size);
    switch (sim_below(r, 4)) {
    case 0: return n->disk_size;
    case 1: return sim_between(r, low, high);
    default: return n->cache_size;
    }
}

void sim_node_sync_badly(sim_node *n, const sim_geometry *g, sim_random *r)
{
    uint64_t part = sim_below(r, 5); /* of 4: how much reaches the disk */
    for (size_t i = 0; i < n->touched_count; i++) {
        uint32_t s = n->touched[i];
        if (!(n->flag[s] & FLAG_DIRTY)) continue;
        if (sim_below(r, 4) < part) settle_sector(n, g, r, s);
        n->flag[s] &= (uint8_t)~FLAG_DIRTY;
    }
    if (n->size_dirty) {
        uint64_t size = settle_size(n, r);
        set_disk_size(n, size);
    }
    n->size_dirty = false;
    forget_versions(n);
}

static void reread(sim_node *n, const sim_geometry *g, uint32_t sector)
{
    uint64_t at = (uint64_t)sector * g->sector;
    memcpy(n->cache + at, n->disk + at, g->sector);
    if (at + g->sector > n->cache_size) {
        uint64_t keep = n->cache_size > at ? n->cache_size - at : 0;
        memset(n->cache + at + keep, 0, g->sector - keep);
    }
}

void sim_node_evict(sim_node *n, const sim_geometry *g)
{
    size_t left = 0;
    for (size_t i = 0; i < n->touched_count; i++) {
        uint32_t s = n->touched[i];
        if (n->flag[s] & FLAG_DIRTY) {
            n->touched[left++] = s;
            continue;
        }
        reread(n, g, s);
        n->flag[s] = 0;
    }
    n->touched_count = left;
}

void sim_node_power_cut(sim_node *n, const sim_geometry *g, sim_random *r, sim_mood mood)
{
    uint64_t size = n->disk_size;
    if (n->size_dirty && mood != SIM_MOOD_LOST) {
        size = mood == SIM_MOOD_KEPT ? n->cache_size : settle_size(n, r);
    }
    size_t reach = larger(n->cache_size, n->disk_size);
    for (size_t i = 0; i < n->touched_count; i++) {
        uint32_t s = n->touched[i];
        size_t at = (size_t)s * g->sector;
        if (n->flag[s] & FLAG_DIRTY) {
            if (mood == SIM_MOOD_MIXED) settle_sector(n, g, r, s);
            if (mood == SIM_MOOD_KEPT) memcpy(n->disk + at, n->cache + at, g->sector);
        }
        if (at + g->sector > reach) reach = at + g->sector;
        n->flag[s] = 0;
    }
    if (reach > size) memset(n->disk + size, 0, reach - size);
    n->disk_size = size;
    for (size_t i = 0; i < n->touched_count; i++) {
        size_t at = (size_t)n->touched[i] * g->sector;
        memcpy(n->cache + at, n->disk + at, g->sector);
    }
    /* A size that was lost shows the disk's bytes again, or cuts the cache's. */
    if (n->cache_size > size) memset(n->cache + size, 0, n->cache_size - size);
    if (n->cache_size < size)
        memcpy(n->cache + n->cache_size, n->disk + n->cache_size, size - n->cache_size);
    n->cache_size = size;
    n->touched_count = 0;
    n->size_dirty = false;
    forget_versions(n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "log/log_world.h"

#include <muniment/keys.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void world_open(world *w, uint64_t seed)
{
    *w = (world){.seed = seed * 2 + 1, .now = 1000};
    const char *base = getenv("MUN_TEST_DIR");
    snprintf(w->dir, sizeof w->dir, "%.40s/munlogXXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    assert_ok(mun_vfs_posix_open(w->dir, &w->vfs, err));
    assert_ok(mun_native_crypto_new(&w->crypto, err));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void world_close(world *w)
{
    mun_vfs_posix_close(&w->vfs);
    mun_native_crypto_free(&w->crypto);
    nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(w->ref.bytes);
    free(w->ref.at);
    free(w->ref.time);
}

uint64_t world_random(world *w, uint64_t below)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed % below;
}

mun_code world_bytes(void *ctx, uint8_t *ret, size_t len)
{
    for (size_t i = 0; i < len; i++) ret[i] = (uint8_t)world_random(ctx, 256);
    return MUN_OK;
}

mun_code world_nonce(void *ctx, uint8_t *ret, size_t len)
{
    world *w = ctx;
    world other = {.seed = (w->nonces++ << 20 | (uint64_t)getpid()) * 2 + 1};
    return world_bytes(&other, ret, len);
}

uint64_t world_clock(void *ctx)
{
    world *w = ctx;
    return w->now;
}

void reference_add(reference *r, mun_slice entry, uint64_t time)
{
    if (r->count + 1 >= r->cap) {
        r->cap = r->cap == 0 ? 256 : 2 * r->cap;
        r->at = realloc(r->at, r->cap * sizeof *r->at);
        r->time = realloc(r->time, r->cap * sizeof *r->time);
        r->at[0] = 0;
    }
    while (r->bytes_len + entry.len > r->bytes_cap) {
        r->bytes_cap = r->bytes_cap == 0 ? 4096 : 2 * r->bytes_cap;
        r->bytes = realloc(r->bytes, r->bytes_cap);
    }
    memcpy(r->bytes + r->bytes_len, entry.ptr, entry.len);
    r->bytes_len += entry.len;
    r->time[r->count] = time;
    r->at[++r->count] = r->bytes_len;
}

mun_slice reference_entry(const reference *r, size_t i)
{
    return mun_slice_of(r->bytes + r->at[i], r->at[i + 1] - r->at[i]);
}

static void subtree(const world *w, uint64_t first, uint64_t n, mun_hash *ret)
{
    if (n == 1) {
        mun_hash_leaf(&w->crypto, reference_entry(&w->ref, (size_t)first), ret);
        return;
    }
    uint64_t k = 1;
    while (2 * k < n) k *= 2;
    mun_hash left, right;
    subtree(w, first, k, &left);
    subtree(w, first + k, n - k, &right);
    mun_hash_node(&w->crypto, &left, &right, ret);
}

void reference_root(const world *w, uint64_t size, mun_hash *ret)
{
    if (size == 0) {
        mun_hash_empty(&w->crypto, ret);
    } else {
        subtree(w, 0, size, ret);
    }
}

static mun_code compare(void *ctx, uint64_t index, uint64_t time, mun_slice entry,
                        const mun_hash *leaf, mun_error *err)
{
    world *w = ctx;
    (void)leaf, (void)err;
    assert_true(mun_slice_equal(entry, reference_entry(&w->ref, (size_t)index)));
    assert_int_equal(time, w->ref.time[index]);
    return MUN_OK;
}

void reference_check(world *w, mun_log *log)
{
    mun_hash root;
    mun_tree_head head = mun_log_head(log);
    assert_int_equal(head.size, w->ref.count);
    reference_root(w, head.size, &root);
    assert_true(mun_hash_equal(&root, &head.root));
    assert_ok(mun_log_scan(log, 0, head.size, compare, w, err));
}

static void full_name(const world *w, const char *name, char ret[128])
{
    snprintf(ret, 128, "%s/%s", w->dir, name);
}

uint8_t *world_file(const world *w, const char *name, size_t *ret_len)
{
    char path[128];
    full_name(w, name, path);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    struct stat st;
    assert_int_equal(fstat(fileno(f), &st), 0);
    uint8_t *bytes = malloc((size_t)st.st_size + 1);
    *ret_len = fread(bytes, 1, (size_t)st.st_size, f);
    assert_int_equal(*ret_len, st.st_size);
    fclose(f);
    return bytes;
}

void world_put(const world *w, const char *name, const void *bytes, size_t len)
{
    char path[128];
    full_name(w, name, path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

bool world_has(const world *w, const char *name)
{
    char path[128];
    full_name(w, name, path);
    return access(path, F_OK) == 0;
}

static mun_code crypto_new(mun_crypto *ret, mun_error *err)
{
    return mun_native_crypto_new(ret, err);
}

mun_log_config world_config(world *w)
{
    return (mun_log_config){
        .vfs = &w->vfs,
        .origin = MUN_LITERAL(WORLD_ORIGIN),
        .clock_ms = world_clock,
        .clock_ctx = w,
        .random = world_nonce,
        .random_ctx = w,
        .crypto_new = crypto_new,
        .crypto_free = mun_native_crypto_free,
        .threads = 2,
    };
}

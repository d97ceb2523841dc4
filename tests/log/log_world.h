/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the log share: a folder on the real disk, a reference log in memory. */
#ifndef MUN_TESTS_LOG_WORLD_H
#define MUN_TESTS_LOG_WORLD_H

#include "base/buf.h"
#include "log/log.h"

#define WORLD_ORIGIN "log.example/tests"

/* Everything that should be on the log. */
typedef struct reference {
    uint8_t *bytes;
    size_t bytes_len, bytes_cap;
    size_t *at; /* entry i: bytes[at[i] .. at[i+1]) */
    uint64_t *time;
    size_t count, cap;
} reference;

typedef struct world {
    char dir[64];
    mun_vfs vfs;
    mun_crypto crypto;
    reference ref;
    uint64_t seed;
    uint64_t now;
    _Atomic uint64_t nonces; /* drawn so far */
} world;

void world_open(world *w, uint64_t seed);
void world_close(world *w); /* removes the folder */
uint64_t world_random(world *w, uint64_t below);
mun_code world_bytes(void *ctx, uint8_t *ret, size_t len); /* ctx: world */
mun_code world_nonce(void *ctx, uint8_t *ret, size_t len); /* config.random; from any thread */
uint64_t world_clock(void *ctx);

void reference_add(reference *r, mun_slice entry, uint64_t time);
mun_slice reference_entry(const reference *r, size_t i);
/* The plain recursion of RFC 9162 section 2.1.1 over the first size entries. */
void reference_root(const world *w, uint64_t size, mun_hash *ret);
/* The log has all of it, in its order, with its times and root, and nothing else. */
void reference_check(world *w, mun_log *log);

/* Whole files, to damage and to compare. */
uint8_t *world_file(const world *w, const char *name, size_t *ret_len);
void world_put(const world *w, const char *name, const void *bytes, size_t len);
bool world_has(const world *w, const char *name);

mun_log_config world_config(world *w);

/* Fails the test with the error's sentence. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        mun_error ok_err_ = {0};                                                                   \
        mun_error *err = &ok_err_;                                                                 \
        mun_code ok_code_ = (call);                                                                \
        if (ok_code_ != MUN_OK) fail_msg("%s: %s: %s", #call, mun_code_name(ok_code_), err->text); \
    } while (0)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger's tests share: a folder of their own, a clock that only moves when told, keys,
 * and statements signed with them. Everything fails the running test when it does not work.
 */
#ifndef MUN_TESTS_LEDGER_WORLD_H
#define MUN_TESTS_LEDGER_WORLD_H

#include "base/buf.h"
#include "base/slice.h"
#include "support/must.h"
#include "support/new_key.h"
#include "trust/keyfile.h"
#include "vfs/files.h"

#include <muniment/keys.h>
#include <muniment/ledger.h>

#define WORLD_ORIGIN "ledger.example/deeds"
#define WORLD_ISSUER "https://issuer.example"
#define WORLD_START  UINT64_C(1795348800000) /* 2026-11-22T12:00:00Z in ms */

typedef struct world {
    char folder[MUN_PATH_BYTES_MAX];
    char path[MUN_PATH_BYTES_MAX]; /* folder/ledger */
    uint64_t now_ms;
    mun_crypto crypto;
    mun_signing_key issuer, other;
    mun_ledger *ledger; /* open, or NULL */
} world;

/* cmocka fixtures: *state is a world with a new ledger, listed mode, the issuer on its list; any:
 * an any-issuer ledger. Everything is removed afterwards. */
int world_set_up(void **state);
int world_set_up_any(void **state);
int world_tear_down(void **state);

void world_make(world *w, bool any_issuer, int32_t receipt_alg);
void world_open(world *w);
mun_ledger *world_open_with(const world *w, const mun_ledger_open_options *options);
void world_close(world *w);
void world_file(const world *w, const char *name, char ret[MUN_PATH_BYTES_MAX]);

/* A statement about a document whose content is "document N". */
typedef struct made {
    uint8_t bytes[70000];
    size_t len;
} made;

static inline mun_slice made_slice(const made *m)
{
    return mun_slice_of(m->bytes, m->len);
}

void world_sign(const mun_signing_key *key, const char *iss, const char *sub, unsigned document,
                made *ret);
/* Signed by w->issuer as WORLD_ISSUER about "subject N". */
void world_statement(const world *w, unsigned n, made *ret);
void world_digest(const world *w, unsigned document, uint8_t ret[MUN_HASH_SIZE]);

/* Registers one and returns its index; fails the test on a refusal. */
uint64_t world_register(world *w, const made *statement);
/* Registers one that must be refused; the code, and the error in ret. */
mun_code world_refused(world *w, mun_slice statement, mun_error *ret);
uint64_t world_issuer_add(world *w, const char *iss, const mun_signing_key *key);

/* What fsck finds: how many, and the first of them. */
typedef struct findings {
    size_t len;
    uint64_t entry;
    char file[64];
    char sentence[512];
    uint64_t progress; /* calls */
} findings;

/* mun_watch.finding; ctx: findings. */
void findings_note(void *ctx, const char *file, uint64_t offset, uint64_t entry,
                   const char *sentence);

/* The verdict of mun_verify over evidence, with the ledger's keys and the issuer trusted. */
int world_verdict(const world *w, mun_slice evidence, unsigned document, mun_report *ret);

#endif

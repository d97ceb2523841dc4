/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger kept by a service somewhere else, asked over HTTP: SCRAPI, tlog-tiles and /v1.
 *
 * What comes is not believed. Checkpoints are checked by their signature; receipts and evidence by
 * the verify core; entries by their leaf hash, and where the user asks for it by an inclusion proof
 * that is made here from tiles. The keys for that are those that the user trusts for the ledger's
 * origin (--ledger-key, the trust folder). Where there are none, the keys that the service itself
 * shows serve to see that its answers fit together, and the user is told that this is all they say.
 *
 * Ownership: mun_remote_close frees all. Threads: main.
 */
#ifndef MUN_CLI_REMOTE_H
#define MUN_CLI_REMOTE_H

#include "cli/app.h"
#include "fetch/fetch.h"
#include "merkle/merkle.h"
#include "trust/trust_store.h"

#include <jansson.h>

#define MUN_REMOTE_TILES    24    /* hash tiles kept */
#define MUN_REMOTE_PAGE_MAX 1000  /* entries asked for at once */
#define MUN_REMOTE_EMPTY    10000 /* pages without an entry, one after the other */
#define MUN_REMOTE_JSON_MAX (8u << 20)
#define MUN_REMOTE_BATCH    (8u << 20)  /* bytes of a batch's answer */
#define MUN_BUNDLE_MAX      (17u << 20) /* 256 entries of 65,535 bytes with their lengths */

typedef struct mun_remote_tile {
    mun_tile tile;
    uint64_t used; /* counts up; the least goes first */
    mun_hash hashes[MUN_TILE_WIDTH];
} mun_remote_tile;

typedef struct mun_remote {
    mun_app *app;
    mun_fetch *fetch;
    mun_url url;
    mun_fetch_answer answer; /* of the last request; its memory serves again */
    bool down;               /* the service cannot be used: no use to try more files */
    bool check;              /* every entry found is proven to be in the tree (--check) */

    mun_buf pub_text;
    mun_ledger_pub pub; /* what the service says it is */
    bool trusted;       /* keys below are the user's, not the service's own */
    mun_trust_store *store;
    mun_trusted_key *keys; /* of this ledger */
    size_t keys_len;

    mun_buf checkpoint; /* the last one read, checked */
    mun_tree tree;      /* its tree */
    bool have_tree;

    mun_remote_tile *tiles; /* of have_tiles_of */
    size_t tiles_len;
    uint64_t tiles_used;
    mun_buf bundle; /* of entries, the last one read */
    uint64_t bundle_n;
    unsigned bundle_width;

    size_t batch_room; /* bytes that a batch may have, learned from refusals; 0: none came yet */
} mun_remote;

/* Connects, reads who the ledger says it is, and finds the keys to check it by. */
MUN_MUST mun_code mun_remote_open(mun_app *app, const char *url, mun_remote **ret, mun_error *err);
void mun_remote_close(mun_remote *remote); /* accepts NULL */
/* Without reading an identity: for what stands at a service's root. */
MUN_MUST mun_code mun_remote_connect(mun_app *app, const char *url, mun_remote **ret,
                                     mun_error *err);
/* ledger.pub as the service sends it, parsed; nothing about it is proven. MUN_E_NOT_FOUND: no
 * ledger of ours stands at this URL. */
MUN_MUST mun_code mun_remote_identity(mun_remote *remote, mun_error *err);

/* ---- Requests ---- */

/* path: below the ledger's base, with its query. The answer is in remote->answer; other statuses
 * than 200 become errors with what the service says about them. */
MUN_MUST mun_code mun_remote_get(mun_remote *remote, const char *path, const char *accept,
                                 size_t max, mun_error *err);
MUN_MUST mun_code mun_remote_get_json(mun_remote *remote, const char *path, json_t **ret,
                                      mun_error *err);
MUN_MUST mun_code mun_remote_post(mun_remote *remote, const char *path, const char *type,
                                  const char *accept, mun_slice body, size_t max, mun_error *err);
/* The last answer as an error: RFC 9290 or RFC 9457, or the status alone. */
mun_code mun_remote_refusal(mun_remote *remote, const char *what, mun_error *err);
/* The text of that name in an answer; empty where there is none, or no text. Borrowed. */
mun_slice mun_remote_text(const json_t *object, const char *name);
/* Appends text percent-encoded but for what RFC 3986 calls unreserved. */
void mun_percent_put(mun_buf *ret, mun_slice text);

/* ---- What is checked ---- */

/* A signature of this ledger over the note. MUN_E_INVALID. */
MUN_MUST mun_code mun_remote_note_check(const mun_remote *remote, const mun_note *note,
                                        mun_error *err);
/* Reads /checkpoint anew; checks its signature, and by tiles that the log has only grown since the
 * last one. On failure the last one stands. */
MUN_MUST mun_code mun_remote_checkpoint(mun_remote *remote, mun_error *err);
/* Takes such a text from another answer. */
MUN_MUST mun_code mun_remote_take_checkpoint(mun_remote *remote, mun_slice text, mun_error *err);
/* The leaf is entry `index` of remote->tree: proven by tiles. */
MUN_MUST mun_code mun_remote_prove(mun_remote *remote, uint64_t index,
                                   const uint8_t leaf[MUN_HASH_SIZE], mun_path *ret,
                                   mun_error *err);
MUN_MUST mun_code mun_remote_consistency(mun_remote *remote, uint64_t old_size, uint64_t new_size,
                                         uint8_t ret_path[][MUN_HASH_SIZE], size_t *ret_len,
                                         mun_error *err);
/* Evidence as the verify core judges it: its ledger must be this one, nothing may contradict.
 * leaf: of the statement that it must be about, or NULL. */
MUN_MUST mun_code mun_remote_judge(mun_remote *remote, mun_slice evidence, const uint8_t *leaf,
                                   uint64_t *ret_index, mun_error *err);

/* ---- As mun_ledger_... ---- */

MUN_MUST mun_code mun_remote_lookup(mun_remote *remote, const uint8_t leaf[MUN_HASH_SIZE],
                                    const mun_statement *statement, uint64_t *ret_index,
                                    mun_error *err);
MUN_MUST mun_code mun_remote_find(mun_remote *remote, const mun_query *query, mun_ledger_found each,
                                  void *ctx, mun_error *err);
/* The list alone, as the service sends it: hints, nothing checked but their order. */
typedef mun_code (*mun_remote_hint)(void *ctx, const json_t *entry, mun_error *err);
MUN_MUST mun_code mun_remote_hints(mun_remote *remote, const mun_query *query, mun_remote_hint each,
                                   void *ctx, mun_error *err);
MUN_MUST mun_code mun_remote_evidence(mun_remote *remote, uint64_t index, mun_buf *ret,
                                      mun_error *err);
/* Evidence made here from a statement and its checked receipt, with a tlog-proof from tiles where
 * the checkpoint covers it. */
MUN_MUST mun_code mun_remote_evidence_of(mun_remote *remote, mun_slice statement, mun_slice receipt,
                                         uint64_t index, mun_buf *ret, mun_error *err);
/* Receipts are checked before they are given. */
MUN_MUST mun_code mun_remote_register(mun_remote *remote, const mun_slice *statements, size_t n,
                                      mun_registration *ret, mun_buf *ret_receipts, mun_error *err);
/* The ledger's state, as status and show print it; of a service's root: each of its ledgers. */
MUN_MUST mun_code mun_remote_status(mun_app *app, const char *url, mun_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for tests of verification: an issuer, a ledger with two entries of which the second
 * is ours, two witnesses, and the pieces of an evidence file. Crypto is whatever the test gives.
 */
#ifndef MUN_TESTS_WORLD_H
#define MUN_TESTS_WORLD_H

#include "base/buf.h"
#include "merkle/merkle.h"
#include <muniment/evidence.h>

#define WORLD_ISSUER  "https://issuer.example"
#define WORLD_SUBJECT "deeds/north-field.txt"
#define WORLD_ORIGIN  "ledger.example/deeds"
#define WORLD_W1      "witness.example/w1"
#define WORLD_W2      "witness.example/w2"
#define WORLD_SIGNED  1795348900
#define WORLD_TIME    1795348903
#define WORLD_SEEN    1795348910

typedef struct world {
    const mun_crypto *crypto;
    const mun_signer *issuer, *receipts, *checkpoints, *witness[2];
    uint8_t digest[MUN_HASH_SIZE];
    uint8_t statement_bytes[2048];
    mun_slice statement;
    mun_hash leaf, sibling, root;
    uint8_t store[16384]; /* receipts, proofs and evidence files of a test */
    mun_buf buf;
} world;

/* The signers must be set; makes statement, leaf and root. iss NULL: WORLD_ISSUER. */
void world_make(world *w, const char *iss);

/* Parameters of our receipt, to be altered before signing. */
mun_receipt_params world_receipt_params(const world *w);
mun_slice world_receipt(world *w, const mun_receipt_params *params, const mun_signer *signer);

/* A tlog-proof with the log's signature and those of the first n witnesses at this time. */
mun_slice world_proof(world *w, size_t witnesses, uint64_t time);

mun_slice world_evidence(world *w, const mun_slice *receipts, size_t receipts_len,
                         const mun_slice *proofs, size_t proofs_len);

#endif

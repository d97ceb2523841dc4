/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COSE_Sign1 (RFC 9052) as statements and receipts share it: the envelope, the rules on header
 * labels, and the bytes that are signed. Inside the evidence room only.
 *
 * Items borrow from the message's bytes.
 */
#ifndef MUN_EVIDENCE_COSE_H
#define MUN_EVIDENCE_COSE_H

#include "base/error.h"
#include "codec/cbor.h"
#include <muniment/evidence.h>

/* IANA COSE header parameters, CWT claims and RFC 9942 proof types. */
enum {
    LABEL_ALG = 1,
    LABEL_CRIT = 2,
    LABEL_CONTENT_TYPE = 3,
    LABEL_KID = 4,
    LABEL_CLAIMS = 15,
    LABEL_TYP = 16,
    LABEL_X5CHAIN = 33,
    LABEL_X5T = 34,
    LABEL_PAYLOAD_HASH = 258,
    LABEL_PREIMAGE_TYPE = 259,
    LABEL_LOCATION = 260,
    LABEL_RECEIPTS = 394,
    LABEL_VDS = 395,
    LABEL_VDP = 396,
    CLAIM_ISS = 1,
    CLAIM_SUB = 2,
    CLAIM_IAT = 6,
    CLAIM_CNF = 8,
    CNF_COSE_KEY = 1,
    VDP_INCLUSION = -1,
    VDP_CONSISTENCY = -2,
    VDS_RFC9162_SHA256 = 1,
    TAG_EPOCH = 1,
    TAG_COSE_SIGN1 = 18,
};

typedef struct mun_labels {
    const int64_t *at;
    size_t len;
} mun_labels;

/* How a kind of message differs from the other: statements and receipts. */
typedef struct mun_cose_profile {
    const char *shape_rule; /* rule name of [STMT-1] for this kind */
    const char *shape_text;
    mun_labels crit_known;
    mun_labels not_protected;
    mun_labels not_unprotected;
} mun_cose_profile;

typedef struct mun_cose_sign1 {
    mun_slice bytes;
    mun_slice protected_bytes;
    mun_cbor_item protected_map;
    mun_cbor_item unprotected_map;
    mun_cbor_item payload; /* byte string or null */
    mun_slice signature;
    int32_t alg;
} mun_cose_sign1;

/* [STMT-1] to [STMT-7] and [STMT-14]. MUN_E_MALFORMED with rule and place. */
MUN_MUST mun_code mun_cose_parse(mun_slice bytes, const mun_cose_profile *profile,
                                 mun_cose_sign1 *ret, mun_error *err);

/* The value of an integer label; type MUN_CBOR_NONE when the map does not hold it. */
mun_cbor_item mun_cose_find(const mun_cbor_item *map, int64_t label);

/* [STMT-3] for the map of claims. */
MUN_MUST mun_code mun_cose_claims_check(const mun_cose_sign1 *message, const mun_cbor_item *claims,
                                        mun_error *err);
/* iat, if the claims hold one that counts as a time. */
bool mun_cose_iat(const mun_cbor_item *claims, int64_t *ret);

/* MUN_E_MALFORMED by a named rule at the place of an item (or of the whole, if there is none). */
mun_code mun_cose_refuse(const mun_cose_sign1 *message, const mun_cbor_item *item, const char *rule,
                         const char *sentence, mun_error *err);

/* An integer that does not fit becomes 0, which no registry assigns. */
int32_t mun_cose_number(const mun_cbor_item *item);

/* The Sig_structure over borrowed bytes [STMT-19]. */
#define MUN_SIGNED_PARTS 6
typedef struct mun_signed_bytes {
    uint8_t heads[2][MUN_CBOR_HEAD_MAX];
    mun_slice parts[MUN_SIGNED_PARTS];
} mun_signed_bytes;

void mun_signed_bytes_make(mun_signed_bytes *ret, mun_slice protected_bytes, mun_slice payload);

/* The head of a byte string of this length; borrowed from storage. */
mun_slice mun_bytes_head(uint8_t storage[MUN_CBOR_HEAD_MAX], size_t length);

/* A signature over bytes by [KEY-4] to [KEY-6], before and through the host's table: kind of key,
 * width, and Ed25519 keys that libraries take and RFC 8032 does not. MUN_OK, MUN_E_INVALID,
 * MUN_E_UNSUPPORTED. */
MUN_MUST mun_code mun_signature_check(const mun_crypto *crypto, int32_t alg,
                                      const mun_public_key *key, const mun_slice *parts,
                                      size_t n_parts, mun_slice signature);

/* The same over what a COSE_Sign1 signs. rule is the name for MUN_E_INVALID. */
MUN_MUST mun_code mun_cose_check(const mun_crypto *crypto, int32_t alg, mun_slice protected_bytes,
                                 mun_slice payload, mun_slice signature, const mun_public_key *key,
                                 const char *rule, mun_error *err);

/* Signs, and appends the signature as a byte string. */
MUN_MUST mun_code mun_cose_sign(const mun_signer *signer, mun_slice protected_bytes,
                                mun_slice payload, mun_buf *ret, mun_error *err);

/* COSE_Key from an item that was checked in either mode [KEY-1], [KEY-2]. */
MUN_MUST mun_code mun_cose_key_read(const mun_cbor_item *map, mun_public_key *ret, mun_error *err);

/* As mun_key_owns_name, with the thumbprint already known. */
bool mun_thumbprint_owns_name(const uint8_t thumbprint[MUN_HASH_SIZE], const mun_public_key *key,
                              mun_slice name);

/* How long a digest is; 0: the hash is not supported [STMT-16]. */
size_t mun_digest_len(int32_t hash_alg);

#endif

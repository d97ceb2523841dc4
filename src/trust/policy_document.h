/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payloads of what a ledger says on its own log (docs/format/policy.md): policy documents and
 * issuer statements. Made here, and read strictly.
 *
 * Ownership: everything parsed is by value, or owned by a document that is freed by its function.
 * Threads: values. Errors: MUN_E_MALFORMED (what and where), MUN_E_VERSION, MUN_E_UNSUPPORTED.
 */
#ifndef MUN_TRUST_POLICY_DOCUMENT_H
#define MUN_TRUST_POLICY_DOCUMENT_H

#include "base/buf.h"
#include "base/error.h"

#include <muniment/evidence.h>

#define MUN_POLICY_VERSION        1
#define MUN_POLICY_ORIGIN_MAX     255
#define MUN_POLICY_KEYS_MAX       64
#define MUN_POLICY_ALGORITHMS_MAX 16
#define MUN_ISSUER_KEYS_MAX       16 /* keys of one name at one time */
#define MUN_KEY_KID_BYTES_MAX     256
#define MUN_CONTROL_JSON_MAX      65535

#define MUN_POLICY_CONTENT_TYPE "application/vnd.muniment.policy+json"
#define MUN_ISSUER_CONTENT_TYPE "application/vnd.muniment.issuer+json"

typedef enum mun_policy_role {
    MUN_POLICY_RECEIPTS,
    MUN_POLICY_CHECKPOINTS,
    MUN_POLICY_ADMINISTRATOR
} mun_policy_role;

typedef struct mun_policy_key {
    mun_policy_role role;
    int32_t alg;
    mun_public_key key;
    uint8_t kid[MUN_HASH_SIZE];
} mun_policy_key;

/* The two keys with which a ledger signs. */
typedef struct mun_policy_keys {
    mun_policy_key receipts;
    mun_policy_key checkpoints;
} mun_policy_keys;

typedef struct mun_policy {
    size_t origin_len;
    uint8_t origin[MUN_POLICY_ORIGIN_MAX];
    int64_t created; /* seconds since 1970 */
    size_t algorithms_len;
    int32_t algorithms[MUN_POLICY_ALGORITHMS_MAX];
    mun_policy_keys keys;
    size_t administrators_len;
    uint8_t administrators[MUN_POLICY_KEYS_MAX][MUN_HASH_SIZE];
    int64_t threshold;
    bool any_issuer;
} mun_policy;

static inline mun_slice mun_policy_origin(const mun_policy *policy)
{
    return (mun_slice){policy->origin, policy->origin_len};
}

/* [KEY-12]. MUN_E_USAGE says what is wrong with the name. */
MUN_MUST mun_code mun_origin_check(mun_slice origin, mun_error *err);

/* The policy that `init` writes: all algorithms, the receipts key as the one administrator. */
MUN_MUST mun_code mun_policy_init(mun_slice origin, int64_t created, bool any_issuer,
                                  const mun_signer *receipts, const mun_signer *checkpoints,
                                  mun_policy *ret, mun_error *err);
MUN_MUST mun_code mun_policy_write(const mun_policy *policy, mun_buf *ret, mun_error *err);
/* [POL-2], [POL-4], [POL-5]. A higher version: MUN_E_VERSION. */
MUN_MUST mun_code mun_policy_parse(const mun_crypto *crypto, mun_slice json, mun_policy *ret,
                                   mun_error *err);
bool mun_policy_allows(const mun_policy *policy, int32_t alg);

/* An issuer statement's payload. Slices borrow from the writer's input, or from the document. */
typedef struct mun_issuer_document {
    bool remove;
    mun_slice issuer;
    mun_slice cose_key; /* add: the COSE_Key by [KEY-3] */
    uint8_t thumbprint[MUN_HASH_SIZE];
    bool have_thumbprint; /* always for add; for remove: one key only */
    mun_slice kids[MUN_TRUST_KIDS_MAX];
    size_t kids_len;
    mun_buf memory;
} mun_issuer_document;

MUN_MUST mun_code mun_issuer_document_write(const mun_issuer_document *document, mun_buf *ret,
                                            mun_error *err);
MUN_MUST mun_code mun_issuer_document_parse(const mun_crypto *crypto, mun_slice json,
                                            mun_issuer_document *ret, mun_error *err);
void mun_issuer_document_free(mun_issuer_document *document); /* accepts a zeroed one */

/* "2026-11-22T12:00:00Z" and back; false when the text is no such time. 1970 to 9999. */
#define MUN_UTC_TEXT 21
void mun_utc_text(int64_t seconds, char ret[MUN_UTC_TEXT]);
MUN_MUST bool mun_utc_parse(mun_slice text, int64_t *ret);

#endif

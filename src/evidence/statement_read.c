/* SPDX-License-Identifier: Apache-2.0 */
/* Signed statements: reading (docs/format/statement.md), the entry, the leaf, the signature. */
#include "evidence/cose.h"

#define LABELS(...)                                                                                \
    {(const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)}

static const mun_cose_profile statement_profile = {
    .shape_rule = "not-a-statement",
    .shape_text = "this is not a COSE_Sign1 with tag 18: a signed statement begins with d2 84",
    .crit_known =
        LABELS(LABEL_ALG, LABEL_CONTENT_TYPE, LABEL_KID, LABEL_CLAIMS, LABEL_TYP, LABEL_X5CHAIN,
               LABEL_X5T, LABEL_PAYLOAD_HASH, LABEL_PREIMAGE_TYPE, LABEL_LOCATION),
    .not_protected = LABELS(LABEL_RECEIPTS, LABEL_VDP, MUN_EVIDENCE_LABEL_TLOG_PROOF),
    .not_unprotected = LABELS(LABEL_CRIT, LABEL_PAYLOAD_HASH, LABEL_PREIMAGE_TYPE, LABEL_LOCATION),
};

/* A claim that has to be text of 1 to MUN_NAME_MAX bytes [STMT-9]. */
static mun_code name_read(const mun_cose_sign1 *m, const mun_cbor_item *claims, int64_t label,
                          mun_slice *ret, mun_error *err)
{
    mun_cbor_item item = mun_cose_find(claims, label);
    if (item.type == MUN_CBOR_NONE)
        return mun_cose_refuse(m, claims, "claims-missing",
                               label == CLAIM_ISS ? "the claims name no issuer (iss)"
                                                  : "the claims name no subject (sub)",
                               err);
    if (!mun_cbor_is_string(&item, MUN_CBOR_TEXT) || item.inside.len == 0 ||
        item.inside.len > MUN_NAME_MAX)
        return mun_cose_refuse(m, &item, "claims-invalid",
                               "issuer and subject must be text of 1 to 8,192 bytes", err);
    *ret = item.inside;
    return MUN_OK;
}

/* RFC 8747: the key is member 1. Anything that is not a key by [KEY-1] gives none. */
static void cnf_read(const mun_cbor_item *claims, mun_statement *s)
{
    mun_cbor_item cnf = mun_cose_find(claims, CLAIM_CNF);
    if (cnf.type != MUN_CBOR_MAP) return;
    mun_cbor_item key = mun_cose_find(&cnf, CNF_COSE_KEY);
    s->have_cnf = mun_cose_key_read(&key, &s->cnf, NULL) == MUN_OK;
}

static mun_code claims_read(const mun_cose_sign1 *m, mun_statement *s, mun_error *err)
{
    mun_cbor_item claims = mun_cose_find(&m->protected_map, LABEL_CLAIMS);
    if (claims.type != MUN_CBOR_MAP)
        return mun_cose_refuse(m, &m->protected_map, "claims-missing",
                               "the protected header holds no claims (label 15), so nobody says "
                               "who speaks about what",
                               err);
    MUN_TRY(mun_cose_claims_check(m, &claims, err));
    MUN_TRY(name_read(m, &claims, CLAIM_ISS, &s->iss, err));
    MUN_TRY(name_read(m, &claims, CLAIM_SUB, &s->sub, err));
    s->have_iat = mun_cose_iat(&claims, &s->iat);
    cnf_read(&claims, s);
    return MUN_OK;
}

/* [STMT-12]: one certificate is a bare byte string (RFC 9360 section 2). */
static mun_code chain_read(const mun_cose_sign1 *m, const mun_cbor_item *item, mun_statement *s,
                           mun_error *err)
{
    bool good = mun_cbor_is_string(item, MUN_CBOR_BYTES);
    if (good) s->x5chain[s->x5chain_len++] = item->inside;
    if (item->type == MUN_CBOR_ARRAY) {
        mun_cursor c = mun_cbor_open(item);
        good = true;
        while (good && mun_cbor_more(&c)) {
            mun_cbor_item certificate = mun_cbor_take(&c);
            good =
                s->x5chain_len < MUN_CHAIN_MAX && mun_cbor_is_string(&certificate, MUN_CBOR_BYTES);
            if (good) s->x5chain[s->x5chain_len++] = certificate.inside;
        }
        good = good && s->x5chain_len >= 2;
    }
    if (good) return MUN_OK;
    return mun_cose_refuse(m, item, "certificate-header-invalid",
                           "x5chain must be one certificate, or an array of 2 to 8", err);
}

static mun_code x5t_read(const mun_cose_sign1 *m, const mun_cbor_item *item, mun_statement *s,
                         mun_error *err)
{
    mun_cursor c = mun_cbor_open(item);
    mun_cbor_item alg = mun_cbor_take(&c), hash = mun_cbor_take(&c);
    bool is_alg = alg.type == MUN_CBOR_UINT || alg.type == MUN_CBOR_NEGATIVE ||
                  mun_cbor_is_string(&alg, MUN_CBOR_TEXT);
    if (item->type != MUN_CBOR_ARRAY || !is_alg || !mun_cbor_is_string(&hash, MUN_CBOR_BYTES) ||
        !mun_cursor_done(&c))
        return mun_cose_refuse(m, item, "certificate-header-invalid",
                               "x5t must be an array of a hash algorithm and a hash", err);
    s->have_x5t = true;
    s->x5t_alg = mun_cose_number(&alg);
    s->x5t_hash = hash.inside;
    return MUN_OK;
}

static mun_code kid_read(const mun_cose_sign1 *m, const mun_cbor_item *item, mun_statement *s,
                         mun_error *err)
{
    if (!mun_cbor_is_string(item, MUN_CBOR_BYTES) || item->inside.len == 0 ||
        item->inside.len > MUN_KID_MAX)
        return mun_cose_refuse(m, item, "kid-invalid",
                               "the key id (kid) must be a byte string of 1 to 256 bytes", err);
    s->have_kid = true;
    s->kid = item->inside;
    return MUN_OK;
}

/* [STMT-10]: something protected must say which key signed. */
static mun_code key_hints_read(const mun_cose_sign1 *m, mun_statement *s, mun_error *err)
{
    mun_cbor_item kid = mun_cose_find(&m->protected_map, LABEL_KID);
    mun_cbor_item chain = mun_cose_find(&m->protected_map, LABEL_X5CHAIN);
    mun_cbor_item x5t = mun_cose_find(&m->protected_map, LABEL_X5T);
    if (kid.type != MUN_CBOR_NONE) MUN_TRY(kid_read(m, &kid, s, err));
    if (chain.type != MUN_CBOR_NONE) MUN_TRY(chain_read(m, &chain, s, err));
    if (x5t.type != MUN_CBOR_NONE) MUN_TRY(x5t_read(m, &x5t, s, err));
    if (s->have_kid || s->x5chain_len > 0 || s->have_x5t) return MUN_OK;
    return mun_cose_refuse(m, &m->protected_map, "kid-missing",
                           "the protected header does not say which key signed: it needs kid, x5t "
                           "or x5chain",
                           err);
}

/* False: neither text nor an unsigned number. An absent item is good. */
static bool text_or_uint_read(const mun_cbor_item *item, mun_text_or_uint *ret)
{
    if (item->type == MUN_CBOR_NONE) return true;
    ret->present = true;
    ret->is_text = mun_cbor_is_string(item, MUN_CBOR_TEXT);
    if (ret->is_text) ret->text = item->inside;
    if (item->type == MUN_CBOR_UINT) ret->number = item->value;
    return ret->is_text || item->type == MUN_CBOR_UINT;
}

size_t mun_digest_len(int32_t hash_alg)
{
    switch (hash_alg) {
    case MUN_HASH_SHA256: return 32;
    case MUN_HASH_SHA384: return 48;
    case MUN_HASH_SHA512: return 64;
    default: return 0;
    }
}

/* [STMT-15], [STMT-16], RFC 9995. */
static mun_code envelope_read(const mun_cose_sign1 *m, const mun_cbor_item *alg, mun_statement *s,
                              mun_error *err)
{
    mun_cbor_item type = mun_cose_find(&m->protected_map, LABEL_PREIMAGE_TYPE);
    mun_cbor_item location = mun_cose_find(&m->protected_map, LABEL_LOCATION);
    mun_cbor_item content = mun_cose_find(&m->unprotected_map, LABEL_CONTENT_TYPE);
    bool good = (alg->type == MUN_CBOR_UINT || alg->type == MUN_CBOR_NEGATIVE) &&
                text_or_uint_read(&type, &s->preimage_content_type) &&
                (location.type == MUN_CBOR_NONE || mun_cbor_is_string(&location, MUN_CBOR_TEXT)) &&
                content.type == MUN_CBOR_NONE && !s->content_type.present;
    if (!good)
        return mun_cose_refuse(m, alg, "hash-envelope-invalid",
                               "the headers of a hash envelope (258, 259, 260) are not as RFC 9995 "
                               "has them",
                               err);
    s->is_hash_envelope = true;
    s->hash_alg = mun_cose_number(alg);
    s->location = location.inside;
    size_t length = mun_digest_len(s->hash_alg);
    if (length == 0 || length == s->payload.len) return MUN_OK;
    return mun_cose_refuse(m, &m->payload, "digest-length",
                           "the payload is not as long as the digest that the header names", err);
}

static mun_code content_read(const mun_cose_sign1 *m, mun_statement *s, mun_error *err)
{
    mun_cbor_item type = mun_cose_find(&m->protected_map, LABEL_CONTENT_TYPE);
    mun_cbor_item hash = mun_cose_find(&m->protected_map, LABEL_PAYLOAD_HASH);
    if (!text_or_uint_read(&type, &s->content_type))
        return mun_cose_refuse(m, &type, "content-type-invalid",
                               "the content type must be text or an unsigned number", err);
    return hash.type == MUN_CBOR_NONE ? MUN_OK : envelope_read(m, &hash, s, err);
}

/* [EVID-2]: an array of 1 to max byte strings. */
static mun_code blobs_read(const mun_cose_sign1 *m, int64_t label, size_t max, mun_slice *ret,
                           size_t *ret_len, mun_error *err)
{
    mun_cbor_item item = mun_cose_find(&m->unprotected_map, label);
    if (item.type == MUN_CBOR_NONE) return MUN_OK;
    bool good = item.type == MUN_CBOR_ARRAY && item.value >= 1 && item.value <= max;
    mun_cursor c = mun_cbor_open(&item);
    size_t len = 0;
    while (good && mun_cbor_more(&c)) {
        mun_cbor_item blob = mun_cbor_take(&c);
        good = blob.type == MUN_CBOR_BYTES;
        ret[len++] = blob.inside;
    }
    if (!good)
        return mun_cose_refuse(m, &item, "evidence-invalid",
                               "receipts and proofs must be an array of 1 to 16 byte strings", err);
    *ret_len = len;
    return MUN_OK;
}

static mun_code statement_read(const mun_cose_sign1 *m, mun_statement *s, mun_error *err)
{
    if (m->payload.type != MUN_CBOR_BYTES)
        return mun_cose_refuse(m, &m->payload, "payload-detached",
                               "the statement does not hold its payload; put the document's digest "
                               "in (a hash envelope) instead of leaving it out",
                               err);
    s->bytes = m->bytes;
    s->protected_bytes = m->protected_bytes;
    s->payload = m->payload.inside;
    s->signature = m->signature;
    s->alg = m->alg;
    MUN_TRY(claims_read(m, s, err));
    MUN_TRY(key_hints_read(m, s, err));
    MUN_TRY(content_read(m, s, err));
    MUN_TRY(blobs_read(m, LABEL_RECEIPTS, MUN_RECEIPTS_MAX, s->receipts, &s->receipts_len, err));
    return blobs_read(m, MUN_EVIDENCE_LABEL_TLOG_PROOF, MUN_PROOFS_MAX, s->proofs, &s->proofs_len,
                      err);
}

mun_code mun_statement_parse(mun_slice bytes, mun_statement *ret, mun_error *err)
{
    if (bytes.len > MUN_EVIDENCE_MAX)
        return mun_fail_rule(err, MUN_E_LIMIT, "evidence-too-large", MUN_NO_OFFSET,
                             "this is larger than 1 MiB, the most that an evidence file may have");
    mun_cose_sign1 message;
    MUN_TRY(mun_cose_parse(bytes, &statement_profile, &message, err));
    mun_statement statement = {0};
    MUN_TRY(statement_read(&message, &statement, err));
    *ret = statement;
    return MUN_OK;
}

/* The entry [STMT-21] in pieces, so that it can be hashed without being built. */
#define ENTRY_PARTS 8
typedef struct entry_parts {
    uint8_t heads[3][MUN_CBOR_HEAD_MAX];
    mun_slice parts[ENTRY_PARTS];
} entry_parts;

static void entry_split(const mun_statement *s, entry_parts *ret)
{
    ret->parts[0] = MUN_LITERAL("\xd2\x84");
    ret->parts[1] = mun_bytes_head(ret->heads[0], s->protected_bytes.len);
    ret->parts[2] = s->protected_bytes;
    ret->parts[3] = MUN_LITERAL("\xa0");
    ret->parts[4] = mun_bytes_head(ret->heads[1], s->payload.len);
    ret->parts[5] = s->payload;
    ret->parts[6] = mun_bytes_head(ret->heads[2], s->signature.len);
    ret->parts[7] = s->signature;
}

mun_code mun_statement_entry(const mun_statement *statement, mun_buf *ret, mun_error *err)
{
    entry_parts entry;
    entry_split(statement, &entry);
    size_t start = ret->len;
    for (size_t i = 0; i < ENTRY_PARTS; i++) mun_buf_put(ret, entry.parts[i]);
    if (mun_buf_ok(ret) && ret->len - start <= MUN_STATEMENT_MAX) return MUN_OK;
    ret->len = start;
    if (ret->no_memory) return mun_buf_fail(ret, err, "");
    return mun_fail_rule(err, MUN_E_LIMIT, "entry-too-large", MUN_NO_OFFSET,
                         "the statement is larger than 65,535 bytes; register the document by its "
                         "digest (a hash envelope) instead of its content");
}

void mun_statement_leaf(const mun_crypto *crypto, const mun_statement *statement,
                        uint8_t ret[MUN_HASH_SIZE])
{
    entry_parts entry;
    entry_split(statement, &entry);
    mun_slice parts[1 + ENTRY_PARTS];
    parts[0] = mun_slice_of("\0", 1); /* RFC 9162 section 2.1.1: a leaf */
    memcpy(parts + 1, entry.parts, sizeof entry.parts);
    crypto->sha256(crypto->ctx, parts, 1 + ENTRY_PARTS, ret);
}

mun_code mun_statement_check(const mun_crypto *crypto, const mun_statement *statement,
                             const mun_public_key *key, mun_error *err)
{
    return mun_cose_check(crypto, statement->alg, statement->protected_bytes, statement->payload,
                          statement->signature, key, "statement-signature", err);
}

int32_t mun_statement_document_hash(const mun_statement *statement)
{
    if (!statement->is_hash_envelope) return MUN_HASH_SHA256;
    return mun_digest_len(statement->hash_alg) == 0 ? 0 : statement->hash_alg;
}

/* Names that claim to be made from a key: then it must be the very key [KEY-9]. */
static bool is_key_name(mun_slice iss)
{
    return mun_slice_starts(iss, MUN_LITERAL("urn:ietf:params:oauth:ckt:")) ||
           mun_slice_starts(iss, MUN_LITERAL("did:key:"));
}

mun_code mun_statement_self_key(const mun_crypto *crypto, const mun_statement *statement,
                                mun_public_key *ret, mun_error *err)
{
    mun_public_key chain_key;
    bool have_chain = statement->x5chain_len > 0 &&
                      mun_certificate_key(statement->x5chain[0], &chain_key, NULL) == MUN_OK;
    bool chain_named = have_chain && mun_key_owns_name(crypto, &chain_key, statement->iss);
    bool cnf_named =
        statement->have_cnf && mun_key_owns_name(crypto, &statement->cnf, statement->iss);
    if (chain_named || (have_chain && !cnf_named && !is_key_name(statement->iss))) {
        *ret = chain_key;
        return MUN_OK;
    }
    if (!cnf_named)
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET,
                        "the statement declares no key of its own that fits its issuer");
    *ret = statement->cnf;
    return MUN_OK;
}

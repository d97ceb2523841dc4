/* SPDX-License-Identifier: Apache-2.0 */
/* COSE receipts: reading and checking with a given key (docs/format/receipt.md, RFC 9942). */
#include "evidence/receipt.h"

#include "base/assert.h"
#include "evidence/cose.h"

#define PROOF_ELEMENTS_ARE "a proof must be an array of two sizes and an array of hashes"

#define LABELS(...)                                                                                \
    {(const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)}

/* [RCPT-5], [RCPT-7], [RCPT-8]. */
static const mun_cose_profile receipt_profile = {
    .shape_rule = "not-a-receipt",
    .shape_text = "this is not a COSE_Sign1 with tag 18: a receipt begins with d2 84",
    .crit_known = LABELS(LABEL_ALG, LABEL_KID, LABEL_CLAIMS, LABEL_VDS),
    .not_protected =
        LABELS(LABEL_RECEIPTS, LABEL_VDP, LABEL_PAYLOAD_HASH, LABEL_PREIMAGE_TYPE, LABEL_LOCATION),
    .not_unprotected = LABELS(LABEL_CRIT, LABEL_VDS, LABEL_KID, LABEL_CLAIMS),
};

/* [RCPT-7]: text of 1 to MUN_NAME_MAX bytes, if it is there. */
static mun_code name_read(const mun_cose_sign1 *m, const mun_cbor_item *claims, int64_t label,
                          mun_slice *ret, mun_error *err)
{
    mun_cbor_item item = mun_cose_find(claims, label);
    if (item.type == MUN_CBOR_NONE) return MUN_OK;
    if (!mun_cbor_is_string(&item, MUN_CBOR_TEXT) || item.inside.len == 0 ||
        item.inside.len > MUN_NAME_MAX)
        return mun_cose_refuse(m, &item, "claims-invalid",
                               "issuer and subject must be text of 1 to 8,192 bytes", err);
    *ret = item.inside;
    return MUN_OK;
}

static mun_code leaf_read(const mun_cose_sign1 *m, const mun_cbor_item *claims, mun_receipt *r,
                          mun_error *err)
{
    mun_cbor_item item = mun_cose_find(claims, MUN_CLAIM_LEAF);
    if (item.type == MUN_CBOR_NONE) return MUN_OK;
    if (!mun_cbor_is_string(&item, MUN_CBOR_BYTES) || item.inside.len != MUN_HASH_SIZE)
        return mun_cose_refuse(m, &item, "claims-invalid",
                               "the leaf hash in the claims must be 32 bytes", err);
    memcpy(r->leaf, item.inside.ptr, MUN_HASH_SIZE);
    r->have_leaf = true;
    return MUN_OK;
}

static mun_code claims_read(const mun_cose_sign1 *m, mun_receipt *r, mun_error *err)
{
    mun_cbor_item claims = mun_cose_find(&m->protected_map, LABEL_CLAIMS);
    if (claims.type == MUN_CBOR_NONE) return MUN_OK;
    if (claims.type != MUN_CBOR_MAP)
        return mun_cose_refuse(m, &claims, "claims-invalid", "the claims must be a map", err);
    MUN_TRY(mun_cose_claims_check(m, &claims, err));
    MUN_TRY(name_read(m, &claims, CLAIM_ISS, &r->iss, err));
    MUN_TRY(name_read(m, &claims, CLAIM_SUB, &r->sub, err));
    MUN_TRY(leaf_read(m, &claims, r, err));
    r->have_iat = mun_cose_iat(&claims, &r->iat);
    return MUN_OK;
}

static mun_code kid_read(const mun_cose_sign1 *m, mun_receipt *r, mun_error *err)
{
    mun_cbor_item kid = mun_cose_find(&m->protected_map, LABEL_KID);
    if (kid.type == MUN_CBOR_NONE) return MUN_OK;
    if (!mun_cbor_is_string(&kid, MUN_CBOR_BYTES) || kid.inside.len == 0 ||
        kid.inside.len > MUN_KID_MAX)
        return mun_cose_refuse(m, &kid, "kid-invalid",
                               "the key id (kid) must be a byte string of 1 to 256 bytes", err);
    r->have_kid = true;
    r->kid = kid.inside;
    return MUN_OK;
}

/* [RCPT-6]; then whether this reader knows the structure and the algorithm at all. */
static mun_code structure_read(const mun_cose_sign1 *m, mun_error *err)
{
    mun_cbor_item vds = mun_cose_find(&m->protected_map, LABEL_VDS);
    if (vds.type != MUN_CBOR_UINT && vds.type != MUN_CBOR_NEGATIVE)
        return mun_cose_refuse(m, &m->protected_map, "vds-missing",
                               "the receipt does not say which kind of log it is from (label 395)",
                               err);
    if (mun_cose_number(&vds) != VDS_RFC9162_SHA256)
        return mun_fail_rule(err, MUN_E_UNSUPPORTED, "vds-unsupported", MUN_NO_OFFSET,
                             "the receipt is from a kind of log that this program does not know");
    if (!mun_alg_supported(m->alg))
        return mun_fail_rule(err, MUN_E_UNSUPPORTED, "alg-unsupported", MUN_NO_OFFSET,
                             "the receipt's signature algorithm is not supported");
    return MUN_OK;
}

/* [RCPT-10]: [ uint, uint, [ bstr ... ] ]. Lengths of the hashes are the checker's business. */
static mun_code proof_read(const mun_cose_sign1 *m, const mun_cbor_item *wrapped, mun_proof *ret,
                           mun_error *err)
{
    if (mun_cbor_check(wrapped->inside, MUN_CBOR_STRICT, NULL) != MUN_OK)
        return mun_cose_refuse(m, wrapped, "proof-invalid", "a proof is not strict CBOR", err);
    mun_cursor c = mun_cursor_over(wrapped->inside);
    mun_cbor_item array = mun_cbor_take(&c);
    mun_cursor elements = mun_cbor_open(&array);
    mun_cbor_item first = mun_cbor_take(&elements), second = mun_cbor_take(&elements);
    mun_cbor_item path = mun_cbor_take(&elements);
    bool good = array.type == MUN_CBOR_ARRAY && mun_cursor_done(&elements) &&
                first.type == MUN_CBOR_UINT && second.type == MUN_CBOR_UINT &&
                path.type == MUN_CBOR_ARRAY;
    mun_cursor nodes = mun_cbor_open(&path);
    while (good && mun_cbor_more(&nodes)) good = mun_cbor_take(&nodes).type == MUN_CBOR_BYTES;
    if (!good) return mun_cose_refuse(m, wrapped, "proof-invalid", PROOF_ELEMENTS_ARE, err);
    *ret = (mun_proof){first.value, second.value, path.inside, (size_t)path.value};
    return MUN_OK;
}

static mun_code proof_list_read(const mun_cose_sign1 *m, const mun_cbor_item *list, size_t max,
                                mun_receipt *r, mun_error *err)
{
    bool good = list->type == MUN_CBOR_ARRAY && list->value >= 1 && list->value <= max;
    mun_cursor c = mun_cbor_open(list);
    while (good && mun_cbor_more(&c)) {
        mun_cbor_item wrapped = mun_cbor_take(&c);
        good = wrapped.type == MUN_CBOR_BYTES;
        if (good) MUN_TRY(proof_read(m, &wrapped, &r->proofs[r->proofs_len++], err));
    }
    if (good) return MUN_OK;
    return mun_cose_refuse(m, list, "proof-invalid",
                           "the proofs of a receipt must be an array of byte strings: 1 to 16 for "
                           "inclusion, one for consistency",
                           err);
}

/* [RCPT-9]: exactly one of inclusion and consistency. */
static mun_code proofs_read(const mun_cose_sign1 *m, mun_receipt *r, mun_error *err)
{
    mun_cbor_item vdp = mun_cose_find(&m->unprotected_map, LABEL_VDP);
    if (vdp.type != MUN_CBOR_MAP)
        return mun_cose_refuse(m, &m->unprotected_map, "proof-invalid",
                               "the receipt holds no proof (label 396)", err);
    mun_cbor_item inclusion = mun_cose_find(&vdp, VDP_INCLUSION);
    mun_cbor_item consistency = mun_cose_find(&vdp, VDP_CONSISTENCY);
    if ((inclusion.type == MUN_CBOR_NONE) == (consistency.type == MUN_CBOR_NONE))
        return mun_cose_refuse(m, &vdp, "proof-invalid",
                               "the receipt must hold either inclusion or consistency proofs", err);
    r->is_consistency = inclusion.type == MUN_CBOR_NONE;
    if (r->is_consistency) return proof_list_read(m, &consistency, 1, r, err);
    return proof_list_read(m, &inclusion, MUN_PROOFS_MAX, r, err);
}

/* [RCPT-11]. */
static mun_code payload_read(const mun_cose_sign1 *m, mun_receipt *r, mun_error *err)
{
    if (mun_cbor_is_null(&m->payload)) return MUN_OK;
    if (!r->is_consistency || m->payload.inside.len != MUN_HASH_SIZE)
        return mun_cose_refuse(m, &m->payload, "payload-attached",
                               "the payload of a receipt must be nil", err);
    r->attached = true;
    r->payload = m->payload.inside;
    return MUN_OK;
}

mun_code mun_receipt_parse(mun_slice bytes, mun_receipt *ret, mun_error *err)
{
    if (bytes.len > MUN_STATEMENT_MAX)
        return mun_fail_rule(err, MUN_E_MALFORMED, "receipt-too-large", MUN_NO_OFFSET,
                             "the receipt is larger than 65,535 bytes");
    mun_cose_sign1 m;
    MUN_TRY(mun_cose_parse(bytes, &receipt_profile, &m, err));
    mun_receipt r = {.bytes = bytes,
                     .protected_bytes = m.protected_bytes,
                     .signature = m.signature,
                     .alg = m.alg};
    MUN_TRY(kid_read(&m, &r, err));
    MUN_TRY(claims_read(&m, &r, err));
    MUN_TRY(structure_read(&m, err));
    MUN_TRY(proofs_read(&m, &r, err));
    MUN_TRY(payload_read(&m, &r, err));
    *ret = r;
    return MUN_OK;
}

static mun_code bad_proof(mun_error *err, const char *rule, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_INVALID, rule, MUN_NO_OFFSET, sentence);
}

mun_code mun_receipt_path(const mun_receipt *receipt, size_t proof, uint8_t ret[][MUN_HASH_SIZE],
                          mun_error *err)
{
    const char *rule = receipt->is_consistency ? "consistency" : "inclusion";
    const mun_proof *p = &receipt->proofs[proof];
    if (p->path_len > MUN_PROOF_PATH_MAX + 1) return bad_proof(err, rule, "the path is too long");
    mun_cursor c = mun_cursor_over(p->path);
    for (size_t i = 0; i < p->path_len; i++) {
        mun_cbor_item node = mun_cbor_take(&c);
        if (node.inside.len != MUN_HASH_SIZE)
            return bad_proof(err, rule, "a hash of the path is not 32 bytes long");
        memcpy(ret[i], node.inside.ptr, MUN_HASH_SIZE);
    }
    return MUN_OK;
}

static mun_code proof_fold(const mun_crypto *crypto, const mun_receipt *receipt, size_t proof,
                           const mun_hash *leaf, mun_hash *ret, mun_error *err)
{
    uint8_t path[MUN_PROOF_PATH_MAX + 1][MUN_HASH_SIZE];
    const mun_proof *p = &receipt->proofs[proof];
    MUN_TRY(mun_receipt_path(receipt, proof, path, err));
    if (mun_inclusion_fold(crypto, p->index_or_new, p->size, leaf, (const mun_hash *)path,
                           p->path_len, ret) != MUN_OK)
        return bad_proof(err, "inclusion", "the path does not fit the place in the log");
    return MUN_OK;
}

/* [RCPT-14], [RCPT-15]. */
mun_code mun_receipt_fold(const mun_crypto *crypto, const mun_receipt *receipt,
                          const mun_hash *leaf, mun_hash *ret_root, mun_error *err)
{
    MUN_ASSERT(!receipt->is_consistency && receipt->proofs_len > 0);
    mun_hash root, other;
    MUN_TRY(proof_fold(crypto, receipt, 0, leaf, &root, err));
    for (size_t i = 1; i < receipt->proofs_len; i++) {
        MUN_TRY(proof_fold(crypto, receipt, i, leaf, &other, err));
        if (!mun_hash_equal(&root, &other))
            return bad_proof(err, "inclusion", "two proofs of the receipt contradict each other");
    }
    *ret_root = root;
    return MUN_OK;
}

mun_code mun_receipt_signature(const mun_crypto *crypto, const mun_receipt *receipt,
                               const mun_hash *root, const mun_public_key *key, mun_error *err)
{
    return mun_cose_check(crypto, receipt->alg, receipt->protected_bytes,
                          mun_slice_of(root->bytes, MUN_HASH_SIZE), receipt->signature, key,
                          "receipt-signature", err);
}

mun_code mun_receipt_check(const mun_crypto *crypto, const mun_receipt *receipt,
                           const uint8_t leaf[MUN_HASH_SIZE], const mun_public_key *key,
                           uint8_t ret_root[MUN_HASH_SIZE], mun_error *err)
{
    if (receipt->is_consistency)
        return bad_proof(err, "inclusion", "the receipt is about consistency, not about an entry");
    mun_hash leaf_hash, root;
    memcpy(leaf_hash.bytes, leaf, MUN_HASH_SIZE);
    MUN_TRY(mun_receipt_fold(crypto, receipt, &leaf_hash, &root, err));
    if (receipt->have_leaf && memcmp(receipt->leaf, leaf, MUN_HASH_SIZE) != 0)
        return bad_proof(err, "receipt-leaf", "the receipt is for another entry");
    MUN_TRY(mun_receipt_signature(crypto, receipt, &root, key, err));
    memcpy(ret_root, root.bytes, MUN_HASH_SIZE);
    return MUN_OK;
}

mun_code mun_receipt_check_consistency(const mun_crypto *crypto, const mun_receipt *receipt,
                                       uint64_t old_size, const uint8_t old_root[MUN_HASH_SIZE],
                                       const mun_public_key *key,
                                       uint8_t ret_new_root[MUN_HASH_SIZE], mun_error *err)
{
    const mun_proof *p = &receipt->proofs[0];
    if (!receipt->is_consistency)
        return bad_proof(err, "consistency",
                         "the receipt is about an entry, not about consistency");
    if (p->size != old_size)
        return bad_proof(err, "consistency", "the proof begins at a tree of another size");
    uint8_t path[MUN_PROOF_PATH_MAX + 1][MUN_HASH_SIZE];
    MUN_TRY(mun_receipt_path(receipt, 0, path, err));
    mun_hash old_hash, root;
    memcpy(old_hash.bytes, old_root, MUN_HASH_SIZE);
    if (mun_consistency_root(crypto, p->size, &old_hash, p->index_or_new, (const mun_hash *)path,
                             p->path_len, &root) != MUN_OK)
        return bad_proof(err, "consistency", "the log does not continue the older tree");
    if (receipt->attached && memcmp(receipt->payload.ptr, root.bytes, MUN_HASH_SIZE) != 0)
        return bad_proof(err, "consistency", "the receipt names another root than its proof gives");
    MUN_TRY(mun_receipt_signature(crypto, receipt, &root, key, err));
    memcpy(ret_new_root, root.bytes, MUN_HASH_SIZE);
    return MUN_OK;
}

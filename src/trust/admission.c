/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of [POL-11], in their order. Each refusal names its rule and the offending part. */
#include "trust/control_state.h"

#include <stdio.h>

#define SHOWN_MAX 64 /* bytes of a hostile text that an error repeats */

typedef struct admission {
    const mun_crypto *crypto;
    const mun_control_state *state;
    uint64_t at;
    const mun_statement *statement;
    mun_error *err;
} admission;

/* A short and harmless form of bytes from outside: printable ASCII stays, the rest becomes '?'. */
static const char *shown(mun_slice text, char ret[SHOWN_MAX + 4])
{
    size_t len = text.len < SHOWN_MAX ? text.len : SHOWN_MAX;
    for (size_t i = 0; i < len; i++) {
        ret[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? (char)text.ptr[i] : '?';
    }
    memcpy(ret + len, text.len > SHOWN_MAX ? "..." : "", text.len > SHOWN_MAX ? 4 : 1);
    return ret;
}

static mun_code refuse(const admission *a, const char *rule, const char *sentence)
{
    return mun_fail_rule(a->err, MUN_E_REFUSED, rule, MUN_NO_OFFSET, sentence);
}

static mun_code refuse_text(const admission *a, const char *rule, const char *format,
                            mun_slice part)
{
    char text[SHOWN_MAX + 4], sentence[MUN_ERROR_TEXT];
    snprintf(sentence, sizeof sentence, "%s", format);
    char *hole = strstr(sentence, "{}");
    if (hole != NULL) {
        char tail[MUN_ERROR_TEXT];
        snprintf(tail, sizeof tail, "%s", hole + 2);
        size_t room = sizeof sentence - (size_t)(hole - sentence);
        snprintf(hole, room, "%s%s", shown(part, text), tail);
    }
    return refuse(a, rule, sentence);
}

static mun_code refuse_number(const admission *a, const char *rule, const char *format, int64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)n);
    return refuse_text(a, rule, format, mun_slice_cstr(text));
}

/* ---- Rules 1 to 4 ------------------------------------------------------------------------ */

/* d2 84, four heads and their contents: [STMT-21]. */
static size_t head_size(size_t len)
{
    return len < 24 ? 1 : len < 256 ? 2 : len < 65536 ? 3 : 5;
}

static size_t entry_size(const mun_statement *s)
{
    return 3 + head_size(s->protected_bytes.len) + s->protected_bytes.len +
           head_size(s->payload.len) + s->payload.len + head_size(s->signature.len) +
           s->signature.len;
}

static mun_code form_rules(const admission *a)
{
    const mun_statement *s = a->statement;
    if (entry_size(s) > MUN_STATEMENT_MAX) {
        return refuse_number(
            a, "entry-too-large",
            "the statement would take {} bytes on the log, and 65,535 is the most: "
            "register a larger document by its digest (a hash envelope)",
            (int64_t)entry_size(s));
    }
    if (!mun_policy_allows(mun_control_policy_at(a->state, a->at), s->alg)) {
        return refuse_number(a, "algorithm-not-allowed",
                             "this ledger does not admit signature algorithm {}", s->alg);
    }
    if (s->is_hash_envelope && s->hash_alg != MUN_HASH_SHA256 && s->hash_alg != MUN_HASH_SHA384 &&
        s->hash_alg != MUN_HASH_SHA512) {
        return refuse_number(a, "hash-algorithm-not-allowed",
                             "the document's digest uses hash algorithm {}; SHA-256, SHA-384 and "
                             "SHA-512 are admitted",
                             s->hash_alg);
    }
    if (mun_control_is_own(a->state, s)) {
        return refuse_text(a, "origin-reserved",
                           "the issuer \"{}\" is this ledger's own name, in which only the ledger "
                           "itself makes statements",
                           s->iss);
    }
    return MUN_OK;
}

/* ---- Rule 9: the protected certificate is the signer's ----------------------------------------
 */

static mun_code certificate_mismatch(const admission *a)
{
    return refuse_text(a, "certificate-mismatch",
                       "the certificate that the statement of \"{}\" signs along (x5chain, or x5t "
                       "with it) is not of the key that signs: bring the signer's own, or none",
                       a->statement->iss);
}

/* The thumbprint of the key of the protected x5chain; false: it gives none [KEY-10]. */
static bool certificate_key(const admission *a, mun_public_key *ret,
                            uint8_t ret_thumbprint[MUN_HASH_SIZE])
{
    const mun_statement *s = a->statement;
    if (s->x5chain_len == 0 || mun_certificate_key(s->x5chain[0], ret, NULL) != MUN_OK) {
        return false;
    }
    mun_key_thumbprint(a->crypto, ret, ret_thumbprint);
    return true;
}

/* RFC 9360 section 2: x5t names the certificate that x5chain begins with. */
static mun_code x5t_agrees(const admission *a)
{
    const mun_statement *s = a->statement;
    uint8_t digest[MUN_HASH_SIZE];
    if (!s->have_x5t || s->x5t_alg != MUN_HASH_SHA256 || s->x5chain_len == 0) return MUN_OK;
    a->crypto->sha256(a->crypto->ctx, s->x5chain, 1, digest);
    if (mun_slice_equal(s->x5t_hash, mun_slice_of(digest, sizeof digest))) return MUN_OK;
    return certificate_mismatch(a);
}

/* ---- Rules 5, 6, 9 and 10: listed issuers ---------------------------------------------------- */

typedef struct candidates {
    size_t listed; /* keys under the name */
    size_t len;    /* of these, the ones that fit the kid and the certificate */
    const mun_issuer_record *record[MUN_ISSUER_KEYS_MAX];
} candidates;

static void candidates_find(const admission *a, candidates *ret)
{
    const mun_statement *s = a->statement;
    *ret = (candidates){0};
    const mun_issuer_record *r = mun_issuer_set_name(a->state->issuers, s->iss);
    for (; r != NULL; r = r->next) {
        if (!mun_issuer_record_at(r, a->at)) continue;
        ret->listed++;
        if (s->have_kid && !mun_issuer_record_fits(r, s->kid)) continue;
        if (ret->len < MUN_ISSUER_KEYS_MAX) ret->record[ret->len++] = r;
    }
}

static mun_code candidates_certified(const admission *a, candidates *all)
{
    mun_public_key key;
    uint8_t thumbprint[MUN_HASH_SIZE];
    MUN_TRY(x5t_agrees(a));
    if (!certificate_key(a, &key, thumbprint)) return MUN_OK;
    size_t kept = 0;
    for (size_t i = 0; i < all->len; i++) {
        if (memcmp(all->record[i]->thumbprint, thumbprint, MUN_HASH_SIZE) != 0) continue;
        all->record[kept++] = all->record[i];
    }
    all->len = kept;
    return kept > 0 ? MUN_OK : certificate_mismatch(a);
}

static mun_code record_check(const admission *a, const mun_issuer_record *record)
{
    mun_public_key key;
    mun_slice kid;
    MUN_TRY(mun_cose_key_parse(record->cose_key, &key, &kid, a->err));
    return mun_statement_check(a->crypto, a->statement, &key, a->err);
}

static mun_code listed_candidates(const admission *a, candidates *ret)
{
    candidates_find(a, ret);
    if (ret->listed == 0) {
        return refuse_text(
            a, "issuer-not-listed",
            "the issuer \"{}\" is not on this ledger's list; whoever keeps the ledger "
            "adds one with: muniment issuer add --issuer NAME KEY",
            a->statement->iss);
    }
    if (ret->len > 0) return candidates_certified(a, ret);
    char hex[2 * SHOWN_MAX + 1];
    mun_buf buf = mun_buf_fixed(hex, sizeof hex);
    mun_slice kid = a->statement->kid;
    mun_buf_hex(&buf, mun_slice_of(kid.ptr, kid.len < SHOWN_MAX / 2 ? kid.len : SHOWN_MAX / 2));
    return refuse_text(a, "kid-not-listed",
                       "the key id {} fits none of the keys that this ledger lists for the issuer",
                       mun_buf_slice(&buf));
}

static mun_code signature_refused(const admission *a)
{
    return refuse_text(a, "signature-invalid",
                       "the signature is not by a key of the issuer \"{}\": the statement was "
                       "altered, or signed with another key",
                       a->statement->iss);
}

static mun_code admit_listed(const admission *a, uint8_t ret_signer[MUN_HASH_SIZE])
{
    candidates found;
    MUN_TRY(listed_candidates(a, &found));
    for (size_t i = 0; i < found.len; i++) {
        mun_code code = record_check(a, found.record[i]);
        if (code == MUN_E_MEMORY || code == MUN_E_CRYPTO) return code;
        if (code != MUN_OK) continue;
        memcpy(ret_signer, found.record[i]->thumbprint, MUN_HASH_SIZE);
        return MUN_OK;
    }
    return signature_refused(a);
}

/* ---- Rules 7 to 10: any issuer --------------------------------------------------------------- */

/* The key that the statement declares and whose own name is its issuer; x5chain before cnf. */
static mun_code declared_key(const admission *a, mun_public_key *ret)
{
    const mun_statement *s = a->statement;
    mun_public_key certificate;
    uint8_t thumbprint[MUN_HASH_SIZE];
    bool have = certificate_key(a, &certificate, thumbprint);
    if (!have && !s->have_cnf) {
        return refuse(
            a, "self-declared-key-missing",
            "the statement brings no key of its own that is understood here: this ledger "
            "needs it whole (EC2 with x and y, OKP Ed25519 or RSA) in the claim cnf, or in "
            "a protected certificate chain");
    }
    if (have && mun_key_owns_name(a->crypto, &certificate, s->iss)) {
        *ret = certificate;
        return x5t_agrees(a);
    }
    if (s->have_cnf && mun_key_owns_name(a->crypto, &s->cnf, s->iss)) {
        *ret = s->cnf;
        return have ? certificate_mismatch(a) : x5t_agrees(a);
    }
    return refuse_text(a, "self-declared-name-mismatch",
                       "the issuer \"{}\" is neither the thumbprint URI nor the did:key of the key "
                       "that the statement brings",
                       s->iss);
}

static mun_code admit_any(const admission *a, bool check, uint8_t ret_signer[MUN_HASH_SIZE])
{
    mun_public_key key;
    MUN_TRY(declared_key(a, &key));
    mun_code code = check ? mun_statement_check(a->crypto, a->statement, &key, a->err) : MUN_OK;
    if (code == MUN_E_MEMORY || code == MUN_E_CRYPTO) return code;
    if (code != MUN_OK) return signature_refused(a);
    mun_key_thumbprint(a->crypto, &key, ret_signer);
    return MUN_OK;
}

/* ---- Entry points -----------------------------------------------------------------------------
 */

mun_code mun_admit(const mun_crypto *crypto, const mun_control_state *state, uint64_t at,
                   const mun_statement *statement, uint8_t ret_signer[MUN_HASH_SIZE],
                   mun_error *err)
{
    admission a = {crypto, state, at, statement, err};
    MUN_TRY(form_rules(&a));
    return mun_control_policy_at(state, at)->any_issuer ? admit_any(&a, true, ret_signer)
                                                        : admit_listed(&a, ret_signer);
}

static mun_code own_signer(const admission *a, uint8_t ret_signer[MUN_HASH_SIZE])
{
    if (!a->statement->have_kid || a->statement->kid.len != MUN_HASH_SIZE) {
        return refuse(a, "kid-not-listed", "a statement by the ledger itself has no thumbprint");
    }
    memcpy(ret_signer, a->statement->kid.ptr, MUN_HASH_SIZE);
    return MUN_OK;
}

mun_code mun_admitted_under(const mun_crypto *crypto, const mun_control_state *state, uint64_t at,
                            const mun_statement *statement, uint8_t ret_signer[MUN_HASH_SIZE],
                            mun_error *err)
{
    admission a = {crypto, state, at, statement, err};
    if (mun_control_is_own(state, statement)) return own_signer(&a, ret_signer);
    if (mun_control_policy_at(state, at)->any_issuer) return admit_any(&a, false, ret_signer);
    candidates found;
    MUN_TRY(listed_candidates(&a, &found));
    if (found.len != 1) return admit_listed(&a, ret_signer);
    memcpy(ret_signer, found.record[0]->thumbprint, MUN_HASH_SIZE);
    return MUN_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/verify_wasm.h"

#include "base/buf.h"
#include "wasm/report_json.h"

#define KEYS_MAX    64
#define NAMES_SIZE  65536
#define INPUT_SIZE  65536 /* names, keys, digests */
#define REPORT_SIZE 65536 /* eight sentences, two names of at most 8,192 bytes, escaped */

static uint8_t evidence[MUN_EVIDENCE_MAX];
static uint8_t input[INPUT_SIZE];
static uint8_t report_bytes[REPORT_SIZE];
static mun_buf report_text;
static mun_trusted_key keys[KEYS_MAX];
static size_t keys_len;
static uint8_t names[NAMES_SIZE];
static size_t names_len;

static void sha256(void *ctx, const mun_slice *parts, size_t n_parts, uint8_t ret[MUN_HASH_SIZE])
{
    (void)ctx;
    mun_host_sha256(parts, n_parts, ret);
}

static mun_code digest(void *ctx, int32_t alg, const mun_slice *parts, size_t n_parts,
                       uint8_t ret[MUN_DIGEST_MAX], size_t *ret_len)
{
    (void)ctx;
    size_t len = mun_host_digest(alg, parts, n_parts, ret);
    if (len == 0 || len > MUN_DIGEST_MAX) return MUN_E_UNSUPPORTED;
    *ret_len = len;
    return MUN_OK;
}

static mun_code verify(void *ctx, int32_t alg, const mun_public_key *key, const mun_slice *parts,
                       size_t n_parts, mun_slice signature)
{
    (void)ctx;
    bool rsa = key->kty == MUN_KTY_RSA;
    int code = mun_host_verify(alg, key->kty, key->crv, rsa ? key->n : key->x,
                               rsa ? key->n_len : key->x_len, rsa ? key->e : key->y,
                               rsa ? key->e_len : key->y_len, parts, n_parts, signature.ptr,
                               signature.len);
    return code == MUN_OK || code == MUN_E_INVALID ? (mun_code)code : MUN_E_UNSUPPORTED;
}

static const mun_crypto crypto = {.sha256 = sha256, .digest = digest, .verify = verify};

uint8_t *mun_wasm_evidence(void)
{
    return evidence;
}

size_t mun_wasm_evidence_size(void)
{
    return sizeof evidence;
}

uint8_t *mun_wasm_input(void)
{
    return input;
}

size_t mun_wasm_input_size(void)
{
    return sizeof input;
}

const uint8_t *mun_wasm_report(void)
{
    return report_bytes;
}

size_t mun_wasm_report_len(void)
{
    return report_text.len;
}

/* A copy that lives as long as the keys; an empty slice when there is no more room. */
static mun_slice keep(mun_slice bytes)
{
    if (bytes.len > NAMES_SIZE - names_len) return (mun_slice){0};
    memcpy(names + names_len, bytes.ptr, bytes.len);
    names_len += bytes.len;
    return mun_slice_of(names + names_len - bytes.len, bytes.len);
}

static int add(mun_role role, bool trusted, mun_slice name, const mun_public_key *key)
{
    if (keys_len == KEYS_MAX) return -MUN_E_LIMIT;
    mun_slice kept = keep(name);
    if (kept.len != name.len) return -MUN_E_LIMIT;
    keys[keys_len++] =
        (mun_trusted_key){.role = role, .name = kept, .key = *key, .trusted = trusted};
    return 0;
}

void mun_wasm_clear_keys(void)
{
    keys_len = 0;
    names_len = 0;
}

int mun_wasm_add_key(int role, int trusted, size_t name_len, size_t key_len)
{
    if (role < MUN_ROLE_ISSUER || role > MUN_ROLE_WITNESS) return -MUN_E_USAGE;
    if (name_len > INPUT_SIZE || key_len > INPUT_SIZE - name_len) return -MUN_E_LIMIT;
    mun_public_key key;
    mun_slice kid;
    mun_error err;
    mun_code code = mun_cose_key_parse(mun_slice_of(input + name_len, key_len), &key, &kid, &err);
    if (code != MUN_OK) return -(int)code;
    return add((mun_role)role, trusted != 0, mun_slice_of(input, name_len), &key);
}

int mun_wasm_add_kid(size_t len)
{
    if (keys_len == 0 || len == 0 || len > MUN_KID_MAX) return -MUN_E_USAGE;
    mun_trusted_key *key = &keys[keys_len - 1];
    if (key->kids_len == MUN_TRUST_KIDS_MAX) return -MUN_E_LIMIT;
    mun_slice kept = keep(mun_slice_of(input, len));
    if (kept.len != len) return -MUN_E_LIMIT;
    key->kids[key->kids_len++] = kept;
    return 0;
}

int mun_wasm_add_ledger(int trusted, size_t len)
{
    if (len > INPUT_SIZE) return -MUN_E_LIMIT;
    mun_ledger_pub pub;
    mun_error err;
    mun_code code = mun_ledger_pub_parse(&crypto, mun_slice_of(input, len), &pub, &err);
    if (code != MUN_OK) return -(int)code;
    int added = add(MUN_ROLE_LEDGER, trusted != 0, pub.origin, &pub.receipts);
    return added < 0 ? added : add(MUN_ROLE_LEDGER, trusted != 0, pub.origin, &pub.checkpoints);
}

static int report_error(const mun_error *err)
{
    mun_report_json_error(err, &report_text);
    return -(int)err->code;
}

int mun_wasm_document_hash(size_t len)
{
    static mun_statement statement;
    mun_error err = {.code = MUN_E_LIMIT};
    report_text = mun_buf_fixed(report_bytes, sizeof report_bytes);
    if (len > sizeof evidence) return report_error(&err);
    if (mun_statement_parse(mun_slice_of(evidence, len), &statement, &err) != MUN_OK) {
        return report_error(&err);
    }
    return -mun_statement_document_hash(&statement);
}

int mun_wasm_verify(size_t len, int have_document, size_t digest_len)
{
    static mun_report report;
    static mun_statement statement;
    mun_error err = {.code = MUN_E_LIMIT};
    report_text = mun_buf_fixed(report_bytes, sizeof report_bytes);
    if (len > sizeof evidence || digest_len > MUN_DIGEST_MAX) return report_error(&err);
    mun_verify_input given = {
        .evidence = mun_slice_of(evidence, len),
        .have_document = have_document != 0,
        .document_digest = mun_slice_of(input, digest_len),
        .keys = keys,
        .keys_len = keys_len,
    };
    if (mun_verify(&crypto, &given, &report, &statement, &err) != MUN_OK) {
        return report_error(&err);
    }
    mun_report_json(&report, &statement, &report_text);
    return mun_buf_ok(&report_text) ? 0 : -MUN_E_LIMIT;
}

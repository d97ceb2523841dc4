/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C half of the differential test: answers the questions of tests/differential/README.md, one
 * JSON object a line on standard input, one answer a line on standard output.
 *
 * One thread. Bytes of a request live in an arena of buffers that is emptied after each line.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/cbor.h"
#include "codec/radix.h"
#include "evidence/cose.h"
#include <muniment/evidence.h>
#include <muniment/keys.h>

#define REQUEST_BYTES_MAX (64u << 20)
#define BUFFERS           512
#define KEYS_MAX          64

static mun_crypto crypto;
static mun_buf buffers[BUFFERS];
static size_t buffers_used;

/* The answer to a request that is wrong in itself. */
static json_t *wrong(const char *what)
{
    return json_pack("{s:s}", "error", what);
}

static json_t *only_ok(bool ok)
{
    return json_pack("{s:b}", "ok", ok);
}

static mun_buf *new_buffer(void)
{
    if (buffers_used == BUFFERS) abort();
    mun_buf *buf = &buffers[buffers_used++];
    *buf = mun_buf_growable(REQUEST_BYTES_MAX);
    return buf;
}

static void free_buffers(void)
{
    while (buffers_used > 0) mun_buf_free(&buffers[--buffers_used]);
}

static mun_slice text_of(const json_t *value)
{
    return mun_slice_of(json_string_value(value), json_string_length(value));
}

static bool hex_value(const json_t *value, mun_slice *ret)
{
    mun_buf *buf = new_buffer();
    if (!json_is_string(value) || !mun_hex_take(text_of(value), buf)) return false;
    *ret = mun_buf_slice(buf);
    return true;
}

static bool hex_member(const json_t *request, const char *name, mun_slice *ret)
{
    return hex_value(json_object_get(request, name), ret);
}

static bool hash_member(const json_t *request, const char *name, mun_slice *ret)
{
    return hex_member(request, name, ret) && ret->len == MUN_HASH_SIZE;
}

static bool key_member(const json_t *request, mun_public_key *ret)
{
    mun_slice bytes, kid;
    return hex_member(request, "key", &bytes) &&
           mun_cose_key_parse(bytes, ret, &kid, NULL) == MUN_OK;
}

static void set_hex(json_t *answer, const char *name, mun_slice bytes)
{
    mun_buf *buf = new_buffer();
    mun_buf_hex(buf, bytes);
    json_object_set_new(answer, name, json_stringn((const char *)buf->ptr, buf->len));
}

static void set_text(json_t *answer, const char *name, const mun_buf *buf)
{
    json_object_set_new(answer, name, json_stringn((const char *)buf->ptr, buf->len));
}

/* ---- evidence --------------------------------------------------------------------------------*/

static bool trust_entry(const json_t *value, mun_trusted_key *ret)
{
    static const char *const roles[] = {"issuer", "ledger", "witness", "tsa"};
    const char *role = json_string_value(json_object_get(value, "role"));
    *ret = (mun_trusted_key){.role = MUN_ROLE_TSA};
    for (unsigned i = 0; role != NULL && i < 4; i++)
        if (strcmp(role, roles[i]) == 0) ret->role = (mun_role)i;
    ret->name = text_of(json_object_get(value, "name"));
    ret->trusted = json_is_true(json_object_get(value, "trusted"));
    size_t i;
    json_t *kid;
    json_array_foreach(json_object_get(value, "kids"), i, kid)
    {
        if (ret->kids_len == MUN_TRUST_KIDS_MAX) return false;
        if (!hex_value(kid, &ret->kids[ret->kids_len++])) return false;
    }
    return key_member(value, &ret->key);
}

/* The document's digest as the caller of mun_verify has to give it. */
static void digest_document(mun_slice document, mun_verify_input *input)
{
    static uint8_t digest[MUN_DIGEST_MAX];
    mun_statement statement;
    size_t len = 0;
    input->have_document = true;
    if (mun_statement_parse(input->evidence, &statement, NULL) != MUN_OK) return;
    int32_t alg = mun_statement_document_hash(&statement);
    if (alg != 0 && crypto.digest(crypto.ctx, alg, &document, 1, digest, &len) != MUN_OK) abort();
    input->document_digest = mun_slice_of(digest, len);
}

static json_t *answer_evidence(const json_t *request)
{
    static mun_trusted_key keys[KEYS_MAX];
    mun_verify_input input = {.keys = keys};
    size_t i;
    json_t *value;
    if (!hex_member(request, "evidence", &input.evidence)) return wrong("evidence");
    json_array_foreach(json_object_get(request, "keys"), i, value)
    {
        if (i == KEYS_MAX || !trust_entry(value, &keys[input.keys_len++])) return wrong("keys");
    }
    value = json_object_get(request, "document");
    mun_slice document;
    if (json_is_string(value)) {
        if (!hex_value(value, &document)) return wrong("document");
        digest_document(document, &input);
    }
    static mun_report report;
    mun_error err = {0};
    if (mun_verify(&crypto, &input, &report, NULL, &err) != MUN_OK)
        return json_pack("{s:i,s:s,s:s}", "verdict", 4, "rule", err.rule, "text", err.text);
    json_t *checks = json_array();
    for (int id = 0; id < MUN_CHECKS; id++)
        json_array_append_new(checks, json_pack("{s:s,s:s}", "id", mun_check_name(id), "result",
                                                mun_check_result_name(report.checks[id].result)));
    return json_pack("{s:i,s:o}", "verdict", report.verdict, "checks", checks);
}

/* ---- the parsers -----------------------------------------------------------------------------*/

static json_t *answer_cbor(const json_t *request)
{
    mun_slice bytes;
    const char *mode = json_string_value(json_object_get(request, "mode"));
    if (!hex_member(request, "cbor", &bytes) || mode == NULL) return wrong("cbor");
    bool strict = strcmp(mode, "strict") == 0;
    return only_ok(mun_cbor_check(bytes, strict ? MUN_CBOR_STRICT : MUN_CBOR_CARRIED, NULL) ==
                   MUN_OK);
}

static json_t *answer_statement(const json_t *request)
{
    mun_slice bytes;
    mun_statement statement;
    if (!hex_member(request, "statement", &bytes)) return wrong("statement");
    if (mun_statement_parse(bytes, &statement, NULL) != MUN_OK) return only_ok(false);
    uint8_t leaf[MUN_HASH_SIZE];
    mun_statement_leaf(&crypto, &statement, leaf);
    json_t *answer = only_ok(true);
    set_hex(answer, "leaf", mun_slice_of(leaf, sizeof leaf));
    return answer;
}

static json_t *answer_receipt(const json_t *request)
{
    mun_slice bytes;
    mun_receipt receipt;
    if (!hex_member(request, "receipt", &bytes)) return wrong("receipt");
    mun_code code = mun_receipt_parse(bytes, &receipt, NULL);
    const char *kind = code == MUN_E_UNSUPPORTED ? "unsupported"
                       : code != MUN_OK          ? "malformed"
                       : receipt.is_consistency  ? "consistency"
                                                 : "inclusion";
    return json_pack("{s:s}", "kind", kind);
}

static json_t *answer_receipt_leaf(const json_t *request)
{
    mun_slice bytes, leaf;
    mun_public_key key;
    mun_receipt receipt;
    uint8_t root[MUN_HASH_SIZE];
    if (!hex_member(request, "receipt_leaf", &bytes) || !hash_member(request, "leaf", &leaf) ||
        !key_member(request, &key))
        return wrong("receipt_leaf");
    return only_ok(mun_receipt_parse(bytes, &receipt, NULL) == MUN_OK &&
                   mun_receipt_check(&crypto, &receipt, leaf.ptr, &key, root, NULL) == MUN_OK);
}

static json_t *answer_receipt_old(const json_t *request)
{
    mun_slice bytes, old_root;
    mun_public_key key;
    mun_receipt receipt;
    uint8_t root[MUN_HASH_SIZE];
    uint64_t size = (uint64_t)json_integer_value(json_object_get(request, "size"));
    if (!hex_member(request, "receipt_old", &bytes) || !hash_member(request, "root", &old_root) ||
        !key_member(request, &key))
        return wrong("receipt_old");
    if (mun_receipt_parse(bytes, &receipt, NULL) != MUN_OK ||
        mun_receipt_check_consistency(&crypto, &receipt, size, old_root.ptr, &key, root, NULL) !=
            MUN_OK)
        return only_ok(false);
    json_t *answer = only_ok(true);
    set_hex(answer, "root", mun_slice_of(root, sizeof root));
    return answer;
}

static json_t *answer_checkpoint(const json_t *request)
{
    mun_slice bytes;
    mun_checkpoint checkpoint;
    if (!hex_member(request, "checkpoint", &bytes)) return wrong("checkpoint");
    if (mun_checkpoint_parse(bytes, &checkpoint, NULL) != MUN_OK) return only_ok(false);
    json_t *answer = only_ok(true);
    set_hex(answer, "origin", checkpoint.origin);
    json_object_set_new(answer, "size", json_integer((json_int_t)checkpoint.size));
    set_hex(answer, "root", mun_slice_of(checkpoint.root, MUN_HASH_SIZE));
    return answer;
}

static json_t *answer_note(const json_t *request)
{
    mun_slice bytes;
    static mun_note note;
    if (!hex_member(request, "note", &bytes)) return wrong("note");
    if (mun_note_parse(bytes, &note, NULL) != MUN_OK) return only_ok(false);
    size_t i;
    json_t *value;
    bool good = false, bad = false;
    json_array_foreach(json_object_get(request, "vkeys"), i, value)
    {
        mun_slice name;
        uint8_t type;
        mun_public_key key;
        uint64_t time;
        if (mun_vkey_parse(&crypto, text_of(value), &name, &type, &key, NULL) != MUN_OK) continue;
        mun_code code = mun_note_check(&crypto, &note, name, type, &key, &time, NULL);
        good |= code == MUN_OK;
        bad |= code != MUN_OK && code != MUN_E_NOT_FOUND;
    }
    return only_ok(good && !bad);
}

static json_t *answer_proof(const json_t *request)
{
    mun_slice bytes;
    static mun_tlog_proof proof;
    static mun_note note;
    mun_checkpoint checkpoint;
    if (!hex_member(request, "proof", &bytes)) return wrong("proof");
    if (mun_tlog_proof_parse(bytes, &proof, NULL) != MUN_OK ||
        mun_note_parse(proof.note, &note, NULL) != MUN_OK ||
        mun_checkpoint_parse(note.text, &checkpoint, NULL) != MUN_OK)
        return only_ok(false);
    json_t *answer = only_ok(true);
    json_object_set_new(answer, "index", json_integer((json_int_t)proof.index));
    json_object_set_new(answer, "size", json_integer((json_int_t)checkpoint.size));
    return answer;
}

/* ---- keys ------------------------------------------------------------------------------------*/

static json_t *answer_vkey(const json_t *request)
{
    mun_slice name;
    uint8_t type;
    mun_public_key key;
    mun_slice text = text_of(json_object_get(request, "vkey"));
    return only_ok(mun_vkey_parse(&crypto, text, &name, &type, &key, NULL) == MUN_OK);
}

static json_t *answer_cose_key(const json_t *request)
{
    mun_slice bytes, kid;
    mun_public_key key;
    if (!hex_member(request, "cose_key", &bytes)) return wrong("cose_key");
    if (mun_cose_key_parse(bytes, &key, &kid, NULL) != MUN_OK) return only_ok(false);
    uint8_t thumbprint[MUN_HASH_SIZE];
    mun_key_thumbprint(&crypto, &key, thumbprint);
    mun_buf *uri = new_buffer(), *did = new_buffer();
    mun_key_thumbprint_uri(&crypto, &key, uri);
    json_t *answer = only_ok(true);
    set_hex(answer, "thumbprint", mun_slice_of(thumbprint, sizeof thumbprint));
    set_text(answer, "uri", uri);
    if (mun_did_key_write(&key, did, NULL) == MUN_OK)
        set_text(answer, "did", did);
    else
        json_object_set_new(answer, "did", json_null());
    return answer;
}

static json_t *answer_certificate(const json_t *request)
{
    mun_slice der;
    mun_public_key key;
    if (!hex_member(request, "certificate", &der)) return wrong("certificate");
    if (mun_certificate_key(der, &key, NULL) != MUN_OK) return only_ok(false);
    mun_buf *cose = new_buffer();
    mun_cose_key_write(&key, (mun_slice){0}, 0, cose);
    json_t *answer = only_ok(true);
    set_hex(answer, "key", mun_buf_slice(cose));
    return answer;
}

static json_t *answer_ledger_pub(const json_t *request)
{
    mun_slice bytes;
    mun_ledger_pub pub;
    if (!hex_member(request, "ledger_pub", &bytes)) return wrong("ledger_pub");
    if (mun_ledger_pub_parse(&crypto, bytes, &pub, NULL) != MUN_OK) return only_ok(false);
    mun_buf *words = new_buffer();
    mun_ledger_fingerprint(&crypto, &pub, words);
    json_t *answer = only_ok(true);
    set_text(answer, "words", words);
    return answer;
}

static json_t *answer_origin(const json_t *request)
{
    mun_slice origin;
    if (!hex_member(request, "origin", &origin)) return wrong("origin");
    return only_ok(mun_origin_valid(origin));
}

static json_t *answer_signature(const json_t *request)
{
    mun_slice signature, message;
    mun_public_key key;
    int32_t alg = (int32_t)json_integer_value(json_object_get(request, "alg"));
    if (!hex_member(request, "signature", &signature) ||
        !hex_member(request, "message", &message) || !key_member(request, &key))
        return wrong("signature");
    return only_ok(mun_signature_check(&crypto, alg, &key, &message, 1, signature) == MUN_OK);
}

/* ---- the loop --------------------------------------------------------------------------------*/

static const struct {
    const char *member;
    json_t *(*answer)(const json_t *request);
} questions[] = {
    {"evidence", answer_evidence},
    {"cbor", answer_cbor},
    {"statement", answer_statement},
    {"receipt", answer_receipt},
    {"receipt_leaf", answer_receipt_leaf},
    {"receipt_old", answer_receipt_old},
    {"checkpoint", answer_checkpoint},
    {"note", answer_note},
    {"proof", answer_proof},
    {"vkey", answer_vkey},
    {"cose_key", answer_cose_key},
    {"certificate", answer_certificate},
    {"ledger_pub", answer_ledger_pub},
    {"signature", answer_signature},
    {"origin", answer_origin},
};

static json_t *answer(const json_t *request)
{
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (json_object_get(request, questions[i].member) != NULL)
            return questions[i].answer(request);
    return json_pack("{s:b}", "unsupported", 1);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    mun_error err = {0};
    if (mun_native_crypto_new(&crypto, &err) != MUN_OK) {
        fprintf(stderr, "verify_batch: %s\n", err.text);
        return 5;
    }
    while ((len = getline(&line, &cap, stdin)) > 0) {
        json_t *request = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
        json_t *reply = request == NULL ? wrong("json") : answer(request);
        if (json_dumpf(reply, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF) return 5;
        json_decref(reply);
        json_decref(request);
        free_buffers();
    }
    free(line);
    mun_native_crypto_free(&crypto);
    return fflush(stdout) == 0 ? 0 : 5;
}

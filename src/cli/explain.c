/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain.h"

#include "cli/entry_text.h"
#include "cli/key_text.h"

#include <string.h>

#define TLOG_PROOF_START "c2sp.org/tlog-proof@"

static void put_leaf(const mun_app *app, json_t *object, const mun_statement *statement)
{
    uint8_t leaf[MUN_HASH_SIZE];
    mun_statement_leaf(&app->crypto, statement, leaf);
    mun_out_hex(object, "leaf", mun_slice_of(leaf, sizeof leaf));
}

/* ---- Receipts ---- */

static json_t *receipt_object(const mun_receipt *r)
{
    char alg[24];
    json_t *object = mun_out_new(r->is_consistency ? "consistency-receipt" : "receipt");
    if (r->iss.len > 0) mun_out_text(object, "ledger", r->iss);
    if (r->sub.len > 0) mun_out_text(object, "subject", r->sub);
    if (r->have_iat && r->iat >= 0) mun_out_time(object, "registered", (uint64_t)r->iat * 1000);
    mun_out_cstr(object, "alg", mun_alg_text(r->alg, alg));
    if (r->have_kid) mun_out_hex(object, "kid", r->kid);
    json_t *proofs = json_array();
    for (size_t i = 0; i < r->proofs_len; i++) {
        json_t *proof = json_object();
        mun_out_uint(proof, r->is_consistency ? "old_size" : "tree_size_not_signed",
                     r->proofs[i].size);
        mun_out_uint(proof, r->is_consistency ? "new_size" : "index_not_signed",
                     r->proofs[i].index_or_new);
        json_array_append_new(proofs, proof);
    }
    mun_out_put(object, "proofs", proofs);
    return object;
}

static json_t *receipt_or_why(mun_slice bytes)
{
    mun_receipt receipt;
    mun_error why;
    if (mun_receipt_parse(bytes, &receipt, &why) == MUN_OK) return receipt_object(&receipt);
    json_t *object = mun_out_new("unreadable-receipt");
    mun_out_cstr(object, "why", MUN_PLAIN(mun_slice_cstr(why.text)));
    return object;
}

/* ---- Checkpoints and tlog-proofs ---- */

static json_t *checkpoint_object(const mun_note *note, const mun_checkpoint *checkpoint)
{
    json_t *object = mun_out_new("checkpoint");
    mun_out_text(object, "origin", checkpoint->origin);
    mun_out_uint(object, "size", checkpoint->size);
    mun_out_hex(object, "root", mun_slice_of(checkpoint->root, sizeof checkpoint->root));
    json_t *signatures = json_array();
    for (size_t i = 0; i < note->signatures_len; i++) {
        const mun_note_signature *s = &note->signatures[i];
        json_t *signature = json_object();
        mun_out_text(signature, "name", s->name);
        mun_out_hex(signature, "key_id", mun_slice_of(s->key_id, sizeof s->key_id));
        json_array_append_new(signatures, signature);
    }
    mun_out_put(object, "signatures", signatures);
    return object;
}

static mun_code explain_checkpoint(mun_slice bytes, json_t **ret, mun_error *err)
{
    mun_note note;
    mun_checkpoint checkpoint;
    MUN_TRY(mun_note_parse(bytes, &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &checkpoint, err));
    *ret = checkpoint_object(&note, &checkpoint);
    return MUN_OK;
}

static mun_code explain_proof(mun_slice bytes, json_t **ret, mun_error *err)
{
    mun_tlog_proof proof;
    json_t *checkpoint;
    MUN_TRY(mun_tlog_proof_parse(bytes, &proof, err));
    MUN_TRY(explain_checkpoint(proof.note, &checkpoint, err));
    json_t *object = mun_out_new("tlog-proof");
    mun_out_uint(object, "index", proof.index);
    mun_out_uint(object, "path_length", proof.path_len);
    mun_out_put(object, "checkpoint", checkpoint);
    *ret = object;
    return MUN_OK;
}

static json_t *proof_or_why(mun_slice bytes)
{
    json_t *object;
    mun_error why;
    if (explain_proof(bytes, &object, &why) == MUN_OK) return object;
    object = mun_out_new("unreadable-tlog-proof");
    mun_out_cstr(object, "why", MUN_PLAIN(mun_slice_cstr(why.text)));
    return object;
}

/* ---- Statements and evidence ---- */

static json_t *statement_object(const mun_app *app, const mun_statement *s)
{
    bool evidence = s->receipts_len > 0 || s->proofs_len > 0;
    json_t *object = mun_out_new(evidence ? "evidence" : "statement");
    mun_out_statement(app, object, s);
    put_leaf(app, object, s);
    mun_out_uint(object, "certificates", s->x5chain_len);
    mun_out_bool(object, "brings_its_key", s->have_cnf);
    if (!evidence) return object;
    json_t *receipts = json_array(), *proofs = json_array();
    for (size_t i = 0; i < s->receipts_len; i++) {
        json_array_append_new(receipts, receipt_or_why(s->receipts[i]));
    }
    for (size_t i = 0; i < s->proofs_len; i++) {
        json_array_append_new(proofs, proof_or_why(s->proofs[i]));
    }
    mun_out_put(object, "receipts", receipts);
    mun_out_put(object, "tlog_proofs", proofs);
    return object;
}

/* COSE_Sign1: a receipt if it reads as one, else a statement, else the statement's error. */
static mun_code explain_cose(const mun_app *app, mun_slice bytes, json_t **ret, mun_error *err)
{
    mun_statement statement;
    mun_receipt receipt;
    if (mun_statement_parse(bytes, &statement, err) == MUN_OK) {
        *ret = statement_object(app, &statement);
        return MUN_OK;
    }
    if (mun_receipt_parse(bytes, &receipt, NULL) == MUN_OK) {
        *ret = receipt_object(&receipt);
        return MUN_OK;
    }
    return mun_error_prefix(err, MUN_E_MALFORMED, "a COSE message, but not one of ours");
}

static bool starts(mun_slice bytes, const char *text)
{
    return mun_slice_starts(bytes, mun_slice_cstr(text));
}

static mun_code explain_key(const mun_app *app, mun_slice bytes, json_t **ret, mun_error *err)
{
    mun_key_file file;
    MUN_TRY(mun_key_file_parse(&app->crypto, bytes, &file, err));
    json_t *object = mun_out_new(file.format == MUN_KEY_FORMAT_LEDGER_PUB ? "ledger.pub" : "key");
    mun_out_key_file(app, object, &file);
    *ret = object;
    return MUN_OK;
}

static json_t *private_object(mun_slice bytes)
{
    json_t *object = mun_out_new("private-key");
    mun_out_bool(object, "encrypted", mun_private_key_encrypted(bytes));
    mun_out_cstr(object, "note",
                 "a private key is never shown; muniment key show prints its "
                 "public half");
    return object;
}

mun_code mun_explain(const mun_app *app, mun_slice bytes, json_t **ret, mun_error *err)
{
    if (bytes.len == 0) return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the file is empty");
    if (bytes.ptr[0] == 0xd2 || (bytes.ptr[0] >> 5) == 4) return explain_cose(app, bytes, ret, err);
    if (starts(bytes, TLOG_PROOF_START)) return explain_proof(bytes, ret, err);
    if (mun_is_private_pem(bytes)) {
        *ret = private_object(bytes);
        return MUN_OK;
    }
    static const char mark[] = "\n\n\xe2\x80\x94 ";
    if (memmem(bytes.ptr, bytes.len, mark, sizeof mark - 1) != NULL) {
        return explain_checkpoint(bytes, ret, err);
    }
    return explain_key(app, bytes, ret, err);
}

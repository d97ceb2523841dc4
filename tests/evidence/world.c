/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/world.h"

#include "base/slice.h"
#include "support/cmocka_all.h"

static void statement_make(world *w, mun_slice iss)
{
    mun_slice document = MUN_LITERAL("The north field is Ann's.\n");
    w->crypto->sha256(w->crypto->ctx, &document, 1, w->digest);
    mun_statement_params p = {.iss = iss,
                              .sub = MUN_LITERAL(WORLD_SUBJECT),
                              .content_type = MUN_LITERAL("text/plain"),
                              .with_iat = true,
                              .iat = WORLD_SIGNED,
                              .payload = mun_slice_of(w->digest, MUN_HASH_SIZE),
                              .hash_alg = MUN_HASH_SHA256};
    mun_buf buf = mun_buf_fixed(w->statement_bytes, sizeof w->statement_bytes);
    assert_int_equal(mun_statement_sign(&p, w->issuer, &buf, NULL), MUN_OK);
    w->statement = mun_buf_slice(&buf);
}

void world_make(world *w, const char *iss)
{
    w->buf = mun_buf_fixed(w->store, sizeof w->store);
    statement_make(w, mun_slice_cstr(iss == NULL ? WORLD_ISSUER : iss));
    mun_statement s;
    assert_int_equal(mun_statement_parse(w->statement, &s, NULL), MUN_OK);
    mun_statement_leaf(w->crypto, &s, w->leaf.bytes);
    mun_hash_leaf(w->crypto, MUN_LITERAL("genesis"), &w->sibling);
    mun_hash_node(w->crypto, &w->sibling, &w->leaf, &w->root);
}

mun_receipt_params world_receipt_params(const world *w)
{
    mun_receipt_params p = {.iss = MUN_LITERAL(WORLD_ORIGIN),
                            .sub = MUN_LITERAL(WORLD_SUBJECT),
                            .iat = WORLD_TIME,
                            .size = 2,
                            .index = 1,
                            .path = w->sibling.bytes,
                            .path_len = 1};
    memcpy(p.root, w->root.bytes, MUN_HASH_SIZE);
    memcpy(p.leaf, w->leaf.bytes, MUN_HASH_SIZE);
    return p;
}

static mun_slice since(const world *w, size_t start)
{
    assert_true(mun_buf_ok(&w->buf));
    return mun_slice_of(w->store + start, w->buf.len - start);
}

mun_slice world_receipt(world *w, const mun_receipt_params *params, const mun_signer *signer)
{
    size_t start = w->buf.len;
    assert_int_equal(mun_receipt_sign(params, signer, &w->buf, NULL), MUN_OK);
    return since(w, start);
}

mun_slice world_proof(world *w, size_t witnesses, uint64_t time)
{
    static const char *const names[] = {WORLD_W1, WORLD_W2};
    mun_checkpoint c = {.origin = MUN_LITERAL(WORLD_ORIGIN), .size = 2};
    memcpy(c.root, w->root.bytes, MUN_HASH_SIZE);
    uint8_t text_bytes[256], note_bytes[2048];
    mun_buf text = mun_buf_fixed(text_bytes, sizeof text_bytes);
    mun_buf note = mun_buf_fixed(note_bytes, sizeof note_bytes);
    mun_checkpoint_text(&c, &text);
    assert_int_equal(mun_checkpoint_sign(w->crypto, &c, w->checkpoints, &note, NULL), MUN_OK);
    for (size_t i = 0; i < witnesses; i++)
        assert_int_equal(mun_cosignature_sign(w->crypto, mun_buf_slice(&text),
                                              mun_slice_cstr(names[i]), time + i, w->witness[i],
                                              &note, NULL),
                         MUN_OK);
    mun_tlog_proof proof = {.index = 1, .path_len = 1, .note = mun_buf_slice(&note)};
    memcpy(proof.path[0], w->sibling.bytes, MUN_HASH_SIZE);
    size_t start = w->buf.len;
    mun_tlog_proof_write(&proof, &w->buf);
    return since(w, start);
}

mun_slice world_evidence(world *w, const mun_slice *receipts, size_t receipts_len,
                         const mun_slice *proofs, size_t proofs_len)
{
    mun_statement s;
    assert_int_equal(mun_statement_parse(w->statement, &s, NULL), MUN_OK);
    size_t start = w->buf.len;
    assert_int_equal(
        mun_evidence_write(&s, receipts, receipts_len, proofs, proofs_len, &w->buf, NULL), MUN_OK);
    return since(w, start);
}

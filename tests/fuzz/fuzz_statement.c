/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a statement: what is accepted has an entry that is accepted, too, with the same leaf
 * hash; and an evidence file made of its parts gives the parts back. */
#include "evidence/fake_crypto.h"
#include "fuzz/fuzz_need.h"

#include "base/slice.h"

static uint8_t entry_store[MUN_STATEMENT_MAX], evidence_store[MUN_EVIDENCE_MAX];

static void entry_check(const mun_crypto *crypto, const mun_statement *s)
{
    mun_buf entry = mun_buf_fixed(entry_store, sizeof entry_store);
    if (mun_statement_entry(s, &entry, NULL) != MUN_OK) return;
    mun_statement again;
    uint8_t leaf[MUN_HASH_SIZE], leaf_again[MUN_HASH_SIZE];
    need(mun_statement_parse(mun_buf_slice(&entry), &again, NULL) == MUN_OK);
    need(mun_slice_equal(s->protected_bytes, again.protected_bytes));
    need(again.receipts_len == 0 && again.proofs_len == 0);
    mun_statement_leaf(crypto, s, leaf);
    mun_statement_leaf(crypto, &again, leaf_again);
    need(memcmp(leaf, leaf_again, sizeof leaf) == 0);
}

static void evidence_check(const mun_statement *s)
{
    mun_buf evidence = mun_buf_fixed(evidence_store, sizeof evidence_store);
    if (mun_evidence_write(s, s->receipts, s->receipts_len, s->proofs, s->proofs_len, &evidence,
                           NULL) != MUN_OK)
        return;
    mun_statement again;
    need(mun_statement_parse(mun_buf_slice(&evidence), &again, NULL) == MUN_OK);
    need(again.receipts_len == s->receipts_len && again.proofs_len == s->proofs_len);
    for (size_t i = 0; i < s->receipts_len; i++)
        need(mun_slice_equal(s->receipts[i], again.receipts[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_statement s;
    mun_error err;
    mun_slice bytes = {data, size};
    if (mun_statement_parse(bytes, &s, &err) != MUN_OK) {
        need(err.rule[0] != '\0' && err.text[0] != '\0');
        need(err.offset == MUN_NO_OFFSET || err.offset <= size);
        return 0;
    }
    entry_check(&crypto, &s);
    evidence_check(&s);
    mun_public_key key;
    if (mun_statement_self_key(&crypto, &s, &key, NULL) == MUN_OK)
        (void)!mun_statement_check(&crypto, &s, &key, NULL);
    (void)mun_statement_document_hash(&s);
    return 0;
}

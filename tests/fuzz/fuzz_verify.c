/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an evidence file, verified with and without trust: a report whose sentences are
 * whole, whose verdict follows from its checks, and which is the same the second time. */
#include "codec/utf8.h"
#include "evidence/fake_crypto.h"
#include "fuzz/fuzz_need.h"

#include "base/slice.h"

#define KEYS 5

static mun_trusted_key keys[KEYS];
static fake_crypto fake;

/* The keys of tests/evidence/test_verify.c, where the seeds come from. */
static void keys_fill(bool trusted)
{
    static const struct {
        mun_role role;
        const char *name;
        int32_t alg;
    } rows[KEYS] = {{MUN_ROLE_ISSUER, "https://issuer.example", MUN_ALG_ES256},
                    {MUN_ROLE_LEDGER, "ledger.example/deeds", MUN_ALG_ES256},
                    {MUN_ROLE_LEDGER, "ledger.example/deeds", MUN_ALG_EDDSA},
                    {MUN_ROLE_WITNESS, "witness.example/w1", MUN_ALG_EDDSA},
                    {MUN_ROLE_WITNESS, "witness.example/w2", MUN_ALG_EDDSA}};
    for (uint8_t i = 0; i < KEYS; i++) {
        mun_signer signer = fake_signer(&fake, rows[i].alg, (uint8_t)(i + 1));
        keys[i] = fake_trust(rows[i].role, rows[i].name, &signer, trusted);
    }
}

static void sentence_check(const char sentence[MUN_SENTENCE_MAX])
{
    mun_slice text = mun_slice_cstr(sentence);
    need(text.len > 0 && text.len < MUN_SENTENCE_MAX && mun_utf8_valid(text));
    for (size_t i = 0; i < text.len; i++) need(text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f);
}

static void report_check(const mun_report *report)
{
    bool failed = false;
    for (size_t i = 0; i < MUN_CHECKS; i++) {
        sentence_check(report->checks[i].sentence);
        need(mun_check_name((mun_check_id)i)[0] != '\0');
        need(mun_check_result_name(report->checks[i].result)[0] != 'u' ||
             report->checks[i].result == MUN_RESULT_UNCHECKED);
        failed = failed || report->checks[i].result == MUN_RESULT_FAIL;
    }
    sentence_check(report->summary);
    need(failed == (report->verdict == 1));
    need(report->verdict != 0 || (report->checks[MUN_CHECK_ISSUER].result == MUN_RESULT_PASS &&
                                  report->checks[MUN_CHECK_LEDGER].result == MUN_RESULT_PASS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_crypto crypto = fake_table(&fake);
    static const uint8_t digest[MUN_HASH_SIZE];
    static mun_report first, second;
    for (unsigned mode = 0; mode < 4; mode++) {
        keys_fill((mode & 1) != 0);
        mun_verify_input input = {.evidence = {data, size},
                                  .have_document = (mode & 2) != 0,
                                  .document_digest = mun_slice_of(digest, sizeof digest),
                                  .keys = keys,
                                  .keys_len = mode == 0 ? 0 : KEYS};
        if (mun_verify(&crypto, &input, &first, NULL, NULL) != MUN_OK) return 0;
        need(mun_verify(&crypto, &input, &second, NULL, NULL) == MUN_OK);
        for (size_t i = 0; i < MUN_CHECKS; i++)
            need(first.checks[i].result == second.checks[i].result);
        need(first.verdict == second.verdict);
        need(mode >= 2 || first.verdict != 0 || (mode & 1) != 0);
        report_check(&first);
    }
    return 0;
}

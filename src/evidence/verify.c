/* SPDX-License-Identifier: Apache-2.0 */
/* The one verification routine: eight checks, one verdict (docs/format/verification.md). */
#include "evidence/verify.h"

#include "base/error.h"

static const char *const check_names[MUN_CHECKS] = {
    [MUN_CHECK_DOCUMENT] = "document",
    [MUN_CHECK_STATEMENT_SIGNATURE] = "statement-signature",
    [MUN_CHECK_ISSUER] = "issuer",
    [MUN_CHECK_RECEIPT_SIGNATURE] = "receipt-signature",
    [MUN_CHECK_INCLUSION] = "inclusion",
    [MUN_CHECK_LEDGER] = "ledger",
    [MUN_CHECK_COSIGNATURES] = "cosignatures",
    [MUN_CHECK_TIMES] = "times",
};

static const char *const result_names[] = {
    [MUN_RESULT_PASS] = "pass",           [MUN_RESULT_FAIL] = "fail",
    [MUN_RESULT_UNCHECKED] = "unchecked", [MUN_RESULT_WARNING] = "warning",
    [MUN_RESULT_ABSENT] = "absent",
};

const char *mun_check_name(mun_check_id id)
{
    return (size_t)id < MUN_CHECKS ? check_names[id] : "unknown";
}

const char *mun_check_result_name(mun_check_result r)
{
    return (size_t)r < sizeof result_names / sizeof result_names[0] ? result_names[r] : "unknown";
}

static bool is_good(const mun_report *report, mun_check_id id)
{
    mun_check_result result = report->checks[id].result;
    return result == MUN_RESULT_PASS || result == MUN_RESULT_WARNING;
}

static bool is_pass(const mun_report *report, mun_check_id id)
{
    return report->checks[id].result == MUN_RESULT_PASS;
}

/* [VER-14]. */
static int verdict_of(const mun_report *report, bool have_document)
{
    for (mun_check_id id = 0; id < MUN_CHECKS; id++)
        if (report->checks[id].result == MUN_RESULT_FAIL) return 1;
    bool complete = is_pass(report, MUN_CHECK_STATEMENT_SIGNATURE) &&
                    is_pass(report, MUN_CHECK_ISSUER) &&
                    is_good(report, MUN_CHECK_RECEIPT_SIGNATURE) &&
                    is_good(report, MUN_CHECK_INCLUSION) && is_pass(report, MUN_CHECK_LEDGER) &&
                    (!have_document || is_pass(report, MUN_CHECK_DOCUMENT));
    return complete ? 0 : 3;
}

mun_code mun_verify(const mun_crypto *crypto, const mun_verify_input *input, mun_report *ret,
                    mun_statement *ret_statement, mun_error *err)
{
    mun_statement statement;
    MUN_TRY(mun_statement_parse(input->evidence, &statement, err));
    *ret = (mun_report){0};
    mun_verification v = {.crypto = crypto, .input = input, .statement = &statement, .report = ret};
    mun_statement_leaf(crypto, &statement, v.leaf.bytes);
    memcpy(ret->leaf, v.leaf.bytes, MUN_HASH_SIZE);
    mun_judge_document(&v);
    mun_judge_statement(&v);
    mun_judge_receipts(&v);
    mun_judge_proofs(&v);
    mun_judge_times(&v);
    ret->verdict = verdict_of(ret, input->have_document);
    mun_report_words(&v);
    if (ret_statement != NULL) *ret_statement = statement;
    return MUN_OK;
}

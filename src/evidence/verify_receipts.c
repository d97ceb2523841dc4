/* SPDX-License-Identifier: Apache-2.0 */
/* Checks 4 to 6: receipt-signature, inclusion, ledger [VER-8]. */
#include "base/slice.h"
#include "evidence/receipt.h"
#include "evidence/verify.h"

/* What judge() of the format document gives. */
typedef struct judgement {
    mun_check_result signature, inclusion, ledger;
} judgement;

static const judgement wrong = {MUN_RESULT_FAIL, MUN_RESULT_UNCHECKED, MUN_RESULT_UNCHECKED};
static const judgement broken = {MUN_RESULT_UNCHECKED, MUN_RESULT_FAIL, MUN_RESULT_UNCHECKED};
static const judgement unknown = {MUN_RESULT_UNCHECKED, MUN_RESULT_UNCHECKED, MUN_RESULT_UNCHECKED};
static const judgement good = {MUN_RESULT_PASS, MUN_RESULT_PASS, MUN_RESULT_UNCHECKED};
static const judgement trusted = {MUN_RESULT_PASS, MUN_RESULT_PASS, MUN_RESULT_PASS};

static judgement keys_try(const mun_verification *v, const mun_receipt *r, const mun_hash *root)
{
    bool any = false, any_good = false, unable = false;
    for (size_t i = 0; i < v->input->keys_len; i++) {
        const mun_trusted_key *entry = &v->input->keys[i];
        if (entry->role != MUN_ROLE_LEDGER || !mun_slice_equal(entry->name, r->iss)) continue;
        if (r->have_kid && !mun_kid_fits(v->crypto, entry, r->kid)) continue;
        any = true;
        mun_code code = mun_receipt_signature(v->crypto, r, root, &entry->key, NULL);
        if (code == MUN_OK && entry->trusted) return trusted;
        if (code == MUN_OK) any_good = true;
        if (code != MUN_OK && code != MUN_E_INVALID) unable = true;
    }
    if (any_good) return good;
    return any && r->have_kid && !unable ? wrong : unknown;
}

/* The claims are signed; they must be about this statement. */
static bool speaks_of_this(const mun_verification *v, const mun_receipt *r)
{
    if (r->sub.len > 0 && !mun_slice_equal(r->sub, v->statement->sub)) return false;
    return !r->have_leaf || memcmp(r->leaf, v->leaf.bytes, MUN_HASH_SIZE) == 0;
}

static judgement judge(mun_verification *v, mun_slice bytes, mun_receipt *r, mun_hash *root)
{
    mun_code code = mun_receipt_parse(bytes, r, NULL);
    if (code == MUN_E_UNSUPPORTED) return unknown;
    if (code != MUN_OK) return wrong;
    if (r->have_iat) v->found.receipt_times = true;
    if (r->is_consistency) return wrong;
    if (mun_receipt_fold(v->crypto, r, &v->leaf, root, NULL) != MUN_OK) return broken;
    if (!speaks_of_this(v, r)) return wrong;
    if (r->iss.len == 0) return unknown;
    return keys_try(v, r, root);
}

static void count(mun_findings *f, const judgement *j, const mun_receipt *r, const mun_hash *root)
{
    if (j->signature == MUN_RESULT_FAIL) {
        f->receipts_wrong++;
    } else if (j->inclusion == MUN_RESULT_FAIL) {
        f->receipts_broken++;
    } else if (j->signature != MUN_RESULT_PASS) {
        f->receipts_unknown++;
    } else {
        f->good[f->good_len++] = (mun_good_receipt){.iss = r->iss,
                                                    .root = *root,
                                                    .trusted = j->ledger == MUN_RESULT_PASS,
                                                    .have_time = r->have_leaf && r->have_iat,
                                                    .time = r->iat};
    }
}

/* Trust weighs more than a proven time; of equals the first counts. */
static int weight(const mun_good_receipt *receipt)
{
    return 2 * (int)receipt->trusted + (int)receipt->have_time;
}

/* The receipt to show. */
static void facts_fill(mun_verification *v)
{
    const mun_findings *f = &v->found;
    const mun_good_receipt *shown = &f->good[0];
    for (size_t i = 1; i < f->good_len; i++)
        if (weight(&f->good[i]) > weight(shown)) shown = &f->good[i];
    mun_report *report = v->report;
    report->ledger = shown->iss;
    report->have_root = true;
    memcpy(report->root, shown->root.bytes, MUN_HASH_SIZE);
    report->have_registered = shown->have_time;
    if (shown->have_time) report->registered = shown->time;
}

/* The table of [VER-8]. */
static mun_check_result combined(bool any_good, bool any_bad)
{
    if (any_good) return any_bad ? MUN_RESULT_WARNING : MUN_RESULT_PASS;
    return any_bad ? MUN_RESULT_FAIL : MUN_RESULT_UNCHECKED;
}

void mun_judge_receipts(mun_verification *v)
{
    mun_findings *f = &v->found;
    mun_check_result *signature = mun_result(v, MUN_CHECK_RECEIPT_SIGNATURE);
    mun_check_result *inclusion = mun_result(v, MUN_CHECK_INCLUSION);
    mun_check_result *ledger = mun_result(v, MUN_CHECK_LEDGER);
    *signature = *inclusion = *ledger = MUN_RESULT_ABSENT;
    if (v->statement->receipts_len == 0) return;
    bool any_trusted = false;
    for (size_t i = 0; i < v->statement->receipts_len; i++) {
        mun_receipt r;
        mun_hash root;
        judgement j = judge(v, v->statement->receipts[i], &r, &root);
        if (j.ledger == MUN_RESULT_PASS) any_trusted = true;
        count(f, &j, &r, &root);
    }
    *signature = combined(f->good_len > 0, f->receipts_wrong > 0);
    *inclusion = combined(f->good_len > 0, f->receipts_broken > 0);
    *ledger = any_trusted ? MUN_RESULT_PASS : MUN_RESULT_UNCHECKED;
    if (f->good_len > 0) facts_fill(v);
}

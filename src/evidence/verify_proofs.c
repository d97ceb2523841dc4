/* SPDX-License-Identifier: Apache-2.0 */
/* Check 7: cosignatures [VER-10], and check 8: times [VER-12]. */
#include "base/slice.h"
#include "evidence/verify.h"

#define DAY 86400

typedef enum proof_result { PROOF_BAD, PROOF_UNKNOWN, PROOF_GOOD } proof_result;

typedef struct proof_facts {
    mun_tlog_proof proof;
    mun_checkpoint checkpoint;
    bool log_signed;    /* by a trusted ledger key */
    unsigned witnesses; /* trusted ones that have signed */
    uint64_t earliest, latest;
} proof_facts;

/* The proof's path must lead from this statement to the checkpoint's root. */
static bool is_included(const mun_verification *v, const proof_facts *p)
{
    mun_hash root;
    if (mun_inclusion_fold(v->crypto, p->proof.index, p->checkpoint.size, &v->leaf,
                           (const mun_hash *)p->proof.path, p->proof.path_len, &root) != MUN_OK)
        return false;
    return memcmp(root.bytes, p->checkpoint.root, MUN_HASH_SIZE) == 0;
}

/* For Ed25519 keys, the only ones that sign notes: x is all of them. */
static bool keys_equal(const mun_public_key *a, const mun_public_key *b)
{
    return a->kty == b->kty && a->crv == b->crv && a->x_len == b->x_len &&
           memcmp(a->x, b->x, a->x_len) == 0;
}

/* Whether the same trusted witness stands earlier in the list: it counts once. */
static bool is_repeated(const mun_verification *v, size_t i)
{
    const mun_trusted_key *keys = v->input->keys;
    for (size_t j = 0; j < i; j++)
        if (keys[j].role == keys[i].role && keys[j].trusted &&
            mun_slice_equal(keys[j].name, keys[i].name) && keys_equal(&keys[j].key, &keys[i].key))
            return true;
    return false;
}

static void witness_count(proof_facts *p, uint64_t time)
{
    if (p->witnesses == 0 || time < p->earliest) p->earliest = time;
    if (p->witnesses == 0 || time > p->latest) p->latest = time;
    p->witnesses++;
}

/* One trust entry against the note. False: its signature is there and wrong. */
static bool entry_try(const mun_verification *v, size_t i, const mun_note *note, proof_facts *p)
{
    const mun_trusted_key *entry = &v->input->keys[i];
    bool is_log = entry->role == MUN_ROLE_LEDGER;
    if (!is_log && entry->role != MUN_ROLE_WITNESS) return true;
    if (is_log && !mun_slice_equal(entry->name, p->checkpoint.origin)) return true;
    uint64_t time = 0;
    mun_code code =
        mun_note_check(v->crypto, note, entry->name, is_log ? MUN_VKEY_LOG : MUN_VKEY_COSIGNER,
                       &entry->key, &time, NULL);
    if (code == MUN_OK && entry->trusted && is_log) p->log_signed = true;
    if (code == MUN_OK && entry->trusted && !is_log && !is_repeated(v, i)) witness_count(p, time);
    return code != MUN_E_INVALID;
}

/* judge_proof() of the format document. */
static proof_result judge(const mun_verification *v, mun_slice text, proof_facts *p)
{
    mun_note note;
    *p = (proof_facts){0};
    if (mun_tlog_proof_parse(text, &p->proof, NULL) != MUN_OK ||
        mun_note_parse(p->proof.note, &note, NULL) != MUN_OK ||
        mun_checkpoint_parse(note.text, &p->checkpoint, NULL) != MUN_OK)
        return PROOF_BAD;
    if (!is_included(v, p)) return PROOF_BAD;
    for (size_t i = 0; i < v->input->keys_len; i++)
        if (!entry_try(v, i, &note, p)) return PROOF_BAD;
    return p->log_signed && p->witnesses > 0 ? PROOF_GOOD : PROOF_UNKNOWN;
}

static void facts_fill(mun_verification *v, const proof_facts *p)
{
    mun_report *report = v->report;
    mun_findings *f = &v->found;
    if (!report->have_position) {
        report->have_position = true;
        report->index = p->proof.index;
        report->size = p->checkpoint.size;
    }
    if (p->witnesses > report->cosignatures) report->cosignatures = p->witnesses;
    if (p->latest > report->cosigned) report->cosigned = p->latest;
    if (!f->have_first_cosigned || p->earliest < f->first_cosigned) f->first_cosigned = p->earliest;
    f->have_first_cosigned = true;
}

/* The table of [VER-10]. */
static mun_check_result combined(const mun_findings *f)
{
    if (f->proofs_good > 0) return f->proofs_bad > 0 ? MUN_RESULT_WARNING : MUN_RESULT_PASS;
    if (f->proofs_bad == 0) return MUN_RESULT_UNCHECKED;
    return f->good_len > 0 ? MUN_RESULT_WARNING : MUN_RESULT_FAIL;
}

void mun_judge_proofs(mun_verification *v)
{
    mun_check_result *result = mun_result(v, MUN_CHECK_COSIGNATURES);
    mun_findings *f = &v->found;
    *result = MUN_RESULT_ABSENT;
    if (v->statement->proofs_len == 0) return;
    for (size_t i = 0; i < v->statement->proofs_len; i++) {
        proof_facts facts;
        switch (judge(v, v->statement->proofs[i], &facts)) {
        case PROOF_BAD: f->proofs_bad++; break;
        case PROOF_UNKNOWN: f->proofs_unknown++; break;
        case PROOF_GOOD:
            f->proofs_good++;
            facts_fill(v, &facts);
            break;
        }
    }
    *result = combined(f);
}

/* R of the procedure: its least member, and whether one ledger gives two times. */
static bool registered_times(mun_findings *f, int64_t *ret_least)
{
    bool any = false;
    for (size_t i = 0; i < f->good_len; i++) {
        const mun_good_receipt *a = &f->good[i];
        if (!a->have_time) continue;
        if (!any || a->time < *ret_least) *ret_least = a->time;
        any = true;
        for (size_t j = 0; j < i; j++) {
            const mun_good_receipt *b = &f->good[j];
            if (b->have_time && b->time != a->time && mun_slice_equal(a->iss, b->iss))
                f->times_differ = true;
        }
    }
    return any;
}

void mun_judge_times(mun_verification *v)
{
    mun_check_result *result = mun_result(v, MUN_CHECK_TIMES);
    mun_findings *f = &v->found;
    const mun_statement *s = v->statement;
    int64_t least = 0;
    if (!registered_times(f, &least)) {
        bool any = s->have_iat || f->receipt_times || f->have_first_cosigned;
        *result = any ? MUN_RESULT_UNCHECKED : MUN_RESULT_ABSENT;
        return;
    }
    bool signed_time =
        s->have_iat && *mun_result(v, MUN_CHECK_STATEMENT_SIGNATURE) == MUN_RESULT_PASS;
    f->issuer_late = signed_time && s->iat > least + DAY;
    f->witness_early = f->have_first_cosigned && f->first_cosigned + DAY < (uint64_t)least;
    bool odd = f->times_differ || f->issuer_late || f->witness_early;
    *result = odd ? MUN_RESULT_WARNING : MUN_RESULT_PASS;
}

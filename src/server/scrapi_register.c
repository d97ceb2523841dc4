/* SPDX-License-Identifier: Apache-2.0 */
/* POST /entries: several requests for one ledger, registered by one call. */
#include "server/scrapi.h"

#include "server/backend.h"
#include "server/media_type.h"
#include "server/metrics.h"
#include "server/negotiate.h"
#include "server/problem.h"
#include "server/served.h"
#include "server/service.h"

/* ---- The first look: what needs no ledger ---------------------------------------------------- */

static const char *const offered[] = {MUN_TYPE_COSE, MUN_TYPE_RECEIPT, NULL};

static bool first_look(const mun_request *request, mun_response *response)
{
    if (!mun_media_is_statement(request->fields[MUN_FIELD_CONTENT_TYPE])) {
        mun_problem(request, response, 415, MUN_TITLE_MEDIA,
                    "a signed statement is sent as application/cose or "
                    "application/scitt-statement+cose");
        return false;
    }
    if (!mun_media_is_plain(request->fields[MUN_FIELD_CONTENT_ENCODING])) {
        mun_problem(request, response, 415, MUN_TITLE_MEDIA,
                    "a signed statement is sent without a content coding");
        response->only_plain = true;
        return false;
    }
    response->content_type = mun_negotiate_type(request->fields[MUN_FIELD_ACCEPT], offered);
    if (response->content_type == NULL) {
        mun_problem(request, response, 406, MUN_TITLE_ACCEPT,
                    "a receipt can be had as application/cose or application/scitt-receipt+cose");
        return false;
    }
    return true;
}

static void look_at_all(mun_turn *turn)
{
    turn->len = 0;
    for (size_t i = 0; i < turn->n; i++) {
        const mun_register_job *job = turn->job[i];
        if (!first_look(job->request, job->response)) continue;
        turn->at[turn->len] = i;
        turn->statement[turn->len] = job->request->body;
        turn->pending[turn->len] = false;
        turn->receipt[turn->len] = job->response->body;
        turn->len++;
    }
}

/* ---- The call -------------------------------------------------------------------------------- */

static mun_code may_register(mun_served *served, const mun_ledger *ledger, mun_error *err)
{
    if (mun_served_options_of(served)->read_only || mun_ledger_is_copy(ledger)) {
        return mun_fail_rule(err, MUN_E_REFUSED, MUN_RULE_COPY, MUN_NO_OFFSET,
                             "this ledger only reads here: register at the original");
    }
    return mun_served_may_write(served, err);
}

static mun_code submit(const mun_served *served, mun_ledger *ledger, mun_turn *turn, mun_error *err)
{
    const mun_backend *backend = mun_served_options_of(served)->backend;
    if (backend == NULL) {
        return mun_ledger_register(ledger, turn->statement, turn->len, turn->result, turn->receipt,
                                   err);
    }
    return backend->submit(backend->ctx, ledger, turn->statement, turn->len, turn->result,
                           turn->pending, turn->receipt, err);
}

/* ---- The answers ----------------------------------------------------------------------------- */

static void answer_registered(const mun_register_job *job, const mun_registration *result,
                              bool pending, unsigned retry_after)
{
    mun_response *response = job->response;
    mun_scrapi_location(result->leaf, response->location);
    response->vary = "Accept";
    response->status = pending ? 202 : 201;
    if (!pending) {
        response->entry = result->index;
        return;
    }
    response->content_type = NULL;
    response->retry_after = retry_after;
}

static void answer(const mun_served *served, const mun_turn *turn, size_t i)
{
    const mun_register_job *job = turn->job[turn->at[i]];
    const mun_registration *result = &turn->result[i];
    const mun_backend *backend = mun_served_options_of(served)->backend;
    job->response->body = turn->receipt[i];
    if (result->code != MUN_OK) {
        mun_problem_refusal(job->request, job->response, &result->error);
        return;
    }
    answer_registered(job, result, turn->pending[i], backend == NULL ? 0 : backend->retry_seconds);
}

static void answer_failure(const mun_turn *turn, const mun_error *why)
{
    for (size_t i = 0; i < turn->len; i++) {
        const mun_register_job *job = turn->job[turn->at[i]];
        job->response->body = turn->receipt[i];
        mun_problem_error(job->request, job->response, why);
    }
}

/* ---- Counting -------------------------------------------------------------------------------- */

typedef struct tally {
    uint64_t fresh, known, refused;
    mun_code worst; /* of what concerns the ledger and not the statement */
    bool tried;     /* the ledger was asked: what came of it says something about it */
} tally;

bool mun_scrapi_is_fault(mun_code code)
{
    return code == MUN_E_FAILED || code == MUN_E_IO || code == MUN_E_NO_SPACE ||
           code == MUN_E_DAMAGED;
}

static void tally_add(tally *t, const mun_registration *result, bool pending)
{
    mun_code code = result->code;
    if (pending) return;
    if (code == MUN_OK) {
        *(result->existed ? &t->known : &t->fresh) += 1;
    } else if (mun_scrapi_is_fault(code)) {
        t->worst = code;
    } else {
        t->refused++;
    }
}

static tally tally_of(const mun_turn *turn)
{
    tally t = {.worst = MUN_OK};
    for (size_t i = 0; i < turn->len; i++) tally_add(&t, &turn->result[i], turn->pending[i]);
    return t;
}

static void tally_tell(const tally *t, mun_metrics *metrics)
{
    if (t->fresh > 0) mun_metrics_count(metrics, MUN_COUNT_REGISTERED, t->fresh);
    if (t->known > 0) mun_metrics_count(metrics, MUN_COUNT_DUPLICATES, t->known);
    if (t->refused > 0) mun_metrics_count(metrics, MUN_COUNT_REFUSED, t->refused);
}

/* ---- A turn ---------------------------------------------------------------------------------- */

static mun_code run(mun_served *served, mun_turn *turn, mun_ledger **ret_ledger, tally *ret_tally,
                    mun_error *err)
{
    MUN_TRY(mun_served_use(served, true, ret_ledger, err));
    MUN_TRY(may_register(served, *ret_ledger, err));
    ret_tally->tried = true;
    MUN_TRY(submit(served, *ret_ledger, turn, err));
    for (size_t i = 0; i < turn->len; i++) answer(served, turn, i);
    *ret_tally = tally_of(turn);
    return MUN_OK;
}

/* The clients first: closing a ledger whose write failed, or waking streams, can wait. */
void mun_scrapi_register(mun_served *served, mun_turn *turn)
{
    mun_ledger *ledger = NULL;
    mun_error why = {0};
    tally t = {.worst = MUN_OK};
    mun_code code = MUN_OK;
    look_at_all(turn);
    if (turn->len > 0) code = run(served, turn, &ledger, &t, &why);
    if (code != MUN_OK) {
        answer_failure(turn, &why);
        if (t.tried) t.worst = code;
    } else if (turn->len > 0) {
        tally_tell(&t, turn->job[0]->request->service->metrics);
    }
    for (size_t i = 0; i < turn->n; i++) turn->job[i]->done(turn->job[i]->ctx);
    if (ledger == NULL) return;
    if (t.fresh > 0) mun_served_wrote(served);
    mun_served_done(served, ledger, mun_served_write_result(t.worst));
    if (t.fresh > 0) mun_served_grew(served);
}

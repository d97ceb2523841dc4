/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the handlers of the reading interface share: borrowing the ledger, answering errors, naming
 * things in URLs, and lists of their own (docs/api/README.md says what each answers).
 *
 * Ownership: a mun_api_call borrows request, response and the open ledger while it runs.
 * Threads: each call on one; several at once.
 */
#ifndef MUN_SERVER_API_H
#define MUN_SERVER_API_H

#include "server/api_json.h"
#include "server/response.h"
#include "server/route.h"

#define MUN_CHECKPOINT_TEXT_MAX 4096

typedef struct mun_api_call {
    const mun_request *request;
    mun_response *response;
    mun_ledger *ledger;
} mun_api_call;

typedef mun_code (*mun_api_run)(mun_api_call *call, mun_error *err);

/* Borrows the ledger, runs, gives it back; an error becomes a problem. */
void mun_api_answer(const mun_request *request, mun_response *response, mun_api_run run);

/* Crypto tables for one call; building one costs more than using it. */
MUN_MUST mun_code mun_api_crypto_take(mun_crypto **ret, mun_error *err);
void mun_api_crypto_give(mun_crypto *crypto); /* accepts NULL */

/* Whether shared caches may keep the answer: it was given without a token or certificate. */
bool mun_api_is_public(const mun_request *request);
/* "immutable" for caches: public where anyone may read it, else for the client's own. */
const char *mun_api_for_ever(const mun_request *request);
/* For what grows: C2SP's "a few seconds". */
const char *mun_api_for_a_moment(const mun_request *request);
/* The type to answer with among these (negotiate.h), and Vary; NULL: 406 was answered. */
const char *mun_api_type(mun_api_call *call, const char *const *offered);
/* An index in a path: MUN_E_USAGE when it is no number, MUN_E_NOT_FOUND when it is not there yet.
 */
MUN_MUST mun_code mun_api_index(const mun_api_call *call, mun_slice text, uint64_t *ret,
                                mun_error *err);
/* The last word about a body that was written as JSON: MUN_E_LIMIT when it did not fit. */
MUN_MUST mun_code mun_api_json_done(mun_api_call *call, const char *cache_control, mun_error *err);

/* As text: where the service is reached, the ledger's base, and this path below it. */
void mun_api_url_put(const mun_request *request, mun_buf *out, const char *path, mun_slice rest);
/* The signed checkpoint and its size; a copy that has none gives an empty text and the size. */
MUN_MUST mun_code mun_api_checkpoint(mun_ledger *ledger, mun_buf *ret_text, uint64_t *ret_size,
                                     mun_error *err);
/* "checkpoint": the text, or null. */
void mun_api_checkpoint_put(mun_reply *json, mun_slice text);
const char *mun_api_alg_text(int32_t alg, char room[24]);

/* Handlers. */
void mun_api_describe(const mun_request *request, mun_response *response);
void mun_api_issuers(const mun_request *request, mun_response *response);
void mun_api_find(const mun_request *request, mun_response *response);
void mun_api_entry(const mun_request *request, mun_response *response);
void mun_api_statement(const mun_request *request, mun_response *response);
void mun_api_receipt(const mun_request *request, mun_response *response);
void mun_api_evidence(const mun_request *request, mun_response *response);
void mun_api_inclusion(const mun_request *request, mun_response *response);
void mun_api_consistency(const mun_request *request, mun_response *response);
void mun_api_document(const mun_request *request, mun_response *response);
void mun_api_document_statement(const mun_request *request, mun_response *response);
void mun_api_document_receipt(const mun_request *request, mun_response *response);
void mun_api_document_evidence(const mun_request *request, mun_response *response);
void mun_api_commits(const mun_request *request, mun_response *response);
void mun_api_events(const mun_request *request, mun_response *response);
void mun_api_openapi(const mun_request *request, mun_response *response);

/* What an index is answered with, shared by /v1/entries and /v1/documents. */
MUN_MUST mun_code mun_api_give_entry(mun_api_call *call, uint64_t index, mun_error *err);
MUN_MUST mun_code mun_api_give_statement(mun_api_call *call, uint64_t index, mun_error *err);
MUN_MUST mun_code mun_api_give_receipt(mun_api_call *call, uint64_t index, mun_error *err);
MUN_MUST mun_code mun_api_give_evidence(mun_api_call *call, uint64_t index, mun_error *err);

#endif

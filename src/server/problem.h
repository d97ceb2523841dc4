/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals as bodies: RFC 9457 problem JSON under /v1, /healthz, /readyz and /metrics, RFC 9290
 * concise problem details (CBOR) with SCRAPI's titles everywhere else (issue of every 4xx and 5xx,
 * so also an unrouted path). Detail never holds a payload or a secret.
 *
 * Threads: no shared state.
 */
#ifndef MUN_SERVER_PROBLEM_H
#define MUN_SERVER_PROBLEM_H

#include "server/response.h"

/* SCRAPI draft-11, the titles that clients know. */
#define MUN_TITLE_MALFORMED "Malformed request"
#define MUN_TITLE_ALGORITHM "Bad Signature Algorithm"
#define MUN_TITLE_PAYLOAD   "Payload Missing"
#define MUN_TITLE_CNF       "Confirmation Missing" /* no key in cnf, where one is needed */
#define MUN_TITLE_REJECTED  "Rejected"
#define MUN_TITLE_LOCATOR   "Invalid locator"
#define MUN_TITLE_NO_KEY    "No such key"
#define MUN_TITLE_NOT_FOUND "Not Found"
#define MUN_TITLE_FAILED    "Registration Failed"
#define MUN_TITLE_TOO_MANY  "Too Many Requests"
/* Ours. */
#define MUN_TITLE_BUSY         "Service Unavailable"
#define MUN_TITLE_METHOD       "Method Not Allowed"
#define MUN_TITLE_MEDIA        "Unsupported Media Type"
#define MUN_TITLE_ACCEPT       "Not Acceptable"
#define MUN_TITLE_CONDITION    "Precondition Failed"
#define MUN_TITLE_TOO_LARGE    "Content Too Large"
#define MUN_TITLE_UNAUTHORIZED "Unauthorized"
#define MUN_TITLE_FORBIDDEN    "Forbidden"
#define MUN_TITLE_COPY         "Read-Only Copy"
#define MUN_TITLE_PENDING      "Pending" /* in a batch's results only */
#define MUN_TITLE_FULL         "Insufficient Storage"
#define MUN_TITLE_INTERNAL     "Internal Error"

/* The rule of a mun_error that says that a ledger only reads here: 403 with MUN_TITLE_COPY. SCRAPI
 * defines no status for it; 403 is the one that tells clients not to try again. */
#define MUN_RULE_COPY "read-only-copy"

/* True where this path's errors are JSON. path: below the ledger's base. */
bool mun_problem_is_json(mun_slice path);

/* Fills the response; title is a literal. 429 and 503 get Retry-After where none was set. */
void mun_problem(const mun_request *request, mun_response *response, unsigned status,
                 const char *title, const char *detail);

/* From an error of the library: status by mun_code_http, title by code and rule, detail its text.
 * Errors of the machine (I/O, damage) are told without paths: those go to the log. */
void mun_problem_error(const mun_request *request, mun_response *response, const mun_error *error);

/* The same for a statement that was not registered: what policy or form refuses is a 400 with
 * SCRAPI's title, and never a 403 or 422. */
void mun_problem_refusal(const mun_request *request, mun_response *response,
                         const mun_error *error);

/* mun_problem_refusal as one CBOR item (map), for the results of a batch. */
void mun_problem_item(mun_buf *out, const mun_error *error);
/* The item for a statement that was accepted and whose receipt will be at its location. */
void mun_problem_pending(mun_buf *out, const char *location);

#endif

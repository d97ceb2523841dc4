/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the reading interface. All wait for the disk but the page that is in the program. */
#include "server/api.h"

#define READ(name_, pattern_, lane_, run_)                                                         \
    {.name = (name_),                                                                              \
     .methods = MUN_METHOD_GET,                                                                    \
     .pattern = (pattern_),                                                                        \
     .lane = (lane_),                                                                              \
     .scope = MUN_SCOPE_READ,                                                                      \
     .run = (run_)}
#define WORK(name_, pattern_, run_) READ(name_, pattern_, MUN_LANE_WORKER, run_)

const mun_route mun_routes_api[] = {
    WORK("v1_entry_receipt", "/v1/entries/{}/receipt", mun_api_receipt),
    WORK("v1_entry_statement", "/v1/entries/{}/statement", mun_api_statement),
    WORK("v1_entry_evidence", "/v1/entries/{}/evidence", mun_api_evidence),
    WORK("v1_entry_inclusion", "/v1/entries/{}/inclusion", mun_api_inclusion),
    WORK("v1_entry", "/v1/entries/{}", mun_api_entry),
    WORK("v1_entries", "/v1/entries", mun_api_find),
    WORK("v1_document_receipt", "/v1/documents/{}/receipt", mun_api_document_receipt),
    WORK("v1_document_statement", "/v1/documents/{}/statement", mun_api_document_statement),
    WORK("v1_document_evidence", "/v1/documents/{}/evidence", mun_api_document_evidence),
    WORK("v1_document", "/v1/documents/{}", mun_api_document),
    WORK("v1_consistency", "/v1/consistency", mun_api_consistency),
    WORK("v1_issuers", "/v1/issuers", mun_api_issuers),
    WORK("v1_events", "/v1/events", mun_api_events),
    WORK("v1", "/v1", mun_api_describe),
    READ("v1_openapi", "/v1/openapi.json", MUN_LANE_INLINE, mun_api_openapi),
    {.name = NULL},
};

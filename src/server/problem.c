/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 9290 section 2: a map from small negative numbers: -1 title, -2 detail, -4 response-code, in
 * this order (RFC 8949 section 4.2.1), shortest heads. RFC 9457 section 3: an object with type,
 * title, status, detail and instance.
 */
#include "server/problem.h"

#include "codec/cbor.h"
#include "codec/utf8.h"
#include "server/event_log.h"
#include "server/served.h"
#include "server/service_limits.h"

#include <stdio.h>

#define CONCISE_TITLE    (-1)
#define CONCISE_DETAIL   (-2)
#define CONCISE_INSTANCE (-3)
#define CONCISE_RESPONSE (-4)

/* Room for the sentence of a mun_error and the name of its rule. */
#define DETAIL_MAX (MUN_ERROR_TEXT + 64)

/* ---- The two forms --------------------------------------------------------------------------- */

bool mun_problem_is_json(mun_slice path)
{
    static const char *const whole[] = {"/v1", "/healthz", "/readyz", "/metrics"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        if (mun_slice_equal(path, mun_slice_cstr(whole[i]))) return true;
    }
    return mun_slice_starts(path, MUN_LITERAL("/v1/"));
}

static void concise_put(mun_buf *out, unsigned status, const char *title, const char *detail)
{
    mun_cbor_put_head(out, MUN_CBOR_MAP, 3);
    mun_cbor_put_int(out, CONCISE_TITLE);
    mun_cbor_put_text(out, mun_slice_cstr(title));
    mun_cbor_put_int(out, CONCISE_DETAIL);
    mun_cbor_put_text(out, mun_slice_cstr(detail));
    mun_cbor_put_int(out, CONCISE_RESPONSE);
    mun_cbor_put_int(out, (int64_t)status);
}

/* RFC 8259 section 7: quotes, backslashes and control characters are escaped. */
static void json_text(mun_buf *out, const char *text)
{
    mun_buf_u8(out, '"');
    for (; *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        if (c == '"' || c == '\\') mun_buf_u8(out, '\\');
        if (c >= 0x20) {
            mun_buf_u8(out, c);
            continue;
        }
        mun_buf_text(out, "\\u00");
        mun_buf_hex(out, mun_slice_of(&c, 1));
    }
    mun_buf_u8(out, '"');
}

static void json_put(mun_buf *out, unsigned status, const char *title, const char *detail,
                     const char *instance)
{
    mun_buf_text(out, "{\"type\":\"about:blank\",\"title\":");
    json_text(out, title);
    mun_buf_text(out, ",\"status\":");
    mun_buf_decimal(out, status);
    mun_buf_text(out, ",\"detail\":");
    json_text(out, detail);
    mun_buf_text(out, ",\"instance\":");
    json_text(out, instance);
    mun_buf_text(out, "}\n");
}

/* Texts are ours, but one may repeat a part of what was sent, cut anywhere. */
static void text_clean(char ret[DETAIL_MAX], const char *text)
{
    snprintf(ret, DETAIL_MAX, "%s", text);
    if (mun_utf8_valid(mun_slice_cstr(ret))) return;
    for (char *c = ret; *c != '\0'; c++) {
        if ((uint8_t)*c >= 0x80) *c = '?';
    }
}

void mun_problem(const mun_request *request, mun_response *response, unsigned status,
                 const char *title, const char *detail)
{
    char clean[DETAIL_MAX];
    text_clean(clean, detail);
    unsigned retry_after = response->retry_after;
    mun_buf_clear(&response->body);
    response->status = status;
    response->title = title;
    response->cache_control = NULL;
    response->content_encoding = NULL;
    response->fixed = (mun_slice){0};
    response->location[0] = response->content_location[0] = response->etag[0] = '\0';
    if (retry_after == 0 && (status == 429 || status == 503 || status == 507)) {
        response->retry_after = MUN_RETRY_AFTER_SECONDS;
    }
    if (mun_problem_is_json(request->path)) {
        response->content_type = "application/problem+json";
        json_put(&response->body, status, title, clean, request->id);
    } else {
        response->content_type = "application/concise-problem-details+cbor";
        concise_put(&response->body, status, title, clean);
    }
}

/* ---- Errors of the library ------------------------------------------------------------------- */

typedef struct kind {
    unsigned status;
    const char *title;
    bool of_machine; /* its sentence names files: for the log, not for the client */
} kind;

static bool rule_is(const mun_error *error, const char *rule)
{
    return strcmp(error->rule, rule) == 0;
}

/* What SCRAPI section 2.1.3 (draft-11) calls the reasons for not registering a statement. */
static kind kind_of_refusal(const mun_error *error)
{
    if (rule_is(error, "payload-detached")) return (kind){400, MUN_TITLE_PAYLOAD, false};
    if (rule_is(error, "self-declared-key-missing")) return (kind){400, MUN_TITLE_CNF, false};
    if (rule_is(error, "algorithm-not-allowed") || error->code == MUN_E_UNSUPPORTED) {
        return (kind){400, MUN_TITLE_ALGORITHM, false};
    }
    if (error->code == MUN_E_MALFORMED || error->code == MUN_E_USAGE) {
        return (kind){400, MUN_TITLE_MALFORMED, false};
    }
    return (kind){400, MUN_TITLE_REJECTED, false};
}

static kind kind_of(const mun_error *error, bool registration)
{
    unsigned status = (unsigned)mun_code_http(error->code);
    if (rule_is(error, MUN_RULE_COPY)) return (kind){403, MUN_TITLE_COPY, false};
    switch (error->code) {
    case MUN_E_MALFORMED:
    case MUN_E_UNSUPPORTED:
    case MUN_E_USAGE:
        return registration ? kind_of_refusal(error) : (kind){status, MUN_TITLE_MALFORMED, false};
    case MUN_E_INVALID:
    case MUN_E_UNTRUSTED:
    case MUN_E_REFUSED:
        return registration ? kind_of_refusal(error) : (kind){status, MUN_TITLE_FORBIDDEN, false};
    case MUN_E_LIMIT:
        return registration ? (kind){400, MUN_TITLE_REJECTED, false}
                            : (kind){status, MUN_TITLE_TOO_LARGE, false};
    case MUN_E_NOT_FOUND: return (kind){status, MUN_TITLE_NOT_FOUND, false};
    case MUN_E_NO_SPACE: return (kind){status, MUN_TITLE_FULL, true};
    case MUN_E_MEMORY:
    case MUN_E_IO: /* the ledger is opened again: clients shall come back */
    case MUN_E_FAILED:
    case MUN_E_BUSY:
    case MUN_E_AGAIN: return (kind){503, MUN_TITLE_BUSY, true};
    default: return (kind){500, MUN_TITLE_INTERNAL, true};
    }
}

/* The sentence, with the rule's name for programs; of the machine only what the code means. */
static void detail_of(char ret[DETAIL_MAX], const mun_error *error, bool of_machine)
{
    if (of_machine || error->text[0] == '\0') {
        snprintf(ret, DETAIL_MAX, "%s", mun_code_text(error->code));
    } else if (error->rule[0] != '\0') {
        snprintf(ret, DETAIL_MAX, "%s (%s)", error->text, error->rule);
    } else {
        snprintf(ret, DETAIL_MAX, "%s", error->text);
    }
}

static void fault_log(const mun_request *request, const mun_error *error)
{
    const char *name = request->served == NULL ? "" : mun_served_options_of(request->served)->name;
    mun_event(error->code == MUN_E_AGAIN ? MUN_EVENT_NOTICE : MUN_EVENT_ERROR, "fault",
              MUN_KV("id", request->id), MUN_KV("ledger", name),
              MUN_KV("code", mun_code_name(error->code)), MUN_KV("reason", error->text));
}

static void problem_of(const mun_request *request, mun_response *response, const mun_error *error,
                       bool registration)
{
    char detail[DETAIL_MAX];
    kind k = kind_of(error, registration);
    if (k.of_machine) fault_log(request, error);
    if (error->code == MUN_E_DAMAGED && request->served != NULL) {
        mun_served_damaged(request->served, error);
    }
    detail_of(detail, error, k.of_machine);
    mun_problem(request, response, k.status, k.title, detail);
}

void mun_problem_error(const mun_request *request, mun_response *response, const mun_error *error)
{
    problem_of(request, response, error, false);
}

void mun_problem_refusal(const mun_request *request, mun_response *response, const mun_error *error)
{
    problem_of(request, response, error, true);
}

void mun_problem_item(mun_buf *out, const mun_error *error)
{
    char detail[DETAIL_MAX], clean[DETAIL_MAX];
    kind k = kind_of(error, true);
    detail_of(detail, error, k.of_machine);
    text_clean(clean, detail);
    concise_put(out, k.status, k.title, clean);
}

void mun_problem_pending(mun_buf *out, const char *location)
{
    mun_cbor_put_head(out, MUN_CBOR_MAP, 4);
    mun_cbor_put_int(out, CONCISE_TITLE);
    mun_cbor_put_text(out, MUN_LITERAL(MUN_TITLE_PENDING));
    mun_cbor_put_int(out, CONCISE_DETAIL);
    mun_cbor_put_text(out, MUN_LITERAL("the receipt will be at the location in instance"));
    mun_cbor_put_int(out, CONCISE_INSTANCE);
    mun_cbor_put_text(out, mun_slice_cstr(location));
    mun_cbor_put_int(out, CONCISE_RESPONSE);
    mun_cbor_put_int(out, 202);
}

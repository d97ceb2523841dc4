/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a service, and its refusals as errors. */
#include "cli/remote.h"
#include "cli/speak.h"
#include "codec/cbor.h"

#include <stdio.h>
#include <string.h>

/* ---- Refusals ---- */

/* Which of our codes a status stands for. 400 is the policy's under some of SCRAPI's titles. */
static mun_code code_of(unsigned status, mun_slice title)
{
    bool rejected = mun_slice_equal(title, MUN_LITERAL("Rejected")) ||
                    mun_slice_equal(title, MUN_LITERAL("Confirmation Missing")) ||
                    mun_slice_equal(title, MUN_LITERAL("Read-Only Copy"));
    switch (status) {
    case 400:
    case 403:
        if (rejected) return MUN_E_REFUSED;
        return status == 400 ? MUN_E_MALFORMED : MUN_E_PERMISSION;
    case 401: return MUN_E_PERMISSION;
    case 404: return MUN_E_NOT_FOUND;
    case 413: return MUN_E_LIMIT;
    case 429:
    case 502:
    case 503:
    case 504: return MUN_E_AGAIN;
    case 507: return MUN_E_NO_SPACE;
    default: return status < 500 ? MUN_E_UNSUPPORTED : MUN_E_IO;
    }
}

static mun_code say(unsigned status, mun_slice title, mun_slice detail, mun_error *err)
{
    mun_code code = code_of(status, title);
    const char *advice = status == 401 ? " (--token-file names the file with a token)" : "";
    if (detail.len > 0) {
        return mun_failf(err, code, 0, "the service answers: %s: %s%s", MUN_PLAIN(title),
                         MUN_PLAIN(detail), advice);
    }
    if (title.len > 0) {
        return mun_failf(err, code, 0, "the service answers: %s%s", MUN_PLAIN(title), advice);
    }
    return mun_failf(err, code, 0, "the service answers with status %u%s", status, advice);
}

/* RFC 9290 section 2: text, or tag 38 with [language, text]. */
static mun_slice text_of(const mun_cbor_item *item)
{
    if (mun_cbor_is_string(item, MUN_CBOR_TEXT)) return item->inside;
    if (!mun_cbor_is(item, MUN_CBOR_TAG) || item->value != 38) return (mun_slice){0};
    mun_cursor c = mun_cbor_open(item);
    mun_cbor_item pair = mun_cbor_take(&c);
    if (!mun_cbor_is(&pair, MUN_CBOR_ARRAY)) return (mun_slice){0};
    mun_cursor parts = mun_cbor_open(&pair);
    (void)mun_cbor_take(&parts);
    mun_cbor_item text = mun_cbor_take(&parts);
    return mun_cbor_is_string(&text, MUN_CBOR_TEXT) ? text.inside : (mun_slice){0};
}

mun_code mun_problem_read(mun_slice item, unsigned status, mun_error *err)
{
    mun_slice title = {0}, detail = {0};
    mun_cursor whole = mun_cursor_over(item);
    mun_cbor_item map = mun_cbor_take(&whole);
    if (mun_cbor_is(&map, MUN_CBOR_MAP)) {
        mun_cursor c = mun_cbor_open(&map);
        while (mun_cbor_more(&c)) {
            mun_cbor_item key = mun_cbor_take(&c), value = mun_cbor_take(&c);
            int64_t label, number;
            if (!mun_cbor_int(&key, &label)) continue;
            if (label == -1) title = text_of(&value);
            if (label == -2) detail = text_of(&value);
            if (label == -4 && mun_cbor_int(&value, &number) && number >= 100 && number < 600) {
                status = (unsigned)number;
            }
        }
    }
    if (status == 202) {
        return mun_fail_rule(err, MUN_E_UNSUPPORTED, "pending", MUN_NO_OFFSET,
                             "the service will register it later");
    }
    return say(status, title, detail, err);
}

static mun_slice json_slice(const json_t *value)
{
    if (!json_is_string(value)) return (mun_slice){0};
    return mun_slice_of(json_string_value(value), json_string_length(value));
}

static mun_code json_problem(mun_slice body, unsigned status, mun_error *err)
{
    json_t *object = json_loadb((const char *)body.ptr, body.len, 0, NULL);
    mun_code code = say(status, json_slice(json_object_get(object, "title")),
                        json_slice(json_object_get(object, "detail")), err);
    json_decref(object);
    return code;
}

mun_code mun_remote_refusal(mun_remote *remote, const char *what, mun_error *err)
{
    const mun_fetch_answer *a = &remote->answer;
    mun_slice body = mun_buf_slice(&a->body);
    if (a->status >= 300 && a->status < 400) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "the service sends %s elsewhere, to %s. Redirects are not followed, since "
                         "the token would travel along; give that URL if it is right",
                         what, MUN_PLAIN(mun_slice_cstr(a->location)));
    }
    remote->down |= a->status == 401 || a->status == 403 || a->status == 429 || a->status >= 500;
    if (strcmp(a->content_type, "application/problem+json") == 0) {
        return json_problem(body, a->status, err);
    }
    if (strcmp(a->content_type, "application/concise-problem-details+cbor") == 0) {
        return mun_problem_read(body, a->status, err);
    }
    return mun_failf(err, code_of(a->status, (mun_slice){0}), 0,
                     "the service answers %s with status %u", what, a->status);
}

/* ---- Requests ---- */

static mun_code ask(mun_remote *remote, const char *path, mun_fetch_request *request,
                    mun_error *err)
{
    char url[MUN_FETCH_URL_MAX];
    int len;
    if (remote->url.socket[0] != '\0') {
        len = snprintf(url, sizeof url, "unix:%s:%s%s", remote->url.socket, remote->url.path, path);
    } else {
        len = snprintf(url, sizeof url, "%s://%s%s%s%s%s", remote->url.tls ? "https" : "http",
                       remote->url.host, remote->url.port[0] != '\0' ? ":" : "", remote->url.port,
                       remote->url.path, path);
    }
    if (len < 0 || (size_t)len >= sizeof url) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "what is asked for is too long for a URL");
    }
    request->url = url;
    mun_code code = mun_fetch_run(remote->fetch, request, &remote->answer, err);
    request->url = NULL; /* it ends with this function */
    remote->down |= code != MUN_OK && code != MUN_E_LIMIT;
    return code;
}

mun_code mun_remote_get(mun_remote *remote, const char *path, const char *accept, size_t max,
                        mun_error *err)
{
    mun_fetch_request request = {.accept = accept, .body_max = max};
    MUN_TRY(ask(remote, path, &request, err));
    if (remote->answer.status == 200) return MUN_OK;
    char what[160];
    snprintf(what, sizeof what, "%.*s", (int)strcspn(path, "?"), path);
    return mun_remote_refusal(remote, what, err);
}

mun_code mun_remote_get_json(mun_remote *remote, const char *path, json_t **ret, mun_error *err)
{
    json_error_t why;
    MUN_TRY(mun_remote_get(remote, path, "application/json", MUN_REMOTE_JSON_MAX, err));
    mun_slice body = mun_buf_slice(&remote->answer.body);
    json_t *object = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(object)) {
        *ret = object;
        return MUN_OK;
    }
    json_decref(object);
    return mun_failf(err, MUN_E_MALFORMED, 0, "the service's answer to %.*s is no JSON object",
                     (int)strcspn(path, "?"), path);
}

mun_code mun_remote_post(mun_remote *remote, const char *path, const char *type, const char *accept,
                         mun_slice body, size_t max, mun_error *err)
{
    mun_fetch_request request = {
        .post = true, .accept = accept, .content_type = type, .body = body, .body_max = max};
    return ask(remote, path, &request, err);
}

void mun_percent_put(mun_buf *ret, mun_slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            mun_buf_u8(ret, c);
            continue;
        }
        mun_buf_u8(ret, '%');
        mun_buf_u8(ret, (uint8_t)digits[c >> 4]);
        mun_buf_u8(ret, (uint8_t)digits[c & 15]);
    }
}

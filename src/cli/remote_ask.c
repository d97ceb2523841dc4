/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a service, and its refusals as errors. */
#include "cli/problem_read.h"
#include "cli/remote.h"
#include "cli/speak.h"

#include <stdio.h>
#include <string.h>

/* ---- Refusals ---- */

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
        return mun_problem_read_json(body, a->status, err);
    }
    if (strcmp(a->content_type, "application/concise-problem-details+cbor") == 0) {
        return mun_problem_read(body, a->status, err);
    }
    return mun_failf(err, mun_problem_code(a->status, (mun_slice){0}), 0,
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
    /* A subject may hold U+0000 (RFC 8259 section 7); it must not hide all that stands beside it.
     */
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
    json_error_t why;
    MUN_TRY(mun_remote_get(remote, path, "application/json", MUN_REMOTE_JSON_MAX, err));
    mun_slice body = mun_buf_slice(&remote->answer.body);
    json_t *object = json_loadb((const char *)body.ptr, body.len, flags, &why);
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

mun_slice mun_remote_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value)) return (mun_slice){0};
    return mun_slice_of(json_string_value(value), json_string_length(value));
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

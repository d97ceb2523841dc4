/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt: what libcurl is told, what is kept of the answer. */
#include "fetch/fetch_parts.h"

#include <stdio.h>
#include <string.h>

#define USER_AGENT "muniment/" MUN_VERSION
/* A transfer slower than this for so long is given up, whatever its time limit. */
#define SLOW_BYTES   16L
#define SLOW_SECONDS 20L

typedef struct transfer {
    mun_fetch *fetch;
    mun_fetch_answer *answer;
    bool too_large;
} transfer;

/* ---- What comes ---- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    transfer *t = ctx;
    mun_buf *body = &t->answer->body;
    mun_buf_put(body, mun_slice_of(data, size * n));
    if (mun_buf_ok(body)) return size * n;
    t->too_large = true;
    return 0;
}

static bool is_name(const char *line, size_t len, const char *name)
{
    size_t n = strlen(name);
    if (len <= n || line[n] != ':') return false;
    for (size_t i = 0; i < n; i++) {
        char c = line[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if (c != name[i]) return false;
    }
    return true;
}

/* The value without white space at its ends; one that does not fit or is not printable ASCII is
 * taken as not sent. */
static void keep_value(const char *line, size_t len, char ret[MUN_FETCH_FIELD_MAX])
{
    size_t at = 0;
    while (at < len && (line[at] == ' ' || line[at] == '\t')) at++;
    while (len > at && strchr(" \t\r\n", line[len - 1]) != NULL) len--;
    ret[0] = '\0';
    if (len - at >= MUN_FETCH_FIELD_MAX) return;
    for (size_t i = at; i < len; i++) {
        if (line[i] < 0x20 || line[i] > 0x7e) return;
    }
    memcpy(ret, line + at, len - at);
    ret[len - at] = '\0';
}

static void only_type(char type[MUN_FETCH_FIELD_MAX])
{
    type[strcspn(type, "; \t")] = '\0';
    for (char *p = type; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
    }
}

static void forget_fields(mun_fetch_answer *answer)
{
    answer->content_type[0] = answer->location[0] = answer->content_location[0] = '\0';
    answer->etag[0] = answer->request_id[0] = '\0';
}

static size_t on_field(char *line, size_t size, size_t n, void *ctx)
{
    transfer *t = ctx;
    mun_fetch_answer *a = t->answer;
    size_t len = size * n;
    /* A new status line: what an interim answer said is not the answer's. */
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) forget_fields(a);
    if (is_name(line, len, "content-type")) {
        keep_value(line + 13, len - 13, a->content_type);
        only_type(a->content_type);
    }
    if (is_name(line, len, "location")) keep_value(line + 9, len - 9, a->location);
    if (is_name(line, len, "content-location"))
        keep_value(line + 17, len - 17, a->content_location);
    if (is_name(line, len, "etag")) keep_value(line + 5, len - 5, a->etag);
    if (is_name(line, len, "x-request-id")) keep_value(line + 13, len - 13, a->request_id);
    return len;
}

static int on_progress(void *ctx, curl_off_t all, curl_off_t now, curl_off_t up_all, curl_off_t up)
{
    transfer *t = ctx;
    (void)all;
    (void)now;
    (void)up_all;
    (void)up;
    return t->fetch->stopped != NULL && t->fetch->stopped();
}

/* ---- What is asked ---- */

static bool add_field(const mun_curl *curl, struct curl_slist **list, const char *name,
                      const char *value)
{
    char line[MUN_FETCH_TOKEN_MAX + 64];
    if (value == NULL || value[0] == '\0') return true;
    int len = snprintf(line, sizeof line, "%s%s", name, value);
    if (len < 0 || (size_t)len >= sizeof line) return false;
    struct curl_slist *longer = curl->slist_append(*list, line);
    if (longer == NULL) return false;
    *list = longer;
    return true;
}

static bool make_fields(const mun_fetch *fetch, const mun_fetch_request *request,
                        struct curl_slist **ret)
{
    const mun_curl *curl = fetch->curl;
    /* Without "Expect: 100-continue": it costs a round trip, and a refusal closes anyway. */
    return add_field(curl, ret, "Expect:", " ") &&
           add_field(curl, ret, "Accept: ", request->accept) &&
           add_field(curl, ret, "Content-Type: ", request->content_type) &&
           add_field(curl, ret, "Last-Event-ID: ", request->last_event_id) &&
           add_field(curl, ret, "", fetch->authorization);
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (set(easy, (option), (value)) != CURLE_OK) return false;                                \
    } while (0)

static bool set_tls(const mun_fetch *fetch, const mun_url *url)
{
    CURLcode (*set)(CURL *, CURLoption, ...) = fetch->curl->easy_setopt;
    CURL *easy = fetch->easy;
    if (!url->tls) return true;
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (fetch->ca_file != NULL) {
        SET(CURLOPT_CAINFO, fetch->ca_file);
        SET(CURLOPT_CAPATH, (char *)NULL); /* else the system's authorities count as well */
    }
    if (fetch->cert_file != NULL) SET(CURLOPT_SSLCERT, fetch->cert_file);
    if (fetch->cert_file != NULL) {
        SET(CURLOPT_SSLKEY, fetch->key_file != NULL ? fetch->key_file : fetch->cert_file);
    }
    return true;
}

static bool set_limits(const mun_fetch *fetch, const mun_url *url)
{
    CURLcode (*set)(CURL *, CURLoption, ...) = fetch->curl->easy_setopt;
    CURL *easy = fetch->easy;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    /* Unknown before 7.85; the URL was checked and no redirect is followed, so this is a second
     * lock.
     */
    (void)set(easy, CURLOPT_PROTOCOLS_STR, url->tls ? "https" : "http");
    SET(CURLOPT_CONNECTTIMEOUT, (long)MUN_FETCH_CONNECT_SECS);
    SET(CURLOPT_TIMEOUT, (long)fetch->seconds);
    SET(CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
    SET(CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
    SET(CURLOPT_TCP_NODELAY, 1L);
    if (url->socket[0] != '\0') SET(CURLOPT_UNIX_SOCKET_PATH, url->socket);
    /* What is on this machine is not asked through a proxy. */
    if (url->loopback) SET(CURLOPT_NOPROXY, "*");
    return true;
}

static bool set_request(transfer *t, const char *text, const mun_fetch_request *request,
                        struct curl_slist *fields)
{
    CURLcode (*set)(CURL *, CURLoption, ...) = t->fetch->curl->easy_setopt;
    CURL *easy = t->fetch->easy;
    SET(CURLOPT_URL, text);
    SET(CURLOPT_USERAGENT, USER_AGENT);
    SET(CURLOPT_HTTPHEADER, fields);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_field);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, t);
    SET(CURLOPT_NOPROGRESS, 0L);
    if (!request->post) return true;
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    SET(CURLOPT_POSTFIELDS, request->body.len > 0 ? (const char *)request->body.ptr : "");
    return true;
}

/* ---- What went wrong ---- */

static bool is_tls(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_ISSUER_ERROR;
}

static mun_code explain(const transfer *t, const mun_fetch_request *request, CURLcode code,
                        const char *detail, bool *ret_again, mun_error *err)
{
    const char *said = detail[0] != '\0' ? detail : t->fetch->curl->easy_strerror(code);
    int shown = (int)strcspn(request->url, "?");
    *ret_again = false;
    if (t->too_large) {
        return mun_failf(err, MUN_E_LIMIT, 0,
                         "the answer of %.*s is longer than the %zu bytes it "
                         "may have",
                         shown, request->url, request->body_max);
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        return mun_failf(err, MUN_E_AGAIN, 0, "interrupted while asking %.*s", shown, request->url);
    }
    if (is_tls(code)) {
        return mun_failf(err, MUN_E_UNTRUSTED, 0,
                         "no trusted connection to %.*s: %s. A private "
                         "certificate authority is named with --ca-file",
                         shown, request->url, said);
    }
    if (code == CURLE_OUT_OF_MEMORY) return mun_failf(err, MUN_E_MEMORY, 0, "out of memory");
    *ret_again = code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_URL_MALFORMAT;
    return mun_failf(err, *ret_again ? MUN_E_AGAIN : MUN_E_USAGE, 0, "cannot ask %.*s: %s", shown,
                     request->url, said);
}

static void finish(const mun_fetch *fetch, mun_fetch_answer *answer)
{
    long status = 0;
    curl_off_t seconds = 0;
    fetch->curl->easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    /* Seconds or a date (RFC 9110 section 10.2.3): libcurl reads both. */
    fetch->curl->easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &seconds);
    answer->status = (unsigned)status;
    answer->retry_after = seconds > 0 ? (unsigned)(seconds < 86400 ? seconds : 86400) : 0;
}

/* The memory of an earlier answer serves again where it may grow as far. */
static void ready_answer(mun_fetch_answer *answer, size_t max)
{
    forget_fields(answer);
    answer->status = answer->retry_after = 0;
    if (answer->body.grow == NULL || answer->body.max != max) {
        mun_buf_free(&answer->body);
        answer->body = mun_buf_growable(max);
    }
    mun_buf_clear(&answer->body);
}

mun_code mun_fetch_once(mun_fetch *fetch, const mun_url *url, const char *text,
                        const mun_fetch_request *request, mun_fetch_answer *ret, bool *ret_again,
                        mun_error *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    const mun_curl *curl = fetch->curl;
    struct curl_slist *fields = NULL;
    transfer t = {.fetch = fetch, .answer = ret};
    ready_answer(ret, request->body_max);
    curl->easy_reset(fetch->easy); /* keeps the connections */
    bool ready = make_fields(fetch, request, &fields) && set_limits(fetch, url) &&
                 set_tls(fetch, url) && set_request(&t, text, request, fields) &&
                 curl->easy_setopt(fetch->easy, CURLOPT_ERRORBUFFER, detail) == CURLE_OK;
    CURLcode code = ready ? curl->easy_perform(fetch->easy) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK) finish(fetch, ret);
    curl->easy_setopt(fetch->easy, CURLOPT_ERRORBUFFER, NULL);
    curl->easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, NULL);
    curl->slist_free_all(fields);
    if (code == CURLE_OK) return MUN_OK;
    return explain(&t, request, code, detail, ret_again, err);
}

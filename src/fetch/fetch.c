/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and retries. SCRAPI: a client MUST honour Retry-After, else back off exponentially with
 * jitter and a cap. */
#include "fetch/fetch_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_SLICE_MS 100 /* how soon a wait notices that the user stopped it */

/* A copy in *ret; true also for nothing to copy. */
static bool copy_text(const char *text, char **ret)
{
    *ret = text != NULL ? strdup(text) : NULL;
    return text == NULL || *ret != NULL;
}

/* RFC 6750 section 2.1: b64token. Anything else could break out of the field. */
static mun_code take_token(mun_fetch *fetch, const char *token, mun_error *err)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    size_t len = strlen(token);
    if (len == 0 || len > MUN_FETCH_TOKEN_MAX || strspn(token, allowed) != len) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the token is not one: a token is one line of letters, digits and "
                        "-._~+/=, as muniment token new prints it");
    }
    snprintf(fetch->authorization, sizeof fetch->authorization, "Authorization: Bearer %s", token);
    return MUN_OK;
}

static mun_code fill(mun_fetch *fetch, const mun_fetch_options *options, mun_error *err)
{
    bool copied = copy_text(options->ca_file, &fetch->ca_file) &&
                  copy_text(options->cert_file, &fetch->cert_file) &&
                  copy_text(options->key_file, &fetch->key_file);
    if (copied) fetch->easy = fetch->curl->easy_init();
    if (fetch->easy == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    return options->token != NULL ? take_token(fetch, options->token, err) : MUN_OK;
}

mun_code mun_fetch_open(const mun_fetch_options *options, mun_fetch **ret, mun_error *err)
{
    const mun_curl *curl;
    MUN_TRY(mun_curl_open(&curl, err));
    mun_fetch *fetch = calloc(1, sizeof *fetch);
    if (fetch == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    fetch->curl = curl;
    fetch->attempts = options->attempts > 0 ? options->attempts : MUN_FETCH_ATTEMPTS;
    fetch->seconds = options->seconds > 0 ? options->seconds : MUN_FETCH_SECONDS;
    fetch->plain_http = options->plain_http;
    fetch->stopped = options->stopped;
    fetch->waiting = options->waiting;
    fetch->waiting_ctx = options->waiting_ctx;
    fetch->random = options->random;
    mun_code code = fill(fetch, options, err);
    if (code != MUN_OK) {
        mun_fetch_close(fetch);
        return code;
    }
    *ret = fetch;
    return MUN_OK;
}

/* Without OpenSSL in this room: written through a volatile pointer, which the compiler keeps. */
static void forget(char *text, size_t len)
{
    volatile char *p = text;
    while (len-- > 0) *p++ = 0;
}

void mun_fetch_close(mun_fetch *fetch)
{
    if (fetch == NULL) return;
    if (fetch->easy != NULL) fetch->curl->easy_cleanup(fetch->easy);
    free(fetch->ca_file);
    free(fetch->cert_file);
    free(fetch->key_file);
    forget(fetch->authorization, sizeof fetch->authorization);
    free(fetch);
}

void mun_fetch_answer_free(mun_fetch_answer *answer)
{
    if (answer == NULL) return;
    mun_buf_free(&answer->body);
    *answer = (mun_fetch_answer){0};
}

/* ---- Waiting ---- */

static bool stopped(const mun_fetch *fetch)
{
    return fetch->stopped != NULL && fetch->stopped();
}

static mun_code sleep_ms(const mun_fetch *fetch, unsigned ms, mun_error *err)
{
    for (unsigned left = ms; left > 0;) {
        unsigned part = left < WAIT_SLICE_MS ? left : WAIT_SLICE_MS;
        if (stopped(fetch)) break;
        struct timespec time = {.tv_nsec = (long)part * 1000000};
        nanosleep(&time, NULL);
        left -= part;
    }
    if (!stopped(fetch)) return MUN_OK;
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET, "interrupted while waiting for the service");
}

/* Half of it is certain, half is jitter, so that many clients do not come back together. */
static unsigned with_jitter(const mun_fetch *fetch, unsigned ms)
{
    uint8_t bytes[2];
    if (fetch->random == NULL || fetch->random(NULL, bytes, sizeof bytes) != MUN_OK) return ms;
    unsigned share = (unsigned)bytes[0] << 8 | bytes[1];
    return ms / 2 + (unsigned)((uint64_t)(ms / 2 + 1) * share / 65536);
}

static unsigned backoff(const mun_fetch *fetch, unsigned attempt)
{
    unsigned ms = MUN_FETCH_WAIT_FIRST;
    for (unsigned i = 0; i < attempt && ms < MUN_FETCH_WAIT_CAP; i++) ms *= 2;
    return with_jitter(fetch, ms < MUN_FETCH_WAIT_CAP ? ms : MUN_FETCH_WAIT_CAP);
}

mun_code mun_fetch_wait(mun_fetch *fetch, unsigned attempt, unsigned seconds, const char *why,
                        mun_error *err)
{
    if (seconds > MUN_FETCH_RETRY_AFTER) {
        return mun_failf(err, MUN_E_AGAIN, 0,
                         "the service asks to come back after %u seconds (%s); try again then",
                         seconds, why);
    }
    /* What was asked for is the least; the jitter comes on top. */
    unsigned ms = seconds > 0 ? seconds * 1000 + with_jitter(fetch, MUN_FETCH_WAIT_FIRST)
                              : backoff(fetch, attempt);
    if (fetch->waiting != NULL) fetch->waiting(fetch->waiting_ctx, ms, why);
    return sleep_ms(fetch, ms, err);
}

/* ---- Requests ---- */

static bool may_repeat(unsigned status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static mun_code check_url(const mun_fetch *fetch, const mun_url *url, mun_error *err)
{
    if (url->tls || url->loopback || fetch->plain_http) return MUN_OK;
    return mun_failf(err, MUN_E_USAGE, 0,
                     "http://%s is not encrypted: everyone on the way can read and change what is "
                     "sent. Use https://, or say --plain-http if that is meant",
                     url->host);
}

mun_code mun_fetch_run(mun_fetch *fetch, const mun_fetch_request *request, mun_fetch_answer *ret,
                       mun_error *err)
{
    mun_url url;
    char text[MUN_FETCH_URL_MAX + 256], why[96];
    /* unix:SOCKET:/path is asked as http://localhost/path. The query is not part of a base. */
    const char *query = strchr(request->url, '?');
    char base[MUN_FETCH_URL_MAX];
    size_t len = query != NULL ? (size_t)(query - request->url) : strlen(request->url);
    if (len >= sizeof base) return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the URL is too long");
    memcpy(base, request->url, len);
    base[len] = '\0';
    MUN_TRY(mun_url_parse(base, &url, err));
    MUN_TRY(check_url(fetch, &url, err));
    MUN_TRY(mun_url_text(&url, query != NULL ? query : "", text, sizeof text, err));
    for (unsigned attempt = 0;; attempt++) {
        bool again = false;
        mun_error failure = {.code = MUN_OK};
        mun_code code = mun_fetch_once(fetch, &url, text, request, ret, &again, &failure);
        if (code == MUN_OK) again = may_repeat(ret->status);
        if (!again || attempt + 1 >= fetch->attempts) {
            if (code != MUN_OK && err != NULL) *err = failure;
            return code;
        }
        unsigned seconds = code == MUN_OK ? ret->retry_after : 0;
        if (code == MUN_OK) snprintf(why, sizeof why, "it answered %u", ret->status);
        if (code != MUN_OK) snprintf(why, sizeof why, "%s", "it cannot be reached");
        MUN_TRY(mun_fetch_wait(fetch, attempt, seconds, why, err));
    }
}

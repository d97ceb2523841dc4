/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the room: the functions of libcurl that are used, found in the library when it is opened.
 * Nothing outside this room sees libcurl's types.
 * Threads: mun_curl_open once, before other threads; the table is constant afterwards.
 */
#ifndef MUN_FETCH_FETCH_PARTS_H
#define MUN_FETCH_FETCH_PARTS_H

#include "fetch/fetch.h"

#include <curl/curl.h>

typedef struct mun_curl {
    void *library;
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *curl);
    CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *curl);
    void (*easy_reset)(CURL *curl);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
} mun_curl;

MUN_MUST mun_code mun_curl_open(const mun_curl **ret, mun_error *err);

struct mun_fetch {
    const mun_curl *curl;
    CURL *easy;
    unsigned attempts, seconds;
    bool plain_http;
    bool (*stopped)(void);
    void (*waiting)(void *ctx, unsigned ms, const char *why);
    void *waiting_ctx;
    mun_code (*random)(void *ctx, uint8_t *ret, size_t len);
    char *ca_file, *cert_file, *key_file;
    char authorization[MUN_FETCH_TOKEN_MAX + 32]; /* "Authorization: Bearer ...", or "" */
};

/* One attempt. ret_again: it may be tried again. */
MUN_MUST mun_code mun_fetch_once(mun_fetch *fetch, const mun_url *url, const char *text,
                                 const mun_fetch_request *request, mun_fetch_answer *ret,
                                 bool *ret_again, mun_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library says of itself. A request that it refuses without asking us gets a page of its
 * own, made by one function of the library (0.9.75, 1.0), which says so in its log before it
 * answers: once for each page. Nothing tells there whose connection it is, so such refusals are
 * counted by status, and told once a round of the sweeper: a client that is refused a thousand
 * times a second makes no more than a line of each status.
 *
 * Threads: http_library_says is called by I/O threads, http_library_tell by the sweeper.
 */
#include "server/http_parts.h"

#include <stdio.h>

#define REFUSES   "Error processing request (HTTP response code is %u"
#define TEXT_MAX  256
#define STATUS_OF (HTTP_LIBRARY_STATUSES - 1) /* those with a place of their own */

/* The last place is of all others. */
static const unsigned statuses[HTTP_LIBRARY_STATUSES] = {400, 413, 414, 431, 500, 505, 0};

static void count(mun_http_server *server, unsigned status)
{
    size_t i = 0;
    while (i < STATUS_OF && statuses[i] != status) i++;
    atomic_fetch_add_explicit(&server->library.refused[i], 1, memory_order_relaxed);
    mun_metrics_count(server->metrics, MUN_COUNT_LIBRARY_REFUSED, 1);
}

/* The status is read only where the format's own words stand before it. */
static void count_refusal(mun_http_server *server, const char *format, va_list arguments)
{
    va_list copy;
    if (strncmp(format, REFUSES, sizeof REFUSES - 1) != 0) return;
    va_copy(copy, arguments);
    count(server, va_arg(copy, unsigned));
    va_end(copy);
}

void http_library_says(void *cls, const char *format, va_list arguments)
{
    char text[TEXT_MAX];
    count_refusal(cls, format, arguments);
    if (!mun_event_wanted(MUN_EVENT_DEBUG)) return;
    vsnprintf(text, sizeof text, format, arguments);
    mun_event(MUN_EVENT_DEBUG, "http_library", MUN_KV("text", text));
}

void http_library_tell(mun_http_server *server)
{
    http_library *library = &server->library;
    for (size_t i = 0; i < HTTP_LIBRARY_STATUSES; i++) {
        uint64_t refused = atomic_load_explicit(&library->refused[i], memory_order_relaxed);
        if (refused == library->told[i]) continue;
        mun_event(MUN_EVENT_INFO, "library_refused", MUN_KV_NUMBER("status", statuses[i]),
                  MUN_KV_NUMBER("requests", refused - library->told[i]));
        library->told[i] = refused;
    }
}

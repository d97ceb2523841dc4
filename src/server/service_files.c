/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many files the process may have open, and what that allows: each connection is one and each
 * open ledger some thirty. A process that runs out of them cannot accept, and leaves its clients in
 * silence; so where there are few, fewer connections and open ledgers are allowed from the start,
 * and beyond those a client gets its 503 and a ledger is closed before another one is opened.
 */
#include "server/service_parts.h"

#include <sys/resource.h>

#define FILES_OF_LEDGER 32  /* its streams twice, eight segments, the index */
#define FILES_SPARE     512 /* sockets of refused requests, ledgers that are being opened, the log */
#define SPARE_SHARE     4   /* but no more than one in so many */

mun_limits service_files_fit(mun_limits limits, uint64_t files, size_t ledgers)
{
    uint64_t spare = files / SPARE_SHARE < FILES_SPARE ? files / SPARE_SHARE : FILES_SPARE;
    uint64_t left = files - spare;
    uint64_t open = ledgers < limits.open_ledgers ? ledgers : limits.open_ledgers;
    if (left >= limits.connections + open * FILES_OF_LEDGER) return limits;
    uint64_t most = left / 2 / FILES_OF_LEDGER;
    if (open > most) open = most > 0 ? most : 1;
    uint64_t rest = left > open * FILES_OF_LEDGER ? left - open * FILES_OF_LEDGER : 1;
    limits.open_ledgers = (uint32_t)open;
    if (limits.connections > rest) limits.connections = (uint32_t)rest;
    return limits;
}

/* The soft limit is usually 1,024, for programs that use select; the hard one is meant. */
static uint64_t files_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return UINT64_MAX;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

void service_files_raise(mun_limits *limits, size_t ledgers)
{
    uint64_t files = files_raise();
    mun_limits fit = service_files_fit(*limits, files, ledgers);
    if (fit.connections != limits->connections || fit.open_ledgers != limits->open_ledgers) {
        mun_event(MUN_EVENT_WARNING, "few_files", MUN_KV_NUMBER("files", files),
                  MUN_KV_NUMBER("connections", fit.connections),
                  MUN_KV_NUMBER("connections_wanted", limits->connections),
                  MUN_KV_NUMBER("open_ledgers", fit.open_ledgers));
    }
    *limits = fit;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What streams send is fetched by workers: the threads that serve connections neither open a ledger
 * nor read from its disk for them. A thousand streams that wait for the end of one ledger want the
 * same, so one of them leads, a worker fetches for it, and those that want what it fetches follow
 * and are woken with it. A follower that finds nothing then (what was fetched is too large to be
 * kept for others) fetches alone, so a stream waits for one other at most.
 *
 * Whatever a stream does here it is suspended. All with the mutex of the streams, but for the fetch
 * itself.
 */
#include "server/http_parts.h"

/* Streams of one ledger that stand at as many places; the others wait for the next round, and leave
 * the places of the work queue to requests. */
#define FETCHES_OF_ONE 256

/* NULL: nobody fetches what it wants. ret_len: of those who fetch from its ledger. */
static http_exchange *leader_of(const http_streams *streams, const http_exchange *exchange,
                                size_t *ret_len)
{
    *ret_len = 0;
    for (http_exchange *at = streams->leaders; at != NULL; at = at->leader_next) {
        if (at->request.served != exchange->request.served) continue;
        if (at->wants == exchange->wants && !exchange->alone) return at;
        ++*ret_len;
    }
    return NULL;
}

static void leader_drop(http_streams *streams, const http_exchange *leader)
{
    http_exchange **at = &streams->leaders;
    while (*at != leader) at = &(*at)->leader_next;
    *at = leader->leader_next;
}

static void settle(http_exchange *exchange, mun_fetched fetched)
{
    exchange->fetching = false;
    if (fetched == MUN_FETCH_FAILED) exchange->ended = true;
    exchange->dry = fetched == MUN_FETCH_LATER;
    if (fetched != MUN_FETCH_LATER || exchange->woken) http_stream_wake(exchange);
}

/* A leader may have looked before the ledger grew for the last time that its followers know of. */
static void settle_followers(const http_exchange *leader, mun_fetched fetched)
{
    http_exchange *next = leader->followers;
    while (next != NULL) {
        http_exchange *follower = next;
        next = follower->follow_next;
        follower->alone = fetched == MUN_FETCHED;
        if (follower->fetch_turn > leader->fetch_turn) follower->woken = true;
        settle(follower, fetched);
    }
}

/* The exchanges may be gone once they are woken. */
static void fetch_done(http_exchange *leader, mun_fetched fetched)
{
    mun_http_server *server = leader->server;
    pthread_mutex_lock(&server->streams.mutex);
    leader_drop(&server->streams, leader);
    settle_followers(leader, fetched);
    leader->followers = NULL;
    settle(leader, fetched);
    pthread_mutex_unlock(&server->streams.mutex);
    atomic_fetch_sub(&server->jobs, 1);
}

static void run_fetch(void *ctx)
{
    http_exchange *leader = ctx;
    const mun_stream *stream = &leader->response.stream;
    fetch_done(leader, stream->fetch(stream->ctx));
}

static bool submit(http_exchange *exchange, bool news)
{
    exchange->work = (mun_work_item){.run = run_fetch,
                                     .ctx = exchange,
                                     .share = mun_served_work_share(exchange->request.served),
                                     .first = news};
    return mun_work_submit(exchange->server->work, &exchange->work);
}

/* Where the workers have too much to do it is tried again in the next round. */
static void lead(http_exchange *exchange, bool news, size_t others)
{
    mun_http_server *server = exchange->server;
    http_streams *streams = &server->streams;
    exchange->leader_next = streams->leaders;
    streams->leaders = exchange;
    if (others < FETCHES_OF_ONE && submit(exchange, news)) return;
    streams->leaders = exchange->leader_next;
    exchange->fetching = false;
    http_stream_next_round(exchange);
    atomic_fetch_sub(&server->jobs, 1);
}

bool http_fetch_begin(http_exchange *exchange, bool news)
{
    mun_http_server *server = exchange->server;
    const mun_stream *stream = &exchange->response.stream;
    atomic_fetch_add(&server->jobs, 1); /* then looked: whoever stops looks the other way round */
    bool ending = server->streams.ending && !stream->whole;
    if (ending || atomic_load(&server->stopping)) {
        atomic_fetch_sub(&server->jobs, 1);
        return false;
    }
    exchange->fetching = true;
    exchange->dry = false;
    exchange->fetch_turn = server->streams.turn;
    exchange->wants = stream->wants(stream->ctx);
    size_t others;
    http_exchange *leader = leader_of(&server->streams, exchange, &others);
    if (leader == NULL) {
        lead(exchange, news, others);
        return true;
    }
    exchange->follow_next = leader->followers;
    leader->followers = exchange;
    atomic_fetch_sub(&server->jobs, 1); /* the leader's counts for both */
    return true;
}

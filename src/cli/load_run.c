/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EVENTS     256
#define READ_ROOM  16384
#define TICK_NS    UINT64_C(50000000) /* how often the deadline is looked at when nothing happens */
#define SECOND_NS  1e9
#define LOST_LIMIT 1000 /* connections lost before the run is given up */

typedef struct client {
    int fd;
    bool busy;
    bool wants_out; /* EPOLLOUT is asked for */
    size_t sent;
    uint64_t started; /* or intended */
    mun_load_shot shot;
    mun_buf in;
} client;

typedef struct run {
    const mun_load_plan *plan;
    const mun_load_script *script;
    mun_load_result *result;
    client *clients;
    client **idle; /* a stack of those without a question */
    size_t idle_len;
    int epoll;
    uint64_t begin, until; /* until 0: no end by time */
    uint64_t next_due;     /* number of the next intended request */
    uint64_t last_answer;
    size_t busy;
    bool exhausted;
    int failure; /* errno of a connection that could not be made */
} run;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void watch(run *r, client *c, int what, bool out)
{
    struct epoll_event event = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(r->epoll, what, c->fd, &event);
    c->wants_out = out;
}

static bool connect_client(run *r, client *c)
{
    c->fd = mun_load_connect(r->plan->target);
    if (c->fd < 0) {
        r->failure = errno;
        return false;
    }
    watch(r, c, EPOLL_CTL_ADD, false);
    return true;
}

static void lose(run *r, client *c)
{
    close(c->fd);
    c->fd = -1;
    if (c->busy) {
        r->result->broken++;
        r->busy--;
        c->busy = false;
    }
    c->in.len = 0;
}

/* writev does not write to what it is given, but its type cannot say so. */
static struct iovec part_of(mun_slice whole, size_t from)
{
    if (whole.len == from) return (struct iovec){0};
    return (struct iovec){.iov_base = (void *)(uintptr_t)(whole.ptr + from),
                          .iov_len = whole.len - from};
}

/* Sends what is left of the question. False: the connection is gone. */
static bool push(run *r, client *c)
{
    const mun_load_shot *s = &c->shot;
    size_t whole = s->head.len + s->body.len;
    while (c->sent < whole) {
        struct iovec parts[2];
        size_t in_head = c->sent < s->head.len ? c->sent : s->head.len;
        parts[0] = part_of(s->head, in_head);
        parts[1] = part_of(s->body, c->sent - in_head);
        ssize_t n = writev(c->fd, parts, parts[1].iov_len > 0 ? 2 : 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            if (!c->wants_out) watch(r, c, EPOLL_CTL_MOD, true);
            return true;
        }
        if (n <= 0) {
            r->failure = errno;
            return false;
        }
        c->sent += (size_t)n;
    }
    if (c->wants_out) watch(r, c, EPOLL_CTL_MOD, false);
    return true;
}

static void ask(run *r, client *c, uint64_t started)
{
    if (r->exhausted || !r->script->next(r->script->ctx, &c->shot)) {
        r->exhausted = true;
        return;
    }
    c->sent = 0;
    c->started = started;
    c->busy = true;
    r->busy++;
    if (c->fd < 0 && !connect_client(r, c)) {
        r->result->broken++;
        r->busy--;
        c->busy = false;
        return;
    }
    if (!push(r, c)) lose(r, c);
}

static bool over(const run *r, uint64_t now)
{
    return r->exhausted || (r->until != 0 && now >= r->until) ||
           (r->plan->stopped != NULL && r->plan->stopped());
}

/* A client without a question: asks the next one, or waits for a due one. */
static void go_on(run *r, client *c, uint64_t now)
{
    if (r->plan->rate <= 0 && !over(r, now)) ask(r, c, now);
    if (!c->busy) r->idle[r->idle_len++] = c;
}

/* Closed loop: those whose connection failed try again, a tick later. */
static void ask_idle(run *r, uint64_t now)
{
    size_t n = r->idle_len;
    r->idle_len = 0;
    for (size_t i = 0; i < n; i++) go_on(r, r->idle[i], now);
}

static uint64_t due_at(const run *r, uint64_t number)
{
    return r->begin + (uint64_t)((double)number / r->plan->rate * SECOND_NS);
}

/* Open loop: what is due goes out, as far as there are free connections. */
static void ask_due(run *r, uint64_t now)
{
    while (r->idle_len > 0 && !r->exhausted) {
        uint64_t due = due_at(r, r->next_due);
        if (due > now || (r->until != 0 && due >= r->until)) return;
        client *c = r->idle[--r->idle_len];
        r->next_due++;
        ask(r, c, due);
        if (!c->busy) r->idle[r->idle_len++] = c;
        if (r->result->broken > LOST_LIMIT) return;
    }
}

static void take_answer(run *r, client *c, const mun_load_answer *answer, uint64_t now)
{
    mun_load_shot shot = c->shot;
    mun_latencies_add(&r->result->latencies, now - c->started);
    r->result->answers++;
    r->last_answer = now;
    r->script->answered(r->script->ctx, &shot, answer);
    c->busy = false;
    r->busy--;
    c->in.len = 0; /* one question at a time: nothing follows the answer */
    if (answer->closes) {
        close(c->fd);
        c->fd = -1;
    }
    go_on(r, c, now);
}

static bool read_more(client *c, bool *ret_blocked)
{
    if (c->in.cap - c->in.len < READ_ROOM) {
        size_t len = c->in.len;
        if (mun_buf_reserve(&c->in, READ_ROOM) == NULL) return false;
        c->in.len = len;
    }
    ssize_t n = read(c->fd, c->in.ptr + c->in.len, c->in.cap - c->in.len);
    *ret_blocked = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (n > 0) c->in.len += (size_t)n;
    return n > 0 || *ret_blocked;
}

/* The connection is gone; one that had a question asks another one on the next tick. */
static void drop(run *r, client *c)
{
    bool was_busy = c->busy;
    lose(r, c);
    if (was_busy) r->idle[r->idle_len++] = c;
}

static void pull(run *r, client *c)
{
    mun_load_answer answer;
    bool blocked = false;
    errno = 0;
    if (!read_more(c, &blocked)) {
        if (errno != 0) r->failure = errno;
        drop(r, c);
        return;
    }
    if (blocked) return;
    switch (mun_load_parse(c->in.ptr, c->in.len, &answer)) {
    case MUN_LOAD_MORE: return;
    case MUN_LOAD_DONE:
        if (c->busy && c->sent >= c->shot.head.len + c->shot.body.len) {
            take_answer(r, c, &answer, now_ns(CLOCK_MONOTONIC));
            return;
        }
        /* An answer before the question was sent: refused and about to be closed. */
        __attribute__((fallthrough));
    case MUN_LOAD_BROKEN: lose(r, c); go_on(r, c, now_ns(CLOCK_MONOTONIC));
    }
}

/* How long to sleep: until the next intended start, or a tick. */
static struct timespec sleep_time(const run *r, uint64_t now)
{
    uint64_t ns = TICK_NS;
    if (r->plan->rate > 0 && r->idle_len > 0 && !r->exhausted) {
        uint64_t due = due_at(r, r->next_due);
        ns = due > now ? due - now : 0;
        if (ns > TICK_NS) ns = TICK_NS;
    }
    return (struct timespec){.tv_nsec = (long)ns};
}

static int wait_events(const run *r, struct epoll_event *events, uint64_t now)
{
    static bool coarse; /* a kernel without epoll_pwait2 */
    struct timespec sleep = sleep_time(r, now);
    if (!coarse) {
        int n = epoll_pwait2(r->epoll, events, EVENTS, &sleep, NULL);
        if (n >= 0 || errno != ENOSYS) return n;
        coarse = true;
    }
    return epoll_wait(r->epoll, events, EVENTS, (int)(sleep.tv_nsec / 1000000));
}

static bool unfinished(const run *r, uint64_t now)
{
    bool due_open =
        r->plan->rate > 0 && !r->exhausted && r->until != 0 && due_at(r, r->next_due) < r->until;
    if (r->result->broken > LOST_LIMIT) return false;
    if (!over(r, now)) return true;
    bool graced = r->until == 0 || now < r->until + (uint64_t)(MUN_LOAD_GRACE * SECOND_NS);
    return graced && (r->busy > 0 || due_open) && !(r->plan->stopped && r->plan->stopped());
}

static void loop(run *r)
{
    struct epoll_event events[EVENTS];
    uint64_t now = now_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < r->plan->clients; i++) go_on(r, &r->clients[i], now);
    while (unfinished(r, now)) {
        if (r->plan->rate > 0) ask_due(r, now);
        if (r->plan->rate <= 0 && r->idle_len > 0) ask_idle(r, now);
        int n = wait_events(r, events, now);
        for (int i = 0; i < n; i++) {
            client *c = events[i].data.ptr;
            if (c->fd >= 0 && (events[i].events & EPOLLOUT) != 0 && !push(r, c)) drop(r, c);
            if (c->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) pull(r, c);
        }
        now = now_ns(CLOCK_MONOTONIC);
    }
}

static bool begin(run *r)
{
    unsigned n = r->plan->clients;
    r->clients = calloc(n, sizeof *r->clients);
    r->idle = calloc(n, sizeof(client *));
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (r->clients == NULL || r->idle == NULL || r->epoll < 0) return false;
    for (unsigned i = 0; i < n; i++) r->clients[i].fd = -1;
    for (unsigned i = 0; i < n; i++) {
        r->clients[i].in = mun_buf_growable(MUN_LOAD_ANSWER_MAX);
        if (!connect_client(r, &r->clients[i])) return true; /* said by failure */
    }
    return true;
}

static void end(run *r)
{
    for (unsigned i = 0; r->clients != NULL && i < r->plan->clients; i++) {
        if (r->clients[i].fd >= 0) close(r->clients[i].fd);
        mun_buf_free(&r->clients[i].in);
    }
    if (r->epoll >= 0) close(r->epoll);
    free(r->clients);
    free(r->idle);
}

mun_code mun_load_run(const mun_load_plan *plan, const mun_load_script *script,
                      mun_load_result *ret, mun_error *err)
{
    memset(ret, 0, sizeof *ret);
    run r = {.plan = plan, .script = script, .result = ret, .epoll = -1};
    bool ready = begin(&r);
    if (ready && r.failure == 0) {
        uint64_t cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
        r.begin = r.last_answer = now_ns(CLOCK_MONOTONIC);
        if (plan->seconds > 0) r.until = r.begin + (uint64_t)(plan->seconds * SECOND_NS);
        loop(&r);
        ret->seconds = (double)(r.last_answer - r.begin) / SECOND_NS;
        ret->own_cpu = (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / SECOND_NS;
        ret->broken += r.busy; /* never answered */
    }
    end(&r);
    if (!ready) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the clients");
    if (ret->answers > 0 || (r.failure == 0 && ret->broken == 0)) return MUN_OK;
    return mun_failf(err, MUN_E_AGAIN, r.failure, "cannot connect to %s%s", plan->target->host,
                     r.failure == EMFILE ? " so often; allow more files with ulimit -n" : "");
}

/* ---- One GET ---- */

typedef struct single {
    mun_slice head;
    bool asked;
    unsigned status;
    mun_buf *body;
} single;

static bool single_next(void *ctx, mun_load_shot *ret)
{
    single *s = ctx;
    if (s->asked) return false;
    *ret = (mun_load_shot){.head = s->head};
    return s->asked = true;
}

static void single_answered(void *ctx, const mun_load_shot *shot, const mun_load_answer *answer)
{
    single *s = ctx;
    (void)shot;
    s->status = answer->status;
    mun_buf_put(s->body, answer->body);
}

mun_code mun_load_get(const mun_load_target *target, const char *path, const char *accept,
                      mun_buf *ret, mun_error *err)
{
    char head[1024];
    int len = snprintf(head, sizeof head, "GET %s%s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\n\r\n",
                       target->url.path, path, target->host, accept);
    single s = {.head = mun_slice_of(head, (size_t)len), .body = ret};
    mun_load_plan plan = {.target = target, .clients = 1, .seconds = MUN_LOAD_GRACE};
    mun_load_script script = {.ctx = &s, .next = single_next, .answered = single_answered};
    if (len < 0 || (size_t)len >= sizeof head) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the path is too long");
    }
    mun_load_result *result = calloc(1, sizeof *result);
    if (result == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    mun_code code = mun_load_run(&plan, &script, result, err);
    free(result);
    MUN_TRY(code);
    if (s.status == 200 && mun_buf_ok(ret)) return MUN_OK;
    return mun_failf(err, s.status == 0 ? MUN_E_AGAIN : MUN_E_NOT_FOUND, 0,
                     "%s answers %s%s with %u instead of 200", target->host, target->url.path, path,
                     s.status);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The figures http_*: of a service that runs, of one started for it, of a peer beside it. */
#include "cli/bench_http.h"
#include "cli/sibling.h"
#include "merkle/merkle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define DEFAULT_CLIENTS 64
#define DEFAULT_SECONDS 10
#define CALIBRATE       0.5  /* seconds, closed loop, to know how many statements to sign */
#define CALIBRATE_POOL  8000 /* statements */
#define POOL_MAX        4000000
#define MARGIN          1.4 /* more statements than the calibration makes expected */
#define OPEN_SHARE      0.5 /* of the closed loop's rate */
#define PAGE_MAX        (1u << 20)
#define STATEMENT_TYPE  "application/cose"

/* One service under measurement. */
typedef struct yard {
    mun_bench *b;
    const char *suffix; /* of the figures' names: "" or "_peer" */
    mun_load_target target;
    mun_bench_signers signers;
    mun_bench_keys keys;
    unsigned clients;
    double seconds;
    double duplicates; /* share of requests that repeat a statement */
    double rate;       /* of http_register, or of the calibration; 0: not known */
    mun_bench_pool pool;
    mun_bench_acks acks; /* of the last registering run */
} yard;

static bool wants(const yard *y, const char *name)
{
    return mun_bench_wants(y->b, name);
}

__attribute__((format(printf, 5, 6))) static void result(yard *y, const char *name, double value,
                                                         const char *unit, const char *format, ...)
{
    char text[384], full[40];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!wants(y, name)) return;
    snprintf(full, sizeof full, "%s%s", name, y->suffix);
    mun_bench_figure(y->b, full, value, unit, text);
}

/* ---- Registering ---- */

typedef struct registering {
    yard *y;
    char head[512];
    mun_slice head_bytes;
    uint64_t next;   /* statement of the pool */
    uint64_t random; /* for the duplicates */
    uint64_t repeated;
    uint64_t refused; /* answers without a receipt */
    unsigned last_status;
    mun_load_result load;
} registering;

static uint64_t draw(registering *r)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return r->random;
}

static bool next_statement(void *ctx, mun_load_shot *ret)
{
    registering *r = ctx;
    yard *y = r->y;
    bool repeat = y->acks.len > 0 && (double)(draw(r) % 1000000) < y->duplicates * 1e6;
    uint64_t which = repeat ? y->acks.list[draw(r) % y->acks.len].statement : r->next;
    if (!repeat && r->next >= y->pool.len) return false;
    if (!repeat) r->next++;
    if (repeat) r->repeated++;
    *ret = (mun_load_shot){
        .head = r->head_bytes, .body = mun_bench_pool_at(&y->pool, which), .tag = which};
    return true;
}

static void statement_answered(void *ctx, const mun_load_shot *shot, const mun_load_answer *answer)
{
    registering *r = ctx;
    if (answer->status == 201 || answer->status == 200) {
        mun_bench_acks_put(&r->y->acks, shot->tag, answer->body, answer->location);
        return;
    }
    r->refused++;
    r->last_status = answer->status;
}

static mun_code sign_pool(yard *y, double seconds, mun_error *err)
{
    double n = y->rate > 0 ? y->rate * seconds * MARGIN + 1000 : CALIBRATE_POOL;
    mun_bench_acks_free(&y->acks);
    mun_bench_pool_free(&y->pool);
    return mun_bench_pool_make(&y->signers, n < POOL_MAX ? (size_t)n : POOL_MAX, y->b->cores,
                               &y->pool, err);
}

/* Runs, and verifies what came back. */
static mun_code register_run(yard *y, unsigned clients, double seconds, double rate,
                             registering **ret, mun_error *err)
{
    static registering r;
    mun_load_plan plan = {.target = &y->target,
                          .clients = clients,
                          .seconds = seconds,
                          .rate = rate,
                          .stopped = mun_interrupted};
    mun_load_script script = {.ctx = &r, .next = next_statement, .answered = statement_answered};
    memset(&r, 0, sizeof r);
    r.y = y;
    r.random = UINT64_C(0x9e3779b97f4a7c15);
    MUN_TRY(sign_pool(y, seconds, err));
    int len = snprintf(r.head, sizeof r.head,
                       "POST %s/entries HTTP/1.1\r\nHost: %s\r\nContent-Type: " STATEMENT_TYPE
                       "\r\nAccept: " STATEMENT_TYPE "\r\nContent-Length: %zu\r\n\r\n",
                       y->target.url.path, y->target.host, y->pool.each);
    if (len < 0 || (size_t)len >= sizeof r.head) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the URL is too long");
    }
    r.head_bytes = mun_slice_of(r.head, (size_t)len);
    MUN_TRY(mun_load_run(&plan, &script, &r.load, err));
    if (y->acks.len == 0) {
        return mun_failf(err, MUN_E_REFUSED, 0,
                         "%s registers nothing that the bench signs: it answers %u. The ledger "
                         "must take any issuer, or be given one of its own with --key and --issuer",
                         y->target.host, r.last_status);
    }
    *ret = &r;
    return mun_bench_acks_verify(&y->acks, &y->pool, &y->keys, y->b->cores, err);
}

/* What was not as it should be, for the conditions. */
static const char *faults(const registering *r, char ret[96])
{
    ret[0] = '\0';
    if (r->refused > 0 || r->load.broken > 0) {
        snprintf(ret, 96, "; %llu answered without receipt (last %u), %llu connections lost",
                 (unsigned long long)r->refused, r->last_status,
                 (unsigned long long)r->load.broken);
    }
    return ret;
}

static double us_each(const mun_load_result *load)
{
    return load->answers > 0 ? load->own_cpu / (double)load->answers * 1e6 : 0;
}

static mun_code calibrate(yard *y, mun_error *err)
{
    registering *r;
    if (y->rate > 0) return MUN_OK;
    mun_bench_say(y->b, "trying how fast it is");
    double duplicates = y->duplicates;
    y->duplicates = 0;
    mun_code code = register_run(y, y->clients, CALIBRATE, 0, &r, err);
    y->duplicates = duplicates;
    MUN_TRY(code);
    if (r->load.seconds > 0) y->rate = (double)y->acks.len / r->load.seconds;
    return MUN_OK;
}

static double ms_at(const mun_load_result *load, double part)
{
    return (double)mun_latencies_at(&load->latencies, part) / 1e6;
}

static mun_code measure_latency(yard *y, mun_error *err)
{
    registering *r;
    char odd[96];
    if (!wants(y, "http_latency_p50") && !wants(y, "http_latency_p99")) return MUN_OK;
    mun_bench_say(y->b, "one client, from POST to receipt");
    double duplicates = y->duplicates;
    y->duplicates = 0;
    mun_code code = register_run(y, 1, y->seconds, 0, &r, err);
    y->duplicates = duplicates;
    MUN_TRY(code);
    result(y, "http_latency_p50", ms_at(&r->load, 0.5), "ms",
           "one client, statements of 1 KiB, from POST to receipt; %llu registrations, every "
           "receipt verified after the run%s",
           (unsigned long long)r->load.answers, faults(r, odd));
    result(y, "http_latency_p99", ms_at(&r->load, 0.99), "ms",
           "p50 %.3f, p99.9 %.3f, greatest %.3f; as http_latency_p50", ms_at(&r->load, 0.5),
           ms_at(&r->load, 0.999), (double)r->load.latencies.greatest / 1e6);
    return MUN_OK;
}

static mun_code measure_register(yard *y, mun_error *err)
{
    registering *r;
    char odd[96];
    mun_bench_stages before, after;
    bool later = wants(y, "http_open_p99") || wants(y, "http_receipts");
    if (!wants(y, "http_register") && !later) return MUN_OK;
    mun_bench_say(y->b, "registering by many clients");
    mun_bench_stages_read(&y->target, &before);
    double seconds = wants(y, "http_register") ? y->seconds : CALIBRATE * 4;
    MUN_TRY(register_run(y, y->clients, seconds, 0, &r, err));
    mun_bench_stages_read(&y->target, &after);
    y->rate = (double)y->acks.len / r->load.seconds;
    result(y, "http_register", y->rate, "1/s",
           "%u clients, statements of 1 KiB, %.0f %% of them repeated; p50 %.2f ms, p99 %.2f ms; "
           "%zu receipts, every one verified after the run; the generator took %.1f µs a "
           "request%s",
           y->clients, 100.0 * (double)r->repeated / (double)(r->load.answers + 1),
           ms_at(&r->load, 0.5), ms_at(&r->load, 0.99), y->acks.len, us_each(&r->load),
           faults(r, odd));
    if (wants(y, "http_register")) mun_bench_stages_print(y->b, &before, &after);
    return MUN_OK;
}

static mun_code measure_open(yard *y, mun_error *err)
{
    registering *r;
    char odd[96];
    if (!wants(y, "http_open_p99")) return MUN_OK;
    mun_bench_say(y->b, "registering at half of that rate, in an open loop");
    double rate = y->rate * OPEN_SHARE;
    MUN_TRY(register_run(y, y->clients, y->seconds, rate, &r, err));
    result(y, "http_open_p99", ms_at(&r->load, 0.99), "ms",
           "open loop at %.0f/s (half of http_register), %u connections, measured from the "
           "intended start; p50 %.3f, p99.9 %.3f, greatest %.2f; %.0f/s answered%s",
           rate, y->clients, ms_at(&r->load, 0.5), ms_at(&r->load, 0.999),
           (double)r->load.latencies.greatest / 1e6, (double)r->load.answers / r->load.seconds,
           faults(r, odd));
    return MUN_OK;
}

/* ---- Reading ---- */

typedef struct reading {
    yard *y;
    char *heads; /* each_max bytes for each */
    size_t *lens;
    size_t n;
    uint64_t random;
    uint64_t good, bytes;
    unsigned last_status;
    mun_load_result load;
} reading;

#define HEAD_MAX 512

static bool next_read(void *ctx, mun_load_shot *ret)
{
    reading *r = ctx;
    r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    size_t which = (size_t)((r->random >> 33) % r->n);
    *ret = (mun_load_shot){.head = mun_slice_of(r->heads + which * HEAD_MAX, r->lens[which]),
                           .tag = which};
    return true;
}

static void read_answered(void *ctx, const mun_load_shot *shot, const mun_load_answer *answer)
{
    reading *r = ctx;
    (void)shot;
    r->good += answer->status == 200;
    r->bytes += answer->body.len;
    if (answer->status != 200) r->last_status = answer->status;
}

static void put_head(reading *r, mun_slice path, const char *accept)
{
    const mun_load_target *t = &r->y->target;
    int len = snprintf(r->heads + r->n * HEAD_MAX, HEAD_MAX,
                       "GET %.*s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\n\r\n", (int)path.len,
                       (const char *)path.ptr, t->host, accept);
    if (len <= 0 || len >= HEAD_MAX) return;
    r->lens[r->n++] = (size_t)len;
}

static mun_code read_run(reading *r, const char *name, const char *what, mun_error *err)
{
    yard *y = r->y;
    mun_load_plan plan = {.target = &y->target,
                          .clients = y->clients,
                          .seconds = y->seconds,
                          .stopped = mun_interrupted};
    mun_load_script script = {.ctx = r, .next = next_read, .answered = read_answered};
    if (r->n == 0) return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET, "there is nothing to read");
    r->random = 1;
    MUN_TRY(mun_load_run(&plan, &script, &r->load, err));
    if (r->good < r->load.answers) {
        return mun_failf(err, MUN_E_INVALID, 0, "%s answered %u where 200 was expected",
                         y->target.host, r->last_status);
    }
    result(y, name, (double)r->good / r->load.seconds, "1/s",
           "%u clients, %s, %.0f bytes each; p50 %.2f ms, p99 %.2f ms; the generator took %.1f µs "
           "a request%s",
           y->clients, what, (double)r->bytes / (double)(r->good + 1), ms_at(&r->load, 0.5),
           ms_at(&r->load, 0.99), us_each(&r->load),
           r->load.broken > 0 ? "; connections were lost" : "");
    return MUN_OK;
}

static mun_code with_heads(yard *y, size_t most, mun_code (*run)(yard *, reading *, mun_error *),
                           mun_error *err)
{
    static reading r;
    memset(&r, 0, sizeof r);
    r.y = y;
    r.heads = malloc(most * HEAD_MAX);
    r.lens = calloc(most, sizeof *r.lens);
    mun_code code = r.heads != NULL && r.lens != NULL
                        ? run(y, &r, err)
                        : mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    free(r.heads);
    free(r.lens);
    return code;
}

/* Location may be absolute or a path (RFC 9110 section 10.2.2). */
static mun_slice path_of(mun_slice location)
{
    const uint8_t *at = memmem(location.ptr, location.len, "://", 3);
    if (at == NULL) return location;
    size_t skip = (size_t)(at - location.ptr) + 3;
    const uint8_t *slash = memchr(location.ptr + skip, '/', location.len - skip);
    if (slash == NULL) return MUN_LITERAL("/");
    return mun_slice_of(slash, location.len - (size_t)(slash - location.ptr));
}

#define RECEIPTS_ASKED 20000

static mun_code read_receipts(yard *y, reading *r, mun_error *err)
{
    for (size_t i = 0; i < y->acks.len && r->n < RECEIPTS_ASKED; i++) {
        const mun_bench_ack *ack = &y->acks.list[i];
        if (ack->location_len == 0) continue;
        put_head(r, path_of(mun_slice_of(ack->bytes + ack->len, ack->location_len)),
                 STATEMENT_TYPE);
    }
    return read_run(r, "http_receipts", "GET of receipts by their location", err);
}

#define TILES_ASKED 4096

static mun_code log_size(yard *y, uint64_t *ret, mun_error *err)
{
    mun_buf page MUN_BUF_AUTO = mun_buf_growable(PAGE_MAX);
    mun_note note;
    mun_checkpoint checkpoint;
    MUN_TRY(mun_load_get(&y->target, "/checkpoint", "text/plain", &page, err));
    MUN_TRY(mun_note_parse(mun_buf_slice(&page), &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &checkpoint, err));
    *ret = checkpoint.size;
    return MUN_OK;
}

static mun_code read_tiles(yard *y, reading *r, mun_error *err)
{
    uint64_t size;
    char tile[MUN_TILE_PATH_MAX], path[MUN_TILE_PATH_MAX + 300];
    MUN_TRY(log_size(y, &size, err));
    for (uint64_t n = 0; r->n < TILES_ASKED; n++) {
        unsigned width = mun_tile_width(0, n, size);
        if (width == 0 || (width < MUN_TILE_WIDTH && n > 0)) break;
        mun_tile_path(tile, 0, n, width);
        int len = snprintf(path, sizeof path, "%s/%s", y->target.url.path, tile);
        if (len <= 0 || (size_t)len >= sizeof path) break;
        put_head(r, mun_slice_of(path, (size_t)len), "*/*");
    }
    return read_run(r, "http_tiles", "GET of hash tiles", err);
}

/* ---- All of it ---- */

static mun_code measure(yard *y, mun_error *err)
{
    MUN_TRY(mun_bench_keys_read(&y->target, &y->keys, err));
    MUN_TRY(calibrate(y, err));
    MUN_TRY(measure_register(y, err));
    if (wants(y, "http_receipts")) MUN_TRY(with_heads(y, RECEIPTS_ASKED, read_receipts, err));
    MUN_TRY(measure_open(y, err));
    if (wants(y, "http_tiles")) MUN_TRY(with_heads(y, TILES_ASKED, read_tiles, err));
    return measure_latency(y, err);
}

/* "10%" or "10" as 0.1; NULL as 0. */
static mun_code read_percent(const char *text, double *ret, mun_error *err)
{
    char digits[4];
    uint64_t percent = 0;
    size_t len = text != NULL ? strlen(text) : 0;
    if (len > 0 && text[len - 1] == '%') len--;
    if (text == NULL) return MUN_OK;
    snprintf(digits, sizeof digits, "%.*s", len < sizeof digits ? (int)len : 0, text);
    if (!mun_number_parse(digits, &percent) || percent > 99) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "--duplicates is 0% to 99%");
    }
    *ret = (double)percent / 100;
    return MUN_OK;
}

static mun_code measure_at(mun_bench *b, const char *url, const char *suffix, mun_error *err)
{
    static yard y;
    const mun_args *args = &b->app->args;
    memset(&y, 0, sizeof y);
    y.b = b;
    y.suffix = suffix;
    y.clients = (unsigned)mun_args_number(args, MUN_OPT_CLIENTS, DEFAULT_CLIENTS);
    y.seconds = (double)mun_args_number(args, MUN_OPT_SECONDS, DEFAULT_SECONDS);
    MUN_TRY(read_percent(mun_app_value(b->app, MUN_OPT_DUPLICATES), &y.duplicates, err));
    if (y.clients < 1 || y.clients > MUN_LOAD_CLIENTS_MAX || y.seconds < 1 || y.seconds > 86400) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "--clients is 1 to 16384, --seconds 1 to 86400");
    }
    MUN_TRY(mun_load_target_find(url, &y.target, err));
    MUN_TRY(mun_bench_signers_begin(b->app, &y.signers, err));
    mun_code code = measure(&y, err);
    mun_bench_acks_free(&y.acks);
    mun_bench_pool_free(&y.pool);
    mun_bench_signers_end(&y.signers);
    return code;
}

/* Thousands of connections need as many descriptors. */
static void allow_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

mun_code mun_bench_https(mun_bench *b, mun_error *err)
{
    static const char *const names[] = {"http_latency_p50", "http_latency_p99", "http_register",
                                        "http_receipts",    "http_tiles",       "http_open_p99"};
    const char *url = mun_app_value(b->app, MUN_OPT_URL),
               *peer = mun_app_value(b->app, MUN_OPT_PEER);
    mun_bench_service service = {0};
    bool any = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) any |= mun_bench_wants(b, names[i]);
    if (!any) return MUN_OK;
    char program[MUN_PATH_BYTES_MAX];
    if (url == NULL && b->app->args.operands_len == 0 &&
        mun_sibling_find("muniment-serve", program, sizeof program, NULL) != MUN_OK) {
        mun_bench_say(b, "muniment-serve is not installed: nothing is measured over HTTP");
        return MUN_OK;
    }
    allow_files();
    if (url == NULL) MUN_TRY(mun_bench_service_start(b, &service, err));
    mun_code code = measure_at(b, url != NULL ? url : service.url, "", err);
    mun_bench_service_stop(&service);
    if (code == MUN_OK && peer != NULL) code = measure_at(b, peer, "_peer", err);
    return code != MUN_OK || url != NULL ? code : mun_bench_remove(b, "service", err);
}

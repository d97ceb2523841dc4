/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and histograms as relaxed atomics. A histogram keeps its buckets apart, not summed up,
 * so that one observation is two additions; sums are made when somebody reads. A reader sees each
 * number at some moment of its own, but within one histogram the count is the sum of the very
 * buckets printed, so buckets never contradict it.
 */
#include "server/metrics.h"

#include "server/metric_text.h"
#include "server/route.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TIME_BUCKETS  19  /* and one beyond */
#define BATCH_BUCKETS 14  /* 1, 2, 4 ... 8192 */
#define ROUTES_MAX    128 /* a power of two above the number of routes */
#define STATUSES      23

static const uint64_t time_bounds_ns[TIME_BUCKETS] = {
    10000,     25000,      50000,      100000,     250000,      500000,    1000000,
    2500000,   5000000,    10000000,   25000000,   50000000,    100000000, 250000000,
    500000000, 1000000000, 2500000000, 5000000000, 10000000000,
};
static const char *const time_bounds_text[TIME_BUCKETS] = {
    "0.00001", "0.000025", "0.00005", "0.0001", "0.00025", "0.0005", "0.001",
    "0.0025",  "0.005",    "0.01",    "0.025",  "0.05",    "0.1",    "0.25",
    "0.5",     "1",        "2.5",     "5",      "10",
};
/* The last stands for all others. */
static const unsigned statuses[STATUSES] = {200, 201, 202, 204, 304, 400, 401, 403,
                                            404, 405, 406, 408, 409, 411, 412, 413,
                                            415, 422, 429, 500, 503, 507, 0};

typedef struct time_histogram {
    atomic_uint_fast64_t bucket[TIME_BUCKETS + 1];
    atomic_uint_fast64_t sum_ns;
} time_histogram;

typedef struct route_metrics {
    _Atomic(const mun_route *) route;
    atomic_uint_fast64_t status[STATUSES];
    atomic_uint_fast64_t bytes;
    time_histogram time;
} route_metrics;

struct mun_metrics {
    atomic_uint_fast64_t counters[MUN_COUNTERS];
    atomic_int_fast64_t gauges[MUN_GAUGES];
    time_histogram stages[MUN_STAGES];
    time_histogram fsync;
    atomic_uint_fast64_t batch[BATCH_BUCKETS + 1];
    atomic_uint_fast64_t batch_sum;
    route_metrics unrouted; /* and what the table has no room for */
    route_metrics routes[ROUTES_MAX];
};

static void add(atomic_uint_fast64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t load(atomic_uint_fast64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

mun_metrics *mun_metrics_create(void)
{
    return calloc(1, sizeof(mun_metrics));
}

void mun_metrics_destroy(mun_metrics *metrics)
{
    free(metrics);
}

void mun_metrics_count(mun_metrics *metrics, mun_counter counter, uint64_t n)
{
    add(&metrics->counters[counter], n);
}

void mun_metrics_gauge(mun_metrics *metrics, mun_gauge gauge, int64_t change)
{
    atomic_fetch_add_explicit(&metrics->gauges[gauge], change, memory_order_relaxed);
}

static void observe(time_histogram *histogram, uint64_t ns)
{
    size_t i = 0;
    while (i < TIME_BUCKETS && ns > time_bounds_ns[i]) i++;
    add(&histogram->bucket[i], 1);
    add(&histogram->sum_ns, ns);
}

void mun_metrics_stage(mun_metrics *metrics, mun_stage stage, uint64_t ns)
{
    observe(&metrics->stages[stage], ns);
}

void mun_metrics_fsync(mun_metrics *metrics, uint64_t ns)
{
    observe(&metrics->fsync, ns);
}

void mun_metrics_batch(mun_metrics *metrics, uint64_t n)
{
    size_t i = 0;
    while (i < BATCH_BUCKETS && n > (uint64_t)1 << i) i++;
    add(&metrics->batch[i], 1);
    add(&metrics->batch_sum, n);
}

/* The row of a route: found by its address, which is constant, or taken by whoever comes first. */
static route_metrics *row_of(mun_metrics *metrics, const mun_route *route)
{
    size_t at = (size_t)((uintptr_t)route / sizeof *route) % ROUTES_MAX;
    for (size_t i = 0; route != NULL && i < ROUTES_MAX; i++, at = (at + 1) % ROUTES_MAX) {
        route_metrics *row = &metrics->routes[at];
        const mun_route *there = atomic_load_explicit(&row->route, memory_order_relaxed);
        if (there == NULL) {
            if (atomic_compare_exchange_strong(&row->route, &there, route)) return row;
        }
        if (there == route) return row;
    }
    return &metrics->unrouted;
}

void mun_metrics_request(mun_metrics *metrics, const mun_route *route, unsigned status, uint64_t ns,
                         uint64_t bytes)
{
    route_metrics *row = row_of(metrics, route);
    size_t i = 0;
    while (i < STATUSES - 1 && statuses[i] != status) i++;
    add(&row->status[i], 1);
    add(&row->bytes, bytes);
    observe(&row->time, ns);
}

/* ---- Reading out ---- */

/* Those of one name stand together and differ in their label. */
static const struct {
    const char *name, *help, *label;
} counter_texts[MUN_COUNTERS] = {
    [MUN_COUNT_CONNECTIONS] = {"connections_total", "Connections accepted.", ""},
    [MUN_COUNT_CONNECTIONS_REFUSED] = {"connections_refused_total",
                                       "Connections refused over a limit.", ""},
    [MUN_COUNT_FRAMING_REFUSED] = {"framing_refused_total",
                                   "Requests refused because their HTTP was ambiguous.",
                                   "{by=\"service\"}"},
    [MUN_COUNT_LIBRARY_REFUSED] = {"framing_refused_total", NULL, "{by=\"library\"}"},
    [MUN_COUNT_REGISTERED] = {"registered_total", "New entries.", ""},
    [MUN_COUNT_DUPLICATES] = {"duplicates_total", "Statements that were on the log already.", ""},
    [MUN_COUNT_REFUSED] = {"refused_total", "Statements refused by policy or form.", ""},
    [MUN_COUNT_THROTTLED] = {"throttled_total", "Requests answered with 429.", ""},
    [MUN_COUNT_SHED] = {"shed_total", "Requests answered with 503 for want of room.", ""},
    [MUN_COUNT_CLIENT_GONE] = {"client_gone_total", "Clients that left before their answer.", ""},
};
static const struct {
    const char *name, *help;
} gauge_texts[MUN_GAUGES] = {
    [MUN_GAUGE_CONNECTIONS] = {"open_connections", "Connections open."},
    [MUN_GAUGE_STREAMS] = {"open_event_streams", "Event streams open."},
    [MUN_GAUGE_REGISTER_QUEUE] = {"register_queue", "Registrations waiting for a worker."},
    [MUN_GAUGE_WORK_QUEUE] = {"work_queue", "Other requests waiting for a worker."},
    [MUN_GAUGE_BODY_BYTES] = {"body_bytes", "Memory held by request bodies."},
};
static const char *const stage_texts[MUN_STAGES] = {"receive", "queue", "parse", "verify",
                                                    "append",  "sign",  "reply"};

/* name: without the "muniment_" of all of these. */
static void head(mun_buf *out, const char *name, const char *type, const char *help)
{
    char whole[96];
    snprintf(whole, sizeof whole, "muniment_%s", name);
    mun_metric_head(out, whole, type, help);
}

/* label: `stage="queue"`, or empty. */
static void print_histogram(mun_buf *out, const char *name, const char *label,
                            time_histogram *histogram)
{
    const char *comma = label[0] == '\0' ? "" : ",";
    uint64_t sum_ns = load(&histogram->sum_ns), count = 0;
    for (size_t i = 0; i <= TIME_BUCKETS; i++) {
        count += load(&histogram->bucket[i]);
        mun_metric_line(out, "muniment_%s_bucket{%s%sle=\"%s\"} %llu\n", name, label, comma,
                        i < TIME_BUCKETS ? time_bounds_text[i] : "+Inf", (unsigned long long)count);
    }
    const char *open = label[0] == '\0' ? "" : "{", *close = label[0] == '\0' ? "" : "}";
    mun_metric_line(out, "muniment_%s_sum%s%s%s %llu.%09llu\n", name, open, label, close,
                    (unsigned long long)(sum_ns / 1000000000),
                    (unsigned long long)(sum_ns % 1000000000));
    mun_metric_line(out, "muniment_%s_count%s%s%s %llu\n", name, open, label, close,
                    (unsigned long long)count);
}

static void print_counters(mun_metrics *metrics, mun_buf *out)
{
    for (size_t i = 0; i < MUN_COUNTERS; i++) {
        const char *label = counter_texts[i].label, *help = counter_texts[i].help;
        if (help != NULL) head(out, counter_texts[i].name, "counter", help);
        mun_metric_line(out, "muniment_%s%s %llu\n", counter_texts[i].name, label,
                        (unsigned long long)load(&metrics->counters[i]));
    }
    for (size_t i = 0; i < MUN_GAUGES; i++) {
        head(out, gauge_texts[i].name, "gauge", gauge_texts[i].help);
        mun_metric_line(out, "muniment_%s %lld\n", gauge_texts[i].name,
                        (long long)atomic_load_explicit(&metrics->gauges[i], memory_order_relaxed));
    }
}

static void print_batches(mun_metrics *metrics, mun_buf *out)
{
    uint64_t sum = load(&metrics->batch_sum), count = 0;
    head(out, "batch_statements", "histogram", "Entries made durable by one sync.");
    for (size_t i = 0; i <= BATCH_BUCKETS; i++) {
        count += load(&metrics->batch[i]);
        if (i < BATCH_BUCKETS) {
            mun_metric_line(out, "muniment_batch_statements_bucket{le=\"%llu\"} %llu\n", 1ull << i,
                            (unsigned long long)count);
        }
    }
    mun_metric_line(out, "muniment_batch_statements_bucket{le=\"+Inf\"} %llu\n",
                    (unsigned long long)count);
    mun_metric_line(out,
                    "muniment_batch_statements_sum %llu\nmuniment_batch_statements_count %llu\n",
                    (unsigned long long)sum, (unsigned long long)count);
}

static void print_stages(mun_metrics *metrics, mun_buf *out)
{
    head(out, "stage_seconds", "histogram", "Time of a registration, by stage.");
    for (size_t i = 0; i < MUN_STAGES; i++) {
        char label[48];
        snprintf(label, sizeof label, "stage=\"%s\"", stage_texts[i]);
        print_histogram(out, "stage_seconds", label, &metrics->stages[i]);
    }
    head(out, "fsync_seconds", "histogram", "Time of one sync of the log.");
    print_histogram(out, "fsync_seconds", "", &metrics->fsync);
}

/* Calls for each route that was asked for, and for those requests that fitted none. */
static void each_route(mun_metrics *metrics, mun_buf *out,
                       void (*print)(mun_buf *out, route_metrics *row, const char *name))
{
    print(out, &metrics->unrouted, "none");
    for (size_t i = 0; i < ROUTES_MAX; i++) {
        const mun_route *route =
            atomic_load_explicit(&metrics->routes[i].route, memory_order_relaxed);
        if (route != NULL) print(out, &metrics->routes[i], route->name);
    }
}

static void print_statuses(mun_buf *out, route_metrics *row, const char *name)
{
    for (size_t i = 0; i < STATUSES; i++) {
        uint64_t n = load(&row->status[i]);
        char status[8] = "other";
        if (n == 0) continue;
        if (statuses[i] != 0) snprintf(status, sizeof status, "%u", statuses[i] % 1000);
        mun_metric_line(out, "muniment_http_requests_total{route=\"%s\",status=\"%s\"} %llu\n",
                        name, status, (unsigned long long)n);
    }
}

static void print_bytes(mun_buf *out, route_metrics *row, const char *name)
{
    mun_metric_line(out, "muniment_http_response_bytes_total{route=\"%s\"} %llu\n", name,
                    (unsigned long long)load(&row->bytes));
}

static void print_times(mun_buf *out, route_metrics *row, const char *name)
{
    char label[96];
    snprintf(label, sizeof label, "route=\"%s\"", name);
    print_histogram(out, "http_request_seconds", label, &row->time);
}

void mun_metrics_print(mun_metrics *metrics, mun_buf *out)
{
    print_counters(metrics, out);
    print_batches(metrics, out);
    print_stages(metrics, out);
    head(out, "http_requests_total", "counter", "Requests answered.");
    each_route(metrics, out, print_statuses);
    head(out, "http_response_bytes_total", "counter", "Bytes of the bodies answered.");
    each_route(metrics, out, print_bytes);
    head(out, "http_request_seconds", "histogram",
         "From the complete head of a request to its answer.");
    each_route(metrics, out, print_times);
}

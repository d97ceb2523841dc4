/* SPDX-License-Identifier: Apache-2.0 */
/* A service of our own for the measurement, and what its /metrics say. */
#include "cli/bench_http.h"
#include "cli/sibling.h"
#include "cli/speak.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ORIGIN        "bench.invalid/http"
#define START_SECONDS 15.0
#define STOP_SECONDS  15.0
#define METRICS_MAX   (1u << 20)

/* ---- A process of our own ---- */

/* A port that nobody listens on at the moment. */
static mun_code free_port(unsigned *ret, mun_error *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
                getsockname(fd, (struct sockaddr *)&a, &len) == 0;
    int why = errno;
    if (fd >= 0) close(fd);
    if (!good) return mun_failf(err, MUN_E_IO, why, "no free port on 127.0.0.1");
    *ret = ntohs(a.sin_port);
    return MUN_OK;
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

static bool has_ended(mun_bench_service *s)
{
    if (s->pid <= 0) return true;
    if (waitpid(s->pid, NULL, WNOHANG) != s->pid) return false;
    s->pid = 0;
    return true;
}

static mun_code wait_ready(mun_bench_service *s, mun_error *err)
{
    mun_load_target target;
    uint8_t room[4096];
    MUN_TRY(mun_load_target_find(s->url, &target, err));
    double until = mun_bench_now() + START_SECONDS;
    while (mun_bench_now() < until && !has_ended(s) && !mun_interrupted()) {
        mun_buf page = mun_buf_fixed(room, sizeof room);
        if (mun_load_get(&target, "/readyz", "*/*", &page, NULL) == MUN_OK) return MUN_OK;
        pause_ms(20);
    }
    return mun_failf(err, MUN_E_IO, 0, "muniment-serve did not get ready within %.0f seconds",
                     START_SECONDS);
}

/* Why it did not start. */
static void show_log(int log)
{
    char text[2048];
    ssize_t len = lseek(log, 0, SEEK_SET) == 0 ? read(log, text, sizeof text) : 0;
    if (len > 0) fprintf(stderr, "%.*s\n", (int)len, text);
}

mun_code mun_bench_service_start(mun_bench *b, mun_bench_service *ret, mun_error *err)
{
    char program[MUN_PATH_BYTES_MAX], path[MUN_PATH_BYTES_MAX], where[32];
    char *const argv[] = {(char[]){"muniment-serve"},
                          (char[]){"serve"},
                          path,
                          (char[]){"--listen"},
                          where,
                          (char[]){"--quiet"},
                          NULL};
    mun_ledger_create_options options = {.origin = MUN_LITERAL(ORIGIN), .any_issuer = true};
    unsigned port;
    mun_bench_service s = {0};
    MUN_TRY(mun_sibling_find("muniment-serve", program, sizeof program, err));
    MUN_TRY(mun_bench_path(b, "service", path, err));
    MUN_TRY(mun_ledger_create(path, &options, err));
    MUN_TRY(free_port(&port, err));
    snprintf(where, sizeof where, "127.0.0.1:%u", port);
    snprintf(s.url, sizeof s.url, "http://%s", where);
    fflush(stdout);
    /* What the service logs costs it what a log costs, and nobody reads it. */
    int log = memfd_create("muniment-serve.log", 0);
    s.pid = fork();
    if (s.pid < 0) return mun_failf(err, MUN_E_IO, errno, "cannot start a process");
    if (s.pid == 0) {
        if (log >= 0) dup2(log, STDERR_FILENO);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* standard output holds figures only */
        execv(program, argv);
        _exit(127);
    }
    mun_code code = wait_ready(&s, err);
    if (code != MUN_OK && log >= 0) show_log(log);
    if (log >= 0) close(log);
    if (code != MUN_OK) mun_bench_service_stop(&s);
    if (code == MUN_OK) *ret = s;
    return code;
}

void mun_bench_service_stop(mun_bench_service *service)
{
    if (service->pid <= 0) return;
    kill(service->pid, SIGTERM);
    double until = mun_bench_now() + STOP_SECONDS;
    while (!has_ended(service) && mun_bench_now() < until) pause_ms(10);
    if (service->pid <= 0) return;
    kill(service->pid, SIGKILL);
    while (waitpid(service->pid, NULL, 0) < 0 && errno == EINTR) continue;
    service->pid = 0;
}

/* ---- Stages ---- */

static double number_after(mun_slice line, size_t at)
{
    char text[32];
    size_t len = line.len - at < sizeof text - 1 ? line.len - at : sizeof text - 1;
    memcpy(text, line.ptr + at, len);
    text[len] = '\0';
    return strtod(text, NULL);
}

/* The value of a line `name value`; false: another line. */
static bool value_of(mun_slice line, const char *name, double *ret)
{
    size_t n = strlen(name);
    if (line.len <= n || memcmp(line.ptr, name, n) != 0 || line.ptr[n] != ' ') return false;
    *ret = number_after(line, n + 1);
    return true;
}

static size_t stage_named(mun_bench_stages *s, const uint8_t *name, size_t len)
{
    for (size_t i = 0; i < s->len; i++) {
        if (strlen(s->name[i]) == len && memcmp(s->name[i], name, len) == 0) return i;
    }
    if (s->len == MUN_BENCH_STAGES || len >= sizeof s->name[0]) return MUN_BENCH_STAGES;
    memcpy(s->name[s->len], name, len);
    return s->len++;
}

/* muniment_stage_seconds_sum{stage="parse"} 1.5, and _count. */
static void stage_line(mun_slice line, mun_bench_stages *ret)
{
    static const char sum[] = "muniment_stage_seconds_sum{stage=\"";
    static const char count[] = "muniment_stage_seconds_count{stage=\"";
    bool is_sum = mun_slice_starts(line, MUN_LITERAL(sum));
    if (!is_sum && !mun_slice_starts(line, MUN_LITERAL(count))) return;
    size_t from = is_sum ? sizeof sum - 1 : sizeof count - 1;
    const uint8_t *end = memchr(line.ptr + from, '"', line.len - from);
    if (end == NULL || (size_t)(end - line.ptr) + 3 > line.len) return;
    size_t stage = stage_named(ret, line.ptr + from, (size_t)(end - line.ptr) - from);
    if (stage == MUN_BENCH_STAGES) return;
    double value = number_after(line, (size_t)(end - line.ptr) + 3);
    if (is_sum) ret->seconds[stage] = value;
    if (!is_sum) ret->count[stage] = value;
}

static void stages_parse(mun_slice text, mun_bench_stages *ret)
{
    *ret = (mun_bench_stages){0};
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = end != NULL ? (size_t)(end - text.ptr) - at : text.len - at;
        mun_slice line = mun_slice_of(text.ptr + at, len);
        stage_line(line, ret);
        (void)value_of(line, "muniment_fsync_seconds_count", &ret->syncs);
        (void)value_of(line, "muniment_batch_statements_count", &ret->batches);
        (void)value_of(line, "muniment_batch_statements_sum", &ret->batched);
        (void)value_of(line, "process_cpu_seconds_total", &ret->cpu);
        (void)value_of(line, "process_resident_memory_bytes", &ret->rss);
        at += len + 1;
    }
}

void mun_bench_stages_read(const mun_load_target *target, mun_bench_stages *ret)
{
    mun_buf page MUN_BUF_AUTO = mun_buf_growable(METRICS_MAX);
    mun_load_target root = *target; /* /metrics stands at the service's root */
    root.url.path[0] = '\0';
    *ret = (mun_bench_stages){0};
    if (mun_load_get(&root, "/metrics", "text/plain", &page, NULL) != MUN_OK) return;
    stages_parse(mun_buf_slice(&page), ret);
}

static double stage_us(const mun_bench_stages *before, const mun_bench_stages *after, size_t i)
{
    double seconds = after->seconds[i], count = after->count[i];
    for (size_t k = 0; k < before->len; k++) {
        if (strcmp(before->name[k], after->name[i]) != 0) continue;
        seconds -= before->seconds[k];
        count -= before->count[k];
    }
    return count > 0 ? seconds / count * 1e6 : 0;
}

static void print_text(const mun_bench_stages *before, const mun_bench_stages *after)
{
    double calls = after->batches - before->batches, batched = after->batched - before->batched;
    double syncs = after->syncs - before->syncs;
    printf("  a registration, mean µs by stage:");
    for (size_t i = 0; i < after->len; i++) {
        printf(" %s %.1f", after->name[i], stage_us(before, after, i));
    }
    if (calls > 0) printf("; %.1f statements a call", batched / calls);
    if (syncs > 0) printf(", %.1f a sync", batched / syncs);
    if (after->cpu > 0 && batched > 0) {
        printf("; processor time of the service %.1f µs each",
               (after->cpu - before->cpu) / batched * 1e6);
    }
    if (after->rss > 0) printf("; service's memory %.1f MiB", after->rss / 1048576);
    printf("\n");
}

void mun_bench_stages_print(mun_bench *b, const mun_bench_stages *before,
                            const mun_bench_stages *after)
{
    if (after->len == 0) return;
    if (!b->app->json) {
        print_text(before, after);
        return;
    }
    /* Standard output holds figures only. */
    json_t *object = mun_out_new("stages"), *stages = json_object();
    for (size_t i = 0; i < after->len; i++) {
        mun_out_put(stages, after->name[i], json_real(stage_us(before, after, i)));
    }
    mun_out_put(object, "mean_us", stages);
    mun_out_put(object, "calls", json_real(after->batches - before->batches));
    mun_out_put(object, "statements", json_real(after->batched - before->batched));
    mun_out_put(object, "syncs", json_real(after->syncs - before->syncs));
    mun_out_put(object, "cpu_seconds", json_real(after->cpu - before->cpu));
    mun_out_put(object, "resident_bytes", json_real(after->rss));
    fflush(stdout);
    json_dumpf(object, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(object);
}

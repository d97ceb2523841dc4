/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers statements over HTTP from many clients and writes every acknowledgement (statement,
 * receipt, location) to a file before it counts it; recorded_check reads that file afterwards. The
 * client is written from SCRAPI and RFC 9112, knows nothing of the service's code, and never gives
 * up: a refused, lost or broken answer has it try the same statement again until the time is over.
 *
 * Some requests repeat a statement that was acknowledged before (by this client or another), and
 * with --vanish some clients go away in the middle: half a head, half a body, all of it unread, a
 * reset, or a few bytes of the answer.
 *
 * Usage: recorded_load --to HOST:PORT|unix:PATH --record FILE [--base PATH] [--clients N]
 *        [--seconds S] [--duplicates PERCENT] [--vanish PERCENT] [--rate N] [--tag TEXT]
 * Prints one JSON object. A record: four u32 (little-endian): lengths of statement, receipt and
 * location, 1 for a repeated statement; then their bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include <muniment/keys.h>
#include <muniment/ledger.h>

#define CLIENTS_MAX    4096
#define STATEMENT_CAP  2048
#define PAYLOAD        720 /* makes the statement about 1 KiB */
#define ANSWER_CAP     32768
#define OWN_RING       32
#define SHARED_RING    256
#define LATENCIES_MAX  (1u << 22)
#define ANSWER_SECONDS 20
#define STACK          (256u << 10)
#define STATUSES       600
#define BASE64URL_LEAF 43

typedef struct posted {
    uint8_t bytes[STATEMENT_CAP];
    size_t len;
    char name[BASE64URL_LEAF + 1]; /* leaf hash: the last part of its location */
} posted;

typedef struct client {
    pthread_t thread;
    unsigned number;
    uint64_t random;
    int fd;
    mun_crypto crypto;
    mun_private_key *key;
    mun_signer signer;
    mun_buf iss;
    posted now;
    posted ring[OWN_RING];
    unsigned long made, kept;
    char answer[ANSWER_CAP];
} client;

typedef struct answer {
    unsigned status;
    bool close;
    const char *type, *location; /* in the client's buffer, NUL-terminated; or NULL */
    unsigned retry_after;
    bool have_retry_after;
    const uint8_t *body;
    size_t body_len;
} answer;

static struct {
    const char *to, *base, *record, *tag;
    unsigned clients, seconds, duplicates, vanish, rate;
} opt = {.base = "", .clients = 256, .seconds = 10, .tag = "load"};

static int record_fd;
static atomic_bool over;
static atomic_ulong statuses[STATUSES];
static atomic_ulong acknowledged, repeated, vanished, connect_errors, broken_answers, bad, timeouts;
static atomic_ulong answers_5xx_without_retry;
static atomic_uint latencies_len;
static uint32_t *latencies; /* microseconds of acknowledged requests */
static _Atomic uint64_t last_ack_ns, longest_gap_ns;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static posted shared[SHARED_RING];
static unsigned long shared_kept;
static pthread_mutex_t bad_lock = PTHREAD_MUTEX_INITIALIZER;
static char bad_text[400];

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static uint64_t draw(client *c) /* xorshift64* */
{
    c->random ^= c->random >> 12;
    c->random ^= c->random << 25;
    c->random ^= c->random >> 27;
    return c->random * UINT64_C(2685821657736338717);
}

static void die(const char *what, const mun_error *err)
{
    fprintf(stderr, "recorded_load: %s: %s\n", what, err != NULL ? err->text : strerror(errno));
    exit(5);
}

/* What the specifications do not allow: counted, the first one told. */
static void note_bad(const char *what, const char *more)
{
    atomic_fetch_add(&bad, 1);
    pthread_mutex_lock(&bad_lock);
    if (bad_text[0] == '\0') snprintf(bad_text, sizeof bad_text, "%s: %.300s", what, more);
    pthread_mutex_unlock(&bad_lock);
}

/* ---- statements ---- */

static void client_keys(client *c)
{
    mun_error err = {0};
    if (mun_native_crypto_new(&c->crypto, &err) != MUN_OK) die("crypto", &err);
    if (mun_private_key_generate(c->number % 2 ? MUN_ALG_EDDSA : MUN_ALG_ES256, &c->key, &err) !=
        MUN_OK)
        die("key", &err);
    mun_private_key_signer(c->key, &c->signer);
    mun_key_thumbprint(&c->crypto, &c->signer.key, c->signer.kid);
    c->iss = mun_buf_growable(256);
    mun_key_thumbprint_uri(&c->crypto, &c->signer.key, &c->iss);
}

static void base64url(const uint8_t leaf[MUN_HASH_SIZE], char ret[BASE64URL_LEAF + 1])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned have = 0, out = 0;
    for (unsigned i = 0; i < MUN_HASH_SIZE; i++) {
        bits = bits << 8 | leaf[i];
        for (have += 8; have >= 6; have -= 6) ret[out++] = letters[bits >> (have - 6) & 63];
    }
    ret[out++] = letters[bits << (6 - have) & 63];
    ret[out] = '\0';
}

static void make_new(client *c)
{
    mun_error err = {0};
    char payload[PAYLOAD], subject[96];
    uint8_t leaf[MUN_HASH_SIZE];
    for (unsigned i = 0; i < sizeof payload; i++) payload[i] = (char)('a' + draw(c) % 26);
    snprintf(subject, sizeof subject, "%s/%u/%lu", opt.tag, c->number, c->made++);
    mun_statement_params params = {.iss = mun_buf_slice(&c->iss),
                                   .sub = mun_slice_cstr(subject),
                                   .content_type = MUN_LITERAL("text/plain"),
                                   .inline_payload = true,
                                   .payload = mun_slice_of(payload, sizeof payload)};
    mun_buf out = mun_buf_fixed(c->now.bytes, sizeof c->now.bytes);
    if (mun_statement_sign(&params, &c->signer, &out, &err) != MUN_OK) die("sign", &err);
    c->now.len = out.len;
    mun_statement parsed;
    if (mun_statement_parse(mun_buf_slice(&out), &parsed, &err) != MUN_OK) die("parse", &err);
    mun_statement_leaf(&c->crypto, &parsed, leaf);
    base64url(leaf, c->now.name);
}

/* The next statement to post; true where it was acknowledged before. */
static bool choose(client *c)
{
    bool from_shared = draw(c) % 2 == 0;
    if (draw(c) % 100 < opt.duplicates) {
        if (!from_shared && c->kept > 0) {
            c->now = c->ring[draw(c) % (c->kept < OWN_RING ? c->kept : OWN_RING)];
            return true;
        }
        pthread_mutex_lock(&shared_lock);
        bool have = shared_kept > 0;
        if (have)
            c->now = shared[draw(c) % (shared_kept < SHARED_RING ? shared_kept : SHARED_RING)];
        pthread_mutex_unlock(&shared_lock);
        if (have) return true;
    }
    make_new(c);
    return false;
}

static void keep(client *c)
{
    c->ring[c->kept++ % OWN_RING] = c->now;
    if (draw(c) % 8 != 0) return;
    pthread_mutex_lock(&shared_lock);
    shared[shared_kept++ % SHARED_RING] = c->now;
    pthread_mutex_unlock(&shared_lock);
}

/* ---- the wire ---- */

static int dial_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static int dial_tcp(const char *where)
{
    char host[64];
    const char *colon = strrchr(where, ':');
    if (colon == NULL || (size_t)(colon - where) >= sizeof host) die("--to", NULL);
    snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    inet_pton(AF_INET, host, &a.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0) return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    close(fd);
    return -1;
}

static bool dial(client *c)
{
    if (c->fd >= 0) return true;
    c->fd = strncmp(opt.to, "unix:", 5) == 0 ? dial_unix(opt.to + 5) : dial_tcp(opt.to);
    if (c->fd < 0) {
        atomic_fetch_add(&connect_errors, 1);
        return false;
    }
    struct timeval wait = {.tv_sec = ANSWER_SECONDS};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    return true;
}

static void hang_up(client *c, bool reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (c->fd < 0) return;
    if (reset) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->fd);
    c->fd = -1;
}

static size_t write_request(const client *c, char *to, size_t cap)
{
    int head = snprintf(to, cap,
                        "POST %s/entries HTTP/1.1\r\nHost: localhost\r\n"
                        "Content-Type: application/cose\r\nAccept: application/cose\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        opt.base, c->now.len);
    memcpy(to + head, c->now.bytes, c->now.len);
    return (size_t)head + c->now.len;
}

static bool send_all(client *c, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (put <= 0) return false;
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

/* Value of a field in a NUL-terminated head; ended by NUL in place. */
static const char *take_field(char *head, const char *name)
{
    size_t len = strlen(name);
    for (char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':') continue;
        char *value = line + len + 1;
        while (*value == ' ' || *value == '\t') value++;
        return value;
    }
    return NULL;
}

static void end_values(char *head)
{
    for (char *at = head; (at = strstr(at, "\r\n")) != NULL; at += 2) *at = '\0';
}

static bool parse_head(char *head, answer *ret, size_t *ret_length)
{
    if (strncmp(head, "HTTP/1.1 ", 9) != 0) return false;
    ret->status = (unsigned)strtoul(head + 9, NULL, 10);
    const char *length = take_field(head, "Content-Length");
    const char *retry = take_field(head, "Retry-After");
    const char *connection = take_field(head, "Connection");
    ret->type = take_field(head, "Content-Type");
    ret->location = take_field(head, "Location");
    ret->have_retry_after = retry != NULL;
    ret->retry_after = retry != NULL ? (unsigned)strtoul(retry, NULL, 10) : 0;
    *ret_length = length != NULL ? strtoul(length, NULL, 10) : 0;
    end_values(head);
    ret->close = connection != NULL && strcasecmp(connection, "close") == 0;
    return ret->status < STATUSES && ret->status >= 200 && (length != NULL || ret->status == 204);
}

/* Reads one answer; false: the connection ended or what came is no HTTP. */
static bool receive(client *c, answer *ret)
{
    size_t have = 0, need = 0, length = 0;
    char *end = NULL;
    memset(ret, 0, sizeof *ret);
    while (end == NULL || have < need) {
        ssize_t got = recv(c->fd, c->answer + have, sizeof c->answer - 1 - have, 0);
        if (got < 0 && errno == EAGAIN) atomic_fetch_add(&timeouts, 1);
        if (got <= 0) {
            if (have > 0) atomic_fetch_add(&broken_answers, 1);
            return false;
        }
        have += (size_t)got;
        c->answer[have] = '\0';
        if (end != NULL) continue;
        end = strstr(c->answer, "\r\n\r\n");
        if (end == NULL) continue;
        end[2] = '\0';
        if (!parse_head(c->answer, ret, &length) || length >= sizeof c->answer / 2) {
            note_bad("not an answer", c->answer);
            return false;
        }
        need = (size_t)(end + 4 - c->answer) + length;
    }
    ret->body = (const uint8_t *)end + 4;
    ret->body_len = length;
    return true;
}

/* ---- acknowledging ---- */

static void put_u32(uint8_t *to, size_t value)
{
    for (unsigned i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8 * i);
}

/* One write, appended: records of many threads never mix. */
static void record(const client *c, const answer *a, bool again)
{
    uint8_t bytes[16 + STATEMENT_CAP + ANSWER_CAP + 512];
    size_t location = strnlen(a->location, 500), at = 16;
    put_u32(bytes, c->now.len);
    put_u32(bytes + 4, a->body_len);
    put_u32(bytes + 8, location);
    put_u32(bytes + 12, again);
    memcpy(bytes + at, c->now.bytes, c->now.len);
    at += c->now.len;
    memcpy(bytes + at, a->body, a->body_len);
    at += a->body_len;
    memcpy(bytes + at, a->location, location);
    at += location;
    if (write(record_fd, bytes, at) != (ssize_t)at) die("record", NULL);
}

static void note_gap(uint64_t now)
{
    uint64_t before = atomic_exchange(&last_ack_ns, now);
    uint64_t gap = now > before ? now - before : 0;
    uint64_t longest = atomic_load(&longest_gap_ns);
    while (gap > longest && !atomic_compare_exchange_weak(&longest_gap_ns, &longest, gap)) {
    }
}

static bool acknowledgement_good(const client *c, const answer *a)
{
    size_t len = a->location != NULL ? strlen(a->location) : 0;
    if (len < BASE64URL_LEAF || strcmp(a->location + len - BASE64URL_LEAF, c->now.name) != 0)
        note_bad("Location", a->location != NULL ? a->location : "missing");
    else if (a->type == NULL || strncmp(a->type, "application/cose", 16) != 0)
        note_bad("Content-Type of a receipt", a->type != NULL ? a->type : "missing");
    else if (a->body_len == 0)
        note_bad("a receipt", "empty");
    else
        return true;
    return false;
}

static void acknowledge(client *c, const answer *a, bool again, uint64_t began)
{
    if (!acknowledgement_good(c, a)) return;
    record(c, a, again);
    uint64_t now = now_ns();
    note_gap(now);
    unsigned at = atomic_fetch_add(&latencies_len, 1);
    if (at < LATENCIES_MAX) latencies[at] = (uint32_t)((now - began) / 1000);
    atomic_fetch_add(&acknowledged, 1);
    if (again) atomic_fetch_add(&repeated, 1);
    keep(c);
}

static void judge_refusal(const answer *a)
{
    if (a->status < 400) {
        note_bad("status of a registration", a->status == 202 ? "202" : "below 400");
        return;
    }
    if (a->type == NULL || strcmp(a->type, "application/concise-problem-details+cbor") != 0)
        note_bad("Content-Type of a refusal", a->type != NULL ? a->type : "missing");
    bool later = a->status == 429 || a->status == 503;
    if (later && !a->have_retry_after) atomic_fetch_add(&answers_5xx_without_retry, 1);
    if (a->status < 500 && a->status != 429) note_bad("a good statement was refused", a->type);
}

/* Posts until it is acknowledged or the time is over. */
static void post(client *c, bool again)
{
    static _Thread_local char request[STATEMENT_CAP + 512];
    unsigned backoff = 5;
    while (!atomic_load(&over)) {
        answer a;
        uint64_t began = now_ns();
        size_t len = write_request(c, request, sizeof request);
        if (!dial(c) || !send_all(c, request, len) || !receive(c, &a)) {
            hang_up(c, false);
            pause_ms(backoff + (unsigned)(draw(c) % (backoff + 1)));
            if (backoff < 300) backoff *= 2;
            continue;
        }
        atomic_fetch_add(&statuses[a.status], 1);
        bool good = a.status == 201 || a.status == 200;
        if (good)
            acknowledge(c, &a, again, began);
        else
            judge_refusal(&a);
        if (a.close) hang_up(c, false);
        if (good || (a.status < 500 && a.status != 429)) return;
        /* Retry-After is honoured up to what a short test can wait for. */
        unsigned wait = a.have_retry_after ? a.retry_after * 1000 : backoff;
        pause_ms((wait > 1000 ? 1000 : wait) / 2 + (unsigned)(draw(c) % 500));
    }
}

/* Goes away in one of five ways. */
static void vanish(client *c)
{
    static _Thread_local char request[STATEMENT_CAP + 512];
    unsigned way = (unsigned)(draw(c) % 5);
    size_t len = write_request(c, request, sizeof request);
    size_t some = way == 0 ? 30 + draw(c) % 60 : way == 1 ? len - 1 - draw(c) % c->now.len : len;
    if (!dial(c)) return;
    if (send_all(c, request, some) && way == 4 && recv(c->fd, c->answer, 10, 0) < 0)
        atomic_fetch_add(&timeouts, 1);
    hang_up(c, way == 3 || draw(c) % 4 == 0);
    atomic_fetch_add(&vanished, 1);
}

static void *run_client(void *arg)
{
    client *c = arg;
    unsigned per_second = opt.rate != 0 ? opt.rate : 0;
    client_keys(c);
    while (!atomic_load(&over)) {
        bool again = choose(c);
        if (draw(c) % 100 < opt.vanish)
            vanish(c);
        else
            post(c, again);
        if (per_second != 0) pause_ms((unsigned)(draw(c) % (2000u * opt.clients / per_second + 1)));
    }
    hang_up(c, false);
    mun_buf_free(&c->iss);
    mun_private_key_free(c->key);
    mun_native_crypto_free(&c->crypto);
    return NULL;
}

/* ---- the end ---- */

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile(unsigned n, double part)
{
    return n == 0 ? 0 : latencies[(unsigned)((n - 1) * part)] / 1000.0;
}

static void print_summary(double seconds)
{
    unsigned n = atomic_load(&latencies_len);
    if (n > LATENCIES_MAX) n = LATENCIES_MAX;
    qsort(latencies, n, sizeof *latencies, by_value);
    printf("{\"seconds\":%.1f,\"clients\":%u,\"acknowledged\":%lu,\"repeated\":%lu,"
           "\"per_second\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,"
           "\"longest_gap_ms\":%.0f,\"vanished\":%lu,\"connect_errors\":%lu,"
           "\"broken_answers\":%lu,\"timeouts\":%lu,\"without_retry_after\":%lu,\"statuses\":{",
           seconds, opt.clients, atomic_load(&acknowledged), atomic_load(&repeated),
           (double)atomic_load(&acknowledged) / seconds, percentile(n, 0.5), percentile(n, 0.99),
           percentile(n, 1), (double)atomic_load(&longest_gap_ns) / 1e6, atomic_load(&vanished),
           atomic_load(&connect_errors), atomic_load(&broken_answers), atomic_load(&timeouts),
           atomic_load(&answers_5xx_without_retry));
    const char *comma = "";
    for (unsigned i = 0; i < STATUSES; i++) {
        if (atomic_load(&statuses[i]) == 0) continue;
        printf("%s\"%u\":%lu", comma, i, atomic_load(&statuses[i]));
        comma = ",";
    }
    for (char *at = bad_text; *at != '\0'; at++)
        if (*at == '"' || *at == '\\' || (unsigned char)*at < 32) *at = '\'';
    printf("},\"bad\":%lu,\"bad_text\":\"%s\"}\n", atomic_load(&bad), bad_text);
}

static void start(client *c, unsigned number)
{
    pthread_attr_t attributes;
    uint64_t seed = number + 1;
    for (const char *at = opt.tag; *at != '\0'; at++) seed = seed * 1099511628211u + (uint8_t)*at;
    c->number = number;
    c->random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    c->fd = -1;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    if (pthread_create(&c->thread, &attributes, run_client, c) != 0) die("thread", NULL);
    pthread_attr_destroy(&attributes);
}

static void read_options(int argc, char **argv)
{
    struct {
        const char *name;
        const char **text;
        unsigned *number;
    } known[] = {{"--to", &opt.to, NULL},
                 {"--base", &opt.base, NULL},
                 {"--record", &opt.record, NULL},
                 {"--tag", &opt.tag, NULL},
                 {"--clients", NULL, &opt.clients},
                 {"--seconds", NULL, &opt.seconds},
                 {"--duplicates", NULL, &opt.duplicates},
                 {"--vanish", NULL, &opt.vanish},
                 {"--rate", NULL, &opt.rate}};
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0, n = sizeof known / sizeof *known;
        while (k < n && strcmp(argv[i], known[k].name) != 0) k++;
        if (k == n || i + 1 == argc) {
            fprintf(stderr, "recorded_load: what is %s?\n", argv[i]);
            exit(2);
        }
        if (known[k].text != NULL)
            *known[k].text = argv[i + 1];
        else
            *known[k].number = (unsigned)strtoul(argv[i + 1], NULL, 10);
    }
    if (opt.to == NULL || opt.record == NULL || opt.clients < 1 || opt.clients > CLIENTS_MAX) {
        fprintf(stderr, "recorded_load: --to and --record are needed, 1 to %u clients\n",
                CLIENTS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    record_fd = open(opt.record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (record_fd < 0) die(opt.record, NULL);
    latencies = malloc(LATENCIES_MAX * sizeof *latencies);
    client *clients = calloc(opt.clients, sizeof *clients);
    if (latencies == NULL || clients == NULL) die("memory", NULL);
    uint64_t began = now_ns();
    atomic_store(&last_ack_ns, began);
    for (unsigned i = 0; i < opt.clients; i++) start(&clients[i], i);
    pause_ms(opt.seconds * 1000);
    atomic_store(&over, true);
    for (unsigned i = 0; i < opt.clients; i++) pthread_join(clients[i].thread, NULL);
    print_summary((double)(now_ns() - began) / 1e9);
    free(clients);
    free(latencies);
    return 0;
}

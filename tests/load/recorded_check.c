/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what recorded_load wrote, after the service was stopped, and holds each acknowledgement
 * against the ledger and its public keys:
 *   - the receipt is good for the statement's leaf hash under the ledger's key (the C verifier);
 *   - its issuer is the ledger, its subject the statement's;
 *   - the ledger holds exactly this entry at the receipt's index, registered in the second it says.
 * So an entry that was acknowledged and lost, moved, altered or registered twice is found.
 *
 * Usage: recorded_check LEDGER RECORD... [--sample N --seed S --out FILE]
 * --out: N records by chance as JSON lines for ref/: index, leaf, time, receipt, statement.
 * Prints one JSON object; ends with 1 where anything is wrong.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include <muniment/keys.h>
#include <muniment/ledger.h>

#define THREADS    2
#define RECORD_MAX (1u << 20)
#define TOLD       5 /* findings that are printed */

typedef struct place {
    const uint8_t *statement;
    uint32_t statement_len, receipt_len;
    uint64_t index, time_ms;
    uint8_t leaf[MUN_HASH_SIZE];
} place;

static mun_ledger *ledger;
static place *places;
static size_t places_len;
static atomic_size_t next;
static atomic_ulong wrong;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "recorded_check: %s: %s\n", what, why);
    exit(5);
}

static void find_wrong(size_t n, const char *what, const char *more)
{
    if (atomic_fetch_add(&wrong, 1) < TOLD)
        fprintf(stderr, "recorded_check: record %zu: %s: %s\n", n, what, more);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The whole file; kept until the end. */
static mun_slice slurp(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL || fseek(in, 0, SEEK_END) != 0) die(path, strerror(errno));
    size_t len = (size_t)ftell(in);
    uint8_t *bytes = malloc(len + 1);
    rewind(in);
    if (bytes == NULL || fread(bytes, 1, len, in) != len) die(path, "cannot be read");
    fclose(in);
    return mun_slice_of(bytes, len);
}

static void read_records(const char *path)
{
    mun_slice file = slurp(path);
    size_t cap = places_len;
    for (size_t at = 0; at < file.len;) {
        const uint8_t *head = file.ptr + at;
        if (file.len - at < 16) die(path, "a record is cut off");
        uint64_t len = 16 + (uint64_t)get_u32(head) + get_u32(head + 4) + get_u32(head + 8);
        if (len > RECORD_MAX || len > file.len - at) die(path, "a record is cut off");
        if (places_len == cap) {
            cap = cap < 1024 ? 1024 : 2 * cap;
            places = realloc(places, cap * sizeof *places);
            if (places == NULL) die(path, "no memory");
        }
        places[places_len++] = (place){.statement = head + 16,
                                       .statement_len = get_u32(head),
                                       .receipt_len = get_u32(head + 4)};
        at += len;
    }
}

static bool check_receipt(const mun_crypto *crypto, size_t n, place *p)
{
    mun_error err = {0};
    mun_statement s;
    mun_receipt r;
    uint8_t root[MUN_HASH_SIZE];
    const mun_ledger_pub *pub = mun_ledger_identity(ledger);
    mun_slice receipt = mun_slice_of(p->statement + p->statement_len, p->receipt_len);
    if (mun_statement_parse(mun_slice_of(p->statement, p->statement_len), &s, &err) != MUN_OK)
        return find_wrong(n, "statement", err.text), false;
    mun_statement_leaf(crypto, &s, p->leaf);
    if (mun_receipt_parse(receipt, &r, &err) != MUN_OK)
        return find_wrong(n, "receipt", err.text), false;
    if (mun_receipt_check(crypto, &r, p->leaf, &pub->receipts, root, &err) != MUN_OK)
        return find_wrong(n, "receipt", err.text), false;
    if (!mun_slice_equal(r.iss, pub->origin) || !mun_slice_equal(r.sub, s.sub) || !r.have_iat)
        return find_wrong(n, "receipt", "another issuer or subject, or no time"), false;
    p->index = r.proofs[0].index_or_new;
    p->time_ms = (uint64_t)r.iat;
    return true;
}

static void check_ledger(const mun_crypto *crypto, size_t n, place *p)
{
    mun_error err = {0};
    uint8_t bytes[MUN_STATEMENT_MAX], leaf[MUN_HASH_SIZE];
    mun_buf entry = mun_buf_fixed(bytes, sizeof bytes);
    mun_statement s;
    uint64_t time_ms;
    if (mun_ledger_entry(ledger, p->index, &entry, &time_ms, &err) != MUN_OK) {
        find_wrong(n, "LOST: acknowledged, and the ledger does not hold it", err.text);
        return;
    }
    if (mun_statement_parse(mun_buf_slice(&entry), &s, &err) != MUN_OK) {
        find_wrong(n, "entry", err.text);
        return;
    }
    mun_statement_leaf(crypto, &s, leaf);
    if (memcmp(leaf, p->leaf, sizeof leaf) != 0)
        find_wrong(n, "LOST: another entry stands at its index", "");
    else if (time_ms / 1000 != p->time_ms)
        find_wrong(n, "receipt", "another time than the ledger's");
    p->time_ms = time_ms;
}

static void *check_some(void *arg)
{
    mun_error err = {0};
    mun_crypto crypto;
    (void)arg;
    if (mun_native_crypto_new(&crypto, &err) != MUN_OK) die("crypto", err.text);
    for (size_t n; (n = atomic_fetch_add(&next, 1)) < places_len;)
        if (check_receipt(&crypto, n, &places[n])) check_ledger(&crypto, n, &places[n]);
    mun_native_crypto_free(&crypto);
    return NULL;
}

static void put_hex(FILE *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) fprintf(out, "%02x", bytes[i]);
}

static void write_sample(const char *path, size_t sample, unsigned seed)
{
    FILE *out = fopen(path, "wb");
    if (out == NULL) die(path, strerror(errno));
    srandom(seed);
    for (size_t n = 0; n < places_len; n++) {
        const place *p = &places[n];
        if ((size_t)random() % (places_len - n) >= sample) continue; /* selection sampling */
        sample--;
        fprintf(out, "{\"index\":%llu,\"time\":%llu,\"leaf\":\"", (unsigned long long)p->index,
                (unsigned long long)p->time_ms);
        put_hex(out, p->leaf, sizeof p->leaf);
        fputs("\",\"receipt\":\"", out);
        put_hex(out, p->statement + p->statement_len, p->receipt_len);
        fputs("\",\"statement\":\"", out);
        put_hex(out, p->statement, p->statement_len);
        fputs("\"}\n", out);
    }
    if (fclose(out) != 0) die(path, strerror(errno));
}

static void open_ledger(const char *folder)
{
    mun_error err = {0};
    mun_ledger_open_options options = {.read_only = true, .no_index = true, .no_keys = true};
    if (mun_ledger_open(folder, &options, &ledger, &err) != MUN_OK) die(folder, err.text);
}

int main(int argc, char **argv)
{
    const char *out = NULL;
    size_t sample = 2000;
    unsigned seed = 1;
    if (argc < 3) die("usage", "recorded_check LEDGER RECORD... [--sample N --seed S --out FILE]");
    open_ledger(argv[1]);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--out") == 0 && i + 1 < argc)
            out = argv[++i];
        else if (strcmp(argv[i], "--sample") == 0 && i + 1 < argc)
            sample = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = (unsigned)strtoul(argv[++i], NULL, 10);
        else
            read_records(argv[i]);
    }
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, check_some, NULL) != 0) die("thread", "not made");
    for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    if (out != NULL) write_sample(out, sample, seed);
    printf("{\"records\":%zu,\"wrong\":%lu,\"size\":%llu}\n", places_len, atomic_load(&wrong),
           (unsigned long long)mun_ledger_tree(ledger).size);
    mun_error err = {0};
    if (mun_ledger_close(ledger, &err) != MUN_OK) die("close", err.text);
    return atomic_load(&wrong) != 0;
}

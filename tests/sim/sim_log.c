/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator of the log: worlds one after the other, each from its own seed.
 *
 *   sim_log [--seed N] [--cycles N | --seconds N] [--sector 512|4096] [--worlds N] [--verbose]
 *
 * World k of a run has seed N + k; a failure names the seed of its world, and --seed with that
 * number starts with it. Exit code 0: all held; 1: a property was broken; 2: usage.
 */
#include "sim/sim_world.h"

#include <muniment/keys.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct options {
    uint64_t seed;
    uint64_t cycles; /* UINT64_MAX: no end */
    uint64_t worlds;
    double seconds; /* 0: no end */
    uint32_t sector;
    bool verbose;
} options;

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool take_number(const char *text, uint64_t *ret)
{
    char *end;
    *ret = strtoull(text, &end, 0);
    return *text != '\0' && *end == '\0';
}

static bool parse_one(options *o, const char *name, const char *value)
{
    uint64_t v;
    if (value == NULL || !take_number(value, &v)) return false;
    if (strcmp(name, "--seed") == 0)
        o->seed = v;
    else if (strcmp(name, "--cycles") == 0)
        o->cycles = v;
    else if (strcmp(name, "--worlds") == 0)
        o->worlds = v;
    else if (strcmp(name, "--seconds") == 0)
        o->seconds = (double)v;
    else if (strcmp(name, "--sector") == 0 && (v == 512 || v == 4096))
        o->sector = (uint32_t)v;
    else
        return false;
    return true;
}

static bool parse(options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            o->verbose = true;
        } else {
            if (!parse_one(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL)) return false;
            i++;
        }
    }
    if (o->cycles == UINT64_MAX && o->worlds == UINT64_MAX && o->seconds == 0) o->cycles = 20000;
    return true;
}

static void report(const sim_world *w, double seconds)
{
    const sim_counts *c = &w->counts;
    printf("%" PRIu64 " cycles in %.1f s, %.0f/s: %" PRIu64 " worlds, %" PRIu64 " cuts, %" PRIu64
           " kills, %" PRIu64 " failed calls, %" PRIu64 " probes (%" PRIu64 " refused), %" PRIu64
           " audits, %" PRIu64 " readers, %" PRIu64 " entries, %" PRIu64 " grown, %" PRIu64
           " times full\n",
           c->cycles, seconds, (double)c->cycles / seconds, c->worlds, c->cuts, c->kills,
           c->failures, c->probes, c->refusals, c->audits, c->looks, c->entries, c->grown, c->full);
}

static bool go_on(const options *o, const sim_world *w, double start)
{
    if (w->counts.cycles >= o->cycles) return false;
    /* The clock is asked rarely: a cycle takes about 100 microseconds. */
    return o->seconds == 0 || w->counts.cycles % 64 != 0 || seconds_now() - start < o->seconds;
}

/* Runs until the end or the first broken property; true when all held. */
static bool run(const options *o, sim_world *w, double start)
{
    if (setjmp(w->escape) != 0) {
        printf("BROKEN (seed %" PRIu64 ", cycle %u of its world): %s\n", w->seed, w->ended,
               w->broken);
        return false;
    }
    for (uint64_t k = 0; k < o->worlds && go_on(o, w, start); k++) {
        sim_world_start(w, o->seed + k);
        bool more = true;
        while (more && go_on(o, w, start)) more = sim_world_cycle(w);
        if (more) mun_store_close(w->store);
        w->store = NULL;
    }
    return true;
}

int main(int argc, char **argv)
{
    options o = {.seed = 1, .cycles = UINT64_MAX, .worlds = UINT64_MAX, .sector = MUN_LOG_BLOCK};
    if (!parse(&o, argc, argv)) {
        fprintf(stderr,
                "usage: %s [--seed N] [--cycles N | --seconds N] [--worlds N] "
                "[--sector 512|4096] [--verbose]\n",
                argv[0]);
        return 2;
    }
    mun_crypto real;
    mun_error err;
    if (mun_native_crypto_new(&real, &err) != MUN_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    static sim_world w;
    uint32_t page = o.sector > MUN_LOG_BLOCK ? o.sector : MUN_LOG_BLOCK;
    sim_world_init(&w, o.sector, page, &real);
    w.verbose = o.verbose;
    double start = seconds_now();
    bool good = run(&o, &w, start);
    report(&w, seconds_now() - start);
    fflush(stdout);
    if (!good) _Exit(1); /* what the broken world held is not taken apart */
    sim_world_finish(&w);
    mun_native_crypto_free(&real);
    return 0;
}

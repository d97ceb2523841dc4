/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_hash.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>
#include <string.h>

/* Four lanes of 64 bits, fed in turn. */
typedef struct mixer {
    uint64_t lane[4];
    uint64_t word; /* bytes not yet a whole word */
    unsigned fill;
    uint64_t words;
} mixer;

static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t mix(uint64_t lane, uint64_t v)
{
    lane ^= v;
    return (lane << 29 | lane >> 35) * UINT64_C(0x9fb21c651e98df25);
}

static void feed_word(mixer *m, uint64_t v)
{
    uint64_t *lane = &m->lane[m->words++ & 3];
    *lane = mix(*lane, v);
}

/* Four words at once, each into its own lane: the same result, without waiting for each other. */
static const uint8_t *feed_rows(mixer *m, const uint8_t *p, size_t rows)
{
    uint64_t lane[4], v[4];
    memcpy(lane, m->lane, sizeof lane);
    for (; rows > 0; rows--, p += sizeof v) {
        memcpy(v, p, sizeof v);
        for (int i = 0; i < 4; i++) lane[i] = mix(lane[i], v[i]);
    }
    memcpy(m->lane, lane, sizeof lane);
    return p;
}

static void feed(mixer *m, const uint8_t *p, size_t len)
{
    while (m->fill != 0 && len > 0) {
        m->word |= (uint64_t)*p++ << (8 * m->fill);
        len--;
        if (++m->fill < 8) continue;
        feed_word(m, m->word);
        m->fill = 0;
        m->word = 0;
    }
    if (len >= 32 && (m->words & 3) == 0) {
        p = feed_rows(m, p, len / 32);
        len %= 32;
    }
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        feed_word(m, v);
    }
    for (; len > 0; len--) m->word |= (uint64_t)*p++ << (8 * m->fill++);
}

static void fast_sha256(void *ctx, const mun_slice *parts, size_t n_parts,
                        uint8_t ret[MUN_HASH_SIZE])
{
    (void)ctx;
    mixer m = {
        .lane = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1}};
    uint64_t total = 0;
    for (size_t i = 0; i < n_parts; i++) {
        feed(&m, parts[i].ptr, parts[i].len);
        total += parts[i].len;
    }
    feed_word(&m, m.word);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            m.lane[i] =
                fold(m.lane[i] ^ total, m.lane[(i + 1) & 3] ^ UINT64_C(0xd6e8feb86659fd93)) +
                m.lane[(i + 2) & 3];
        }
    }
    memcpy(ret, m.lane, MUN_HASH_SIZE);
}

mun_crypto sim_fast_crypto(void)
{
    return (mun_crypto){.sha256 = fast_sha256};
}

static void push(sim_tree *t, unsigned height, const mun_hash *node)
{
    MUN_ASSERT(height < 40);
    if (t->count[height] == t->cap[height]) {
        t->cap[height] = t->cap[height] == 0 ? 16 : t->cap[height] * 2;
        t->node[height] = realloc(t->node[height], t->cap[height] * sizeof(mun_hash));
        MUN_ASSERT(t->node[height] != NULL);
    }
    t->node[height][t->count[height]++] = *node;
}

static void hash_parts(const mun_crypto *crypto, uint8_t prefix, mun_slice a, mun_slice b,
                       mun_hash *ret)
{
    mun_slice parts[3] = {{&prefix, 1}, a, b};
    crypto->sha256(crypto->ctx, parts, 3, ret->bytes);
}

static void hash_pair(const mun_crypto *crypto, const mun_hash *a, const mun_hash *b, mun_hash *ret)
{
    mun_hash node;
    hash_parts(crypto, 1, mun_slice_of(a, MUN_HASH_SIZE), mun_slice_of(b, MUN_HASH_SIZE), &node);
    *ret = node;
}

void sim_tree_finish(sim_tree *t)
{
    for (unsigned h = 0; h < 40; h++) free(t->node[h]);
    *t = (sim_tree){0};
}

void sim_tree_clear(sim_tree *t)
{
    t->size = 0;
    memset(t->count, 0, sizeof t->count);
}

void sim_tree_append(sim_tree *t, const mun_crypto *crypto, mun_slice entry)
{
    mun_hash node;
    hash_parts(crypto, 0, entry, (mun_slice){0}, &node);
    push(t, 0, &node);
    t->size++;
    for (unsigned h = 0; t->count[h] % 2 == 0; h++) {
        const mun_hash *pair = t->node[h] + t->count[h] - 2;
        hash_pair(crypto, &pair[0], &pair[1], &node);
        push(t, h + 1, &node);
    }
}

/* The tree of the entries first .. end-1, first a multiple of a power of two >= end - first. */
static void subtree(const sim_tree *t, const mun_crypto *crypto, uint64_t first, uint64_t end,
                    mun_hash *ret)
{
    unsigned h = 0;
    while ((UINT64_C(2) << h) <= end - first) h++;
    uint64_t half = UINT64_C(1) << h; /* the largest power of two that fits */
    *ret = t->node[h][first >> h];
    if (half == end - first) return;
    mun_hash right;
    subtree(t, crypto, first + half, end, &right);
    hash_pair(crypto, ret, &right, ret);
}

void sim_tree_root(const sim_tree *t, const mun_crypto *crypto, mun_hash *ret)
{
    if (t->size == 0)
        crypto->sha256(crypto->ctx, NULL, 0, ret->bytes);
    else
        subtree(t, crypto, 0, t->size, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token buckets in one number each: `due`, the moment when the bucket is full again (the
 * "theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371). A request moves it
 * on by one interval; it is refused where that would be more than the burst ahead of now. The table
 * is set-associative: a key can stand in one of WAYS places.
 */
#include "server/rate.h"

#include "base/assert.h"
#include "server/clock.h"

#include <muniment/keys.h>

#include <pthread.h>
#include <stdlib.h>

#define WAYS 8

typedef struct rate_slot {
    uint64_t key; /* 0: nobody */
    uint64_t due_ns;
    uint32_t running;
} rate_slot;

struct mun_rate {
    pthread_mutex_t lock;
    uint64_t secret[2];
    size_t slots_len;
    rate_slot *slots;
};

mun_code mun_rate_create(size_t slots, mun_rate **ret, mun_error *err)
{
    MUN_ASSERT(slots > 0 && slots % WAYS == 0 && slots < MUN_RATE_NO_SLOT);
    mun_rate *rate = calloc(1, sizeof *rate);
    if (rate != NULL) rate->slots = calloc(slots, sizeof *rate->slots); /* not touched until used */
    if (rate == NULL || rate->slots == NULL) {
        free(rate);
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the table of limits");
    }
    if (mun_native_random(NULL, (uint8_t *)rate->secret, sizeof rate->secret) != MUN_OK) {
        free(rate->slots);
        free(rate);
        return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET, "no random numbers");
    }
    pthread_mutex_init(&rate->lock, NULL);
    rate->slots_len = slots;
    *ret = rate;
    return MUN_OK;
}

void mun_rate_destroy(mun_rate *rate)
{
    if (rate == NULL) return;
    pthread_mutex_destroy(&rate->lock);
    free(rate->slots);
    free(rate);
}

/* ---- SipHash-2-4 (Aumasson and Bernstein, 2012) ---- */

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t mun_rate_key(const mun_rate *rate, uint64_t domain, mun_slice text)
{
    uint64_t k0 = rate->secret[0], k1 = rate->secret[1];
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    uint64_t word = 0;
    sip_word(v, domain);
    for (size_t i = 0; i < text.len; i++) {
        word |= (uint64_t)text.ptr[i] << (8 * (i % 8));
        if (i % 8 != 7) continue;
        sip_word(v, word);
        word = 0;
    }
    sip_word(v, word | (uint64_t)(text.len + 8) << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    uint64_t key = v[0] ^ v[1] ^ v[2] ^ v[3];
    return key != 0 ? key : 1;
}

/* ---- The table ---- */

/* The key's place; a new one where it has none; NULL when all its places are in use. */
static rate_slot *slot_of(mun_rate *rate, uint64_t key)
{
    rate_slot *set = &rate->slots[key % (rate->slots_len / WAYS) * WAYS];
    rate_slot *least = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) return &set[i];
        if (set[i].running != 0) continue;
        if (least == NULL || set[i].due_ns < least->due_ns) least = &set[i];
    }
    if (least != NULL) *least = (rate_slot){.key = key};
    return least;
}

/* 0, or after how many nanoseconds the request would be within the allowance. */
static uint64_t wait_of(const rate_slot *slot, const mun_allowance *a, uint64_t now_ns)
{
    if (a->concurrent != 0 && slot->running >= a->concurrent) return MUN_SECOND_NS;
    if (a->requests_per_second == 0 || slot->due_ns <= now_ns) return 0;
    uint64_t burst = a->burst != 0 ? a->burst : a->requests_per_second;
    uint64_t ahead = (burst - 1) * MUN_SECOND_NS / a->requests_per_second;
    return slot->due_ns - now_ns <= ahead ? 0 : slot->due_ns - now_ns - ahead;
}

static void take(rate_slot *slot, const mun_allowance *a, uint64_t now_ns)
{
    uint64_t interval = a->requests_per_second != 0 ? MUN_SECOND_NS / a->requests_per_second : 0;
    if (slot->due_ns < now_ns) slot->due_ns = now_ns;
    slot->due_ns += interval;
    slot->running++;
}

bool mun_rate_enter(mun_rate *rate, uint64_t key, const mun_allowance *allowance, uint64_t now_ns,
                    uint32_t *ret_slot, unsigned *ret_wait)
{
    pthread_mutex_lock(&rate->lock);
    rate_slot *slot = slot_of(rate, key);
    uint64_t wait = slot != NULL ? wait_of(slot, allowance, now_ns) : 0;
    if (wait == 0 && slot != NULL) take(slot, allowance, now_ns);
    pthread_mutex_unlock(&rate->lock);
    if (wait != 0) {
        *ret_wait = (unsigned)((wait + MUN_SECOND_NS - 1) / MUN_SECOND_NS);
        return false;
    }
    /* Eight strangers in the same places, all with requests running: one more goes uncounted. */
    *ret_slot = slot != NULL ? (uint32_t)(slot - rate->slots) : MUN_RATE_NO_SLOT;
    return true;
}

void mun_rate_leave(mun_rate *rate, uint32_t slot)
{
    if (slot == MUN_RATE_NO_SLOT) return;
    pthread_mutex_lock(&rate->lock);
    MUN_ASSERT(rate->slots[slot].running > 0);
    rate->slots[slot].running--;
    pthread_mutex_unlock(&rate->lock);
}

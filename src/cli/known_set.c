/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/known_set.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 1024

/* Lengths before the parts: no two triples run together to the same bytes. */
void mun_known_id(const mun_crypto *crypto, mun_slice subject, mun_slice content_type,
                  mun_slice digest, uint8_t ret[MUN_HASH_SIZE])
{
    uint64_t lens[2] = {subject.len, content_type.len};
    mun_slice parts[] = {mun_slice_of(lens, sizeof lens), subject, content_type, digest};
    crypto->sha256(crypto->ctx, parts, 4, ret);
}

static bool is_free(const uint8_t slot[MUN_HASH_SIZE])
{
    static const uint8_t zero[MUN_HASH_SIZE];
    return memcmp(slot, zero, sizeof zero) == 0;
}

/* The slot that holds the id, or the free one where it belongs. */
static size_t find(const mun_known_set *set, const uint8_t id[MUN_HASH_SIZE])
{
    uint64_t at;
    memcpy(&at, id, sizeof at);
    for (at &= set->cap - 1;; at = (at + 1) & (set->cap - 1)) {
        if (is_free(set->slots[at]) || memcmp(set->slots[at], id, MUN_HASH_SIZE) == 0) return at;
    }
}

static mun_code grow(mun_known_set *set, mun_error *err)
{
    mun_known_set bigger = {.cap = set->cap > 0 ? set->cap * 2 : FIRST_CAP, .len = set->len};
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    for (size_t i = 0; i < set->cap; i++) {
        if (is_free(set->slots[i])) continue;
        memcpy(bigger.slots[find(&bigger, set->slots[i])], set->slots[i], MUN_HASH_SIZE);
    }
    free(set->slots);
    *set = bigger;
    return MUN_OK;
}

mun_code mun_known_set_put(mun_known_set *set, const uint8_t id[MUN_HASH_SIZE], mun_error *err)
{
    if (set->len >= MUN_KNOWN_MAX) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "more documents than are kept in memory");
    }
    if (set->len * 2 >= set->cap) MUN_TRY(grow(set, err));
    size_t at = find(set, id);
    if (!is_free(set->slots[at])) return MUN_OK;
    memcpy(set->slots[at], id, MUN_HASH_SIZE);
    set->len++;
    return MUN_OK;
}

bool mun_known_set_has(const mun_known_set *set, const uint8_t id[MUN_HASH_SIZE])
{
    return set->cap > 0 && !is_free(set->slots[find(set, id)]);
}

void mun_known_set_free(mun_known_set *set)
{
    free(set->slots);
    *set = (mun_known_set){0};
}

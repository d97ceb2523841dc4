/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from name to its records. Names come from statements that the ledger itself has
 * signed, so nobody outside chooses what collides.
 */
#include "trust/issuer_set.h"

#include <stdlib.h>

#define FIRST_SLOTS 64

typedef struct name_slot {
    mun_issuer_record *newest;
    uint64_t hash;
} name_slot;

struct mun_issuer_set {
    name_slot *slots; /* a power of two; open addressing; never more than half full */
    size_t slots_len;
    size_t names;
    size_t bytes;
    mun_issuer_record *first, *last;
};

static mun_code no_memory(mun_error *err)
{
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for the list of issuers");
}

mun_code mun_issuer_set_new(mun_issuer_set **ret, mun_error *err)
{
    mun_issuer_set *set = calloc(1, sizeof *set);
    if (set != NULL) set->slots = calloc(FIRST_SLOTS, sizeof *set->slots);
    if (set == NULL || set->slots == NULL) {
        free(set);
        return no_memory(err);
    }
    set->slots_len = FIRST_SLOTS;
    *ret = set;
    return MUN_OK;
}

void mun_issuer_set_free(mun_issuer_set *set)
{
    if (set == NULL) return;
    for (mun_issuer_record *r = set->first; r != NULL;) {
        mun_issuer_record *next = r->next_added;
        free(r);
        r = next;
    }
    free(set->slots);
    free(set);
}

/* FNV-1a, 64 bits. */
static uint64_t name_hash(mun_slice name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < name.len; i++) h = (h ^ name.ptr[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* The slot of the name, or the empty one where it would go. */
static name_slot *slot_of(const mun_issuer_set *set, mun_slice name, uint64_t hash)
{
    size_t i = hash & (set->slots_len - 1);
    for (;; i = (i + 1) & (set->slots_len - 1)) {
        name_slot *slot = &set->slots[i];
        if (slot->newest == NULL) return slot;
        if (slot->hash == hash && mun_slice_equal(slot->newest->iss, name)) return slot;
    }
}

const mun_issuer_record *mun_issuer_set_name(const mun_issuer_set *set, mun_slice iss)
{
    return slot_of(set, iss, name_hash(iss))->newest;
}

const mun_issuer_record *mun_issuer_set_first(const mun_issuer_set *set)
{
    return set->first;
}

bool mun_issuer_record_fits(const mun_issuer_record *record, mun_slice kid)
{
    if (mun_slice_equal(kid, mun_slice_of(record->thumbprint, MUN_HASH_SIZE))) return true;
    for (size_t i = 0; i < record->kids_len; i++) {
        if (mun_slice_equal(kid, record->kids[i])) return true;
    }
    return false;
}

static size_t record_bytes(const mun_issuer_document *d)
{
    size_t bytes = sizeof(mun_issuer_record) + d->issuer.len + d->cose_key.len;
    for (size_t i = 0; i < d->kids_len; i++) bytes += d->kids[i].len;
    return bytes;
}

mun_code mun_issuer_set_check(const mun_issuer_set *set, const mun_issuer_document *d,
                              mun_error *err)
{
    if (d->remove) return MUN_OK;
    size_t keys = 0;
    for (const mun_issuer_record *r = mun_issuer_set_name(set, d->issuer); r != NULL; r = r->next) {
        bool same = memcmp(r->thumbprint, d->thumbprint, MUN_HASH_SIZE) == 0;
        if (r->until == MUN_INDEX_NOW && !same) keys++;
    }
    if (keys >= MUN_ISSUER_KEYS_MAX) {
        return mun_fail_rule(err, MUN_E_REFUSED, "issuer-keys-limit", MUN_NO_OFFSET,
                             "this issuer has 16 keys already, which is the limit: remove one "
                             "that is no longer used");
    }
    if (set->bytes + record_bytes(d) > MUN_ISSUER_SET_BYTES_MAX) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET,
                        "the ledger's list of issuers, with its history, has reached its limit of "
                        "256 MiB");
    }
    return MUN_OK;
}

static mun_code table_grow(mun_issuer_set *set, mun_error *err)
{
    if (set->names + 1 <= set->slots_len / 2) return MUN_OK;
    mun_issuer_set larger = {.slots_len = set->slots_len * 2};
    larger.slots = calloc(larger.slots_len, sizeof *larger.slots);
    if (larger.slots == NULL) return no_memory(err);
    for (size_t i = 0; i < set->slots_len; i++) {
        const name_slot *slot = &set->slots[i];
        if (slot->newest != NULL) *slot_of(&larger, slot->newest->iss, slot->hash) = *slot;
    }
    free(set->slots);
    set->slots = larger.slots;
    set->slots_len = larger.slots_len;
    return MUN_OK;
}

static mun_issuer_record *record_new(const mun_issuer_document *d, uint64_t index)
{
    mun_issuer_record *r = malloc(record_bytes(d));
    if (r == NULL) return NULL;
    *r = (mun_issuer_record){.from = index, .until = MUN_INDEX_NOW, .kids_len = d->kids_len};
    memcpy(r->thumbprint, d->thumbprint, sizeof r->thumbprint);
    uint8_t *at = (uint8_t *)(r + 1);
    r->iss = mun_slice_copy(&at, d->issuer);
    r->cose_key = mun_slice_copy(&at, d->cose_key);
    for (size_t i = 0; i < d->kids_len; i++) r->kids[i] = mun_slice_copy(&at, d->kids[i]);
    return r;
}

/* Ends what is in force of a name: one key, or all. The entry at index itself still saw it. */
static void records_end(mun_issuer_record *newest, const uint8_t *thumbprint, uint64_t index)
{
    for (mun_issuer_record *r = newest; r != NULL; r = r->next) {
        if (r->until != MUN_INDEX_NOW) continue;
        if (thumbprint != NULL && memcmp(r->thumbprint, thumbprint, MUN_HASH_SIZE) != 0) continue;
        r->until = index;
    }
}

mun_code mun_issuer_set_apply(mun_issuer_set *set, uint64_t index, const mun_issuer_document *d,
                              mun_error *err)
{
    MUN_TRY(mun_issuer_set_check(set, d, err));
    uint64_t hash = name_hash(d->issuer);
    if (d->remove) {
        name_slot *slot = slot_of(set, d->issuer, hash);
        records_end(slot->newest, d->have_thumbprint ? d->thumbprint : NULL, index);
        return MUN_OK;
    }
    MUN_TRY(table_grow(set, err));
    mun_issuer_record *record = record_new(d, index);
    if (record == NULL) return no_memory(err);
    name_slot *slot = slot_of(set, d->issuer, hash);
    records_end(slot->newest, d->thumbprint, index);
    if (slot->newest == NULL) set->names++;
    record->next = slot->newest;
    *slot = (name_slot){.newest = record, .hash = hash};
    if (set->last != NULL) set->last->next_added = record;
    if (set->first == NULL) set->first = record;
    set->last = record;
    set->bytes += record_bytes(d);
    return MUN_OK;
}

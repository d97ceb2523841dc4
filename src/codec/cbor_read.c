/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over one CBOR item: a loop over heads with an explicit stack of what is open, so that
 * hostile nesting costs a refusal and no stack. Checking and skipping are the same walk; skipping
 * does without the table of keys.
 */
#include "base/assert.h"
#include "base/error.h"
#include "codec/cbor.h"
#include "codec/utf8.h"

#define MAJOR_SHIFT 5
#define INFO_MASK   31
#define INFO_U8     24 /* 24 to 27: the value follows in 1, 2, 4 or 8 bytes */
#define INFO_U64    27
#define INFO_INDEF  31
#define SIMPLE_MIN2 32 /* [CBOR-2] smaller simple values have a one-byte form */

typedef struct frame {
    mun_cbor_type type;
    bool indefinite;
    bool value_next; /* map: the key was read */
    uint64_t left;   /* items to come, when definite */
    unsigned pairs;
} frame;

/* Offsets of the keys of each open map, in ascending order of the keys. */
typedef struct key_table {
    uint32_t at[MUN_CBOR_DEPTH_MAX][MUN_CBOR_PAIRS_MAX];
} key_table;

typedef struct walk {
    mun_cursor *c;
    mun_cbor_mode mode;
    key_table *keys; /* NULL: skip without checking */
    const char *fault;
    size_t fault_at;
    size_t depth;
    frame open[MUN_CBOR_DEPTH_MAX];
} walk;

static bool is_shortest(uint8_t info, uint64_t value)
{
    switch (info) {
    case INFO_U8: return value >= INFO_U8;
    case INFO_U8 + 1: return value > UINT8_MAX;
    case INFO_U8 + 2: return value > UINT16_MAX;
    case INFO_U64: return value > UINT32_MAX;
    default: return true;
    }
}

static uint64_t argument_take(mun_cursor *c, uint8_t info)
{
    switch (info) {
    case INFO_U8: return mun_cursor_u8(c);
    case INFO_U8 + 1: return mun_cursor_u16(c);
    case INFO_U8 + 2: return mun_cursor_u32(c);
    case INFO_U64: return mun_cursor_u64(c);
    default: return info;
    }
}

/* RFC 8949 section 3. */
bool mun_cbor_head_take(mun_cursor *c, mun_cbor_head *ret)
{
    if (c->failed || c->at == c->end) {
        c->failed = true;
        return false;
    }
    uint8_t initial = *c->at++;
    mun_cbor_head h = {.type = (mun_cbor_type)(initial >> MAJOR_SHIFT),
                       .info = initial & INFO_MASK};
    if (h.info == INFO_INDEF) {
        h.is_break = h.type == MUN_CBOR_SIMPLE;
        h.indefinite = h.type >= MUN_CBOR_BYTES && h.type <= MUN_CBOR_MAP;
        h.shortest = true;
        if (!h.is_break && !h.indefinite) return false;
    } else {
        if (h.info > INFO_U64) return false;
        h.value = argument_take(c, h.info);
        h.shortest = h.type == MUN_CBOR_SIMPLE || is_shortest(h.info, h.value);
        if (h.type == MUN_CBOR_SIMPLE && h.info == INFO_U8 && h.value < SIMPLE_MIN2) return false;
    }
    if (!mun_cursor_ok(c)) return false;
    *ret = h;
    return true;
}

static void fault(walk *w, size_t at, const char *sentence)
{
    if (w->fault != NULL) return;
    w->fault = sentence;
    w->fault_at = at;
}

/* Integers by value, strings by length and content: for shortest heads this is the bytewise order
 * of the encodings, and the same for other encodings of the same keys [CBOR-7]. */
static int key_compare(const walk *w, uint32_t a, uint32_t b)
{
    mun_cursor ca = {w->c->start, w->c->start + a, w->c->end, false};
    mun_cursor cb = {w->c->start, w->c->start + b, w->c->end, false};
    mun_cbor_head ha = {0}, hb = {0};
    bool ok = mun_cbor_head_take(&ca, &ha) && mun_cbor_head_take(&cb, &hb);
    MUN_ASSERT(ok); /* both were walked before */
    if (ha.type != hb.type) return ha.type < hb.type ? -1 : 1;
    if (ha.value != hb.value) return ha.value < hb.value ? -1 : 1;
    if (ha.type < MUN_CBOR_BYTES || ha.value == 0) return 0;
    return memcmp(ca.at, cb.at, (size_t)ha.value);
}

/* Where the key belongs among the sorted keys of the innermost map; *ret_same: it is there. */
static unsigned key_place(const walk *w, const uint32_t *keys, unsigned count, uint32_t key,
                          bool *ret_same)
{
    unsigned low = 0, high = count;
    *ret_same = false;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = key_compare(w, key, keys[middle]);
        if (order == 0) *ret_same = true;
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void key_add(walk *w, size_t at)
{
    frame *map = &w->open[w->depth - 1];
    if (map->pairs == MUN_CBOR_PAIRS_MAX) {
        fault(w, at, "a CBOR map has more than 256 pairs");
        return;
    }
    if (w->keys != NULL) {
        uint32_t *keys = w->keys->at[w->depth - 1];
        bool same;
        unsigned place = key_place(w, keys, map->pairs, (uint32_t)at, &same);
        if (same) fault(w, at, "a CBOR map has the same key twice");
        if (w->mode == MUN_CBOR_DETERMINISTIC && place != map->pairs)
            fault(w, at, "the keys of a CBOR map are not in ascending order");
        memmove(keys + place + 1, keys + place, (map->pairs - place) * sizeof *keys);
        keys[place] = (uint32_t)at;
    }
    map->pairs++;
}

static bool is_key_next(const walk *w)
{
    if (w->depth == 0) return false;
    const frame *top = &w->open[w->depth - 1];
    return top->type == MUN_CBOR_MAP && !top->value_next;
}

/* One item of the innermost open array, map or tag is complete. */
static void item_done(walk *w)
{
    if (w->depth == 0) return;
    frame *top = &w->open[w->depth - 1];
    if (top->type == MUN_CBOR_MAP) top->value_next = !top->value_next;
    if (!top->indefinite) top->left--;
}

static void close_all(walk *w)
{
    while (w->depth > 0 && !w->open[w->depth - 1].indefinite && w->open[w->depth - 1].left == 0) {
        w->depth--;
        item_done(w);
    }
}

static void break_take(walk *w, size_t at)
{
    frame *top = w->depth == 0 ? NULL : &w->open[w->depth - 1];
    if (top == NULL || !top->indefinite || top->value_next) {
        fault(w, at, "a CBOR break (ff) stands where nothing can end");
        return;
    }
    w->depth--;
    item_done(w);
}

static void text_check(walk *w, mun_cbor_type type, mun_slice content, size_t at)
{
    if (type == MUN_CBOR_TEXT && w->keys != NULL && !mun_utf8_valid(content))
        fault(w, at, "a CBOR text string is not valid UTF-8");
}

static void string_take(walk *w, mun_cbor_type type, uint64_t length, size_t at)
{
    if (length > mun_cursor_left(w->c)) {
        fault(w, at, "a CBOR string is longer than the input");
        return;
    }
    text_check(w, type, mun_cursor_take(w->c, (size_t)length), at);
}

/* Chunks are definite strings of the same type, each valid by itself, up to the break. */
static void chunks_take(walk *w, mun_cbor_type type)
{
    while (w->fault == NULL) {
        size_t at = mun_cursor_offset(w->c);
        mun_cbor_head h;
        if (!mun_cbor_head_take(w->c, &h)) {
            fault(w, at, "the CBOR data end in the middle of a string");
        } else if (h.is_break) {
            return;
        } else if (h.type != type || h.indefinite) {
            fault(w, at, "a piece of a CBOR string is not a string of the same type");
        } else {
            string_take(w, type, h.value, at);
        }
    }
}

/* [CBOR-4]: an array takes at least one byte for each element, a map two for each pair. */
static void container_open(walk *w, const mun_cbor_head *h, size_t at)
{
    uint64_t room = mun_cursor_left(w->c) / (h->type == MUN_CBOR_MAP ? 2 : 1);
    bool counted = !h->indefinite && h->type != MUN_CBOR_TAG;
    if (counted && h->value > room) {
        fault(w, at, "a CBOR array or map has a count that does not fit the input");
    } else if (w->depth == MUN_CBOR_DEPTH_MAX) {
        fault(w, at, "the CBOR data are nested deeper than 16 levels");
    } else {
        uint64_t left = h->type == MUN_CBOR_TAG ? 1 : h->value;
        if (h->type == MUN_CBOR_MAP) left *= 2;
        w->open[w->depth++] = (frame){.type = h->type, .indefinite = h->indefinite, .left = left};
    }
}

static bool is_container(mun_cbor_type type)
{
    return type == MUN_CBOR_ARRAY || type == MUN_CBOR_MAP || type == MUN_CBOR_TAG;
}

static void head_check(walk *w, const mun_cbor_head *h, size_t at)
{
    if (w->mode != MUN_CBOR_CARRIED && !h->shortest)
        fault(w, at, "a CBOR number or length is not in its shortest form");
    if (w->mode != MUN_CBOR_CARRIED && h->indefinite)
        fault(w, at, "a CBOR item has an indefinite length where that is not allowed");
    if (is_key_next(w) && (h->type > MUN_CBOR_TEXT || h->indefinite))
        fault(w, at, "a CBOR map key is not an integer or a plain string");
}

static void step(walk *w)
{
    size_t at = mun_cursor_offset(w->c);
    mun_cbor_head h;
    if (!mun_cbor_head_take(w->c, &h)) {
        fault(w, at, "the CBOR data are cut off or not well-formed");
        return;
    }
    if (h.is_break) {
        break_take(w, at);
        return;
    }
    head_check(w, &h, at);
    if (w->fault != NULL) return;
    if (is_container(h.type)) {
        container_open(w, &h, at);
        return;
    }
    if (h.type == MUN_CBOR_BYTES || h.type == MUN_CBOR_TEXT) {
        if (h.indefinite)
            chunks_take(w, h.type);
        else
            string_take(w, h.type, h.value, at);
    }
    if (w->fault == NULL && is_key_next(w)) key_add(w, at);
    item_done(w);
}

/* Not by an initializer, which would clear the whole stack for every item. */
static void walk_start(walk *w, mun_cursor *c, mun_cbor_mode mode, key_table *keys)
{
    w->c = c;
    w->mode = mode;
    w->keys = keys;
    w->fault = NULL;
    w->fault_at = 0;
    w->depth = 0;
}

/* Walks one item; leaves the cursor behind it. */
static void walk_item(walk *w)
{
    do {
        step(w);
        close_all(w);
    } while (w->depth > 0 && w->fault == NULL);
}

mun_code mun_cbor_check(mun_slice bytes, mun_cbor_mode mode, mun_error *err)
{
    if (bytes.len > UINT32_MAX)
        return mun_fail(err, MUN_E_MALFORMED, 0, "the CBOR data are larger than 4 GiB");
    key_table keys;
    mun_cursor c = mun_cursor_over(bytes);
    walk w;
    walk_start(&w, &c, mode, &keys);
    walk_item(&w);
    if (w.fault == NULL && mun_cursor_left(&c) > 0)
        fault(&w, mun_cursor_offset(&c), "there are bytes after the end of the CBOR data");
    if (w.fault == NULL) return MUN_OK;
    return mun_fail(err, MUN_E_MALFORMED, w.fault_at, w.fault);
}

/* Behind a head: skips the rest of the item. Most items are plain and need no walk. */
static bool rest_skip(mun_cursor *c, const mun_cbor_head *h, const uint8_t *start)
{
    bool string = h->type == MUN_CBOR_BYTES || h->type == MUN_CBOR_TEXT;
    if (!is_container(h->type) && !h->indefinite) {
        if (string && h->value > mun_cursor_left(c)) return false;
        if (string) mun_cursor_take(c, (size_t)h->value);
        return true;
    }
    walk w;
    c->at = start;
    walk_start(&w, c, MUN_CBOR_CARRIED, NULL);
    walk_item(&w);
    return w.fault == NULL;
}

mun_cbor_item mun_cbor_take(mun_cursor *c)
{
    mun_cbor_item item = {.type = MUN_CBOR_NONE};
    const uint8_t *start = c->at;
    mun_cbor_head h;
    if (c->failed || !mun_cbor_head_take(c, &h) || h.is_break) {
        c->failed = true;
        return item;
    }
    const uint8_t *inside = c->at;
    if (!rest_skip(c, &h, start)) {
        c->failed = true;
        return item;
    }
    item.type = h.type;
    item.indefinite = h.indefinite;
    item.value = h.value;
    /* without the break of an indefinite item */
    item.inside = mun_slice_of(inside, (size_t)(c->at - inside) - (h.indefinite ? 1 : 0));
    item.whole = mun_slice_of(start, (size_t)(c->at - start));
    return item;
}

bool mun_cbor_int(const mun_cbor_item *item, int64_t *ret)
{
    if (item->type > MUN_CBOR_NEGATIVE || item->value > INT64_MAX) return false;
    int64_t v = (int64_t)item->value;
    *ret = item->type == MUN_CBOR_UINT ? v : -1 - v;
    return true;
}

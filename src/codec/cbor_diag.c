/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostic notation: RFC 8949 section 8, with encoding indicators (section 8.1) where a head is
 * not the shortest, << >> for embedded CBOR (RFC 8610 appendix G.3) and float'hex' for floats,
 * whose exact bits matter more here than their decimal look.
 */
#include "base/assert.h"
#include "base/error.h"
#include "codec/cbor.h"
#include "codec/utf8.h"

#define EMBED_MAX  2 /* byte strings opened inside each other: evidence > receipt > proof */
#define STACK_MAX  ((EMBED_MAX + 1) * MUN_CBOR_DEPTH_MAX + EMBED_MAX)
#define COSE_SIGN1 18
#define KIND_EMBED MUN_CBOR_BYTES /* a frame of this type is a byte string opened as << >> */

typedef struct frame {
    mun_cbor_type kind;
    bool indefinite;
    bool value_next;
    uint64_t tag;
    uint64_t left;
    uint64_t done; /* keys and values count one each */
} frame;

typedef struct printer {
    mun_cursor c;
    mun_buf *out;
    size_t depth;
    unsigned indent;
    unsigned embedded;
    frame open[STACK_MAX];
} printer;

static const char *const openers[] = {
    [MUN_CBOR_ARRAY] = "[", [MUN_CBOR_MAP] = "{", [MUN_CBOR_TAG] = "(", [KIND_EMBED] = "<< "};
static const char *const closers[] = {
    [MUN_CBOR_ARRAY] = "]", [MUN_CBOR_MAP] = "}", [MUN_CBOR_TAG] = ")", [KIND_EMBED] = " >>"};

static bool is_indented(mun_cbor_type kind)
{
    return kind == MUN_CBOR_ARRAY || kind == MUN_CBOR_MAP;
}

static void new_line(printer *p)
{
    mun_buf_u8(p->out, '\n');
    for (unsigned i = 0; i < p->indent; i++) mun_buf_text(p->out, "  ");
}

/* What stands before an item: a comma, a line, a colon. */
static void lead_in(printer *p)
{
    if (p->depth == 0) return;
    const frame *top = &p->open[p->depth - 1];
    if (!is_indented(top->kind)) return;
    if (top->value_next) {
        mun_buf_text(p->out, ": ");
        return;
    }
    if (top->done > 0) mun_buf_u8(p->out, ',');
    new_line(p);
}

static void item_done(printer *p)
{
    if (p->depth == 0) return;
    frame *top = &p->open[p->depth - 1];
    top->done++;
    if (!top->indefinite) top->left--;
    if (top->kind == MUN_CBOR_MAP) top->value_next = !top->value_next;
}

static void close_one(printer *p)
{
    const frame *top = &p->open[--p->depth];
    if (is_indented(top->kind)) {
        p->indent--;
        if (top->done > 0) new_line(p);
    }
    if (top->kind == KIND_EMBED) p->embedded--;
    mun_buf_text(p->out, closers[top->kind]);
    item_done(p);
}

/* Closes what is complete, breaks of indefinite items included. */
static void close_complete(printer *p)
{
    while (p->depth > 0) {
        const frame *top = &p->open[p->depth - 1];
        bool at_break = top->indefinite && *p->c.at == 0xff;
        if (!at_break && (top->indefinite || top->left > 0)) return;
        if (at_break) p->c.at++;
        close_one(p);
    }
}

/* RFC 8949 section 8.1: _0 to _3 tell that the argument took 1, 2, 4 or 8 bytes. */
static void put_width(printer *p, const mun_cbor_head *h)
{
    if (h->shortest) return;
    mun_buf_u8(p->out, '_');
    mun_buf_decimal(p->out, (uint64_t)(h->info - 24));
}

static void push(printer *p, frame f)
{
    MUN_ASSERT(p->depth < STACK_MAX); /* each level was checked for MUN_CBOR_DEPTH_MAX */
    p->open[p->depth++] = f;
    if (is_indented(f.kind)) p->indent++;
    if (f.kind == KIND_EMBED) p->embedded++;
}

static void put_container(printer *p, const mun_cbor_head *h)
{
    if (h->type == MUN_CBOR_TAG) mun_buf_decimal(p->out, h->value);
    if (h->type == MUN_CBOR_TAG) put_width(p, h);
    mun_buf_text(p->out, openers[h->type]);
    if (h->indefinite) mun_buf_u8(p->out, '_');
    if (h->type != MUN_CBOR_TAG) put_width(p, h);
    uint64_t left = h->type == MUN_CBOR_TAG ? 1 : h->value;
    if (h->type == MUN_CBOR_MAP) left *= 2;
    push(p, (frame){.kind = h->type, .indefinite = h->indefinite, .tag = h->value, .left = left});
}

static void put_negative(printer *p, uint64_t argument)
{
    if (argument == UINT64_MAX) {
        mun_buf_text(p->out, "-18446744073709551616");
        return;
    }
    mun_buf_u8(p->out, '-');
    mun_buf_decimal(p->out, argument + 1);
}

static void put_text(printer *p, mun_slice text)
{
    mun_buf_u8(p->out, '"');
    mun_cursor c = mun_cursor_over(text);
    while (mun_cursor_left(&c) > 0) {
        const uint8_t *at = c.at;
        uint32_t point = mun_utf8_take(&c);
        if (mun_unicode_is_hidden(point)) {
            uint8_t two[2] = {(uint8_t)(point >> 8), (uint8_t)point};
            mun_buf_text(p->out, "\\u");
            mun_buf_hex(p->out, mun_slice_of(two, sizeof two));
            continue;
        }
        if (point == '"' || point == '\\') mun_buf_u8(p->out, '\\');
        mun_buf_put(p->out, mun_slice_of(at, (size_t)(c.at - at)));
    }
    mun_buf_u8(p->out, '"');
}

static void put_string(printer *p, mun_cbor_type type, mun_slice content)
{
    if (type == MUN_CBOR_TEXT) {
        put_text(p, content);
        return;
    }
    mun_buf_text(p->out, "h'");
    mun_buf_hex(p->out, content);
    mun_buf_u8(p->out, '\'');
}

static bool is_protected_place(const printer *p)
{
    if (p->depth < 2) return false;
    const frame *array = &p->open[p->depth - 1], *tag = &p->open[p->depth - 2];
    return array->kind == MUN_CBOR_ARRAY && array->done == 0 && tag->kind == MUN_CBOR_TAG &&
           tag->tag == COSE_SIGN1;
}

/* A proof of RFC 9942: [uint, uint, [...]]. */
static bool looks_like_proof(mun_slice content)
{
    mun_cursor c = mun_cursor_over(content);
    mun_cbor_head head, a, b, path;
    return mun_cbor_head_take(&c, &head) && head.type == MUN_CBOR_ARRAY && head.value == 3 &&
           mun_cbor_head_take(&c, &a) && a.type == MUN_CBOR_UINT && mun_cbor_head_take(&c, &b) &&
           b.type == MUN_CBOR_UINT && mun_cbor_head_take(&c, &path) && path.type == MUN_CBOR_ARRAY;
}

/* Opened: protected headers, COSE_Sign1 messages (receipts) and proofs. A hash that happens to look
 * like CBOR stays a hash. */
static bool is_embedded(const printer *p, mun_slice content)
{
    const mun_slice sign1 = MUN_LITERAL("\xd2\x84");
    if (content.len == 0 || p->embedded == EMBED_MAX) return false;
    bool is_map = content.ptr[0] >> 5 == MUN_CBOR_MAP;
    bool likely = (is_protected_place(p) && is_map) || mun_slice_starts(content, sign1) ||
                  looks_like_proof(content);
    return likely && mun_cbor_check(content, MUN_CBOR_CARRIED, NULL) == MUN_OK;
}

static void put_definite_string(printer *p, const mun_cbor_head *h)
{
    mun_slice content = mun_slice_of(p->c.at, (size_t)h->value);
    if (h->type == MUN_CBOR_BYTES && is_embedded(p, content)) {
        mun_buf_text(p->out, openers[KIND_EMBED]);
        push(p, (frame){.kind = KIND_EMBED, .left = 1});
        return;
    }
    put_string(p, h->type, mun_cursor_take(&p->c, content.len));
    put_width(p, h);
    item_done(p);
}

static void put_chunks(printer *p)
{
    mun_buf_text(p->out, "(_ ");
    for (bool first = true; *p->c.at != 0xff; first = false) {
        mun_cbor_head chunk = {0};
        bool ok = mun_cbor_head_take(&p->c, &chunk);
        MUN_ASSERT(ok); /* the whole was checked */
        if (!first) mun_buf_text(p->out, ", ");
        put_string(p, chunk.type, mun_cursor_take(&p->c, (size_t)chunk.value));
        put_width(p, &chunk);
    }
    p->c.at++;
    mun_buf_u8(p->out, ')');
    item_done(p);
}

static void put_simple(printer *p, const mun_cbor_head *h)
{
    static const char *const names[] = {"false", "true", "null", "undefined"};
    if (h->info > 24) {
        size_t width = (size_t)1 << (h->info - 24);
        mun_buf_text(p->out, "float'");
        mun_buf_hex(p->out, mun_slice_of(p->c.at - width, width));
        mun_buf_u8(p->out, '\'');
    } else if (h->value >= 20 && h->value <= 23) {
        mun_buf_text(p->out, names[h->value - 20]);
    } else {
        mun_buf_text(p->out, "simple(");
        mun_buf_decimal(p->out, h->value);
        mun_buf_u8(p->out, ')');
    }
    item_done(p);
}

static void put_integer(printer *p, const mun_cbor_head *h)
{
    if (h->type == MUN_CBOR_UINT)
        mun_buf_decimal(p->out, h->value);
    else
        put_negative(p, h->value);
    put_width(p, h);
    item_done(p);
}

static void put_item(printer *p)
{
    mun_cbor_head h = {0};
    bool ok = mun_cbor_head_take(&p->c, &h);
    MUN_ASSERT(ok); /* the whole was checked */
    lead_in(p);
    switch (h.type) {
    case MUN_CBOR_UINT:
    case MUN_CBOR_NEGATIVE: put_integer(p, &h); break;
    case MUN_CBOR_BYTES:
    case MUN_CBOR_TEXT:
        if (h.indefinite)
            put_chunks(p);
        else
            put_definite_string(p, &h);
        break;
    case MUN_CBOR_SIMPLE: put_simple(p, &h); break;
    default: put_container(p, &h); break;
    }
}

mun_code mun_cbor_diag(mun_slice bytes, mun_buf *ret, mun_error *err)
{
    MUN_TRY(mun_cbor_check(bytes, MUN_CBOR_CARRIED, err));
    printer p = {.c = mun_cursor_over(bytes), .out = ret};
    do {
        put_item(&p);
        close_complete(&p);
    } while (p.depth > 0 && mun_buf_ok(ret));
    if (mun_buf_ok(ret)) return MUN_OK;
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the notation is larger than the limit");
}

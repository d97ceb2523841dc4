/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tokens.h"

#include "codec/radix.h"
#include "trust/policy_document.h"

#include <stdlib.h>

#define FIELDS 5

static const struct {
    unsigned bit;
    const char *name;
} scope_names[] = {
    {MUN_SCOPE_READ, "read"}, {MUN_SCOPE_SUBMIT, "submit"}, {MUN_SCOPE_ADMIN, "admin"}};
#define SCOPES (sizeof scope_names / sizeof scope_names[0])

void mun_scopes_put(mun_buf *ret, unsigned scopes)
{
    bool first = true;
    for (size_t i = 0; i < SCOPES; i++) {
        if ((scopes & scope_names[i].bit) == 0) continue;
        if (!first) mun_buf_u8(ret, ',');
        mun_buf_text(ret, scope_names[i].name);
        first = false;
    }
}

static unsigned scope_named(mun_slice name)
{
    for (size_t i = 0; i < SCOPES; i++) {
        if (mun_slice_equal(name, mun_slice_cstr(scope_names[i].name))) return scope_names[i].bit;
    }
    return 0;
}

/* What stands before the first `end`, which is taken as well; everything where there is none. */
static mun_slice take_until(mun_slice *text, uint8_t end)
{
    size_t n = 0;
    while (n < text->len && text->ptr[n] != end) n++;
    mun_slice part = mun_slice_of(text->ptr, n);
    size_t used = n < text->len ? n + 1 : n;
    if (used > 0) *text = mun_slice_of(text->ptr + used, text->len - used);
    return part;
}

bool mun_scopes_parse(mun_slice text, unsigned *ret)
{
    unsigned scopes = 0;
    if (text.len == 0 || text.ptr[text.len - 1] == ',') return false;
    while (text.len > 0) {
        unsigned bit = scope_named(take_until(&text, ','));
        if (bit == 0 || (scopes & bit) != 0) return false;
        scopes |= bit;
    }
    *ret = scopes;
    return true;
}

bool mun_principal_name_valid(mun_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != '-' && c != '@') return false;
    }
    return name.len > 0 && name.len <= MUN_PRINCIPAL_NAME_MAX;
}

/* ---- One line ---- */

/* Which part of the line is wrong, or NULL. */
static const char *line_parse(mun_slice line, mun_token *ret)
{
    mun_slice part[FIELDS];
    mun_buf hash = mun_buf_fixed(ret->hash, sizeof ret->hash);
    for (size_t i = 0; i < FIELDS; i++) {
        if (line.len == 0) return "has not five parts: NAME SCOPES CREATED EXPIRES SHA256";
        part[i] = take_until(&line, ' ');
    }
    if (line.len != 0) return "goes on after its fifth part";
    if (!mun_principal_name_valid(part[0])) return "begins with a name that is none";
    memcpy(ret->principal.name, part[0].ptr, part[0].len);
    if (!mun_scopes_parse(part[1], &ret->principal.scopes)) {
        return "has scopes other than read, submit, admin";
    }
    if (!mun_utc_parse(part[2], &ret->created)) return "has a third part that is no time";
    bool never = mun_slice_equal(part[3], MUN_LITERAL("-"));
    if (!never && (!mun_utc_parse(part[3], &ret->expires) || ret->expires == 0)) {
        return "has a fourth part that is neither a time nor -";
    }
    if (!mun_hex_take(part[4], &hash) || hash.len != sizeof ret->hash) {
        return "has a fifth part that is no SHA-256 in hex";
    }
    return NULL;
}

static void line_put(mun_buf *ret, const mun_token *token)
{
    char time[MUN_UTC_TEXT];
    mun_buf_text(ret, token->principal.name);
    mun_buf_u8(ret, ' ');
    mun_scopes_put(ret, token->principal.scopes);
    mun_buf_u8(ret, ' ');
    mun_utc_text(token->created, time);
    mun_buf_text(ret, time);
    mun_buf_u8(ret, ' ');
    mun_utc_text(token->expires, time);
    mun_buf_text(ret, token->expires != 0 ? time : "-");
    mun_buf_u8(ret, ' ');
    mun_buf_hex(ret, mun_slice_of(token->hash, sizeof token->hash));
    mun_buf_u8(ret, '\n');
}

void mun_token_list_put(mun_buf *ret, const mun_token_list *list)
{
    mun_buf_text(ret, "# muniment: NAME SCOPES CREATED EXPIRES SHA256\n");
    for (size_t i = 0; i < list->len; i++) line_put(ret, &list->tokens[i]);
}

/* ---- The list ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const mun_token *)a)->principal.name, ((const mun_token *)b)->principal.name);
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(((const mun_token *)a)->hash, ((const mun_token *)b)->hash, MUN_HASH_SIZE);
}

/* A name or a hash that stands twice would make revoking one of them a guess. */
static mun_code refuse_twice(const mun_token_list *list, mun_error *err)
{
    if (list->len < 2) return MUN_OK;
    mun_token *copy = calloc(list->len, sizeof *copy);
    if (copy == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the tokens");
    memcpy(copy, list->tokens, list->len * sizeof *copy);
    const char *twice = NULL;
    qsort(copy, list->len, sizeof *copy, by_name);
    for (size_t i = 1; i < list->len; i++) {
        if (by_name(&copy[i - 1], &copy[i]) == 0) twice = copy[i].principal.name;
    }
    qsort(copy, list->len, sizeof *copy, by_hash);
    for (size_t i = 1; twice == NULL && i < list->len; i++) {
        if (by_hash(&copy[i - 1], &copy[i]) == 0) twice = copy[i].principal.name;
    }
    mun_code code = twice == NULL ? MUN_OK
                                  : mun_failf(err, MUN_E_MALFORMED, 0,
                                              "the name %s or its hash stands there twice", twice);
    free(copy);
    return code;
}

static mun_code lines_parse(mun_slice text, mun_token_list *list, mun_error *err)
{
    for (size_t number = 1; text.len > 0; number++) {
        mun_slice line = take_until(&text, '\n');
        if (line.len == 0 || line.ptr[0] == '#') continue;
        if (list->len == MUN_TOKENS_MAX) {
            return mun_failf(err, MUN_E_LIMIT, 0, "line %zu is beyond the %d that may be there",
                             number, MUN_TOKENS_MAX);
        }
        const char *wrong = line_parse(line, &list->tokens[list->len++]);
        if (wrong != NULL) return mun_failf(err, MUN_E_MALFORMED, 0, "line %zu %s", number, wrong);
    }
    return refuse_twice(list, err);
}

static size_t count_lines(mun_slice text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++) n += text.ptr[i] == '\n';
    return n < MUN_TOKENS_MAX ? n : MUN_TOKENS_MAX;
}

mun_code mun_token_list_parse(mun_slice text, mun_token_list *ret, mun_error *err)
{
    mun_token_list list = {.tokens = calloc(count_lines(text), sizeof *list.tokens)};
    if (list.tokens == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the tokens");
    }
    mun_code code = lines_parse(text, &list, err);
    if (code != MUN_OK) {
        mun_token_list_free(&list);
        return code;
    }
    *ret = list;
    return MUN_OK;
}

void mun_token_list_free(mun_token_list *list)
{
    free(list->tokens);
    *list = (mun_token_list){0};
}

void mun_token_list_sort(mun_token_list *list)
{
    if (list->len > 1) qsort(list->tokens, list->len, sizeof *list->tokens, by_hash);
}

static bool same_hash(const uint8_t a[MUN_HASH_SIZE], const uint8_t b[MUN_HASH_SIZE])
{
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < MUN_HASH_SIZE; i++) difference |= (uint8_t)(a[i] ^ b[i]);
    return difference == 0;
}

/*
 * The search itself goes by the first eight bytes only. How long it takes says something about
 * them to one who can make hashes with chosen beginnings, but not about a token: it would have to
 * be found from its hash.
 */
const mun_token *mun_token_list_find(const mun_token_list *list, const uint8_t hash[MUN_HASH_SIZE])
{
    size_t low = 0, high = list->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(list->tokens[middle].hash, hash, 8) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < list->len && memcmp(list->tokens[low].hash, hash, 8) == 0; low++) {
        if (same_hash(list->tokens[low].hash, hash)) return &list->tokens[low];
    }
    return NULL;
}

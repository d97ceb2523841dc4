/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libconfuse 3.3 lets pass what a configuration of ours must not have: an option said twice, a last
 * brace that is missing, values taken from the environment ("${NAME}"), octal numbers, bytes behind
 * a NUL. So the file is first read by this scanner, whose language is a small part of libconfuse's:
 *
 *   file  = { item }
 *   item  = name "=" value | name [ value ] "{" { item } "}"
 *   name  = a-z { a-z | 0-9 | "-" }
 *   value = word | string
 *
 * with # before comments, words of A-Za-z0-9._:/@-, and strings in double quotes on one line, in
 * which a backslash stands only before a quote or a backslash. What passes here means the same to
 * libconfuse, which then checks the names and kinds of the options.
 */
#include "server/config.h"

#include "codec/utf8.h"

#include <stdlib.h>

#define DEPTH_MAX 3 /* ledger "x" { per-address { ... } } */
#define SEEN_MAX  (2 * MUN_LEDGERS_MAX)

typedef struct scan_item {
    mun_slice name, title; /* title empty: an option, or a section without one */
} scan_item;

/* The names of one open section begin at `from` in the list of the names seen. */
typedef struct scan_section {
    size_t from;
    size_t line;
} scan_section;

typedef struct scanner {
    mun_cursor text;
    size_t line;
    const char *file;
    mun_error *err;
    size_t seen_len, open_len;
    scan_section open[DEPTH_MAX + 1];
    scan_item seen[SEEN_MAX];
} scanner;

typedef enum scan_kind {
    SCAN_END,
    SCAN_WORD,
    SCAN_STRING,
    SCAN_SIGN /* one of = { } */
} scan_kind;

typedef struct scan_token {
    scan_kind kind;
    mun_slice text; /* of a string without its quotes */
    uint8_t sign;
} scan_token;

static mun_code scan_fail(const scanner *s, size_t line, const char *what)
{
    return mun_failf(s->err, MUN_E_MALFORMED, 0, "%s, line %zu: %s", s->file, line, what);
}

static uint8_t peek(const scanner *s)
{
    return mun_cursor_left(&s->text) > 0 ? *s->text.at : 0;
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_word_byte(uint8_t c)
{
    return is_name_byte(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == ':' ||
           c == '/' || c == '@';
}

static void skip_space(scanner *s)
{
    bool comment = false;
    for (; mun_cursor_left(&s->text) > 0; s->text.at++) {
        uint8_t c = *s->text.at;
        if (c == '\n') {
            s->line++;
            comment = false;
        } else if (c == '#') {
            comment = true;
        } else if (!comment && c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

static const char no_zero[] = "write numbers in decimal, without a zero in front";

/* Numbers as people write them: libconfuse would read 010 as eight, and // as a comment. */
static mun_code check_word(const scanner *s, mun_slice word)
{
    for (size_t i = 0; i + 1 < word.len; i++) {
        if (word.ptr[i] == '/' && word.ptr[i + 1] == '/') {
            return scan_fail(s, s->line,
                             "put a value with // in double quotes; comments begin with #");
        }
    }
    if (word.len > 1 && word.ptr[0] == '0' &&
        ((word.ptr[1] >= '0' && word.ptr[1] <= '9') || (word.ptr[1] | 0x20) == 'x')) {
        return scan_fail(s, s->line, no_zero);
    }
    return MUN_OK;
}

/* An option that is a number takes a string as well, and has it read by the same rules. */
static mun_code check_string(const scanner *s, mun_slice value)
{
    size_t i = 0;
    while (i < value.len && strchr(" -+", value.ptr[i]) != NULL) i++;
    if (i + 1 >= value.len || value.ptr[i] != '0') return MUN_OK;
    for (size_t at = i + 1; at < value.len; at++) {
        if (strchr("0123456789abcdefABCDEFxX", value.ptr[at]) == NULL) return MUN_OK;
    }
    return scan_fail(s, s->line, no_zero);
}

static mun_code take_string(scanner *s, scan_token *ret)
{
    const uint8_t *start = ++s->text.at;
    for (; mun_cursor_left(&s->text) > 0; s->text.at++) {
        uint8_t c = *s->text.at;
        if (c == '"') {
            *ret = (scan_token){SCAN_STRING, mun_slice_of(start, (size_t)(s->text.at - start)), 0};
            s->text.at++;
            return MUN_OK;
        }
        if (c < ' ' || c == 0x7f) break;
        if (c == '$') return scan_fail(s, s->line, "a value has no $: nothing is expanded here");
        if (c != '\\') continue;
        s->text.at++;
        if (peek(s) != '"' && peek(s) != '\\') {
            return scan_fail(s, s->line, "a backslash stands only before \" or another one");
        }
    }
    return scan_fail(s, s->line, "a string does not end on its line");
}

static mun_code take_token(scanner *s, scan_token *ret)
{
    skip_space(s);
    if (mun_cursor_left(&s->text) == 0) {
        *ret = (scan_token){.kind = SCAN_END};
        return MUN_OK;
    }
    uint8_t c = peek(s);
    if (c == '"') return take_string(s, ret);
    if (c == '=' || c == '{' || c == '}') {
        s->text.at++;
        *ret = (scan_token){.kind = SCAN_SIGN, .sign = c};
        return MUN_OK;
    }
    const uint8_t *start = s->text.at;
    while (is_word_byte(peek(s))) s->text.at++;
    *ret = (scan_token){SCAN_WORD, mun_slice_of(start, (size_t)(s->text.at - start)), 0};
    if (ret->text.len > 0) return check_word(s, ret->text);
    if (c == 0xef) {
        return scan_fail(s, s->line,
                         "only ASCII outside of quotes: is there a byte-order mark in front of the "
                         "file? Save it as UTF-8 without one");
    }
    if (c == '$') return scan_fail(s, s->line, "a value has no $: nothing is expanded here");
    return scan_fail(s, s->line,
                     "a character that has no meaning here; put values in double quotes");
}

/* Remembers what was said in the section that is open, and refuses what was said before. */
static mun_code see(scanner *s, mun_slice name, mun_slice title)
{
    for (size_t i = s->open[s->open_len].from; i < s->seen_len; i++) {
        if (!mun_slice_equal(s->seen[i].name, name) || !mun_slice_equal(s->seen[i].title, title)) {
            continue;
        }
        return mun_failf(s->err, MUN_E_MALFORMED, 0, "%s, line %zu: %.*s%s%.*s stands here twice",
                         s->file, s->line, (int)(name.len < 64 ? name.len : 64),
                         (const char *)name.ptr, title.len > 0 ? " " : "",
                         (int)(title.len < 80 ? title.len : 80),
                         title.len > 0 ? (const char *)title.ptr : "");
    }
    if (s->seen_len == SEEN_MAX) return scan_fail(s, s->line, "there is too much in this file");
    s->seen[s->seen_len++] = (scan_item){name, title};
    return MUN_OK;
}

static mun_code open_section(scanner *s)
{
    if (s->open_len == DEPTH_MAX) return scan_fail(s, s->line, "braces are nested too deeply");
    s->open[++s->open_len] = (scan_section){.from = s->seen_len, .line = s->line};
    return MUN_OK;
}

static mun_code close_section(scanner *s)
{
    if (s->open_len == 0) return scan_fail(s, s->line, "a } that closes nothing");
    s->seen_len = s->open[s->open_len--].from;
    return MUN_OK;
}

static bool is_name(mun_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_byte(text.ptr[i])) return false;
    }
    return text.len > 0 && text.ptr[0] >= 'a' && text.ptr[0] <= 'z';
}

/* After a name: "= value", "{" or "title {". */
static mun_code take_item(scanner *s, mun_slice name)
{
    scan_token token;
    mun_slice title = {0};
    if (!is_name(name))
        return scan_fail(s, s->line, "the name of an option or section belongs here");
    MUN_TRY(take_token(s, &token));
    if (token.kind == SCAN_SIGN && token.sign == '=') {
        MUN_TRY(see(s, name, title));
        MUN_TRY(take_token(s, &token));
        if (token.kind == SCAN_STRING) return check_string(s, token.text);
        if (token.kind == SCAN_WORD) return MUN_OK;
        return scan_fail(s, s->line, "a value belongs after =");
    }
    if (token.kind == SCAN_WORD || token.kind == SCAN_STRING) {
        if (token.text.len == 0) return scan_fail(s, s->line, "a title is empty");
        title = token.text;
        MUN_TRY(take_token(s, &token));
    }
    if (token.kind != SCAN_SIGN || token.sign != '{') {
        return scan_fail(s, s->line,
                         title.len > 0 ? "{ belongs after a title" : "= or { belongs after a name");
    }
    MUN_TRY(see(s, name, title));
    return open_section(s);
}

static mun_code scan_all(scanner *s)
{
    for (;;) {
        scan_token token;
        MUN_TRY(take_token(s, &token));
        if (token.kind == SCAN_END) break;
        if (token.kind == SCAN_WORD) {
            MUN_TRY(take_item(s, token.text));
        } else if (token.kind == SCAN_SIGN && token.sign == '}') {
            MUN_TRY(close_section(s));
        } else {
            return scan_fail(s, s->line, "the name of an option or section belongs here");
        }
    }
    if (s->open_len == 0) return MUN_OK;
    return scan_fail(s, s->open[s->open_len].line, "this section is never closed: a } is missing");
}

mun_code mun_config_scan(mun_slice text, const char *name, mun_error *err)
{
    if (!mun_utf8_valid(text) || (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL)) {
        return mun_failf(err, MUN_E_MALFORMED, 0, "%s: the file is no UTF-8 text", name);
    }
    scanner *s = calloc(1, sizeof *s);
    if (s == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory to read with");
    s->text = mun_cursor_over(text);
    s->line = 1;
    s->file = name;
    s->err = err;
    mun_code code = scan_all(s);
    free(s);
    return code;
}

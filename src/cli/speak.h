/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands print: text for people with text from outside made harmless, and JSON objects, one
 * a line (docs/format/cli-json.md). Standard output is checked once, when the program ends.
 *
 * Ownership: mun_out_print frees what it prints. A NULL object (out of memory) is carried through
 * and noticed by mun_out_print. Threads: the main thread.
 */
#ifndef MUN_CLI_SPEAK_H
#define MUN_CLI_SPEAK_H

#include "cli/app.h"

#include <jansson.h>

#define MUN_TIME_TEXT 24

/* Text from outside for a terminal: control characters and what is not UTF-8 as \xNN. Returns ret,
 * which is NUL-terminated; what does not fit ends in "...". */
char *mun_plain(char *ret, size_t cap, mun_slice text);
#define MUN_PLAIN(text)      mun_plain((char[512]){0}, 512, (text))
#define MUN_PLAIN_PATH(path) mun_plain((char[512]){0}, 512, mun_slice_cstr(path))

/* "2026-11-22T16:00:01Z" for milliseconds or seconds since 1970. */
const char *mun_moment_text(uint64_t ms, char ret[MUN_TIME_TEXT]);
/* 2026-11-22, 2026-11-22T16:00:01Z, or seconds since 1970, as milliseconds. */
MUN_MUST mun_code mun_moment_parse(const char *text, uint64_t *ret_ms, mun_error *err);
/* Lower-case hex of at most 64 bytes, NUL-terminated. */
const char *mun_hex_text(mun_slice bytes, char ret[2 * 64 + 1]);
#define MUN_HEX(ptr, len) mun_hex_text(mun_slice_of((ptr), (len)), (char[2 * 64 + 1]){0})
/* "3.4 MiB" */
const char *mun_size_text(uint64_t bytes, char ret[24]);
/* "ES256" for -7; "algorithm N" for those without a name here. */
const char *mun_alg_text(int32_t alg, char ret[24]);

/* Bytes to standard output, as they are. */
void mun_print_bytes(mun_slice bytes);
/* A word in colour where the app has colours: 'g'reen, 'r'ed, 'y'ellow. */
void mun_print_coloured(const mun_app *app, char colour, const char *text);

json_t *mun_out_new(const char *type); /* {"type": type} */
void mun_out_print(mun_app *app, json_t *object);
void mun_out_put(json_t *object, const char *name, json_t *value); /* takes the value */
void mun_out_text(json_t *object, const char *name, mun_slice text);
void mun_out_cstr(json_t *object, const char *name, const char *text);
void mun_out_uint(json_t *object, const char *name, uint64_t value);
void mun_out_bool(json_t *object, const char *name, bool value);
void mun_out_hex(json_t *object, const char *name, mun_slice bytes);
void mun_out_time(json_t *object, const char *name, uint64_t ms);
/* A path: name, and name_hex beside it where the path is not UTF-8. */
void mun_out_path(json_t *object, const char *name, const char *path);

/* An error on standard error, as a sentence or as an object. what: the file it is about, or NULL.
 */
void mun_print_error(const mun_app *app, const char *what, const mun_error *err);

#endif

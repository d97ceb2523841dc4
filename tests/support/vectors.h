/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test vectors from the shared data folder (MUN_SHARED/data), for cmocka tests.
 *
 * Where the whole folder is absent (a clone elsewhere) the calling test is skipped, and says so.
 * Where it is there, a file that is missing, empty or not what it should be fails the test: a
 * vector that silently does not run is worse than none.
 *
 * Members are read with a check of their type: a missing member fails the test. Decoders fail the
 * test when the text is malformed or longer than the buffer.
 *
 * Ownership: vectors_json's object is freed with json_decref, vectors_file's bytes with free. Texts
 * belong to their JSON object.
 */
#ifndef MUN_TESTS_VECTORS_H
#define MUN_TESTS_VECTORS_H

#include <jansson.h>
#include <muniment/base.h>

/* A file by its path below data/, e.g. "merkle/roots.json". With a NUL behind the bytes. */
uint8_t *vectors_file(const char *path, size_t *ret_len);
json_t *vectors_json(const char *path);
/* As vectors_json for a file that is an array of at least `least` items. */
json_t *vectors_array(const char *path, size_t least);

const char *vectors_text(const json_t *object, const char *member);
/* An integer of 0 to 2^64-1; numbers that JSON readers take for a real are brought into range. */
uint64_t vectors_u64(const json_t *object, const char *member);
int64_t vectors_int(const json_t *object, const char *member);
bool vectors_bool(const json_t *object, const char *member);
json_t *vectors_list(const json_t *object, const char *member);

/* Decoding into ret of cap bytes; the number of bytes. */
size_t vectors_unhex(const char *text, uint8_t *ret, size_t cap);
size_t vectors_unbase64(const char *text, uint8_t *ret, size_t cap); /* standard, padded */
/* A member that is hex or base64 text. */
size_t vectors_hex(const json_t *object, const char *member, uint8_t *ret, size_t cap);
size_t vectors_base64(const json_t *object, const char *member, uint8_t *ret, size_t cap);

#endif

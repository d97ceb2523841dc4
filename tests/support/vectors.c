/* SPDX-License-Identifier: Apache-2.0 */
#include "support/vectors.h"

#include "support/cmocka_all.h"
#include "support/unhex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (16 * 1024 * 1024)

static void need_folder(void)
{
    struct stat st;
    if (stat(MUN_SHARED "/data", &st) == 0 && S_ISDIR(st.st_mode)) return;
    print_message("no vectors here: the folder " MUN_SHARED "/data does not exist\n");
    skip();
}

uint8_t *vectors_file(const char *path, size_t *ret_len)
{
    need_folder();
    char name[512];
    snprintf(name, sizeof name, "%s/data/%s", MUN_SHARED, path);
    FILE *file = fopen(name, "rb");
    if (file == NULL) fail_msg("the vectors %s cannot be opened", name);
    uint8_t *bytes = malloc(FILE_MAX + 1);
    if (bytes == NULL) fail_msg("out of memory");
    size_t len = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    if (len == 0 || len == FILE_MAX) fail_msg("the vectors %s are empty or too large", name);
    bytes[len] = 0;
    *ret_len = len;
    return bytes;
}

json_t *vectors_json(const char *path)
{
    size_t len = 0;
    uint8_t *bytes = vectors_file(path, &len);
    json_error_t why;
    json_t *json = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &why);
    if (json == NULL && json_error_code(&why) == json_error_numeric_overflow) {
        json = json_loadb((const char *)bytes, len, JSON_DECODE_INT_AS_REAL, &why);
    }
    free(bytes);
    if (json == NULL) fail_msg("%s line %d: %s", path, why.line, why.text);
    return json;
}

json_t *vectors_array(const char *path, size_t least)
{
    json_t *json = vectors_json(path);
    if (json_array_size(json) < least) {
        fail_msg("%s has %zu vectors, fewer than %zu", path, json_array_size(json), least);
    }
    return json;
}

static json_t *need_member(const json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    if (value == NULL) fail_msg("a vector has no member \"%s\"", member);
    return value;
}

const char *vectors_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(need_member(object, member));
    if (text == NULL) fail_msg("\"%s\" of a vector is not a text", member);
    return text;
}

int64_t vectors_int(const json_t *object, const char *member)
{
    json_t *value = need_member(object, member);
    if (!json_is_integer(value)) fail_msg("\"%s\" of a vector is not an integer", member);
    return json_integer_value(value);
}

uint64_t vectors_u64(const json_t *object, const char *member)
{
    json_t *value = need_member(object, member);
    if (!json_is_number(value) || json_number_value(value) < 0) {
        fail_msg("\"%s\" of a vector is not a number from 0 on", member);
    }
    if (json_is_integer(value)) return (uint64_t)json_integer_value(value);
    double real = json_real_value(value);
    return real < 0x1p64 ? (uint64_t)real : UINT64_MAX;
}

bool vectors_bool(const json_t *object, const char *member)
{
    json_t *value = need_member(object, member);
    if (!json_is_boolean(value)) fail_msg("\"%s\" of a vector is not true or false", member);
    return json_is_true(value);
}

json_t *vectors_list(const json_t *object, const char *member)
{
    json_t *value = need_member(object, member);
    if (!json_is_array(value)) fail_msg("\"%s\" of a vector is not a list", member);
    return value;
}

static unsigned digit_of(char c, const char *alphabet)
{
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);
    if (at == NULL) fail_msg("'%c' is no digit of a vector's base64 text", c);
    return at == NULL ? 0 : (unsigned)(at - alphabet);
}

size_t vectors_unhex(const char *text, uint8_t *ret, size_t cap)
{
    return unhex(text, ret, cap);
}

size_t vectors_unbase64(const char *text, uint8_t *ret, size_t cap)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t chars = strlen(text);
    if (chars % 4 != 0) fail_msg("a vector's base64 text has a bad length");
    while (chars > 0 && text[chars - 1] == '=') chars--;
    size_t len = chars * 6 / 8;
    if (len > cap) fail_msg("a vector's base64 text is too long");
    uint32_t bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < chars; i++) {
        bits = bits << 6 | digit_of(text[i], digits);
        if (i % 4 != 0) ret[at++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return len;
}

size_t vectors_hex(const json_t *object, const char *member, uint8_t *ret, size_t cap)
{
    return vectors_unhex(vectors_text(object, member), ret, cap);
}

size_t vectors_base64(const json_t *object, const char *member, uint8_t *ret, size_t cap)
{
    return vectors_unbase64(vectors_text(object, member), ret, cap);
}

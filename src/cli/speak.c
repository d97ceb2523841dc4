/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/speak.h"

#include "codec/utf8.h"
#include "crypto/alg_name.h"
#include "trust/policy_document.h"
#include "vfs/journald.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_TEXT 10 /* 2026-11-22 */

/* Characters that move the cursor, hide, or turn the direction of the text around them. */
static bool is_harmful(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
    return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

char *mun_plain(char *ret, size_t cap, mun_slice text)
{
    size_t at = 0;
    for (size_t i = 0; i < text.len;) {
        mun_cursor c = mun_cursor_over(mun_slice_of(text.ptr + i, text.len - i));
        uint32_t code = mun_utf8_take(&c);
        bool good = mun_cursor_ok(&c) && !is_harmful(code);
        size_t len = good ? mun_cursor_offset(&c) : 1;
        if (at + (good ? len : 4) + 4 > cap) {
            memcpy(ret + at, "...", 4);
            return ret;
        }
        if (good) memcpy(ret + at, text.ptr + i, len);
        if (!good) snprintf(ret + at, 5, "\\x%02x", text.ptr[i]);
        at += good ? len : 4;
        i += len;
    }
    ret[at] = '\0';
    return ret;
}

const char *mun_moment_text(uint64_t ms, char ret[MUN_TIME_TEXT])
{
    mun_utc_text((int64_t)(ms / 1000), ret);
    return ret;
}

mun_code mun_moment_parse(const char *text, uint64_t *ret_ms, mun_error *err)
{
    char full[MUN_TIME_TEXT];
    int64_t seconds;
    uint64_t number;
    bool day = strlen(text) == DAY_TEXT;
    int len = snprintf(full, sizeof full, "%s%s", text, day ? "T00:00:00Z" : "");
    if (len < MUN_TIME_TEXT && mun_utc_parse(mun_slice_cstr(full), &seconds)) {
        *ret_ms = (uint64_t)seconds * 1000;
        return MUN_OK;
    }
    if (mun_number_parse(text, &number) && number <= (uint64_t)MUN_TIME_MAX) {
        *ret_ms = number * 1000;
        return MUN_OK;
    }
    return mun_failf(err, MUN_E_USAGE, 0,
                     "\"%.40s\" is no time; write 2026-11-22, 2026-11-22T16:00:00Z or seconds "
                     "since 1970",
                     text);
}

const char *mun_hex_text(mun_slice bytes, char ret[2 * 64 + 1])
{
    if (bytes.len > 64) bytes.len = 64;
    mun_buf out = mun_buf_fixed(ret, 2 * 64);
    mun_buf_hex(&out, bytes);
    ret[out.len] = '\0';
    return ret;
}

const char *mun_size_text(uint64_t bytes, char ret[24])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit < 6) {
        value /= 1024;
        unit++;
    }
    snprintf(ret, 24, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return ret;
}

const char *mun_alg_text(int32_t alg, char ret[24])
{
    const char *name = mun_alg_name(alg);
    if (name != NULL) return name;
    snprintf(ret, 24, "algorithm %d", (int)alg);
    return ret;
}

void mun_print_bytes(mun_slice bytes)
{
    if (bytes.len > 0) fwrite(bytes.ptr, 1, bytes.len, stdout);
}

void mun_print_coloured(const mun_app *app, char colour, const char *text)
{
    const char *code = colour == 'g' ? "32" : colour == 'r' ? "31" : "33";
    if (app->colour) printf("\033[%sm%s\033[0m", code, text);
    if (!app->colour) fputs(text, stdout);
}

json_t *mun_out_new(const char *type)
{
    json_t *object = json_object();
    mun_out_cstr(object, "type", type);
    return object;
}

/* Out of memory is rare enough to end the program: half an object would be a wrong answer. */
static void out_of_memory(void)
{
    fputs("muniment: out of memory\n", stderr);
    exit(mun_code_exit(MUN_E_MEMORY));
}

void mun_out_put(json_t *object, const char *name, json_t *value)
{
    if (value == NULL || json_object_set_new(object, name, value) != 0) out_of_memory();
}

void mun_out_text(json_t *object, const char *name, mun_slice text)
{
    mun_out_put(object, name, json_stringn((const char *)text.ptr, text.len));
}

void mun_out_cstr(json_t *object, const char *name, const char *text)
{
    mun_out_put(object, name, json_string(text));
}

void mun_out_uint(json_t *object, const char *name, uint64_t value)
{
    mun_out_put(object, name, json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX));
}

void mun_out_bool(json_t *object, const char *name, bool value)
{
    mun_out_put(object, name, json_boolean(value));
}

void mun_out_hex(json_t *object, const char *name, mun_slice bytes)
{
    char *text = malloc(2 * bytes.len + 1);
    if (text == NULL) out_of_memory();
    mun_buf out = mun_buf_fixed(text, 2 * bytes.len);
    mun_buf_hex(&out, bytes);
    mun_out_put(object, name, json_stringn(text, 2 * bytes.len));
    free(text);
}

void mun_out_time(json_t *object, const char *name, uint64_t ms)
{
    char text[MUN_TIME_TEXT];
    mun_out_cstr(object, name, mun_moment_text(ms, text));
}

void mun_out_path(json_t *object, const char *name, const char *path)
{
    mun_slice bytes = mun_slice_cstr(path);
    if (mun_utf8_valid(bytes)) {
        mun_out_text(object, name, bytes);
        return;
    }
    char shown[1024], hex_name[64];
    snprintf(hex_name, sizeof hex_name, "%s_hex", name);
    mun_out_cstr(object, name, mun_plain(shown, sizeof shown, bytes));
    mun_out_hex(object, hex_name, bytes);
}

void mun_out_print(mun_app *app, json_t *object)
{
    (void)app;
    if (json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) != 0 &&
        ferror(stdout) == 0)
        out_of_memory();
    fputc('\n', stdout);
    json_decref(object);
}

static void print_error_json(const char *what, const mun_error *err)
{
    json_t *object = mun_out_new("error");
    mun_out_cstr(object, "code", mun_code_name(err->code));
    mun_out_uint(object, "exit", (uint64_t)mun_code_exit(err->code));
    mun_out_cstr(object, "text", MUN_PLAIN(mun_slice_cstr(err->text)));
    if (what != NULL) mun_out_path(object, "file", what);
    if (err->rule[0] != '\0') mun_out_cstr(object, "rule", err->rule);
    if (err->offset != MUN_NO_OFFSET) mun_out_uint(object, "offset", err->offset);
    if (err->sys_errno != 0) mun_out_uint(object, "errno", (uint64_t)err->sys_errno);
    json_dumpf(object, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(object);
}

void mun_print_error(const mun_app *app, const char *what, const mun_error *err)
{
    fflush(stdout);
    if (mun_journald_reads_errors()) fputs(MUN_JOURNALD_ERROR, stderr);
    if (app->json) {
        print_error_json(what, err);
        return;
    }
    char text[MUN_ERROR_TEXT * 2];
    fputs("muniment: ", stderr);
    if (what != NULL) fprintf(stderr, "%s: ", MUN_PLAIN_PATH(what));
    fputs(mun_plain(text, sizeof text, mun_slice_cstr(err->text)), stderr);
    if (err->offset != MUN_NO_OFFSET) {
        fprintf(stderr, " (at byte %llu)", (unsigned long long)err->offset);
    }
    if (err->rule[0] != '\0') fprintf(stderr, " [%s]", err->rule);
    fputc('\n', stderr);
}

/* SPDX-License-Identifier: Apache-2.0 */
#define MUN_DEFINES_ERRORS
#include "base/error.h"

#include "base/slice.h"

#define CODES (sizeof names / sizeof names[0])

static const char *const names[] = {
#define NAME_(name, exit_code, http, text) #name,
    MUN_CODES(NAME_)
#undef NAME_
};

static const char *const texts[] = {
#define TEXT_(name, exit_code, http, text) text,
    MUN_CODES(TEXT_)
#undef TEXT_
};

static const uint8_t exits[] = {
#define EXIT_(name, exit_code, http, text) exit_code,
    MUN_CODES(EXIT_)
#undef EXIT_
};

static const uint16_t https[] = {
#define HTTP_(name, exit_code, http, text) http,
    MUN_CODES(HTTP_)
#undef HTTP_
};

const char *mun_code_name(mun_code code)
{
    return (size_t)code < CODES ? names[code] : "MUN_E_UNKNOWN";
}

const char *mun_code_text(mun_code code)
{
    return (size_t)code < CODES ? texts[code] : "an unknown error";
}

int mun_code_exit(mun_code code)
{
    return (size_t)code < CODES ? exits[code] : 5;
}

int mun_code_http(mun_code code)
{
    return (size_t)code < CODES ? https[code] : 500;
}

static void copy_text(char *to, size_t cap, const char *from)
{
    size_t len = mun_slice_cstr(from).len;
    if (len > cap - 1) len = cap - 1;
    memcpy(to, from, len);
    to[len] = '\0';
}

mun_code mun_fail_rule(mun_error *err, mun_code code, const char *rule, uint64_t offset,
                       const char *sentence)
{
    if (err == NULL) return code;
    *err = (mun_error){.code = code, .offset = offset};
    copy_text(err->rule, sizeof err->rule, rule);
    copy_text(err->text, sizeof err->text, sentence);
    return code;
}

mun_code mun_fail(mun_error *err, mun_code code, uint64_t offset, const char *sentence)
{
    return mun_fail_rule(err, code, "", offset, sentence);
}

mun_code mun_buf_fail(const mun_buf *buf, mun_error *err, const char *too_large)
{
    if (buf->no_memory) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, too_large);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/user_config.h"

#include "base/buf.h"
#include "codec/utf8.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the reader stands, for messages. */
typedef struct place {
    const char *path;
    const char *home;
    unsigned line;
    mun_error *err;
} place;

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static mun_slice trim(mun_slice s)
{
    while (s.len > 0 && is_space(s.ptr[0])) s = mun_slice_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) s.len--;
    return s;
}

static mun_code refuse(place *p, const char *what)
{
    return mun_failf(p->err, MUN_E_USAGE, 0, "%s:%u: %s", p->path, p->line, what);
}

static mun_code keep(place *p, mun_slice value, bool is_path, char ret[MUN_USER_CONFIG_PATH])
{
    if (ret[0] != '\0') return refuse(p, "this name stands in the file twice");
    if (value.len == 0) return refuse(p, "there is no value after the =");
    if (!mun_utf8_valid(value) && !is_path) return refuse(p, "the value is not UTF-8");
    if (memchr(value.ptr, 0, value.len) != NULL) return refuse(p, "there is a NUL byte");
    int len;
    const char *text = (const char *)value.ptr;
    const char *slash = strrchr(p->path, '/');
    if (is_path && value.len > 1 && text[0] == '~' && text[1] == '/' && p->home != NULL) {
        len = snprintf(ret, MUN_USER_CONFIG_PATH, "%s%.*s", p->home, (int)value.len - 1, text + 1);
    } else if (is_path && text[0] != '/' && slash != NULL) {
        len = snprintf(ret, MUN_USER_CONFIG_PATH, "%.*s/%.*s", (int)(slash - p->path), p->path,
                       (int)value.len, text);
    } else {
        len = snprintf(ret, MUN_USER_CONFIG_PATH, "%.*s", (int)value.len, text);
    }
    return len < MUN_USER_CONFIG_PATH ? MUN_OK : refuse(p, "the value is too long");
}

static bool is_url(mun_slice value)
{
    return mun_slice_starts(value, MUN_LITERAL("https:")) ||
           mun_slice_starts(value, MUN_LITERAL("http:")) ||
           mun_slice_starts(value, MUN_LITERAL("unix:"));
}

static mun_code one_line(place *p, mun_slice line, mun_user_config *config)
{
    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#') return MUN_OK;
    const uint8_t *equals = memchr(line.ptr, '=', line.len);
    if (equals == NULL) return refuse(p, "expected NAME = VALUE");
    mun_slice name = trim(mun_slice_of(line.ptr, (size_t)(equals - line.ptr)));
    mun_slice value = trim(mun_slice_of(equals + 1, (size_t)(line.ptr + line.len - equals - 1)));
    if (mun_slice_equal(name, MUN_LITERAL("key"))) return keep(p, value, true, config->key);
    if (mun_slice_equal(name, MUN_LITERAL("issuer"))) return keep(p, value, false, config->issuer);
    if (mun_slice_equal(name, MUN_LITERAL("ledger"))) {
        return keep(p, value, !is_url(value), config->ledger);
    }
    if (mun_slice_equal(name, MUN_LITERAL("token-file"))) {
        return keep(p, value, true, config->token_file);
    }
    return refuse(p, "unknown name; the names are key, issuer, ledger and token-file");
}

mun_code mun_user_config_parse(mun_slice text, const char *path, const char *home,
                               mun_user_config *ret, mun_error *err)
{
    mun_user_config config = {0};
    place p = {.path = path, .home = home, .err = err};
    size_t at = 0;
    while (at < text.len) {
        const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = end != NULL ? (size_t)(end - text.ptr) - at : text.len - at;
        p.line++;
        MUN_TRY(one_line(&p, mun_slice_of(text.ptr + at, len), &config));
        at += len + 1;
    }
    *ret = config;
    return MUN_OK;
}

/* An empty variable counts as unset, as the XDG specification wants; a relative one is ignored. */
static bool config_path(char *ret, size_t cap)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int len = -1;
    if (xdg != NULL && xdg[0] == '/') {
        len = snprintf(ret, cap, "%s/muniment/config", xdg);
    } else if (home != NULL && home[0] != '\0') {
        len = snprintf(ret, cap, "%s/.config/muniment/config", home);
    }
    return len > 0 && (size_t)len < cap;
}

mun_code mun_user_config_load(mun_user_config *ret, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    if (!config_path(path, sizeof path)) {
        *ret = (mun_user_config){0};
        return MUN_OK;
    }
    mun_file_info info;
    mun_code code = mun_file_look(path, true, &info, err);
    if (code == MUN_E_PERMISSION) info.kind = MUN_FILE_MISSING; /* HOME is somebody else's */
    if (code != MUN_OK && code != MUN_E_PERMISSION) return code;
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(MUN_USER_CONFIG_MAX);
    if (info.kind != MUN_FILE_MISSING) {
        MUN_TRY(mun_file_read(path, MUN_USER_CONFIG_MAX, &text, err));
    }
    return mun_user_config_parse(mun_buf_slice(&text), path, getenv("HOME"), ret, err);
}

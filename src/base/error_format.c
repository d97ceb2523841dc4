/* SPDX-License-Identifier: Apache-2.0 */
/* Formatted errors, apart from error.c so that the verify core links without printf. */
#define MUN_DEFINES_ERRORS
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

mun_code mun_failf(mun_error *err, mun_code code, int sys_errno, const char *format, ...)
{
    if (err == NULL) return code;
    *err = (mun_error){.code = code, .offset = MUN_NO_OFFSET, .sys_errno = sys_errno};
    va_list args;
    va_start(args, format);
    int len = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (sys_errno != 0 && len >= 0 && (size_t)len < sizeof err->text - 3) {
        char reason[128];
        const char *text = strerror_r(sys_errno, reason, sizeof reason);
        snprintf(err->text + len, sizeof err->text - (size_t)len, ": %s", text);
    }
    return code;
}

mun_code mun_error_prefix(mun_error *err, mun_code code, const char *prefix)
{
    if (err == NULL) return code;
    char rest[MUN_ERROR_TEXT];
    memcpy(rest, err->text, sizeof rest);
    snprintf(err->text, sizeof err->text, "%s: %.*s", prefix, (int)(sizeof rest - 1), rest);
    return code;
}

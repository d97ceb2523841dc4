/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metric_text.h"

#include <stdarg.h>
#include <stdio.h>

void mun_metric_line(mun_buf *out, const char *format, ...)
{
    char text[MUN_METRIC_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mun_buf_text(out, text);
}

void mun_metric_head(mun_buf *out, const char *name, const char *type, const char *help)
{
    mun_metric_line(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

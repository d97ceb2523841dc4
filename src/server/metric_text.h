/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the Prometheus text format (0.0.4). Threads: no shared state. */
#ifndef MUN_SERVER_METRIC_TEXT_H
#define MUN_SERVER_METRIC_TEXT_H

#include "base/buf.h"

#define MUN_METRIC_LINE_MAX 512

__attribute__((format(printf, 2, 3))) void mun_metric_line(mun_buf *out, const char *format, ...);
/* HELP and TYPE of the metric of this whole name. */
void mun_metric_head(mun_buf *out, const char *name, const char *type, const char *help);

#endif

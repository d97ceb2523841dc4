/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service tells its operator: one event a line on standard error, logfmt or JSON, with a
 * journald priority ("<6>") where JOURNAL_STREAM says that journald reads. Never a payload, never
 * a secret: values are what the caller passes, escaped and cut to MUN_EVENT_VALUE_MAX bytes.
 *
 *   mun_event(MUN_EVENT_INFO, "request", MUN_KV("id", id), MUN_KV_NUMBER("status", 201),
 * MUN_KV_END);
 *
 * Threads: any; a line is one write. Nobody waits for a reader that is slow (event_out.h).
 */
#ifndef MUN_SERVER_EVENT_LOG_H
#define MUN_SERVER_EVENT_LOG_H

#include "base/slice.h"

#define MUN_EVENT_VALUE_MAX 512
#define MUN_EVENT_LINE_MAX  4096 /* PIPE_BUF: a write up to it is atomic on a pipe as well */

typedef enum mun_event_level {
    MUN_EVENT_ERROR = 3,
    MUN_EVENT_WARNING = 4,
    MUN_EVENT_NOTICE = 5,
    MUN_EVENT_INFO = 6,
    MUN_EVENT_DEBUG = 7
} mun_event_level;

typedef enum mun_event_format { MUN_EVENT_LOGFMT, MUN_EVENT_JSON } mun_event_format;

typedef struct mun_kv {
    const char *key;  /* NULL ends the list */
    const char *text; /* NULL: the number */
    uint64_t number;
} mun_kv;

#define MUN_KV(key_, text_)          ((mun_kv){.key = (key_), .text = (text_)})
#define MUN_KV_NUMBER(key_, number_) ((mun_kv){.key = (key_), .number = (number_)})

/* Once, before threads start. level: nothing less important is printed. */
void mun_event_log_init(mun_event_format format, mun_event_level level);
void mun_event_list(mun_event_level level, const char *event, const mun_kv *list, size_t n);
bool mun_event_wanted(mun_event_level level);

#define mun_event(level, event, ...)                                                               \
    mun_event_list((level), (event), (const mun_kv[]){__VA_ARGS__},                                \
                   sizeof((const mun_kv[]){__VA_ARGS__}) / sizeof(mun_kv))

#endif

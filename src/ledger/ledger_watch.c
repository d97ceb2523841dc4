/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_watch.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

void mun_watcher_init(mun_watcher *watcher, const mun_watch *watch)
{
    *watcher = (mun_watcher){.watch = watch};
    pthread_mutex_init(&watcher->mutex, NULL);
}

void mun_watcher_finish(mun_watcher *watcher)
{
    pthread_mutex_destroy(&watcher->mutex);
}

static void tell(mun_watcher *w, const char *file, uint64_t offset, uint64_t entry,
                 const char *sentence)
{
    pthread_mutex_lock(&w->mutex);
    if (w->findings++ == 0) {
        mun_failf(&w->first, MUN_E_DAMAGED, 0, "%s: %s", file, sentence);
        w->first.offset = offset;
    }
    if (w->watch != NULL && w->watch->finding != NULL) {
        w->watch->finding(w->watch->ctx, file, offset, entry, sentence);
    }
    pthread_mutex_unlock(&w->mutex);
}

void mun_watcher_find(mun_watcher *w, const char *file, uint64_t offset, uint64_t entry,
                      const char *format, ...)
{
    char sentence[MUN_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    tell(w, file, offset, entry, sentence);
}

void mun_watcher_progress(mun_watcher *w, const char *stage, uint64_t done, uint64_t all)
{
    if (w->watch == NULL || w->watch->progress == NULL) return;
    pthread_mutex_lock(&w->mutex);
    w->watch->progress(w->watch->ctx, stage, done, all);
    pthread_mutex_unlock(&w->mutex);
}

void mun_watcher_notice(mun_watcher *w, const char *sentence)
{
    if (w->watch == NULL || w->watch->notice == NULL) return;
    pthread_mutex_lock(&w->mutex);
    w->watch->notice(w->watch->ctx, sentence);
    pthread_mutex_unlock(&w->mutex);
}

mun_code mun_watcher_verdict(mun_watcher *w, mun_error *err)
{
    if (w->findings == 0) return MUN_OK;
    if (err != NULL) *err = w->first;
    if (w->findings == 1) return MUN_E_DAMAGED;
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%llu findings, the first", (unsigned long long)w->findings);
    return mun_error_prefix(err, MUN_E_DAMAGED, prefix);
}

static void log_finding(void *ctx, const mun_log_finding *finding)
{
    tell(ctx, finding->file, finding->offset, finding->entry, finding->sentence);
}

static void log_progress(void *ctx, uint64_t done, uint64_t all)
{
    mun_watcher *w = ctx;
    mun_watcher_progress(w, w->stage, done, all);
}

mun_log_watch mun_watcher_log(mun_watcher *watcher, const char *stage)
{
    watcher->stage = stage;
    return (mun_log_watch){.ctx = watcher, .finding = log_finding, .progress = log_progress};
}

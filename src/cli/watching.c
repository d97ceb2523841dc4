/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watching.h"

#include <stdio.h>

static void print_finding(mun_watching *w, const char *file, uint64_t offset, uint64_t entry,
                          const char *sentence)
{
    if (w->app->json) {
        json_t *object = mun_out_new("finding");
        if (file != NULL) mun_out_path(object, "file", file);
        if (offset != MUN_NO_OFFSET) mun_out_uint(object, "offset", offset);
        if (entry != MUN_NO_OFFSET) mun_out_uint(object, "entry", entry);
        mun_out_cstr(object, "text", sentence);
        mun_out_print(w->app, object);
        return;
    }
    mun_progress_end(&w->progress);
    if (file != NULL) printf("%s", MUN_PLAIN_PATH(file));
    if (offset != MUN_NO_OFFSET) printf(", offset %llu", (unsigned long long)offset);
    if (entry != MUN_NO_OFFSET) printf(", entry %llu", (unsigned long long)entry);
    printf("%s%s\n", file != NULL ? ": " : "", MUN_PLAIN(mun_slice_cstr(sentence)));
}

static void on_finding(void *ctx, const char *file, uint64_t offset, uint64_t entry,
                       const char *sentence)
{
    mun_watching *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->findings++;
    print_finding(w, file, offset, entry, sentence);
    pthread_mutex_unlock(&w->lock);
}

static void on_progress(void *ctx, const char *stage, uint64_t done, uint64_t all)
{
    mun_watching *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->progress.what = stage != NULL ? stage : "working";
    mun_progress_set(&w->progress, done, all);
    pthread_mutex_unlock(&w->lock);
}

void mun_watching_begin(mun_watching *w, mun_app *app)
{
    *w = (mun_watching){.app = app};
    w->watch = (mun_watch){.ctx = w, .finding = on_finding, .progress = on_progress};
    pthread_mutex_init(&w->lock, NULL);
    mun_progress_begin(&w->progress, app->progress, "working");
}

void mun_watching_end(mun_watching *w)
{
    mun_progress_end(&w->progress);
    pthread_mutex_destroy(&w->lock);
}

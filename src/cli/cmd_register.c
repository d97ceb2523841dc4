/* SPDX-License-Identifier: Apache-2.0 */
/* register: which files there are; registering.c does the rest. */
#include "cli/commands.h"
#include "cli/registering.h"
#include "cli/speak.h"
#include "cli/subject.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mun_code interrupted(const mun_registering *r, mun_error *err)
{
    return mun_failf(err, MUN_E_AGAIN, 0,
                     "interrupted; %llu files are done. Start the same command again to go on",
                     (unsigned long long)(r->registered + r->known + r->present));
}

static mun_code stop_if_interrupted(const mun_registering *r, mun_error *err)
{
    return mun_interrupted() ? interrupted(r, err) : MUN_OK;
}

/* ---- Folders ---- */

static bool has(const char *folder, const char *name)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    return mun_path_with(folder, name, path, sizeof path, NULL) == MUN_OK &&
           mun_file_look(path, true, &info, NULL) == MUN_OK && info.kind == MUN_FILE_REGULAR;
}

/* A ledger's own files are no documents. */
static bool enter(void *ctx, const mun_walk_entry *folder)
{
    (void)ctx;
    return !(has(folder->path, "/ledger.pub") && has(folder->path, "/format"));
}

static mun_code walked_file(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    mun_registering *r = ctx;
    MUN_TRY(stop_if_interrupted(r, err));
    if (entry->info.kind != MUN_FILE_REGULAR || mun_path_ends(entry->path, ".scitt")) return MUN_OK;
    if (mun_file_is_temporary(mun_path_name(entry->path))) return MUN_OK;
    return mun_registering_add(r, entry->path, entry->relative, err);
}

static mun_code walked_unreadable(void *ctx, const mun_walk_entry *entry, const mun_error *why)
{
    mun_registering *r = ctx;
    mun_progress_end(&r->progress);
    mun_print_error(r->app, entry->path, why);
    r->failed++;
    if (r->exit_code == 0) r->exit_code = mun_code_exit(why->code);
    return MUN_OK;
}

static mun_code add_operand(mun_registering *r, const char *path, mun_error *err)
{
    mun_file_info info;
    MUN_TRY(stop_if_interrupted(r, err));
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind != MUN_FILE_DIRECTORY) {
        return mun_registering_add(r, path, mun_path_name(path), err);
    }
    if (!mun_app_has(r->app, MUN_OPT_RECURSIVE)) {
        return mun_failf(err, MUN_E_USAGE, 0, "%s is a folder; -r registers what is in it",
                         MUN_PLAIN_PATH(path));
    }
    mun_walk walk = {
        .ctx = r, .file = walked_file, .enter = enter, .unreadable = walked_unreadable};
    return mun_dir_walk(path, &walk, err);
}

/* For the bar: a quick walk without looking into the files. What cannot be read is not counted. */
static mun_code count_file(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    uint64_t *count = ctx;
    (void)err;
    if (entry->info.kind == MUN_FILE_REGULAR && !mun_path_ends(entry->path, ".scitt")) ++*count;
    return mun_interrupted() ? MUN_E_AGAIN : MUN_OK;
}

static mun_code uncounted(void *ctx, const mun_walk_entry *entry, const mun_error *why)
{
    (void)ctx;
    (void)entry;
    (void)why;
    return MUN_OK;
}

static uint64_t count_files(const mun_args *args)
{
    uint64_t count = 0;
    mun_walk walk = {.ctx = &count, .file = count_file, .enter = enter, .unreadable = uncounted};
    for (size_t i = 0; i < args->operands_len; i++) {
        if (mun_dir_walk(args->operands[i], &walk, NULL) == MUN_OK) continue;
        count++; /* a file by itself */
    }
    return count;
}

/* ---- Lists ---- */

typedef struct list_reader {
    mun_registering *r;
    size_t len;
    char name[MUN_PATH_BYTES_MAX];
} list_reader;

static mun_code listed_file(list_reader *l, mun_error *err)
{
    char relative[MUN_PATH_BYTES_MAX];
    l->name[l->len] = '\0';
    l->len = 0;
    if (l->name[0] == '\0') return MUN_OK;
    MUN_TRY(stop_if_interrupted(l->r, err));
    return mun_registering_add(l->r, l->name, mun_path_clean(l->name, relative), err);
}

static mun_code listed_chunk(void *ctx, mun_slice chunk, uint64_t at, uint64_t size, mun_error *err)
{
    list_reader *l = ctx;
    (void)at;
    (void)size;
    for (size_t i = 0; i < chunk.len; i++) {
        if (chunk.ptr[i] == '\0') {
            MUN_TRY(listed_file(l, err));
        } else if (l->len + 1 < sizeof l->name) {
            l->name[l->len++] = (char)chunk.ptr[i];
        } else {
            return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                            "a name in the list is too long; names are separated by NUL bytes, as "
                            "find -print0 does");
        }
    }
    return MUN_OK;
}

static mun_code add_list(mun_registering *r, const char *path, mun_error *err)
{
    list_reader l = {.r = r};
    MUN_TRY(mun_file_stream(path, listed_chunk, &l, err));
    return l.len > 0 ? listed_file(&l, err) : MUN_OK;
}

/* ---- The command ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(mun_path_name(*(const char *const *)a), mun_path_name(*(const char *const *)b));
}

/* Files given one by one are named by their last part: two with the same would supersede each
 * other without anybody having wanted that. */
static mun_code refuse_same_names(const mun_app *app, mun_error *err)
{
    size_t n = app->args.operands_len;
    const char *clash = NULL;
    if (mun_app_has(app, MUN_OPT_SUBJECT) || n < 2) return MUN_OK;
    const char **sorted = calloc(n, sizeof *sorted);
    if (sorted == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the names");
    memcpy(sorted, app->args.operands, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 1; i < n; i++) {
        mun_file_info info;
        bool folder = mun_file_look(sorted[i], true, &info, NULL) == MUN_OK &&
                      info.kind == MUN_FILE_DIRECTORY;
        if (!folder && by_name(&sorted[i - 1], &sorted[i]) == 0) clash = sorted[i];
    }
    free(sorted);
    if (clash == NULL) return MUN_OK;
    return mun_failf(err, MUN_E_USAGE, 0,
                     "two of the files are called %s and would be one subject; register their "
                     "folder with -r, or say what they are about with --subject",
                     MUN_PLAIN_PATH(mun_path_name(clash)));
}

static mun_code add_all(mun_registering *r, mun_error *err)
{
    const mun_args *args = &r->app->args;
    const char *list = mun_app_value(r->app, MUN_OPT_FROM_FILE);
    for (size_t i = 0; i < args->operands_len; i++) {
        MUN_TRY(add_operand(r, args->operands[i], err));
    }
    return list != NULL ? add_list(r, list, err) : MUN_OK;
}

static mun_code run(mun_app *app, const mun_signing *signing, mun_error *err)
{
    static mun_registering r;
    mun_holder holder;
    bool brief = mun_app_has(app, MUN_OPT_RECURSIVE) || mun_app_has(app, MUN_OPT_FROM_FILE);
    MUN_TRY(mun_holder_open(app, MUN_USE_WRITE, &holder, err));
    mun_interrupt_catch();
    mun_registering_begin(&r, app, &holder, signing, brief);
    bool from_list = mun_app_has(app, MUN_OPT_FROM_FILE);
    if (r.progress.shown && !from_list) r.expected = count_files(&app->args);
    mun_code code = add_all(&r, err);
    /* What is gathered is registered even where the user or a wrong name ends the command. */
    bool usable =
        code == MUN_OK || code == MUN_E_AGAIN || code == MUN_E_USAGE || code == MUN_E_NOT_FOUND;
    if (code != MUN_OK && holder.remote != NULL && holder.remote->down) usable = false;
    mun_code flushed = usable ? mun_registering_flush(&r, code == MUN_OK ? err : NULL) : MUN_OK;
    if (code == MUN_OK) code = flushed;
    if (code == MUN_E_AGAIN && mun_interrupted()) (void)interrupted(&r, err); /* counts the batch */
    mun_code closed = mun_holder_close(&holder, code == MUN_OK ? err : NULL);
    if (code == MUN_OK) code = closed;
    mun_registering_end(&r, code == MUN_OK || code == MUN_E_AGAIN);
    return code;
}

/* Options that say what is signed, where nothing is signed. */
static mun_code refuse_without_key(const mun_app *app, mun_error *err)
{
    static const mun_option_id signing[] = {MUN_OPT_ISSUER,   MUN_OPT_SUBJECT, MUN_OPT_CONTENT_TYPE,
                                            MUN_OPT_LOCATION, MUN_OPT_INLINE,  MUN_OPT_NO_TIME};
    for (size_t i = 0; i < sizeof signing / sizeof signing[0]; i++) {
        if (!mun_app_has(app, signing[i])) continue;
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "which key signs the documents? Give it with --key F; without a key every "
                        "FILE is a statement that is signed already");
    }
    return MUN_OK;
}

mun_code mun_cmd_register(mun_app *app, mun_error *err)
{
    const char *key = mun_signing_key_path(app);
    mun_signing signing;
    if (mun_app_has(app, MUN_OPT_STATEMENTS)) key = NULL;
    if (app->args.operands_len == 0 && !mun_app_has(app, MUN_OPT_FROM_FILE)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "register what? muniment register FILE..., or --from-file LIST");
    }
    MUN_TRY(refuse_same_names(app, err));
    if (key == NULL) {
        MUN_TRY(refuse_without_key(app, err));
        return run(app, NULL, err);
    }
    MUN_TRY(mun_signing_begin(app, key, &signing, err));
    mun_code code = run(app, &signing, err);
    mun_signing_end(&signing);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* bench: which figures, on which disk, printed how. */
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/speak.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_ENTRIES 10000000
#define DEFAULT_SECONDS 30

bool mun_bench_wants(const mun_bench *b, const char *name)
{
    const mun_args *args = &b->app->args;
    if (args->operands_len == 0) return true;
    for (size_t i = 0; i < args->operands_len; i++) {
        if (strcmp(args->operands[i], name) == 0) return true;
    }
    return false;
}

void mun_bench_figure(mun_bench *b, const char *name, double value, const char *unit,
                      const char *text)
{
    char shown[24];
    if (b->app->json) {
        json_t *object = json_object();
        mun_out_cstr(object, "name", name);
        mun_out_put(object, "value", json_real(value));
        mun_out_cstr(object, "unit", unit);
        mun_out_cstr(object, "conditions", text);
        mun_out_print(b->app, object);
    } else {
        snprintf(shown, sizeof shown, value >= 1000 ? "%.0f" : "%.3f", value);
        printf("%-17s %12s  %-6s %s\n", name, shown, unit, text);
    }
    fflush(stdout);
}

void mun_bench_result(mun_bench *b, const char *name, double value, const char *unit,
                      const char *conditions, ...)
{
    char text[384];
    va_list args;
    if (!mun_bench_wants(b, name)) return;
    va_start(args, conditions);
    vsnprintf(text, sizeof text, conditions, args);
    va_end(args);
    mun_bench_figure(b, name, value, unit, text);
}

void mun_bench_say(const mun_bench *b, const char *what)
{
    if (b->app->quiet || b->app->json) return;
    fprintf(stderr, "... %s\n", what);
}

double mun_bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static mun_code check_names(const mun_app *app, mun_error *err)
{
    const char *known = app->args.command->choices;
    for (size_t i = 0; i < app->args.operands_len; i++) {
        const char *name = app->args.operands[i];
        const char *at = strstr(known, name);
        size_t len = strlen(name);
        bool whole = at != NULL && (at == known || at[-1] == ',') &&
                     (at[len] == ',' || at[len] == '\0') && strchr(name, ',') == NULL;
        if (whole) continue;
        return mun_failf(err, MUN_E_USAGE, 0, "there is no figure \"%s\"; there are %s",
                         MUN_PLAIN_PATH(name), known);
    }
    return MUN_OK;
}

static mun_code begin(mun_bench *b, mun_error *err)
{
    const char *where = mun_app_value(b->app, MUN_OPT_DIRECTORY);
    if (where == NULL) where = ".";
    MUN_TRY(mun_fs_look(where, &b->fs, err));
    if (b->fs.memory) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "%s is on %s, in memory: nothing there survives a power cut, so nothing "
                         "measured there means anything. Name a folder on a disk with --directory",
                         MUN_PLAIN_PATH(where), b->fs.type);
    }
    b->entries = mun_args_number(&b->app->args, MUN_OPT_ENTRIES, DEFAULT_ENTRIES);
    b->seconds = (unsigned)mun_args_number(&b->app->args, MUN_OPT_SECONDS, DEFAULT_SECONDS);
    if (b->entries < 1000 || b->entries > 1000000000 || b->seconds < 1 || b->seconds > 3600) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "--entries is 1000 to 1000000000, --seconds 1 to 3600");
    }
    return mun_dir_make_temp(where, b->folder, err);
}

static mun_code print_head(mun_bench *b, mun_error *err)
{
    double floor = 0;
    char free_text[24];
    MUN_TRY(mun_bench_floor(b, 1, &floor, err));
    if (b->app->json) {
        json_t *object = mun_out_new("bench");
        mun_out_cstr(object, "file_system", b->fs.type);
        mun_out_uint(object, "disk_free", b->fs.free);
        mun_out_uint(object, "cores", b->cores);
        mun_out_put(object, "sync_floor", json_real(floor));
        mun_out_cstr(object, "version", MUN_VERSION);
        fflush(stdout);
        json_dumpf(object, stderr, JSON_COMPACT); /* standard output holds figures only */
        fputc('\n', stderr);
        json_decref(object);
        return MUN_OK;
    }
    printf("muniment %s on %u cores; %s, %s free; %.0f synced 4 KiB blocks a second\n\n",
           MUN_VERSION, b->cores, b->fs.type, mun_size_text(b->fs.free, free_text), floor);
    printf("%-17s %12s  %-6s %s\n", "name", "value", "unit", "conditions");
    return MUN_OK;
}

static mun_code run_groups(mun_bench *b, mun_error *err)
{
    static mun_code (*const groups[])(mun_bench *, mun_error *) = {
        mun_bench_processes, mun_bench_appends, mun_bench_registers, mun_bench_proofs,
        mun_bench_https,     mun_bench_large,   mun_bench_opens,
    };
    MUN_TRY(print_head(b, err));
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (mun_interrupted()) return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET, "interrupted");
        MUN_TRY(groups[i](b, err));
    }
    return MUN_OK;
}

mun_code mun_cmd_bench(mun_app *app, mun_error *err)
{
    static mun_bench b;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    b.app = app;
    b.cores = cores > 0 ? (unsigned)cores : 1;
    MUN_TRY(check_names(app, err));
    if (mun_app_has(app, MUN_OPT_URL)) {
        mun_interrupt_catch();
        return mun_bench_https(&b, err); /* a service, wherever it is: no disk of ours */
    }
    MUN_TRY(begin(&b, err));
    mun_interrupt_catch();
    mun_code code = run_groups(&b, err);
    mun_code removed = mun_dir_remove_all(b.folder, code == MUN_OK ? err : NULL);
    return code != MUN_OK ? code : removed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A copy that follows its original, from a service or from a folder. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/remote.h"
#include "cli/speak.h"
#include "cli/watching.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define INTERVAL_DEFAULT 10    /* seconds between two looks */
#define INTERVAL_MAX     86400 /* a day */
#define NAP_MS           200   /* between two looks at Ctrl-C */

/* ---- Where from ---- */

static mun_code folder_read(void *ctx, const char *name, size_t max, mun_buf *ret, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX], below[MUN_PATH_BYTES_MAX];
    snprintf(below, sizeof below, "/%s", name);
    MUN_TRY(mun_path_with(ctx, below, path, sizeof path, err));
    return mun_file_read(path, max, ret, err);
}

static mun_code service_read(void *ctx, const char *name, size_t max, mun_buf *ret, mun_error *err)
{
    mun_remote *remote = ctx;
    char path[MUN_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "/%s", name);
    MUN_TRY(mun_remote_get(remote, path, "*/*", max, err));
    if (strcmp(name, "ledger.pub") == 0 &&
        !mun_slice_equal(mun_buf_slice(&remote->answer.body), mun_buf_slice(&remote->pub_text))) {
        return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                        "the service shows another ledger.pub than a moment ago");
    }
    mun_buf_put(ret, mun_buf_slice(&remote->answer.body));
    if (mun_buf_ok(ret)) return MUN_OK;
    return mun_failf(err, MUN_E_LIMIT, 0, "the answer for %s is larger than it can be", name);
}

/* ---- Following ---- */

static void report(mun_app *app, const char *directory, const mun_standby_step *step)
{
    uint64_t fresh = step->tree.size - step->size_before;
    if (app->json) {
        json_t *object = mun_out_new("standby");
        mun_out_path(object, "directory", directory);
        mun_out_uint(object, "size", step->tree.size);
        mun_out_hex(object, "root", mun_slice_of(step->tree.root, sizeof step->tree.root));
        mun_out_uint(object, "size_before", step->size_before);
        mun_out_uint(object, "source_size", step->source_size);
        mun_out_print(app, object);
    } else if (!app->quiet && step->source_size < step->size_before) {
        printf("%s: %llu entries; the source shows an older tree of %llu\n",
               MUN_PLAIN_PATH(directory), (unsigned long long)step->tree.size,
               (unsigned long long)step->source_size);
    } else if (!app->quiet) {
        printf("%s: %llu entries, %llu of them new\n", MUN_PLAIN_PATH(directory),
               (unsigned long long)step->tree.size, (unsigned long long)fresh);
    }
    fflush(stdout);
}

static void nap(uint64_t seconds)
{
    for (uint64_t ms = 0; ms < seconds * 1000 && !mun_interrupted(); ms += NAP_MS) {
        struct timespec t = {.tv_nsec = NAP_MS * 1000000L};
        nanosleep(&t, NULL);
    }
}

/* What may be over the next time: a source that is away, busy or half updated. */
static bool may_pass(mun_code code)
{
    return code == MUN_E_AGAIN || code == MUN_E_NOT_FOUND || code == MUN_E_IO ||
           code == MUN_E_BUSY || code == MUN_E_NO_SPACE;
}

static mun_code follow_on(mun_app *app, const char *directory, mun_standby *standby, bool made,
                          uint64_t interval, mun_error *err)
{
    uint64_t told = UINT64_MAX;
    while (!mun_interrupted()) {
        mun_error why = {0};
        mun_standby_step step;
        mun_code code = mun_standby_follow(standby, &step, &why);
        if (made && told == UINT64_MAX) step.size_before = 0;
        if (code == MUN_OK && step.tree.size != told) {
            report(app, directory, &step);
            told = step.tree.size;
        }
        if (code != MUN_OK && !may_pass(code)) {
            if (err != NULL) *err = why;
            return code;
        }
        if (code != MUN_OK && !mun_interrupted()) {
            fprintf(stderr, "%s: %s; trying again in %llu s\n", MUN_PLAIN_PATH(directory), why.text,
                    (unsigned long long)interval);
        }
        nap(interval);
    }
    return MUN_OK;
}

static mun_code is_to_be_made(const char *directory, bool *ret, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    MUN_TRY(mun_path_with(directory, "/ledger.pub", path, sizeof path, err));
    MUN_TRY(mun_file_look(path, true, &info, err));
    *ret = info.kind == MUN_FILE_MISSING;
    return MUN_OK;
}

static mun_code follow(mun_app *app, const mun_source *source, uint64_t interval, mun_error *err)
{
    const char *directory = app->args.operands[0];
    mun_standby *standby;
    mun_standby_step step;
    mun_watching w;
    bool made; /* by the opening, with all that there was: to whoever asked for it, that is new */
    MUN_TRY(is_to_be_made(directory, &made, err));
    mun_watching_begin(&w, app);
    mun_code code = mun_standby_open(directory, source, &w.watch, &standby, err);
    if (code == MUN_OK) {
        if (mun_app_has(app, MUN_OPT_ONCE)) {
            code = mun_standby_follow(standby, &step, err);
            if (made) step.size_before = 0;
            if (code == MUN_OK) report(app, directory, &step);
        } else {
            code = follow_on(app, directory, standby, made, interval, err);
        }
        mun_code closed = mun_standby_close(standby, code == MUN_OK ? err : NULL);
        if (code == MUN_OK) code = closed;
    }
    mun_watching_end(&w);
    return code;
}

static bool is_trusted(const mun_remote *remote, const mun_public_key *key)
{
    for (size_t i = 0; i < remote->keys_len; i++) {
        const mun_public_key *one = &remote->keys[i].key;
        if (one->crv == key->crv && one->x_len == key->x_len &&
            memcmp(one->x, key->x, key->x_len) == 0) {
            return true;
        }
    }
    return false;
}

/* What is kept of the first answer decides whose history this copy will follow. Later the keys on
 * its own log do, and the service may be away when the standby starts. */
static mun_code connect_to(mun_app *app, const char *url, mun_remote **ret, mun_error *err)
{
    bool made;
    mun_remote *remote;
    MUN_TRY(is_to_be_made(app->args.operands[0], &made, err));
    if (!made) return mun_remote_connect(app, url, ret, err);
    MUN_TRY(mun_remote_open(app, url, &remote, err));
    if (is_trusted(remote, &remote->pub.checkpoints)) {
        *ret = remote;
        return MUN_OK;
    }
    mun_code code =
        mun_failf(err, MUN_E_UNTRUSTED, 0,
                  "the service signs checkpoints of %s with a key that is not among those trusted "
                  "here for it; if its keys were changed, compare the new ones with its keeper and "
                  "trust them, or name them with --ledger-key",
                  MUN_PLAIN(remote->pub.origin));
    mun_remote_close(remote);
    return code;
}

static mun_code follow_service(mun_app *app, const char *url, uint64_t interval, mun_error *err)
{
    mun_remote *remote;
    MUN_TRY(connect_to(app, url, &remote, err));
    mun_source source = {.ctx = remote, .queries = true, .read = service_read};
    mun_code code = follow(app, &source, interval, err);
    mun_remote_close(remote);
    return code;
}

mun_code mun_cmd_standby(mun_app *app, mun_error *err)
{
    const char *from = mun_app_value(app, MUN_OPT_FROM);
    uint64_t interval = INTERVAL_DEFAULT;
    if (from == NULL) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a standby needs to know whom it follows: --from URL, or --from FOLDER "
                        "with an export or a backup");
    }
    interval = mun_args_number(&app->args, MUN_OPT_INTERVAL, INTERVAL_DEFAULT);
    if (interval == 0 || interval > INTERVAL_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "--interval is 1 to 86400 seconds");
    }
    mun_interrupt_catch();
    if (mun_url_like(from)) return follow_service(app, from, interval, err);
    mun_source source = {.ctx = (void *)(uintptr_t)from, .read = folder_read};
    return follow(app, &source, interval, err);
}

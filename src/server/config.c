/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as an object: defaults, the one without a file, what must fit together. */
#include "server/config.h"

#include "server/work_queue.h"

#include <stdlib.h>

void mun_config_defaults(mun_config *ret)
{
    *ret = (mun_config){
        .limits = {.connections = MUN_HTTP_CONNECTIONS,
                   .connections_per_address = MUN_HTTP_PER_ADDRESS,
                   .head_seconds = MUN_HTTP_HEAD_SECONDS,
                   .body_seconds = MUN_HTTP_BODY_SECONDS,
                   .idle_seconds = MUN_HTTP_IDLE_SECONDS,
                   .write_seconds = MUN_HTTP_WRITE_SECONDS,
                   .drain_seconds = MUN_HTTP_DRAIN_SECONDS,
                   .batch_bytes = MUN_BATCH_BODY_MAX,
                   .queue = MUN_REGISTER_QUEUE,
                   .open_ledgers = MUN_LEDGERS_OPEN,
                   .workers = mun_workers_default()},
        .log_format = MUN_EVENT_LOGFMT,
        .log_level = MUN_EVENT_INFO,
    };
}

mun_code mun_config_text(const char *text, char **ret, mun_error *err)
{
    char *copy = text != NULL ? strdup(text) : NULL;
    if (text != NULL && copy == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the configuration");
    }
    *ret = copy;
    return MUN_OK;
}

static void ledger_free(mun_config_ledger *ledger)
{
    char *strings[] = {ledger->name,        ledger->directory,       ledger->base,
                       ledger->host,        ledger->passphrase_file, ledger->tokens,
                       ledger->certificates};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) free(strings[i]);
}

void mun_config_free(mun_config *config)
{
    for (size_t i = 0; i < config->listeners_len; i++) free(config->listeners[i].where);
    for (size_t i = 0; i < config->ledgers_len; i++) ledger_free(&config->ledgers[i]);
    free(config->ledgers);
    free(config->public_url);
    free(config->operator_tokens);
    *config = (mun_config){0};
}

/* ---- What must fit together ---- */

static mun_code check_one(const mun_config_ledger *ledger, mun_error *err)
{
    if (!mun_served_name_valid(ledger->name)) {
        return mun_failf(
            err, MUN_E_USAGE, 0,
            "\"%.80s\" is no name for a ledger: 1 to %d of A-Z a-z 0-9 . _ - and no dot "
            "in front",
            ledger->name, MUN_LEDGER_NAME_MAX);
    }
    const char *base = ledger->base;
    if (base[0] != '\0' && (base[0] != '/' || !mun_served_name_valid(base + 1))) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "ledger %s: the path \"%.80s\" is neither / nor / and one name",
                         ledger->name, base);
    }
    if (mun_served_base_reserved(base)) {
        return mun_failf(err, MUN_E_USAGE, 0, "ledger %s: the path %s is the service's own",
                         ledger->name, base);
    }
    return MUN_OK;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static mun_code check_two(const mun_config_ledger *a, const mun_config_ledger *b, mun_error *err)
{
    if (same_text(a->name, b->name)) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "%s and %s would both be called %s; give them names in a configuration "
                         "file (--config)",
                         a->directory, b->directory, a->name);
    }
    if (same_text(a->base, b->base) && same_text(a->host, b->host)) {
        return mun_failf(err, MUN_E_USAGE, 0, "ledgers %s and %s have the same path and host",
                         a->name, b->name);
    }
    if (same_text(a->directory, b->directory)) {
        return mun_failf(err, MUN_E_USAGE, 0, "ledgers %s and %s are the same directory, %s",
                         a->name, b->name, a->directory);
    }
    return MUN_OK;
}

/* What two ledgers must not share, sorted so that those who do stand side by side. */
static int by_name(const void *a, const void *b)
{
    return strcmp((*(const mun_config_ledger *const *)a)->name,
                  (*(const mun_config_ledger *const *)b)->name);
}

static int by_place(const void *a, const void *b)
{
    const mun_config_ledger *x = *(const mun_config_ledger *const *)a;
    const mun_config_ledger *y = *(const mun_config_ledger *const *)b;
    int order = strcmp(x->host != NULL ? x->host : "", y->host != NULL ? y->host : "");
    return order != 0 ? order : strcmp(x->base, y->base);
}

static int by_directory(const void *a, const void *b)
{
    return strcmp((*(const mun_config_ledger *const *)a)->directory,
                  (*(const mun_config_ledger *const *)b)->directory);
}

mun_code mun_config_check(const mun_config *config, mun_error *err)
{
    static int (*const orders[])(const void *, const void *) = {by_name, by_place, by_directory};
    size_t n = config->ledgers_len;
    if (n == 0) return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "there is no ledger to serve");
    if (n > MUN_LEDGERS_MAX) {
        return mun_failf(err, MUN_E_LIMIT, 0, "%zu ledgers are more than one process serves (%d)",
                         n, MUN_LEDGERS_MAX);
    }
    for (size_t i = 0; i < n; i++) MUN_TRY(check_one(&config->ledgers[i], err));
    const mun_config_ledger **list = calloc(n, sizeof *list);
    if (list == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for ledgers");
    mun_code code = MUN_OK;
    for (size_t order = 0; order < sizeof orders / sizeof orders[0]; order++) {
        for (size_t i = 0; i < n; i++) list[i] = &config->ledgers[i];
        qsort(list, n, sizeof *list, orders[order]);
        for (size_t i = 1; code == MUN_OK && i < n; i++) {
            code = check_two(list[i - 1], list[i], err);
        }
    }
    free(list);
    return code;
}

/* ---- Without a file ---- */

/* The last part of a path, without slashes at its end: "./x/contracts/" gives "contracts". */
static char *last_part(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') start--;
    return strndup(path + start, end - start);
}

static mun_code plain_ledger(const char *directory, bool only, mun_config_ledger *ret,
                             mun_error *err)
{
    ret->open_scopes = MUN_SCOPE_READ | MUN_SCOPE_SUBMIT;
    ret->directory = strdup(directory);
    ret->name = last_part(directory);
    size_t len = ret->name != NULL ? strlen(ret->name) + 2 : 1;
    ret->base = calloc(1, len);
    if (ret->directory == NULL || ret->name == NULL || ret->base == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the configuration");
    }
    /* "." and ".." and the like have a directory but no name; alone at the root it needs none. */
    if (only && !mun_served_name_valid(ret->name)) {
        free(ret->name);
        ret->name = strdup("ledger");
        if (ret->name == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory");
    }
    if (!only) {
        ret->base[0] = '/';
        memcpy(ret->base + 1, ret->name, len - 2);
    }
    return MUN_OK;
}

static mun_code plain_fill(const mun_service_options *options, mun_config *config, mun_error *err)
{
    size_t n = options->directories_len;
    config->ledgers = calloc(n > 0 ? n : 1, sizeof *config->ledgers);
    if (config->ledgers == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the configuration");
    }
    for (size_t i = 0; i < n; i++) {
        mun_config_ledger *ledger = &config->ledgers[config->ledgers_len++];
        MUN_TRY(plain_ledger(options->directories[i], n == 1, ledger, err));
    }
    return mun_config_check(config, err);
}

mun_code mun_config_plain(const mun_service_options *options, mun_config *ret, mun_error *err)
{
    mun_config config;
    mun_config_defaults(&config);
    mun_code code = plain_fill(options, &config, err);
    if (code != MUN_OK) {
        mun_config_free(&config);
        return code;
    }
    *ret = config;
    return MUN_OK;
}

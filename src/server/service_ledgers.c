/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the configuration to the ledgers that are served, at the start and at a reload. A ledger
 * keeps its access object for life; what is inside it changes. A ledger whose directory, path,
 * host, passphrase or mode changed is replaced by another one.
 */
#include "server/service_parts.h"

#include "server/tokens.h"
#include "trust/keyfile.h"
#include "trust/passphrase_file.h"
#include "vfs/files.h"

#include <muniment/keys.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- One directory, one ledger ---- */

/* The ledger.pub of each: one file under two paths is a directory named twice, by a link or
 * another spelling. Only one of them could be opened, and the other would be told that it waits
 * for this very process. */
typedef struct home {
    const mun_config_ledger *ledger;
    mun_file_info pub;
} home;

static int by_file(const void *a, const void *b)
{
    const mun_file_info *x = &((const home *)a)->pub, *y = &((const home *)b)->pub;
    if (x->inode != y->inode) return x->inode < y->inode ? -1 : 1;
    return x->changed_ns < y->changed_ns ? -1 : x->changed_ns > y->changed_ns;
}

static mun_code homes_differ(home *homes, size_t n, mun_error *err)
{
    qsort(homes, n, sizeof *homes, by_file);
    for (size_t i = 1; i < n; i++) {
        const mun_config_ledger *a = homes[i - 1].ledger, *b = homes[i].ledger;
        if (homes[i].pub.kind == MUN_FILE_MISSING || by_file(&homes[i - 1], &homes[i]) != 0) {
            continue;
        }
        return mun_failf(err, MUN_E_USAGE, 0, "ledgers %s and %s are the same directory: %s and %s",
                         a->name, b->name, a->directory, b->directory);
    }
    return MUN_OK;
}

static mun_code directories_check(const mun_config *config, mun_error *err)
{
    size_t n = config->ledgers_len;
    home *homes = calloc(n > 0 ? n : 1, sizeof *homes);
    if (homes == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for ledgers");
    for (size_t i = 0; i < n; i++) {
        char path[MUN_PATH_BYTES_MAX];
        homes[i].ledger = &config->ledgers[i];
        snprintf(path, sizeof path, "%s/ledger.pub", config->ledgers[i].directory);
        if (mun_file_look(path, true, &homes[i].pub, NULL) != MUN_OK) {
            homes[i].pub = (mun_file_info){.kind = MUN_FILE_MISSING}; /* told when it is opened */
        }
    }
    mun_code code = homes_differ(homes, n, err);
    free(homes);
    return code;
}

mun_code service_config(const mun_service_options *options, mun_config *ret, mun_error *err)
{
    mun_config config;
    if (options->config_path != NULL) {
        MUN_TRY(mun_config_read(options->config_path, &config, err));
    } else {
        MUN_TRY(mun_config_plain(options, &config, err));
    }
    mun_code code = directories_check(&config, err);
    if (code != MUN_OK) {
        mun_config_free(&config);
        return code;
    }
    *ret = config;
    return MUN_OK;
}

static mun_access_options access_of(const service_run *run, const mun_config_ledger *ledger)
{
    return (mun_access_options){.open_scopes = ledger->open_scopes,
                                .tokens_file = ledger->tokens,
                                .certificates_file = ledger->certificates,
                                .per_principal = ledger->per_principal,
                                .per_address = ledger->per_address,
                                .principals = run->principals,
                                .addresses = run->addresses};
}

static mun_code check_secret(const mun_config_ledger *ledger, mun_error *err)
{
    if (ledger->passphrase_file == NULL) return MUN_OK;
    return mun_file_private(ledger->passphrase_file, MUN_MODE_SECRET, err);
}

/* Instead of an old one, or, where that is NULL, as another one. */
static mun_code put_ledger(service_run *run, const mun_config_ledger *ledger, mun_served *old,
                           mun_error *err)
{
    mun_access *access;
    mun_access_options rules = access_of(run, ledger);
    MUN_TRY(check_secret(ledger, err));
    MUN_TRY(mun_access_create(&rules, &access, err));
    mun_served_options options = {.name = ledger->name,
                                  .directory = ledger->directory,
                                  .base = ledger->base,
                                  .host = ledger->host,
                                  .passphrase_file = ledger->passphrase_file,
                                  .read_only = ledger->read_only,
                                  .access = access};
    mun_served_set *set = run->service.ledgers;
    mun_code code = old == NULL ? mun_served_add(set, &options, err)
                                : mun_served_replace(set, old, &options, err);
    mun_access_give(access); /* the set has taken its own */
    return code;
}

mun_code service_ledgers_add(service_run *run, mun_error *err)
{
    for (size_t i = 0; i < run->config.ledgers_len; i++) {
        MUN_TRY(put_ledger(run, &run->config.ledgers[i], NULL, err));
    }
    return MUN_OK;
}

/* ---- Reload ---- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* True where the ledger that is served is still the one that the configuration means. */
static bool same_ledger(const mun_served_options *served, const mun_config_ledger *ledger)
{
    return same_text(served->directory, ledger->directory) &&
           same_text(served->base, ledger->base) && same_text(served->host, ledger->host) &&
           same_text(served->passphrase_file, ledger->passphrase_file) &&
           served->read_only == ledger->read_only;
}

static mun_served *served_named(service_run *run, const char *name)
{
    mun_served *served;
    for (size_t i = 0; (served = mun_served_at(run->service.ledgers, i)) != NULL; i++) {
        if (strcmp(mun_served_options_of(served)->name, name) == 0) return served;
    }
    return NULL;
}

static const mun_config_ledger *config_named(const mun_config *config, const char *name)
{
    for (size_t i = 0; i < config->ledgers_len; i++) {
        if (strcmp(config->ledgers[i].name, name) == 0) return &config->ledgers[i];
    }
    return NULL;
}

/* Everything that could fail later, tried before anything changes. */
static mun_code rehearse(const service_run *run, const mun_config *config, mun_error *err)
{
    mun_operation *operation;
    for (size_t i = 0; i < config->ledgers_len; i++) {
        const mun_config_ledger *ledger = &config->ledgers[i];
        mun_access *access;
        mun_access_options rules = access_of(run, ledger);
        MUN_TRY(check_secret(ledger, err));
        MUN_TRY(mun_access_create(&rules, &access, err));
        mun_access_give(access);
        char path[MUN_PATH_BYTES_MAX];
        mun_file_info info;
        snprintf(path, sizeof path, "%s/ledger.pub", ledger->directory);
        MUN_TRY(mun_file_look(path, true, &info, err));
        if (info.kind != MUN_FILE_REGULAR) {
            return mun_failf(err, MUN_E_NOT_FOUND, 0, "ledger %s: there is no ledger in %s",
                             ledger->name, ledger->directory);
        }
    }
    MUN_TRY(mun_operation_create(config, NULL, &operation, err));
    mun_operation_destroy(operation);
    return MUN_OK;
}

static void remove_gone(service_run *run, const mun_config *config)
{
    size_t i = 0;
    mun_served *served;
    while ((served = mun_served_at(run->service.ledgers, i)) != NULL) {
        const char *name = mun_served_options_of(served)->name;
        if (config_named(config, name) != NULL) {
            i++;
            continue;
        }
        mun_event(MUN_EVENT_NOTICE, "ledger_removed", MUN_KV("ledger", name));
        mun_served_remove(run->service.ledgers, served);
    }
}

/* Those that are to be served in another way change in one step. Where two of them change places
 * one has to go first; it comes back with those that are new. */
static void replace_changed(service_run *run, const mun_config *config)
{
    for (size_t i = 0; i < config->ledgers_len; i++) {
        const mun_config_ledger *ledger = &config->ledgers[i];
        mun_served *served = served_named(run, ledger->name);
        mun_error why = {.code = MUN_OK};
        if (served == NULL || same_ledger(mun_served_options_of(served), ledger)) continue;
        if (put_ledger(run, ledger, served, &why) == MUN_OK) {
            mun_event(MUN_EVENT_NOTICE, "ledger_changed", MUN_KV("ledger", ledger->name));
        } else {
            mun_served_remove(run->service.ledgers, served);
        }
    }
}

static mun_code update_ledger(service_run *run, const mun_config_ledger *ledger, mun_error *err)
{
    mun_served *served = served_named(run, ledger->name);
    if (served == NULL) {
        MUN_TRY(put_ledger(run, ledger, NULL, err));
        mun_event(MUN_EVENT_NOTICE, "ledger_added", MUN_KV("ledger", ledger->name));
        return MUN_OK;
    }
    mun_access_options rules = access_of(run, ledger);
    return mun_access_update(mun_served_options_of(served)->access, &rules, err);
}

static void tell_restart(const mun_config *old, const mun_config *new)
{
    bool listeners = old->listeners_len != new->listeners_len;
    for (size_t i = 0; !listeners && i < old->listeners_len; i++) {
        listeners = strcmp(old->listeners[i].where, new->listeners[i].where) != 0 ||
                    old->listeners[i].proxy != new->listeners[i].proxy ||
                    old->listeners[i].public_address != new->listeners[i].public_address;
    }
    if (listeners) mun_event(MUN_EVENT_WARNING, "needs_restart", MUN_KV("changed", "listen"));
    if (memcmp(&old->limits, &new->limits, sizeof old->limits) != 0) {
        mun_event(MUN_EVENT_WARNING, "needs_restart", MUN_KV("changed", "limits"));
    }
    if (!same_text(old->public_url, new->public_url)) {
        mun_event(MUN_EVENT_WARNING, "needs_restart", MUN_KV("changed", "public-url"));
    }
    if (old->log_format != new->log_format || old->log_level != new->log_level) {
        mun_event(MUN_EVENT_WARNING, "needs_restart", MUN_KV("changed", "log"));
    }
}

/* What was asked at the start stays what runs: only ledgers, their access and the operators'
 * change; the rest of the old configuration is kept, and compared with the next one. */
static void keep(service_run *run, mun_config *config)
{
    mun_config *old = &run->config;
    mun_config_ledger *ledgers = old->ledgers;
    size_t ledgers_len = old->ledgers_len;
    char *tokens = old->operator_tokens;
    old->ledgers = config->ledgers;
    old->ledgers_len = config->ledgers_len;
    old->operator_tokens = config->operator_tokens;
    old->operator_access = config->operator_access;
    config->ledgers = ledgers;
    config->ledgers_len = ledgers_len;
    config->operator_tokens = tokens;
}

static mun_code apply(service_run *run, mun_config *config, mun_error *err)
{
    MUN_TRY(rehearse(run, config, err));
    tell_restart(&run->config, config);
    remove_gone(run, config);
    replace_changed(run, config);
    mun_code code = mun_operation_update(run->service.operation, config, err);
    for (size_t i = 0; i < config->ledgers_len; i++) {
        mun_error why = {.code = MUN_OK};
        if (update_ledger(run, &config->ledgers[i], &why) == MUN_OK) continue;
        mun_event(MUN_EVENT_ERROR, "ledger_refused", MUN_KV("ledger", config->ledgers[i].name),
                  MUN_KV("reason", why.text));
    }
    keep(run, config);
    return code;
}

mun_code service_reload(service_run *run, mun_error *err)
{
    mun_config config;
    if (run->options->config_path == NULL) {
        service_tokens_refresh(run);
        mun_event(MUN_EVENT_NOTICE, "reloaded", MUN_KV("config", "none"));
        return MUN_OK;
    }
    MUN_TRY(service_config(run->options, &config, err));
    mun_code code = apply(run, &config, err);
    mun_config_free(&config);
    if (code == MUN_OK) {
        mun_event(MUN_EVENT_NOTICE, "reloaded",
                  MUN_KV_NUMBER("ledgers", mun_served_count(run->service.ledgers)));
    }
    return code;
}

static void tell_refresh(const char *whose, mun_code code, bool changed, const mun_error *why)
{
    if (!changed) return;
    if (code != MUN_OK) {
        mun_event(MUN_EVENT_ERROR, "access_refused", MUN_KV("ledger", whose),
                  MUN_KV("reason", why->text));
    } else {
        mun_event(MUN_EVENT_NOTICE, "access_read", MUN_KV("ledger", whose));
    }
}

void service_tokens_refresh(service_run *run)
{
    mun_served *served;
    mun_error why = {.code = MUN_OK};
    bool changed = false;
    mun_code code = mun_operation_refresh(run->service.operation, &changed, &why);
    tell_refresh("(operators)", code, changed, &why);
    for (size_t i = 0; (served = mun_served_at(run->service.ledgers, i)) != NULL; i++) {
        const mun_served_options *options = mun_served_options_of(served);
        code = mun_access_refresh(options->access, &changed, &why);
        tell_refresh(options->name, code, changed, &why);
    }
}

/* ---- --check ---- */

/* A reader needs no private keys, so that these can be read is seen by reading them. */
static mun_code check_keys(const mun_config_ledger *ledger, mun_slice passphrase, mun_error *err)
{
    static const char *const files[] = {"receipts", "checkpoints"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[MUN_PATH_BYTES_MAX];
        mun_signing_key key;
        snprintf(path, sizeof path, "%s/keys/%s.pem", ledger->directory, files[i]);
        MUN_TRY(mun_signing_key_read(path, passphrase, &key, err));
        mun_signing_key_free(&key);
    }
    return MUN_OK;
}

static mun_code check_ledger(const mun_config_ledger *ledger, mun_error *err)
{
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf secret = mun_buf_fixed(room, sizeof room);
    mun_ledger *opened;
    mun_access *access;
    mun_access_options rules = {.tokens_file = ledger->tokens,
                                .certificates_file = ledger->certificates};
    MUN_TRY(check_secret(ledger, err));
    MUN_TRY(mun_access_create(&rules, &access, err));
    mun_access_give(access);
    const char *file = ledger->passphrase_file;
    mun_code code = file == NULL ? MUN_OK : mun_passphrase_read(file, &secret, err);
    if (code == MUN_OK) {
        mun_ledger_open_options options = {
            .read_only = true, .no_index = true, .passphrase = mun_buf_slice(&secret)};
        code = mun_ledger_open(ledger->directory, &options, &opened, err);
    }
    if (code == MUN_OK) {
        bool copy = mun_ledger_is_copy(opened);
        code = mun_ledger_close(opened, err);
        if (code == MUN_OK && !copy && !ledger->read_only) {
            code = check_keys(ledger, mun_buf_slice(&secret), err);
        }
    }
    mun_cleanse(room, sizeof room);
    return code;
}

mun_code service_ledgers_check(const mun_config *config, mun_error *err)
{
    mun_operation *operation;
    MUN_TRY(mun_operation_create(config, NULL, &operation, err));
    mun_operation_destroy(operation);
    for (size_t i = 0; i < config->ledgers_len; i++) {
        mun_code code = check_ledger(&config->ledgers[i], err);
        if (code == MUN_OK) continue;
        char prefix[MUN_LEDGER_NAME_MAX + 16];
        snprintf(prefix, sizeof prefix, "ledger %s", config->ledgers[i].name);
        return mun_error_prefix(err, code, prefix);
    }
    return MUN_OK;
}

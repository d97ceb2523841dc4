/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the configuration to the ledgers that are served, at the start and at a reload. A ledger
 * keeps its access object for life; what is inside it changes. A ledger whose directory, path,
 * host, passphrase or mode changed is replaced by another one.
 */
#include "server/service_parts.h"

#include "server/tokens.h"
#include "vfs/files.h"

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

mun_code service_secret_check(const mun_config_ledger *ledger, mun_error *err)
{
    if (ledger->passphrase_file == NULL) return MUN_OK;
    return mun_file_private(ledger->passphrase_file, MUN_MODE_SECRET, err);
}

/* ---- From one configuration to the next ---- */

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

/* What is to change, all in one step. */
typedef struct plan {
    mun_served_change *changes;
    mun_served_options *options; /* of those changes that have any; each has its access */
    size_t len, options_len;
} plan;

static void plan_free(plan *p)
{
    for (size_t i = 0; i < p->options_len; i++) mun_access_give(p->options[i].access);
    free(p->changes);
    free(p->options);
}

static mun_code plan_ledger(const service_run *run, const mun_config_ledger *ledger,
                            mun_served *old, plan *p, mun_error *err)
{
    mun_access *access;
    mun_access_options rules = access_of(run, ledger);
    MUN_TRY(service_secret_check(ledger, err));
    MUN_TRY(mun_access_create(&rules, &access, err));
    mun_served_options *options = &p->options[p->options_len++];
    *options = (mun_served_options){.name = ledger->name,
                                    .directory = ledger->directory,
                                    .base = ledger->base,
                                    .host = ledger->host,
                                    .passphrase_file = ledger->passphrase_file,
                                    .read_only = ledger->read_only,
                                    .access = access};
    p->changes[p->len++] = (mun_served_change){.old = old, .options = options};
    return MUN_OK;
}

static mun_code plan_fill(service_run *run, const mun_config *config, plan *p, mun_error *err)
{
    mun_served *served;
    for (size_t i = 0; (served = mun_served_at(run->service.ledgers, i)) != NULL; i++) {
        if (config_named(config, mun_served_options_of(served)->name) == NULL) {
            p->changes[p->len++] = (mun_served_change){.old = served};
        }
    }
    for (size_t i = 0; i < config->ledgers_len; i++) {
        const mun_config_ledger *ledger = &config->ledgers[i];
        served = served_named(run, ledger->name);
        if (served != NULL && same_ledger(mun_served_options_of(served), ledger)) continue;
        MUN_TRY(plan_ledger(run, ledger, served, p, err));
    }
    return MUN_OK;
}

static mun_code plan_make(service_run *run, const mun_config *config, plan *ret, mun_error *err)
{
    size_t most = mun_served_count(run->service.ledgers) + config->ledgers_len;
    plan p = {.changes = calloc(most + 1, sizeof *p.changes),
              .options = calloc(most + 1, sizeof *p.options)};
    mun_code code = p.changes == NULL || p.options == NULL
                        ? mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for ledgers")
                        : plan_fill(run, config, &p, err);
    if (code != MUN_OK) {
        plan_free(&p);
        return code;
    }
    *ret = p;
    return MUN_OK;
}

static mun_code plan_carry_out(service_run *run, plan *p, mun_error *err)
{
    return mun_served_change_all(run->service.ledgers, p->changes, p->len, err);
}

mun_code service_ledgers_add(service_run *run, mun_error *err)
{
    plan p;
    MUN_TRY(plan_make(run, &run->config, &p, err));
    mun_code code = plan_carry_out(run, &p, err);
    plan_free(&p);
    return code;
}

/* ---- Reload ---- */

/* What is not of the plan and could fail later, tried before anything changes. */
static mun_code rehearse(const service_run *run, const mun_config *config, mun_error *err)
{
    mun_operation *operation;
    for (size_t i = 0; i < config->ledgers_len; i++) {
        const mun_config_ledger *ledger = &config->ledgers[i];
        mun_access *access;
        mun_access_options rules = access_of(run, ledger);
        MUN_TRY(service_secret_check(ledger, err));
        MUN_TRY(mun_access_create(&rules, &access, err));
        mun_access_give(access);
    }
    MUN_TRY(mun_operation_create(config, NULL, &operation, err));
    mun_operation_destroy(operation);
    return MUN_OK;
}

static void tell_changes(const plan *p)
{
    for (size_t i = 0; i < p->len; i++) {
        const mun_served_change *change = &p->changes[i];
        const char *what = change->old == NULL       ? "ledger_added"
                           : change->options == NULL ? "ledger_removed"
                                                     : "ledger_changed";
        mun_event(MUN_EVENT_NOTICE, what,
                  MUN_KV("ledger", change->options != NULL
                                       ? change->options->name
                                       : mun_served_options_of(change->old)->name));
    }
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

/* The rules of those that stay; those that change have theirs already. */
static void update_access(service_run *run, const mun_config *config)
{
    for (size_t i = 0; i < config->ledgers_len; i++) {
        const mun_config_ledger *ledger = &config->ledgers[i];
        mun_access_options rules = access_of(run, ledger);
        mun_access *access = mun_served_options_of(served_named(run, ledger->name))->access;
        mun_error why = {.code = MUN_OK};
        if (mun_access_update(access, &rules, &why) == MUN_OK) continue;
        mun_event(MUN_EVENT_ERROR, "ledger_refused", MUN_KV("ledger", ledger->name),
                  MUN_KV("reason", why.text));
    }
}

static mun_code apply(service_run *run, mun_config *config, mun_error *err)
{
    plan p;
    MUN_TRY(rehearse(run, config, err));
    MUN_TRY(plan_make(run, config, &p, err));
    mun_code code = plan_carry_out(run, &p, err);
    if (code == MUN_OK) {
        tell_changes(&p);
        tell_restart(&run->config, config);
        update_access(run, config);
        code = mun_operation_update(run->service.operation, config, err);
        keep(run, config);
    }
    plan_free(&p);
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

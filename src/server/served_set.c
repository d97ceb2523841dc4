/* SPDX-License-Identifier: Apache-2.0 */
/* Which ledgers the process serves, and which of them a request means. */
#include "server/served_parts.h"

#include "base/assert.h"
#include "base/buf.h"
#include "server/ascii.h"
#include "vfs/files.h"

#include <muniment/keys.h>
#include <stdio.h>
#include <stdlib.h>

#define PUB_MAX 4096 /* bytes of a ledger.pub */

/* ---- Host and base as a key ------------------------------------------------------------------ */

static uint32_t hash_add(uint32_t hash, uint8_t c)
{
    return (hash ^ c) * 16777619u; /* FNV-1a; the names are the operator's, not a client's */
}

static size_t bucket_of(mun_slice host, mun_slice base)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < host.len; i++) hash = hash_add(hash, mun_ascii_lower(host.ptr[i]));
    for (size_t i = 0; i < base.len; i++) hash = hash_add(hash, base.ptr[i]);
    return hash % SERVED_BUCKETS;
}

static mun_slice options_host(const mun_served_options *options)
{
    return options->host == NULL ? (mun_slice){0} : mun_slice_cstr(options->host);
}

static mun_served *look_up(const mun_served_set *set, mun_slice host, mun_slice base)
{
    mun_served *served = set->bucket[bucket_of(host, base)];
    for (; served != NULL; served = served->next) {
        if (mun_slice_equal(mun_slice_cstr(served->options.base), base) &&
            mun_ascii_same(options_host(&served->options), host)) {
            return served;
        }
    }
    return NULL;
}

/* Host without its port; an IPv6 address keeps its brackets. */
static mun_slice host_name(mun_slice host)
{
    for (size_t i = host.len; i > 0; i--) {
        uint8_t c = host.ptr[i - 1];
        if (c == ':') return mun_slice_of(host.ptr, i - 1);
        if (c < '0' || c > '9') break;
    }
    return host;
}

static mun_slice first_segment(mun_slice path)
{
    size_t end = path.len > 0 ? 1 : 0;
    while (end < path.len && path.ptr[end] != '/') end++;
    return mun_slice_of(path.ptr, end);
}

/* A host name of its own goes before any host, and a longer base before the root. */
static mun_served *find(const mun_served_set *set, mun_slice host, mun_slice path,
                        mun_slice *ret_base)
{
    const mun_slice hosts[] = {host_name(host), {0}};
    const mun_slice bases[] = {first_segment(path), {0}};
    for (size_t h = hosts[0].len == 0 ? 1 : 0; h < 2; h++) {
        for (size_t b = 0; b < 2; b++) {
            mun_served *served = look_up(set, hosts[h], bases[b]);
            if (served == NULL) continue;
            *ret_base = bases[b];
            return served;
        }
    }
    return NULL;
}

mun_served *mun_served_find(mun_served_set *set, mun_slice host, mun_slice path,
                            mun_slice *ret_rest)
{
    mun_slice base = {0};
    pthread_rwlock_rdlock(&set->lock);
    mun_served *served = find(set, host, path, &base);
    pthread_rwlock_unlock(&set->lock);
    if (served == NULL) return NULL;
    *ret_rest = mun_slice_of(path.ptr + base.len, path.len - base.len);
    if (ret_rest->len == 0) *ret_rest = MUN_LITERAL("/");
    return served;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

bool mun_served_name_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= MUN_LEDGER_NAME_MAX && name[0] != '.' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

/* The service's own routes at its root; a ledger there would hide them, or they it. */
bool mun_served_base_reserved(const char *base)
{
    static const char *const taken[] = {"/v1",      "/healthz",     "/readyz",     "/metrics",
                                        "/entries", "/tile",        "/checkpoint", "/export",
                                        "/commits", "/.well-known", "/ledger.pub"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (strcmp(base, taken[i]) == 0) return true;
    }
    return false;
}

static mun_code options_check(const mun_served_options *options, mun_error *err)
{
    if (!mun_served_name_valid(options->name)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a ledger's name has 1 to 64 letters, digits, dots, underscores and "
                        "hyphens, and no dot in front");
    }
    if (options->base[0] != '\0' &&
        (options->base[0] != '/' || !mun_served_name_valid(options->base + 1))) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "the base path of ledger %s must be empty or a slash and a name",
                         options->name);
    }
    if (mun_served_base_reserved(options->base)) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "ledger %s cannot be served under %s, which is a path of the service "
                         "itself: give it another name",
                         options->name, options->base);
    }
    return MUN_OK;
}

static char *copied(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

static bool options_copy(mun_served *served, const mun_served_options *options)
{
    mun_served_options *to = &served->options;
    *to = (mun_served_options){
        .name = copied(options->name),
        .directory = copied(options->directory),
        .base = copied(options->base),
        .host = copied(options->host),
        .passphrase_file = copied(options->passphrase_file),
        .read_only = options->read_only,
        .access = options->access == NULL ? NULL : mun_access_take(options->access),
        .backend = options->backend,
    };
    return to->name != NULL && to->directory != NULL && to->base != NULL &&
           (to->host != NULL || options->host == NULL) &&
           (to->passphrase_file != NULL || options->passphrase_file == NULL);
}

static void served_free(mun_served *served)
{
    if (served == NULL) return;
    mun_served_finish(served);
    mun_access_give(served->options.access);
    mun_buf_free(&served->pub_text);
    free((char *)(uintptr_t)served->options.name);
    free((char *)(uintptr_t)served->options.directory);
    free((char *)(uintptr_t)served->options.base);
    free((char *)(uintptr_t)served->options.host);
    free((char *)(uintptr_t)served->options.passphrase_file);
    free(served);
}

static mun_code identity_parse(mun_served *served, mun_error *err)
{
    mun_crypto crypto = {0};
    MUN_TRY(mun_native_crypto_new(&crypto, err));
    mun_code code =
        mun_ledger_pub_parse(&crypto, mun_buf_slice(&served->pub_text), &served->pub, err);
    mun_native_crypto_free(&crypto);
    if (code == MUN_OK) atomic_store(&served->known, true);
    if (code == MUN_OK || code == MUN_E_MEMORY || code == MUN_E_VERSION) return code;
    if (err != NULL) err->code = MUN_E_DAMAGED;
    return mun_error_prefix(err, MUN_E_DAMAGED, "the file ledger.pub is damaged");
}

mun_code mun_served_identify(mun_served *served, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX], shown[MUN_PATH_TEXT_MAX];
    mun_file_info info;
    mun_path_text(shown, sizeof shown, served->options.directory);
    if ((size_t)snprintf(path, sizeof path, "%s/ledger.pub", served->options.directory) >=
        sizeof path) {
        return mun_failf(err, MUN_E_USAGE, 0, "the path %s is too long", shown);
    }
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind == MUN_FILE_MISSING) {
        return mun_failf(err, MUN_E_NOT_FOUND, 0,
                         "there is no ledger in %s (it has no file ledger.pub); make one with: "
                         "muniment init DIR --name NAME",
                         shown);
    }
    mun_buf_free(&served->pub_text);
    served->pub_text = mun_buf_growable(PUB_MAX);
    MUN_TRY(mun_file_read(path, PUB_MAX, &served->pub_text, err));
    return identity_parse(served, err);
}

static mun_code taken(const mun_served_set *set, const mun_served_options *options, mun_error *err)
{
    if (set->len == MUN_LEDGERS_MAX) {
        return mun_failf(err, MUN_E_LIMIT, 0, "one process serves at most %d ledgers",
                         MUN_LEDGERS_MAX);
    }
    for (size_t i = 0; i < set->len; i++) {
        if (strcmp(set->list[i]->options.name, options->name) == 0) {
            return mun_failf(err, MUN_E_EXISTS, 0, "two ledgers are named %s", options->name);
        }
    }
    if (look_up(set, options_host(options), mun_slice_cstr(options->base)) == NULL) return MUN_OK;
    return mun_failf(err, MUN_E_EXISTS, 0,
                     "ledger %s would be served under the same host and path as another one",
                     options->name);
}

static void insert(mun_served_set *set, mun_served *served)
{
    size_t bucket = bucket_of(options_host(&served->options), mun_slice_cstr(served->options.base));
    served->next = set->bucket[bucket];
    set->bucket[bucket] = served;
    set->list[set->len++] = served;
}

/* A directory without a ledger is the operator's mistake, and told at once. A ledger.pub that is
 * damaged or cannot be read keeps no other ledger from being served: each opening looks again. */
static mun_code served_fill(mun_served *served, const mun_served_options *options, mun_error *err)
{
    mun_error why = {0};
    if (!options_copy(served, options)) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    }
    mun_code code = mun_served_identify(served, &why);
    if (code == MUN_E_NOT_FOUND || code == MUN_E_USAGE || code == MUN_E_MEMORY) {
        if (err != NULL) *err = why;
        return code;
    }
    if (code != MUN_OK) {
        served->state = mun_served_not_opened(served, &why);
        served->why = why;
    }
    return MUN_OK;
}

static mun_code served_make(mun_served_set *set, const mun_served_options *options,
                            mun_served **ret, mun_error *err)
{
    MUN_TRY(options_check(options, err));
    mun_served *served = calloc(1, sizeof *served);
    if (served == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    served->set = set;
    mun_served_init(served);
    mun_code code = served_fill(served, options, err);
    if (code != MUN_OK) {
        served_free(served);
        return code;
    }
    *ret = served;
    return MUN_OK;
}

/* ---- Changing -------------------------------------------------------------------------------- */

static void detach(mun_served_set *set, mun_served *served)
{
    mun_served **at = &set->bucket[bucket_of(options_host(&served->options),
                                             mun_slice_cstr(served->options.base))];
    while (*at != served) {
        MUN_ASSERT(*at != NULL); /* it is in its bucket */
        at = &(*at)->next;
    }
    *at = served->next;
    for (size_t i = 0; i < set->len; i++) {
        if (set->list[i] != served) continue;
        memmove(set->list + i, set->list + i + 1, (set->len - i - 1) * sizeof set->list[0]);
        set->len--;
        break;
    }
}

/* Requests may still hold it. */
static void put_away(mun_served_set *set, mun_served *served)
{
    served->next = set->removed;
    set->removed = served;
}

/* What goes makes room for what comes, so all of it goes first. */
static mun_code exchange(mun_served_set *set, const mun_served_change *changes, size_t len,
                         mun_error *err)
{
    mun_code code = MUN_OK;
    size_t in = 0;
    for (size_t i = 0; i < len; i++) {
        if (changes[i].old != NULL) detach(set, changes[i].old);
    }
    for (; in < len; in++) {
        if (changes[in].next == NULL) continue;
        code = taken(set, &changes[in].next->options, err);
        if (code != MUN_OK) break;
        insert(set, changes[in].next);
    }
    for (size_t i = 0; code != MUN_OK && i < in; i++) {
        if (changes[i].next != NULL) detach(set, changes[i].next);
    }
    for (size_t i = 0; i < len; i++) {
        mun_served *old = changes[i].old;
        if (old == NULL) continue;
        if (code != MUN_OK) {
            insert(set, old);
        } else {
            put_away(set, old);
        }
    }
    return code;
}

/* The one that goes and has the directory of this one; NULL: none. */
static mun_served *predecessor(const mun_served_change *changes, size_t len, const mun_served *next)
{
    for (size_t i = 0; i < len; i++) {
        mun_served *old = changes[i].old;
        if (old != NULL && strcmp(old->options.directory, next->options.directory) == 0) {
            return old;
        }
    }
    return NULL;
}

static mun_code nexts_make(mun_served_set *set, mun_served_change *changes, size_t len,
                           mun_error *err)
{
    for (size_t i = 0; i < len; i++) {
        mun_served_change *change = &changes[i];
        if (change->options == NULL) continue;
        MUN_TRY(served_make(set, change->options, &change->next, err));
        if (predecessor(changes, len, change->next) != NULL) mun_served_hold(change->next);
    }
    return MUN_OK;
}

static void exchanged(const mun_served_change *changes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (changes[i].old != NULL) mun_served_retire(changes[i].old, changes[i].next != NULL);
    }
    for (size_t i = 0; i < len; i++) {
        mun_served *next = changes[i].next;
        mun_served *before = next == NULL ? NULL : predecessor(changes, len, next);
        if (before != NULL) mun_served_release(next, before);
    }
    for (size_t i = 0; i < len; i++) { /* their streams look, and find that they are gone */
        if (changes[i].old != NULL) mun_served_grew(changes[i].old);
    }
}

mun_code mun_served_change_all(mun_served_set *set, mun_served_change *changes, size_t len,
                               mun_error *err)
{
    for (size_t i = 0; i < len; i++) changes[i].next = NULL;
    mun_code code = nexts_make(set, changes, len, err);
    if (code == MUN_OK) {
        pthread_rwlock_wrlock(&set->lock);
        code = exchange(set, changes, len, err);
        pthread_rwlock_unlock(&set->lock);
    }
    if (code == MUN_OK) {
        exchanged(changes, len);
    } else {
        for (size_t i = 0; i < len; i++) served_free(changes[i].next);
    }
    return code;
}

mun_code mun_served_add(mun_served_set *set, const mun_served_options *options, mun_error *err)
{
    return mun_served_change_all(set, &(mun_served_change){.options = options}, 1, err);
}

void mun_served_remove(mun_served_set *set, mun_served *served)
{
    mun_code code = mun_served_change_all(set, &(mun_served_change){.old = served}, 1, NULL);
    MUN_ASSERT(code == MUN_OK); /* nothing is made, and nothing put in a place that may be taken */
}

/* ---- The set itself -------------------------------------------------------------------------- */

mun_code mun_served_set_create(size_t open_max, mun_served_set **ret, mun_error *err)
{
    mun_served_set *set = calloc(1, sizeof *set);
    if (set == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    set->open_max = open_max > 0 ? open_max : MUN_LEDGERS_OPEN;
    pthread_rwlock_init(&set->lock, NULL);
    pthread_mutex_init(&set->closing, NULL);
    *ret = set;
    return MUN_OK;
}

void mun_served_set_destroy(mun_served_set *set)
{
    if (set == NULL) return;
    for (size_t i = 0; i < set->len; i++) served_free(set->list[i]);
    while (set->removed != NULL) {
        mun_served *next = set->removed->next;
        served_free(set->removed);
        set->removed = next;
    }
    pthread_mutex_destroy(&set->closing);
    pthread_rwlock_destroy(&set->lock);
    free(set);
}

size_t mun_served_count(mun_served_set *set)
{
    pthread_rwlock_rdlock(&set->lock);
    size_t len = set->len;
    pthread_rwlock_unlock(&set->lock);
    return len;
}

mun_work_share *mun_served_work_share(mun_served *served)
{
    return mun_served_count(served->set) > 1 ? &served->work : NULL;
}

mun_served *mun_served_at(mun_served_set *set, size_t n)
{
    pthread_rwlock_rdlock(&set->lock);
    mun_served *served = n < set->len ? set->list[n] : NULL;
    pthread_rwlock_unlock(&set->lock);
    return served;
}

size_t mun_served_open_count(mun_served_set *set)
{
    return atomic_load(&set->open);
}

void mun_served_observe(mun_served_set *set, struct mun_metrics *metrics)
{
    set->metrics = metrics;
}

void mun_served_on_grown(mun_served_set *set, mun_served_grown grown, void *ctx)
{
    pthread_rwlock_wrlock(&set->lock);
    set->grown = grown;
    set->grown_ctx = ctx;
    pthread_rwlock_unlock(&set->lock);
}

void mun_served_grew(mun_served *served)
{
    pthread_rwlock_rdlock(&served->set->lock);
    mun_served_grown grown = served->set->grown;
    void *ctx = served->set->grown_ctx;
    pthread_rwlock_unlock(&served->set->lock);
    if (grown != NULL) grown(ctx, served);
}

const mun_served_options *mun_served_options_of(const mun_served *served)
{
    return &served->options;
}

const mun_ledger_pub *mun_served_identity(const mun_served *served)
{
    return atomic_load(&served->known) ? &served->pub : NULL;
}

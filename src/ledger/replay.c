/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/replay.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define CHUNK       1024 /* entries that a thread takes at once */
#define THREADS_MAX 64

typedef struct replay {
    mun_ledger *ledger;
    mun_watcher *watcher;
    uint64_t size;
    atomic_uint_fast64_t next; /* first entry that no thread has taken */
    atomic_uint_fast64_t done;
    atomic_int code; /* the first failure that is no finding */
    pthread_mutex_t mutex;
    mun_error err;
} replay;

/* One thread's view. */
typedef struct replayer {
    replay *all;
    mun_crypto *crypto;
    mun_buf entry;
} replayer;

static void find_entry(replay *r, uint64_t index, const char *what, const mun_error *why)
{
    char file[32];
    snprintf(file, sizeof file, "entries/%010llu", (unsigned long long)(index / 65536));
    mun_watcher_find(r->watcher, file, MUN_NO_OFFSET, index, "entry %llu %s: %s%s%s",
                     (unsigned long long)index, what, why->rule, why->rule[0] == '\0' ? "" : ": ",
                     why->text);
}

/* ---- What the ledger said about itself ---------------------------------------------------------
 */

static bool is_finding(mun_code code)
{
    return code == MUN_E_REFUSED || code == MUN_E_INVALID || code == MUN_E_MALFORMED ||
           code == MUN_E_UNSUPPORTED || code == MUN_E_LIMIT || code == MUN_E_DAMAGED;
}

typedef struct own_pass {
    replay *all;
    const mun_crypto *crypto;
} own_pass;

static mun_code own_entry(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                          const mun_hash *leaf, mun_error *err)
{
    (void)time_ms;
    (void)leaf;
    own_pass *p = ctx;
    mun_control *control = &p->all->ledger->control;
    mun_statement statement;
    mun_error why = {0};
    if (index == 0) return MUN_OK; /* applied when the state was opened */
    if (index % CHUNK == 0) mun_watcher_progress(p->all->watcher, "policy", index, p->all->size);
    mun_code code = mun_statement_parse(entry, &statement, &why);
    if (code == MUN_OK && !mun_control_is_own(&control->state, &statement)) return MUN_OK;
    if (code == MUN_OK) {
        code = mun_control_apply(p->crypto, &control->state, index, &statement, &why);
        if (code == MUN_OK) return mun_control_note(control, index, err);
    }
    if (is_finding(code)) {
        find_entry(p->all, index, "is no statement that may stand there", &why);
        return MUN_OK;
    }
    if (err != NULL) *err = why;
    return code;
}

/* From entry 0 anew, whatever the control file says. */
static mun_code own_replay(replay *r, const mun_crypto *crypto, mun_error *err)
{
    own_pass pass = {r, crypto};
    mun_ledger *ledger = r->ledger;
    MUN_TRY(mun_control_genesis(ledger, crypto, err));
    MUN_TRY(mun_log_scan(ledger->log, 0, r->size, own_entry, &pass, err));
    ledger->control.looked = r->size;
    ledger->control.loaded = true;
    return MUN_OK;
}

static void keys_compare(replay *r, const mun_crypto *crypto)
{
    uint8_t receipts[MUN_HASH_SIZE], checkpoints[MUN_HASH_SIZE];
    const mun_control_state *state = &r->ledger->control.state;
    const mun_policy *policy = mun_control_policy(state);
    mun_key_thumbprint(crypto, &r->ledger->pub.receipts, receipts);
    mun_key_thumbprint(crypto, &r->ledger->pub.checkpoints, checkpoints);
    if (memcmp(receipts, policy->keys.receipts.kid, MUN_HASH_SIZE) != 0 ||
        memcmp(checkpoints, policy->keys.checkpoints.kid, MUN_HASH_SIZE) != 0) {
        mun_watcher_find(r->watcher, MUN_LEDGER_PUB_FILE, MUN_NO_OFFSET, MUN_NO_OFFSET,
                         "it holds other keys than the policy in force on the log");
    }
    for (size_t i = 0; i < state->epochs_len; i++) {
        char sentence[256];
        if (!state->epochs[i]->self_announced) continue;
        snprintf(sentence, sizeof sentence,
                 "entry %llu announces new keys of the ledger and is signed only by one of these "
                 "new keys: nobody who knew the old ones has vouched for them",
                 (unsigned long long)state->epochs[i]->index);
        mun_watcher_notice(r->watcher, sentence);
    }
}

/* ---- Every entry ----------------------------------------------------------------------------- */

/* [STMT-21]: the entry is what its statement gives. */
static mun_code entry_is_canonical(replayer *t, const mun_statement *statement, mun_slice entry,
                                   mun_error *why)
{
    mun_buf_clear(&t->entry);
    MUN_TRY(mun_statement_entry(statement, &t->entry, why));
    if (mun_slice_equal(mun_buf_slice(&t->entry), entry)) return MUN_OK;
    return mun_fail(why, MUN_E_DAMAGED, MUN_NO_OFFSET,
                    "its bytes are not the canonical form of an entry");
}

static mun_code entry_check(replayer *t, uint64_t index, mun_slice entry, mun_error *why)
{
    mun_statement statement;
    uint8_t signer[MUN_HASH_SIZE];
    const mun_control_state *state = &t->all->ledger->control.state;
    MUN_TRY(mun_statement_parse(entry, &statement, why));
    MUN_TRY(entry_is_canonical(t, &statement, entry, why));
    if (mun_control_is_own(state, &statement)) return MUN_OK; /* own_replay has checked it */
    return mun_admit(t->crypto, state, index, &statement, signer, why);
}

static mun_code leaf_check(replayer *t, uint64_t index, const mun_hash *leaf, mun_error *why)
{
    uint64_t found = 0;
    mun_code code = mun_log_find(t->all->ledger->log, leaf, &found, why);
    if (code == MUN_E_NOT_FOUND) {
        return mun_fail(why, MUN_E_DAMAGED, MUN_NO_OFFSET, "it is not found by its leaf hash");
    }
    if (code != MUN_OK || found == index) return code;
    return mun_failf(why, MUN_E_DAMAGED, 0, "the same statement stands at entry %llu already",
                     (unsigned long long)found);
}

static mun_code replay_entry(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                             const mun_hash *leaf, mun_error *err)
{
    (void)time_ms;
    replayer *t = ctx;
    mun_error why = {0};
    mun_code code = entry_check(t, index, entry, &why);
    if (code == MUN_OK) code = leaf_check(t, index, leaf, &why);
    if (code == MUN_OK) return MUN_OK;
    if (is_finding(code)) {
        find_entry(t->all, index, "does not stand there rightly", &why);
        return MUN_OK;
    }
    if (err != NULL) *err = why;
    return code;
}

static void remember_failure(replay *r, mun_code code, const mun_error *why)
{
    pthread_mutex_lock(&r->mutex);
    if (atomic_load(&r->code) == MUN_OK) {
        r->err = *why;
        atomic_store(&r->code, (int)code);
    }
    pthread_mutex_unlock(&r->mutex);
}

static void *replay_thread(void *ctx)
{
    replayer t = {.all = ctx, .entry = mun_buf_growable(MUN_ENTRY_MAX)};
    replay *r = t.all;
    mun_error why = {0};
    mun_code code = mun_crypto_pool_take(&r->ledger->pool, &t.crypto, &why);
    while (code == MUN_OK && atomic_load(&r->code) == MUN_OK) {
        uint64_t first = atomic_fetch_add(&r->next, CHUNK);
        if (first >= r->size) break;
        uint64_t end = r->size - first < CHUNK ? r->size : first + CHUNK;
        code = mun_log_scan(r->ledger->log, first, end, replay_entry, &t, &why);
        uint64_t done = atomic_fetch_add(&r->done, end - first) + (end - first);
        mun_watcher_progress(r->watcher, "statements", done, r->size);
    }
    if (code != MUN_OK) remember_failure(r, code, &why);
    mun_crypto_pool_give(&r->ledger->pool, t.crypto);
    mun_buf_free(&t.entry);
    return NULL;
}

static void replay_all(replay *r)
{
    pthread_t threads[THREADS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores, started = 0;
    while (started + 1 < wanted && mun_thread_start(&threads[started], replay_thread, r)) {
        started++;
    }
    (void)replay_thread(r); /* this thread works too */
    for (size_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

mun_code mun_replay_entries(mun_ledger *ledger, mun_watcher *watcher, mun_error *err)
{
    replay r = {.ledger = ledger, .watcher = watcher, .size = mun_log_head(ledger->log).size};
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    pthread_mutex_init(&r.mutex, NULL);
    mun_code code = own_replay(&r, crypto, err);
    if (code == MUN_OK) {
        keys_compare(&r, crypto);
        replay_all(&r);
        code = (mun_code)atomic_load(&r.code);
        if (code != MUN_OK && err != NULL) *err = r.err;
    }
    pthread_mutex_destroy(&r.mutex);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

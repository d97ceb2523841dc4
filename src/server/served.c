/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, lending and closing one ledger of the set. */
#include "server/served_parts.h"

#include "base/buf.h"
#include "server/clock.h"
#include "server/event_log.h"
#include "server/metrics.h"
#include "trust/passphrase_file.h"
#include "vfs/files.h"

#include <muniment/keys.h>
#include <stdio.h>

#define WAIT_NS    (MUN_SERVED_WAIT_MS * MUN_MS_NS)
#define ROOM_AGAIN (UINT64_C(64) << 20) /* free bytes with which a full ledger counts as ready */
#define LOCK_FILE  "lock"               /* docs/format/log.md */

void mun_served_init(mun_served *served)
{
    pthread_mutex_init(&served->mutex, NULL);
    mun_clock_cond_init(&served->changed);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Each registration counts with its share of the call's time, but waits for the append as a whole.
 */
static void registered(void *ctx, const mun_ledger_stages *stages)
{
    mun_metrics *metrics = ctx;
    for (uint64_t i = 0; i < stages->statements; i++) {
        mun_metrics_stage(metrics, MUN_STAGE_PARSE, stages->parse_ns / stages->statements);
        mun_metrics_stage(metrics, MUN_STAGE_VERIFY, stages->verify_ns / stages->statements);
        mun_metrics_stage(metrics, MUN_STAGE_APPEND, stages->append_ns);
    }
    for (uint64_t i = 0; i < stages->receipts; i++) {
        mun_metrics_stage(metrics, MUN_STAGE_SIGN, stages->sign_ns / stages->receipts);
    }
}

static void committed(void *ctx, uint64_t entries, uint64_t sync_ns)
{
    mun_metrics_batch(ctx, entries);
    mun_metrics_fsync(ctx, sync_ns);
}

static mun_code open_with_passphrase(mun_served *served, mun_ledger **ret, mun_error *err)
{
    if (!atomic_load(&served->known)) MUN_TRY(mun_served_identify(served, err));
    uint8_t secret[MUN_PASSPHRASE_MAX];
    mun_buf passphrase = mun_buf_fixed(secret, sizeof secret);
    const char *file = served->options.passphrase_file;
    mun_code code = file == NULL ? MUN_OK : mun_passphrase_read(file, &passphrase, err);
    if (code == MUN_OK) {
        const mun_ledger_observer observer = {served->set->metrics, registered, committed};
        mun_ledger_open_options options = {
            .read_only = served->options.read_only,
            .passphrase = mun_buf_slice(&passphrase),
            .observer = served->set->metrics == NULL ? NULL : &observer,
        };
        code = mun_ledger_open(served->options.directory, &options, ret, err);
    }
    mun_cleanse(secret, sizeof secret);
    return code;
}

/* The inode of the writer's lock; 0: there is none. MUN_OK where that is known. */
static mun_code lock_look(const mun_served *served, uint64_t *ret)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    snprintf(path, sizeof path, "%s/" LOCK_FILE, served->options.directory);
    MUN_TRY(mun_file_look(path, true, &info, NULL));
    *ret = info.kind == MUN_FILE_MISSING ? 0 : info.inode;
    return MUN_OK;
}

static mun_served_state state_after(mun_code code)
{
    return code == MUN_E_DAMAGED || code == MUN_E_VERSION ? MUN_SERVED_DAMAGED : MUN_SERVED_FAILED;
}

/* Clients asked for an entry, not for the ledger's files: that those are not there, or that the
 * passphrase is wrong, is no 404 or 400 of theirs. The log has the sentence. */
static mun_code opening_code(mun_code code)
{
    switch (code) {
    case MUN_E_BUSY:
    case MUN_E_AGAIN:
    case MUN_E_NO_SPACE:
    case MUN_E_MEMORY:
    case MUN_E_DAMAGED:
    case MUN_E_VERSION:
    case MUN_E_CRYPTO: return code;
    default: return code == MUN_OK ? MUN_OK : MUN_E_IO;
    }
}

static void failure_note(mun_served *served)
{
    uint64_t now = mun_clock_ns();
    if (now - served->failed_ns > MUN_SERVED_CALM_SECONDS * MUN_SECOND_NS) served->failures = 0;
    served->failures++;
    served->failed_ns = now;
}

mun_served_state mun_served_not_opened(const mun_served *served, mun_error *why)
{
    mun_event(MUN_EVENT_ERROR, "ledger_not_opened", MUN_KV("ledger", served->options.name),
              MUN_KV("code", mun_code_name(why->code)), MUN_KV("reason", why->text));
    why->code = opening_code(why->code);
    return state_after(why->code);
}

/* Takes and gives the mutex back while the ledger is opened. */
static mun_code open_locked(mun_served *served, mun_error *err)
{
    mun_ledger *ledger = NULL;
    mun_error why = {0};
    uint64_t lock_inode = 0;
    served->moving = true;
    served->moving_ns = mun_clock_ns();
    served->state = MUN_SERVED_OPENING;
    pthread_mutex_unlock(&served->mutex);
    mun_code code = open_with_passphrase(served, &ledger, &why);
    if (code == MUN_OK && lock_look(served, &lock_inode) != MUN_OK) lock_inode = 0;
    mun_served_state state = MUN_SERVED_READY;
    if (code != MUN_OK) {
        state = mun_served_not_opened(served, &why);
        code = why.code;
        if (err != NULL) *err = why;
    }
    pthread_mutex_lock(&served->mutex);
    served->moving = false;
    served->ledger = ledger;
    served->lock_inode = lock_inode;
    served->state = state;
    served->why = why;
    if (code == MUN_OK) {
        atomic_store(&served->size, mun_ledger_tree(ledger).size);
        atomic_store(&served->open, true);
        atomic_fetch_add(&served->set->open, 1);
    } else {
        failure_note(served);
        if (served->failures == 1) served->failures = 2; /* the attempt was made: a pause now */
    }
    pthread_cond_broadcast(&served->changed);
    return code;
}

static uint64_t pause_ns(const mun_served *served)
{
    uint64_t pause = MUN_SERVED_RETRY_MS * MUN_MS_NS;
    const uint64_t most = MUN_SERVED_RETRY_SECONDS * MUN_SECOND_NS;
    if (served->failures < 2) return 0;
    for (unsigned i = 2; i < served->failures && pause < most; i++) pause *= 2;
    return pause < most ? pause : most;
}

/* A ledger that fails again and again costs a recovery each time, so it gets pauses. */
static mun_code may_try(const mun_served *served, mun_error *err)
{
    if (served->why.code == MUN_OK || mun_clock_ns() - served->failed_ns >= pause_ns(served)) {
        return MUN_OK;
    }
    if (err != NULL) *err = served->why;
    return served->why.code;
}

/* ---- Closing --------------------------------------------------------------------------------- */

/* Nobody uses it and the mutex is held. It does not count as open from here on: whoever makes room
 * need not wait for a slow disk to know that there is some. */
static void close_begin(mun_served *served)
{
    served->moving = true;
    served->moving_ns = mun_clock_ns();
    atomic_store(&served->open, false);
    atomic_fetch_sub(&served->set->open, 1);
}

/* The mutex is held, and given back while it is closed. */
static void close_begun(mun_served *served)
{
    mun_error why = {0};
    mun_ledger *ledger = served->ledger;
    pthread_mutex_unlock(&served->mutex);
    mun_code code = mun_ledger_close(ledger, &why);
    if (code != MUN_OK) {
        mun_event(MUN_EVENT_WARNING, "ledger_closed_badly", MUN_KV("ledger", served->options.name),
                  MUN_KV("code", mun_code_name(code)), MUN_KV("reason", why.text));
    }
    pthread_mutex_lock(&served->mutex);
    served->moving = false;
    served->reopen = false;
    served->ledger = NULL;
    if (served->state == MUN_SERVED_READY || served->state == MUN_SERVED_FULL) {
        served->state = MUN_SERVED_CLOSED;
        served->why = (mun_error){0};
    }
    pthread_cond_broadcast(&served->changed);
}

static void close_locked(mun_served *served)
{
    close_begin(served);
    close_begun(served);
}

static bool idle(const mun_served *served)
{
    return served->ledger != NULL && served->users == 0 && !served->moving;
}

/* The one that nobody has used for longest; the set's lock is held. */
static mun_served *idlest(const mun_served_set *set)
{
    mun_served *best = NULL;
    uint64_t used = UINT64_MAX;
    for (size_t i = 0; i < set->len; i++) {
        mun_served *served = set->list[i];
        if (!atomic_load(&served->open) || pthread_mutex_trylock(&served->mutex) != 0) continue;
        if (idle(served) && served->used_ns < used) {
            used = served->used_ns;
            best = served;
        }
        pthread_mutex_unlock(&served->mutex);
    }
    return best;
}

/* One that is to be closed, its mutex held; NULL: there is room, or nobody is idle. */
static mun_served *close_choose(mun_served_set *set)
{
    bool chosen = false;
    pthread_mutex_lock(&set->closing);
    pthread_rwlock_rdlock(&set->lock);
    mun_served *served = atomic_load(&set->open) > set->open_max ? idlest(set) : NULL;
    pthread_rwlock_unlock(&set->lock);
    if (served != NULL) {
        pthread_mutex_lock(&served->mutex);
        chosen = idle(served);
        if (chosen) close_begin(served);
        if (!chosen) pthread_mutex_unlock(&served->mutex);
    }
    pthread_mutex_unlock(&set->closing);
    return chosen ? served : NULL;
}

/* Closes others, as long as more are open than should be and one of them is idle. Choosing is done
 * by one at a time, closing is not: its disk may take as long as it likes. One that was taken into
 * use again as it was chosen leaves the room to the next opening. */
static void room_make(mun_served_set *set)
{
    mun_served *served;
    while ((served = close_choose(set)) != NULL) {
        close_begun(served);
        pthread_mutex_unlock(&served->mutex);
    }
}

void mun_served_retire(mun_served *served, bool replaced)
{
    pthread_mutex_lock(&served->mutex);
    served->removed = true;
    served->replaced = replaced;
    served->reopen = served->ledger != NULL;
    if (idle(served)) close_locked(served);
    pthread_cond_broadcast(&served->changed);
    pthread_mutex_unlock(&served->mutex);
}

void mun_served_hold(mun_served *served)
{
    served->moving = true;
    served->moving_ns = mun_clock_ns();
}

void mun_served_release(mun_served *served, mun_served *other)
{
    struct timespec at = mun_clock_at(mun_clock_ns() + WAIT_NS);
    pthread_mutex_lock(&other->mutex);
    while (other->ledger != NULL &&
           pthread_cond_timedwait(&other->changed, &other->mutex, &at) == 0) {
    }
    pthread_mutex_unlock(&other->mutex);
    pthread_mutex_lock(&served->mutex);
    served->moving = false;
    pthread_cond_broadcast(&served->changed);
    pthread_mutex_unlock(&served->mutex);
}

void mun_served_finish(mun_served *served)
{
    pthread_mutex_lock(&served->mutex);
    if (idle(served)) close_locked(served);
    pthread_mutex_unlock(&served->mutex);
    pthread_cond_destroy(&served->changed);
    pthread_mutex_destroy(&served->mutex);
}

/* ---- Lending --------------------------------------------------------------------------------- */

static mun_code gone(const mun_served *served, mun_error *err)
{
    if (served->replaced) {
        return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                        "the ledger is being configured anew; try again");
    }
    return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET, "this ledger is no longer served here");
}

static mun_code turning(mun_error *err)
{
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET, "the ledger is being opened; try again");
}

/* With the mutex: false when the thread that opens or closes it takes too long. Where it is only to
 * be closed, those who still use it will be through in a moment. */
static bool wait_moved(mun_served *served)
{
    uint64_t since = served->moving ? served->moving_ns : served->failed_ns;
    struct timespec at = mun_clock_at(since + WAIT_NS);
    if (mun_clock_ns() >= since + WAIT_NS) return false;
    return pthread_cond_timedwait(&served->changed, &served->mutex, &at) == 0 ||
           !(served->moving || served->reopen);
}

/* With the mutex: until it is open. */
static mun_code need_open(mun_served *served, bool wait, bool *ret_opened, mun_error *err)
{
    while (!served->removed) {
        if (served->ledger != NULL && !served->reopen && !served->moving) return MUN_OK;
        if (served->ledger != NULL || served->moving) {
            if (!wait || !wait_moved(served)) return turning(err);
            continue;
        }
        if (!wait) return turning(err);
        MUN_TRY(may_try(served, err));
        MUN_TRY(open_locked(served, err));
        *ret_opened = true;
    }
    if (idle(served)) close_locked(served); /* removed while it was being opened */
    return gone(served, err);
}

/* A reader of a ledger that another process writes sees no growth unless it looks. */
static bool refresh_due(mun_served *served)
{
    if (!served->options.read_only && !mun_ledger_is_copy(served->ledger)) return false;
    if (served->used_ns - served->refreshed_ns < MUN_SERVED_REFRESH_MS * MUN_MS_NS) {
        return false;
    }
    served->refreshed_ns = served->used_ns;
    return true;
}

/* Under the mutex, so that none who looks sees it go back. */
static void size_note(mun_served *served, mun_ledger *ledger)
{
    if (ledger == served->ledger) atomic_store(&served->size, mun_ledger_tree(ledger).size);
}

static mun_code refresh(mun_served *served, mun_ledger *ledger, mun_error *err)
{
    uint64_t before = mun_ledger_tree(ledger).size;
    mun_code code = mun_ledger_refresh(ledger, err);
    if (code != MUN_OK) {
        mun_served_done(served, ledger, code);
        return code;
    }
    if (mun_ledger_tree(ledger).size > before) {
        pthread_mutex_lock(&served->mutex);
        size_note(served, ledger);
        pthread_mutex_unlock(&served->mutex);
        mun_served_grew(served);
    }
    return MUN_OK;
}

mun_code mun_served_use(mun_served *served, bool wait, mun_ledger **ret, mun_error *err)
{
    bool opened = false, look = false;
    mun_ledger *ledger = NULL;
    pthread_mutex_lock(&served->mutex);
    mun_code code = need_open(served, wait, &opened, err);
    if (code == MUN_OK) {
        ledger = served->ledger;
        served->users++;
        served->used_ns = mun_clock_ns();
        look = refresh_due(served);
    }
    pthread_mutex_unlock(&served->mutex);
    if (opened) room_make(served->set);
    if (code == MUN_OK && look) code = refresh(served, ledger, err);
    if (code == MUN_OK) *ret = ledger;
    return code;
}

/* ---- States ---------------------------------------------------------------------------------- */

static void state_set(mun_served *served, mun_served_state state, const mun_error *why)
{
    if (served->state != state) {
        mun_event(state == MUN_SERVED_READY ? MUN_EVENT_NOTICE : MUN_EVENT_ERROR, "ledger_state",
                  MUN_KV("ledger", served->options.name),
                  MUN_KV("state", mun_served_state_text(state)), MUN_KV("reason", why->text));
    }
    served->state = state;
    served->why = *why;
}

static void state_by(mun_served *served, mun_code code)
{
    mun_error why = {0};
    if (code == MUN_OK) return;
    mun_fail(&why, code, MUN_NO_OFFSET, mun_code_text(code));
    if (code == MUN_E_FAILED) {
        if (!served->reopen) failure_note(served);
        served->reopen = true;
        state_set(served, MUN_SERVED_FAILED, &why);
    } else if (code == MUN_E_NO_SPACE && served->state == MUN_SERVED_READY) {
        served->probed_ns = mun_clock_ns();
        state_set(served, MUN_SERVED_FULL, &why);
    } else if (code == MUN_E_DAMAGED && served->state != MUN_SERVED_DAMAGED) {
        state_set(served, MUN_SERVED_DAMAGED, &why);
    }
}

void mun_served_done(mun_served *served, mun_ledger *ledger, mun_code result)
{
    pthread_mutex_lock(&served->mutex);
    if (ledger == served->ledger) state_by(served, result);
    size_note(served, ledger);
    served->users--;
    if (served->users == 0 && served->reopen) close_locked(served);
    pthread_mutex_unlock(&served->mutex);
}

bool mun_served_is_open(const mun_served *served)
{
    return atomic_load(&served->open);
}

uint64_t mun_served_size(const mun_served *served)
{
    return atomic_load(&served->size);
}

bool mun_served_is_removed(mun_served *served)
{
    pthread_mutex_lock(&served->mutex);
    bool removed = served->removed;
    pthread_mutex_unlock(&served->mutex);
    return removed;
}

/*
 * Files that are open take entries also when their directory has been removed, and what was
 * acknowledged would be gone with the process; or it has been moved, and another ledger may begin
 * in its place. The lock is what two writers meet at, so it tells where the ledger is.
 */
static mun_code away_check(mun_served *served, mun_error *err)
{
    uint64_t now = 0;
    mun_error why = {0};
    pthread_mutex_lock(&served->mutex);
    uint64_t then = served->lock_inode;
    pthread_mutex_unlock(&served->mutex);
    if (then == 0 || lock_look(served, &now) != MUN_OK || now == then) return MUN_OK;
    mun_fail(&why, MUN_E_FAILED, MUN_NO_OFFSET,
             "its directory was removed, moved or replaced while it was served");
    pthread_mutex_lock(&served->mutex);
    if (!served->reopen) failure_note(served);
    served->reopen = true;
    state_set(served, MUN_SERVED_FAILED, &why);
    pthread_mutex_unlock(&served->mutex);
    if (err != NULL) *err = why;
    return MUN_E_FAILED;
}

mun_code mun_served_may_write(mun_served *served, mun_error *err)
{
    MUN_TRY(away_check(served, err));
    mun_code code = MUN_OK;
    pthread_mutex_lock(&served->mutex);
    uint64_t now = mun_clock_ns();
    bool probe = now - served->probed_ns >= MUN_SERVED_PROBE_SECONDS * MUN_SECOND_NS;
    if (served->state == MUN_SERVED_FULL && probe) {
        served->probed_ns = now;
    } else if (served->state == MUN_SERVED_FULL || served->state == MUN_SERVED_DAMAGED) {
        code = served->why.code;
        if (err != NULL) *err = served->why;
    }
    pthread_mutex_unlock(&served->mutex);
    return code;
}

void mun_served_wrote(mun_served *served)
{
    const mun_error none = {0};
    pthread_mutex_lock(&served->mutex);
    if (served->state == MUN_SERVED_FULL) state_set(served, MUN_SERVED_READY, &none);
    pthread_mutex_unlock(&served->mutex);
}

void mun_served_damaged(mun_served *served, const mun_error *why)
{
    pthread_mutex_lock(&served->mutex);
    if (served->ledger != NULL) state_set(served, MUN_SERVED_DAMAGED, why);
    pthread_mutex_unlock(&served->mutex);
}

void mun_served_look_for_room(mun_served *served)
{
    mun_fs_info fs;
    pthread_mutex_lock(&served->mutex);
    uint64_t now = mun_clock_ns();
    bool due = served->state == MUN_SERVED_FULL &&
               now - served->probed_ns >= MUN_SERVED_PROBE_SECONDS * MUN_SECOND_NS;
    if (due) served->probed_ns = now;
    pthread_mutex_unlock(&served->mutex);
    if (!due || mun_fs_look(served->options.directory, &fs, NULL) != MUN_OK) return;
    if (fs.free >= ROOM_AGAIN) mun_served_wrote(served);
}

mun_served_state mun_served_state_get(mun_served *served, mun_error *ret_why)
{
    pthread_mutex_lock(&served->mutex);
    mun_served_state state = served->state;
    if (ret_why != NULL) *ret_why = served->why;
    pthread_mutex_unlock(&served->mutex);
    return state;
}

const char *mun_served_state_text(mun_served_state state)
{
    static const char *const text[MUN_SERVED_STATES] = {"closed", "opening", "ready",
                                                        "full",   "failed",  "damaged"};
    return text[state];
}

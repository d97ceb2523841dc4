/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledgers of the process. Each is known by a base path ("" or "/NAME") or a host name; it is
 * opened on first use and closed again when more than `open_max` are open and this one is idle.
 * A ledger that cannot be opened, or whose write failed, answers 503 or 500 with the reason and
 * leaves the others alone. It is tried again by whoever asks for it: at once after the first
 * failure, then after growing pauses.
 *
 * Ownership: the set owns all; a mun_ledger borrowed by mun_served_use is given back by
 * mun_served_done. Threads: all functions may be called by any thread.
 */
#ifndef MUN_SERVER_SERVED_H
#define MUN_SERVER_SERVED_H

#include "base/error.h"
#include "base/slice.h"

#include <muniment/ledger.h>

#define MUN_SERVED_RETRY_MS      200 /* the pause after an opening that failed; doubles */
#define MUN_SERVED_RETRY_SECONDS 5   /* up to this */
#define MUN_SERVED_WAIT_MS       250 /* so long others wait for a thread that opens or closes it */
#define MUN_SERVED_CALM_SECONDS  60  /* after so long without failure it starts anew */
#define MUN_SERVED_PROBE_SECONDS 3   /* a full disk is tried again at most so often */
#define MUN_SERVED_REFRESH_MS    100 /* so old may be what a reader of a ledger sees */

typedef enum mun_served_state {
    MUN_SERVED_CLOSED,  /* not opened yet, or closed for idleness: fine */
    MUN_SERVED_OPENING, /* recovering */
    MUN_SERVED_READY,
    MUN_SERVED_FULL,    /* the disk is full: reads only */
    MUN_SERVED_FAILED,  /* a write failed: being reopened */
    MUN_SERVED_DAMAGED, /* with the place in `error` */
    MUN_SERVED_STATES
} mun_served_state;

struct mun_access;
struct mun_backend;
struct mun_metrics;
struct mun_work_share;

typedef struct mun_served_options {
    const char *name; /* mun_served_name_valid */
    const char *directory;
    const char *base;            /* "" or "/NAME", no slash at the end */
    const char *host;            /* a host name of its own; NULL: any */
    const char *passphrase_file; /* NULL: keys are not encrypted */
    bool read_only;
    struct mun_access *access; /* who may do what (the set takes a reference); NULL: anyone */
    /* Who commits what is registered (backend.h); NULL: the ledger itself. Outlives the set. */
    const struct mun_backend *backend;
} mun_served_options;

typedef struct mun_served mun_served;
typedef struct mun_served_set mun_served_set;

/* 1..MUN_LEDGER_NAME_MAX of [A-Za-z0-9._-], no dot in front. */
bool mun_served_name_valid(const char *name);
/* Whether a base is a path that the service has itself. */
bool mun_served_base_reserved(const char *base);

MUN_MUST mun_code mun_served_set_create(size_t open_max, mun_served_set **ret, mun_error *err);
/* Closes every ledger; nobody may be using one. */
void mun_served_set_destroy(mun_served_set *set);
/* One of several changes: another ledger, or the same one in another way, in the place of one. */
typedef struct mun_served_change {
    mun_served *old;                   /* NULL: one more */
    const mun_served_options *options; /* NULL: it goes */
    mun_served *next;                  /* private */
} mun_served_change;
/*
 * All of them in one step: no request meets a moment between, and ledgers may change places.
 *
 * One that comes is not opened, but its ledger.pub is read, so that a wrong directory is told at
 * once; where that file is damaged, the ledger is MUN_SERVED_DAMAGED from the start. What asks for
 * it too early is MUN_E_AGAIN. One that goes is closed once nobody uses it, and mun_served_use
 * refuses it with MUN_E_NOT_FOUND; the object stays valid until the set is destroyed, for requests
 * and streams that hold it, and streams are woken, so that they end.
 *
 * MUN_E_EXISTS: a name, base or host is taken; MUN_E_USAGE, MUN_E_NOT_FOUND, MUN_E_LIMIT. On
 * failure nothing has changed.
 */
MUN_MUST mun_code mun_served_change_all(mun_served_set *set, mun_served_change *changes, size_t len,
                                        mun_error *err);
/* One alone. */
MUN_MUST mun_code mun_served_add(mun_served_set *set, const mun_served_options *options,
                                 mun_error *err);
void mun_served_remove(mun_served_set *set, mun_served *served);
size_t mun_served_count(mun_served_set *set);
mun_served *mun_served_at(mun_served_set *set, size_t n); /* NULL: there are fewer by now */
size_t mun_served_open_count(mun_served_set *set);
/* Where the stages of registrations and the syncs of the logs are told. Before the first opening.
 */
void mun_served_observe(mun_served_set *set, struct mun_metrics *metrics);
/* Calls grown(ctx, served) at mun_served_grew; NULL: nobody. Before requests come, or after. */
typedef void (*mun_served_grown)(void *ctx, const mun_served *served);
void mun_served_on_grown(mun_served_set *set, mun_served_grown grown, void *ctx);

/* Which ledger this request is for; ret_rest: the path below its base. NULL: none. */
mun_served *mun_served_find(mun_served_set *set, mun_slice host, mun_slice path,
                            mun_slice *ret_rest);

/* Borrows the ledger, opening it where it is closed, which may take long. MUN_E_AGAIN where it is
 * not open and `wait` is false (for threads that must not open one), or while another thread opens
 * or closes it and is at it for MUN_SERVED_WAIT_MS already (a long recovery must not hold up the
 * threads that serve other ledgers); MUN_E_DAMAGED, MUN_E_BUSY (another process writes it),
 * MUN_E_IO... */
MUN_MUST mun_code mun_served_use(mun_served *served, bool wait, mun_ledger **ret, mun_error *err);
/* Gives it back. result: what the last call on it returned; MUN_E_FAILED has it reopened,
 * MUN_E_DAMAGED and MUN_E_NO_SPACE change its state. */
void mun_served_done(mun_served *served, mun_ledger *ledger, mun_code result);
/* The result to give for a call that writes: after an I/O error the log takes nothing more. */
static inline mun_code mun_served_write_result(mun_code code)
{
    return code == MUN_E_IO ? MUN_E_FAILED : code;
}

/* These take no lock and wait for nothing. size: entries when the ledger was last opened or given
 * back; 0 where it never was open. */
bool mun_served_is_open(const mun_served *served);
uint64_t mun_served_size(const mun_served *served);
/* It was taken out of service (mun_served_remove). */
bool mun_served_is_removed(mun_served *served);

/* Whether a registration may be tried now, by whoever has the ledger in use: MUN_E_NO_SPACE while
 * the disk is known to be full, MUN_E_DAMAGED; MUN_E_FAILED when its directory is no longer where
 * it was, and it is opened anew. And that one was written: the disk has room again. */
MUN_MUST mun_code mun_served_may_write(mun_served *served, mun_error *err);
void mun_served_wrote(mun_served *served);
/* Whoever sends no more registrations because the service says that it is full must learn that
 * there is room again without one: looks at the file system, every MUN_SERVED_PROBE_SECONDS at
 * most, and waits for the disk. */
void mun_served_look_for_room(mun_served *served);
/* Damage that a call met, with its place: the ledger still reads, but registers nothing more until
 * it is opened again. mun_problem_error calls it. */
void mun_served_damaged(mun_served *served, const mun_error *why);

/* Says that entries were added: wakes the streams of this ledger (http_server.h). */
void mun_served_grew(mun_served *served);

/* Its share of the workers (work_queue.h); NULL while no other ledger is served, which would need
 * what it leaves. */
struct mun_work_share *mun_served_work_share(mun_served *served);

const mun_served_options *mun_served_options_of(const mun_served *served);
/* From ledger.pub; NULL while that is damaged. */
const mun_ledger_pub *mun_served_identity(const mun_served *served);
mun_served_state mun_served_state_get(mun_served *served, mun_error *ret_why);
const char *mun_served_state_text(mun_served_state state);

#endif

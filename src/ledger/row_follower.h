/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The follower: one background thread that writes rows for new entries into the SQLite index. It
 * only ever follows; nothing waits for it but a search that wants the newest entries.
 *
 * Threads: kick, wait and size may be called by any thread; start and stop by the opener.
 */
#ifndef MUN_LEDGER_ROW_FOLLOWER_H
#define MUN_LEDGER_ROW_FOLLOWER_H

#include "index/index.h"
#include "ledger/ledger_watch.h"

#include <muniment/ledger.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct mun_row_follower {
    mun_ledger *ledger;
    mun_index *index;  /* NULL: none; searches read the log */
    atomic_bool begun; /* what follows was opened, or there is no index */
    pthread_t thread;
    bool running;
    atomic_bool kicked;
    atomic_bool stuck;         /* the last commit failed, and is tried again: a full disk */
    atomic_uint_fast64_t size; /* rows committed */
    pthread_mutex_t mutex;     /* the rest */
    pthread_cond_t wake;
    pthread_cond_t moved;
    bool stop;
    bool failed; /* the thread has given up; why says it */
    unsigned waiting;
    mun_error why;
} mun_row_follower;

/* A thread that gets no signals: they are the program's own business. False: none started. */
bool mun_thread_start(pthread_t *ret, void *(*run)(void *), void *ctx);

/* Only gets ready: a ledger among a thousand that nobody searches or writes costs no thread, no
 * memory and no files for its index. */
void mun_row_follower_start(mun_row_follower *follower, mun_ledger *ledger);
void mun_row_follower_stop(mun_row_follower *follower); /* after what is on the log was indexed */

/* The whole index anew, in the calling thread, on a ledger opened without one. */
MUN_MUST mun_code mun_row_follower_build(mun_ledger *ledger, const mun_crypto *crypto,
                                         mun_watcher *watcher, mun_error *err);
/* The same with the ledger's own statements looked for first. */
MUN_MUST mun_code mun_index_make_anew(mun_ledger *ledger, mun_watcher *watcher, mun_error *err);

/* The index; NULL: none. The first call, or the first kick, opens it (for a writer: makes it, or
 * makes it anew when it cannot be used) and starts following. A failure leaves the ledger without
 * an index, never without service. */
mun_index *mun_row_follower_index(mun_row_follower *follower);

/* There is something new on the log. Costs next to nothing when the thread knows already. */
void mun_row_follower_kick(mun_row_follower *follower);
/* Waits until `size` entries are indexed; false when the follower has given up, or has not come so
 * far within a second (the disk is full, say). */
bool mun_row_follower_wait(mun_row_follower *follower, uint64_t size);

/* What a statement alone says of its row; the rest stays zero. */
typedef struct mun_row_memory mun_row_memory;
void mun_row_of_statement(const mun_crypto *crypto, const mun_statement *statement,
                          mun_row_memory *memory, mun_index_row *ret);

/* A row from an entry; digits and digest are the row's memory. */
struct mun_row_memory {
    char digits[24];
    uint8_t digest[MUN_HASH_SIZE];
    uint8_t signer[MUN_HASH_SIZE];
};

MUN_MUST mun_code mun_row_of_entry(mun_ledger *ledger, const mun_crypto *crypto, uint64_t index,
                                   uint64_t time_ms, mun_slice entry,
                                   const uint8_t leaf[MUN_HASH_SIZE], mun_statement *statement,
                                   mun_row_memory *memory, mun_index_row *ret, mun_error *err);

#endif

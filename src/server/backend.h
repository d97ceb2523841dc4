/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who commits what is registered on a ledger. Usually the ledger itself, and the receipt is there
 * before the request is answered (201). A backend that commits later (a network of validators)
 * answers "pending" instead: the client gets 202 with the location of the receipt to be, and asks
 * there: 204 while it is pending, 200 with the receipt once the entry is on the log, 404
 * "Registration Failed" where it came to nothing (SCRAPI draft-11).
 *
 * Ownership: a backend is its maker's and outlives the set of ledgers that it serves.
 * Threads: its functions are called by any thread, several at once.
 */
#ifndef MUN_SERVER_BACKEND_H
#define MUN_SERVER_BACKEND_H

#include "base/error.h"
#include "base/slice.h"

#include <muniment/ledger.h>

typedef enum mun_fate {
    MUN_FATE_UNKNOWN, /* never heard of, or forgotten */
    MUN_FATE_PENDING,
    MUN_FATE_FAILED, /* and why */
    MUN_FATE_DONE    /* on the log, or about to be seen there */
} mun_fate;

typedef struct mun_backend {
    void *ctx;
    /*
     * As mun_ledger_register, but a statement may be left pending: then ret_pending[i] is set, its
     * code is MUN_OK, its leaf is filled in, and no receipt is written.
     */
    mun_code (*submit)(void *ctx, mun_ledger *ledger, const mun_slice *statements, size_t n,
                       mun_registration *ret, bool *ret_pending, mun_buf *ret_receipts,
                       mun_error *err);
    /* What became of a statement that is not on the log; ret_why: where it failed. */
    mun_fate (*fate)(void *ctx, const uint8_t leaf[MUN_HASH_SIZE], mun_error *ret_why);
    unsigned retry_seconds; /* said with 202 and 204: when to ask again */
} mun_backend;

#endif

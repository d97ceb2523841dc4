/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to the service manager: sockets inherited from it (sd_listen_fds(3): LISTEN_PID,
 * LISTEN_FDS, LISTEN_FDNAMES) and telling it how we are (sd_notify(3): NOTIFY_SOCKET,
 * WATCHDOG_USEC). Both protocols are small and documented, so no library is linked for them.
 *
 * Ownership: inherited sockets are the caller's. Threads: the main thread.
 */
#ifndef MUN_SERVER_SERVICE_MANAGER_H
#define MUN_SERVER_SERVICE_MANAGER_H

#include "base/error.h"

#define MUN_INHERITED_MAX      16
#define MUN_INHERITED_NAME_MAX 64

typedef struct mun_inherited {
    int socket;
    char name[MUN_INHERITED_NAME_MAX + 1]; /* FileDescriptorName=; "unknown" where none was said */
} mun_inherited;

/* The sockets meant for this very process, none where there are none. MUN_E_USAGE: something else
 * than a listening stream socket was handed over, or too many. Forgets the variables. */
MUN_MUST mun_code mun_inherited_take(mun_inherited ret[MUN_INHERITED_MAX], size_t *ret_len,
                                     mun_error *err);

/* How the manager expects to be told; zeroed when there is none. */
typedef struct mun_manager {
    int socket;           /* -1: nobody listens */
    uint64_t watchdog_ns; /* it wants a sign of life within this time; 0: it does not */
} mun_manager;

void mun_manager_open(mun_manager *ret);
void mun_manager_close(mun_manager *manager);
/* Lines such as "READY=1\nSTATUS=...". A manager that is busy is waited for, a few seconds at most;
 * one that went away changes nothing. */
void mun_manager_tell(const mun_manager *manager, const char *lines);
/* "RELOADING=1" with the time that the manager needs to match it with (MONOTONIC_USEC=). */
void mun_manager_tell_reloading(const mun_manager *manager);
/* "STOPPING=1", and that it will take so long and a little more (EXTEND_TIMEOUT_USEC=), whatever
 * TimeoutStopSec= says. */
void mun_manager_tell_stopping(const mun_manager *manager, unsigned seconds);

#endif

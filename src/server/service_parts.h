/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the running service, shared by service.c (its life), service_files.c (how many
 * files it may open), service_ledgers.c (which ledgers it serves, and the change of that),
 * service_check.c (whether it could run) and service_sockets.c (where it listens).
 *
 * Threads: the main thread, except where said.
 */
#ifndef MUN_SERVER_SERVICE_PARTS_H
#define MUN_SERVER_SERVICE_PARTS_H

#include "server/config.h"
#include "server/http_server.h"
#include "server/operation.h"
#include "server/rate.h"
#include "server/service.h"
#include "server/service_manager.h"

#include <pthread.h>

typedef struct service_socket {
    int fd;
    bool proxy;
    bool inherited;
    char *where; /* as a person reads it: "http://127.0.0.1:8080", "unix:PATH", "socket:NAME" */
} service_socket;

typedef struct service_run {
    mun_service service;
    const mun_service_options *options;
    mun_config config; /* in force */
    mun_rate *principals, *addresses;
    mun_manager manager;
    service_socket sockets[MUN_LISTEN_MAX + MUN_INHERITED_MAX];
    size_t sockets_len;
    bool sockets_given;      /* to the transport, which closes them */
    _Atomic bool warm;       /* the ledgers have been opened once */
    _Atomic bool stopping;   /* the thread that opens them stops at the next */
    pthread_rwlock_t waking; /* held while a worker wakes the streams of a ledger */
    mun_http_server *wake;   /* whom; NULL before the start and from the stop on */
} service_run;

/* ---- service_files.c ---- */

/* What of these limits so many files allow, for so many ledgers. */
mun_limits service_files_fit(mun_limits limits, uint64_t files, size_t ledgers);
/* Lets the process have as many files as it may, and lowers the limits that are beyond them. */
void service_files_raise(mun_limits *limits, size_t ledgers);

/* ---- service_ledgers.c ---- */

/* From the file or the directories, as the options say. */
MUN_MUST mun_code service_config(const mun_service_options *options, mun_config *ret,
                                 mun_error *err);
/* Adds every ledger of run->config. */
MUN_MUST mun_code service_ledgers_add(service_run *run, mun_error *err);
/* Reads the configuration anew and changes what can be changed while running. On failure nothing
 * has changed. Says in the log what it did, and what waits for a restart. */
MUN_MUST mun_code service_reload(service_run *run, mun_error *err);
/* Reads token and certificate files that have changed. */
void service_tokens_refresh(service_run *run);
/* A passphrase's file, where there is one, is nobody else's to read. */
MUN_MUST mun_code service_secret_check(const mun_config_ledger *ledger, mun_error *err);

/* ---- service_check.c ---- */

/* What --check looks at: every ledger can be opened, every file of tokens read. */
MUN_MUST mun_code service_ledgers_check(const mun_config *config, mun_error *err);

/* ---- service_sockets.c ---- */

/* Takes the inherited ones and opens the others. */
MUN_MUST mun_code service_sockets_open(service_run *run, mun_error *err);
/* Takes the files of unix sockets away: nobody new comes, and the next service finds no trace. */
void service_sockets_unlink(const service_run *run);
void service_sockets_free(service_run *run); /* closes those that the transport was not given */
/* One line for each ledger and listener, and a command to try, on standard output. */
void service_greet(const service_run *run);
/* Whether each place to listen at could be one. */
MUN_MUST mun_code service_sockets_check(const mun_service_options *options,
                                        const mun_config *config, mun_error *err);

#endif

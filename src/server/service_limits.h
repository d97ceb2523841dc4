/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit of the service that is not a matter of format, in one place, with its reason. Those
 * marked (c) can be changed in the configuration under the name given; the others are fixed.
 */
#ifndef MUN_SERVER_SERVICE_LIMITS_H
#define MUN_SERVER_SERVICE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* HTTP */
#define MUN_HTTP_HEAD_MAX    16384 /* request line and fields of one request, bytes */
#define MUN_HTTP_TARGET_MAX  4096  /* path and query, bytes */
#define MUN_HTTP_CONNECTIONS 16384 /* (c) limits.connections: beyond them 503 and close */
#define MUN_HTTP_PER_ADDRESS                                                                       \
    0 /* (c) limits.connections-per-address; 0: no limit (nginx in front) */
#define MUN_HTTP_HEAD_SECONDS                                                                      \
    20 /* (c) limits.head-seconds: from the first byte to the whole request */
#define MUN_HTTP_BODY_SECONDS 60 /* (c) limits.body-seconds */
#define MUN_HTTP_IDLE_SECONDS 75 /* (c) limits.idle-seconds: a connection without a request */
#define MUN_HTTP_WRITE_SECONDS                                                                     \
    60 /* (c) limits.write-seconds: a reader that takes nothing for so long is cut off */
#define MUN_HTTP_DRAIN_SECONDS       30   /* (c) limits.drain-seconds: what a stop waits for */
#define MUN_HTTP_STREAMS             1024 /* open event streams; beyond them 503 */
#define MUN_HTTP_STREAM_PING_SECONDS 15   /* a comment line keeps an idle stream alive */

/* Bodies, bytes. One statement is at most an entry and what its unprotected header may add. */
#define MUN_STATEMENT_BODY_MAX   (2u << 20)  /* dropped unprotected content may be as large */
#define MUN_BATCH_BODY_MAX       (16u << 20) /* (c) limits.batch-bytes */
#define MUN_BATCH_STATEMENTS_MAX 8192
#define MUN_BODIES_IN_FLIGHT                                                                       \
    (128u << 20) /* all bodies together; beyond them 503, before memory                            \
                  */
/* Answers above 64 KiB that readers have not taken yet, all together; beyond them 503. */
#define MUN_ANSWERS_IN_FLIGHT (256u << 20)

/* Work */
#define MUN_REGISTER_QUEUE                                                                         \
    1024 /* (c) limits.queue: registrations waiting, all ledgers; beyond 503 */
#define MUN_REGISTER_TURN       64 /* statements that one worker takes at once */
#define MUN_WORKERS_EACH        2  /* (c) workers: threads that may wait for the disk, for each */
#define MUN_WORKERS_MIN         4  /* processor; and at least. See mun_workers_default */
#define MUN_WORKERS_MAX         256
#define MUN_WORK_QUEUE          1024 /* other requests that may wait for the disk */
#define MUN_RETRY_AFTER_SECONDS 1    /* said with 503 and 429 where nothing better is known */

/* Lines of the log that their reader has not taken yet, bytes: what the busiest second writes.
 * Beyond it they are left out and counted; the last quarter is kept for what is worth more than a
 * request. */
#define MUN_EVENT_BACKLOG (4u << 20)

/* Search */
#define MUN_PAGE_DEFAULT 100
#define MUN_PAGE_MAX     1000
#define MUN_FIND_ROWS    100000 /* entries looked at for one page of a search that filters */

/* Ledgers */
#define MUN_LEDGERS_MAX 4096
#define MUN_LEDGERS_OPEN                                                                           \
    512 /* (c) limits.open-ledgers: others are closed when idle, opened on use */
#define MUN_LEDGER_NAME_MAX 64

/* Access */
#define MUN_PRINCIPAL_NAME_MAX 64
#define MUN_ADDRESSES_TRACKED  65536 /* rate limits: those that owe least are forgotten first */
#define MUN_PRINCIPALS_TRACKED 16384
#define MUN_TOKENS_MAX         10000      /* lines in one tokens or certificates file */
#define MUN_TOKENS_FILE_MAX    (2u << 20) /* bytes of it */
#define MUN_CREDENTIAL_MAX     16384 /* bytes of a token or certificate field that are looked at */

#endif

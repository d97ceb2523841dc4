/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recomputing the log's derived files from its entries, segment by segment and in parallel: what
 * fsck compares and rebuild writes.
 *
 * An audit is prepared by one thread, run by its own threads, and read by one thread again.
 */
#ifndef MUN_LOG_LOG_AUDIT_H
#define MUN_LOG_LOG_AUDIT_H

#include <pthread.h>
#include <stdatomic.h>

#include "log/log.h"
#include "log/store_journal.h"
#include "log/store_layout.h"

/* A segment as its entries say it is. */
typedef struct mun_audit_segment {
    uint64_t number;
    uint64_t first;   /* index of its first entry */
    uint32_t count;   /* entries it should have */
    uint32_t read;    /* records that could be read */
    uint32_t *offset; /* where they begin */
    mun_hash *leaf;   /* their leaf hashes; later reduced to higher nodes */
    uint8_t *buffer;  /* of the step that reads */
    mun_hash *stored; /* scratch for comparing: as many as leaf */
    uint8_t *stored_offset;
    uint64_t end;        /* bytes read: the place behind the last record */
    uint64_t file_bytes; /* the file's length */
} mun_audit_segment;

typedef struct mun_audit mun_audit;

/* What is done with segments; called by several threads, for different segments. */
typedef struct mun_audit_work {
    /* The offset where record i should begin, to go on behind a damaged one; false: not known. */
    bool (*resume)(mun_audit *audit, mun_audit_segment *s, uint32_t i, uint64_t *ret);
    /* May be NULL. Record i was read and ends at end: where the next one begins, which differs
     * when the length of this one was damaged. More than where record i begins. */
    uint64_t (*behind)(mun_audit *audit, const mun_audit_segment *s, uint32_t i, uint64_t end);
    /* A record cannot be read: damage at this offset. */
    mun_code (*broken)(mun_audit *audit, mun_audit_segment *s, uint32_t i, uint64_t offset,
                       const char *sentence, mun_error *err);
    /* Offsets and leaf hashes of all records read. Before: called first, to load what is stored. */
    mun_code (*before)(mun_audit *audit, mun_audit_segment *s, mun_error *err);
    mun_code (*leaves)(mun_audit *audit, mun_audit_segment *s, const mun_crypto *crypto,
                       mun_error *err);
    /* Complete nodes of a level: first .. first+count-1. Also once for what lies above segments. */
    mun_code (*nodes)(mun_audit *audit, unsigned level, uint64_t first, const mun_hash *node,
                      uint64_t count, mun_hash *scratch, mun_error *err);
} mun_audit_work;

struct mun_audit {
    const mun_log_config *config;
    const mun_log_watch *watch; /* may be NULL */
    const mun_audit_work *work;
    void *ctx; /* the work's */
    mun_superblock sb;
    const uint8_t *segment_tail; /* last partial block of the current segment, or NULL: as filed */

    mun_hash *segment_root; /* of full segments */
    mun_frontier rest;      /* of the last, partial one: nodes below the segments' height */
    _Atomic uint64_t next;
    _Atomic uint64_t done; /* entries */
    _Atomic bool stop;
    pthread_mutex_t lock;
    mun_code code; /* the first failure that is not a finding */
    mun_error err;
};

/* Runs the work over sb.size entries with config's threads; ret_root: of the recomputed tree. */
MUN_MUST mun_code mun_audit_run(mun_audit *audit, mun_hash *ret_root, mun_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dense streams behind the journal: offsets, hash levels, current segment, commit records.
 * Each is an append-only file whose last partial block is also kept here in memory (its "tail"):
 * small appends gather in the tail and reach the file when the streams are settled.
 *
 * Owned by the follower's half of a store; one thread at a time.
 */
#ifndef MUN_LOG_STORE_STREAMS_H
#define MUN_LOG_STORE_STREAMS_H

#include "log/store.h"
#include "log/store_layout.h"

typedef struct mun_stream {
    mun_file *file;   /* the segment's is NULL between two segments */
    uint64_t len;     /* bytes appended */
    uint64_t written; /* bytes in the file; the rest is in the tail */
    uint64_t hinted;  /* bytes whose writing back was started */
    bool dirty;       /* written since its last sync */
    uint8_t *tail;    /* one block */
} mun_stream;

typedef struct mun_streams {
    const mun_vfs *vfs;
    mun_stream stream[MUN_STREAMS];
    uint8_t *tails;           /* MUN_STREAMS blocks */
    uint64_t size;            /* entries of the batches followed */
    uint64_t segment_entries; /* entries in segments: more than size while a batch is half in */
    uint64_t batches;
    bool commits_dirty; /* the partial commit block is newer than the file's */
    bool new_segment;   /* a segment's name is not durable yet */
    bool recovering;
} mun_streams;

MUN_MUST mun_code mun_streams_init(mun_streams *ret, const mun_vfs *vfs, mun_error *err);
void mun_streams_finish(mun_streams *streams); /* accepts a zeroed one */

/* Makes empty files; for create. */
MUN_MUST mun_code mun_streams_make_files(const mun_vfs *vfs, mun_error *err);
/* Opens the files (MUN_OPEN_READ or MUN_OPEN_WRITE) as they should be at a superblock;
 * MUN_E_DAMAGED: missing or too short. Writes nothing. */
MUN_MUST mun_code mun_streams_open(mun_streams *streams, const mun_superblock *sb,
                                   const uint8_t *tails, unsigned mode, mun_error *err);
/* Writes the tails again; what is replayed next goes over what stands behind them. */
MUN_MUST mun_code mun_streams_restore(mun_streams *streams, mun_error *err);
/* Behind the replay, when all is settled: cuts the files to their lengths, removes later segments.
 * Not before: readers in other processes may be at entries that the replay brings back [LOG-19]. */
MUN_MUST mun_code mun_streams_cut(mun_streams *streams, mun_error *err);

/* Appends a batch. MUN_E_NO_SPACE: call again with the same batch. */
MUN_MUST mun_code mun_streams_append(mun_streams *streams, const mun_crypto *crypto,
                                     const mun_batch *batch, mun_error *err);
/* False while a batch is half in, after MUN_E_NO_SPACE: there is no state to make durable. */
bool mun_streams_whole(const mun_streams *streams);
/* Writes what is only in the tails. */
MUN_MUST mun_code mun_streams_settle(mun_streams *streams, const mun_crypto *crypto,
                                     mun_error *err);
/* Makes one stream durable. */
MUN_MUST mun_code mun_streams_sync(mun_streams *streams, unsigned stream, mun_error *err);

#endif

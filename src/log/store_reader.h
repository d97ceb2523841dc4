/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the log's streams: entries, registration times, tree hashes. Used by the writer's process
 * for what its follower has published, by readers in other processes, by the simulator's checks.
 *
 * Callers ask only for what was published (they know the size); files end later or earlier without
 * telling. Files are opened when first needed, and once more where one turns out to be too short: a
 * rebuild may have replaced it. Threads: any number at once; a mun_crypto and a
 * mun_tile_window belong to one.
 */
#ifndef MUN_LOG_STORE_READER_H
#define MUN_LOG_STORE_READER_H

#include "base/buf.h"
#include "log/params.h"
#include "log/store_tree.h"
#include "vfs/vfs.h"

typedef struct mun_reader mun_reader;

MUN_MUST mun_code mun_reader_new(const mun_vfs *vfs, mun_reader **ret, mun_error *err);
void mun_reader_free(mun_reader *reader); /* accepts NULL */

/* Entry index of a log of size entries, checked against its leaf hash, which is *ret_leaf (may be
 * NULL). Appends to ret. MUN_E_DAMAGED. */
MUN_MUST mun_code mun_reader_entry(mun_reader *reader, const mun_crypto *crypto, uint64_t index,
                                   uint64_t size, mun_buf *ret, mun_hash *ret_leaf, mun_error *err);
/* The records (u16 length, entry)* of entries first .. first+count-1, all in one segment, appended
 * to ret; not checked against the tree. */
MUN_MUST mun_code mun_reader_records(mun_reader *reader, uint64_t first, uint32_t count,
                                     uint64_t size, mun_buf *ret, mun_error *err);
/* Registration time of an entry. */
MUN_MUST mun_code mun_reader_time(mun_reader *reader, const mun_crypto *crypto, uint64_t index,
                                  uint64_t *ret, mun_error *err);
/* How many commit records there are, and the last one's time. */
MUN_MUST mun_code mun_reader_batches(mun_reader *reader, const mun_crypto *crypto, uint64_t *ret,
                                     uint64_t *ret_last_time, mun_error *err);

/* Registration times of entries in ascending order, for a scan. */
typedef struct mun_time_walk {
    mun_reader *reader;
    const mun_crypto *crypto;
    uint64_t record; /* the one that gives time */
    uint64_t time;
    uint64_t block_number;
    uint8_t block[MUN_LOG_BLOCK];
} mun_time_walk;

MUN_MUST mun_code mun_time_walk_start(mun_time_walk *ret, mun_reader *reader,
                                      const mun_crypto *crypto, uint64_t index, mun_error *err);
/* index: not below the last one asked for, and in the streams when the walk was started. */
MUN_MUST mun_code mun_time_walk_next(mun_time_walk *walk, uint64_t index, uint64_t *ret,
                                     mun_error *err);

/* The next record below end with another time than the last one, which is then walk->time; false:
 * there is none. */
MUN_MUST mun_code mun_time_walk_change(mun_time_walk *walk, uint64_t end, bool *ret_there,
                                       uint64_t *ret_first, mun_error *err);

/* Hashes of a level. */
MUN_MUST mun_code mun_reader_hashes(mun_reader *reader, unsigned level, uint64_t first,
                                    uint32_t count, mun_hash *ret, mun_error *err);

/*
 * The tiles that one proof touches, each read with one call: a window is made for one proof (or
 * root) and forgotten with it. It is a mun_level_source; size bounds what may be read ahead.
 */
typedef struct mun_tile_window {
    mun_reader *reader;
    uint64_t size;
    struct {
        uint64_t first;
        uint32_t count;
        mun_hash hash[MUN_LOG_TILE_WIDTH];
    } tile[MUN_LOG_LEVELS];
} mun_tile_window;

void mun_tile_window_open(mun_tile_window *ret, mun_reader *reader, uint64_t size);
/* As mun_level_source.read; ctx is a mun_tile_window. */
MUN_MUST mun_code mun_tile_window_read(void *ctx, unsigned level, uint64_t first, uint32_t count,
                                       mun_hash *ret, mun_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sizes of the log's files. They are part of the format (docs/format/log.md) and fixed in every
 * build that users see; the simulated disk's tests override them with -D, so that a small world
 * crosses every boundary often.
 *
 * Planted faults: -DMUN_FAULT_x builds a log with one known mistake, to show that the simulator
 * sees it. Never defined in a product build.
 *
 *   MUN_FAULT_NO_TAIL           the tail blocks of the streams are not kept in the superblock
 *   MUN_FAULT_EARLY_SUPERBLOCK  the superblock is written before the streams are synced
 *   MUN_FAULT_NO_DIR_SYNC       new segments' names (and a new journal's) are not made durable
 *   MUN_FAULT_DIR_ONCE          ... or not any more, once they could not be for want of a handle
 *   MUN_FAULT_NO_ROOT           recovery does not compare the root after each batch
 *   MUN_FAULT_NO_LATER_SEARCH   recovery does not look for later batches behind the first bad one
 *   MUN_FAULT_RING_OVERFULL     the ring is filled with one block too many
 *   MUN_FAULT_SYNC_RETRY        a failed sync is tried once more, then acknowledged
 *   MUN_FAULT_SKIP_SAME         recovery does not write stream bytes that look right already
 *   MUN_FAULT_NO_CUT            recovery does not cut the streams to their durable length
 *   MUN_FAULT_EARLY_CUT         ... or cuts them before the replay, under readers' eyes (LOG-19)
 *   MUN_FAULT_SAME_LENGTH       ... or leaves a length that looks right (after a failed sync)
 *   MUN_FAULT_TWO_SLOTS         two superblock slots instead of four
 *   MUN_FAULT_EARLY_REUSE       ring space is given away before the superblock's sync returned
 *   MUN_FAULT_NO_REPLAY_SYNC    recovery serves what it replayed without syncing it
 *   MUN_FAULT_EARLY_PUBLISH     `published` names a batch before its sync
 *   MUN_FAULT_NO_GENERATION     recovery ignores the generation in the batch headers
 *   MUN_FAULT_EARLY_ACK         a batch is acknowledged without its sync
 *   MUN_FAULT_NO_BURY           an unfinished batch is left in the ring by recovery (LOG-27)
 *   MUN_FAULT_NO_OPEN_DIR_SYNC  recovery trusts the journal's name (LOG-28)
 *   MUN_FAULT_ONE_SUPERBLOCK    recovery writes one superblock over what it replayed (LOG-29)
 *   MUN_FAULT_LONG_SEGMENT      a segment is not finished again after the disk was full
 *   (512-byte blocks on 4 KiB sectors: -DMUN_LOG_BLOCK=512 with the simulator's sectors at 4096)
 */
#ifndef MUN_LOG_PARAMS_H
#define MUN_LOG_PARAMS_H

/* Everything is aligned to this many bytes, whatever the disk reports. */
#ifndef MUN_LOG_BLOCK
#define MUN_LOG_BLOCK 4096u
#endif

/* A tile holds 2^bits hashes; file hashes/L holds the nodes of height L * bits. */
#ifndef MUN_LOG_TILE_BITS
#define MUN_LOG_TILE_BITS 8u
#endif
#define MUN_LOG_TILE_WIDTH (1u << MUN_LOG_TILE_BITS)

/* Hash files. Nodes above the last level are computed from it. */
#ifndef MUN_LOG_LEVELS
#define MUN_LOG_LEVELS 5u
#endif

/* Entries in a segment file: 65,535 records of at most 65,537 bytes start below 2^32. */
#ifndef MUN_LOG_SEGMENT_ENTRIES
#define MUN_LOG_SEGMENT_ENTRIES 65536u
#endif

/* Superblock slots; a superblock of generation g is in slot g mod MUN_LOG_SLOTS. */
#ifdef MUN_FAULT_TWO_SLOTS
#define MUN_LOG_SLOTS 2u
#else
#define MUN_LOG_SLOTS 4u
#endif

/* The ring of a new ledger, and the largest it grows to (fourfold each time), in blocks. */
#ifndef MUN_LOG_RING_FIRST
#define MUN_LOG_RING_FIRST 64u
#endif
#ifndef MUN_LOG_RING_MAX
#define MUN_LOG_RING_MAX 16384u
#endif
/* What a header may claim; a guard against allocation on a damaged superblock. */
#define MUN_LOG_RING_LIMIT (1u << 20)

/* Streams, in the order of their tail blocks in a superblock. */
enum {
    MUN_STREAM_OFFSETS = 0,
    MUN_STREAM_LEVEL = 1, /* 1 + level */
    MUN_STREAM_SEGMENT = 1 + MUN_LOG_LEVELS,
    MUN_STREAM_COMMITS = 2 + MUN_LOG_LEVELS,
    MUN_STREAMS = 3 + MUN_LOG_LEVELS
};

#define MUN_LOG_SLOT_BYTES ((1u + MUN_STREAMS) * MUN_LOG_BLOCK)
#define MUN_LOG_RING_AT    ((uint64_t)MUN_LOG_SLOTS * MUN_LOG_SLOT_BYTES)

/* Commit records of 16 bytes in a block, before the block's digest. */
#define MUN_LOG_COMMITS_IN_BLOCK ((MUN_LOG_BLOCK - 32u) / 16u)

#define MUN_LOG_HEADER_BYTES 136u /* of a batch; its payload follows at once */

/* Leaf hashes read at a time for the set of known entries; with fewer entries than the second
 * number it is filled by whoever asks first, not by threads. Not part of the format. */
#ifndef MUN_LOG_KNOWN_CHUNK
#define MUN_LOG_KNOWN_CHUNK 8192u
#endif
#ifndef MUN_LOG_KNOWN_THREADS
#define MUN_LOG_KNOWN_THREADS 16384u
#endif

/* Indexes are kept in 40 bits (dedup.h). */
#define MUN_LOG_ENTRIES_MAX ((UINT64_C(1) << 40) - 2)

/* The writer follows the first batch of a bundle of stream writes with a hint once per this. */
#define MUN_LOG_WRITE_BACK_BYTES (1u << 20)

#define MUN_LOG_FORMAT_VERSION 1u

#endif

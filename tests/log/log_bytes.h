/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of docs/format/log.md, read and forged by hand: the numbers of its tables stand here
 * once more, so that a test does not ask the log's own code what is right. For the real sizes only.
 */
#ifndef MUN_TESTS_LOG_BYTES_H
#define MUN_TESTS_LOG_BYTES_H

#include "log/log_world.h"
#include "log/store.h"

enum {
    BLOCK = 4096,
    SLOTS = 4,
    SLOT_BYTES = 36864,
    RING_AT = 147456,
    COMMITS_IN_BLOCK = 254,
    COMMIT_DIGEST = 4064,

    SB_NONCE = 8,
    SB_GENERATION = 24,
    SB_START = 32,
    SB_BLOCKS = 40,
    SB_SIZE = 48,
    SB_SEGMENT = 56,
    SB_ROOT = 64,
    SB_DIGEST = 96,
    SB_LEDGER = 128,
    SB_MARK = 160,
    SB_BATCHES = 168,
    SB_END = 176,

    JB_NONCE = 8,
    JB_LSN = 24,
    JB_FIRST = 32,
    JB_COUNT = 40,
    JB_PAYLOAD = 44,
    JB_MARK = 48,
    JB_GENERATION = 56,
    JB_ROOT = 64,
    JB_TIME = 96,
    JB_DIGEST = 104,
    JB_END = 136,

    PUB_NONCE = 8,
    PUB_SIZE = 24,
    PUB_ROOT = 32,
    PUB_DIGEST = 64,
    PUB_END = 96
};

uint64_t get_be(const uint8_t *p, unsigned width);
void put_be(uint8_t *p, unsigned width, uint64_t v);
void digest_of(const world *w, const void *bytes, size_t len, uint8_t ret[32]);
bool is_zero(const uint8_t *p, size_t len);

/* Make the digests right again after a change. */
void seal_slot(const world *w, uint8_t *slot);
void seal_header(const world *w, uint8_t *header);
void seal_published(const world *w, uint8_t *block);
bool slot_is_sealed(const world *w, const uint8_t *slot);

/* Number of the slot with the highest generation, by magic and digest; fails without any. */
unsigned newest_slot(const world *w, const uint8_t *journal);
uint64_t newest_generation(const world *w); /* of the journal on the disk */

/* ---- a log that is driven step by step -------------------------------------------------------*/

#define WRITER_QUEUE 400

typedef struct writer {
    world w;
    mun_vfs *vfs; /* what the store is given; w.vfs unless a test puts something before it */
    uint32_t ring_blocks;
    mun_store *store;
    uint64_t mark;
    uint64_t batches;
    mun_batch queue[WRITER_QUEUE]; /* synced, not followed */
    unsigned queued;
} writer;

/* On the heap: a world and an empty log, closed. */
writer *writer_new(uint32_t ring_blocks);
void writer_free(writer *wr);
mun_code writer_open(writer *wr, mun_error *err); /* the store, which stays closed on failure */
void writer_close(writer *wr);                    /* without a flush, as a kill leaves it */

/* Fills a batch with count new entries of len bytes, noted in the reference when noted. */
void writer_fill(writer *wr, mun_batch *ret, unsigned count, size_t len, bool noted);
/* Writes and syncs a batch of them. */
void writer_commit(writer *wr, unsigned count, size_t len);
void writer_follow(writer *wr); /* all that is queued, and publishes */
void writer_flush(writer *wr);

/* Opens, compares size, root, entries and times with the reference, closes. */
void writer_check(writer *wr);
/* Opening must fail as damaged with these words in its sentence, and change no file [LOG-23]. */
void writer_refused(writer *wr, const char *file, const char *words);

/* ---- all files of the log --------------------------------------------------------------------*/

#define SNAPSHOT_FILES 13

typedef struct snapshot {
    struct {
        bool there;
        uint8_t *bytes;
        size_t len;
    } file[SNAPSHOT_FILES];
} snapshot;

const char *snapshot_name(unsigned i);
void snapshot_take(const world *w, snapshot *ret);
void snapshot_put(const world *w, const snapshot *s); /* as they were; other segments removed */
bool snapshot_same(const snapshot *a, const snapshot *b, const char **ret_differs);
void snapshot_free(snapshot *s);

#endif

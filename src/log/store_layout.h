/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of the log's records (docs/format/log.md): superblocks, batch headers, commit blocks,
 * `published`, `format`; names of the files; lengths of the streams. Pure functions on memory.
 */
#ifndef MUN_LOG_STORE_LAYOUT_H
#define MUN_LOG_STORE_LAYOUT_H

#include "base/error.h"
#include "base/slice.h"
#include "log/params.h"
#include "merkle/merkle.h"

#define MUN_NONCE_SIZE 16

#define MUN_FILE_FORMAT      "format"
#define MUN_FILE_LOCK        "lock"
#define MUN_FILE_JOURNAL     "journal"
#define MUN_FILE_JOURNAL_NEW "journal.new"
#define MUN_FILE_PUBLISHED   "published"
#define MUN_FILE_OFFSETS     "offsets"
#define MUN_FILE_COMMITS     "commits"
#define MUN_DIR_ENTRIES      "entries"
#define MUN_DIR_HASHES       "hashes"
#define MUN_FILE_NAME_MAX    40

typedef struct mun_superblock {
    uint8_t nonce[MUN_NONCE_SIZE];
    uint64_t generation;
    uint64_t start;         /* LSN of the oldest batch still needed */
    uint64_t ring_blocks;   /* N */
    uint64_t size;          /* F: entries durable in the streams */
    uint64_t segment_bytes; /* durable bytes of the current segment, F / MUN_LOG_SEGMENT_ENTRIES */
    mun_hash root;          /* at F */
    mun_hash ledger_id;
    uint64_t mark;    /* at F */
    uint64_t batches; /* durable in the streams */
} mun_superblock;

/* A slot's bytes; tails: MUN_STREAMS blocks. */
void mun_superblock_encode(const mun_superblock *sb, const uint8_t *tails, const mun_crypto *crypto,
                           uint8_t ret_slot[MUN_LOG_SLOT_BYTES]);
/* True when magic, digest, place, N and unused bytes are right. The ledger id is the caller's. */
bool mun_superblock_decode(const uint8_t slot[MUN_LOG_SLOT_BYTES], unsigned place,
                           const mun_crypto *crypto, mun_superblock *ret);

typedef struct mun_batch_header {
    uint8_t nonce[MUN_NONCE_SIZE];
    uint64_t lsn;
    uint64_t first;
    uint32_t count;
    uint32_t payload_len;
    uint64_t mark;
    uint64_t generation; /* newest superblock known durable */
    mun_hash root;       /* after the batch */
    uint64_t time_ms;
} mun_batch_header;

void mun_batch_header_encode(const mun_batch_header *h, const mun_crypto *crypto,
                             uint8_t ret[MUN_LOG_HEADER_BYTES]);
/* True when magic, nonce and digest are right. */
bool mun_batch_header_decode(const uint8_t bytes[MUN_LOG_HEADER_BYTES],
                             const uint8_t nonce[MUN_NONCE_SIZE], const mun_crypto *crypto,
                             mun_batch_header *ret);
/* Blocks that a payload takes with its header. */
static inline uint64_t mun_batch_blocks(uint64_t payload_len)
{
    return (MUN_LOG_HEADER_BYTES + payload_len + MUN_LOG_BLOCK - 1) / MUN_LOG_BLOCK;
}

typedef struct mun_published {
    uint8_t nonce[MUN_NONCE_SIZE];
    uint64_t size;
    mun_hash root;
} mun_published;

void mun_published_encode(const mun_published *p, const mun_crypto *crypto,
                          uint8_t ret[MUN_LOG_BLOCK]);
bool mun_published_decode(const uint8_t bytes[MUN_LOG_BLOCK], const mun_crypto *crypto,
                          mun_published *ret);

/* A commit block: record i, and the digest over the rest. */
void mun_commit_put(uint8_t block[MUN_LOG_BLOCK], unsigned i, uint64_t first, uint64_t time_ms);
void mun_commit_get(const uint8_t *block, unsigned i, uint64_t *ret_first, uint64_t *ret_time_ms);
void mun_commit_seal(uint8_t block[MUN_LOG_BLOCK], const mun_crypto *crypto);
/* Digest right, and the records from `used` on zero. */
bool mun_commit_sound(const uint8_t block[MUN_LOG_BLOCK], unsigned used, const mun_crypto *crypto);

/* Durable bytes of a stream; the segment's is in the superblock. */
uint64_t mun_stream_length(unsigned stream, uint64_t size, uint64_t batches,
                           uint64_t segment_bytes);
/* "offsets", "hashes/3", "entries/0000000012" (of segment number n), "commits". */
void mun_stream_name(char ret[MUN_FILE_NAME_MAX], unsigned stream, uint64_t n);

/* The content of the file `format`. */
#define MUN_FORMAT_TEXT_MAX 64
size_t mun_format_text(char ret[MUN_FORMAT_TEXT_MAX]);
/* MUN_E_VERSION for a newer version, MUN_E_DAMAGED for anything else. */
MUN_MUST mun_code mun_format_check(mun_slice bytes, mun_error *err);

/* The one place that reports damage: MUN_E_DAMAGED, "FILE, byte N (entry M): sentence". */
mun_code mun_damage(mun_error *err, const char *file, uint64_t offset, uint64_t entry,
                    const char *sentence);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tiles served last, ready to send: full ones only, which never change. Reading a full hash
 * tile from the log checks it against the hash above it, 255 hashes; from here it is one copy.
 *
 * Ownership: the cache is the process's own, of fixed size, and copies in and out. Threads: any.
 */
#ifndef MUN_SERVER_TILES_CACHE_H
#define MUN_SERVER_TILES_CACHE_H

#include "base/buf.h"

#define MUN_TILES_CACHE_BYTES (24u << 20) /* all together; a tile above 1/32 of it is not kept */

typedef struct mun_tile_key {
    uint64_t ledger; /* mun_tile_ledger */
    uint64_t n;
    int level; /* -1: entries */
    bool gzip;
} mun_tile_key;

/* A number for a ledger: its directory and its checkpoints key. */
uint64_t mun_tile_ledger(const char *directory, mun_slice key);
bool mun_tiles_cache_get(const mun_tile_key *key, mun_buf *ret);
void mun_tiles_cache_put(const mun_tile_key *key, mun_slice bytes);

#endif

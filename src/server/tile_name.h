/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of C2SP tlog-tiles, read strictly: each tile has one name. Threads: values. */
#ifndef MUN_SERVER_TILE_NAME_H
#define MUN_SERVER_TILE_NAME_H

#include "base/slice.h"

typedef struct mun_tile_name {
    int level; /* -1: an entry bundle */
    uint64_t n;
    unsigned width; /* 1..255, or 256: full */
} mun_tile_name;

/* "0/x001/067.p/12", "entries/000": what follows "/tile/". False: no tile has this name. */
bool mun_tile_name_take(mun_slice text, mun_tile_name *ret);

#endif

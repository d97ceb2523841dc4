/* SPDX-License-Identifier: Apache-2.0 */
/* Tile coordinates and paths (C2SP tlog-tiles, "Merkle Tree"). */
#include "base/assert.h"
#include "base/buf.h"
#include "merkle/merkle.h"

#define TILE_LEVEL_MAX 63 /* the highest level that a tile path can name */

unsigned mun_tile_width(unsigned level, uint64_t n, uint64_t size)
{
    unsigned shift = level * MUN_TILE_HEIGHT;
    uint64_t nodes = level < 64 / MUN_TILE_HEIGHT ? size >> shift : 0;
    uint64_t whole = nodes / MUN_TILE_WIDTH;
    if (n < whole) return MUN_TILE_WIDTH;
    return n == whole ? (unsigned)(nodes % MUN_TILE_WIDTH) : 0;
}

mun_tile mun_tile_of_node(unsigned height, uint64_t index, unsigned *ret_first, unsigned *ret_count)
{
    unsigned up = height % MUN_TILE_HEIGHT; /* heights above the tile's own entries */
    unsigned count = 1u << up;
    unsigned first = (unsigned)(index << up) % MUN_TILE_WIDTH;
    *ret_first = first;
    *ret_count = count;
    return (mun_tile){
        .level = height / MUN_TILE_HEIGHT,
        .n = index >> (MUN_TILE_HEIGHT - up),
        .width = first + count,
    };
}

void mun_node_from_tile(const mun_crypto *crypto, const mun_hash *tile, unsigned height,
                        uint64_t index, mun_hash *ret)
{
    unsigned first, count;
    mun_tile_of_node(height, index, &first, &count);
    mun_hash_run(crypto, tile + first, count, ret);
}

/* Three digits a group, all but the last after an x: 1234067 is x001/x234/067. */
static void put_tile_number(mun_buf *buf, uint64_t n)
{
    uint64_t unit = 1;
    while (n / unit >= 1000) unit *= 1000;
    for (; unit != 0; unit /= 1000) {
        unsigned group = (unsigned)(n / unit % 1000);
        if (unit > 1) mun_buf_u8(buf, 'x');
        mun_buf_u8(buf, (uint8_t)('0' + group / 100));
        mun_buf_u8(buf, (uint8_t)('0' + group / 10 % 10));
        mun_buf_u8(buf, (uint8_t)('0' + group % 10));
        if (unit > 1) mun_buf_u8(buf, '/');
    }
}

void mun_tile_path(char ret[MUN_TILE_PATH_MAX], int level, uint64_t n, unsigned width)
{
    MUN_ASSERT(level >= -1 && level <= TILE_LEVEL_MAX && width >= 1 && width <= MUN_TILE_WIDTH);
    mun_buf buf = mun_buf_fixed(ret, MUN_TILE_PATH_MAX);
    mun_buf_text(&buf, "tile/");
    if (level < 0) {
        mun_buf_text(&buf, "entries");
    } else {
        mun_buf_decimal(&buf, (uint64_t)level);
    }
    mun_buf_u8(&buf, '/');
    put_tile_number(&buf, n);
    if (width < MUN_TILE_WIDTH) {
        mun_buf_text(&buf, ".p/");
        mun_buf_decimal(&buf, width);
    }
    mun_buf_u8(&buf, '\0');
    MUN_ASSERT(mun_buf_ok(&buf));
}

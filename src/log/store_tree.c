/* SPDX-License-Identifier: Apache-2.0 */
#include "log/store_tree.h"

#include "base/error.h"

mun_code mun_level_node(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    const mun_level_source *source = ctx;
    unsigned level = mun_level_of(height);
    unsigned up = height - level * MUN_LOG_TILE_BITS;
    unsigned step = up < MUN_LOG_TILE_BITS ? up : MUN_LOG_TILE_BITS;
    uint64_t first = index << up;
    mun_hash run[MUN_LOG_TILE_WIDTH];
    /* Above the last level a node can need more than a tile: its tiles' roots are the leaves of a
     * small tree of their own. */
    mun_frontier tiles = {.size = 0};
    for (uint64_t done = 0; done < UINT64_C(1) << (up - step); done++) {
        mun_hash root;
        MUN_TRY(source->read(source->ctx, level, first + (done << step), 1u << step, run, err));
        mun_hash_run(source->crypto, run, 1u << step, &root);
        if (up == step) {
            *ret = root;
            return MUN_OK;
        }
        mun_frontier_append(&tiles, source->crypto, &root, NULL, NULL);
    }
    *ret = tiles.node[up - step];
    return MUN_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log must hold, kept in plain memory: every acknowledged batch, the tree, and from them
 * the exact bytes of every stream as docs/format/log.md lays them down. Shares no code with the log
 * but its size parameters.
 */
#ifndef MUN_SIM_MODEL_H
#define MUN_SIM_MODEL_H

#include "log/params.h"
#include "sim/sim_hash.h"

typedef struct sim_bytes {
    uint8_t *ptr;
    size_t len, cap;
} sim_bytes;

/* A batch that was handed to the log. */
typedef struct sim_batch {
    sim_bytes records; /* (u16 length, entry)* */
    uint32_t count;
    uint64_t time_ms;
    uint64_t mark;
} sim_batch;

typedef struct sim_model {
    const mun_crypto *crypto;
    uint64_t size;
    uint64_t batches;
    uint64_t last_time;
    uint64_t last_mark;
    uint32_t last_count; /* entries of the newest batch */
    mun_hash root;
    mun_hash *root_at; /* by size; only at batch ends defined */
    size_t root_cap;
    sim_tree tree;
    sim_bytes records; /* all entries, end to end */
    uint64_t *record_at;
    uint64_t *time_of; /* registration time of each entry */
    size_t record_cap;
    sim_bytes offsets;
    sim_bytes commits; /* whole blocks */
} sim_model;

void sim_batch_finish(sim_batch *b);
void sim_batch_clear(sim_batch *b);
void sim_batch_add(sim_batch *b, mun_slice entry);
mun_slice sim_batch_entry(const sim_batch *b, size_t *at); /* moves at to the next */

void sim_model_finish(sim_model *m);
void sim_model_clear(sim_model *m, const mun_crypto *crypto);
void sim_model_append(sim_model *m, const sim_batch *b);

/* The bytes a stream must have. */
mun_slice sim_model_segment(const sim_model *m, uint64_t n);
mun_slice sim_model_level(const sim_model *m, unsigned level);
static inline mun_slice sim_model_offsets(const sim_model *m)
{
    return (mun_slice){m->offsets.ptr, m->offsets.len};
}
static inline mun_slice sim_model_commits(const sim_model *m)
{
    return (mun_slice){m->commits.ptr, m->commits.len};
}

#endif

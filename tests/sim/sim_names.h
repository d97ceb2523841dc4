/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the simulated disk: those the process sees, those that lie on the medium, and the
 * changes between the two. Folders are names without bytes.
 */
#ifndef MUN_SIM_NAMES_H
#define MUN_SIM_NAMES_H

#include "sim/sim_node.h"

#define SIM_NAME_MAX 48

typedef struct sim_name {
    char path[SIM_NAME_MAX];
    sim_node *node;
} sim_name;

typedef struct sim_name_list {
    sim_name *name;
    size_t count, cap;
} sim_name_list;

typedef struct sim_name_change {
    enum { SIM_CREATE, SIM_RENAME, SIM_REMOVE } kind;
    char path[SIM_NAME_MAX];
    char to[SIM_NAME_MAX]; /* SIM_RENAME */
    sim_node *node;
} sim_name_change;

typedef struct sim_names {
    sim_name_list seen;
    sim_name_list durable;
    sim_name_change *change; /* not synced yet, in order */
    size_t change_count, change_cap;
    sim_node **node; /* all that exist */
    size_t node_count, node_cap;
    sim_node **spare;
    size_t spare_count, spare_cap;
    uint64_t used; /* bytes of all files seen */
} sim_names;

void sim_names_finish(sim_names *n);
void sim_names_clear(sim_names *n);
void sim_names_copy(sim_names *into, const sim_names *from, const sim_geometry *g);
sim_node *sim_names_find(const sim_names *n, const char *path); /* NULL: not there */
void sim_names_parent(const char *path, char ret[SIM_NAME_MAX]);

sim_node *sim_names_create(sim_names *n, const sim_geometry *g, const char *path, bool folder);
void sim_names_rename(sim_names *n, const char *from, const char *to);
void sim_names_remove(sim_names *n, const char *path);
/* Makes the first most changes inside that folder durable. */
void sim_names_sync(sim_names *n, const char *folder, size_t most);
void sim_names_list(const sim_names *n, const char *folder,
                    void (*each)(void *ctx, const char *entry), void *ctx);
void sim_names_power_cut(sim_names *n, const sim_geometry *g, sim_random *r);
void sim_names_evict(sim_names *n, const sim_geometry *g);

#endif

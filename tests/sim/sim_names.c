/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_names.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *ptr)
{
    MUN_ASSERT(ptr != NULL);
    return ptr;
}

/* Room for one more in an array that doubles. */
static void *room(void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) return array;
    *cap = *cap == 0 ? 16 : *cap * 2;
    return must(realloc(array, *cap * size));
}

static void node_push(sim_node ***list, size_t *count, size_t *cap, sim_node *node)
{
    *list = room(*list, *count, cap, sizeof **list);
    (*list)[(*count)++] = node;
}

/* A node whose bytes are not defined: a spare one keeps its memory. */
static sim_node *node_take(sim_names *n)
{
    sim_node *node =
        n->spare_count > 0 ? n->spare[--n->spare_count] : must(calloc(1, sizeof *node));
    node_push(&n->node, &n->node_count, &n->node_cap, node);
    return node;
}

static void free_nodes(sim_node **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sim_node_finish(list[i]);
        free(list[i]);
    }
    free(list);
}

void sim_names_finish(sim_names *n)
{
    free_nodes(n->node, n->node_count);
    free_nodes(n->spare, n->spare_count);
    free(n->seen.name);
    free(n->durable.name);
    free(n->change);
    *n = (sim_names){0};
}

void sim_names_clear(sim_names *n)
{
    while (n->node_count > 0) {
        node_push(&n->spare, &n->spare_count, &n->spare_cap, n->node[--n->node_count]);
    }
    n->seen.count = n->durable.count = n->change_count = 0;
    n->used = 0;
}

static sim_name *find_in(const sim_name_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->name[i].path, path) == 0) return &list->name[i];
    }
    return NULL;
}

static void set_in(sim_name_list *list, const char *path, sim_node *node)
{
    sim_name *at = find_in(list, path);
    if (at == NULL) {
        list->name = room(list->name, list->count, &list->cap, sizeof *list->name);
        at = &list->name[list->count++];
        strcpy(at->path, path);
    }
    at->node = node;
}

static void drop_in(sim_name_list *list, const char *path)
{
    sim_name *at = find_in(list, path);
    if (at != NULL) *at = list->name[--list->count];
}

static void list_copy(sim_name_list *into, const sim_name_list *from)
{
    if (into->cap < from->count) {
        into->cap = from->count;
        into->name = must(realloc(into->name, into->cap * sizeof *into->name));
    }
    if (from->count > 0) memcpy(into->name, from->name, from->count * sizeof *from->name);
    into->count = from->count;
}

static sim_node *same_node(const sim_names *into, const sim_names *from, const sim_node *node)
{
    for (size_t i = 0; i < from->node_count; i++) {
        if (from->node[i] == node) return into->node[i];
    }
    MUN_ASSERT(node == NULL);
    return NULL;
}

void sim_names_copy(sim_names *into, const sim_names *from, const sim_geometry *g)
{
    sim_names_clear(into);
    for (size_t i = 0; i < from->node_count; i++) sim_node_copy(node_take(into), from->node[i], g);
    list_copy(&into->seen, &from->seen);
    list_copy(&into->durable, &from->durable);
    for (size_t i = 0; i < into->seen.count; i++) {
        into->seen.name[i].node = same_node(into, from, from->seen.name[i].node);
    }
    for (size_t i = 0; i < into->durable.count; i++) {
        into->durable.name[i].node = same_node(into, from, from->durable.name[i].node);
    }
    for (size_t i = 0; i < from->change_count; i++) {
        into->change = room(into->change, i, &into->change_cap, sizeof *into->change);
        into->change[i] = from->change[i];
        into->change[i].node = same_node(into, from, from->change[i].node);
    }
    into->change_count = from->change_count;
    into->used = from->used;
}

sim_node *sim_names_find(const sim_names *n, const char *path)
{
    sim_name *at = find_in(&n->seen, path);
    return at == NULL ? NULL : at->node;
}

void sim_names_parent(const char *path, char ret[SIM_NAME_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    MUN_ASSERT(len < SIM_NAME_MAX);
    memcpy(ret, path, len);
    ret[len] = '\0';
}

static void apply(sim_name_list *list, const sim_name_change *c)
{
    if (c->kind == SIM_CREATE) {
        set_in(list, c->path, c->node);
        return;
    }
    drop_in(list, c->path);
    if (c->kind == SIM_RENAME) set_in(list, c->to, c->node);
}

static void change(sim_names *n, sim_name_change c)
{
    n->change = room(n->change, n->change_count, &n->change_cap, sizeof *n->change);
    n->change[n->change_count++] = c;
    apply(&n->seen, &c);
}

static sim_name_change make_change(int kind, const char *path, sim_node *node)
{
    MUN_ASSERT(strlen(path) < SIM_NAME_MAX);
    sim_name_change c = {.node = node};
    c.kind = kind;
    strcpy(c.path, path);
    return c;
}

sim_node *sim_names_create(sim_names *n, const sim_geometry *g, const char *path, bool folder)
{
    sim_node *node = node_take(n);
    sim_node_clear(node, g);
    node->folder = folder;
    change(n, make_change(SIM_CREATE, path, node));
    return node;
}

void sim_names_rename(sim_names *n, const char *from, const char *to)
{
    const sim_node *old = sim_names_find(n, to);
    if (old != NULL) n->used -= old->cache_size;
    sim_name_change c = make_change(SIM_RENAME, from, sim_names_find(n, from));
    MUN_ASSERT(strlen(to) < SIM_NAME_MAX);
    strcpy(c.to, to);
    change(n, c);
}

void sim_names_remove(sim_names *n, const char *path)
{
    sim_node *node = sim_names_find(n, path);
    n->used -= node->cache_size;
    change(n, make_change(SIM_REMOVE, path, node));
}

static bool inside(const char *path, const char *folder)
{
    char parent[SIM_NAME_MAX];
    sim_names_parent(path, parent);
    return strcmp(parent, folder) == 0;
}

void sim_names_sync(sim_names *n, const char *folder, size_t most)
{
    size_t left = 0;
    for (size_t i = 0; i < n->change_count; i++) {
        if (most > 0 && inside(n->change[i].path, folder)) {
            apply(&n->durable, &n->change[i]);
            most--;
        } else {
            n->change[left++] = n->change[i];
        }
    }
    n->change_count = left;
}

void sim_names_list(const sim_names *n, const char *folder,
                    void (*each)(void *ctx, const char *entry), void *ctx)
{
    for (size_t i = 0; i < n->seen.count; i++) {
        const char *path = n->seen.name[i].path;
        if (!inside(path, folder)) continue;
        each(ctx, path + (folder[0] == '\0' ? 0 : strlen(folder) + 1));
    }
}

static void drop_orphans(sim_name_list *list)
{
    for (size_t i = 0; i < list->count;) {
        char parent[SIM_NAME_MAX];
        sim_names_parent(list->name[i].path, parent);
        if (parent[0] == '\0' || find_in(list, parent) != NULL) {
            i++;
        } else {
            list->name[i] = list->name[--list->count];
            i = 0; /* what was below the dropped one is an orphan now */
        }
    }
}

/* Each change not synced stays or vanishes; half the time as a journal would do it, in order. */
static void settle_names(sim_names *n, sim_random *r)
{
    bool in_order = sim_once_in(r, 2);
    size_t reach = sim_below(r, n->change_count + 1);
    for (size_t i = 0; i < n->change_count; i++) {
        if (in_order ? i < reach : sim_once_in(r, 2)) apply(&n->durable, &n->change[i]);
    }
    n->change_count = 0;
    drop_orphans(&n->durable);
}

static void sweep(sim_names *n)
{
    for (size_t i = 0; i < n->node_count; i++) n->node[i]->marked = false;
    n->used = 0;
    for (size_t i = 0; i < n->seen.count; i++) {
        n->seen.name[i].node->marked = true;
        n->used += n->seen.name[i].node->cache_size;
    }
    for (size_t i = 0; i < n->node_count;) {
        if (n->node[i]->marked) {
            i++;
            continue;
        }
        node_push(&n->spare, &n->spare_count, &n->spare_cap, n->node[i]);
        n->node[i] = n->node[--n->node_count];
    }
}

void sim_names_power_cut(sim_names *n, const sim_geometry *g, sim_random *r)
{
    settle_names(n, r);
    list_copy(&n->seen, &n->durable);
    bool each_file = sim_once_in(r, 2);
    sim_mood mood = sim_once_in(r, 2) ? SIM_MOOD_MIXED : (sim_mood)sim_below(r, SIM_MOODS);
    for (size_t i = 0; i < n->node_count; i++) {
        if (each_file) mood = (sim_mood)sim_below(r, SIM_MOODS);
        sim_node_power_cut(n->node[i], g, r, mood);
    }
    sweep(n);
}

void sim_names_evict(sim_names *n, const sim_geometry *g)
{
    for (size_t i = 0; i < n->node_count; i++) sim_node_evict(n->node[i], g);
}

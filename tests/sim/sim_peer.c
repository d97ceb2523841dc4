/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers in other processes, through the log's public functions, read-only: beside a writer at
 * work, and on what an accident left behind. They see a prefix of what was acknowledged, whole and
 * provable, or are told to come again; never anything else. [LOG-16]
 */
#include "sim/sim_world.h"

#include "base/buf.h"
#include "log/log.h"

#include <inttypes.h>
#include <string.h>

#define LOOKS 4 /* entries that a reader reads each time */

static void check_head(sim_world *w, mun_tree_head head)
{
    if (head.size > w->model.size) {
        sim_broken(w, "a reader sees %" PRIu64 " entries of %" PRIu64, head.size, w->model.size);
    }
    if (!mun_hash_equal(&head.root, &w->model.root_at[head.size])) {
        sim_broken(w, "a reader sees a wrong root of %" PRIu64 " entries", head.size);
    }
}

static void must(sim_world *w, const char *what, uint64_t index, mun_code code,
                 const mun_error *err)
{
    if (code == MUN_OK) return;
    sim_broken(w, "a reader's %s of entry %" PRIu64 ": %s", what, index, err->text);
}

static void check_proof(sim_world *w, mun_log *log, uint64_t index, mun_tree_head head)
{
    mun_error err;
    mun_path path;
    mun_hash root;
    const mun_hash *leaf = &w->model.tree.node[0][index];
    must(w, "proof", index, mun_log_inclusion(log, index, head.size, &path, &err), &err);
    mun_code code =
        mun_inclusion_fold(w->crypto, index, head.size, leaf, path.node, path.len, &root);
    if (code != MUN_OK || !mun_hash_equal(&root, &head.root)) {
        sim_broken(w, "a reader's proof of entry %" PRIu64 " leads elsewhere", index);
    }
}

static void check_entry(sim_world *w, mun_log *log, uint64_t index, mun_tree_head head)
{
    mun_error err;
    uint64_t time = 0;
    mun_hash leaf;
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_ENTRY_MAX);
    must(w, "reading", index, mun_log_read(log, index, &entry, &time, &err), &err);
    const uint8_t *record = w->model.records.ptr + w->model.record_at[index];
    size_t len = w->model.record_at[index + 1] - w->model.record_at[index] - 2;
    if (!mun_slice_equal(mun_buf_slice(&entry), mun_slice_of(record + 2, len))) {
        sim_broken(w, "a reader gets other bytes for entry %" PRIu64, index);
    }
    if (time != w->model.time_of[index]) {
        sim_broken(w, "a reader gets time %" PRIu64 " for entry %" PRIu64 ", not %" PRIu64, time,
                   index, w->model.time_of[index]);
    }
    must(w, "leaf", index, mun_log_leaf(log, index, &leaf, &err), &err);
    if (!mun_hash_equal(&leaf, &w->model.tree.node[0][index])) sim_broken(w, "a wrong leaf hash");
    check_proof(w, log, index, head);
}

static void look_around(sim_world *w)
{
    mun_tree_head head = mun_log_head(w->peer);
    check_head(w, head);
    w->counts.looks++;
    if (head.size > w->floor) w->floor = head.size;
    for (int i = 0; i < LOOKS && head.size > 0; i++) {
        check_entry(w, w->peer, sim_below(&w->random, head.size), head);
    }
}

static mun_code open_peer(sim_world *w, mun_error *err)
{
    mun_log_config config = sim_log_config(w, w->disk);
    config.read_only = true;
    config.no_dedup = true;
    return mun_log_open(&config, &w->peer, err);
}

void sim_peer_leave(sim_world *w)
{
    mun_error err;
    if (w->peer != NULL) (void)mun_log_close(w->peer, &err);
    w->peer = NULL;
}

void sim_peer_visit(sim_world *w)
{
    mun_error err;
    sim_disk_hold(w->disk, true);
    mun_code code = w->peer == NULL ? open_peer(w, &err) : mun_log_refresh(w->peer, &err);
    if (code != MUN_OK) sim_broken(w, "a reader beside the writer: %s", err.text);
    look_around(w);
    sim_disk_hold(w->disk, false);
}

void sim_peer_visit_alone(sim_world *w)
{
    mun_error err;
    if (w->pending) return; /* what it may show is not known yet */
    uint64_t changes = sim_disk_changes(w->disk);
    mun_code code = open_peer(w, &err);
    if (code == MUN_OK)
        look_around(w);
    else if (code != MUN_E_AGAIN)
        sim_broken(w, "a reader alone: %s", err.text);
    sim_peer_leave(w);
    if (sim_disk_changes(w->disk) != changes) sim_broken(w, "a reader wrote to the disk");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy that follows its original (docs/format/export.md, [EXP-10] to [EXP-14]). It holds the
 * writer's lock of its directory and no key. What it has is never taken back: a source that has
 * less, or something else, changes nothing here.
 */
#include "ledger/standby_parts.h"

#include <stdio.h>
#include <stdlib.h>

#define FORK_MAX (2 * MUN_NOTE_MAX + 1024)

/* ---- Opening ----------------------------------------------------------------------------------
 */

static mun_code no_copy(mun_error *err)
{
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                    "this ledger is no copy: it has its keys and a history of its own, and cannot "
                    "follow another one");
}

/* Only what import or restore has made, or is marked: never a directory that could sign. */
static mun_code marked_check(const mun_standby *s, mun_error *err)
{
    bool marked = false;
    MUN_TRY(mun_ledger_file_exists(s->directory, MUN_COPY_FILE, &marked, err));
    return marked ? MUN_OK : no_copy(err);
}

/* The policy in force on the log says whose checkpoints are believed; a crash may have left
 * ledger.pub behind it. */
static mun_code pub_follow(mun_standby *s, mun_error *err)
{
    mun_ledger *ledger = s->ledger;
    const mun_policy *policy = mun_control_policy(&ledger->control.state);
    mun_ledger_pub pub = {.origin = ledger->pub.origin,
                          .receipts = policy->keys.receipts.key,
                          .checkpoints = policy->keys.checkpoints.key};
    uint8_t bytes[MUN_LEDGER_PUB_MAX];
    mun_buf text = mun_buf_fixed(bytes, sizeof bytes);
    mun_ledger_pub_write(s->crypto, &pub, &text);
    if (!mun_buf_ok(&text)) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    if (mun_slice_equal(mun_buf_slice(&text), mun_buf_slice(&ledger->pub_text))) return MUN_OK;
    MUN_TRY(mun_ledger_file_write(s->directory, MUN_LEDGER_PUB_FILE, mun_buf_slice(&text),
                                  MUN_WRITE_REPLACE, err));
    mun_buf_clear(&ledger->pub_text);
    mun_buf_put(&ledger->pub_text, mun_buf_slice(&text));
    return mun_ledger_pub_parse(s->crypto, mun_buf_slice(&ledger->pub_text), &ledger->pub, err);
}

static mun_code open_copy(mun_standby *s, mun_error *err)
{
    mun_ledger_open_options options = {.no_keys = true};
    MUN_TRY(marked_check(s, err));
    MUN_TRY(mun_ledger_open_as(s->directory, &options, true, &s->ledger, err));
    MUN_TRY(mun_crypto_pool_take(&s->ledger->pool, &s->crypto, err));
    return pub_follow(s, err);
}

static mun_code open_or_make(mun_standby *s, const mun_watch *watch, mun_error *err)
{
    bool there = false;
    MUN_TRY(mun_ledger_file_exists(s->directory, MUN_LEDGER_PUB_FILE, &there, err));
    if (!there) MUN_TRY(mun_ledger_import_from(&s->source, s->directory, watch, err));
    return open_copy(s, err);
}

mun_code mun_standby_open(const char *directory, const mun_source *source, const mun_watch *watch,
                          mun_standby **ret, mun_error *err)
{
    if (strlen(directory) >= MUN_PATH_BYTES_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the path is too long");
    }
    mun_standby *s = calloc(1, sizeof *s);
    if (s == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    memcpy(s->directory, directory, strlen(directory) + 1);
    s->source = *source;
    s->note = mun_buf_growable(MUN_NOTE_MAX);
    mun_watcher_init(&s->watcher, watch);
    mun_code code = open_or_make(s, watch, err);
    if (code != MUN_OK) {
        mun_code closed = mun_standby_close(s, NULL);
        (void)closed; /* the first failure is the one to tell */
        return code;
    }
    *ret = s;
    return MUN_OK;
}

mun_code mun_standby_close(mun_standby *s, mun_error *err)
{
    if (s == NULL) return MUN_OK;
    if (s->crypto != NULL) mun_crypto_pool_give(&s->ledger->pool, s->crypto);
    mun_code code = mun_ledger_close(s->ledger, err);
    mun_watcher_finish(&s->watcher);
    mun_buf_free(&s->note);
    free(s);
    return code;
}

/* ---- Two histories ----------------------------------------------------------------------------
 */

static mun_code fork_told(const char *name, uint64_t size, mun_error *err)
{
    return mun_failf(err, MUN_E_INVALID, 0,
                     "TWO HISTORIES: the ledger has signed a tree that differs from this standby's "
                     "within the first %llu entries; both checkpoints are kept in %s, as evidence "
                     "against whoever holds its key; nothing was taken",
                     (unsigned long long)size, name);
}

/* Both signed checkpoints in one file; a failure to write it must not hide what it says. */
static mun_code fork_keep(mun_standby *s, uint64_t size, mun_error *err)
{
    char name[64];
    MUN_BUF_AUTO mun_buf ours = mun_buf_growable(MUN_NOTE_MAX);
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(FORK_MAX);
    snprintf(name, sizeof name, "fork-%llu.txt", (unsigned long long)s->head.size);
    mun_buf_text(&text, "muniment-fork 1\nsize of the standby ");
    mun_buf_decimal(&text, s->have.size);
    mun_buf_text(&text, "\n\nthe checkpoint it holds:\n");
    if (mun_ledger_file_read(s->directory, MUN_CHECKPOINT_FILE, MUN_NOTE_MAX, &ours, NULL) ==
        MUN_OK) {
        mun_buf_put(&text, mun_buf_slice(&ours));
    }
    mun_buf_text(&text, "\nthe checkpoint of the source:\n");
    mun_buf_put(&text, mun_buf_slice(&s->note));
    mun_code code =
        mun_ledger_file_write(s->directory, name, mun_buf_slice(&text), MUN_WRITE_REPLACE, err);
    if (code != MUN_OK) {
        return mun_error_prefix(err, code,
                                "TWO HISTORIES were signed, and the evidence of it "
                                "cannot be written into the standby's folder");
    }
    return fork_told(name, size, err);
}

/* ---- Following --------------------------------------------------------------------------------
 */

/* The source has no more than we: what it signs must be what we hold at that size. */
static mun_code older_check(mun_standby *s, mun_error *err)
{
    mun_hash root;
    MUN_TRY(mun_log_root(s->ledger->log, s->head.size, &root, err));
    return mun_hash_equal(&root, &s->head.root) ? MUN_OK : fork_keep(s, s->head.size, err);
}

/* Whether the signed tree continues ours; a few tiles tell. */
static mun_code consistency_check(mun_standby *s, mun_source_nodes *nodes, mun_error *err)
{
    mun_path path;
    mun_hash root;
    const mun_crypto *crypto = s->crypto;
    mun_node_source source = mun_source_nodes_of(nodes);
    uint64_t have = s->have.size, head = s->head.size;
    MUN_TRY(mun_consistency_make(crypto, &source, have, head, &path, err));
    if (mun_consistency_check(crypto, have, &s->have.root, head, &s->head.root, path.node,
                              path.len) == MUN_OK) {
        return MUN_OK;
    }
    MUN_TRY(mun_tree_root(crypto, &source, have, &root, err));
    if (mun_consistency_check(crypto, have, &root, head, &s->head.root, path.node, path.len) ==
        MUN_OK) {
        return fork_keep(s, have, err); /* the signed tree begins with another one than ours */
    }
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                    "the source's tiles do not give the root that its checkpoint signs: it is "
                    "damaged or in the middle of an update; nothing was taken from it");
}

static mun_code newer_take(mun_standby *s, mun_error *err)
{
    mun_source_nodes *nodes = malloc(sizeof *nodes);
    MUN_BUF_AUTO mun_buf digests = mun_buf_growable(SIZE_MAX / 2);
    if (nodes == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    mun_source_nodes_init(nodes, &s->source, s->crypto, s->head.size);
    mun_code code = consistency_check(s, nodes, err);
    if (code == MUN_OK) code = mun_standby_leaves(s, nodes, &digests, err);
    mun_source_nodes_finish(nodes);
    free(nodes);
    return code == MUN_OK ? mun_standby_take(s, mun_buf_slice(&digests), err) : code;
}

/* ledger.pub first: a checkpoint by keys that it does not name would be of no use. */
static mun_code kept_write(mun_standby *s, mun_error *err)
{
    MUN_BUF_AUTO mun_buf kept = mun_buf_growable(MUN_NOTE_MAX);
    MUN_TRY(pub_follow(s, err));
    if (mun_ledger_file_read(s->directory, MUN_CHECKPOINT_FILE, MUN_NOTE_MAX, &kept, NULL) ==
            MUN_OK &&
        mun_slice_equal(mun_buf_slice(&kept), mun_buf_slice(&s->note))) {
        return MUN_OK;
    }
    return mun_ledger_file_write(s->directory, MUN_CHECKPOINT_FILE, mun_buf_slice(&s->note),
                                 MUN_WRITE_REPLACE, err);
}

/* A key signs the trees up to and with the entry that replaces it, and none beyond. */
static mun_code checkpoint_by(mun_standby *s, size_t epoch, mun_error *err)
{
    mun_tree head;
    const mun_control_state *state = &s->ledger->control.state;
    mun_ledger_pub pub = s->ledger->pub;
    pub.checkpoints = state->epochs[epoch]->policy.keys.checkpoints.key;
    MUN_TRY(mun_source_checkpoint(&s->source, s->crypto, &pub, &s->note, &head, err));
    if (epoch + 1 < state->epochs_len && head.size > state->epochs[epoch + 1]->index + 1) {
        return mun_fail(err, MUN_E_INVALID, MUN_NO_OFFSET,
                        "the file checkpoint is signed by a key that was replaced before");
    }
    s->head.size = head.size;
    memcpy(s->head.root.bytes, head.root, MUN_HASH_SIZE);
    return MUN_OK;
}

static mun_code checkpoint_read(mun_standby *s, mun_error *err)
{
    mun_error first = {0}, why = {0};
    size_t epochs = s->ledger->control.state.epochs_len;
    mun_code code = checkpoint_by(s, epochs - 1, &first);
    for (size_t i = epochs - 1; code == MUN_E_INVALID && i-- > 0;) code = checkpoint_by(s, i, &why);
    if (code == MUN_OK) return MUN_OK;
    if (code == MUN_E_INVALID) {
        return mun_failf(err, code, 0,
                         "%s; if the ledger was adopted elsewhere under new keys, compare its new "
                         "ledger.pub with its keeper and make a new standby in another folder",
                         first.text);
    }
    if (err != NULL) *err = first.code != MUN_E_INVALID ? first : why;
    return code;
}

mun_code mun_standby_follow(mun_standby *s, mun_standby_step *ret, mun_error *err)
{
    s->have = mun_log_head(s->ledger->log);
    uint64_t before = s->have.size;
    MUN_TRY(checkpoint_read(s, err));
    if (s->head.size <= before) {
        MUN_TRY(older_check(s, err));
    } else {
        MUN_TRY(newer_take(s, err));
    }
    if (s->head.size >= before) MUN_TRY(kept_write(s, err));
    *ret = (mun_standby_step){
        .tree = mun_tree_of(&s->have), .size_before = before, .source_size = s->head.size};
    return MUN_OK;
}

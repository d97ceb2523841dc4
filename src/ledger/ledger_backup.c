/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup: the export's tree, kept up to date in place. Tiles first, `commits`, last of all the
 * checkpoint that speaks of them: whatever interrupts a run, the checkpoint that is there has its
 * whole tree beside it [EXP-8].
 */
#include "ledger/tree_out.h"

#include <stdlib.h>

#define LOCK_FILE ".lock"

typedef struct backing_up {
    mun_tree_out out;
    const char *folder;
    mun_file *lock;
    mun_tree_head before; /* what an earlier run has left; size 0: nothing */
} backing_up;

/* ---- What is there already --------------------------------------------------------------------
 */

static mun_code not_ours(const char *folder, const char *what, mun_error *err)
{
    char text[MUN_PATH_TEXT_MAX];
    mun_path_text(text, sizeof text, folder);
    return mun_failf(err, MUN_E_EXISTS, 0, "%s %s; nothing was changed there: give another folder",
                     text, what);
}

/* What a first run may have left before it said whose the folder is. */
static void count_others(void *ctx, const char *name)
{
    size_t *others = ctx;
    if (strcmp(name, LOCK_FILE) != 0 && !mun_file_is_temporary(name)) ++*others;
}

static mun_code nobodys(const mun_vfs *vfs, bool *ret, mun_error *err)
{
    size_t others = 0;
    MUN_TRY(vfs->list(vfs->ctx, "", count_others, &others, err));
    *ret = others == 0;
    return MUN_OK;
}

/* A new folder, an empty one, or one that an earlier run has begun. */
static mun_code folder_claim(backing_up *b, mun_error *err)
{
    bool begun = false, empty = false;
    mun_file_info info;
    MUN_TRY(mun_file_look(b->folder, true, &info, err));
    if (info.kind == MUN_FILE_MISSING) MUN_TRY(mun_dir_make(b->folder, err));
    MUN_TRY(mun_ledger_file_exists(b->folder, MUN_EXPORT_FILE, &begun, err));
    MUN_TRY(mun_tree_out_begin(&b->out, b->folder, err));
    const mun_vfs *vfs = &b->out.vfs;
    MUN_TRY(nobodys(vfs, &empty, err));
    if (!begun && !empty) return not_ours(b->folder, "holds something that is no backup", err);
    MUN_TRY(vfs->lock(vfs->ctx, LOCK_FILE, "backup", &b->lock, err));
    if (begun) return MUN_OK;
    return mun_tree_out_put(&b->out, MUN_EXPORT_FILE, MUN_LITERAL(MUN_EXPORT_LINE), err);
}

static mun_code origin_check(backing_up *b, mun_error *err)
{
    bool there = false;
    mun_ledger_pub pub;
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(MUN_LEDGER_PUB_MAX);
    MUN_TRY(mun_ledger_file_exists(b->folder, MUN_LEDGER_PUB_FILE, &there, err));
    if (!there) return MUN_OK;
    MUN_TRY(mun_ledger_pub_read(b->out.crypto, b->folder, &text, &pub, err));
    if (mun_slice_equal(pub.origin, b->out.ledger->pub.origin)) return MUN_OK;
    return not_ours(b->folder, "is the backup of another ledger", err);
}

/* The earlier backup must be of this history: else one of the two was altered, or the ledger was
 * set back, and what the backup holds is worth more than what would be written over it. */
static mun_code before_check(backing_up *b, mun_error *err)
{
    mun_hash root;
    const mun_tree_head *head = &b->out.head;
    if (b->before.size == 0) return MUN_OK;
    if (b->before.size > head->size) {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "the backup holds %llu entries and the ledger only %llu: the ledger has "
                         "lost entries or was set back; the backup was left as it is",
                         (unsigned long long)b->before.size, (unsigned long long)head->size);
    }
    MUN_TRY(mun_log_root(b->out.ledger->log, b->before.size, &root, err));
    if (mun_hash_equal(&root, &b->before.root)) return MUN_OK;
    return mun_failf(err, MUN_E_INVALID, 0,
                     "the backup and the ledger have two histories: they differ within the first "
                     "%llu entries; the backup was left as it is",
                     (unsigned long long)b->before.size);
}

static mun_code before_look(backing_up *b, mun_error *err)
{
    bool there = false;
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(MUN_CHECKPOINT_MAX);
    MUN_TRY(origin_check(b, err));
    MUN_TRY(mun_ledger_file_exists(b->folder, MUN_CHECKPOINT_FILE, &there, err));
    if (!there) return MUN_OK;
    MUN_TRY(mun_ledger_file_read(b->folder, MUN_CHECKPOINT_FILE, MUN_CHECKPOINT_MAX, &text, err));
    mun_code code = mun_checkpoint_head(mun_buf_slice(&text), &b->before, err);
    if (code != MUN_OK) {
        return mun_error_prefix(err, code, "the earlier backup's checkpoint cannot be read");
    }
    return before_check(b, err);
}

/* ---- A run ------------------------------------------------------------------------------------
 */

static mun_code put_if_other(backing_up *b, const char *name, mun_slice bytes, mun_error *err)
{
    MUN_BUF_AUTO mun_buf have = mun_buf_growable(MUN_CHECKPOINT_MAX);
    if (mun_ledger_file_read(b->folder, name, MUN_CHECKPOINT_MAX, &have, NULL) == MUN_OK &&
        mun_slice_equal(mun_buf_slice(&have), bytes)) {
        return MUN_OK;
    }
    return mun_tree_out_put(&b->out, name, bytes, err);
}

static mun_code run(backing_up *b, mun_error *err)
{
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(MUN_CHECKPOINT_MAX);
    mun_ledger *ledger = b->out.ledger;
    MUN_TRY(mun_ledger_refresh(ledger, err));
    MUN_TRY(mun_ledger_checkpoint(ledger, &checkpoint, err));
    MUN_TRY(mun_checkpoint_head(mun_buf_slice(&checkpoint), &b->out.head, err));
    MUN_TRY(folder_claim(b, err));
    MUN_TRY(before_look(b, err));
    b->out.have = b->before.size;
    MUN_TRY(mun_tree_out_tiles(&b->out, err));
    MUN_TRY(put_if_other(b, MUN_LEDGER_PUB_FILE, mun_buf_slice(&ledger->pub_text), err));
    return put_if_other(b, MUN_CHECKPOINT_FILE, mun_buf_slice(&checkpoint), err);
}

static mun_code backup(backing_up *b, mun_backup *ret, mun_error *err)
{
    mun_code code = run(b, err);
    if (b->lock != NULL) b->out.vfs.unlock(b->out.vfs.ctx, b->lock);
    mun_tree_out_finish(&b->out);
    if (code != MUN_OK || ret == NULL) return code;
    *ret = (mun_backup){.tree = mun_tree_of(&b->out.head),
                        .size_before = b->before.size,
                        .files_written = b->out.files,
                        .bytes_written = b->out.bytes};
    return MUN_OK;
}

mun_code mun_ledger_backup(mun_ledger *ledger, const char *folder, const mun_watch *watch,
                           mun_backup *ret, mun_error *err)
{
    mun_crypto *crypto = NULL;
    mun_watcher watcher;
    backing_up *b = calloc(1, sizeof *b);
    if (b == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    mun_code code = mun_crypto_pool_take(&ledger->pool, &crypto, err);
    if (code == MUN_OK) {
        mun_watcher_init(&watcher, watch);
        b->folder = folder;
        b->out.ledger = ledger;
        b->out.crypto = crypto;
        b->out.watcher = &watcher;
        code = backup(b, ret, err);
        mun_watcher_finish(&watcher);
        mun_crypto_pool_give(&ledger->pool, crypto);
    }
    free(b);
    return code;
}

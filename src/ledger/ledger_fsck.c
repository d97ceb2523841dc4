/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and rebuilding a ledger that nobody writes. */
#include "ledger/replay.h"

#include <muniment/keys.h>

/* What the log needs to be checked, and the watcher for both. */
typedef struct checking {
    const char *directory;
    mun_crypto crypto;
    mun_buf pub_text;
    mun_ledger_pub pub;
    mun_vfs vfs;
    mun_watcher watcher;
} checking;

static mun_code checking_open(checking *c, const char *directory, const mun_watch *watch,
                              mun_error *err)
{
    *c = (checking){.directory = directory, .pub_text = mun_buf_growable(MUN_LEDGER_PUB_MAX)};
    mun_watcher_init(&c->watcher, watch);
    MUN_TRY(mun_native_crypto_new(&c->crypto, err));
    MUN_TRY(mun_ledger_pub_read(&c->crypto, directory, &c->pub_text, &c->pub, err));
    return mun_vfs_posix_open(directory, &c->vfs, err);
}

static void checking_close(checking *c)
{
    if (c->vfs.ctx != NULL) mun_vfs_posix_close(&c->vfs);
    mun_native_crypto_free(&c->crypto);
    mun_buf_free(&c->pub_text);
    mun_watcher_finish(&c->watcher);
}

/* ---- fsck ---------------------------------------------------------------------------------- */

static void checkpoint_notice(checking *c)
{
    mun_watcher_notice(&c->watcher,
                       "the file checkpoint is not one of this ledger's; it is derived, "
                       "and is signed anew when it is next asked for");
}

/* What this ledger has signed must be on its log: a signed checkpoint of more entries, or of
 * others, says that the log was set back or replaced after it [LOG-35]. */
static mun_code checkpoint_check(checking *c, mun_ledger *ledger, mun_error *err)
{
    bool there = false;
    mun_tree_head head = {0}, now = mun_log_head(ledger->log);
    mun_hash root;
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(MUN_NOTE_MAX);
    MUN_TRY(mun_ledger_file_exists(c->directory, MUN_CHECKPOINT_FILE, &there, err));
    if (!there) return MUN_OK;
    if (mun_ledger_file_read(c->directory, MUN_CHECKPOINT_FILE, MUN_NOTE_MAX, &text, NULL) !=
            MUN_OK ||
        !mun_checkpoint_is_own(ledger, &c->crypto, mun_buf_slice(&text), &head)) {
        checkpoint_notice(c);
        return MUN_OK;
    }
    if (head.size > now.size) {
        mun_watcher_find(&c->watcher, MUN_CHECKPOINT_FILE, MUN_NO_OFFSET, MUN_NO_OFFSET,
                         "it signs %llu entries, and the log holds %llu: entries were lost, or the "
                         "ledger was set back to an older state",
                         (unsigned long long)head.size, (unsigned long long)now.size);
        return MUN_OK;
    }
    MUN_TRY(mun_log_root(ledger->log, head.size, &root, err));
    if (mun_hash_equal(&root, &head.root)) return MUN_OK;
    mun_watcher_find(&c->watcher, MUN_CHECKPOINT_FILE, MUN_NO_OFFSET, MUN_NO_OFFSET,
                     "it signs another root of the first %llu entries than the log has: entries "
                     "were replaced",
                     (unsigned long long)head.size);
    return MUN_OK;
}

/* Opening compares ledger.pub with the policy on the log. */
static mun_code check_above_log(checking *c, bool deep, mun_error *err)
{
    mun_ledger *ledger = NULL;
    mun_ledger_open_options options = {.read_only = true, .no_index = true, .no_keys = true};
    MUN_TRY(mun_ledger_open(c->directory, &options, &ledger, err));
    mun_code code = checkpoint_check(c, ledger, err);
    if (code == MUN_OK && deep) code = mun_replay_entries(ledger, &c->watcher, err);
    if (code == MUN_OK && deep) code = mun_replay_index(ledger, &c->watcher, err);
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    return code == MUN_OK ? closed : code;
}

static mun_code check(checking *c, bool deep, mun_tree_head *ret, mun_error *err)
{
    mun_error why = {0};
    mun_log_config config = mun_ledger_log_config(&c->vfs, c->pub.origin);
    mun_log_watch watch = mun_watcher_log(&c->watcher, "log");
    mun_code code = mun_log_fsck(&config, &watch, ret, &why);
    if (code == MUN_OK) code = check_above_log(c, deep, &why);
    if (code != MUN_OK && c->watcher.findings == 0) {
        if (code == MUN_E_DAMAGED) {
            mun_watcher_find(&c->watcher, c->directory, why.offset, MUN_NO_OFFSET, "%s", why.text);
        }
        if (err != NULL) *err = why;
        return code;
    }
    return mun_watcher_verdict(&c->watcher, err);
}

mun_code mun_ledger_fsck(const char *directory, bool deep, const mun_watch *watch, mun_tree *ret,
                         mun_error *err)
{
    checking c;
    mun_tree_head head = {0};
    mun_code code = checking_open(&c, directory, watch, err);
    if (code == MUN_OK) code = check(&c, deep, &head, err);
    checking_close(&c);
    if (code != MUN_OK || ret == NULL) return code;
    ret->size = head.size;
    memcpy(ret->root, head.root.bytes, MUN_HASH_SIZE);
    return MUN_OK;
}

/* ---- rebuild ------------------------------------------------------------------------------- */

mun_code mun_index_make_anew(mun_ledger *ledger, mun_watcher *watcher, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_code code = mun_control_current(ledger, crypto, err);
    if (code == MUN_OK) code = mun_row_follower_build(ledger, crypto, watcher, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

static mun_code rebuild_above_log(checking *c, mun_error *err)
{
    mun_ledger *ledger = NULL;
    mun_ledger_open_options options = {.no_index = true, .no_keys = true};
    MUN_TRY(mun_ledger_file_remove(c->directory, MUN_CONTROL_FILE, err));
    MUN_TRY(mun_ledger_open(c->directory, &options, &ledger, err));
    mun_code code = mun_index_make_anew(ledger, &c->watcher, err);
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    return code == MUN_OK ? closed : code;
}

mun_code mun_ledger_rebuild(const char *directory, const mun_watch *watch, mun_error *err)
{
    checking c;
    mun_code code = checking_open(&c, directory, watch, err);
    if (code == MUN_OK) {
        mun_log_config config = mun_ledger_log_config(&c.vfs, c.pub.origin);
        mun_log_watch log_watch = mun_watcher_log(&c.watcher, "log");
        code = mun_log_rebuild(&config, &log_watch, err);
    }
    if (code == MUN_OK) code = rebuild_above_log(&c, err);
    checking_close(&c);
    return code;
}

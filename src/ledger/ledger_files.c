/* SPDX-License-Identifier: Apache-2.0 */
/* Names inside a ledger's directory, the clock, and what every opening shares. */
#include "ledger/ledger_parts.h"

#include <muniment/keys.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

mun_code mun_path_join(const char *directory, const char *name, char ret[MUN_PATH_BYTES_MAX],
                       mun_error *err)
{
    int len = snprintf(ret, MUN_PATH_BYTES_MAX, "%s/%s", directory, name);
    if (len > 0 && len < MUN_PATH_BYTES_MAX) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the ledger's path is too long");
}

mun_code mun_ledger_file_read(const char *directory, const char *name, size_t max, mun_buf *ret,
                              mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_path_join(directory, name, path, err));
    return mun_file_read(path, max, ret, err);
}

mun_code mun_ledger_file_write(const char *directory, const char *name, mun_slice bytes,
                               unsigned flags, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_path_join(directory, name, path, err));
    return mun_file_write(path, bytes, flags, err);
}

mun_code mun_ledger_file_remove(const char *directory, const char *name, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_path_join(directory, name, path, err));
    mun_error why;
    mun_code code = mun_file_remove(path, &why);
    if (code == MUN_OK || code == MUN_E_NOT_FOUND) return MUN_OK;
    if (err != NULL) *err = why;
    return code;
}

mun_code mun_ledger_file_exists(const char *directory, const char *name, bool *ret, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    MUN_TRY(mun_path_join(directory, name, path, err));
    MUN_TRY(mun_file_look(path, true, &info, err));
    *ret = info.kind != MUN_FILE_MISSING;
    return MUN_OK;
}

void mun_hash_bytes(const mun_hash *hash, uint8_t ret[MUN_HASH_SIZE])
{
    memcpy(ret, hash->bytes, MUN_HASH_SIZE);
}

mun_tree mun_tree_of(const mun_tree_head *head)
{
    mun_tree tree = {.size = head->size};
    mun_hash_bytes(&head->root, tree.root);
    return tree;
}

bool mun_thread_start(pthread_t *ret, void *(*run)(void *), void *ctx)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(ret, NULL, run, ctx) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

uint64_t mun_system_clock_ms(void *ctx)
{
    (void)ctx;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec < 0) return 0;
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

mun_log_config mun_ledger_log_config(const mun_vfs *vfs, mun_slice origin)
{
    return (mun_log_config){
        .vfs = vfs,
        .origin = origin,
        .clock_ms = mun_system_clock_ms,
        .random = mun_native_random,
        .crypto_new = mun_native_crypto_new,
        .crypto_free = mun_native_crypto_free,
    };
}

mun_code mun_ledger_pub_read(const mun_crypto *crypto, const char *directory, mun_buf *ret_text,
                             mun_ledger_pub *ret, mun_error *err)
{
    char shown[MUN_PATH_TEXT_MAX];
    mun_path_text(shown, sizeof shown, directory);
    bool there = false;
    MUN_TRY(mun_ledger_file_exists(directory, MUN_LEDGER_PUB_FILE, &there, err));
    if (!there) {
        return mun_failf(err, MUN_E_NOT_FOUND, 0,
                         "there is no ledger in %s (it has no file ledger.pub); make one with: "
                         "muniment init DIR --name NAME",
                         shown);
    }
    MUN_TRY(
        mun_ledger_file_read(directory, MUN_LEDGER_PUB_FILE, MUN_LEDGER_PUB_MAX, ret_text, err));
    mun_code code = mun_ledger_pub_parse(crypto, mun_buf_slice(ret_text), ret, err);
    if (code == MUN_E_VERSION || code == MUN_OK) return code;
    if (err != NULL) err->code = MUN_E_DAMAGED;
    return mun_error_prefix(err, MUN_E_DAMAGED, "the file ledger.pub of the ledger is damaged");
}

mun_code mun_ledger_mark_copy(const char *directory, mun_error *err)
{
    mun_error why;
    mun_code code =
        mun_ledger_file_write(directory, MUN_COPY_FILE, MUN_LITERAL("muniment-copy 1\n"), 0, &why);
    if (code == MUN_OK || code == MUN_E_EXISTS) return MUN_OK;
    if (err != NULL) *err = why;
    return code;
}

mun_code mun_ledger_elsewhere(const mun_ledger *ledger, mun_error *err)
{
    return mun_failf(
        err, MUN_E_REFUSED, 0,
        "this directory is a copy of a ledger (by keys/home %s), so it only reads and signs "
        "nothing; use the original, or, if that is gone for good or this is the "
        "ledger itself on a new disk, run: muniment adopt DIR",
        ledger->elsewhere_why);
}

mun_code mun_ledger_need_writer(const mun_ledger *ledger, mun_error *err)
{
    if (ledger->elsewhere_why != NULL) return mun_ledger_elsewhere(ledger, err);
    if (ledger->copy) {
        return mun_fail(err, MUN_E_REFUSED, MUN_NO_OFFSET,
                        "this ledger is a copy and only reads, so that no second history is ever "
                        "signed; if the original is gone for good, run: muniment adopt DIR");
    }
    if (ledger->read_only) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "this ledger was opened for reading only");
    }
    return MUN_OK;
}

mun_code mun_ledger_need_keys(const mun_ledger *ledger, mun_error *err)
{
    if (ledger->no_keys.code == MUN_OK) return MUN_OK;
    if (err != NULL) *err = ledger->no_keys;
    return ledger->no_keys.code;
}

mun_code mun_ledger_statement(mun_ledger *ledger, uint64_t index, mun_buf *ret_entry,
                              uint64_t *ret_time_ms, mun_statement *ret, mun_error *err)
{
    uint64_t time_ms = 0;
    MUN_TRY(mun_log_read(ledger->log, index, ret_entry, &time_ms, err));
    mun_code code = mun_statement_parse(mun_buf_slice(ret_entry), ret, err);
    if (code != MUN_OK) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "entry %llu is no signed statement",
                 (unsigned long long)index);
        if (err != NULL) err->code = MUN_E_DAMAGED;
        return mun_error_prefix(err, MUN_E_DAMAGED, prefix);
    }
    if (ret_time_ms != NULL) *ret_time_ms = time_ms;
    return MUN_OK;
}

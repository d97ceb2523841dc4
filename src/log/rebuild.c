/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the derived streams again, from the entries: offsets and hash levels, under other names
 * first. They take their places only when the recomputed tree has the root of the superblock, so
 * damaged entries never get matching hashes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "log/log_audit.h"
#include "log/store_version.h"

#define NEW_SUFFIX ".new"

typedef struct rebuild {
    mun_audit audit;
    mun_crypto crypto;
    uint8_t *tails;
    mun_file *stream[MUN_STREAMS];
} rebuild;

static void names(unsigned stream, char name[MUN_FILE_NAME_MAX], char fresh[MUN_FILE_NAME_MAX])
{
    mun_stream_name(name, stream, 0);
    snprintf(fresh, MUN_FILE_NAME_MAX, "%.30s" NEW_SUFFIX, name);
}

static mun_code broken(mun_audit *audit, mun_audit_segment *s, uint32_t i, uint64_t offset,
                       const char *sentence, mun_error *err)
{
    (void)audit;
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, MUN_STREAM_SEGMENT, s->number);
    return mun_damage(err, name, offset, s->first + i, sentence);
}

static bool resume(mun_audit *audit, mun_audit_segment *s, uint32_t i, uint64_t *ret)
{
    (void)audit, (void)s, (void)i, (void)ret;
    return false;
}

static mun_code before(mun_audit *audit, mun_audit_segment *s, mun_error *err)
{
    (void)audit, (void)s, (void)err;
    return MUN_OK;
}

static mun_code put(rebuild *r, unsigned stream, uint64_t at, const void *bytes, size_t len,
                    mun_error *err)
{
    const mun_vfs *vfs = r->audit.config->vfs;
    return vfs->write(vfs->ctx, r->stream[stream], at, bytes, len, err);
}

static mun_code leaves(mun_audit *audit, mun_audit_segment *s, const mun_crypto *crypto,
                       mun_error *err)
{
    (void)crypto;
    rebuild *r = audit->ctx;
    if (s->read < s->count) {
        return mun_fail(err, MUN_E_DAMAGED, MUN_NO_OFFSET, "a segment has too few entries");
    }
    for (uint32_t i = 0; i < s->count; i++) {
        uint8_t *to = s->stored_offset + 4 * (size_t)i;
        to[0] = (uint8_t)(s->offset[i] >> 24);
        to[1] = (uint8_t)(s->offset[i] >> 16);
        to[2] = (uint8_t)(s->offset[i] >> 8);
        to[3] = (uint8_t)s->offset[i];
    }
    MUN_TRY(put(r, MUN_STREAM_OFFSETS, 4 * s->first, s->stored_offset, 4 * (size_t)s->count, err));
    return put(r, MUN_STREAM_LEVEL, MUN_HASH_SIZE * s->first, s->leaf,
               MUN_HASH_SIZE * (size_t)s->count, err);
}

static mun_code nodes(mun_audit *audit, unsigned level, uint64_t first, const mun_hash *node,
                      uint64_t count, mun_hash *scratch, mun_error *err)
{
    (void)scratch;
    return put(audit->ctx, MUN_STREAM_LEVEL + level, MUN_HASH_SIZE * first, node,
               MUN_HASH_SIZE * (size_t)count, err);
}

static bool derived(unsigned stream)
{
    return stream != MUN_STREAM_SEGMENT && stream != MUN_STREAM_COMMITS;
}

static mun_code make_files(rebuild *r, mun_error *err)
{
    const mun_vfs *vfs = r->audit.config->vfs;
    mun_error ignored;
    mun_code code = vfs->make_dir(vfs->ctx, MUN_DIR_HASHES, &ignored);
    if (code != MUN_OK && code != MUN_E_EXISTS) {
        if (err != NULL) *err = ignored;
        return code;
    }
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        char name[MUN_FILE_NAME_MAX], fresh[MUN_FILE_NAME_MAX];
        if (!derived(s)) continue;
        names(s, name, fresh);
        MUN_TRY(vfs->open(vfs->ctx, fresh, MUN_OPEN_WRITE | MUN_OPEN_CREATE, &r->stream[s], err));
        MUN_TRY(vfs->truncate(vfs->ctx, r->stream[s], 0, err));
    }
    return MUN_OK;
}

static mun_code install(rebuild *r, mun_error *err)
{
    const mun_vfs *vfs = r->audit.config->vfs;
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        if (derived(s)) MUN_TRY(vfs->sync(vfs->ctx, r->stream[s], err));
    }
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        char name[MUN_FILE_NAME_MAX], fresh[MUN_FILE_NAME_MAX];
        if (!derived(s)) continue;
        names(s, name, fresh);
        MUN_TRY(vfs->rename(vfs->ctx, fresh, name, err));
    }
    MUN_TRY(vfs->sync_dir(vfs->ctx, MUN_DIR_HASHES, err));
    return vfs->sync_dir(vfs->ctx, "", err);
}

static void discard(rebuild *r)
{
    const mun_vfs *vfs = r->audit.config->vfs;
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        char name[MUN_FILE_NAME_MAX], fresh[MUN_FILE_NAME_MAX];
        if (!derived(s)) continue;
        names(s, name, fresh);
        (void)!vfs->remove(vfs->ctx, fresh, NULL);
    }
}

static mun_code write_streams(rebuild *r, mun_error *err)
{
    static const mun_audit_work work = {
        .resume = resume, .broken = broken, .before = before, .leaves = leaves, .nodes = nodes};
    mun_hash root;
    r->audit.work = &work;
    r->audit.ctx = r;
    r->audit.segment_tail = r->tails + (size_t)MUN_STREAM_SEGMENT * MUN_LOG_BLOCK;
    MUN_TRY(make_files(r, err));
    MUN_TRY(mun_audit_run(&r->audit, &root, err));
    if (!mun_hash_equal(&root, &r->audit.sb.root)) {
        return mun_damage(err, MUN_DIR_ENTRIES, 0, MUN_NO_OFFSET,
                          "the entries do not give the root of the superblock: an entry is "
                          "damaged; fsck names it, restore its segment from a backup");
    }
    return install(r, err);
}

static mun_code find_superblock(rebuild *r, mun_error *err)
{
    const mun_log_config *config = r->audit.config;
    mun_journal journal = {0};
    mun_hash id;
    r->crypto.sha256(r->crypto.ctx, &config->origin, 1, id.bytes);
    MUN_TRY(mun_journal_open(&journal, config->vfs, MUN_OPEN_READ, err));
    mun_code code = mun_journal_superblock(&journal, &id, &r->crypto, &r->audit.sb, r->tails, err);
    mun_journal_close(&journal);
    return code;
}

static mun_code run(rebuild *r, mun_error *err)
{
    const mun_log_config *config = r->audit.config;
    MUN_TRY(config->crypto_new(&r->crypto, err));
    mun_code code = mun_aligned((size_t)MUN_STREAMS * MUN_LOG_BLOCK, &r->tails, err);
    if (code == MUN_OK) code = find_superblock(r, err);
    if (code == MUN_OK) {
        code = write_streams(r, err);
        for (unsigned s = 0; s < MUN_STREAMS; s++) {
            config->vfs->close(config->vfs->ctx, r->stream[s]);
        }
        if (code != MUN_OK) discard(r);
    }
    free(r->tails);
    config->crypto_free(&r->crypto);
    return code;
}

mun_code mun_log_rebuild(const mun_log_config *config, const mun_log_watch *watch, mun_error *err)
{
    const mun_vfs *vfs = config->vfs;
    mun_file *lock;
    MUN_TRY(mun_store_version(vfs, err));
    MUN_TRY(vfs->lock(vfs->ctx, MUN_FILE_LOCK, "rebuild", &lock, err));
    rebuild *r = calloc(1, sizeof *r);
    mun_code code = MUN_E_MEMORY;
    if (r != NULL) {
        r->audit.config = config;
        r->audit.watch = watch;
        code = run(r, err);
    } else {
        (void)mun_fail(err, code, MUN_NO_OFFSET, "out of memory");
    }
    free(r);
    vfs->unlock(vfs->ctx, lock);
    return code;
}

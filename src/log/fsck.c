/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything on the disk against everything else: the journal by recovery's own reading, entries
 * against leaf hashes and offsets, each hash level against the one below, the root against the
 * superblock, commit records against their digests and order. Reads only.
 */
#include <stdio.h>
#include <stdlib.h>

#include "log/log_audit.h"
#include "log/store_recover.h"
#include "log/store_version.h"

typedef struct fsck {
    mun_audit audit;
    const mun_log_watch *watch;
    pthread_mutex_t lock; /* findings come one at a time */
    uint64_t findings;
    mun_error first; /* sentence of the first one, for the error */
    mun_crypto crypto;
    mun_hash ledger_id;
    uint8_t *tails;
    mun_file *stream[MUN_STREAMS]; /* NULL: missing, reported */
    bool at_rest;                  /* nothing waits in the ring */
    bool edge_sound;               /* the hash files' right edge gives the superblock's root */
    mun_tree_head head;
} fsck;

static void find(fsck *f, const char *file, uint64_t offset, uint64_t entry, const char *sentence)
{
    pthread_mutex_lock(&f->lock);
    if (f->findings++ == 0) (void)mun_damage(&f->first, file, offset, entry, sentence);
    if (f->watch != NULL && f->watch->finding != NULL) {
        mun_log_finding finding = {file, offset, entry, sentence};
        f->watch->finding(f->watch->ctx, &finding);
    }
    pthread_mutex_unlock(&f->lock);
}

/* Damage becomes a finding; everything else stays a failure of the check itself. mun_damage words
 * it "FILE, byte N ...: sentence", so the file can be taken from it. */
static mun_code found(fsck *f, mun_code code, const mun_error *why)
{
    if (code != MUN_E_DAMAGED) return code;
    char file[MUN_FILE_NAME_MAX];
    size_t len = strcspn(why->text, ",");
    snprintf(file, sizeof file, "%.*s", (int)(len < sizeof file ? len : sizeof file - 1),
             why->text);
    const char *sentence = strstr(why->text, ": ");
    find(f, file, why->offset == MUN_NO_OFFSET ? 0 : why->offset, MUN_NO_OFFSET,
         sentence != NULL ? sentence + 2 : why->text);
    return MUN_OK;
}

/* ---- segments --------------------------------------------------------------------------------*/

static mun_code broken(mun_audit *audit, mun_audit_segment *s, uint32_t i, uint64_t offset,
                       const char *sentence, mun_error *err)
{
    (void)err;
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, MUN_STREAM_SEGMENT, s->number);
    find(audit->ctx, name, offset, s->first + i, sentence);
    return MUN_OK;
}

static uint64_t stored_offset(const mun_audit_segment *s, uint32_t i)
{
    const uint8_t *p = s->stored_offset + 4 * (size_t)i;
    return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
}

static bool resume(mun_audit *audit, mun_audit_segment *s, uint32_t i, uint64_t *ret)
{
    fsck *f = audit->ctx;
    if (f->stream[MUN_STREAM_OFFSETS] == NULL || i >= s->count) return false;
    *ret = stored_offset(s, i);
    return true;
}

/* A record that does not match its hash may have a damaged length: believe the offsets then. */
static uint64_t behind(mun_audit *audit, const mun_audit_segment *s, uint32_t i, uint64_t end)
{
    const fsck *f = audit->ctx;
    if (mun_hash_equal(&s->leaf[i], &s->stored[i]) || i + 1 >= s->count) return end;
    if (f->stream[MUN_STREAM_OFFSETS] == NULL) return end;
    uint64_t next = stored_offset(s, i + 1);
    return next > s->offset[i] + 2 ? next : end;
}

/* Part of a stream; missing bytes are zero, and reported by the stream's own length check. While
 * batches wait in the ring, the last partial block is the superblock's. */
static mun_code load(fsck *f, unsigned stream, uint64_t at, void *ret, size_t len, mun_error *err)
{
    const mun_vfs *vfs = f->audit.config->vfs;
    const mun_superblock *sb = &f->audit.sb;
    size_t got = 0;
    memset(ret, 0, len);
    if (f->stream[stream] == NULL) return MUN_OK;
    MUN_TRY(vfs->read(vfs->ctx, f->stream[stream], at, ret, len, &got, err));
    uint64_t end = mun_stream_length(stream, sb->size, sb->batches, sb->segment_bytes);
    uint64_t tail_at = end / MUN_LOG_BLOCK * MUN_LOG_BLOCK;
    if (f->at_rest || at + len <= tail_at) return MUN_OK;
    uint64_t from = at > tail_at ? at : tail_at;
    memcpy((uint8_t *)ret + (from - at),
           f->tails + (size_t)stream * MUN_LOG_BLOCK + (from - tail_at), (size_t)(at + len - from));
    return MUN_OK;
}

static mun_code before(mun_audit *audit, mun_audit_segment *s, mun_error *err)
{
    fsck *f = audit->ctx;
    MUN_TRY(load(f, MUN_STREAM_OFFSETS, 4 * s->first, s->stored_offset, 4 * (size_t)s->count, err));
    return load(f, MUN_STREAM_LEVEL, MUN_HASH_SIZE * s->first, s->stored,
                MUN_HASH_SIZE * (size_t)s->count, err);
}

/* A partial tile is part of the edge that gave the superblock's root, where its last block was
 * the superblock's own copy. */
static bool edge_is_right(const fsck *f, const mun_audit_segment *s, uint32_t i)
{
    uint64_t at = MUN_HASH_SIZE * (s->first + i);
    uint64_t tail_at = MUN_HASH_SIZE * f->audit.sb.size / MUN_LOG_BLOCK * MUN_LOG_BLOCK;
    const uint8_t *tail = f->tails + (size_t)MUN_STREAM_LEVEL * MUN_LOG_BLOCK;
    if (at < tail_at) return f->edge_sound;
    return memcmp(tail + (at - tail_at), s->stored[i].bytes, MUN_HASH_SIZE) == 0;
}

/* A leaf hash differs: the tile one level up tells whether the hash file or the entry is wrong. */
static mun_code blame_leaf(fsck *f, const mun_audit_segment *s, const mun_crypto *crypto,
                           uint32_t i, mun_error *err)
{
    uint32_t tile = i / MUN_LOG_TILE_WIDTH * MUN_LOG_TILE_WIDTH;
    char name[MUN_FILE_NAME_MAX];
    bool hash_is_right = edge_is_right(f, s, i);
    if (tile + MUN_LOG_TILE_WIDTH <= s->count) {
        mun_hash above, run;
        uint64_t n = (s->first + tile) / MUN_LOG_TILE_WIDTH;
        MUN_TRY(load(f, MUN_STREAM_LEVEL + 1, MUN_HASH_SIZE * n, &above, sizeof above, err));
        mun_hash_run(crypto, s->stored + tile, MUN_LOG_TILE_WIDTH, &run);
        hash_is_right = mun_hash_equal(&run, &above);
    }
    if (hash_is_right) {
        mun_stream_name(name, MUN_STREAM_SEGMENT, s->number);
        find(f, name, s->offset[i], s->first + i, "the entry does not match its hash in hashes/0");
    } else {
        mun_stream_name(name, MUN_STREAM_LEVEL, 0);
        find(f, name, MUN_HASH_SIZE * (s->first + i), s->first + i,
             "the hash is not that of the entry; run rebuild");
    }
    return MUN_OK;
}

static void check_length(fsck *f, const mun_audit_segment *s)
{
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, MUN_STREAM_SEGMENT, s->number);
    bool current = s->count < MUN_LOG_SEGMENT_ENTRIES;
    if (current && s->end != f->audit.sb.segment_bytes) {
        find(f, name, s->end, MUN_NO_OFFSET, "the entries do not end where the superblock says");
    } else if (!current && s->end != s->file_bytes) {
        find(f, name, s->end, MUN_NO_OFFSET, "there are bytes behind the segment's last entry");
    }
}

static mun_code leaves(mun_audit *audit, mun_audit_segment *s, const mun_crypto *crypto,
                       mun_error *err)
{
    fsck *f = audit->ctx;
    static const mun_hash unread; /* of a record that could not be read, and was reported */
    for (uint32_t i = 0; i < s->read; i++) {
        if (s->offset[i] != stored_offset(s, i) && f->stream[MUN_STREAM_OFFSETS] != NULL) {
            find(f, MUN_FILE_OFFSETS, 4 * (s->first + i), s->first + i,
                 "the offset is not where the entry begins; run rebuild");
        }
        if (mun_hash_equal(&s->leaf[i], &s->stored[i]) || mun_hash_equal(&s->leaf[i], &unread)) {
            continue;
        }
        if (f->stream[MUN_STREAM_LEVEL] != NULL) MUN_TRY(blame_leaf(f, s, crypto, i, err));
    }
    if (s->read == s->count) check_length(f, s);
    return MUN_OK;
}

static mun_code nodes(mun_audit *audit, unsigned level, uint64_t first, const mun_hash *node,
                      uint64_t count, mun_hash *scratch, mun_error *err)
{
    fsck *f = audit->ctx;
    if (f->stream[MUN_STREAM_LEVEL + level] == NULL) return MUN_OK;
    MUN_TRY(load(f, MUN_STREAM_LEVEL + level, MUN_HASH_SIZE * first, scratch,
                 MUN_HASH_SIZE * (size_t)count, err));
    if (memcmp(scratch, node, MUN_HASH_SIZE * (size_t)count) == 0) return MUN_OK;
    for (uint64_t i = 0; i < count; i++) {
        if (mun_hash_equal(&scratch[i], &node[i])) continue;
        char name[MUN_FILE_NAME_MAX];
        mun_stream_name(name, MUN_STREAM_LEVEL + level, 0);
        find(f, name, MUN_HASH_SIZE * (first + i), (first + i) << (level * MUN_LOG_TILE_BITS),
             "the hash is not that of the entries below it");
    }
    return MUN_OK;
}

/* ---- commit records --------------------------------------------------------------------------*/

typedef struct commit_order {
    uint64_t first, time;
} commit_order;

static void check_records(fsck *f, const uint8_t *block, uint64_t n, unsigned used,
                          commit_order *last)
{
    for (unsigned i = 0; i < used; i++) {
        uint64_t first, time;
        mun_commit_get(block, i, &first, &time);
        bool begins = n != 0 || i != 0 || first == 0;
        if (first < last->first || time < last->time || first > f->audit.sb.size || !begins) {
            find(f, MUN_FILE_COMMITS, n * MUN_LOG_BLOCK + 16 * (uint64_t)i, first,
                 "the registration times or indexes go back");
            return;
        }
        *last = (commit_order){first, time};
    }
}

static mun_code check_commits(fsck *f, mun_error *err)
{
    uint8_t block[MUN_LOG_BLOCK];
    commit_order last = {0};
    uint64_t batches = f->audit.sb.batches;
    if (f->stream[MUN_STREAM_COMMITS] == NULL) return MUN_OK;
    if (batches == 0 && f->audit.sb.size != 0) {
        find(f, MUN_FILE_JOURNAL, 0, MUN_NO_OFFSET, "there are entries but no commit records");
    }
    for (uint64_t n = 0; n * MUN_LOG_COMMITS_IN_BLOCK < batches; n++) {
        uint64_t left = batches - n * MUN_LOG_COMMITS_IN_BLOCK;
        bool partial = left < MUN_LOG_COMMITS_IN_BLOCK;
        unsigned used = partial ? (unsigned)left : MUN_LOG_COMMITS_IN_BLOCK;
        if (partial && !f->at_rest) {
            memcpy(block, f->tails + (size_t)MUN_STREAM_COMMITS * MUN_LOG_BLOCK, sizeof block);
        } else {
            const mun_vfs *vfs = f->audit.config->vfs;
            size_t got = 0;
            memset(block, 0, sizeof block);
            MUN_TRY(vfs->read(vfs->ctx, f->stream[MUN_STREAM_COMMITS], n * MUN_LOG_BLOCK, block,
                              sizeof block, &got, err));
        }
        if (mun_commit_sound(block, used, &f->crypto)) {
            check_records(f, block, n, used, &last);
        } else {
            find(f, MUN_FILE_COMMITS, n * MUN_LOG_BLOCK, MUN_NO_OFFSET,
                 "the registration times in this block do not match their digest; restore the "
                 "file from a backup");
        }
    }
    return MUN_OK;
}

/* ---- streams and journal ---------------------------------------------------------------------*/

static mun_code open_streams(fsck *f, mun_error *err)
{
    const mun_vfs *vfs = f->audit.config->vfs;
    const mun_superblock *sb = &f->audit.sb;
    for (unsigned s = 0; s < MUN_STREAMS; s++) {
        char name[MUN_FILE_NAME_MAX];
        uint64_t size;
        if (s == MUN_STREAM_SEGMENT) continue;
        mun_stream_name(name, s, 0);
        mun_code code = vfs->open(vfs->ctx, name, MUN_OPEN_READ, &f->stream[s], err);
        if (code == MUN_E_NOT_FOUND) {
            f->stream[s] = NULL;
            find(f, name, 0, MUN_NO_OFFSET,
                 s == MUN_STREAM_COMMITS ? "the file is missing; restore it from a backup"
                                         : "the file is missing; run rebuild");
            continue;
        }
        if (code != MUN_OK) return code;
        MUN_TRY(vfs->size(vfs->ctx, f->stream[s], &size, err));
        uint64_t want = mun_stream_length(s, sb->size, sb->batches, 0);
        if (!f->at_rest) want = want / MUN_LOG_BLOCK * MUN_LOG_BLOCK;
        if (size < want) find(f, name, size, MUN_NO_OFFSET, "the file ends too early");
        /* More is there after a crash only, when batches wait or a torn one was dropped. */
    }
    return MUN_OK;
}

/* What recovery would say; it also tells whether batches wait in the ring. */
static mun_code check_journal(fsck *f, mun_journal *journal, mun_error *err)
{
    const mun_superblock *sb = &f->audit.sb;
    mun_streams streams;
    mun_replay replay;
    MUN_TRY(mun_streams_init(&streams, f->audit.config->vfs, err));
    mun_error why = {0};
    mun_code code = mun_streams_open(&streams, sb, f->tails, MUN_OPEN_READ, &why);
    f->at_rest = true;
    f->head = (mun_tree_head){.size = sb->size, .root = sb->root};
    if (code == MUN_E_DAMAGED) { /* missing or short: check_streams says which, in its words */
        mun_streams_finish(&streams);
        return MUN_OK;
    }
    if (code == MUN_OK) code = mun_replay_read(&replay, journal, &streams, sb, &f->crypto, &why);
    mun_streams_finish(&streams);
    f->edge_sound = code == MUN_OK ||
                    !mun_slice_starts(mun_slice_cstr(why.text), MUN_LITERAL(MUN_DIR_HASHES ","));
    if (!f->edge_sound) return MUN_OK; /* the hash itself will be named */
    if (code == MUN_OK) {
        f->at_rest = replay.batches == 0;
        f->head = (mun_tree_head){.size = replay.end.frontier.size, .root = replay.end.root};
        mun_replay_finish(&replay);
        return MUN_OK;
    }
    if (code != MUN_E_DAMAGED && err != NULL) *err = why;
    return found(f, code, &why);
}

static mun_code check_streams(fsck *f, mun_error *err)
{
    static const mun_audit_work work = {.resume = resume,
                                        .behind = behind,
                                        .broken = broken,
                                        .before = before,
                                        .leaves = leaves,
                                        .nodes = nodes};
    mun_hash root;
    f->audit.work = &work;
    f->audit.watch = f->watch;
    f->audit.ctx = f;
    if (!f->at_rest) f->audit.segment_tail = f->tails + (size_t)MUN_STREAM_SEGMENT * MUN_LOG_BLOCK;
    MUN_TRY(open_streams(f, err));
    MUN_TRY(mun_audit_run(&f->audit, &root, err));
    MUN_TRY(check_commits(f, err));
    if (f->findings == 0 && !mun_hash_equal(&root, &f->audit.sb.root)) {
        find(f, MUN_FILE_JOURNAL, 0, MUN_NO_OFFSET,
             "the entries do not give the root of the superblock");
    }
    return MUN_OK;
}

static mun_code check_all(fsck *f, mun_error *err)
{
    mun_journal journal = {0};
    mun_error why = {0};
    const mun_log_config *config = f->audit.config;
    mun_code code = mun_journal_open(&journal, config->vfs, MUN_OPEN_READ, &why);
    if (code == MUN_OK) {
        code = mun_journal_superblock(&journal, &f->ledger_id, &f->crypto, &f->audit.sb, f->tails,
                                      &why);
    }
    if (code == MUN_OK) {
        code = check_journal(f, &journal, err);
    } else {
        if (code != MUN_E_DAMAGED && err != NULL) *err = why;
        mun_journal_close(&journal);
        return found(f, code, &why);
    }
    if (code == MUN_OK) code = check_streams(f, err);
    mun_journal_close(&journal);
    return code;
}

static mun_code run(fsck *f, mun_error *err)
{
    const mun_log_config *config = f->audit.config;
    MUN_TRY(config->crypto_new(&f->crypto, err));
    mun_code code = mun_aligned((size_t)MUN_STREAMS * MUN_LOG_BLOCK, &f->tails, err);
    if (code == MUN_OK) {
        f->crypto.sha256(f->crypto.ctx, &config->origin, 1, f->ledger_id.bytes);
        code = check_all(f, err);
    }
    for (unsigned s = 0; s < MUN_STREAMS; s++) config->vfs->close(config->vfs->ctx, f->stream[s]);
    free(f->tails);
    config->crypto_free(&f->crypto);
    return code;
}

mun_code mun_log_fsck(const mun_log_config *config, const mun_log_watch *watch,
                      mun_tree_head *ret_head, mun_error *err)
{
    const mun_vfs *vfs = config->vfs;
    mun_file *lock;
    MUN_TRY(mun_store_version(vfs, err));
    MUN_TRY(vfs->lock(vfs->ctx, MUN_FILE_LOCK, "fsck", &lock, err));
    fsck *f = calloc(1, sizeof *f);
    if (f == NULL) {
        vfs->unlock(vfs->ctx, lock);
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    }
    f->audit.config = config;
    f->watch = watch;
    pthread_mutex_init(&f->lock, NULL);
    mun_code code = run(f, err);
    vfs->unlock(vfs->ctx, lock);
    if (code == MUN_OK && f->findings > 0) {
        code = MUN_E_DAMAGED;
        if (err != NULL) *err = f->first;
    }
    if (code == MUN_OK && ret_head != NULL) *ret_head = f->head;
    pthread_mutex_destroy(&f->lock);
    free(f);
    return code;
}

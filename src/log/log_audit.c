/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log_audit.h"

#include <signal.h>
#include <stdlib.h>

#include "log/log_parts.h"

#define READ_STEP (256u << 10) /* bytes read at a time: what stays in a core's own cache */

static mun_code no_memory(mun_error *err)
{
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for checking a segment");
}

/* ---- one segment -----------------------------------------------------------------------------*/

static void segment_free(mun_audit_segment *s)
{
    free(s->offset);
    free(s->leaf);
    free(s->buffer);
    free(s->stored);
    free(s->stored_offset);
}

/* The caller frees, also after a failure. */
static mun_code segment_alloc(mun_audit_segment *s, mun_error *err)
{
    *s = (mun_audit_segment){
        .offset = malloc(MUN_LOG_SEGMENT_ENTRIES * sizeof *s->offset),
        .leaf = malloc(MUN_LOG_SEGMENT_ENTRIES * sizeof *s->leaf),
        .buffer = malloc(READ_STEP),
        .stored = malloc(MUN_LOG_SEGMENT_ENTRIES * sizeof *s->stored),
        .stored_offset = malloc(4 * (size_t)MUN_LOG_SEGMENT_ENTRIES),
    };
    if (s->offset == NULL || s->leaf == NULL || s->buffer == NULL || s->stored == NULL ||
        s->stored_offset == NULL) {
        return no_memory(err);
    }
    return MUN_OK;
}

/* Reads up to len bytes of a segment; the last partial block of the current one may come from the
 * superblock. */
static mun_code read_segment(mun_audit *audit, mun_file *file, const mun_audit_segment *s,
                             uint64_t at, uint8_t *ret, size_t len, size_t *ret_len, mun_error *err)
{
    const mun_vfs *vfs = audit->config->vfs;
    bool current = s->number == audit->sb.size / MUN_LOG_SEGMENT_ENTRIES;
    if (audit->segment_tail == NULL || !current) {
        return vfs->read(vfs->ctx, file, at, ret, len, ret_len, err);
    }
    uint64_t end = audit->sb.segment_bytes;
    uint64_t tail_at = end / MUN_LOG_BLOCK * MUN_LOG_BLOCK;
    size_t got = 0;
    if (at > end) at = end;
    if (len > end - at) len = (size_t)(end - at);
    size_t head = at < tail_at ? (size_t)(tail_at - at < len ? tail_at - at : len) : 0;
    if (head > 0) MUN_TRY(vfs->read(vfs->ctx, file, at, ret, head, &got, err));
    if (got == head && len > head) {
        memcpy(ret + head, audit->segment_tail + (at + head - tail_at), len - head);
        got = len;
    }
    *ret_len = got;
    return MUN_OK;
}

/* Record i is not readable at this offset: ask where to go on. False: nowhere. */
static mun_code skip(mun_audit *audit, mun_audit_segment *s, uint64_t *at, const char *sentence,
                     bool *ret_on, mun_error *err)
{
    uint64_t next;
    *ret_on = false;
    MUN_TRY(audit->work->broken(audit, s, s->read, *at, sentence, err));
    if (!audit->work->resume(audit, s, s->read + 1, &next) || next <= *at) return MUN_OK;
    s->offset[s->read] = (uint32_t)*at;
    memset(&s->leaf[s->read], 0, sizeof s->leaf[0]);
    s->read++;
    *at = next;
    *ret_on = true;
    return MUN_OK;
}

/* Takes the whole records of a buffer whose first byte is at *at; *at ends where to go on. */
static void take_records(mun_audit *audit, mun_audit_segment *s, const mun_crypto *crypto,
                         const uint8_t *bytes, size_t len, uint64_t *at)
{
    const uint64_t base = *at;
    size_t pos = 0;
    while (s->read < s->count && len - pos >= 2) {
        size_t entry = (size_t)bytes[pos] << 8 | bytes[pos + 1];
        if (entry == 0 || len - pos - 2 < entry) break;
        s->offset[s->read] = (uint32_t)(base + pos);
        mun_hash_leaf(crypto, mun_slice_of(bytes + pos + 2, entry), &s->leaf[s->read]);
        uint64_t next = base + pos + 2 + entry;
        if (audit->work->behind != NULL) next = audit->work->behind(audit, s, s->read, next);
        s->read++;
        if (next - base > len) { /* a damaged length: go on elsewhere */
            *at = next;
            return;
        }
        pos = (size_t)(next - base);
    }
    *at = base + pos;
}

static mun_code read_records(mun_audit *audit, mun_file *file, mun_audit_segment *s,
                             const mun_crypto *crypto, mun_error *err)
{
    uint64_t at = 0;
    while (s->read < s->count && !atomic_load(&audit->stop)) {
        size_t got = 0;
        uint64_t before = at;
        MUN_TRY(read_segment(audit, file, s, at, s->buffer, READ_STEP, &got, err));
        take_records(audit, s, crypto, s->buffer, got, &at);
        if (at != before) continue;
        bool on = false;
        bool zero = got >= 2 && s->buffer[0] == 0 && s->buffer[1] == 0;
        MUN_TRY(skip(audit, s, &at,
                     zero ? "an entry of no bytes stands here" : "the file ends inside an entry",
                     &on, err));
        if (!on) break;
    }
    s->end = at;
    return MUN_OK;
}

/* Heights of n nodes one above another, in place. Levels are handed to the work; where a node is
 * left without sibling it is the frontier's. *ret_n: how many remain at the height `top`. */
static mun_code reduce(mun_audit *audit, mun_hash *node, uint64_t n, uint64_t first,
                       unsigned height, unsigned top, const mun_crypto *crypto, mun_hash *scratch,
                       mun_frontier *rest, mun_error *err)
{
    for (; height < top && n > 0; height++) {
        if ((n & 1) != 0) rest->node[height] = node[n - 1];
        n /= 2;
        for (uint64_t i = 0; i < n; i++) {
            mun_hash_node(crypto, &node[2 * i], &node[2 * i + 1], &node[i]);
        }
        unsigned level = (height + 1) / MUN_LOG_TILE_BITS;
        if ((height + 1) % MUN_LOG_TILE_BITS == 0 && level < MUN_LOG_LEVELS && n > 0) {
            MUN_TRY(audit->work->nodes(audit, level, first >> (height + 1), node, n, scratch, err));
        }
    }
    return MUN_OK;
}

#define SEGMENT_HEIGHT ((unsigned)__builtin_ctz(MUN_LOG_SEGMENT_ENTRIES))

static mun_code open_segment(mun_audit *audit, mun_audit_segment *s, mun_file **ret, mun_error *err)
{
    const mun_vfs *vfs = audit->config->vfs;
    char name[MUN_FILE_NAME_MAX];
    mun_error ignored;
    mun_stream_name(name, MUN_STREAM_SEGMENT, s->number);
    mun_code code = vfs->open(vfs->ctx, name, MUN_OPEN_READ, ret, &ignored);
    if (code == MUN_E_NOT_FOUND) {
        *ret = NULL;
        return audit->work->broken(audit, s, 0, 0, "the file is missing", err);
    }
    if (code != MUN_OK) {
        if (err != NULL) *err = ignored;
        return code;
    }
    code = vfs->size(vfs->ctx, *ret, &s->file_bytes, err);
    if (code != MUN_OK) vfs->close(vfs->ctx, *ret);
    return code;
}

static mun_code audit_segment(mun_audit *audit, mun_audit_segment *s, const mun_crypto *crypto,
                              mun_error *err)
{
    const mun_vfs *vfs = audit->config->vfs;
    mun_file *file;
    s->read = 0;
    s->end = 0;
    MUN_TRY(audit->work->before(audit, s, err));
    MUN_TRY(open_segment(audit, s, &file, err));
    if (file == NULL) return MUN_OK;
    mun_code code = read_records(audit, file, s, crypto, err);
    vfs->close(vfs->ctx, file);
    if (code != MUN_OK) return code;
    MUN_TRY(audit->work->leaves(audit, s, crypto, err));
    if (s->read < s->count) return MUN_OK; /* damage, reported */
    bool full = s->count == MUN_LOG_SEGMENT_ENTRIES;
    mun_frontier unused;
    MUN_TRY(reduce(audit, s->leaf, s->count, s->first, 0, SEGMENT_HEIGHT, crypto, s->stored,
                   full ? &unused : &audit->rest, err));
    if (full) audit->segment_root[s->number] = s->leaf[0];
    return MUN_OK;
}

/* ---- all of them -----------------------------------------------------------------------------*/

static mun_code audit_segments(mun_audit *audit, const mun_crypto *crypto, mun_error *err)
{
    mun_audit_segment s;
    uint64_t size = audit->sb.size;
    mun_code code = segment_alloc(&s, err);
    while (code == MUN_OK && !atomic_load(&audit->stop)) {
        s.number = atomic_fetch_add(&audit->next, 1);
        s.first = s.number * MUN_LOG_SEGMENT_ENTRIES;
        if (s.first >= size) break;
        uint64_t left = size - s.first;
        s.count = left < MUN_LOG_SEGMENT_ENTRIES ? (uint32_t)left : MUN_LOG_SEGMENT_ENTRIES;
        code = audit_segment(audit, &s, crypto, err);
        uint64_t done = atomic_fetch_add(&audit->done, s.count) + s.count;
        if (audit->watch != NULL && audit->watch->progress != NULL) {
            audit->watch->progress(audit->watch->ctx, done, size);
        }
    }
    segment_free(&s);
    return code;
}

static void *audit_main(void *arg)
{
    mun_audit *audit = arg;
    mun_crypto crypto;
    mun_error err = {0};
    mun_code code = audit->config->crypto_new(&crypto, &err);
    if (code == MUN_OK) {
        code = audit_segments(audit, &crypto, &err);
        audit->config->crypto_free(&crypto);
    }
    if (code != MUN_OK) {
        pthread_mutex_lock(&audit->lock);
        if (audit->code == MUN_OK) {
            audit->code = code;
            audit->err = err;
        }
        atomic_store(&audit->stop, true);
        pthread_mutex_unlock(&audit->lock);
    }
    return NULL;
}

/* This thread works as well; the others are a help that may fail to come. */
static void run_threads(mun_audit *audit)
{
    unsigned n = mun_log_threads(audit->config) - 1;
    uint64_t segments = audit->sb.size / MUN_LOG_SEGMENT_ENTRIES;
    if (n > segments) n = (unsigned)segments;
    pthread_t *thread = n == 0 ? NULL : calloc(n, sizeof *thread);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    unsigned started = 0;
    while (thread != NULL && started < n &&
           pthread_create(&thread[started], NULL, audit_main, audit) == 0) {
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    audit_main(audit);
    for (unsigned i = 0; i < started; i++) pthread_join(thread[i], NULL);
    free(thread);
}

/* The part of the tree above the segments, and the root. */
static mun_code finish_tree(mun_audit *audit, mun_hash *ret_root, mun_error *err)
{
    uint64_t full = audit->sb.size / MUN_LOG_SEGMENT_ENTRIES;
    mun_crypto crypto;
    mun_hash *scratch = malloc((size_t)(full + 1) * sizeof *scratch);
    if (scratch == NULL) return no_memory(err);
    mun_code code = audit->config->crypto_new(&crypto, err);
    if (code == MUN_OK) {
        code = reduce(audit, audit->segment_root, full, 0, SEGMENT_HEIGHT, MUN_PATH_MAX, &crypto,
                      scratch, &audit->rest, err);
        audit->rest.size = audit->sb.size;
        mun_frontier_root(&audit->rest, &crypto, ret_root);
        audit->config->crypto_free(&crypto);
    }
    free(scratch);
    return code;
}

mun_code mun_audit_run(mun_audit *audit, mun_hash *ret_root, mun_error *err)
{
    uint64_t full = audit->sb.size / MUN_LOG_SEGMENT_ENTRIES;
    audit->segment_root = calloc((size_t)full + 1, sizeof *audit->segment_root);
    if (audit->segment_root == NULL) return no_memory(err);
    memset(&audit->rest, 0, sizeof audit->rest);
    pthread_mutex_init(&audit->lock, NULL);
    run_threads(audit);
    mun_code code = audit->code;
    if (code != MUN_OK && err != NULL) *err = audit->err;
    if (code == MUN_OK) code = finish_tree(audit, ret_root, err);
    pthread_mutex_destroy(&audit->lock);
    free(audit->segment_root);
    return code;
}

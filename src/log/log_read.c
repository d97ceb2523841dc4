/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and registration times, one by one or in a row. */
#include <stdlib.h>

#include "log/log_parts.h"
#include "log/store_layout.h"

#define SCAN_STEP 64u /* entries read at a time: at most 4 MiB */

static mun_code check_index(mun_log *log, uint64_t index, mun_error *err)
{
    mun_tree_head head = mun_log_head(log);
    if (index < head.size) return MUN_OK;
    return mun_failf(err, MUN_E_NOT_FOUND, 0, "the log has %llu entries; there is no number %llu",
                     (unsigned long long)head.size, (unsigned long long)index);
}

/*
 * After a failed sync the kernel may show a file's old blocks again: what was read beyond the last
 * good sync says nothing then. Asked after reading, so that a failure meanwhile counts.
 */
static mun_code synced_check(const mun_log *log, uint64_t last, mun_error *err)
{
    if (log->store == NULL || last < mun_store_flushed(log->store)) return MUN_OK;
    return mun_log_check(log, err);
}

mun_code mun_log_unless_lost(const mun_log *log, uint64_t last, mun_code code, mun_error *err)
{
    mun_error why = {0};
    mun_code synced = synced_check(log, last, &why);
    if (synced == MUN_OK) return code;
    if (err != NULL) *err = why;
    return synced;
}

static mun_code from_streams(mun_log *log, uint64_t index, mun_buf *ret_entry,
                             uint64_t *ret_time_ms, mun_error *err)
{
    mun_worker *worker;
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = MUN_OK;
    if (ret_entry != NULL) {
        code = mun_reader_entry(log->reader, &worker->crypto, index, mun_log_on_disk(log),
                                ret_entry, NULL, err);
    }
    if (code == MUN_OK && ret_time_ms != NULL) {
        code = mun_reader_time(log->reader, &worker->crypto, index, ret_time_ms, err);
    }
    mun_worker_give(log, worker);
    if (code != MUN_OK && code != MUN_E_DAMAGED) return code;
    return mun_log_unless_lost(log, index, code, err);
}

mun_code mun_log_read(mun_log *log, uint64_t index, mun_buf *ret_entry, uint64_t *ret_time_ms,
                      mun_error *err)
{
    MUN_TRY(check_index(log, index, err));
    if (index >= mun_log_on_disk(log) &&
        mun_recent_entry(&log->recent, index, ret_entry, ret_time_ms)) {
        if (ret_entry == NULL || mun_buf_ok(ret_entry)) return MUN_OK;
        return mun_buf_fail(ret_entry, err, "the entry does not fit the buffer");
    }
    return from_streams(log, index, ret_entry, ret_time_ms, err);
}

mun_code mun_log_time(mun_log *log, uint64_t index, uint64_t *ret_time_ms, mun_error *err)
{
    return mun_log_read(log, index, NULL, ret_time_ms, err);
}

/* ---- times -----------------------------------------------------------------------------------*/

typedef struct times {
    mun_log *log;
    mun_log_time_visit visit;
    void *ctx;
    uint64_t at;   /* the next entry to look at */
    uint64_t time; /* of the one before it */
} times;

static mun_code times_of_streams(times *t, mun_time_walk *walk, uint64_t end, mun_error *err)
{
    for (;;) {
        bool there;
        uint64_t first;
        MUN_TRY(mun_time_walk_change(walk, end, &there, &first, err));
        if (!there) break;
        MUN_TRY(t->visit(t->ctx, first, walk->time, err));
    }
    t->at = end;
    t->time = walk->time;
    return MUN_OK;
}

/* Record after record, not entry after entry: what the log has of them in its streams. */
static mun_code times_by_records(times *t, mun_worker *worker, uint64_t end, mun_error *err)
{
    mun_time_walk *walk = malloc(sizeof *walk);
    if (walk == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    mun_code code = mun_time_walk_start(walk, t->log->reader, &worker->crypto, t->at - 1, err);
    if (code == MUN_OK) code = times_of_streams(t, walk, end, err);
    free(walk);
    return code;
}

static mun_code times_of_next(times *t, mun_error *err)
{
    uint64_t time = 0;
    MUN_TRY(mun_log_time(t->log, t->at, &time, err));
    if (time != t->time) MUN_TRY(t->visit(t->ctx, t->at, time, err));
    t->time = time;
    t->at++;
    return MUN_OK;
}

mun_code mun_log_times(mun_log *log, uint64_t first, uint64_t end, mun_log_time_visit visit,
                       void *ctx, mun_error *err)
{
    times t = {.log = log, .visit = visit, .ctx = ctx, .at = first + 1};
    if (first >= end) return MUN_OK;
    MUN_TRY(check_index(log, end - 1, err));
    MUN_TRY(mun_log_time(log, first, &t.time, err));
    MUN_TRY(visit(ctx, first, t.time, err));
    while (t.at < end) {
        uint64_t on_disk = mun_log_on_disk(log);
        if (t.at >= on_disk) {
            MUN_TRY(times_of_next(&t, err));
            continue;
        }
        mun_worker *worker;
        MUN_TRY(mun_worker_take(log, &worker, err));
        uint64_t stop = end < on_disk ? end : on_disk;
        mun_code code = times_by_records(&t, worker, stop, err);
        mun_worker_give(log, worker);
        MUN_TRY(mun_log_unless_lost(log, stop - 1, code, err));
    }
    return MUN_OK;
}

/* ---- scan ------------------------------------------------------------------------------------*/

typedef struct scan {
    mun_log *log;
    mun_worker *worker;
    mun_log_visit visit;
    void *ctx;
    mun_time_walk *times; /* NULL: not started */
    mun_buf buf;
} scan;

static mun_code scan_time(scan *s, uint64_t index, uint64_t *ret, mun_error *err)
{
    if (s->times == NULL) {
        s->times = malloc(sizeof *s->times);
        if (s->times == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
        mun_code code =
            mun_time_walk_start(s->times, s->log->reader, &s->worker->crypto, index, err);
        if (code != MUN_OK) {
            free(s->times);
            s->times = NULL;
            return code;
        }
    }
    return mun_time_walk_next(s->times, index, ret, err);
}

mun_code mun_log_record_take(const mun_crypto *crypto, uint64_t index, const mun_hash *leaf,
                             const uint8_t **at, const uint8_t *end, mun_slice *ret_entry,
                             mun_error *err)
{
    char name[MUN_FILE_NAME_MAX];
    mun_hash found;
    size_t left = (size_t)(end - *at);
    size_t len = left < 2 ? 0 : (size_t)(*at)[0] << 8 | (*at)[1];
    mun_stream_name(name, MUN_STREAM_SEGMENT, index / MUN_LOG_SEGMENT_ENTRIES);
    if (len == 0 || left < 2 + len) {
        return mun_damage(err, name, 0, index, "the lengths of the entries do not fit");
    }
    mun_slice entry = mun_slice_of(*at + 2, len);
    mun_hash_leaf(crypto, entry, &found);
    if (!mun_hash_equal(&found, leaf)) {
        return mun_damage(err, name, 0, index, "the entry does not match its hash in hashes/0");
    }
    *ret_entry = entry;
    *at += 2 + len;
    return MUN_OK;
}

/* Entries first .. first+count-1, whose records are in s->buf. */
static mun_code visit_records(scan *s, uint64_t first, uint32_t count, mun_error *err)
{
    mun_hash want[SCAN_STEP];
    const uint8_t *at = s->buf.ptr;
    const uint8_t *end = at + s->buf.len;
    MUN_TRY(mun_reader_hashes(s->log->reader, 0, first, count, want, err));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t time = 0;
        mun_slice entry = {0};
        MUN_TRY(
            mun_log_record_take(&s->worker->crypto, first + i, &want[i], &at, end, &entry, err));
        MUN_TRY(scan_time(s, first + i, &time, err));
        MUN_TRY(s->visit(s->ctx, first + i, time, entry, &want[i], err));
    }
    return MUN_OK;
}

static mun_code scan_streams(scan *s, uint64_t *index, uint64_t end, mun_error *err)
{
    while (*index < end) {
        uint64_t in_segment = MUN_LOG_SEGMENT_ENTRIES - *index % MUN_LOG_SEGMENT_ENTRIES;
        uint64_t count = end - *index;
        if (count > SCAN_STEP) count = SCAN_STEP;
        if (count > in_segment) count = in_segment;
        mun_buf_clear(&s->buf);
        mun_code code = mun_reader_records(s->log->reader, *index, (uint32_t)count,
                                           mun_log_on_disk(s->log), &s->buf, err);
        if (code == MUN_OK) code = visit_records(s, *index, (uint32_t)count, err);
        MUN_TRY(mun_log_unless_lost(s->log, *index + count - 1, code, err));
        *index += count;
    }
    return MUN_OK;
}

/* False: the entry has gone to the streams. */
static mun_code scan_recent(scan *s, uint64_t index, bool *ret_there, mun_error *err)
{
    uint64_t time;
    mun_hash leaf;
    mun_buf_clear(&s->buf);
    *ret_there = mun_recent_entry(&s->log->recent, index, &s->buf, &time);
    if (!*ret_there) return MUN_OK;
    mun_hash_leaf(&s->worker->crypto, mun_buf_slice(&s->buf), &leaf);
    return s->visit(s->ctx, index, time, mun_buf_slice(&s->buf), &leaf, err);
}

static mun_code scan_all(scan *s, uint64_t index, uint64_t end, mun_error *err)
{
    while (index < end) {
        uint64_t on_disk = mun_log_on_disk(s->log);
        if (index < on_disk) {
            /* The walk holds commit records as they were when it read them. */
            free(s->times);
            s->times = NULL;
            MUN_TRY(scan_streams(s, &index, end < on_disk ? end : on_disk, err));
            continue;
        }
        bool there;
        MUN_TRY(scan_recent(s, index, &there, err));
        if (there) index++;
    }
    return MUN_OK;
}

mun_code mun_log_scan(mun_log *log, uint64_t first, uint64_t end, mun_log_visit visit, void *ctx,
                      mun_error *err)
{
    if (first >= end) return MUN_OK;
    MUN_TRY(check_index(log, end - 1, err));
    scan s = {.log = log, .visit = visit, .ctx = ctx};
    s.buf = mun_buf_growable((size_t)SCAN_STEP * (2 + MUN_ENTRY_MAX));
    mun_code code = mun_worker_take(log, &s.worker, err);
    if (code == MUN_OK) code = scan_all(&s, first, end, err);
    mun_worker_give(log, s.worker);
    mun_buf_free(&s.buf);
    free(s.times);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/commits.h"

#include "base/buf.h"
#include "base/cursor.h"

#define RECORDS_BYTES (MUN_COMMITS_RECORDS * 16)

/* ---- Writing ------------------------------------------------------------------------------- */

typedef struct writing {
    const mun_crypto *crypto;
    mun_buf *to;
    size_t start; /* where the file begins in the buffer */
    size_t max;   /* bytes of it; 0: no limit */
    bool full;
    uint64_t next; /* the entry of the first record that has no room */
} writing;

static void block_close(const writing *w)
{
    static const uint8_t zeros[16] = {0};
    uint8_t digest[MUN_HASH_SIZE];
    mun_buf *ret = w->to;
    while ((ret->len - w->start) % MUN_COMMITS_BLOCK != RECORDS_BYTES && mun_buf_ok(ret)) {
        mun_buf_put(ret, mun_slice_of(zeros, sizeof zeros));
    }
    if (!mun_buf_ok(ret)) return;
    mun_slice records = mun_slice_of(ret->ptr + ret->len - RECORDS_BYTES, RECORDS_BYTES);
    w->crypto->sha256(w->crypto->ctx, &records, 1, digest);
    mun_buf_put(ret, mun_slice_of(digest, sizeof digest));
}

static mun_code put_record(void *ctx, uint64_t first, uint64_t time_ms, mun_error *err)
{
    writing *w = ctx;
    if (w->max > 0 && w->to->len - w->start >= w->max) {
        w->full = true;
        w->next = first;
        return MUN_E_LIMIT; /* ends the walk; mun_commits_write takes it back */
    }
    mun_buf_u64(w->to, first);
    mun_buf_u64(w->to, time_ms);
    if ((w->to->len - w->start) % MUN_COMMITS_BLOCK == RECORDS_BYTES) block_close(w);
    if (mun_buf_ok(w->to)) return MUN_OK;
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET,
                    "the registration times take more room than is allowed");
}

mun_code mun_commits_write(const mun_crypto *crypto, mun_log *log, uint64_t first, uint64_t size,
                           size_t blocks, mun_buf *ret, uint64_t *ret_next, mun_error *err)
{
    writing w = {.crypto = crypto, .to = ret, .start = ret->len, .max = blocks * MUN_COMMITS_BLOCK};
    mun_code code = mun_log_times(log, first, size, put_record, &w, err);
    if (code != MUN_OK && !(w.full && code == MUN_E_LIMIT)) return code;
    if ((ret->len - w.start) % MUN_COMMITS_BLOCK != 0) block_close(&w);
    if (!mun_buf_ok(ret)) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET,
                        "the registration times take more room than is allowed");
    }
    *ret_next = w.full ? w.next : size;
    return MUN_OK;
}

/* ---- Reading ------------------------------------------------------------------------------- */

mun_commit_record mun_commits_at(const mun_commits *commits, uint64_t record)
{
    uint64_t block = record / MUN_COMMITS_RECORDS, in_block = record % MUN_COMMITS_RECORDS;
    const uint8_t *at = commits->bytes.ptr + block * MUN_COMMITS_BLOCK + in_block * 16;
    mun_cursor c = mun_cursor_over(mun_slice_of(at, 16));
    mun_commit_record ret = {.first = mun_cursor_u64(&c)};
    ret.time_ms = mun_cursor_u64(&c);
    return ret;
}

static mun_code wrong(mun_error *err, uint64_t offset, const char *sentence)
{
    return mun_fail(err, MUN_E_INVALID, offset, sentence);
}

static mun_code digests_check(const mun_crypto *crypto, mun_slice bytes, mun_error *err)
{
    if (bytes.len == 0 || bytes.len % MUN_COMMITS_BLOCK != 0) {
        return wrong(err, bytes.len, "commits: its length is not a multiple of 4,096 bytes");
    }
    for (size_t at = 0; at < bytes.len; at += MUN_COMMITS_BLOCK) {
        uint8_t digest[MUN_HASH_SIZE];
        mun_slice records = mun_slice_of(bytes.ptr + at, RECORDS_BYTES);
        crypto->sha256(crypto->ctx, &records, 1, digest);
        if (memcmp(bytes.ptr + at + RECORDS_BYTES, digest, sizeof digest) != 0) {
            return wrong(err, at, "commits: the digest of a block of registration times is wrong");
        }
    }
    return MUN_OK;
}

/* The last block may be filled up with zeros; a record of zeros can only be the very first. */
static uint64_t records_count(const mun_commits *commits)
{
    uint64_t n = commits->bytes.len / MUN_COMMITS_BLOCK * MUN_COMMITS_RECORDS, least = n - 253;
    for (; n > least; n--) {
        mun_commit_record last = mun_commits_at(commits, n - 1);
        if (last.first != 0 || last.time_ms != 0) break;
    }
    return n;
}

mun_code mun_commits_check(const mun_crypto *crypto, mun_slice bytes, uint64_t first, uint64_t size,
                           mun_commits *ret, mun_error *err)
{
    mun_commits commits = {.bytes = bytes};
    MUN_TRY(digests_check(crypto, bytes, err));
    commits.records = records_count(&commits);
    mun_commit_record previous = mun_commits_at(&commits, 0);
    if (previous.first > first) {
        return mun_failf(err, MUN_E_INVALID, 0, "commits: entry %llu has no registration time",
                         (unsigned long long)first);
    }
    for (uint64_t i = 1; i < commits.records; i++) {
        mun_commit_record record = mun_commits_at(&commits, i);
        if (record.first < previous.first || record.time_ms < previous.time_ms) {
            return wrong(err, i / MUN_COMMITS_RECORDS * MUN_COMMITS_BLOCK,
                         "commits: registration times or indexes go down");
        }
        previous = record;
    }
    /* [EXP-9]: of a later run, or of a service whose ledger has grown since its checkpoint. */
    while (commits.records > 1 && mun_commits_at(&commits, commits.records - 1).first >= size) {
        commits.records--;
    }
    *ret = commits;
    return MUN_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/source_times.h"

#include "ledger/source.h"
#include "ledger/tree_out.h"

#include <stdio.h>

#define NAME_MAX_BYTES 80

void mun_source_times_init(mun_source_times *times, const mun_source *source,
                           const mun_crypto *crypto, uint64_t size)
{
    *times = (mun_source_times){.source = source,
                                .crypto = crypto,
                                .size = size,
                                .window = MUN_SOURCE_TIMES,
                                .bytes = mun_buf_growable(MUN_COMMITS_MAX)};
}

void mun_source_times_finish(mun_source_times *times)
{
    mun_buf_free(&times->bytes);
}

/* What begins or ends elsewhere than was asked for comes from somebody who gives the whole. */
static bool is_as_asked(const mun_commits *commits, uint64_t first, uint64_t end)
{
    return mun_commits_at(commits, 0).first == first &&
           mun_commits_at(commits, commits->records - 1).first < end;
}

static mun_code load(mun_source_times *t, uint64_t first, mun_error *err)
{
    char name[NAME_MAX_BYTES] = MUN_COMMITS_FILE;
    uint64_t end = t->size - first > t->window ? first + t->window : t->size;
    bool asks = t->source->queries;
    if (asks) {
        snprintf(name, sizeof name, MUN_COMMITS_FILE "?from=%llu&size=%llu",
                 (unsigned long long)first, (unsigned long long)end);
    }
    MUN_TRY(mun_source_read(t->source, name, MUN_COMMITS_MAX, &t->bytes, err));
    MUN_TRY(
        mun_commits_check(t->crypto, mun_buf_slice(&t->bytes), first, t->size, &t->commits, err));
    t->end = asks && is_as_asked(&t->commits, first, end) ? end : t->size;
    t->record = 0;
    return MUN_OK;
}

static uint64_t next_change(const mun_source_times *t)
{
    uint64_t next = t->record + 1;
    uint64_t first = next < t->commits.records ? mun_commits_at(&t->commits, next).first : t->end;
    return first < t->end ? first : t->end;
}

mun_code mun_source_times_at(mun_source_times *t, uint64_t index, uint64_t *ret_ms,
                             uint64_t *ret_until, mun_error *err)
{
    if (index >= t->end) MUN_TRY(load(t, index, err));
    while (t->record + 1 < t->commits.records &&
           mun_commits_at(&t->commits, t->record + 1).first <= index) {
        t->record++;
    }
    uint64_t ms = mun_commits_at(&t->commits, t->record).time_ms;
    if (ms < t->last_ms) {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "commits: entry %llu was registered before the one in front of it",
                         (unsigned long long)index);
    }
    *ret_ms = t->last_ms = ms;
    *ret_until = next_change(t);
    return MUN_OK;
}

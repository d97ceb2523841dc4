/* SPDX-License-Identifier: Apache-2.0 */
/* source_times.h: from a source that answers what it is asked, from one that always gives the
 * whole, from a folder; every size, every window, every number of entries with the same time. */
#include "base/buf.h"
#include "ledger/source_times.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/native_crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 40, GROWN = 9, BLOCK = 4096, RECORDS = 254 };

typedef struct fake {
    uint64_t time[ENTRIES_MAX + GROWN]; /* the source has grown since its checkpoint */
    uint64_t size;                      /* with that */
    bool heeds;                         /* the question */
    uint64_t back_at;                   /* from this window on its times are of yesterday */
    unsigned calls;
} fake;

static uint64_t parameter(const char *name, const char *key, uint64_t otherwise)
{
    const char *at = strstr(name, key);
    return at == NULL ? otherwise : strtoull(at + strlen(key), NULL, 10);
}

/* One block is enough for so few. */
static void put_times(const fake *f, uint64_t first, uint64_t end, mun_buf *ret)
{
    uint8_t digest[MUN_HASH_SIZE];
    uint64_t back = f->back_at > 0 && first >= f->back_at ? 5000 : 0;
    size_t start = ret->len;
    for (uint64_t i = first; i < end; i++) {
        if (i > first && f->time[i] == f->time[i - 1]) continue;
        mun_buf_u64(ret, i);
        mun_buf_u64(ret, f->time[i] - back);
    }
    while (ret->len - start < RECORDS * 16) mun_buf_u64(ret, 0);
    mun_slice records = mun_slice_of(ret->ptr + start, RECORDS * 16);
    crypto.sha256(crypto.ctx, &records, 1, digest);
    mun_buf_put(ret, mun_slice_of(digest, sizeof digest));
}

static mun_code fake_read(void *ctx, const char *name, size_t max, mun_buf *ret, mun_error *err)
{
    fake *f = ctx;
    (void)err;
    f->calls++;
    assert_true(max >= BLOCK);
    assert_int_equal(strncmp(name, "commits", 7), 0);
    uint64_t first = f->heeds ? parameter(name, "from=", 0) : 0;
    uint64_t end = f->heeds ? parameter(name, "size=", f->size) : f->size;
    assert_true(first < end && end <= f->size);
    put_times(f, first, end, ret);
    return MUN_OK;
}

/* `same` entries have one time. */
static void fake_init(fake *f, uint64_t size, unsigned same)
{
    *f = (fake){.size = size + GROWN};
    for (uint64_t i = 0; i < f->size; i++) f->time[i] = 10000 + i / same * 10;
}

typedef struct asking {
    uint64_t first, size, window;
    bool queries;
} asking;

static mun_code ask_all(fake *f, const asking *a, mun_error *err)
{
    mun_source source = {.ctx = f, .read = fake_read, .queries = a->queries};
    mun_source_times times;
    mun_code code = MUN_OK;
    uint64_t ms = 0, until = a->first;
    mun_source_times_init(&times, &source, &crypto, a->size);
    times.window = a->window;
    for (uint64_t i = a->first; i < a->size && code == MUN_OK; i++) {
        if (i >= until) code = mun_source_times_at(&times, i, &ms, &until, err);
        if (code != MUN_OK) break;
        assert_true(until > i);
        assert_int_equal(ms, f->time[i]);
    }
    mun_source_times_finish(&times);
    return code;
}

static uint64_t windows(const asking *a)
{
    return (a->size - a->first + a->window - 1) / a->window;
}

static void every_small_one(void **state)
{
    (void)state;
    fake f;
    for (uint64_t size = 1; size <= ENTRIES_MAX; size += 3) {
        for (uint64_t window = 1; window <= 9; window++) {
            for (unsigned same = 1; same <= 5; same += 2) {
                asking a = {size / 3, size, window, true};
                fake_init(&f, size, same);
                f.heeds = true;
                must(ask_all(&f, &a, err));
                assert_int_equal(f.calls, windows(&a));
                fake_init(&f, size, same);
                must(ask_all(&f, &a, err));
                assert_true(f.calls <= 2);
                fake_init(&f, size, same);
                a.queries = false;
                must(ask_all(&f, &a, err));
                assert_int_equal(f.calls, 1);
            }
        }
    }
}

/* What is in order within each answer must be so from one to the next, too. */
static void a_time_that_goes_back(void **state)
{
    (void)state;
    fake f;
    mun_error why = {0};
    const asking a = {0, 20, 10, true};
    fake_init(&f, a.size, 1);
    f.heeds = true;
    f.back_at = 10;
    assert_int_equal(ask_all(&f, &a, &why), MUN_E_INVALID);
    assert_non_null(strstr(why.text, "entry 10"));
    assert_int_equal(f.calls, 2);
}

static mun_code nothing_read(void *ctx, const char *name, size_t max, mun_buf *ret, mun_error *err)
{
    (void)ctx;
    (void)max;
    (void)ret;
    return mun_failf(err, MUN_E_AGAIN, 0, "no %s now", name);
}

static void a_source_that_fails(void **state)
{
    (void)state;
    mun_source source = {.read = nothing_read, .queries = true};
    mun_source_times times;
    mun_error why = {0};
    uint64_t ms = 7, until = 8;
    mun_source_times_init(&times, &source, &crypto, 300000);
    assert_int_equal(mun_source_times_at(&times, 70000, &ms, &until, &why), MUN_E_AGAIN);
    assert_string_equal(why.text, "no commits?from=70000&size=135536 now");
    assert_int_equal(mun_source_times_at(&times, 299999, &ms, &until, &why), MUN_E_AGAIN);
    assert_string_equal(why.text, "no commits?from=299999&size=300000 now");
    assert_int_equal(ms, 7);
    assert_int_equal(until, 8);
    mun_source_times_finish(&times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_one),
        cmocka_unit_test(a_time_that_goes_back),
        cmocka_unit_test(a_source_that_fails),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}

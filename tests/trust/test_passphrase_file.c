/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of a file, whatever ends it, up to the longest passphrase there is. */
#include "trust/passphrase_file.h"

#include "support/cmocka_all.h"
#include "vfs/files.h"

#include <muniment/keys.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/mun-passphrase-XXXXXX";

static mun_code read_of(mun_slice text, mun_buf *ret, mun_error *why)
{
    mun_buf_clear(ret);
    assert_int_equal(mun_file_write(path, text, MUN_WRITE_REPLACE, NULL), MUN_OK);
    return mun_passphrase_read(path, ret, why);
}

static void lines(void **state)
{
    (void)state;
    static const char *const texts[] = {"secret", "secret\n", "secret\r\n",
                                        "secret\nanother line\n"};
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf got = mun_buf_fixed(room, sizeof room);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(read_of(mun_slice_cstr(texts[i]), &got, NULL), MUN_OK);
        assert_int_equal(got.len, 6);
        assert_memory_equal(got.ptr, "secret", 6);
    }
}

static void longest(void **state)
{
    (void)state;
    uint8_t room[MUN_PASSPHRASE_MAX], text[3 * MUN_PASSPHRASE_MAX];
    mun_buf got = mun_buf_fixed(room, sizeof room);
    mun_error why = {0};
    memset(text, 'x', sizeof text);
    memcpy(text + MUN_PASSPHRASE_MAX, "\r\n", 2);
    assert_int_equal(read_of(mun_slice_of(text, MUN_PASSPHRASE_MAX), &got, NULL), MUN_OK);
    assert_int_equal(read_of(mun_slice_of(text, MUN_PASSPHRASE_MAX + 2), &got, NULL), MUN_OK);
    assert_int_equal(got.len, MUN_PASSPHRASE_MAX);
    text[MUN_PASSPHRASE_MAX] = 'x';
    assert_int_equal(read_of(mun_slice_of(text, MUN_PASSPHRASE_MAX + 2), &got, &why), MUN_E_USAGE);
    assert_non_null(strstr(why.text, "1024"));
    assert_non_null(strstr(why.text, path));
    assert_int_equal(got.len, 0);
    assert_int_equal(read_of(mun_slice_of(text, sizeof text), &got, NULL), MUN_E_LIMIT);
}

static void nothing(void **state)
{
    (void)state;
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf got = mun_buf_fixed(room, sizeof room);
    assert_int_equal(read_of(mun_slice_cstr(""), &got, NULL), MUN_E_USAGE);
    assert_int_equal(read_of(mun_slice_cstr("\nsecret"), &got, NULL), MUN_E_USAGE);
    assert_int_equal(mun_passphrase_read("/nonexistent/file", &got, NULL), MUN_E_NOT_FOUND);
    assert_int_equal(got.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(longest),
                                       cmocka_unit_test(nothing)};
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}

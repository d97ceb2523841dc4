/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects, paths, times, text from outside, the configuration, the worst of several verdicts. */
#include "cli/check_document.h"
#include "cli/codec_text.h"
#include "cli/document.h"
#include "cli/speak.h"
#include "cli/subject.h"
#include "cli/user_config.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

static void subject_is(const char *template, const char *path, const char *wanted)
{
    mun_buf subject MUN_BUF_AUTO = mun_buf_growable(MUN_NAME_MAX);
    mun_error err;
    if (mun_subject_make(template, path, &subject, &err) != MUN_OK) fail_msg("%s", err.text);
    mun_buf_u8(&subject, '\0');
    assert_string_equal((const char *)subject.ptr, wanted);
}

static void subjects(void **state)
{
    (void)state;
    subject_is(NULL, "a/b c.txt", "a/b c.txt");
    subject_is("{path}", "a/b", "a/b");
    subject_is("{name}", "a/b", "b");
    subject_is("x{name}y{path}z", "a/b", "xbya/bz");
    subject_is("{names} {", "a", "{names} {");
    subject_is(NULL, "100%.txt", "100%.txt");
    subject_is(NULL, "caf\xc3\xa9", "caf\xc3\xa9");
    subject_is(NULL, "caf\xe9 100%", "caf%E9 100%25");
    subject_is(NULL, "\xff\xc3\xa9", "%FF\xc3\xa9");
    mun_buf subject MUN_BUF_AUTO = mun_buf_growable(MUN_NAME_MAX);
    assert_int_equal(mun_subject_make(NULL, "", &subject, NULL), MUN_E_USAGE);
    static char longest[MUN_NAME_MAX + 2];
    memset(longest, 'a', MUN_NAME_MAX + 1);
    assert_int_equal(mun_subject_make(NULL, longest, &subject, NULL), MUN_E_LIMIT);
}

static void clean_paths(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a/b", "a/b"},       {"./a//b/", "a/b"}, {"/a/b", "a/b"},    {"../../a", "a"},
        {"a/../b", "b"},      {"a/./b/..", "a"},  {"..", ""},         {"", ""},
        {"a/b/../../c", "c"}, {"...", "..."},     {"a/..b", "a/..b"}, {"a/../../b", "b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char ret[32];
        assert_string_equal(mun_path_clean(cases[i][0], ret), cases[i][1]);
    }
    assert_string_equal(mun_path_name("a/b"), "b");
    assert_string_equal(mun_path_name("b"), "b");
    assert_true(mun_path_ends("x.scitt", ".scitt"));
    assert_false(mun_path_ends("scitt", ".scitt"));
}

static void plain_is(mun_slice text, const char *wanted)
{
    char ret[32];
    assert_string_equal(mun_plain(ret, sizeof ret, text), wanted);
}

static void text_from_outside(void **state)
{
    (void)state;
    plain_is(MUN_LITERAL("caf\xc3\xa9"), "caf\xc3\xa9");
    plain_is(MUN_LITERAL("\x1b[31m"), "\\x1b[31m");
    plain_is(MUN_LITERAL("a\nb\0"), "a\\x0ab\\x00");
    plain_is(MUN_LITERAL("\xff"), "\\xff");
    plain_is(MUN_LITERAL("\xe2\x80\xae"
                         "x"),
             "\\xe2\\x80\\xaex");                    /* right-to-left override */
    plain_is(MUN_LITERAL("\xc2\x9b"), "\\xc2\\x9b"); /* C1 control */
    plain_is(MUN_LITERAL("0123456789012345678901234567890123456789"),
             "0123456789012345678901234567...");
}

static void moment_is(const char *text, uint64_t wanted)
{
    uint64_t ms = 1;
    mun_error err;
    if (mun_moment_parse(text, &ms, &err) != MUN_OK) fail_msg("%s", err.text);
    assert_int_equal(ms, wanted);
}

static void moments(void **state)
{
    (void)state;
    char text[MUN_TIME_TEXT];
    static const char *const wrong[] = {
        "",           "today",          "2026-13-01",
        "2026-02-30", "2026-1-1",       "2026-11-22T16:00:01",
        "-5",         "99999999999999", "2026-11-22T16:00:01Z0000000000"};
    moment_is("0", 0);
    moment_is("1970-01-02", 86400000);
    moment_is("2026-11-22T16:00:01Z", UINT64_C(1795363201000));
    moment_is("1795363201", UINT64_C(1795363201000));
    assert_string_equal(mun_moment_text(UINT64_C(1795363201999), text), "2026-11-22T16:00:01Z");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t ms;
        assert_int_equal(mun_moment_parse(wrong[i], &ms, NULL), MUN_E_USAGE);
    }
}

static void sizes_and_dumps(void **state)
{
    (void)state;
    char text[24];
    assert_string_equal(mun_size_text(1023, text), "1023 bytes");
    assert_string_equal(mun_size_text(1536, text), "1.5 KiB");
    assert_string_equal(mun_size_text(UINT64_C(5) << 40, text), "5.0 TiB");
    mun_buf dump MUN_BUF_AUTO = mun_buf_growable(1024);
    mun_hex_dump(MUN_LITERAL("0123456789abcdef\x01"), &dump);
    mun_buf_u8(&dump, '\0');
    assert_string_equal((const char *)dump.ptr,
                        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  "
                        "0123456789abcdef\n"
                        "00000010  01                                                .\n");
}

/* [VER-15], [CLI-7]: every pair, in both orders. */
static void the_worst_of_several(void **state)
{
    (void)state;
    static const int order[] = {0, 3, 5, 4, 6, 1};
    for (size_t a = 0; a < 6; a++) {
        for (size_t b = 0; b < 6; b++) {
            int wanted = order[a > b ? a : b];
            assert_int_equal(mun_worse_exit(order[a], order[b]), wanted);
        }
    }
    assert_int_equal(mun_worse_exit(1, 75), 75); /* what is no verdict is never hidden */
}

static mun_code config_of(const char *text, mun_user_config *ret, mun_error *err)
{
    return mun_user_config_parse(mun_slice_cstr(text), "/home/a/.config/muniment/config", "/home/a",
                                 ret, err);
}

static void configuration(void **state)
{
    (void)state;
    static mun_user_config config;
    mun_error err;
    static const char *const wrong[] = {
        "colour = red\n",       "key\n",     "key = a\nkey = b\n", "key =\n", " = a\n",
        "key = a\n\nissuer=\n", "KEY = a\n", "issuer = \xff\n",
    };
    assert_int_equal(config_of("", &config, &err), MUN_OK);
    assert_string_equal(config.key, "");
    assert_int_equal(
        config_of("# c\n\n key=~/k.pem \r\nissuer = a = b\nledger = ../l", &config, &err), MUN_OK);
    assert_string_equal(config.key, "/home/a/k.pem");
    assert_string_equal(config.issuer, "a = b");
    assert_string_equal(config.ledger, "/home/a/.config/muniment/../l");
    assert_int_equal(config_of("key = /k\n", &config, &err), MUN_OK);
    assert_string_equal(config.key, "/k");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(config_of(wrong[i], &config, &err), MUN_E_USAGE);
        assert_non_null(strstr(err.text, "/config:"));
    }
    assert_int_equal(config_of("key = a\n\nnonsense\n", &config, &err), MUN_E_USAGE);
    assert_non_null(strstr(err.text, "/config:3:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subjects),          cmocka_unit_test(clean_paths),
        cmocka_unit_test(text_from_outside), cmocka_unit_test(moments),
        cmocka_unit_test(sizes_and_dumps),   cmocka_unit_test(the_worst_of_several),
        cmocka_unit_test(configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of codes against the numbers that are promised to callers, and the making of errors. */
#include "base/error.h"
#include "support/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Exit codes are an interface (muniment/base.h): written down here a second time, on purpose. */
static const struct {
    mun_code code;
    const char *name;
    int exit, http;
} table[] = {
    {MUN_OK, "MUN_OK", 0, 200},
    {MUN_E_INVALID, "MUN_E_INVALID", 1, 422},
    {MUN_E_USAGE, "MUN_E_USAGE", 2, 400},
    {MUN_E_UNTRUSTED, "MUN_E_UNTRUSTED", 3, 422},
    {MUN_E_MALFORMED, "MUN_E_MALFORMED", 4, 400},
    {MUN_E_LIMIT, "MUN_E_LIMIT", 4, 413},
    {MUN_E_UNSUPPORTED, "MUN_E_UNSUPPORTED", 4, 400},
    {MUN_E_IO, "MUN_E_IO", 5, 500},
    {MUN_E_NOT_FOUND, "MUN_E_NOT_FOUND", 5, 404},
    {MUN_E_EXISTS, "MUN_E_EXISTS", 5, 409},
    {MUN_E_PERMISSION, "MUN_E_PERMISSION", 5, 403},
    {MUN_E_VERSION, "MUN_E_VERSION", 5, 500},
    {MUN_E_MEMORY, "MUN_E_MEMORY", 5, 500},
    {MUN_E_CRYPTO, "MUN_E_CRYPTO", 5, 500},
    {MUN_E_FAILED, "MUN_E_FAILED", 5, 503},
    {MUN_E_DAMAGED, "MUN_E_DAMAGED", 6, 500},
    {MUN_E_REFUSED, "MUN_E_REFUSED", 7, 403},
    {MUN_E_BUSY, "MUN_E_BUSY", 75, 503},
    {MUN_E_NO_SPACE, "MUN_E_NO_SPACE", 75, 507},
    {MUN_E_AGAIN, "MUN_E_AGAIN", 75, 503},
};
#define CODES (sizeof table / sizeof table[0])

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        assert_int_equal(table[i].code, i);
        assert_string_equal(mun_code_name(table[i].code), table[i].name);
        assert_int_equal(mun_code_exit(table[i].code), table[i].exit);
        assert_int_equal(mun_code_http(table[i].code), table[i].http);
        assert_true(strlen(mun_code_text(table[i].code)) > 3);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(mun_code_text(table[i].code), mun_code_text(table[k].code));
        }
    }
}

static void test_unknown_codes(void **state)
{
    (void)state;
    const int unknown[] = {-1, (int)CODES, 1000};
    for (size_t i = 0; i < 3; i++) {
        mun_code code = (mun_code)unknown[i];
        assert_string_equal(mun_code_name(code), "MUN_E_UNKNOWN");
        assert_non_null(mun_code_text(code));
        assert_int_equal(mun_code_exit(code), 5);
        assert_int_equal(mun_code_http(code), 500);
    }
}

static void test_fail(void **state)
{
    (void)state;
    mun_error err;
    memset(&err, 0xff, sizeof err);
    assert_int_equal(mun_fail(&err, MUN_E_LIMIT, 17, "too large"), MUN_E_LIMIT);
    assert_int_equal(err.code, MUN_E_LIMIT);
    assert_int_equal(err.offset, 17);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.rule, "");
    assert_string_equal(err.text, "too large");
    assert_int_equal(mun_fail_rule(&err, MUN_E_REFUSED, "rule-name", MUN_NO_OFFSET, "no"),
                     MUN_E_REFUSED);
    assert_string_equal(err.rule, "rule-name");
    assert_true(err.offset == MUN_NO_OFFSET);
}

static void test_without_an_object(void **state)
{
    (void)state;
    assert_int_equal(mun_fail(NULL, MUN_E_IO, 0, "x"), MUN_E_IO);
    assert_int_equal(mun_fail_rule(NULL, MUN_E_IO, "r", 0, "x"), MUN_E_IO);
    assert_int_equal(mun_failf(NULL, MUN_E_IO, EIO, "%s", "x"), MUN_E_IO);
    assert_int_equal(mun_error_prefix(NULL, MUN_E_IO, "file"), MUN_E_IO);
}

/* Texts of every length around the limits are cut, and end in a NUL. */
static void test_long_texts(void **state)
{
    (void)state;
    static char text[2 * MUN_ERROR_TEXT];
    for (size_t len = 0; len < sizeof text - 1; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        mun_error err;
        memset(&err, 0xff, sizeof err);
        mun_fail_rule(&err, MUN_E_IO, text, 0, text);
        size_t rule = len < sizeof err.rule ? len : sizeof err.rule - 1;
        size_t want = len < sizeof err.text ? len : sizeof err.text - 1;
        assert_int_equal(strlen(err.rule), rule);
        assert_int_equal(strlen(err.text), want);
        mun_failf(&err, MUN_E_IO, EIO, "%s", text);
        assert_true(strlen(err.text) >= want && strlen(err.text) < sizeof err.text);
        mun_error_prefix(&err, MUN_E_IO, "a/b");
        assert_true(strlen(err.text) < sizeof err.text);
        assert_memory_equal(err.text, "a/b: ", 5);
    }
}

static void test_format(void **state)
{
    (void)state;
    mun_error err;
    assert_int_equal(mun_failf(&err, MUN_E_NOT_FOUND, ENOENT, "%s line %d", "a.txt", 3),
                     MUN_E_NOT_FOUND);
    char want[128];
    snprintf(want, sizeof want, "a.txt line 3: %s", strerror(ENOENT));
    assert_string_equal(err.text, want);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_true(err.offset == MUN_NO_OFFSET);
    assert_int_equal(mun_error_prefix(&err, err.code, "ledger"), MUN_E_NOT_FOUND);
    assert_memory_equal(err.text, "ledger: a.txt line 3: ", 22);
    assert_int_equal(err.sys_errno, ENOENT);
    mun_failf(&err, MUN_E_IO, 0, "plain");
    assert_string_equal(err.text, "plain");
}

static mun_code tried(mun_code inner, int *reached)
{
    MUN_TRY(inner);
    ++*reached;
    return MUN_OK;
}

static void test_try(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(tried(MUN_E_BUSY, &reached), MUN_E_BUSY);
    assert_int_equal(reached, 0);
    assert_int_equal(tried(MUN_OK, &reached), MUN_OK);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_unknown_codes),
        cmocka_unit_test(test_fail),       cmocka_unit_test(test_without_an_object),
        cmocka_unit_test(test_long_texts), cmocka_unit_test(test_format),
        cmocka_unit_test(test_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

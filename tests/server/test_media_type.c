/* SPDX-License-Identifier: Apache-2.0 */
/* Which Content-Type is a signed statement's. */
#include "server/media_type.h"
#include "support/cmocka_all.h"

static void statements(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool accepted;
    } cases[] = {
        {"application/cose", true},
        {"APPLICATION/Cose", true},
        {" application/cose ", true},
        {"application/cose; cose-type=\"cose-sign1\"", true},
        {"application/cose;cose-type=cose-sign1", true},
        {"application/cose; COSE-TYPE=\"COSE-Sign1\"", true},
        {"application/cose; x=\"a;cose-type=y\\\"\"; cose-type=cose-sign1", true},
        {"application/cose;", true},
        {"application/cose; ;", true},
        {"application/scitt-statement+cose", true},
        {"application/scitt-statement+cose; charset=utf-8", true},
        {"", false},
        {"application/cose; cose-type=\"cose-sign\"", false},
        {"application/cose; cose-type=\"\"", false},
        {"application/cose; cose-type", false},
        {"application/cose; cose-type=", false},
        {"application/cose; cose-type=\"cose-sign1", false},
        {"application/cose; x=\"\\", false},
        {"application/cose cose-type=cose-sign1", false},
        {"application/cose, text/plain", false},
        {"application/cosex", false},
        {"application/cos", false},
        {"application/", false},
        {"/cose", false},
        {"application/json", false},
        {"application/scitt-receipt+cose", false},
        {"*/*", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (mun_media_is_statement(mun_slice_cstr(cases[i].text)) != cases[i].accepted) {
            fail_msg("%s", cases[i].text);
        }
    }
}

static void others(void **state)
{
    (void)state;
    assert_true(mun_media_is(MUN_LITERAL("Application/CBOR-seq; a=b"), "application/cbor-seq"));
    assert_false(mun_media_is(MUN_LITERAL("application/cbor"), "application/cbor-seq"));
    assert_false(mun_media_is(MUN_LITERAL("application/cbor-seq;="), "application/cbor-seq"));
}

static void codings(void **state)
{
    (void)state;
    assert_true(mun_media_is_plain(MUN_LITERAL("")));
    assert_true(mun_media_is_plain(MUN_LITERAL("Identity")));
    assert_false(mun_media_is_plain(MUN_LITERAL("gzip")));
    assert_false(mun_media_is_plain(MUN_LITERAL("identity, gzip")));
    assert_false(mun_media_is_plain(MUN_LITERAL("identit")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(statements), cmocka_unit_test(others),
                                       cmocka_unit_test(codings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

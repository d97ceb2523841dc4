/* SPDX-License-Identifier: Apache-2.0 */
/* Which URLs name a service, and what counts as this machine. */
#include "fetch/fetch.h"
#include "support/cmocka_all.h"

#include <string.h>

static mun_url parsed(const char *text)
{
    mun_url url;
    mun_error err;
    if (mun_url_parse(text, &url, &err) != MUN_OK) fail_msg("%s: %s", text, err.text);
    return url;
}

static void parts(void **state)
{
    (void)state;
    mun_url url = parsed("https://log.example.org:8443/a/b~c/");
    assert_true(url.tls && !url.loopback);
    assert_string_equal(url.host, "log.example.org");
    assert_string_equal(url.port, "8443");
    assert_string_equal(url.path, "/a/b~c");
    url = parsed("http://[::1]:80///");
    assert_true(!url.tls && url.loopback);
    assert_string_equal(url.host, "[::1]");
    assert_string_equal(url.path, "");
    url = parsed("unix:/run/m.sock:/NAME");
    assert_true(url.loopback && !url.tls);
    assert_string_equal(url.socket, "/run/m.sock");
    assert_string_equal(url.path, "/NAME");
    assert_string_equal(parsed("unix:m.sock").socket, "m.sock");
}

static void text_again(void **state)
{
    static const char *const pairs[][2] = {
        {"https://h", "https://h/x?q=1"},
        {"https://h:1/a/", "https://h:1/a/x?q=1"},
        {"unix:/s:/a", "http://localhost/a/x?q=1"},
        {"unix:/s", "http://localhost/x?q=1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[128];
        mun_url url = parsed(pairs[i][0]);
        assert_int_equal(mun_url_text(&url, "/x?q=1", text, sizeof text, NULL), MUN_OK);
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(mun_url_text(&url, "/x?q=1", text, 8, NULL), MUN_E_LIMIT);
    }
}

/* Plain http may go to this machine only: names that merely look like it are elsewhere. */
static void loopback(void **state)
{
    static const char *const here[] = {"http://127.0.0.1", "http://127.9.9.9:1", "http://localhost",
                                       "http://[::1]"};
    static const char *const elsewhere[] = {"http://127.0.0.1.evil.example",
                                            "http://127.evil",
                                            "http://localhost.evil",
                                            "http://[::2]",
                                            "http://1270.0.0.1x",
                                            "http://128.0.0.1",
                                            "http://127.1",
                                            "http://0.0.0.0"};
    (void)state;
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) assert_true(parsed(here[i]).loopback);
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        if (parsed(elsewhere[i]).loopback) fail_msg("%s counts as this machine", elsewhere[i]);
    }
}

static void refused(void **state)
{
    static const char *const bad[] = {"",
                                      "https:",
                                      "https://",
                                      "https:///path",
                                      "ftp://host",
                                      "HTTPS://host",
                                      "https://u@host",
                                      "https://u:p@host",
                                      "https://host:",
                                      "https://host:0",
                                      "https://host:65536",
                                      "https://host:-1",
                                      "https://host:+1",
                                      "https://host:1x",
                                      "https://ho st",
                                      "https://host\\x",
                                      "https://host/a b",
                                      "https://host/\r\nX: y",
                                      "https://host/?q",
                                      "https://host/#f",
                                      "https://[::1",
                                      "https://[x]",
                                      "https://[]",
                                      "https://[::1]x",
                                      "unix:",
                                      "unix::/x",
                                      "unix:/s:/a?b"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mun_url url;
        if (mun_url_parse(bad[i], &url, NULL) != MUN_E_USAGE) fail_msg("\"%s\" is taken", bad[i]);
    }
}

static void too_long(void **state)
{
    char text[8192];
    mun_url url;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "https://h/", 10);
    text[sizeof text - 1] = '\0';
    assert_int_equal(mun_url_parse(text, &url, NULL), MUN_E_USAGE);
    text[9] = 'a';
    assert_int_equal(mun_url_parse(text, &url, NULL), MUN_E_USAGE);
    memcpy(text, "unix:/", 6);
    text[6 + 107] = '\0';
    assert_int_equal(mun_url_parse(text, &url, NULL), MUN_E_USAGE);
    text[5 + 107] = '\0';
    assert_int_equal(mun_url_parse(text, &url, NULL), MUN_OK);
}

static void files_and_urls(void **state)
{
    (void)state;
    assert_true(mun_url_like("http:x") && mun_url_like("https://h") && mun_url_like("unix:s"));
    assert_false(mun_url_like("ledger") || mun_url_like("./https:") || mun_url_like("/unix:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),   cmocka_unit_test(text_again), cmocka_unit_test(loopback),
        cmocka_unit_test(refused), cmocka_unit_test(too_long),   cmocka_unit_test(files_and_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

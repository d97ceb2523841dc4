/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: what is understood, and what is refused with its line, above all what
 * libconfuse by itself lets pass. */
#include "server/config.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEDGER "ledger \"a\" { directory = \"/l/a\" }\n"

static mun_code parse(const char *text, mun_config *ret, mun_error *err)
{
    return mun_config_parse(mun_slice_cstr(text), "test.conf", ret, err);
}

static void everything(void **state)
{
    (void)state;
    static const char text[] =
        "# a comment { \" ${HOME}\n"
        "public-url = \"https://ledger.example.org\"\n"
        "listen \"127.0.0.1:8080\" { }\n"
        "listen \"unix:/run/m/http.sock\" { proxy = true }\n"
        "listen \"0.0.0.0:80\" { public = yes }\n"
        "limits { connections = 100 queue = 64\n workers = 2 batch-bytes = 1048576 }\n"
        "log { format = json level = warning }\n"
        "operators { access = token tokens = \"/etc/m/operators.tokens\" }\n"
        "ledger contracts {\n"
        "  directory = \"/var/lib/m/con \\\"tracts\\\\\" # with a quote\n"
        "  read = token\n submit = token\n tokens = /etc/m/c.tokens\n"
        "  certificates = \"/etc/m/c.certificates\"\n passphrase-file = \"/etc/m/c.pass\"\n"
        "  read-only = true\n"
        "  per-principal { requests-per-second = 10 burst = 20 concurrent = 4 body-bytes = 65536 "
        "}\n"
        "  per-address { requests-per-second = 5 }\n"
        "}\n"
        "ledger deeds { directory = \"/l/deeds\" host = deeds.example.org }\n"
        "ledger root { directory = \"/l/root\" path = \"/\" }\n";
    mun_config c;
    mun_error err = {.text = ""};
    if (parse(text, &c, &err) != MUN_OK) fail_msg("%s", err.text);
    assert_string_equal(c.public_url, "https://ledger.example.org");
    assert_int_equal(c.listeners_len, 3);
    assert_string_equal(c.listeners[1].where, "unix:/run/m/http.sock");
    assert_true(c.listeners[1].proxy && !c.listeners[0].proxy && !c.listeners[2].proxy);
    assert_true(c.listeners[2].public_address && !c.listeners[1].public_address);
    assert_int_equal(c.limits.connections, 100);
    assert_int_equal(c.limits.queue, 64);
    assert_int_equal(c.limits.workers, 2);
    assert_int_equal(c.limits.batch_bytes, 1048576);
    assert_int_equal(c.limits.head_seconds, MUN_HTTP_HEAD_SECONDS);
    assert_int_equal(c.limits.write_seconds, MUN_HTTP_WRITE_SECONDS);
    assert_int_equal(c.log_format, MUN_EVENT_JSON);
    assert_int_equal(c.log_level, MUN_EVENT_WARNING);
    assert_int_equal(c.operator_access, MUN_OPERATOR_TOKEN);
    assert_string_equal(c.operator_tokens, "/etc/m/operators.tokens");
    assert_int_equal(c.ledgers_len, 3);
    assert_string_equal(c.ledgers[0].name, "contracts");
    assert_string_equal(c.ledgers[0].directory, "/var/lib/m/con \"tracts\\");
    assert_string_equal(c.ledgers[0].base, "/contracts");
    assert_string_equal(c.ledgers[0].tokens, "/etc/m/c.tokens");
    assert_string_equal(c.ledgers[0].passphrase_file, "/etc/m/c.pass");
    assert_int_equal(c.ledgers[0].open_scopes, 0);
    assert_true(c.ledgers[0].read_only);
    assert_int_equal(c.ledgers[0].per_principal.body_bytes, 65536);
    assert_int_equal(c.ledgers[0].per_principal.concurrent, 4);
    assert_int_equal(c.ledgers[0].per_address.requests_per_second, 5);
    assert_int_equal(c.ledgers[0].per_address.burst, 0);
    assert_string_equal(c.ledgers[1].base, "");
    assert_string_equal(c.ledgers[1].host, "deeds.example.org");
    assert_int_equal(c.ledgers[1].open_scopes, MUN_SCOPE_READ | MUN_SCOPE_SUBMIT);
    assert_string_equal(c.ledgers[2].base, "");
    mun_config_free(&c);
}

static void defaults(void **state)
{
    (void)state;
    mun_config c, plain;
    mun_config_defaults(&plain);
    assert_int_equal(parse(LEDGER, &c, NULL), MUN_OK);
    assert_memory_equal(&c.limits, &plain.limits, sizeof c.limits);
    assert_int_equal(c.log_format, MUN_EVENT_LOGFMT);
    assert_int_equal(c.log_level, MUN_EVENT_INFO);
    assert_int_equal(c.operator_access, MUN_OPERATOR_AUTO);
    assert_null(c.public_url);
    mun_config_free(&c);
}

typedef struct refusal {
    const char *text, *expected; /* part of the sentence */
} refusal;

static const refusal refusals[] = {
    /* what libconfuse lets pass */
    {LEDGER "limits { queue = 1\n queue = 2 }", "line 3: queue stands here twice"},
    {LEDGER "limits { }\nlimits { }", "line 3: limits stands here twice"},
    {"ledger \"a\" {\n directory = \"/l/a\"\n", "line 1: this section is never closed"},
    {LEDGER "limits { queue = 7", "line 2: this section is never closed"},
    {LEDGER "public-url = \"https://${HOME}\"", "line 2: a value has no $"},
    {LEDGER "public-url = ${HOME}", "line 2: a value has no $"},
    {"\xef\xbb\xbf" LEDGER, "line 1: only ASCII outside of quotes: is there a byte-order mark"},
    {"ledger \"a\" { directory = \"/l/a$x\" }", "no $"},
    {LEDGER "limits { queue = 010 }", "line 2: write numbers in decimal"},
    {LEDGER "limits { queue = 0x10 }", "decimal"},
    {LEDGER "limits { queue = \"010\" }", "line 2: write numbers in decimal"},
    {LEDGER "limits { queue = \"0x10\" }", "decimal"},
    {LEDGER "limits { queue = \" +010\" }", "decimal"},
    {LEDGER "// no comment", "line 2: put a value with // in double quotes; comments begin with #"},
    {LEDGER "/* no comment */", "line 2: the name of an option or section belongs here"},
    {LEDGER "public-url = 'https://x.example'", "line 2: a character"},
    {LEDGER "public-url = https://x.example", "in double quotes"},
    {LEDGER "public-url = \"https:\nx\"", "does not end on its line"},
    {LEDGER "public-url = \"a\\n\"", "backslash"},
    {LEDGER "}", "line 2: a } that closes nothing"},
    {LEDGER "limits { connections += 1 }", "no meaning"},
    {LEDGER "limits { connections = { 1 } }", "a value belongs after ="},
    {LEDGER "include(\"/etc/passwd\")", "no meaning"},
    {"ledger \"a\" { per-address { burst { burst { burst { } } } } }", "nested too deeply"},
    /* what it refuses, with our file and line */
    {LEDGER "colour = red", "test.conf, line 2: no such option 'colour'"},
    {"ledger \"a\" {\n directory = \"/l/a\"\n colour = red }", "line 3: no such option"},
    {LEDGER LEDGER, "line 2: ledger a stands here twice"},
    {LEDGER "limits { queue = many }", "line 2"},
    {LEDGER "limits { queue = 10k }", "line 2"},
    {LEDGER "limits { queue = 99999999999999999999 }", "line 2"},
    {LEDGER "\nlimits {\n queue = 0 }", "line 4: queue is 0; it goes from 1 to 65536"},
    {LEDGER "limits { queue = -1 }", "line 2: queue is -1"},
    {LEDGER "listen \"127.0.0.1:1\" { proxy = maybe }", "line 2"},
    {LEDGER "log { format = xml }", "line 2: format cannot be \"xml\""},
    {LEDGER "log { level = INFO }", "it is one of: error, warning, notice, info, debug"},
    {LEDGER "listen \"unix:m.sock\" { }", "test.conf: listen unix:m.sock: the path of a socket"},
    {"ledger \"a\" { directory = \"/l/a\" read = closed }", "read cannot be"},
    {"ledger \"a\" { directory = \"l/a\" }", "directory is a whole path"},
    {"ledger \"a\" { directory = \"\" }", "directory is a whole path"},
    {"ledger { directory = \"/l/a\" }", "line 1"},
    {"ledger \"a\" { directory = \"/l/a\"\n per-address { burst = 5 } }",
     "line 2: per-address: burst limits nothing without requests-per-second"},
    {"ledger \"a\" { directory = \"/l/a\" per-principal { requests-per-second = 0\n burst = 5 } }",
     "line 2: per-principal: burst"},
    {"ledger \"\" { directory = \"/l/a\" }", "title is empty"},
    /* what does not fit together */
    {"", "no ledger"},
    {"ledger \"a\" { }", "ledger a: directory is missing"},
    {"ledger \"a/b\" { directory = \"/l/a\" }", "no name for a ledger"},
    {"ledger \"..\" { directory = \"/l/a\" }", "no name for a ledger"},
    {"ledger \"v1\" { directory = \"/l/a\" }", "the path /v1 is the service's own"},
    {"ledger \"commits\" { directory = \"/l/a\" }", "the path /commits is the service's own"},
    {"ledger \"a\" { directory = \"/l/a\" path = \"b/\" }", "neither / nor"},
    {"ledger \"a\" { directory = \"/l/a\" submit = token }", "neither tokens nor certificates"},
    {"ledger \"a\" { directory = \"/l/a\" host = \"A.b\" }", "host is a name"},
    {LEDGER "ledger \"b\" { directory = \"/l/a\" }", "the same directory"},
    {LEDGER "ledger \"b\" { directory = \"/l/b\" path = \"/a\" }", "same path and host"},
    {LEDGER "operators { access = token }", "names no file"},
    {LEDGER "public-url = \"ledger.example\"", "public-url begins"},
    {LEDGER "public-url = \"https://ledger.example/\"", "public-url begins"},
};

static void refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        mun_config c;
        mun_error err = {.text = ""};
        mun_code code = parse(refusals[i].text, &c, &err);
        if (code == MUN_OK) fail_msg("accepted: %s", refusals[i].text);
        if (strstr(err.text, refusals[i].expected) == NULL ||
            strncmp(err.text, "test.conf", 9) != 0) {
            fail_msg("%s\nsays: %s\nnot: %s", refusals[i].text, err.text, refusals[i].expected);
        }
    }
}

static void nul_and_bytes(void **state)
{
    (void)state;
    mun_config c;
    mun_error err;
    static const char nul[] = LEDGER "\0colour = red";
    static const char bytes[] = LEDGER "# \xff\xfe";
    assert_int_equal(mun_config_parse(mun_slice_of(nul, sizeof nul - 1), "f", &c, &err),
                     MUN_E_MALFORMED);
    assert_int_equal(mun_config_parse(mun_slice_of(bytes, sizeof bytes - 1), "f", &c, &err),
                     MUN_E_MALFORMED);
    char *large = malloc(MUN_CONFIG_MAX + 1);
    assert_non_null(large);
    memset(large, '#', MUN_CONFIG_MAX + 1);
    assert_int_equal(mun_config_parse(mun_slice_of(large, MUN_CONFIG_MAX + 1), "f", &c, &err),
                     MUN_E_LIMIT);
    free(large);
}

/* A thousand ledgers, and one more than there may be. */
static char *many(unsigned n)
{
    char *text = malloc(n * 64u + 1), *at = text;
    assert_non_null(text);
    at[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        at += sprintf(at, "ledger l%u { directory = \"/l/%u\" }\n", i, i);
    }
    return text;
}

static void thousands(void **state)
{
    (void)state;
    mun_config c;
    mun_error err = {.text = ""};
    char *text = many(1000);
    if (parse(text, &c, &err) != MUN_OK) fail_msg("%s", err.text);
    assert_int_equal(c.ledgers_len, 1000);
    assert_string_equal(c.ledgers[999].base, "/l999");
    mun_config_free(&c);
    free(text);
    text = many(MUN_LEDGERS_MAX + 1);
    assert_int_not_equal(parse(text, &c, &err), MUN_OK);
    free(text);
}

static mun_code plain(const char *a, const char *b, mun_config *ret, mun_error *err)
{
    const char *directories[] = {a, b};
    mun_service_options options = {.directories = directories,
                                   .directories_len = b != NULL ? 2 : 1};
    return mun_config_plain(&options, ret, err);
}

static void directories(void **state)
{
    (void)state;
    mun_config c;
    mun_error err;
    assert_int_equal(plain("x/contracts/", NULL, &c, &err), MUN_OK);
    assert_string_equal(c.ledgers[0].base, "");
    assert_string_equal(c.ledgers[0].name, "contracts");
    mun_config_free(&c);
    assert_int_equal(plain(".", NULL, &c, &err), MUN_OK);
    assert_string_equal(c.ledgers[0].name, "ledger");
    mun_config_free(&c);
    assert_int_equal(plain("/l/a", "/l/b//", &c, &err), MUN_OK);
    assert_string_equal(c.ledgers[0].base, "/a");
    assert_string_equal(c.ledgers[1].base, "/b");
    mun_config_free(&c);
    assert_int_equal(plain("x/a", "y/a", &c, &err), MUN_E_USAGE);
    assert_non_null(strstr(err.text, "both be called a"));
    assert_int_equal(plain("x/a", ".", &c, &err), MUN_E_USAGE);
    assert_int_equal(plain("x/a", "y/b c", &c, &err), MUN_E_USAGE);
    assert_int_equal(plain("x/a", "y/metrics", &c, &err), MUN_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything),    cmocka_unit_test(defaults),  cmocka_unit_test(refused),
        cmocka_unit_test(nul_and_bytes), cmocka_unit_test(thousands), cmocka_unit_test(directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* http_server.h, mun_http_listen: names of sockets, and what is refused with advice. */
#include "server/http_server.h"
#include "support/cmocka_all.h"
#include "vfs/files.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[MUN_PATH_BYTES_MAX];

static int set_up(void **state)
{
    (void)state;
    return mun_dir_make_temp(NULL, folder, NULL) != MUN_OK;
}

static int tear_down(void **state)
{
    (void)state;
    return mun_dir_remove_all(folder, NULL) != MUN_OK;
}

static mun_code refused(const char *where, bool public_address, const char *says)
{
    int fd = -1;
    mun_error err = {0};
    mun_code code = mun_http_listen(where, public_address, &fd, &err);
    if (code == MUN_OK) fail_msg("%s: taken", where);
    if (strstr(err.text, says) == NULL) fail_msg("%s: \"%s\"", where, err.text);
    assert_int_equal(fd, -1);
    return code;
}

static void addresses(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:0", "localhost:0", "127.9.9.9:0"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int fd = -1;
        mun_error err = {0};
        if (mun_http_listen(good[i], false, &fd, &err) != MUN_OK) fail_msg("%s", err.text);
        close(fd);
    }
    int fd = -1;
    assert_int_equal(mun_http_listen("0.0.0.0:0", true, &fd, NULL), MUN_OK);
    close(fd);
}

static void bad_names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "8080",  ":8080", "127.0.0.1:", "127.0.0.1:80x", "::1:80",
        "[::1]80", "[]:80", "[:80",  "unix",       "127.0.0.1:-1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(refused(bad[i], false, "ADDRESS:PORT"), MUN_E_USAGE);
    }
    assert_int_equal(refused("0.0.0.0:0", false, "--public"), MUN_E_USAGE);
    assert_int_equal(refused("127.0.0.1:99999", false, "ADDRESS:PORT"), MUN_E_USAGE);
    assert_int_equal(refused("127.0.0.1:4294967376", false, "ADDRESS:PORT"), MUN_E_USAGE);
    assert_int_equal(refused("unix:", false, "1 to"), MUN_E_USAGE);
}

static void taken_address(void **state)
{
    (void)state;
    int fd = -1;
    char where[64];
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    assert_int_equal(mun_http_listen("127.0.0.1:0", false, &fd, NULL), MUN_OK);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(where, sizeof where, "127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(refused(where, false, "bind"), MUN_E_BUSY);
    close(fd);
}

/* A socket of a process that is gone is replaced; one that lives, or another file, is not. */
static void unix_sockets(void **state)
{
    (void)state;
    char where[MUN_PATH_BYTES_MAX + 16];
    snprintf(where, sizeof where, "unix:%s/s", folder);
    int fd = -1, second = -1;
    mun_file_info info;
    assert_int_equal(mun_http_listen(where, false, &fd, NULL), MUN_OK);
    assert_int_equal(mun_file_look(where + 5, false, &info, NULL), MUN_OK);
    assert_int_equal(info.mode, 0660);
    assert_int_equal(refused(where, false, "another process"), MUN_E_BUSY);
    close(fd);
    assert_int_equal(mun_http_listen(where, false, &second, NULL), MUN_OK);
    close(second);
    snprintf(where, sizeof where, "unix:%s/file", folder);
    assert_int_equal(mun_file_write(where + 5, MUN_LITERAL("x"), 0, NULL), MUN_OK);
    assert_int_equal(refused(where, false, "not a socket"), MUN_E_EXISTS);
    assert_int_equal(refused("unix:/dev/null", false, "not a socket"), MUN_E_EXISTS);
    snprintf(where, sizeof where, "unix:%s/missing/s", folder);
    assert_int_equal(refused(where, false, "bind"), MUN_E_IO);
    memset(where + 5, 'a', 200);
    where[205] = '\0';
    assert_int_equal(refused(where, false, "1 to"), MUN_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(bad_names),
        cmocka_unit_test(taken_address),
        cmocka_unit_test(unix_sockets),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile service may answer: HTTP for the load generator (first byte even), problem details
 * (odd). A parsed answer lies within its bytes; a problem is an error, in printable text. */
#include "cli/load_wire.h"
#include "cli/problem_read.h"
#include "fuzz_need.h"

#include <stdlib.h>
#include <string.h>

static void check_http(const uint8_t *data, size_t size)
{
    mun_load_answer a;
    uint8_t *bytes = malloc(size + 1);
    need(bytes != NULL);
    memcpy(bytes, data, size);
    if (mun_load_parse(bytes, size, &a) == MUN_LOAD_DONE) {
        need(a.whole <= size && a.status >= 200 && a.status <= 999);
        need(a.body.len <= a.whole);
        need(a.body.len == 0 || (a.body.ptr >= bytes && a.body.ptr + a.body.len <= bytes + size));
    }
    free(bytes);
}

static void check_problem(mun_slice body, unsigned status)
{
    mun_error err = {.code = MUN_OK};
    need(mun_problem_read(body, status, &err) != MUN_OK && err.code != MUN_OK);
    for (const char *p = err.text; *p != '\0'; p++) need((unsigned char)*p >= ' ' && *p != 0x7f);
    need(mun_problem_read_json(body, status, &err) != MUN_OK);
    for (const char *p = err.text; *p != '\0'; p++) need((unsigned char)*p >= ' ' && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned statuses[] = {400, 401, 403, 404, 413, 418, 429, 500, 503, 507};
    if (size == 0) return 0;
    if (data[0] % 2 == 0) check_http(data + 1, size - 1);
    if (data[0] % 2 == 1) {
        check_problem(mun_slice_of(data + 1, size - 1), statuses[data[0] / 2 % 10]);
    }
    return 0;
}

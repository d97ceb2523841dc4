/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of services: what is taken has parts that put together are taken again, as the same parts;
 * none holds a byte that could end the request line. */
#include "fetch/fetch.h"
#include "fuzz_need.h"

#include <string.h>

static void check_bytes(const char *text)
{
    for (; *text != '\0'; text++) need((unsigned char)*text > ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[MUN_FETCH_URL_MAX + 64], again[MUN_FETCH_URL_MAX + 512], small[4];
    mun_url url, second;
    if (size >= sizeof text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    (void)mun_url_like(text);
    if (mun_url_parse(text, &url, NULL) != MUN_OK) return 0;
    need(mun_url_like(text));
    need(mun_url_text(&url, "", again, sizeof again, NULL) == MUN_OK);
    check_bytes(again);
    need(mun_url_text(&url, "", small, sizeof small, NULL) == MUN_E_LIMIT);
    if (url.socket[0] != '\0') return 0;
    need(mun_url_parse(again, &second, NULL) == MUN_OK);
    need(second.tls == url.tls && second.loopback == url.loopback);
    need(strcmp(second.host, url.host) == 0 && strcmp(second.port, url.port) == 0);
    need(strcmp(second.path, url.path) == 0);
    return 0;
}

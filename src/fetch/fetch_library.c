/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch_parts.h"

#include <dlfcn.h>

/* libcurl.so.4 is built with OpenSSL on Debian; the others offer the same functions. */
static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4"};

static mun_curl table;

typedef struct symbol {
    const char *name;
    void **to;
} symbol;

static bool find_all(void *library)
{
    const symbol symbols[] = {
        {"curl_global_init", (void **)&table.global_init},
        {"curl_easy_init", (void **)&table.easy_init},
        {"curl_easy_setopt", (void **)&table.easy_setopt},
        {"curl_easy_perform", (void **)&table.easy_perform},
        {"curl_easy_getinfo", (void **)&table.easy_getinfo},
        {"curl_easy_cleanup", (void **)&table.easy_cleanup},
        {"curl_easy_reset", (void **)&table.easy_reset},
        {"curl_easy_strerror", (void **)&table.easy_strerror},
        {"curl_slist_append", (void **)&table.slist_append},
        {"curl_slist_free_all", (void **)&table.slist_free_all},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        *symbols[i].to = dlsym(library, symbols[i].name);
        if (*symbols[i].to == NULL) return false;
    }
    return true;
}

mun_code mun_curl_open(const mun_curl **ret, mun_error *err)
{
    for (size_t i = 0; table.library == NULL && i < sizeof names / sizeof names[0]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) continue;
        if (find_all(library) && table.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
            table.library = library; /* never closed: TLS libraries do not survive that */
        } else {
            dlclose(library);
        }
    }
    *ret = &table;
    if (table.library != NULL) return MUN_OK;
    return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
                    "asking a service needs the library libcurl, which is not on this machine; "
                    "install the package libcurl4 (apt install libcurl4)");
}

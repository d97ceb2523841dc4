/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/checked.h"
#include "base/slice.h"
#include "crypto/native.h"

#include <stdlib.h>

bool hash_set_fetch(hash_set *ret)
{
    static const char *const names[HASH_KINDS] = {"SHA2-256", "SHA2-384", "SHA2-512"};
    *ret = (hash_set){0};
    for (int i = 0; i < HASH_KINDS; i++) {
        ret->md[i] = EVP_MD_fetch(NULL, names[i], NULL);
        if (ret->md[i] == NULL) return false;
    }
    return true;
}

void hash_set_free(hash_set *set)
{
    for (int i = 0; i < HASH_KINDS; i++) EVP_MD_free(set->md[i]);
    *set = (hash_set){0};
}

/*
 * With a fetched algorithm and a context in hand OpenSSL 3.0 still takes a hundred bytes of memory
 * for each hash. Where there are none, or anything else fails, the program ends here: no hash is
 * better than a wrong one, and what was acknowledged is on the disk. Going on with a context that
 * was not begun would be undefined.
 */
size_t digest_parts(EVP_MD_CTX *ctx, const EVP_MD *md, const mun_slice *parts, size_t n_parts,
                    uint8_t *ret)
{
    int good = EVP_DigestInit_ex2(ctx, md, NULL);
    MUN_ASSERT(good == 1);
    for (size_t i = 0; i < n_parts; i++) {
        good &= EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len);
    }
    unsigned len = 0;
    good &= EVP_DigestFinal_ex(ctx, ret, &len);
    MUN_ASSERT(good == 1);
    return len;
}

bool join_parts(const mun_slice *parts, size_t n_parts, mun_slice *ret, uint8_t **ret_heap)
{
    *ret_heap = NULL;
    *ret = n_parts == 1 ? parts[0] : (mun_slice){0};
    if (n_parts <= 1) return true;
    size_t len = 0;
    for (size_t i = 0; i < n_parts; i++) {
        if (!mun_add_size(len, parts[i].len, &len)) return false;
    }
    uint8_t *at = malloc(len == 0 ? 1 : len);
    if (at == NULL) return false;
    *ret_heap = at;
    *ret = mun_slice_of(at, len);
    for (size_t i = 0; i < n_parts; i++) {
        if (parts[i].len > 0) memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return true;
}

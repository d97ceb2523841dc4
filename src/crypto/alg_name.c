/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/alg_name.h"

const char *mun_alg_name(int32_t alg)
{
    static const struct {
        int32_t alg;
        const char *name;
    } names[] = {
        {MUN_ALG_ES256, "ES256"},     {MUN_ALG_EDDSA, "EdDSA"},     {MUN_ALG_ESP256, "ESP256"},
        {MUN_ALG_ED25519, "Ed25519"}, {MUN_ALG_ES384, "ES384"},     {MUN_ALG_ES512, "ES512"},
        {MUN_ALG_PS256, "PS256"},     {MUN_ALG_PS384, "PS384"},     {MUN_ALG_PS512, "PS512"},
        {MUN_ALG_ESP384, "ESP384"},   {MUN_ALG_ESP512, "ESP512"},   {MUN_HASH_SHA256, "SHA-256"},
        {MUN_HASH_SHA384, "SHA-384"}, {MUN_HASH_SHA512, "SHA-512"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].alg == alg) return names[i].name;
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing private key files: PKCS#8 as PEM, with a passphrase by PBES2 (scrypt, AES-256-CBC). */
#include "crypto/pem.h"
#include "crypto/private_key.h"

#include "base/buf.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

/* 16 MiB and about 0.2 s to try one passphrase. More memory at once OpenSSL's readers do not allow
 * by default; hence p = 5 instead of a larger N. */
#define SCRYPT_N   16384
#define SCRYPT_R   8
#define SCRYPT_P   5
#define SALT_BYTES 16

static X509_SIG *seal(PKCS8_PRIV_KEY_INFO *info, mun_slice passphrase)
{
    uint8_t salt[SALT_BYTES];
    if (mun_native_random(NULL, salt, sizeof salt) != MUN_OK) return NULL;
    X509_ALGOR *pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, NULL, SCRYPT_N,
                                            SCRYPT_R, SCRYPT_P);
    if (pbe == NULL) return NULL;
    X509_SIG *sealed = PKCS8_set0_pbe((const char *)passphrase.ptr, (int)passphrase.len, info, pbe);
    if (sealed == NULL) X509_ALGOR_free(pbe);
    return sealed;
}

/* The DER of the key, sealed when there is a passphrase; NULL: OpenSSL failed. */
static unsigned char *encode(const mun_private_key *key, mun_slice passphrase, int *ret_len)
{
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    if (info == NULL) return NULL;
    if (passphrase.len == 0) {
        *ret_len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    } else {
        X509_SIG *sealed = seal(info, passphrase);
        *ret_len = sealed != NULL ? i2d_X509_SIG(sealed, &der) : -1;
        X509_SIG_free(sealed);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return *ret_len > 0 ? der : NULL;
}

mun_code mun_private_key_to_pem(const mun_private_key *key, mun_slice passphrase, mun_buf *ret,
                                mun_error *err)
{
    if (passphrase.len != 0) MUN_TRY(private_key_passphrase(passphrase, err));
    int len = 0;
    unsigned char *der = encode(key, passphrase, &len);
    ERR_clear_error();
    if (der == NULL) {
        return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET,
                        "OpenSSL could not write the private key");
    }
    pem_write(passphrase.len == 0 ? PKCS8_LABEL_CLEAR : PKCS8_LABEL_ENCRYPTED,
              mun_slice_of(der, (size_t)len), ret);
    OPENSSL_clear_free(der, (size_t)len);
    if (mun_buf_ok(ret)) return MUN_OK;
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET,
                    "the private key does not fit into the buffer given for it");
}

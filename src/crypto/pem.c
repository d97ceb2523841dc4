/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"

#include "base/buf.h"

#include <muniment/keys.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define LINE_BYTES 48 /* RFC 7468 section 2: lines of 64 characters */
#define LINE_CHARS 64

mun_code pem_read(mun_slice text, pem_block *ret, mun_error *err)
{
    if (text.len > MUN_PEM_MAX) {
        return mun_failf(err, MUN_E_LIMIT, 0,
                         "A PEM key of %zu bytes is larger than the limit of %d; give a file that "
                         "holds one key only",
                         text.len, MUN_PEM_MAX);
    }
    char *label = NULL, *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    /* "Secure" here means that OpenSSL cleanses what it frees. */
    int good = bio != NULL && PEM_read_bio_ex(bio, &label, &header, &der, &len,
                                              PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) == 1;
    BIO_free(bio);
    ERR_clear_error();
    if (good && header[0] == '\0') {
        *ret = (pem_block){label, der, (size_t)len};
        OPENSSL_secure_free(header);
        return MUN_OK;
    }
    OPENSSL_secure_free(label);
    OPENSSL_secure_free(header);
    OPENSSL_secure_clear_free(der, (size_t)len);
    return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                    good ? "the PEM block is in OpenSSL's old encrypted form; convert it with "
                           "\"openssl pkcs8 -topk8\""
                         : "there is no whole PEM block (-----BEGIN ... to -----END ...) in it");
}

void pem_block_free(pem_block *block)
{
    OPENSSL_secure_free(block->label);
    OPENSSL_secure_clear_free(block->der, block->len);
    *block = (pem_block){0};
}

static void put_border(mun_buf *ret, const char *which, const char *label)
{
    mun_buf_text(ret, "-----");
    mun_buf_text(ret, which);
    mun_buf_text(ret, label);
    mun_buf_text(ret, "-----\n");
}

void pem_write(const char *label, mun_slice der, mun_buf *ret)
{
    uint8_t line[LINE_CHARS + 1];
    put_border(ret, "BEGIN ", label);
    while (der.len > 0) {
        size_t step = der.len < LINE_BYTES ? der.len : LINE_BYTES;
        int chars = EVP_EncodeBlock(line, der.ptr, (int)step);
        mun_buf_put(ret, mun_slice_of(line, (size_t)chars));
        mun_buf_u8(ret, '\n');
        der = mun_slice_of(der.ptr + step, der.len - step);
    }
    put_border(ret, "END ", label);
    OPENSSL_cleanse(line, sizeof line);
}

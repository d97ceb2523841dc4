/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM (RFC 7468) around DER. Blocks may hold secrets: their memory is cleansed when freed.
 */
#ifndef MUN_CRYPTO_PEM_H
#define MUN_CRYPTO_PEM_H

#include "base/error.h"
#include "base/slice.h"

typedef struct pem_block {
    char *label; /* "PUBLIC KEY" */
    uint8_t *der;
    size_t len;
} pem_block;

#define PEM_BLOCK_AUTO __attribute__((cleanup(pem_block_free)))

/* The first block of the text. MUN_E_MALFORMED, MUN_E_LIMIT. */
MUN_MUST mun_code pem_read(mun_slice text, pem_block *ret, mun_error *err);
void pem_block_free(pem_block *block); /* accepts a zeroed one */
void pem_write(const char *label, mun_slice der, mun_buf *ret);

#endif

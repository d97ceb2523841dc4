/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document on the way into or against a statement: its digest, streamed, so that its size does
 * not matter; its content only where it goes into the statement.
 *
 * Ownership: the caller owns the buffer. Threads: values.
 */
#ifndef MUN_CLI_DOCUMENT_H
#define MUN_CLI_DOCUMENT_H

#include "base/buf.h"
#include "base/error.h"

#include <muniment/crypto.h>

typedef struct mun_document {
    uint8_t digest[MUN_DIGEST_MAX];
    size_t digest_len;
} mun_document;

/* Digest of the file ("-": standard input) under a COSE hash algorithm. A folder is refused. */
MUN_MUST mun_code mun_document_digest(const char *path, int32_t hash_alg, mun_document *ret,
                                      mun_error *err);
/* The same, and the content appended to ret_content. MUN_E_LIMIT: more than max bytes. */
MUN_MUST mun_code mun_document_read(const char *path, int32_t hash_alg, size_t max,
                                    mun_document *ret, mun_buf *ret_content, mun_error *err);

/* "path.scitt" and the like. MUN_E_LIMIT when it gets too long. */
MUN_MUST mun_code mun_path_with(const char *path, const char *ending, char *ret, size_t cap,
                                mun_error *err);
bool mun_path_ends(const char *path, const char *ending);
/* Behind the last slash. */
const char *mun_path_name(const char *path);

#endif

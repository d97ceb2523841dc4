/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passphrase that stands in a file: its first line without the line's end, so that an editor
 * can write it. One rule for the command and the service.
 *
 * Ownership: the caller's buffer, a fixed one, which the caller cleanses. Threads: any.
 */
#ifndef MUN_TRUST_PASSPHRASE_FILE_H
#define MUN_TRUST_PASSPHRASE_FILE_H

#include "base/buf.h"
#include "base/error.h"

/* Appends it to ret; "-" is standard input. MUN_E_USAGE: the line is empty, or longer than
 * MUN_PASSPHRASE_MAX; MUN_E_LIMIT: there is much more in the file; MUN_E_NOT_FOUND, MUN_E_IO... */
MUN_MUST mun_code mun_passphrase_read(const char *path, mun_buf *ret, mun_error *err);

#endif

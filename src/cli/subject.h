/* SPDX-License-Identifier: Apache-2.0 */
/* What a statement is about: the subject made from a template and a document's path. Values only.
 */
#ifndef MUN_CLI_SUBJECT_H
#define MUN_CLI_SUBJECT_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends the template with {path} replaced by path and {name} by its last part; template NULL is
 * "{path}". A path that is not UTF-8 is percent-encoded: the bytes that are not, and %.
 * MUN_E_LIMIT: longer than a subject may be. MUN_E_USAGE: nothing is left of it.
 */
MUN_MUST mun_code mun_subject_make(const char *template, const char *path, mun_buf *ret,
                                   mun_error *err);

/* The path without what leads out of the folder it is in: leading /, ./ and ../, and . and empty
 * parts inside it. Returns ret. The result is never longer. */
char *mun_path_clean(const char *path, char *ret);

#endif

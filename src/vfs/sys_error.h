/* SPDX-License-Identifier: Apache-2.0 */
/* From errno to mun_error, for the files of this room only. */
#ifndef MUN_VFS_SYS_ERROR_H
#define MUN_VFS_SYS_ERROR_H

#include "base/error.h"

/*
 * "cannot WHAT DIRECTORY/NAME: reason, and advice where there is some". directory and name may be
 * NULL; both may hold any bytes. Returns the status code for sys_errno.
 */
mun_code mun_sys_fail(mun_error *err, int sys_errno, const char *what, const char *directory,
                      const char *name);
#ifdef MUN_ANALYZED
#define mun_sys_fail(...) mun_never_ok(mun_sys_fail(__VA_ARGS__))
#endif

#endif

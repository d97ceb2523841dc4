/* SPDX-License-Identifier: Apache-2.0 */
#define MUN_DEFINES_ERRORS
#include "vfs/sys_error.h"

#include "vfs/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static mun_code code_of(int sys_errno)
{
    switch (sys_errno) {
    case ENOENT:
    case ENOTDIR: return MUN_E_NOT_FOUND;
    case EEXIST: return MUN_E_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS: return MUN_E_PERMISSION;
    case ENOSPC:
    case EDQUOT: return MUN_E_NO_SPACE;
    case ENOMEM: return MUN_E_MEMORY;
    default: return MUN_E_IO;
    }
}

static const char *advice(int sys_errno)
{
    switch (sys_errno) {
    case EROFS: return " (the file system is mounted read-only)";
    case EDQUOT: return " (the user's quota is used up)";
    case EMFILE: return " (raise the limit of open files: ulimit -n)";
    case EIO: return " (the device reports an error; look at the system log)";
    default: return "";
    }
}

mun_code mun_sys_fail(mun_error *err, int sys_errno, const char *what, const char *directory,
                      const char *name)
{
    char path[MUN_PATH_BYTES_MAX];
    char text[MUN_PATH_TEXT_MAX];
    char reason[128];
    bool both = directory != NULL && name != NULL && name[0] != '\0';
    snprintf(path, sizeof path, "%s%s%s", directory != NULL ? directory : "", both ? "/" : "",
             name != NULL ? name : "");
    mun_path_text(text, sizeof text, path);
    mun_code code = mun_failf(err, code_of(sys_errno), 0, "cannot %s %s: %s%s", what, text,
                              strerror_r(sys_errno, reason, sizeof reason), advice(sys_errno));
    if (err != NULL) err->sys_errno = sys_errno;
    return code;
}

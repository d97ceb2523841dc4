/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sibling.h"

#include "vfs/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program's file: argv[0] may lie, /proc does not. */
static bool own_folder(char ret[MUN_PATH_BYTES_MAX])
{
    ssize_t len = readlink("/proc/self/exe", ret, MUN_PATH_BYTES_MAX - 1);
    if (len <= 0) return false;
    ret[len] = '\0';
    char *slash = strrchr(ret, '/');
    if (slash == NULL) return false;
    *slash = '\0';
    return true;
}

/* The first of the patterns, with the program's folder and the name put in, that exists. */
static bool find_by(const char *const *patterns, size_t n, const char *name, char *ret, size_t cap)
{
    char folder[MUN_PATH_BYTES_MAX];
    if (!own_folder(folder)) return false;
    for (size_t i = 0; i < n; i++) {
        int len = patterns[i][0] == '/' ? snprintf(ret, cap, "%s/%s", patterns[i], name)
                                        : snprintf(ret, cap, "%s/%s%s", folder, patterns[i], name);
        mun_file_info info;
        if (len < 0 || (size_t)len >= cap) continue;
        if (mun_file_look(ret, true, &info, NULL) == MUN_OK && info.kind != MUN_FILE_MISSING) {
            return true;
        }
    }
    return false;
}

mun_code mun_sibling_find(const char *program, char *ret, size_t cap, mun_error *err)
{
    static const char *const places[] = {"", "../libexec/muniment/", "../../bin/", MUN_LIBEXEC_DIR};
    if (find_by(places, sizeof places / sizeof places[0], program, ret, cap)) return MUN_OK;
    return mun_failf(err, MUN_E_NOT_FOUND, 0,
                     "the program %s is not installed beside this one, nor in %s", program,
                     MUN_LIBEXEC_DIR);
}

mun_code mun_data_find(const char *name, char *ret, size_t cap, mun_error *err)
{
    static const char *const places[] = {"data/", "../share/muniment/", "../../share/muniment/",
                                         MUN_DATA_DIR};
    if (find_by(places, sizeof places / sizeof places[0], name, ret, cap)) return MUN_OK;
    return mun_failf(err, MUN_E_NOT_FOUND, 0, "%s is not installed in %s", name, MUN_DATA_DIR);
}

mun_code mun_sibling_run(const char *program, char **argv, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_sibling_find(program, path, sizeof path, err));
    execv(path, argv);
    return mun_failf(err, MUN_E_IO, errno, "cannot start %s", path);
}

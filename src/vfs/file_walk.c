/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking and removing folder trees. One level holds its open folder and its sorted names; folders
 * are opened relative to the one above and never through a link, so that a tree that changes under
 * the walk cannot lead it elsewhere.
 */
#include "vfs/files.h"

#include "base/buf.h"
#include "vfs/sys_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct level {
    int dir;
    mun_buf names; /* NUL-terminated, one after the other */
    const char **sorted;
    size_t count;
    size_t next;
    size_t path_len; /* of the folder itself, in walker.path */
} level;

typedef struct walker {
    const mun_walk *walk;
    size_t root_len;
    size_t depth; /* levels open */
    level level[MUN_WALK_DEPTH_MAX];
    char path[MUN_PATH_BYTES_MAX];
} walker;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Reads all names; 0 or an errno (E2BIG: too many). */
static int read_names(level *l, DIR *dir)
{
    l->names = mun_buf_growable(MUN_WALK_NAMES_MAX);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (entry == NULL) return errno;
        if (is_dots(entry->d_name)) continue;
        mun_buf_put(&l->names, mun_slice_of(entry->d_name, strlen(entry->d_name) + 1));
        if (!mun_buf_ok(&l->names)) return E2BIG;
        l->count++;
    }
}

static int sort_names(level *l)
{
    l->sorted = calloc(l->count + 1, sizeof *l->sorted);
    if (l->sorted == NULL) return ENOMEM;
    const char *name = (const char *)l->names.ptr;
    for (size_t i = 0; i < l->count; i++, name += strlen(name) + 1) l->sorted[i] = name;
    qsort(l->sorted, l->count, sizeof *l->sorted, compare_names);
    return 0;
}

static void level_close(level *l)
{
    if (l->dir >= 0) close(l->dir);
    mun_buf_free(&l->names);
    free(l->sorted);
}

/* Opens the folder name in parent; 0 or an errno, and then nothing is left open. */
static int level_open(level *l, int parent, const char *name, int extra_flags)
{
    *l = (level){.dir = -1};
    l->dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | extra_flags);
    int copy = l->dir < 0 ? -1 : fcntl(l->dir, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    int sys_errno = dir == NULL ? errno : read_names(l, dir);
    if (dir != NULL)
        closedir(dir);
    else if (copy >= 0)
        close(copy);
    if (sys_errno == 0) sys_errno = sort_names(l);
    if (sys_errno != 0) level_close(l);
    return sys_errno;
}

static mun_code limit(const walker *w, const char *what, mun_error *err)
{
    char text[MUN_PATH_TEXT_MAX];
    mun_path_text(text, sizeof text, w->path);
    return mun_failf(err, MUN_E_LIMIT, 0, "%s in %s", what, text);
}

/* Reports what cannot be read: the caller's callback decides whether the walk goes on. */
static mun_code unreadable(walker *w, const mun_walk_entry *entry, int sys_errno, mun_error *err)
{
    mun_error why;
    mun_code code = sys_errno == E2BIG ? limit(w, "too many names", &why)
                                       : mun_sys_fail(&why, sys_errno, "read", entry->path, NULL);
    if (w->walk->unreadable != NULL) code = w->walk->unreadable(w->walk->ctx, entry, &why);
    if (code != MUN_OK && err != NULL) *err = why;
    return code;
}

static mun_code enter(walker *w, const mun_walk_entry *folder, const char *name, size_t path_len,
                      mun_error *err)
{
    if (w->walk->enter != NULL && !w->walk->enter(w->walk->ctx, folder)) return MUN_OK;
    if (w->depth == MUN_WALK_DEPTH_MAX) return limit(w, "folders are nested too deep", err);
    level *l = &w->level[w->depth];
    int sys_errno = level_open(l, l[-1].dir, name, O_NOFOLLOW);
    if (sys_errno != 0) return unreadable(w, folder, sys_errno, err);
    l->path_len = path_len;
    w->depth++;
    return MUN_OK;
}

/* Appends "/name" to the path of the current folder; false when it is too long. */
static bool path_push(walker *w, size_t folder_len, const char *name, size_t *ret_len)
{
    size_t len = strlen(name);
    size_t slash = folder_len > 0 && w->path[folder_len - 1] == '/' ? 0 : 1;
    if (folder_len + slash + len + 1 > sizeof w->path) return false;
    if (slash == 1) w->path[folder_len] = '/';
    memcpy(w->path + folder_len + slash, name, len + 1);
    *ret_len = folder_len + slash + len;
    return true;
}

static mun_code step(walker *w, mun_error *err)
{
    level *l = &w->level[w->depth - 1];
    const char *name = l->sorted[l->next++];
    size_t len;
    if (!path_push(w, l->path_len, name, &len)) return limit(w, "a path is too long", err);
    const char *relative = w->path + w->root_len;
    mun_walk_entry entry = {.path = w->path, .relative = relative + (relative[0] == '/')};
    struct stat st;
    if (fstatat(l->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return unreadable(w, &entry, errno, err);
    }
    mun_file_info_of(&st, &entry.info);
    if (entry.info.kind == MUN_FILE_DIRECTORY) return enter(w, &entry, name, len, err);
    return w->walk->file(w->walk->ctx, &entry, err);
}

static mun_code run(walker *w, mun_error *err)
{
    mun_code code = MUN_OK;
    while (w->depth > 0) {
        level *l = &w->level[w->depth - 1];
        if (code == MUN_OK && l->next < l->count) {
            code = step(w, err);
            continue;
        }
        level_close(l);
        w->depth--;
    }
    return code;
}

mun_code mun_dir_walk(const char *root, const mun_walk *walk, mun_error *err)
{
    size_t len = strlen(root);
    if (len >= MUN_PATH_BYTES_MAX) return mun_sys_fail(err, ENAMETOOLONG, "walk", root, NULL);
    walker *w = calloc(1, sizeof *w);
    if (w == NULL) return mun_sys_fail(err, ENOMEM, "walk", root, NULL);
    w->walk = walk;
    w->root_len = len;
    memcpy(w->path, root, len + 1);
    int sys_errno = level_open(&w->level[0], AT_FDCWD, root, 0);
    mun_code code;
    if (sys_errno != 0) {
        code = mun_sys_fail(err, sys_errno, "read folder", root, NULL);
    } else {
        w->level[0].path_len = len;
        w->depth = 1;
        code = run(w, err);
    }
    free(w);
    return code;
}

typedef struct remover {
    level level[MUN_WALK_DEPTH_MAX];
    size_t depth;
} remover;

/* Removes the next name of the innermost folder, or opens it when it is a folder; 0 or an errno. */
static int remove_next(remover *r)
{
    level *l = &r->level[r->depth - 1];
    const char *name = l->sorted[l->next];
    if (unlinkat(l->dir, name, 0) == 0 || errno == ENOENT) {
        l->next++;
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) return errno;
    if (unlinkat(l->dir, name, AT_REMOVEDIR) == 0) {
        l->next++;
        return 0;
    }
    if (errno != ENOTEMPTY && errno != EEXIST) return errno;
    if (r->depth == MUN_WALK_DEPTH_MAX) return ELOOP;
    int sys_errno = level_open(&r->level[r->depth], l->dir, name, O_NOFOLLOW);
    if (sys_errno == 0) r->depth++;
    return sys_errno;
}

mun_code mun_dir_remove_all(const char *path, mun_error *err)
{
    remover *r = calloc(1, sizeof *r);
    int sys_errno = r == NULL ? ENOMEM : level_open(&r->level[0], AT_FDCWD, path, O_NOFOLLOW);
    if (r != NULL && sys_errno == 0) r->depth = 1;
    while (r != NULL && r->depth > 0) {
        level *l = &r->level[r->depth - 1];
        if (sys_errno == 0 && l->next < l->count) {
            sys_errno = remove_next(r);
            continue;
        }
        level_close(l);
        r->depth--;
    }
    free(r);
    if (sys_errno == 0 && rmdir(path) != 0) sys_errno = errno;
    return sys_errno == 0 ? MUN_OK : mun_sys_fail(err, sys_errno, "remove folder", path, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a person names: documents, evidence, keys, folders to walk. Everything is by path, as
 * given on a command line; names are bytes and need not be UTF-8 (mun_path_text makes them fit to
 * be shown). The ledger's own files go through vfs.h instead.
 *
 * Ownership: callers own every buffer and path. Threads: no shared state; a callback runs on the
 * caller's thread.
 *
 * Errors of every function: MUN_E_NOT_FOUND, MUN_E_PERMISSION, MUN_E_NO_SPACE, MUN_E_IO,
 * MUN_E_MEMORY, with the path in the sentence; more where said.
 */
#ifndef MUN_VFS_FILES_H
#define MUN_VFS_FILES_H

#include "base/error.h"
#include "base/slice.h"

#define MUN_PATH_BYTES_MAX 4096         /* longest path, with its NUL (Linux PATH_MAX) */
#define MUN_STREAM_CHUNK   (1u << 20)   /* bytes handed to a mun_file_visit at once */
#define MUN_WALK_DEPTH_MAX 256          /* folders inside folders */
#define MUN_WALK_NAMES_MAX (256u << 20) /* bytes of names in one folder */
#define MUN_PATH_TEXT_MAX  320          /* enough for a line of an error message */

typedef enum mun_file_kind {
    MUN_FILE_MISSING,
    MUN_FILE_REGULAR,
    MUN_FILE_DIRECTORY,
    MUN_FILE_LINK, /* only where links are not followed */
    MUN_FILE_PIPE,
    MUN_FILE_SOCKET,
    MUN_FILE_OTHER /* device */
} mun_file_kind;

typedef struct mun_file_info {
    mun_file_kind kind;
    uint64_t size;
    unsigned mode; /* permission bits */
    uint64_t inode;
    uint64_t changed_ns; /* when content, name or mode last changed: with inode and size, whether
                            this is still the file that was read */
} mun_file_info;

/*
 * The path as text for a message: control characters, quotes that would end it and bytes that are
 * not UTF-8 become \xNN; a long path keeps its end. Always NUL-terminated within cap (>= 16).
 */
void mun_path_text(char *ret, size_t cap, const char *path);

struct stat;
void mun_file_info_of(const struct stat *st, mun_file_info *ret);
/* What is there. A missing file is MUN_OK with MUN_FILE_MISSING. */
MUN_MUST mun_code mun_file_look(const char *path, bool follow_links, mun_file_info *ret,
                                mun_error *err);

/*
 * Appends the whole file to ret: regular files, pipes, devices; "-" is standard input.
 * MUN_E_LIMIT: it has more than max bytes (nothing beyond max + 1 is read).
 */
MUN_MUST mun_code mun_file_read(const char *path, size_t max, mun_buf *ret, mun_error *err);

/* One chunk of a streamed file: done bytes before it, of size (0 when unknown, as for pipes). */
typedef mun_code (*mun_file_visit)(void *ctx, mun_slice chunk, uint64_t done, uint64_t size,
                                   mun_error *err);
/*
 * Hands the file's bytes to visit in order, in chunks of at most MUN_STREAM_CHUNK; "-" is standard
 * input. Flat memory. Stops at the first visit that fails and hands its code on. An empty file
 * gives no visit.
 */
MUN_MUST mun_code mun_file_stream(const char *path, mun_file_visit visit, void *ctx,
                                  mun_error *err);

enum {
    MUN_WRITE_REPLACE = 1, /* an existing file is replaced; otherwise MUN_E_EXISTS */
    MUN_WRITE_SECRET = 2,  /* mode 0600 from its first moment, whatever the umask; where root
                              replaces a file, its owner stays */
    MUN_WRITE_NO_SYNC = 4  /* may be lost at a power cut (the reader makes it again) */
};
/*
 * Writes a file whole or not at all: temporary name in the same folder, sync, rename, sync of the
 * folder. A link is replaced, not followed. "-" is standard output; a pipe or device that exists is
 * written to directly.
 */
MUN_MUST mun_code mun_file_write(const char *path, mun_slice bytes, unsigned flags, mun_error *err);
/* Whether this is a name (without folder) under which mun_file_write prepares a file: a process
 * that was killed in the middle leaves one behind. It holds nothing that anybody was told of. */
bool mun_file_is_temporary(const char *name);
/* Waits until nobody else holds the file that is at path, and holds it, so that who reads, changes
 * and replaces it loses no other change. Let go with mun_file_let_go, which accepts -1. */
MUN_MUST mun_code mun_file_hold(const char *path, int *ret, mun_error *err);
void mun_file_let_go(int held);
/* Removes a file; a missing one is MUN_E_NOT_FOUND. */
MUN_MUST mun_code mun_file_remove(const char *path, mun_error *err);

/* Makes a folder and those above it that are missing, mode 0777 less the umask. */
MUN_MUST mun_code mun_dir_make(const char *path, mun_error *err);
/* True in ret when the folder holds no entry. */
MUN_MUST mun_code mun_dir_empty(const char *path, bool *ret, mun_error *err);
/* A new folder, mode 0700, inside parent (NULL: $TMPDIR or /tmp). */
MUN_MUST mun_code mun_dir_make_temp(const char *parent, char ret[MUN_PATH_BYTES_MAX],
                                    mun_error *err);
/* Removes a folder with all that is in it; links in it are removed, not followed. */
MUN_MUST mun_code mun_dir_remove_all(const char *path, mun_error *err);

typedef struct mun_walk_entry {
    const char *path;     /* the root as given, '/', relative: what to open */
    const char *relative; /* below the root */
    mun_file_info info;   /* of the entry itself; links are not followed */
} mun_walk_entry;

typedef struct mun_walk {
    void *ctx;
    /* Each entry that is not a folder. */
    mun_code (*file)(void *ctx, const mun_walk_entry *entry, mun_error *err);
    /* Each folder below the root before it is entered; false leaves it out. NULL: enter all. */
    bool (*enter)(void *ctx, const mun_walk_entry *folder);
    /* Something that could not be read; not MUN_OK ends the walk. NULL: the walk ends with why. */
    mun_code (*unreadable)(void *ctx, const mun_walk_entry *entry, const mun_error *why);
} mun_walk;

/*
 * Walks a folder in the byte order of names, each folder's content in its place. Memory: the names
 * of the folders that are open. MUN_E_LIMIT: deeper than MUN_WALK_DEPTH_MAX, paths too long, or a
 * folder's names over MUN_WALK_NAMES_MAX. A code of a callback is handed on.
 */
MUN_MUST mun_code mun_dir_walk(const char *root, const mun_walk *walk, mun_error *err);

typedef struct mun_fs_info {
    char type[24];     /* "ext4", "xfs", "tmpfs" …; "0x…" when unknown */
    bool memory;       /* tmpfs, ramfs: nothing there survives a power cut */
    uint64_t free;     /* bytes, for this user */
    uint64_t capacity; /* bytes */
} mun_fs_info;

/* The file system that holds path (which exists). */
MUN_MUST mun_code mun_fs_look(const char *path, mun_fs_info *ret, mun_error *err);

#endif

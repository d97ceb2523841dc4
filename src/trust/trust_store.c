/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/trust_store.h"

#include "trust/trust_text.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>

#define FOLDER          "muniment/trust.d"
#define WRITABLE_BY_ALL 002

/* Heap blocks are aligned for any type, so a buffer's bytes may be an array of structures. */
struct mun_trust_store {
    mun_buf entries; /* mun_trust_entry */
    mun_buf keys;    /* mun_trusted_key: the same keys, as mun_verify takes them */
    size_t len;
    char **files; /* what the entries' file members point to */
    size_t files_len;
};

static mun_code no_memory(mun_error *err)
{
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for trusted keys");
}

mun_code mun_trust_default_path(char *ret, size_t cap, mun_error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int len = -1;
    /* XDG Base Directory Specification: a relative path there is invalid and ignored. */
    if (config != NULL && config[0] == '/')
        len = snprintf(ret, cap, "%s/" FOLDER, config);
    else if (home != NULL && home[0] != '\0')
        len = snprintf(ret, cap, "%s/.config/" FOLDER, home);
    if (len < 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "neither XDG_CONFIG_HOME nor HOME is set: say with --trust where the "
                        "trusted keys are");
    }
    if ((size_t)len >= cap) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the configuration directory's path is "
                        "too long");
    }
    return MUN_OK;
}

mun_code mun_trust_store_new(mun_trust_store **ret, mun_error *err)
{
    mun_trust_store *store = calloc(1, sizeof *store);
    if (store == NULL) return no_memory(err);
    store->entries = mun_buf_growable(MUN_TRUST_ENTRIES_MAX * sizeof(mun_trust_entry));
    store->keys = mun_buf_growable(MUN_TRUST_ENTRIES_MAX * sizeof(mun_trusted_key));
    *ret = store;
    return MUN_OK;
}

static const mun_trusted_key *key_at(const mun_trust_store *store, size_t i)
{
    const void *keys = store->keys.ptr;
    return (const mun_trusted_key *)keys + i;
}

void mun_trust_store_free(mun_trust_store *store)
{
    if (store == NULL) return;
    /* One block for each entry; its name is never empty and comes first. */
    for (size_t i = 0; i < store->len; i++) free((void *)(uintptr_t)key_at(store, i)->name.ptr);
    for (size_t i = 0; i < store->files_len; i++) free(store->files[i]);
    free(store->files);
    mun_buf_free(&store->entries);
    mun_buf_free(&store->keys);
    free(store);
}

/* The entry with its texts in one block of its own. */
static bool entry_copy(const mun_trust_entry *entry, mun_trust_entry *ret)
{
    size_t bytes = entry->key.name.len + entry->reason.len;
    for (size_t i = 0; i < entry->key.kids_len; i++) bytes += entry->key.kids[i].len;
    uint8_t *at = malloc(bytes + 1);
    if (at == NULL) return false;
    *ret = *entry;
    ret->key.name = mun_slice_copy(&at, entry->key.name);
    ret->reason = mun_slice_copy(&at, entry->reason);
    for (size_t i = 0; i < entry->key.kids_len; i++) {
        ret->key.kids[i] = mun_slice_copy(&at, entry->key.kids[i]);
    }
    return true;
}

static bool same_kids(const mun_trusted_key *a, const mun_trusted_key *b)
{
    if (a->kids_len != b->kids_len) return false;
    for (size_t i = 0; i < a->kids_len; i++) {
        if (!mun_slice_equal(a->kids[i], b->kids[i])) return false;
    }
    return true;
}

static mun_code store_add(mun_trust_store *store, const mun_trust_entry *entry, mun_error *err)
{
    for (size_t i = 0; i < store->len; i++) {
        const mun_trusted_key *known = key_at(store, i);
        if (mun_trust_same_key(known, &entry->key) && known->trusted == entry->key.trusted &&
            same_kids(known, &entry->key)) {
            return MUN_OK;
        }
    }
    if (store->len >= MUN_TRUST_ENTRIES_MAX) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET,
                        "more than 10,000 trusted keys, which is the limit");
    }
    mun_trust_entry copy;
    if (!entry_copy(entry, &copy)) return no_memory(err);
    mun_buf_put(&store->entries, mun_slice_of(&copy, sizeof copy));
    mun_buf_put(&store->keys, mun_slice_of(&copy.key, sizeof copy.key));
    if (!mun_buf_ok(&store->entries) || !mun_buf_ok(&store->keys)) {
        free((void *)(uintptr_t)copy.key.name.ptr);
        return no_memory(err);
    }
    store->len++;
    return MUN_OK;
}

mun_code mun_trust_store_put(mun_trust_store *store, const mun_trusted_key *key, mun_error *err)
{
    if (key->name.len == 0 || key->kids_len > MUN_TRUST_KIDS_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "a trusted key needs a name");
    }
    mun_trust_entry entry = {.key = *key};
    return store_add(store, &entry, err);
}

size_t mun_trust_store_size(const mun_trust_store *store)
{
    return store->len;
}

const mun_trust_entry *mun_trust_store_at(const mun_trust_store *store, size_t i)
{
    const void *entries = store->entries.ptr;
    return i < store->len ? (const mun_trust_entry *)entries + i : NULL;
}

const mun_trusted_key *mun_trust_store_keys(const mun_trust_store *store, size_t *ret_len)
{
    *ret_len = store->len;
    return store->len == 0 ? NULL : key_at(store, 0);
}

/* ---- Loading ----------------------------------------------------------------------------- */

/* After a look at who may write it. */
static mun_code file_read(const char *path, mun_buf *ret, mun_error *err)
{
    mun_file_info info;
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind == MUN_FILE_REGULAR && (info.mode & WRITABLE_BY_ALL) != 0) {
        char text[MUN_PATH_TEXT_MAX];
        mun_path_text(text, sizeof text, path);
        return mun_failf(err, MUN_E_PERMISSION, 0,
                         "%s says which keys to trust, but every user may write it; look through "
                         "it, then run: chmod o-w '%s'",
                         text, text);
    }
    return mun_file_read(path, MUN_TRUST_FILE_MAX, ret, err);
}

bool mun_trust_is_store_file(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

typedef struct loading {
    mun_trust_store *store;
    const char *file;
} loading;

static mun_code load_entry(void *ctx, const mun_trust_entry *entry, mun_error *err)
{
    loading *load = ctx;
    mun_trust_entry with_file = *entry;
    with_file.file = load->file;
    return store_add(load->store, &with_file, err);
}

static mun_code remember_file(mun_trust_store *store, const char *path, const char **ret,
                              mun_error *err)
{
    char **files = realloc(store->files, (store->files_len + 1) * sizeof *files);
    if (files == NULL) return no_memory(err);
    store->files = files;
    char *copy = strdup(path);
    if (copy == NULL) return no_memory(err);
    store->files[store->files_len++] = copy;
    *ret = copy;
    return MUN_OK;
}

static mun_code load_file(mun_trust_store *store, const char *path, mun_error *err)
{
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(MUN_TRUST_FILE_MAX);
    MUN_TRY(file_read(path, &text, err));
    loading load = {.store = store};
    MUN_TRY(remember_file(store, path, &load.file, err));
    mun_code code = mun_trust_text_parse(mun_buf_slice(&text), load_entry, &load, err);
    if (code == MUN_OK) return MUN_OK;
    char shown[MUN_PATH_TEXT_MAX];
    mun_path_text(shown, sizeof shown, path);
    return mun_error_prefix(err, code, shown);
}

static mun_code load_walked(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    if (!mun_trust_is_store_file(entry->relative)) return MUN_OK;
    return load_file(ctx, entry->path, err);
}

static bool enter_none(void *ctx, const mun_walk_entry *folder)
{
    (void)ctx;
    (void)folder;
    return false;
}

mun_code mun_trust_store_load(mun_trust_store *store, const char *path, mun_error *err)
{
    mun_file_info info;
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind == MUN_FILE_MISSING) {
        char shown[MUN_PATH_TEXT_MAX];
        mun_path_text(shown, sizeof shown, path);
        return mun_failf(err, MUN_E_NOT_FOUND, 0, "%s does not exist; muniment trust add makes it",
                         shown);
    }
    if (info.kind != MUN_FILE_DIRECTORY) return load_file(store, path, err);
    mun_walk walk = {.ctx = store, .file = load_walked, .enter = enter_none};
    return mun_dir_walk(path, &walk, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Adding to and removing from the files of the trust store. Each file is replaced whole, so that a
 * reader never sees half of one. */
#include "trust/trust_text.h"
#include "vfs/files.h"

#include <stdio.h>

#define NAME_DIGEST 8 /* bytes of the digest in a file's name */

/* The store of one file, empty when there is none. */
static mun_code file_open(const char *path, mun_trust_store **ret, mun_error *err)
{
    mun_trust_store *store = NULL;
    mun_file_info info;
    MUN_TRY(mun_file_look(path, true, &info, err));
    MUN_TRY(mun_trust_store_new(&store, err));
    mun_code code = MUN_OK;
    if (info.kind != MUN_FILE_MISSING) code = mun_trust_store_load(store, path, err);
    if (code != MUN_OK) {
        mun_trust_store_free(store);
        return code;
    }
    *ret = store;
    return MUN_OK;
}

static mun_code exists_error(const char *path, mun_error *err)
{
    char shown[MUN_PATH_TEXT_MAX];
    mun_path_text(shown, sizeof shown, path);
    return mun_failf(err, MUN_E_EXISTS, 0, "this key is trusted already, in %s", shown);
}

/* The store's entries from its file, and one more (NULL: none), back into the file. */
static mun_code file_write(const char *path, const mun_trust_store *store,
                           const mun_trust_entry *more, mun_error *err)
{
    MUN_BUF_AUTO mun_buf all = mun_buf_growable((MUN_TRUST_ENTRIES_MAX + 1) * sizeof *more);
    for (size_t i = 0; i < mun_trust_store_size(store); i++) {
        mun_buf_put(&all, mun_slice_of(mun_trust_store_at(store, i), sizeof *more));
    }
    if (more != NULL) mun_buf_put(&all, mun_slice_of(more, sizeof *more));
    if (all.overflow) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(MUN_TRUST_FILE_MAX);
    /* Heap blocks are aligned for any type, so the bytes can be read as entries again. */
    const void *entries = all.ptr;
    MUN_TRY(mun_trust_text_write(entries, all.len / sizeof *more, &text, err));
    return mun_file_write(path, mun_buf_slice(&text), MUN_WRITE_REPLACE, err);
}

static mun_code add_to_file(const char *path, const mun_trust_entry *entry, mun_error *err)
{
    mun_trust_store *store = NULL;
    MUN_TRY(file_open(path, &store, err));
    mun_code code = MUN_OK;
    for (size_t i = 0; i < mun_trust_store_size(store) && code == MUN_OK; i++) {
        const mun_trust_entry *known = mun_trust_store_at(store, i);
        if (mun_trust_same_key(&known->key, &entry->key)) code = exists_error(path, err);
    }
    if (code == MUN_OK) code = file_write(path, store, entry, err);
    mun_trust_store_free(store);
    return code;
}

/* ROLE-DIGEST.json: the same key for the same role and name falls on the same file. */
static mun_code folder_file(const mun_crypto *crypto, const char *folder,
                            const mun_trusted_key *key, char *ret, size_t cap, mun_error *err)
{
    uint8_t thumbprint[MUN_HASH_SIZE], digest[MUN_HASH_SIZE];
    const char *role = mun_role_name(key->role);
    mun_key_thumbprint(crypto, &key->key, thumbprint);
    mun_slice parts[] = {mun_slice_of(role, strlen(role) + 1), key->name,
                         mun_slice_of(thumbprint, sizeof thumbprint)};
    crypto->sha256(crypto->ctx, parts, 3, digest);
    char hex[2 * NAME_DIGEST + 1] = {0};
    mun_buf buf = mun_buf_fixed(hex, 2 * NAME_DIGEST);
    mun_buf_hex(&buf, mun_slice_of(digest, NAME_DIGEST));
    if ((size_t)snprintf(ret, cap, "%s/%s-%s.json", folder, role, hex) >= cap) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the trust folder's path is too long");
    }
    return MUN_OK;
}

static mun_code path_kind(const char *path, bool *ret_is_file, mun_error *err)
{
    mun_file_info info;
    MUN_TRY(mun_file_look(path, true, &info, err));
    *ret_is_file = info.kind == MUN_FILE_MISSING ? mun_trust_is_store_file(path)
                                                 : info.kind != MUN_FILE_DIRECTORY;
    return MUN_OK;
}

static mun_code entry_check(const mun_trust_entry *entry, mun_error *err)
{
    if (entry->key.name.len == 0 || entry->key.name.len > MUN_NAME_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the name must have 1 to 8,192 bytes");
    }
    if (entry->reason.len > MUN_TRUST_REASON_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the reason is longer than 1,024 bytes");
    }
    for (size_t i = 0; i < entry->key.kids_len; i++) {
        if (entry->key.kids[i].len == 0 || entry->key.kids[i].len > MUN_KID_MAX) {
            return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "a key id must have 1 to 256 bytes");
        }
    }
    return MUN_OK;
}

mun_code mun_trust_add(const mun_crypto *crypto, const char *path, const mun_trust_entry *entry,
                       mun_buf *ret_file, mun_error *err)
{
    bool is_file = false;
    char file[MUN_PATH_BYTES_MAX];
    MUN_TRY(entry_check(entry, err));
    MUN_TRY(path_kind(path, &is_file, err));
    if (is_file) {
        if ((size_t)snprintf(file, sizeof file, "%s", path) >= sizeof file) {
            return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the trust file's path is too long");
        }
    } else {
        MUN_TRY(folder_file(crypto, path, &entry->key, file, sizeof file, err));
        MUN_TRY(mun_dir_make(path, err));
    }
    MUN_TRY(add_to_file(file, entry, err));
    if (ret_file != NULL) mun_buf_text(ret_file, file);
    return MUN_OK;
}

/* ---- Removing ---------------------------------------------------------------------------- */

typedef struct removal {
    const mun_crypto *crypto;
    mun_role role;
    mun_slice name;
    const uint8_t *thumbprint;
    bool in_folder;
    size_t removed;
} removal;

static bool is_meant(const removal *r, const mun_trusted_key *key)
{
    if (key->role != r->role || !mun_slice_equal(key->name, r->name)) return false;
    if (r->thumbprint == NULL) return true;
    uint8_t thumbprint[MUN_HASH_SIZE];
    mun_key_thumbprint(r->crypto, &key->key, thumbprint);
    return memcmp(thumbprint, r->thumbprint, sizeof thumbprint) == 0;
}

static mun_code write_rest(removal *r, const char *path, const mun_trust_store *store,
                           mun_error *err)
{
    MUN_BUF_AUTO mun_buf rest = mun_buf_growable(MUN_TRUST_ENTRIES_MAX * sizeof(mun_trust_entry));
    size_t all = mun_trust_store_size(store);
    for (size_t i = 0; i < all; i++) {
        const mun_trust_entry *entry = mun_trust_store_at(store, i);
        if (!is_meant(r, &entry->key)) mun_buf_put(&rest, mun_slice_of(entry, sizeof *entry));
    }
    if (rest.overflow) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    size_t kept = rest.len / sizeof(mun_trust_entry);
    if (kept == all) return MUN_OK;
    r->removed += all - kept;
    if (kept == 0 && r->in_folder) return mun_file_remove(path, err);
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(MUN_TRUST_FILE_MAX);
    const void *entries = rest.ptr;
    MUN_TRY(mun_trust_text_write(entries, kept, &text, err));
    return mun_file_write(path, mun_buf_slice(&text), MUN_WRITE_REPLACE, err);
}

static mun_code remove_from_file(removal *r, const char *path, mun_error *err)
{
    mun_trust_store *store = NULL;
    MUN_TRY(file_open(path, &store, err));
    mun_code code = write_rest(r, path, store, err);
    mun_trust_store_free(store);
    return code;
}

static mun_code remove_walked(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    if (!mun_trust_is_store_file(entry->relative)) return MUN_OK;
    return remove_from_file(ctx, entry->path, err);
}

static bool enter_none(void *ctx, const mun_walk_entry *folder)
{
    (void)ctx;
    (void)folder;
    return false;
}

mun_code mun_trust_remove(const mun_crypto *crypto, const char *path, mun_role role, mun_slice name,
                          const uint8_t *thumbprint, size_t *ret_removed, mun_error *err)
{
    removal r = {.crypto = crypto, .role = role, .name = name, .thumbprint = thumbprint};
    bool is_file = false;
    MUN_TRY(path_kind(path, &is_file, err));
    r.in_folder = !is_file;
    mun_walk walk = {.ctx = &r, .file = remove_walked, .enter = enter_none};
    MUN_TRY(is_file ? remove_from_file(&r, path, err) : mun_dir_walk(path, &walk, err));
    if (r.removed == 0) {
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET,
                        "no trusted key has this role and name; see: muniment trust list");
    }
    *ret_removed = r.removed;
    return MUN_OK;
}

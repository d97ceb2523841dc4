/* SPDX-License-Identifier: Apache-2.0 */
#include "server/roster.h"

#include "vfs/files.h"

#include <stdlib.h>

static mun_file_stamp stamp_of(const char *path)
{
    mun_file_info info = {.kind = MUN_FILE_MISSING};
    if (path == NULL || mun_file_look(path, true, &info, NULL) != MUN_OK ||
        info.kind == MUN_FILE_MISSING) {
        return (mun_file_stamp){.missing = true};
    }
    return (mun_file_stamp){.inode = info.inode, .size = info.size, .changed_ns = info.changed_ns};
}

static bool same_stamp(const mun_file_stamp *a, const mun_file_stamp *b)
{
    return a->missing == b->missing && a->inode == b->inode && a->size == b->size &&
           a->changed_ns == b->changed_ns;
}

/* The stamp is taken before the file is read: a change in between is seen the next time. */
static mun_code read_list(const char *path, bool private_file, mun_token_list *list,
                          mun_file_stamp *stamp, mun_error *err)
{
    *stamp = stamp_of(path);
    if (path == NULL) return MUN_OK;
    MUN_TRY(mun_token_list_read(path, private_file, list, err));
    mun_token_list_sort(list);
    return MUN_OK;
}

mun_code mun_roster_create(const mun_access_options *options, mun_roster **ret, mun_error *err)
{
    mun_roster *roster = calloc(1, sizeof *roster);
    if (roster == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for access");
    atomic_init(&roster->uses, 1);
    roster->anyone =
        (mun_principal){.name = "anyone", .scopes = options->open_scopes, .anyone = true};
    roster->per_principal = options->per_principal;
    roster->per_address = options->per_address;
    roster->principals = options->principals;
    roster->addresses = options->addresses;
    mun_code code =
        read_list(options->tokens_file, true, &roster->tokens, &roster->stamps.tokens, err);
    if (code == MUN_OK) {
        code = read_list(options->certificates_file, false, &roster->certificates,
                         &roster->stamps.certificates, err);
    }
    if (code != MUN_OK) {
        mun_roster_give(roster);
        return code;
    }
    *ret = roster;
    return MUN_OK;
}

mun_roster *mun_roster_take(mun_roster *roster)
{
    atomic_fetch_add_explicit(&roster->uses, 1, memory_order_relaxed);
    return roster;
}

void mun_roster_give(mun_roster *roster)
{
    if (roster == NULL) return;
    if (atomic_fetch_sub_explicit(&roster->uses, 1, memory_order_acq_rel) != 1) return;
    mun_token_list_free(&roster->tokens);
    mun_token_list_free(&roster->certificates);
    free(roster);
}

mun_roster_stamps mun_roster_look(const mun_access_options *options)
{
    return (mun_roster_stamps){.tokens = stamp_of(options->tokens_file),
                               .certificates = stamp_of(options->certificates_file)};
}

bool mun_roster_stamps_equal(const mun_roster_stamps *a, const mun_roster_stamps *b)
{
    return same_stamp(&a->tokens, &b->tokens) && same_stamp(&a->certificates, &b->certificates);
}

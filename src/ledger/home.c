/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/home.h"

#include "codec/lines.h"
#include "ledger/ledger_parts.h"
#include "vfs/file_place.h"

#include <muniment/keys.h>
#include <stdio.h>

#define HOME_LINE    "muniment-home 1\n"
#define HOME_MAX     1024
#define MACHINE_ID   "/etc/machine-id"
#define MACHINE_TEXT 32 /* machine-id(5): hex digits, in lower case */
#define UNKNOWN      "-"

typedef struct home_text {
    char machine[2 * MUN_HASH_SIZE + 1]; /* or UNKNOWN */
} home_text;

/* machine-id(5) asks that the id itself is not shown to others: only a digest made for this. */
static void machine_look(const mun_crypto *crypto, home_text *ret)
{
    char room[2 * MACHINE_TEXT];
    mun_buf id = mun_buf_fixed(room, sizeof room);
    uint8_t digest[MUN_HASH_SIZE];
    snprintf(ret->machine, sizeof ret->machine, UNKNOWN);
    if (mun_file_read(MACHINE_ID, sizeof room, &id, NULL) != MUN_OK || id.len < MACHINE_TEXT)
        return;
    for (size_t i = 0; i < MACHINE_TEXT; i++) {
        if (strchr("0123456789abcdef", room[i]) == NULL) return; /* "uninitialized", say */
    }
    mun_slice parts[] = {MUN_LITERAL("muniment home\n"), mun_slice_of(room, MACHINE_TEXT)};
    crypto->sha256(crypto->ctx, parts, 2, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(ret->machine + 2 * i, 3, "%02x", digest[i]);
    }
}

static void home_write(void *ctx, const mun_file_place *place, mun_buf *ret)
{
    const home_text *text = ctx;
    char lines[256], born[40] = UNKNOWN;
    if (place->born_known) {
        snprintf(born, sizeof born, "%lld.%09u", (long long)place->born_seconds,
                 (unsigned)place->born_nanoseconds);
    }
    snprintf(lines, sizeof lines, HOME_LINE "inode %llu\nborn %s\nmachine %s\n",
             (unsigned long long)place->inode, born, text->machine);
    mun_buf_put(ret, mun_slice_of(lines, strlen(lines)));
}

static mun_code home_path(const char *directory, const char *folder, char ret[MUN_PATH_BYTES_MAX],
                          mun_error *err)
{
    int len = snprintf(ret, MUN_PATH_BYTES_MAX, "%s/%s/" MUN_HOME_FILE, directory, folder);
    if (len > 0 && len < MUN_PATH_BYTES_MAX) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the ledger's path is too long");
}

mun_code mun_home_make(const char *directory, const char *folder, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_crypto crypto;
    home_text text;
    MUN_TRY(home_path(directory, folder, path, err));
    MUN_TRY(mun_native_crypto_new(&crypto, err));
    machine_look(&crypto, &text);
    mun_native_crypto_free(&crypto);
    return mun_file_place_write(path, home_write, &text, err);
}

/* ---- Looking --------------------------------------------------------------------------------- */

typedef struct home_lines {
    mun_slice inode, born, machine;
} home_lines;

static bool lines_split(mun_slice text, home_lines *ret)
{
    mun_cursor c = mun_cursor_over(text);
    mun_line_expect(&c, MUN_LITERAL(HOME_LINE));
    mun_line_expect(&c, MUN_LITERAL("inode "));
    ret->inode = mun_line_take(&c);
    mun_line_expect(&c, MUN_LITERAL("born "));
    ret->born = mun_line_take(&c);
    mun_line_expect(&c, MUN_LITERAL("machine "));
    ret->machine = mun_line_take(&c);
    return mun_cursor_done(&c);
}

/* What only one side knows cannot tell them apart. */
static bool differ(mun_slice written, mun_slice here)
{
    mun_slice unknown = MUN_LITERAL(UNKNOWN);
    return !mun_slice_equal(written, here) && !mun_slice_equal(written, unknown) &&
           !mun_slice_equal(here, unknown);
}

/* NULL: at home. */
static const char *difference(mun_slice written_text, mun_slice here_text)
{
    home_lines written, here;
    if (!lines_split(written_text, &written) || !lines_split(here_text, &here)) {
        return "the file is not one that this version reads";
    }
    if (differ(written.inode, here.inode) || differ(written.born, here.born)) {
        return "its files were copied or restored from those of another place";
    }
    return differ(written.machine, here.machine) ? "its keys were made on another machine" : NULL;
}

static mun_code compare(const mun_crypto *crypto, const char *path, mun_slice written,
                        mun_home *ret, const char **ret_why, mun_error *err)
{
    char room[HOME_MAX];
    mun_buf here = mun_buf_fixed(room, sizeof room);
    mun_file_place place;
    home_text text;
    MUN_TRY(mun_file_place_look(path, &place, err));
    machine_look(crypto, &text);
    home_write(&text, &place, &here);
    const char *why = difference(written, mun_buf_slice(&here));
    *ret = why == NULL ? MUN_HOME_HERE : MUN_HOME_ELSEWHERE;
    *ret_why = why;
    return MUN_OK;
}

mun_code mun_home_look(const mun_crypto *crypto, const char *directory, const char *folder,
                       mun_home *ret, const char **ret_why, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX], room[HOME_MAX];
    mun_buf written = mun_buf_fixed(room, sizeof room);
    mun_error why = {0};
    MUN_TRY(home_path(directory, folder, path, err));
    mun_code code = mun_file_read(path, sizeof room, &written, &why);
    if (code == MUN_OK || code == MUN_E_LIMIT) {
        return compare(crypto, path, mun_buf_slice(&written), ret, ret_why, err);
    }
    if (code == MUN_E_NOT_FOUND) {
        *ret = MUN_HOME_NONE;
        return MUN_OK;
    }
    if (err != NULL) *err = why;
    return code;
}

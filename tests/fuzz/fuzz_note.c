/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a note, looked at with a log's and a witness's key. */
#include "evidence/fake_crypto.h"
#include "fuzz/fuzz_need.h"

#include "codec/utf8.h"

/* A name that is accepted holds no space. */
static void name_check(mun_slice name)
{
    mun_cursor c = mun_cursor_over(name);
    while (mun_cursor_left(&c) > 0) {
        uint32_t point = mun_utf8_take(&c);
        need(mun_cursor_ok(&c) && !mun_unicode_is_space(point));
        bool hidden = mun_unicode_is_hidden(point);
        need(point >= 0x20 || hidden);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fake_crypto fake;
    static mun_note note;
    mun_crypto crypto = fake_table(&fake);
    mun_public_key log = fake_key(MUN_ALG_EDDSA, 3), witness = fake_key(MUN_ALG_EDDSA, 4);
    mun_error err;
    if (mun_note_parse((mun_slice){data, size}, &note, &err) != MUN_OK) {
        need(err.rule[0] != '\0');
        return 0;
    }
    need(note.signatures_len >= 1 && note.signatures_len <= MUN_NOTE_SIGNATURES_MAX);
    need(note.text.len > 0 && note.text.ptr[note.text.len - 1] == '\n');
    uint64_t time = 0;
    for (size_t i = 0; i < note.signatures_len; i++) {
        mun_slice name = note.signatures[i].name;
        name_check(name);
        (void)!mun_note_check(&crypto, &note, name, MUN_VKEY_LOG, &log, NULL, NULL);
        (void)!mun_note_check(&crypto, &note, name, MUN_VKEY_COSIGNER, &witness, &time, NULL);
        need(time <= INT64_MAX);
    }
    return 0;
}

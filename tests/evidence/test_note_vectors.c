/* SPDX-License-Identifier: Apache-2.0 */
/* C2SP notes, checkpoints and cosignatures with the verdicts of the Go implementations. */
#include "support/cmocka_all.h"

#include <stdlib.h>

#include "base/buf.h"
#include "evidence/note.h"
#include "support/native_crypto.h"
#include "support/vectors.h"

static mun_code vkey_check(const mun_note *note, const char *vkey)
{
    mun_slice name;
    uint8_t type;
    mun_public_key key;
    uint64_t time;
    mun_error err = {0};
    mun_code code = mun_vkey_parse(&crypto, mun_slice_cstr(vkey), &name, &type, &key, &err);
    if (code != MUN_OK) fail_msg("%s: %s", vkey, err.text);
    return mun_note_check(&crypto, note, name, type, &key, &time, NULL);
}

/* [CKPT-5]: at least one known key has signed, and none of the known ones wrongly. */
static bool accepted(const json_t *one)
{
    static uint8_t bytes[200000];
    static mun_note note;
    size_t len = vectors_base64(one, "note_base64", bytes, sizeof bytes), i;
    if (mun_note_parse(mun_slice_of(bytes, len), &note, NULL) != MUN_OK) return false;
    bool any = false, wrong = false;
    json_t *vkey;
    json_array_foreach(vectors_list(one, "vkeys"), i, vkey)
    {
        mun_code code = vkey_check(&note, json_string_value(vkey));
        any = any || code == MUN_OK;
        wrong = wrong || code == MUN_E_INVALID;
    }
    return any && !wrong;
}

static void test_notes(void **state)
{
    (void)state;
    json_t *all = vectors_array("notes/notes.json", 32), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        bool expected = strcmp(vectors_text(one, "expect"), "accept") == 0;
        if (accepted(one) != expected) fail_msg("%s", vectors_text(one, "name"));
    }
    json_decref(all);
}

/* Where the documents here are stricter than the library: an empty origin [CKPT-8]. */
static void test_checkpoints(void **state)
{
    (void)state;
    json_t *all = vectors_array("notes/checkpoints.json", 18), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        const char *name = vectors_text(one, "name");
        bool expected = strcmp(vectors_text(one, "expect"), "accept") == 0;
        if (strcmp(name, "empty-origin") == 0) expected = false;
        uint8_t text[4096];
        size_t len = vectors_base64(one, "text_base64", text, sizeof text);
        mun_checkpoint c;
        mun_code code = mun_checkpoint_parse(mun_slice_of(text, len), &c, NULL);
        if ((code == MUN_OK) != expected) fail_msg("%s", name);
    }
    json_decref(all);
}

/* One cosignature taken apart [CKPT-6] [CKPT-13]. */
static void test_cosignature(void **state)
{
    (void)state;
    json_t *all = vectors_array("notes/cosignature.json", 1);
    const json_t *one = json_array_get(all, 0);
    uint8_t bytes[1024], message[1024], head[MUN_COSIGNATURE_HEAD_MAX];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_slice text = mun_slice_cstr(vectors_text(one, "checkpoint_text"));
    mun_buf_put(&buf, text);
    mun_buf_u8(&buf, '\n');
    mun_buf_text(&buf, vectors_text(one, "line"));
    mun_buf_u8(&buf, '\n');
    static mun_note note;
    assert_int_equal(mun_note_parse(mun_buf_slice(&buf), &note, NULL), MUN_OK);
    uint8_t id[4];
    vectors_hex(one, "key_id", id, sizeof id);
    assert_memory_equal(note.signatures[0].key_id, id, sizeof id);
    mun_slice name;
    uint8_t type;
    mun_public_key key;
    uint64_t time = 0;
    mun_slice vkey = mun_slice_cstr(vectors_text(one, "vkey"));
    assert_int_equal(mun_vkey_parse(&crypto, vkey, &name, &type, &key, NULL), MUN_OK);
    assert_int_equal(type, MUN_VKEY_COSIGNER);
    assert_int_equal(mun_note_check(&crypto, &note, name, type, &key, &time, NULL), MUN_OK);
    assert_int_equal(time, vectors_int(one, "time"));
    size_t len = vectors_base64(one, "signed_message_base64", message, sizeof message);
    mun_slice ours = mun_cosignature_head(head, time);
    assert_int_equal(len, ours.len + text.len);
    assert_memory_equal(message, ours.ptr, ours.len);
    assert_memory_equal(message + ours.len, text.ptr, text.len);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_cosignature),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}

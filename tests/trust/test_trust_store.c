/* SPDX-License-Identifier: Apache-2.0 */
/* The user's trust store: docs/format/trust.md. */
#include "trust/trust_store.h"

#include "support/cmocka_all.h"
#include "trust/trust_world.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct fixture {
    char folder[MUN_PATH_BYTES_MAX];
    char store[MUN_PATH_BYTES_MAX + 16]; /* folder/trust.d, not there yet */
    char file[MUN_PATH_BYTES_MAX + 16];  /* folder/one.json, not there yet */
    mun_signing_key a, b;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    must(mun_dir_make_temp(NULL, f->folder, err));
    snprintf(f->store, sizeof f->store, "%s/trust.d", f->folder);
    snprintf(f->file, sizeof f->file, "%s/one.json", f->folder);
    f->a = new_signing_key(MUN_ALG_ES256);
    f->b = new_signing_key(MUN_ALG_EDDSA);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    mun_signing_key_free(&f->a);
    mun_signing_key_free(&f->b);
    must(mun_dir_remove_all(f->folder, err));
    free(f);
    return 0;
}

static mun_trust_entry entry_of(const mun_signing_key *key, mun_role role, const char *name)
{
    return (mun_trust_entry){
        .key = {.role = role,
                .name = mun_slice_cstr(name),
                .key = key->signer.key,
                .kids = {MUN_LITERAL("other kid")},
                .kids_len = 1,
                .trusted = true},
        .reason = MUN_LITERAL("because"),
        .added = 1795348800,
    };
}

static mun_code add(const fixture *f, const char *path, const mun_signing_key *key, mun_role role,
                    const char *name)
{
    mun_trust_entry entry = entry_of(key, role, name);
    mun_error why;
    (void)f;
    return mun_trust_add(trust_crypto(), path, &entry, NULL, &why);
}

static mun_trust_store *load(const char *path)
{
    mun_trust_store *store = NULL;
    must(mun_trust_store_new(&store, err));
    must(mun_trust_store_load(store, path, err));
    return store;
}

static size_t size_of(const char *path)
{
    mun_trust_store *store = load(path);
    size_t size = mun_trust_store_size(store), len = 0;
    assert_true(mun_trust_store_keys(store, &len) != NULL || size == 0);
    assert_int_equal(len, size);
    mun_trust_store_free(store);
    return size;
}

static void add_list_remove(const fixture *f, const char *path)
{
    size_t removed = 0;
    mun_error why;
    assert_int_equal(add(f, path, &f->a, MUN_ROLE_ISSUER, "urn:a"), MUN_OK);
    assert_int_equal(add(f, path, &f->a, MUN_ROLE_ISSUER, "urn:a"), MUN_E_EXISTS);
    assert_int_equal(add(f, path, &f->b, MUN_ROLE_ISSUER, "urn:a"), MUN_OK);
    assert_int_equal(add(f, path, &f->b, MUN_ROLE_LEDGER, "urn:a"), MUN_OK);
    assert_int_equal(add(f, path, &f->b, MUN_ROLE_WITNESS, "w"), MUN_OK);
    assert_int_equal(size_of(path), 4);
    mun_slice name = MUN_LITERAL("urn:a");
    must(mun_trust_remove(trust_crypto(), path, MUN_ROLE_ISSUER, name, f->b.signer.kid, &removed,
                          err));
    assert_int_equal(removed, 1);
    mun_trust_store *store = load(path);
    assert_int_equal(mun_trust_store_size(store), 3);
    bool found = false;
    for (size_t i = 0; i < 3; i++) {
        const mun_trust_entry *e = mun_trust_store_at(store, i);
        if (e->key.role != MUN_ROLE_ISSUER) continue;
        found = true;
        assert_true(mun_slice_equal(e->key.name, name));
        assert_true(mun_slice_equal(e->reason, MUN_LITERAL("because")));
        assert_true(mun_slice_equal(e->key.kids[0], MUN_LITERAL("other kid")));
        assert_memory_equal(e->key.key.x, f->a.signer.key.x, 32);
        assert_int_equal(e->added, 1795348800);
        assert_true(e->key.trusted);
        assert_non_null(strstr(e->file, f->folder));
    }
    assert_true(found);
    mun_trust_store_free(store);
    assert_int_equal(add(f, path, &f->b, MUN_ROLE_ISSUER, "urn:a"), MUN_OK);
    must(mun_trust_remove(trust_crypto(), path, MUN_ROLE_ISSUER, name, NULL, &removed, err));
    assert_int_equal(removed, 2);
    assert_int_equal(
        mun_trust_remove(trust_crypto(), path, MUN_ROLE_ISSUER, name, NULL, &removed, &why),
        MUN_E_NOT_FOUND);
    assert_int_equal(size_of(path), 2);
}

static void in_a_folder(void **state)
{
    const fixture *f = *state;
    add_list_remove(f, f->store);
}

static void in_one_file(void **state)
{
    const fixture *f = *state;
    add_list_remove(f, f->file);
}

static void nothing_there(void **state)
{
    const fixture *f = *state;
    mun_trust_store *store = NULL;
    mun_error why;
    must(mun_trust_store_new(&store, err));
    assert_int_equal(mun_trust_store_load(store, f->store, &why), MUN_E_NOT_FOUND);
    mun_trust_store_free(store);
}

static mun_code load_text(const fixture *f, const char *text, mun_error *ret)
{
    mun_trust_store *store = NULL;
    must(mun_file_write(f->file, mun_slice_cstr(text), MUN_WRITE_REPLACE, err));
    must(mun_trust_store_new(&store, err));
    mun_code code = mun_trust_store_load(store, f->file, ret);
    mun_trust_store_free(store);
    return code;
}

/* [TRUST-1] */
static void strictly_read(void **state)
{
    static const char *const changes[][2] = {
        {"\"version\":1", "\"version\":0"},
        {"\"version\":1,", ""},
        {"\"version\":1", "\"version\":1,\"more\":1"},
        {"\"role\":\"issuer\"", "\"role\":\"Issuer\""},
        {"\"role\":\"issuer\",", ""},
        {"\"name\":\"urn:a\"", "\"name\":\"\""},
        {"\"name\":\"urn:a\"", "\"name\":7"},
        {"\"name\":\"urn:a\"", "\"name\":\"urn:a\",\"name\":\"urn:b\""},
        {"\"coseKey\":\"", "\"coseKey\":\"A"},
        {"\"kids\":[\"", "\"kids\":[\"!"},
        {"\"kids\":[", "\"kids\":[[],"},
        {"\"reason\":\"because\"", "\"reason\":null"},
        {"\"reason\":\"because\"", "\"reasons\":\"because\""},
        {"\"added\":\"2026", "\"added\":\"26"},
        {"}]}", "}]}x"},
        {"}]}", "}]"},
    };
    const fixture *f = *state;
    mun_error why = {0};
    char text[4096] = "", changed[4096];
    assert_int_equal(add(f, f->file, &f->a, MUN_ROLE_ISSUER, "urn:a"), MUN_OK);
    mun_buf buf = mun_buf_fixed(text, sizeof text - 1);
    must(mun_file_read(f->file, sizeof text - 1, &buf, err));
    assert_int_equal(load_text(f, text, &why), MUN_OK);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        trust_replace(text, changes[i][0], changes[i][1], changed, sizeof changed);
        if (load_text(f, changed, &why) != MUN_E_MALFORMED) fail_msg("taken: %s", changes[i][1]);
        assert_non_null(strstr(why.text, "one.json"));
    }
    trust_replace(text, "\"version\":1", "\"version\":2", changed, sizeof changed);
    assert_int_equal(load_text(f, changed, &why), MUN_E_VERSION); /* [FMT-1] */
    trust_replace(text, "\"reason\":\"because\",", "", changed, sizeof changed);
    assert_int_equal(load_text(f, changed, &why), MUN_OK);
}

/* [TRUST-2] */
static void writable_by_everybody(void **state)
{
    const fixture *f = *state;
    mun_trust_store *store = NULL;
    mun_error why;
    assert_int_equal(add(f, f->file, &f->a, MUN_ROLE_ISSUER, "urn:a"), MUN_OK);
    assert_int_equal(chmod(f->file, 0666), 0);
    must(mun_trust_store_new(&store, err));
    assert_int_equal(mun_trust_store_load(store, f->file, &why), MUN_E_PERMISSION);
    assert_non_null(strstr(why.text, "chmod o-w"));
    mun_trust_store_free(store);
}

/* [TRUST-3]: other names are left alone; one bad file makes the folder an error. */
static void names_in_a_folder(void **state)
{
    const fixture *f = *state;
    char path[2 * MUN_PATH_BYTES_MAX];
    mun_trust_store *store = NULL;
    mun_error why;
    assert_int_equal(add(f, f->store, &f->a, MUN_ROLE_ISSUER, "urn:a"), MUN_OK);
    snprintf(path, sizeof path, "%s/notes.txt", f->store);
    must(mun_file_write(path, MUN_LITERAL("no JSON"), 0, err));
    assert_int_equal(size_of(f->store), 1);
    snprintf(path, sizeof path, "%s/bad.json", f->store);
    must(mun_file_write(path, MUN_LITERAL("no JSON"), 0, err));
    must(mun_trust_store_new(&store, err));
    assert_int_equal(mun_trust_store_load(store, f->store, &why), MUN_E_MALFORMED);
    assert_non_null(strstr(why.text, "bad.json"));
    mun_trust_store_free(store);
}

/* The same key from two places counts once; a key put in memory needs no file. */
static void put_and_twice(void **state)
{
    const fixture *f = *state;
    assert_int_equal(add(f, f->store, &f->a, MUN_ROLE_ISSUER, "urn:a"), MUN_OK);
    assert_int_equal(add(f, f->file, &f->a, MUN_ROLE_ISSUER, "urn:a"), MUN_OK);
    mun_trust_store *store = load(f->store);
    must(mun_trust_store_load(store, f->file, err));
    assert_int_equal(mun_trust_store_size(store), 1);
    char name[] = "urn:b";
    mun_trusted_key key = {.role = MUN_ROLE_LEDGER,
                           .name = mun_slice_cstr(name),
                           .key = f->b.signer.key,
                           .trusted = true};
    for (int i = 0; i < 20; i++) {
        name[4] = (char)('a' + i);
        must(mun_trust_store_put(store, &key, err));
        must(mun_trust_store_put(store, &key, err));
    }
    assert_int_equal(mun_trust_store_size(store), 21);
    size_t len = 0;
    const mun_trusted_key *keys = mun_trust_store_keys(store, &len);
    assert_true(mun_slice_equal(keys[2].name, MUN_LITERAL("urn:b")));
    key.name = (mun_slice){0};
    mun_error why;
    assert_int_equal(mun_trust_store_put(store, &key, &why), MUN_E_USAGE);
    mun_trust_store_free(store);
}

static void default_path(void **state)
{
    char path[64];
    mun_error why;
    (void)state;
    setenv("XDG_CONFIG_HOME", "/x", 1);
    setenv("HOME", "/home/me", 1);
    must(mun_trust_default_path(path, sizeof path, err));
    assert_string_equal(path, "/x/muniment/trust.d");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    must(mun_trust_default_path(path, sizeof path, err));
    assert_string_equal(path, "/home/me/.config/muniment/trust.d");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("HOME");
    assert_int_equal(mun_trust_default_path(path, sizeof path, &why), MUN_E_USAGE);
}

static void roles(void **state)
{
    mun_role role;
    (void)state;
    for (int i = MUN_ROLE_ISSUER; i <= MUN_ROLE_TSA; i++) {
        assert_true(mun_role_parse(mun_slice_cstr(mun_role_name((mun_role)i)), &role));
        assert_int_equal(role, i);
    }
    assert_false(mun_role_parse(MUN_LITERAL("admin"), &role));
}

int main(void)
{
#define with(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with(in_a_folder),   with(in_one_file),           with(nothing_there),
        with(strictly_read), with(writable_by_everybody), with(names_in_a_folder),
        with(put_and_twice), cmocka_unit_test(roles),     cmocka_unit_test(default_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

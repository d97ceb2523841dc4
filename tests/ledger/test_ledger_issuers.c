/* SPDX-License-Identifier: Apache-2.0 */
/* The list of issuers: statements on the log that take effect by index [POL-6] to [POL-10]. */
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

typedef struct listing {
    size_t len;
    char iss[40][64];
    uint64_t added[40];
    size_t kids[40];
} listing;

static mun_code note(void *ctx, mun_slice iss, const mun_issuer_key *key, uint64_t added_index,
                     mun_error *err)
{
    listing *l = ctx;
    (void)err;
    assert_true(l->len < 40);
    snprintf(l->iss[l->len], 64, "%.*s", (int)iss.len, (const char *)iss.ptr);
    l->kids[l->len] = key->kids_len;
    l->added[l->len++] = added_index;
    return MUN_OK;
}

static listing list(mun_ledger *ledger)
{
    listing l = {0};
    must(mun_ledger_issuers(ledger, note, &l, err));
    return l;
}

static void refused_by(world *w, const made *statement, const char *rule)
{
    mun_error why;
    world_refused(w, made_slice(statement), &why);
    assert_string_equal(why.rule, rule);
}

static void add_and_remove(void **state)
{
    world *w = *state;
    made statement, second;
    uint64_t index = 0;
    listing l = list(w->ledger);
    assert_int_equal(l.len, 1);
    assert_string_equal(l.iss[0], WORLD_ISSUER);
    assert_int_equal(l.added[0], 1);
    world_statement(w, 1, &statement);
    world_statement(w, 2, &second);
    uint64_t first = world_register(w, &statement);
    must(mun_ledger_issuer_remove(w->ledger, MUN_LITERAL(WORLD_ISSUER), NULL, &index, err));
    assert_int_equal(index, first + 1);
    assert_int_equal(list(w->ledger).len, 0);
    refused_by(w, &second, "issuer-not-listed");
    /* What is on the log is answered, whatever the policy now says. */
    assert_int_equal(world_register(w, &statement), first);
    world_issuer_add(w, WORLD_ISSUER, &w->issuer);
    world_register(w, &second);
    world_close(w);
    must(mun_ledger_fsck(w->path, true, NULL, NULL, err)); /* [POL-13] */
    world_open(w);
    assert_int_equal(list(w->ledger).len, 1);
}

/* [POL-8]: one key of a name, or all of them; what is not there changes nothing. */
static void two_keys_of_a_name(void **state)
{
    world *w = *state;
    made one, two;
    uint64_t index = 0;
    world_issuer_add(w, WORLD_ISSUER, &w->other);
    world_sign(&w->issuer, WORLD_ISSUER, "a", 1, &one);
    world_sign(&w->other, WORLD_ISSUER, "a", 2, &two);
    world_register(w, &one);
    world_register(w, &two);
    must(mun_ledger_issuer_remove(w->ledger, MUN_LITERAL(WORLD_ISSUER), &w->other.signer.key,
                                  &index, err));
    assert_int_equal(list(w->ledger).len, 1);
    world_sign(&w->other, WORLD_ISSUER, "a", 3, &two);
    refused_by(w, &two, "kid-not-listed");
    world_sign(&w->issuer, WORLD_ISSUER, "a", 3, &one);
    world_register(w, &one);
    must(mun_ledger_issuer_remove(w->ledger, MUN_LITERAL("https://nobody"), NULL, &index, err));
    assert_int_equal(list(w->ledger).len, 1);
}

/* [POL-7]: other people's key ids are matched as bytes; adding again replaces them. */
static void other_kids(void **state)
{
    world *w = *state;
    made statement;
    uint64_t index = 0;
    mun_signing_key foreign = new_signing_key(MUN_ALG_ES256);
    mun_issuer_key key = {.key = foreign.signer.key, .kids = {MUN_LITERAL("key-1")}, .kids_len = 1};
    memset(foreign.signer.kid, 'k', MUN_HASH_SIZE);
    mun_slice kid = mun_slice_of(foreign.signer.kid, MUN_HASH_SIZE), iss = MUN_LITERAL("urn:x");
    must(mun_ledger_issuer_add(w->ledger, iss, &key, &index, err));
    world_sign(&foreign, "urn:x", "a", 1, &statement);
    refused_by(w, &statement, "kid-not-listed");
    key.kids[1] = kid;
    key.kids_len = 2;
    must(mun_ledger_issuer_add(w->ledger, iss, &key, &index, err));
    assert_int_equal(list(w->ledger).len, 2);
    assert_int_equal(list(w->ledger).kids[1], 2);
    world_register(w, &statement);
    key.kids_len = 0;
    must(mun_ledger_issuer_add(w->ledger, iss, &key, &index, err));
    world_sign(&foreign, "urn:x", "a", 2, &statement);
    refused_by(w, &statement, "kid-not-listed");
    mun_signing_key_free(&foreign);
}

static void limits(void **state)
{
    world *w = *state;
    uint64_t index = 0, size;
    mun_error why;
    mun_signing_key keys[17];
    for (size_t i = 0; i < 17; i++) {
        keys[i] = new_signing_key(MUN_ALG_EDDSA);
        mun_issuer_key key = {.key = keys[i].signer.key};
        mun_code code =
            mun_ledger_issuer_add(w->ledger, MUN_LITERAL("urn:many"), &key, &index, &why);
        assert_int_equal(code, i < 16 ? MUN_OK : MUN_E_REFUSED);
    }
    size = mun_ledger_tree(w->ledger).size;
    assert_string_equal(why.rule, "issuer-keys-limit");
    mun_issuer_key again = {.key = keys[0].signer.key}; /* replaces, so it is no seventeenth */
    must(mun_ledger_issuer_add(w->ledger, MUN_LITERAL("urn:many"), &again, &index, err));
    assert_int_equal(
        mun_ledger_issuer_add(w->ledger, MUN_LITERAL(WORLD_ORIGIN), &again, &index, &why),
        MUN_E_REFUSED);
    assert_string_equal(why.rule, "origin-reserved"); /* [POL-10] */
    assert_int_equal(mun_ledger_issuer_add(w->ledger, (mun_slice){0}, &again, &index, &why),
                     MUN_E_USAGE);
    assert_int_equal(mun_ledger_tree(w->ledger).size, size + 1);
    for (size_t i = 0; i < 17; i++) mun_signing_key_free(&keys[i]);
}

/* Under a deterministic signature add, remove, add within one second are three statements. */
static void changes_of_one_second(void **state)
{
    world *w = *state;
    uint64_t index = 0;
    world_close(w);
    must(mun_dir_remove_all(w->path, err));
    world_make(w, false, MUN_ALG_EDDSA);
    world_open(w);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(world_issuer_add(w, WORLD_ISSUER, &w->issuer), 1 + 2 * i);
        assert_int_equal(list(w->ledger).len, 1);
        must(mun_ledger_issuer_remove(w->ledger, MUN_LITERAL(WORLD_ISSUER), NULL, &index, err));
        assert_int_equal(list(w->ledger).len, 0);
    }
    world_close(w);
    must(mun_ledger_fsck(w->path, true, NULL, NULL, err));
    world_open(w);
}

/* The file `control` is derived: gone, cut, changed at any byte, or of another time, the list of
 * issuers is the same [LOG-30]. */
static void control_file_is_only_a_help(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX];
    uint64_t index = 0;
    world_issuer_add(w, "urn:second", &w->other);
    MUN_BUF_AUTO mun_buf older = mun_buf_growable(65536);
    world_file(w, "control", path);
    must(mun_file_read(path, 65536, &older, err));
    must(mun_ledger_issuer_remove(w->ledger, MUN_LITERAL("urn:second"), NULL, &index, err));
    world_issuer_add(w, "urn:third", &w->other);
    world_close(w);
    MUN_BUF_AUTO mun_buf newest = mun_buf_growable(65536);
    must(mun_file_read(path, 65536, &newest, err));
    for (size_t i = 0; i <= newest.len + 1; i++) {
        if (i < newest.len) {
            newest.ptr[i] ^= 1;
            must(mun_file_write(path, mun_buf_slice(&newest), MUN_WRITE_REPLACE, err));
            newest.ptr[i] ^= 1;
        } else if (i == newest.len) {
            must(mun_file_write(path, mun_buf_slice(&older), MUN_WRITE_REPLACE, err));
        } else {
            must(mun_file_remove(path, err));
        }
        if (i % 7 != 0 && i + 2 < newest.len) continue; /* opening costs syncs */
        world_open(w);
        listing l = list(w->ledger);
        assert_int_equal(l.len, 2);
        assert_string_equal(l.iss[1], "urn:third");
        world_close(w);
    }
    mun_ledger_open_options reader = {.read_only = true};
    w->ledger = world_open_with(w, &reader);
    assert_int_equal(list(w->ledger).len, 2);
}

int main(void)
{
#define listed(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        listed(add_and_remove), listed(two_keys_of_a_name),    listed(other_kids),
        listed(limits),         listed(changes_of_one_second), listed(control_file_is_only_a_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

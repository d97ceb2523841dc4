/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in every form that people hand around: told by content, read to the same key. */
#include "trust/keyfile.h"

#include "support/cmocka_all.h"
#include "trust/trust_world.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const int32_t algs[] = {MUN_ALG_ES256, MUN_ALG_ES384, MUN_ALG_EDDSA};
enum { ALGS = 3 };

static void same_key(const mun_public_key *a, const mun_public_key *b)
{
    assert_int_equal(a->kty, b->kty);
    assert_int_equal(a->crv, b->crv);
    assert_int_equal(a->x_len, b->x_len);
    assert_int_equal(a->y_len, b->y_len);
    assert_memory_equal(a->x, b->x, a->x_len);
    assert_memory_equal(a->y, b->y, a->y_len);
}

static mun_key_file parse(mun_slice bytes)
{
    mun_key_file file;
    must(mun_key_file_parse(trust_crypto(), bytes, &file, err));
    return file;
}

static void every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++) {
        mun_signing_key key = new_signing_key(algs[i]);
        uint8_t memory[4096];
        mun_buf buf = mun_buf_fixed(memory, sizeof memory);
        mun_public_key_to_pem(&key.signer.key, &buf);
        mun_key_file file = parse(mun_buf_slice(&buf));
        assert_int_equal(file.format, MUN_KEY_FORMAT_PEM);
        same_key(&file.keys[0], &key.signer.key);

        mun_buf_clear(&buf);
        mun_cose_key_write(&key.signer.key, MUN_LITERAL("me"), 0, &buf);
        file = parse(mun_buf_slice(&buf));
        assert_int_equal(file.format, MUN_KEY_FORMAT_COSE);
        assert_int_equal(file.kid_len, 2);
        same_key(&file.keys[0], &key.signer.key);

        mun_buf_clear(&buf);
        mun_jwk_write(&key.signer.key, &buf);
        file = parse(mun_buf_slice(&buf));
        assert_int_equal(file.format, MUN_KEY_FORMAT_JWK);
        same_key(&file.keys[0], &key.signer.key);
        mun_signing_key_free(&key);
    }
}

static void vkey_and_ledger_pub(void **state)
{
    (void)state;
    mun_signing_key a = new_signing_key(MUN_ALG_ES256), b = new_signing_key(MUN_ALG_EDDSA);
    uint8_t memory[4096];
    mun_buf buf = mun_buf_fixed(memory, sizeof memory);
    mun_vkey_write(trust_crypto(), MUN_LITERAL("witness.example"), MUN_VKEY_COSIGNER, &b.signer.key,
                   &buf);
    mun_buf_text(&buf, "\n");
    mun_key_file file = parse(mun_buf_slice(&buf));
    assert_int_equal(file.format, MUN_KEY_FORMAT_VKEY);
    assert_int_equal(file.vkey_type, MUN_VKEY_COSIGNER);
    assert_int_equal(file.name_len, 15);
    assert_memory_equal(file.name, "witness.example", 15);
    same_key(&file.keys[0], &b.signer.key);

    mun_ledger_pub pub = {MUN_LITERAL("ledger.example/x"), a.signer.key, b.signer.key};
    mun_buf_clear(&buf);
    mun_ledger_pub_write(trust_crypto(), &pub, &buf);
    file = parse(mun_buf_slice(&buf));
    assert_int_equal(file.format, MUN_KEY_FORMAT_LEDGER_PUB);
    assert_int_equal(file.keys_len, 2);
    assert_memory_equal(file.name, "ledger.example/x", file.name_len);
    same_key(&file.keys[0], &a.signer.key);
    same_key(&file.keys[1], &b.signer.key);
    mun_signing_key_free(&a);
    mun_signing_key_free(&b);
}

static void refused(mun_slice bytes, mun_code code, const char *word)
{
    mun_key_file file;
    mun_error why = {0};
    assert_int_equal(mun_key_file_parse(trust_crypto(), bytes, &file, &why), code);
    if (strstr(why.text, word) == NULL) fail_msg("\"%s\" does not say %s", why.text, word);
}

static void what_is_no_public_key(void **state)
{
    (void)state;
    refused((mun_slice){0}, MUN_E_MALFORMED, "empty");
    refused(MUN_LITERAL("hello"), MUN_E_MALFORMED, "ledger.pub");
    refused(MUN_LITERAL("a+b+c"), MUN_E_MALFORMED, "ledger.pub");
    refused(MUN_LITERAL("\xa1\x01"), MUN_E_MALFORMED, "");
    refused(MUN_LITERAL("{}"), MUN_E_MALFORMED, "kty");
    refused(MUN_LITERAL("{\"kty\":\"oct\",\"k\":\"AAAA\"}"), MUN_E_MALFORMED, "private");
    refused(MUN_LITERAL("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"}"), MUN_E_MALFORMED,
            "curve");
    refused(MUN_LITERAL("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}"),
            MUN_E_MALFORMED, "width");
    refused(MUN_LITERAL("muniment-ledger/1\n"), MUN_E_MALFORMED, "");
    uint8_t bytes[MUN_PRIVATE_PEM_MAX];
    mun_buf pem = mun_buf_fixed(bytes, sizeof bytes);
    mun_private_key *key = NULL;
    must(mun_private_key_generate(MUN_ALG_ES256, &key, err));
    must(mun_private_key_to_pem(key, (mun_slice){0}, &pem, err));
    mun_private_key_free(key);
    mun_key_file file;
    mun_error why = {0};
    assert_int_not_equal(mun_key_file_parse(trust_crypto(), mun_buf_slice(&pem), &file, &why),
                         MUN_OK);
    assert_non_null(strstr(why.text, ".pub"));
}

/* A JWK with a private member is refused even where all the rest is right; others are ignored. */
static void jwk_members(void **state)
{
    (void)state;
    mun_signing_key key = new_signing_key(MUN_ALG_EDDSA);
    char text[512] = "", changed[600];
    uint8_t kid[64];
    mun_public_key read;
    mun_error why;
    mun_buf buf = mun_buf_fixed(text, sizeof text - 1), kid_buf = mun_buf_fixed(kid, sizeof kid);
    mun_jwk_write(&key.signer.key, &buf);
    trust_replace(text, "{", "{\"use\":\"sig\",\"kid\":\"me\",", changed, sizeof changed);
    must(mun_jwk_parse(mun_slice_cstr(changed), &read, &kid_buf, err));
    assert_memory_equal(kid, "me", 2);
    trust_replace(text, "{", "{\"d\":\"AAAA\",", changed, sizeof changed);
    assert_int_equal(mun_jwk_parse(mun_slice_cstr(changed), &read, NULL, &why), MUN_E_MALFORMED);
    trust_replace(text, "}", ",\"x\":\"AAAA\"}", changed, sizeof changed);
    assert_int_equal(mun_jwk_parse(mun_slice_cstr(changed), &read, NULL, &why), MUN_E_MALFORMED);
    mun_signing_key_free(&key);
}

/* RFC 8037 appendix A.2 and RFC 7517 appendix A.1: keys that others made. */
static void published_jwks(void **state)
{
    static const char okp[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                              "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
    static const char ec[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
                             "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                             "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\","
                             "\"use\":\"enc\",\"kid\":\"1\"}";
    (void)state;
    mun_public_key key;
    must(mun_jwk_parse(MUN_LITERAL(okp), &key, NULL, err));
    assert_int_equal(key.x[0], 0xd7);
    must(mun_jwk_parse(MUN_LITERAL(ec), &key, NULL, err));
    assert_int_equal(key.x[0], 0x30);
    assert_int_equal(key.y_len, 32);
}

/* [KEY-11]: files with their modes; the signer's name is the thumbprint. */
static void key_files(void **state)
{
    (void)state;
    char folder[MUN_PATH_BYTES_MAX], path[MUN_PATH_BYTES_MAX + 8], public[MUN_PATH_BYTES_MAX + 16];
    struct stat st;
    mun_error why;
    must(mun_dir_make_temp(NULL, folder, err));
    snprintf(path, sizeof path, "%s/k", folder);
    snprintf(public, sizeof public, "%s.pub", path);
    for (size_t i = 0; i < ALGS; i++) {
        mun_public_key made;
        mun_signing_key key;
        mun_key_file file;
        uint8_t thumbprint[MUN_HASH_SIZE];
        mun_slice passphrase = i == 1 ? MUN_LITERAL("horse") : (mun_slice){0};
        must(mun_key_files_make(path, algs[i], passphrase, &made, err));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(mun_key_files_make(path, algs[i], passphrase, &made, &why), MUN_E_EXISTS);
        must(mun_key_file_read(trust_crypto(), public, &file, err));
        same_key(&file.keys[0], &made);
        if (i == 1) {
            assert_int_equal(mun_signing_key_read(path, (mun_slice){0}, &key, &why), MUN_E_USAGE);
        }
        must(mun_signing_key_read(path, passphrase, &key, err));
        same_key(&key.signer.key, &made);
        mun_key_thumbprint(trust_crypto(), &made, thumbprint);
        assert_memory_equal(key.signer.kid, thumbprint, sizeof thumbprint);
        mun_signing_key_free(&key);
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(mun_signing_key_read(path, passphrase, &key, &why), MUN_E_PERMISSION);
        must(mun_file_remove(path, err));
        assert_int_equal(mun_key_files_make(path, algs[i], passphrase, &made, &why), MUN_E_EXISTS);
        mun_file_info info;
        must(mun_file_look(path, false, &info, err));
        assert_int_equal(info.kind, MUN_FILE_MISSING); /* nothing is left of the failure */
        must(mun_file_remove(public, err));
    }
    must(mun_dir_remove_all(folder, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),
        cmocka_unit_test(vkey_and_ledger_pub),
        cmocka_unit_test(what_is_no_public_key),
        cmocka_unit_test(jwk_members),
        cmocka_unit_test(published_jwks),
        cmocka_unit_test(key_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in all their wrappings. The first byte says which: COSE_Key, certificate, vkey, ledger.pub,
 * origin. What is accepted is written back, the same where there is one form only. */
#include "codec/cbor.h"
#include "evidence/fake_crypto.h"
#include "fuzz/fuzz_need.h"

static uint8_t store[2048];

static void names_check(const mun_crypto *crypto, const mun_public_key *key)
{
    mun_buf name = mun_buf_fixed(store, sizeof store);
    mun_key_thumbprint_uri(crypto, key, &name);
    need(mun_key_owns_name(crypto, key, mun_buf_slice(&name)));
    name = mun_buf_fixed(store, sizeof store);
    if (mun_did_key_write(key, &name, NULL) == MUN_OK)
        need(mun_key_owns_name(crypto, key, mun_buf_slice(&name)));
}

static void key_again(const mun_crypto *crypto, const mun_public_key *key)
{
    mun_public_key back;
    mun_buf written = mun_buf_fixed(store, sizeof store);
    mun_cose_key_write(key, (mun_slice){0}, 0, &written);
    mun_slice bytes = mun_buf_slice(&written);
    need(mun_cbor_check(bytes, MUN_CBOR_DETERMINISTIC, NULL) == MUN_OK);
    need(mun_cose_key_parse(bytes, &back, NULL, NULL) == MUN_OK);
    need(memcmp(&back, key, sizeof back) == 0);
    names_check(crypto, key);
}

static void vkey_check(const mun_crypto *crypto, mun_slice text)
{
    mun_slice name;
    uint8_t type;
    mun_public_key key;
    if (mun_vkey_parse(crypto, text, &name, &type, &key, NULL) != MUN_OK) return;
    mun_buf written = mun_buf_fixed(store, sizeof store);
    mun_vkey_write(crypto, name, type, &key, &written);
    need(mun_slice_equal(mun_buf_slice(&written), text));
}

static void pub_check(const mun_crypto *crypto, mun_slice text)
{
    mun_ledger_pub pub;
    if (mun_ledger_pub_parse(crypto, text, &pub, NULL) != MUN_OK) return;
    mun_buf words = mun_buf_fixed(store, sizeof store);
    mun_ledger_fingerprint(crypto, &pub, &words);
    need(mun_buf_ok(&words) && mun_origin_valid(pub.origin));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    if (size == 0) return 0;
    mun_slice rest = {data + 1, size - 1}, kid;
    mun_public_key key;
    switch (data[0]) {
    case 'c':
        if (mun_cose_key_parse(rest, &key, &kid, NULL) == MUN_OK) key_again(&crypto, &key);
        break;
    case 'x':
        if (mun_certificate_key(rest, &key, NULL) == MUN_OK) key_again(&crypto, &key);
        break;
    case 'v': vkey_check(&crypto, rest); break;
    case 'p': pub_check(&crypto, rest); break;
    default: (void)mun_origin_valid(rest); break;
    }
    return 0;
}

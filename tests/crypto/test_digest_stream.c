/* SPDX-License-Identifier: Apache-2.0 */
/* A streamed digest is the digest of the whole, however it was cut. */
#include "crypto/digest_stream.h"
#include "support/cmocka_all.h"

#include <muniment/keys.h>
#include <string.h>

#define SIZE 300 /* more than two blocks of every hash */

static void every_cut(void **state)
{
    (void)state;
    static const int32_t hashes[] = {MUN_HASH_SHA256, MUN_HASH_SHA384, MUN_HASH_SHA512};
    uint8_t bytes[SIZE];
    mun_crypto crypto;
    assert_int_equal(mun_native_crypto_new(&crypto, NULL), MUN_OK);
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (uint8_t)(i * 7);
    for (size_t h = 0; h < 3; h++) {
        uint8_t whole[MUN_DIGEST_MAX], parts[MUN_DIGEST_MAX];
        size_t whole_len, parts_len;
        mun_slice all = {bytes, SIZE};
        mun_digest_stream *stream;
        assert_int_equal(crypto.digest(crypto.ctx, hashes[h], &all, 1, whole, &whole_len), MUN_OK);
        assert_int_equal(mun_digest_stream_new(hashes[h], &stream, NULL), MUN_OK);
        for (size_t cut = 0; cut <= SIZE; cut++) { /* the stream begins anew each time */
            mun_slice first = {bytes, cut}, second = {bytes + cut, SIZE - cut};
            assert_int_equal(mun_digest_stream_add(stream, first, NULL), MUN_OK);
            assert_int_equal(mun_digest_stream_add(stream, second, NULL), MUN_OK);
            assert_int_equal(mun_digest_stream_end(stream, parts, &parts_len, NULL), MUN_OK);
            assert_int_equal(parts_len, whole_len);
            assert_memory_equal(parts, whole, whole_len);
        }
        mun_digest_stream_free(stream);
    }
    mun_native_crypto_free(&crypto);
}

static void others_are_refused(void **state)
{
    (void)state;
    mun_digest_stream *stream;
    mun_error err;
    assert_int_equal(mun_digest_stream_new(-17, &stream, &err), MUN_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "-17"));
    mun_digest_stream_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

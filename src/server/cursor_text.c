/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cursor_text.h"

#include "base/cursor.h"
#include "base/error.h"
#include "codec/radix.h"

#define VERSION    1
#define MARK_BYTES 16
#define CURSOR_LEN (1 + 8 + MARK_BYTES)
#define DOMAIN     "muniment cursor 1"

static void mark(const mun_crypto *crypto, const mun_cursor_of *of, uint64_t index,
                 uint8_t ret[MUN_HASH_SIZE])
{
    uint8_t lengths[24];
    mun_buf numbers = mun_buf_fixed(lengths, sizeof lengths);
    mun_buf_u64(&numbers, of->origin.len);
    mun_buf_u64(&numbers, of->question.len);
    mun_buf_u64(&numbers, index);
    mun_slice parts[] = {MUN_LITERAL(DOMAIN), mun_buf_slice(&numbers), of->origin, of->question};
    crypto->sha256(crypto->ctx, parts, sizeof parts / sizeof parts[0], ret);
}

void mun_cursor_write(const mun_crypto *crypto, const mun_cursor_of *of, uint64_t index,
                      char ret[MUN_CURSOR_TEXT])
{
    uint8_t bytes[CURSOR_LEN], digest[MUN_HASH_SIZE];
    mun_buf raw = mun_buf_fixed(bytes, sizeof bytes);
    mun_buf text = mun_buf_fixed(ret, MUN_CURSOR_TEXT - 1);
    mark(crypto, of, index, digest);
    mun_buf_u8(&raw, VERSION);
    mun_buf_u64(&raw, index);
    mun_buf_put(&raw, mun_slice_of(digest, MARK_BYTES));
    mun_base64url_put(&text, mun_buf_slice(&raw));
    ret[text.len] = '\0';
}

mun_code mun_cursor_read(const mun_crypto *crypto, const mun_cursor_of *of, mun_slice text,
                         uint64_t *ret_index, mun_error *err)
{
    uint8_t bytes[CURSOR_LEN], digest[MUN_HASH_SIZE];
    mun_buf raw = mun_buf_fixed(bytes, sizeof bytes);
    if (!mun_base64url_take(text, &raw) || raw.len != CURSOR_LEN || bytes[0] != VERSION) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the parameter cursor is not one that was given here; begin without it");
    }
    mun_cursor c = mun_cursor_over(mun_slice_of(bytes + 1, 8));
    uint64_t index = mun_cursor_u64(&c);
    mark(crypto, of, index, digest);
    if (memcmp(digest, bytes + 9, MARK_BYTES) != 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the parameter cursor belongs to another search: repeat the same "
                        "parameters with it, or begin without it");
    }
    *ret_index = index;
    return MUN_OK;
}

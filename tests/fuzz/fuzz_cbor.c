/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as CBOR: the modes contain each other, what the checker accepts the reader takes whole,
 * and the notation of it can be written. */
#include "codec/cbor.h"
#include "fuzz/fuzz_need.h"

#include <muniment/base.h>

#define NOTATION_MAX (1u << 22)

/* Every item inside is taken to its end, level by level, with a bound on the work. */
static void take_all(mun_slice bytes, unsigned *left)
{
    mun_cursor c = mun_cursor_over(bytes);
    while (mun_cbor_more(&c) && *left > 0) {
        mun_cbor_item item = mun_cbor_take(&c);
        need(item.type != MUN_CBOR_NONE);
        need(item.inside.len < item.whole.len);
        --*left;
    }
    need(mun_cursor_ok(&c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_slice bytes = {data, size};
    bool carried = mun_cbor_check(bytes, MUN_CBOR_CARRIED, NULL) == MUN_OK;
    bool strict = mun_cbor_check(bytes, MUN_CBOR_STRICT, NULL) == MUN_OK;
    bool ours = mun_cbor_check(bytes, MUN_CBOR_DETERMINISTIC, NULL) == MUN_OK;
    need((!strict || carried) && (!ours || strict));
    mun_cursor c = mun_cursor_over(bytes);
    mun_cbor_item item = mun_cbor_take(&c);
    need(!carried || (item.whole.len == size && mun_cursor_done(&c)));
    unsigned left = 1000;
    bool open =
        item.type == MUN_CBOR_ARRAY || item.type == MUN_CBOR_MAP || item.type == MUN_CBOR_TAG;
    if (open) take_all(item.inside, &left);
    mun_buf text = mun_buf_growable(NOTATION_MAX);
    mun_code code = mun_cbor_diag(bytes, &text, NULL);
    need(code == (carried ? MUN_OK : MUN_E_MALFORMED) || code == MUN_E_LIMIT);
    mun_buf_free(&text);
    return 0;
}

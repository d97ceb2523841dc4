/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the trust store: what is read is written back, entry by entry, to the same. */
#include "fuzz/fuzz_need.h"
#include "trust/trust_text.h"

#include "base/slice.h"

static mun_code compare(void *ctx, const mun_trust_entry *entry, mun_error *err)
{
    const mun_trust_entry *first = ctx;
    (void)err;
    need(mun_trust_same_key(&first->key, &entry->key));
    need(first->added == entry->added && mun_slice_equal(first->reason, entry->reason));
    need(first->key.kids_len == entry->key.kids_len);
    return MUN_OK;
}

static mun_code visit(void *ctx, const mun_trust_entry *entry, mun_error *err)
{
    mun_role role;
    mun_trust_entry copy = *entry;
    (void)ctx;
    need(mun_role_parse(mun_slice_cstr(mun_role_name(entry->key.role)), &role));
    need(role == entry->key.role && entry->key.trusted && entry->key.name.len > 0);
    mun_buf text = mun_buf_growable(MUN_TRUST_FILE_MAX);
    need(mun_trust_text_write(entry, 1, &text, err) == MUN_OK);
    need(mun_trust_text_parse(mun_buf_slice(&text), compare, &copy, err) == MUN_OK);
    mun_buf_free(&text);
    return MUN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_error err = {0};
    mun_code code = mun_trust_text_parse(mun_slice_of(data, size), visit, NULL, &err);
    need(code == MUN_OK || err.text[0] != '\0');
    return 0;
}

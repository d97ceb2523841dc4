/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy documents and issuer documents. What is read is written back, and that is read to the
 * same; a written document has one form.
 */
#include "fuzz/fuzz_need.h"
#include "trust/policy_document.h"

#include "base/slice.h"

#include <muniment/keys.h>

static mun_crypto crypto;

static void check_policy(mun_slice input)
{
    mun_policy policy, again;
    if (mun_policy_parse(&crypto, input, &policy, NULL) != MUN_OK) return;
    mun_buf once = mun_buf_growable(MUN_CONTROL_JSON_MAX);
    mun_buf twice = mun_buf_growable(MUN_CONTROL_JSON_MAX);
    need(mun_policy_write(&policy, &once, NULL) == MUN_OK);
    /* Administrators' keys of their own are read but not kept: then the text cannot come back. */
    if (mun_policy_parse(&crypto, mun_buf_slice(&once), &again, NULL) == MUN_OK) {
        need(mun_policy_write(&again, &twice, NULL) == MUN_OK);
        need(mun_slice_equal(mun_buf_slice(&once), mun_buf_slice(&twice)));
    }
    mun_buf_free(&once);
    mun_buf_free(&twice);
}

static void check_issuer(mun_slice input)
{
    mun_issuer_document document, again;
    if (mun_issuer_document_parse(&crypto, input, &document, NULL) != MUN_OK) return;
    mun_buf text = mun_buf_growable(2 * MUN_CONTROL_JSON_MAX);
    need(mun_issuer_document_write(&document, &text, NULL) == MUN_OK);
    need(mun_issuer_document_parse(&crypto, mun_buf_slice(&text), &again, NULL) == MUN_OK);
    need(again.remove == document.remove && mun_slice_equal(again.issuer, document.issuer));
    need(mun_slice_equal(again.cose_key, document.cose_key));
    need(again.kids_len == document.kids_len);
    need(again.have_thumbprint == document.have_thumbprint);
    mun_issuer_document_free(&document);
    mun_issuer_document_free(&again);
    mun_buf_free(&text);
}

/* The time in the first bytes, both ways. */
static void check_time(mun_slice input)
{
    char text[MUN_UTC_TEXT];
    int64_t seconds = 0, again = 0;
    if (!mun_utc_parse(mun_slice_of(input.ptr, input.len < 20 ? input.len : 20), &seconds)) return;
    mun_utc_text(seconds, text);
    need(memcmp(text, input.ptr, 20) == 0);
    need(mun_utc_parse(mun_slice_cstr(text), &again) && again == seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_error err;
    if (crypto.ctx == NULL) need(mun_native_crypto_new(&crypto, &err) == MUN_OK);
    mun_slice input = mun_slice_of(data, size);
    check_policy(input);
    check_issuer(input);
    check_time(input);
    mun_code origin = mun_origin_check(input, &err);
    need(origin == MUN_OK || origin == MUN_E_USAGE);
    return 0;
}

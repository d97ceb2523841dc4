/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/problem_read.h"

#include "cli/remote.h"
#include "cli/speak.h"
#include "codec/cbor.h"

#include <string.h>

mun_code mun_problem_code(unsigned status, mun_slice title)
{
    bool rejected = mun_slice_equal(title, MUN_LITERAL("Rejected")) ||
                    mun_slice_equal(title, MUN_LITERAL("Confirmation Missing")) ||
                    mun_slice_equal(title, MUN_LITERAL("Read-Only Copy"));
    switch (status) {
    case 400:
    case 403:
        if (rejected) return MUN_E_REFUSED;
        return status == 400 ? MUN_E_MALFORMED : MUN_E_PERMISSION;
    case 401: return MUN_E_PERMISSION;
    case 404: return MUN_E_NOT_FOUND;
    case 413: return MUN_E_LIMIT;
    case 429:
    case 502:
    case 503:
    case 504: return MUN_E_AGAIN;
    case 507: return MUN_E_NO_SPACE;
    default: return status < 500 ? MUN_E_UNSUPPORTED : MUN_E_IO;
    }
}

static mun_code say(unsigned status, mun_slice title, mun_slice detail, mun_error *err)
{
    mun_code code = mun_problem_code(status, title);
    const char *advice = status == 401 ? " (--token-file names the file with a token)" : "";
    if (detail.len > 0) {
        return mun_failf(err, code, 0, "the service answers: %s: %s%s", MUN_PLAIN(title),
                         MUN_PLAIN(detail), advice);
    }
    if (title.len > 0) {
        return mun_failf(err, code, 0, "the service answers: %s%s", MUN_PLAIN(title), advice);
    }
    return mun_failf(err, code, 0, "the service answers with status %u%s", status, advice);
}

/* RFC 9290 section 2: text, or tag 38 with [language, text]. */
static mun_slice text_of(const mun_cbor_item *item)
{
    if (mun_cbor_is_string(item, MUN_CBOR_TEXT)) return item->inside;
    if (!mun_cbor_is(item, MUN_CBOR_TAG) || item->value != 38) return (mun_slice){0};
    mun_cursor c = mun_cbor_open(item);
    mun_cbor_item pair = mun_cbor_take(&c);
    if (!mun_cbor_is(&pair, MUN_CBOR_ARRAY)) return (mun_slice){0};
    mun_cursor parts = mun_cbor_open(&pair);
    (void)mun_cbor_take(&parts);
    mun_cbor_item text = mun_cbor_take(&parts);
    return mun_cbor_is_string(&text, MUN_CBOR_TEXT) ? text.inside : (mun_slice){0};
}

mun_code mun_problem_read(mun_slice item, unsigned status, mun_error *err)
{
    mun_slice title = {0}, detail = {0};
    mun_cursor whole = mun_cursor_over(item);
    mun_cbor_item map = mun_cbor_take(&whole);
    if (mun_cbor_is(&map, MUN_CBOR_MAP)) {
        mun_cursor c = mun_cbor_open(&map);
        while (mun_cbor_more(&c)) {
            mun_cbor_item key = mun_cbor_take(&c), value = mun_cbor_take(&c);
            int64_t label, number;
            if (!mun_cbor_int(&key, &label)) continue;
            if (label == -1) title = text_of(&value);
            if (label == -2) detail = text_of(&value);
            if (label == -4 && mun_cbor_int(&value, &number) && number >= 100 && number < 600) {
                status = (unsigned)number;
            }
        }
    }
    if (status == 202) {
        return mun_fail_rule(err, MUN_E_UNSUPPORTED, "pending", MUN_NO_OFFSET,
                             "the service will register it later");
    }
    return say(status, title, detail, err);
}

mun_code mun_problem_read_json(mun_slice body, unsigned status, mun_error *err)
{
    json_t *object = json_loadb((const char *)body.ptr, body.len, 0, NULL);
    mun_code code =
        say(status, mun_remote_text(object, "title"), mun_remote_text(object, "detail"), err);
    json_decref(object);
    return code;
}

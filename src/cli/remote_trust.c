/* SPDX-License-Identifier: Apache-2.0 */
/* For verify -l URL: the keys that a service shows, so that signatures can be checked with them.
 * Nothing becomes trusted by that: the verdict stays 3 until the user says whom to trust. */
#include "cli/remote.h"
#include "cli/trust_flags.h"
#include "codec/radix.h"

#include <stdlib.h>
#include <string.h>

static mun_code put(mun_trust_flags *flags, mun_role role, mun_slice name,
                    const mun_public_key *key, const json_t *kids, mun_error *err)
{
    if (name.len == 0 || name.len > MUN_NAME_MAX) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the service shows a nameless key");
    }
    mun_known_key *grown = realloc(flags->known, (flags->known_len + 1) * sizeof *grown);
    uint8_t *copy = grown != NULL ? malloc(name.len) : NULL;
    if (grown != NULL) flags->known = grown;
    if (copy == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    memcpy(copy, name.ptr, name.len);
    mun_known_key *known = &flags->known[flags->known_len++];
    *known = (mun_known_key){.role = role, .name = copy, .name_len = name.len, .key = *key};
    for (size_t i = 0; i < json_array_size(kids) && known->kids_len < MUN_TRUST_KIDS_MAX; i++) {
        const json_t *kid = json_array_get(kids, i);
        mun_buf bytes = mun_buf_fixed(known->kids[known->kids_len], sizeof known->kids[0]);
        if (!json_is_string(kid)) continue;
        if (!mun_hex_take(mun_slice_cstr(json_string_value(kid)), &bytes)) continue;
        known->kid_lens[known->kids_len++] = bytes.len;
    }
    return MUN_OK;
}

static mun_code put_issuers(mun_trust_flags *flags, const json_t *page, mun_error *err)
{
    size_t i;
    json_t *issuer;
    json_array_foreach(json_object_get(page, "issuers"), i, issuer)
    {
        mun_public_key key;
        MUN_TRY(mun_public_key_from_pem(mun_remote_text(issuer, "pem"), &key, err));
        MUN_TRY(put(flags, MUN_ROLE_ISSUER, mun_remote_text(issuer, "iss"), &key,
                    json_object_get(issuer, "other_kids"), err));
    }
    return MUN_OK;
}

static mun_code read_known(mun_remote *remote, mun_trust_flags *flags, mun_error *err)
{
    json_t *page;
    MUN_TRY(mun_remote_identity(remote, err));
    const mun_ledger_pub *pub = &remote->pub;
    MUN_TRY(put(flags, MUN_ROLE_LEDGER, pub->origin, &pub->receipts, NULL, err));
    MUN_TRY(put(flags, MUN_ROLE_LEDGER, pub->origin, &pub->checkpoints, NULL, err));
    MUN_TRY(mun_remote_get_json(remote, "/v1/issuers", &page, err));
    mun_code code = put_issuers(flags, page, err);
    json_decref(page);
    return code;
}

mun_code mun_remote_known(mun_app *app, const char *url, mun_trust_flags *flags, mun_error *err)
{
    mun_remote *remote;
    MUN_TRY(mun_remote_connect(app, url, &remote, err));
    mun_code code = read_known(remote, flags, err);
    mun_remote_close(remote);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The original's part of a change of place [POL-17]: from here on somebody else signs. First the
 * mark of a copy, so that nobody writes here any more whatever happens next; then the policy with
 * the successor's keys; the last checkpoint, by the keys that announced them; ledger.pub. Each step
 * may be repeated.
 */
#include "ledger/ledger_parts.h"

typedef struct handing {
    mun_ledger *ledger;
    const mun_ledger_pub *successor;
    const mun_crypto *crypto;
    mun_ledger_signers present;
} handing;

static const mun_policy *policy_of(const handing *h)
{
    return mun_control_policy(&h->ledger->control.state);
}

static mun_code refused(mun_error *err, const char *why)
{
    return mun_fail(err, MUN_E_REFUSED, MUN_NO_OFFSET, why);
}

static mun_code may_hand_over(handing *h, mun_error *err)
{
    const mun_ledger *ledger = h->ledger;
    if (!mun_slice_equal(h->successor->origin, ledger->pub.origin)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the successor's keys are for a ledger of another name (origin)");
    }
    if (ledger->elsewhere_why != NULL) return mun_ledger_elsewhere(ledger, err);
    if (!ledger->keys_there) {
        return refused(err, "this is a copy without keys: only the original can hand over");
    }
    return MUN_OK;
}

static bool has_kid(const handing *h, const mun_public_key *key, const uint8_t kid[MUN_HASH_SIZE])
{
    uint8_t own[MUN_HASH_SIZE];
    mun_key_thumbprint(h->crypto, key, own);
    return memcmp(own, kid, MUN_HASH_SIZE) == 0;
}

static bool announced(const handing *h)
{
    const mun_policy_keys *keys = &policy_of(h)->keys;
    return has_kid(h, &h->successor->receipts, keys->receipts.kid) &&
           has_kid(h, &h->successor->checkpoints, keys->checkpoints.kid);
}

static int32_t alg_of(const mun_public_key *key)
{
    return key->crv == MUN_CRV_P256   ? MUN_ALG_ES256
           : key->crv == MUN_CRV_P384 ? MUN_ALG_ES384
                                      : MUN_ALG_EDDSA;
}

/* A signer's public half: enough to be named in a policy. */
static mun_signer named(const handing *h, const mun_public_key *key)
{
    mun_signer signer = {.alg = alg_of(key), .key = *key};
    mun_key_thumbprint(h->crypto, key, signer.kid);
    return signer;
}

static mun_code announce(handing *h, mun_error *err)
{
    mun_policy policy;
    uint64_t index = 0;
    mun_ledger *ledger = h->ledger;
    const mun_policy *now = policy_of(h);
    mun_signer receipts = named(h, &h->successor->receipts);
    mun_signer checkpoints = named(h, &h->successor->checkpoints);
    MUN_BUF_AUTO mun_buf statement = mun_buf_growable(MUN_ENTRY_MAX);
    if (memcmp(now->keys.receipts.kid, h->present.receipts.signer.kid, MUN_HASH_SIZE) != 0) {
        return refused(err, "the keys here are not in force any more: this ledger was handed over "
                            "or adopted before, to other keys than these");
    }
    int64_t created = (int64_t)(ledger->clock_ms(ledger->clock_ctx) / 1000);
    MUN_TRY(mun_policy_init(ledger->pub.origin, created, now->any_issuer, &receipts, &checkpoints,
                            &policy, err));
    memcpy(policy.algorithms, now->algorithms, sizeof policy.algorithms);
    policy.algorithms_len = now->algorithms_len;
    MUN_TRY(mun_policy_statement_sign(&policy, &h->present.receipts.signer, &statement, err));
    return mun_ledger_say(ledger, h->crypto, mun_buf_slice(&statement), &index, err);
}

/* By the key that was in force until now: whoever follows knows no other yet. */
static mun_code last_checkpoint(handing *h, mun_tree *ret, mun_error *err)
{
    mun_ledger *ledger = h->ledger;
    mun_tree_head head = mun_log_head(ledger->log);
    mun_checkpoint checkpoint = {.origin = ledger->pub.origin, .size = head.size};
    MUN_BUF_AUTO mun_buf note = mun_buf_growable(MUN_CHECKPOINT_MAX);
    mun_hash_bytes(&head.root, checkpoint.root);
    MUN_TRY(
        mun_checkpoint_sign(h->crypto, &checkpoint, &h->present.checkpoints.signer, &note, err));
    if (!mun_buf_ok(&note)) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    *ret = mun_tree_of(&head);
    return mun_ledger_file_write(ledger->directory, MUN_CHECKPOINT_FILE, mun_buf_slice(&note),
                                 MUN_WRITE_REPLACE, err);
}

static mun_code pub_write(const handing *h, mun_error *err)
{
    uint8_t bytes[MUN_LEDGER_PUB_MAX];
    mun_buf text = mun_buf_fixed(bytes, sizeof bytes);
    mun_ledger_pub_write(h->crypto, h->successor, &text);
    if (!mun_buf_ok(&text)) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    return mun_ledger_file_write(h->ledger->directory, MUN_LEDGER_PUB_FILE, mun_buf_slice(&text),
                                 MUN_WRITE_REPLACE, err);
}

static mun_code hand_over(handing *h, mun_slice passphrase, mun_tree *ret, mun_error *err)
{
    mun_ledger *ledger = h->ledger;
    MUN_TRY(may_hand_over(h, err));
    MUN_TRY(mun_ledger_keys_read(ledger->directory, MUN_KEYS_FOLDER, passphrase, &h->present, err));
    if (!announced(h)) {
        MUN_TRY(mun_ledger_mark_copy(ledger->directory, err));
        MUN_TRY(announce(h, err));
    }
    MUN_TRY(last_checkpoint(h, ret, err));
    return pub_write(h, err);
}

mun_code mun_ledger_handover(const char *directory, const mun_ledger_pub *successor,
                             mun_slice passphrase, mun_tree *ret_tree, mun_error *err)
{
    mun_ledger *ledger = NULL;
    mun_crypto *crypto = NULL;
    mun_ledger_open_options open = {.no_keys = true};
    MUN_TRY(mun_ledger_open_as(directory, &open, true, &ledger, err));
    mun_code code = mun_crypto_pool_take(&ledger->pool, &crypto, err);
    if (code == MUN_OK) {
        handing h = {.ledger = ledger, .successor = successor, .crypto = crypto};
        code = hand_over(&h, passphrase, ret_tree, err);
        mun_ledger_signers_free(&h.present);
        mun_crypto_pool_give(&ledger->pool, crypto);
    }
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    return code == MUN_OK ? closed : code;
}

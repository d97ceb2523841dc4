/* SPDX-License-Identifier: Apache-2.0 */
/* The origin [KEY-12], ledger.pub [KEY-13] and its fingerprint in words [KEY-14]. */
#include "base/cursor.h"
#include "base/error.h"
#include "codec/lines.h"
#include "codec/radix.h"
#include "evidence/note.h"
#include "evidence/words.h"

#define ORIGIN_MAX       255
#define PUB_VERSION      "muniment-ledger/"
#define PUB_LINE         PUB_VERSION "1\n"
#define PUB_MAX          1024 /* origin twice, a P-384 COSE_Key, a vkey: below 900 */
#define COSE_MAX         128  /* no COSE_Key of a ledger takes more */
#define FINGERPRINT_HEAD "muniment ledger fingerprint/1\n"

static mun_code refuse(mun_error *err, const char *rule, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_MALFORMED, rule, MUN_NO_OFFSET, sentence);
}

bool mun_origin_valid(mun_slice origin)
{
    if (origin.len > ORIGIN_MAX || !mun_key_name_valid(origin)) return false;
    for (size_t i = 0; i < origin.len; i++) {
        mun_slice rest = mun_slice_of(origin.ptr + i, origin.len - i);
        bool control = rest.ptr[0] < 0x20 || rest.ptr[0] == 0x7f;
        if (control || mun_slice_starts(rest, MUN_LITERAL("://"))) return false;
    }
    return origin.ptr[origin.len - 1] != '/';
}

static bool is_receipts_key(const mun_public_key *key)
{
    bool ec2 = key->kty == MUN_KTY_EC2 && (key->crv == MUN_CRV_P256 || key->crv == MUN_CRV_P384);
    return ec2 || mun_is_ed25519(key);
}

static mun_code receipts_line_read(mun_slice text, mun_public_key *ret, mun_error *err)
{
    uint8_t bytes[COSE_MAX];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    if (!mun_base64_take(text, &buf))
        return refuse(err, "ledger-pub-invalid", "the receipts line is not base64 of a key");
    MUN_TRY(mun_cose_key_parse(mun_buf_slice(&buf), ret, NULL, err));
    if (is_receipts_key(ret)) return MUN_OK;
    return refuse(err, "ledger-pub-invalid", "the receipts key is of a kind that no ledger uses");
}

/* Reads loosely; mun_ledger_pub_parse compares with what a writer would make. */
static mun_code pub_read(const mun_crypto *crypto, mun_slice text, mun_ledger_pub *ret,
                         mun_error *err)
{
    const char *rule = "ledger-pub-invalid";
    mun_cursor c = mun_cursor_over(text);
    mun_line_expect(&c, MUN_LITERAL(PUB_LINE));
    mun_line_expect(&c, MUN_LITERAL("origin "));
    ret->origin = mun_line_take(&c);
    mun_line_expect(&c, MUN_LITERAL("receipts "));
    mun_slice receipts = mun_line_take(&c);
    mun_line_expect(&c, MUN_LITERAL("checkpoints "));
    mun_slice vkey = mun_line_take(&c), name;
    if (!mun_cursor_done(&c)) return refuse(err, rule, "this is not a ledger.pub file");
    if (!mun_origin_valid(ret->origin)) return refuse(err, rule, "the origin is not a valid name");
    MUN_TRY(receipts_line_read(receipts, &ret->receipts, err));
    uint8_t type;
    MUN_TRY(mun_vkey_parse(crypto, vkey, &name, &type, &ret->checkpoints, err));
    if (type == MUN_VKEY_LOG && mun_slice_equal(name, ret->origin)) return MUN_OK;
    return refuse(err, rule, "the checkpoints key is not under the origin's name");
}

/* [FMT-1]: a higher number is a newer version's. */
static mun_code version_check(mun_slice text, mun_error *err)
{
    const mun_slice mark = MUN_LITERAL(PUB_VERSION);
    mun_cursor c = mun_cursor_over(text);
    mun_line_expect(&c, mark);
    uint64_t version = 0;
    bool numbered = mun_decimal_take(mun_line_take(&c), UINT32_MAX, &version);
    if (!mun_cursor_ok(&c) || !numbered || version <= 1) return MUN_OK;
    return mun_fail_rule(err, MUN_E_VERSION, "version", MUN_NO_OFFSET,
                         "this ledger.pub was made by a newer version of Muniment; use that one");
}

mun_code mun_ledger_pub_parse(const mun_crypto *crypto, mun_slice text, mun_ledger_pub *ret,
                              mun_error *err)
{
    mun_ledger_pub pub = {0};
    MUN_TRY(version_check(text, err));
    MUN_TRY(pub_read(crypto, text, &pub, err));
    uint8_t again[PUB_MAX];
    mun_buf buf = mun_buf_fixed(again, sizeof again);
    mun_ledger_pub_write(crypto, &pub, &buf);
    if (!mun_buf_ok(&buf) || !mun_slice_equal(mun_buf_slice(&buf), text))
        return refuse(err, "ledger-pub-invalid", "the file is not as Muniment writes a ledger.pub");
    *ret = pub;
    return MUN_OK;
}

void mun_ledger_pub_write(const mun_crypto *crypto, const mun_ledger_pub *pub, mun_buf *ret)
{
    uint8_t cose[MUN_COSE_KEY_MAX];
    mun_buf buf = mun_buf_fixed(cose, sizeof cose);
    mun_cose_key_write(&pub->receipts, (mun_slice){0}, 0, &buf);
    mun_buf_text(ret, PUB_LINE "origin ");
    mun_buf_put(ret, pub->origin);
    mun_buf_text(ret, "\nreceipts ");
    mun_base64_put(ret, mun_buf_slice(&buf));
    mun_buf_text(ret, "\ncheckpoints ");
    mun_vkey_write(crypto, pub->origin, MUN_VKEY_LOG, &pub->checkpoints, ret);
    mun_buf_u8(ret, '\n');
}

void mun_ledger_fingerprint(const mun_crypto *crypto, const mun_ledger_pub *pub, mun_buf *ret)
{
    uint8_t text[PUB_MAX], hash[MUN_HASH_SIZE];
    mun_buf buf = mun_buf_fixed(text, sizeof text);
    mun_ledger_pub_write(crypto, pub, &buf);
    const mun_slice parts[] = {MUN_LITERAL(FINGERPRINT_HEAD), mun_buf_slice(&buf)};
    crypto->sha256(crypto->ctx, parts, 2, hash);
    for (size_t i = 0; i < MUN_FINGERPRINT_WORDS; i++) {
        if (i > 0) mun_buf_u8(ret, ' ');
        mun_buf_text(ret, mun_words[hash[i]]);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C2SP tlog-proofs (docs/format/checkpoint.md):
 *
 *   c2sp.org/tlog-proof@v1 LF  [extra base64 LF]  index decimal LF  (base64 node LF)...  LF  note
 */
#include "base/cursor.h"
#include "base/error.h"
#include "codec/lines.h"
#include "codec/radix.h"
#include "evidence/note.h"

#define PROOF_LINE "c2sp.org/tlog-proof@v1\n"
#define TEXT_PROOF "this is not a C2SP tlog-proof, version 1"

static mun_code refuse(mun_error *err, const char *rule, const mun_cursor *c, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_MALFORMED, rule, mun_cursor_offset(c), sentence);
}

/* [CKPT-14]: the first lines, "extra" being optional. */
static mun_code proof_head_read(mun_cursor *c, mun_tlog_proof *ret, mun_error *err)
{
    const mun_slice extra = MUN_LITERAL("extra "), index = MUN_LITERAL("index ");
    size_t ignored;
    mun_line_expect(c, MUN_LITERAL(PROOF_LINE));
    if (!mun_cursor_ok(c)) return refuse(err, "tlog-proof-invalid", c, TEXT_PROOF);
    mun_slice line = mun_line_take(c);
    if (mun_slice_starts(line, extra)) {
        ret->extra = mun_slice_of(line.ptr + extra.len, line.len - extra.len);
        if (!mun_base64_valid(ret->extra, &ignored))
            return refuse(err, "tlog-proof-invalid", c, "the extra line is not base64");
        line = mun_line_take(c);
    }
    if (!mun_slice_starts(line, index) ||
        !mun_decimal_take(mun_slice_of(line.ptr + index.len, line.len - index.len),
                          MUN_TREE_SIZE_TOP, &ret->index))
        return refuse(err, "tlog-proof-invalid", c, "the index line is missing or wrong");
    return MUN_OK;
}

/* [CKPT-15]: hashes up to the empty line. */
static mun_code proof_path_read(mun_cursor *c, mun_tlog_proof *ret, mun_error *err)
{
    mun_slice line;
    while ((line = mun_line_take(c)).len > 0) {
        if (ret->path_len == MUN_PROOF_PATH_MAX)
            return refuse(err, "tlog-proof-invalid", c, "the path has more than 63 hashes");
        if (!mun_base64_exact(line, ret->path[ret->path_len++], MUN_HASH_SIZE))
            return refuse(err, "tlog-proof-invalid", c, "a line of the path is not a hash");
    }
    if (mun_cursor_ok(c)) return MUN_OK;
    return refuse(err, "tlog-proof-invalid", c, "the proof ends before its checkpoint");
}

mun_code mun_tlog_proof_parse(mun_slice text, mun_tlog_proof *ret, mun_error *err)
{
    if (text.len > MUN_NOTE_MAX)
        return mun_fail_rule(err, MUN_E_MALFORMED, "tlog-proof-invalid", MUN_NO_OFFSET,
                             "the tlog-proof is larger than 1 MiB");
    mun_tlog_proof proof = {0};
    mun_cursor c = mun_cursor_over(text);
    MUN_TRY(proof_head_read(&c, &proof, err));
    MUN_TRY(proof_path_read(&c, &proof, err));
    proof.note = mun_slice_of(c.at, mun_cursor_left(&c));
    mun_note note;
    mun_checkpoint checkpoint;
    MUN_TRY(mun_note_parse(proof.note, &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &checkpoint, err));
    *ret = proof;
    return MUN_OK;
}

void mun_tlog_proof_write(const mun_tlog_proof *proof, mun_buf *ret)
{
    mun_buf_text(ret, PROOF_LINE "index ");
    mun_buf_decimal(ret, proof->index);
    mun_buf_u8(ret, '\n');
    for (size_t i = 0; i < proof->path_len; i++) {
        mun_base64_put(ret, mun_slice_of(proof->path[i], MUN_HASH_SIZE));
        mun_buf_u8(ret, '\n');
    }
    mun_buf_u8(ret, '\n');
    mun_buf_put(ret, proof->note);
}

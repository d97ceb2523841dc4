/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a checkpoint (docs/format/checkpoint.md):
 *
 *   origin LF  size LF  base64 root LF  (extension LF)...
 */
#include "base/cursor.h"
#include "base/error.h"
#include "codec/lines.h"
#include "codec/radix.h"
#include "evidence/note.h"

static mun_code refuse(mun_error *err, const char *rule, const mun_cursor *c, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_MALFORMED, rule, mun_cursor_offset(c), sentence);
}

/* [CKPT-8]: no line empty, the last one ended. */
static bool extensions_valid(mun_cursor c)
{
    while (mun_cursor_ok(&c) && mun_cursor_left(&c) > 0)
        if (mun_line_take(&c).len == 0) return false;
    return mun_cursor_ok(&c);
}

mun_code mun_checkpoint_parse(mun_slice text, mun_checkpoint *ret, mun_error *err)
{
    const char *rule = "checkpoint-invalid";
    MUN_TRY(mun_note_characters(text, rule, err));
    mun_cursor c = mun_cursor_over(text);
    mun_checkpoint checkpoint = {.origin = mun_line_take(&c)};
    if (checkpoint.origin.len == 0) return refuse(err, rule, &c, "the checkpoint names no origin");
    if (!mun_decimal_take(mun_line_take(&c), MUN_TREE_SIZE_TOP, &checkpoint.size))
        return refuse(err, rule, &c, "the checkpoint's second line is not a tree size");
    if (!mun_base64_exact(mun_line_take(&c), checkpoint.root, MUN_HASH_SIZE))
        return refuse(err, rule, &c, "the checkpoint's third line is not a root hash");
    if (!mun_cursor_ok(&c) || !extensions_valid(c))
        return refuse(err, rule, &c, "the checkpoint's lines are cut off, or one is empty");
    checkpoint.extensions = mun_slice_of(c.at, mun_cursor_left(&c));
    *ret = checkpoint;
    return MUN_OK;
}

void mun_checkpoint_text(const mun_checkpoint *checkpoint, mun_buf *ret)
{
    mun_buf_put(ret, checkpoint->origin);
    mun_buf_u8(ret, '\n');
    mun_buf_decimal(ret, checkpoint->size);
    mun_buf_u8(ret, '\n');
    mun_base64_put(ret, mun_slice_of(checkpoint->root, MUN_HASH_SIZE));
    mun_buf_u8(ret, '\n');
    mun_buf_put(ret, checkpoint->extensions);
}

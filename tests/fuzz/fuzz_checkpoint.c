/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the text of a checkpoint: what is accepted is written back the same. */
#include "base/buf.h"
#include "fuzz/fuzz_need.h"

#include <muniment/evidence.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_checkpoint checkpoint;
    mun_slice text = {data, size};
    mun_error err;
    if (mun_checkpoint_parse(text, &checkpoint, &err) != MUN_OK) {
        need(err.rule[0] != '\0' && (err.offset <= size || err.offset == MUN_NO_OFFSET));
        return 0;
    }
    mun_buf again = mun_buf_growable(size);
    mun_checkpoint_text(&checkpoint, &again);
    need(mun_slice_equal(mun_buf_slice(&again), text));
    mun_buf_free(&again);
    return 0;
}

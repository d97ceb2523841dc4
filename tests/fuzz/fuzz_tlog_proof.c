/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a tlog-proof: what is accepted is written back the same, but for the extra line. */
#include "base/buf.h"
#include "fuzz/fuzz_need.h"

#include <muniment/evidence.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_tlog_proof proof, back;
    mun_slice text = {data, size};
    mun_error err;
    if (mun_tlog_proof_parse(text, &proof, &err) != MUN_OK) {
        need(err.rule[0] != '\0');
        return 0;
    }
    mun_buf again = mun_buf_growable(size);
    mun_tlog_proof_write(&proof, &again);
    need(proof.extra.ptr != NULL || mun_slice_equal(mun_buf_slice(&again), text));
    need(mun_tlog_proof_parse(mun_buf_slice(&again), &back, NULL) == MUN_OK);
    need(back.index == proof.index && mun_slice_equal(back.note, proof.note));
    mun_buf_free(&again);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the log's own files know of a batch beyond store.h. Same thread rules. */
#ifndef MUN_LOG_STORE_BATCH_H
#define MUN_LOG_STORE_BATCH_H

#include "log/store.h"

static inline uint8_t *mun_batch_payload(mun_batch *batch)
{
    return batch->block + MUN_LOG_HEADER_BYTES;
}

/* Adds a record of len bytes: the address to copy them to; NULL when it does not fit. */
uint8_t *mun_batch_reserve(mun_batch *batch, size_t len);

/* Takes payload bytes that are in place already apart into count records: MUN_E_MALFORMED. */
MUN_MUST mun_code mun_batch_parse(mun_batch *batch, uint32_t count, size_t payload_len);

/*
 * Sets first, leaf hashes, nodes and root from the payload bytes and the tree before the batch.
 * False: the leaf hashes given by the maker are not those of the bytes.
 */
MUN_MUST bool mun_batch_derive(mun_batch *batch, const mun_frontier *before,
                               const mun_crypto *crypto, mun_frontier *ret_after);

#endif

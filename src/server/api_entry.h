/* SPDX-License-Identifier: Apache-2.0 */
/* One entry as a JSON object, the same in search answers, by index and in the stream of events.
 * Threads: a mun_crypto belongs to one thread. */
#ifndef MUN_SERVER_API_ENTRY_H
#define MUN_SERVER_API_ENTRY_H

#include "server/api.h"

typedef struct mun_api_entry_of {
    const mun_request *request; /* for its URLs */
    const mun_crypto *crypto;
    uint64_t index;
    uint64_t time_ms;
    const mun_statement *statement; /* of the entry, parsed */
} mun_api_entry_of;

void mun_api_entry_put(mun_reply *json, const mun_api_entry_of *of);
/* The same from the entry's bytes. MUN_E_MALFORMED: no statement (a log of somebody else's). */
MUN_MUST mun_code mun_api_entry_put_bytes(mun_reply *json, mun_api_entry_of *of, mun_slice entry,
                                          mun_error *err);

#endif

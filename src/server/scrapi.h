/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCRAPI draft-11: what POST /entries does, for a worker of the registration queue. The routes
 * themselves stand in scrapi.c.
 *
 * Ownership: a turn is its worker's, and used again. Threads: one turn belongs to one thread.
 */
#ifndef MUN_SERVER_SCRAPI_H
#define MUN_SERVER_SCRAPI_H

#include "server/register_queue.h"
#include "server/service_limits.h"

typedef struct mun_turn {
    size_t n;
    mun_register_job *job[MUN_REGISTER_TURN]; /* all for the same ledger */
    /* Private: what is handed to the ledger, for those jobs that pass the first look. */
    size_t len;
    size_t at[MUN_REGISTER_TURN];
    mun_slice statement[MUN_REGISTER_TURN];
    mun_registration result[MUN_REGISTER_TURN];
    bool pending[MUN_REGISTER_TURN];
    mun_buf receipt[MUN_REGISTER_TURN];
} mun_turn;

/* Registers them in one call and calls every job's `done`. */
void mun_scrapi_register(struct mun_served *served, mun_turn *turn);

/* Whether it says something about the ledger, not about the statement: MUN_E_FAILED, MUN_E_IO,
 * MUN_E_NO_SPACE, MUN_E_DAMAGED. */
bool mun_scrapi_is_fault(mun_code code);

/* The location of the receipt of this leaf, below the ledger's base; NUL-terminated. */
#define MUN_LOCATION_MAX 56
void mun_scrapi_location(const uint8_t leaf[MUN_HASH_SIZE], char ret[MUN_LOCATION_MAX]);

/* POST /v1/batch: batch.c. */
void mun_batch_post(const mun_request *request, mun_response *response);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the service somebody uses: a table of fixed size that knows for each key (a
 * principal or an address of one ledger) its rate and how many of its requests run. Where there is
 * no room, the key that owes least and has nothing running is forgotten: one that is forgotten
 * without owing anything comes back as it was.
 *
 * Ownership: create, destroy. Threads: any.
 */
#ifndef MUN_SERVER_RATE_H
#define MUN_SERVER_RATE_H

#include "server/access.h"

typedef struct mun_rate mun_rate;

#define MUN_RATE_NO_SLOT UINT32_MAX

/* slots: a multiple of 8. MUN_E_MEMORY, MUN_E_CRYPTO. */
MUN_MUST mun_code mun_rate_create(size_t slots, mun_rate **ret, mun_error *err);
void mun_rate_destroy(mun_rate *rate); /* accepts NULL */

/* The key of a text within a domain, keyed so that nobody outside can choose what collides. */
uint64_t mun_rate_key(const mun_rate *rate, uint64_t domain, mun_slice text);

/*
 * Takes one request out of the allowance. False: too many; ret_wait: seconds after which it is
 * worth trying again. ret_slot is given back by mun_rate_leave when the request has ended.
 */
bool mun_rate_enter(mun_rate *rate, uint64_t key, const mun_allowance *allowance, uint64_t now_ns,
                    uint32_t *ret_slot, unsigned *ret_wait);
void mun_rate_leave(mun_rate *rate, uint32_t slot); /* accepts MUN_RATE_NO_SLOT */

#endif

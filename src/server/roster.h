/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One state of the rules of a ledger: who is known, what anyone may do, how much each may use. It
 * does not change; a reload or a changed file makes a new one.
 *
 * Ownership: counted; the last give frees it. Threads: any.
 */
#ifndef MUN_SERVER_ROSTER_H
#define MUN_SERVER_ROSTER_H

#include "server/tokens.h"

#include <stdatomic.h>

/* Which file was read: another inode, size or moment of change is another file. */
typedef struct mun_file_stamp {
    uint64_t inode, size, changed_ns;
    bool missing;
} mun_file_stamp;

typedef struct mun_roster_stamps {
    mun_file_stamp tokens, certificates;
} mun_roster_stamps;

typedef struct mun_roster {
    atomic_size_t uses;
    mun_principal anyone;
    mun_allowance per_principal, per_address;
    struct mun_rate *principals, *addresses;
    mun_token_list tokens, certificates; /* sorted */
    mun_roster_stamps stamps;            /* of what was read */
} mun_roster;

/* Reads the files that the options name. */
MUN_MUST mun_code mun_roster_create(const mun_access_options *options, mun_roster **ret,
                                    mun_error *err);
mun_roster *mun_roster_take(mun_roster *roster);
void mun_roster_give(mun_roster *roster); /* accepts NULL */

/* The files that the options name, as they are now. */
mun_roster_stamps mun_roster_look(const mun_access_options *options);
bool mun_roster_stamps_equal(const mun_roster_stamps *a, const mun_roster_stamps *b);

#endif

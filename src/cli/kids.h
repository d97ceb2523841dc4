/* SPDX-License-Identifier: Apache-2.0 */
/* The values of --kid: names of a key in hex. Ownership: inside the struct. Threads: a value. */
#ifndef MUN_CLI_KIDS_H
#define MUN_CLI_KIDS_H

#include "cli/app.h"

typedef struct mun_kids {
    uint8_t bytes[MUN_TRUST_KIDS_MAX][MUN_KID_MAX];
    mun_slice kids[MUN_TRUST_KIDS_MAX]; /* into bytes */
    size_t len;
} mun_kids;

/* The kids given, then own (may be empty), which a key file may hold. MUN_E_USAGE. */
MUN_MUST mun_code mun_kids_read(const mun_app *app, mun_slice own, mun_kids *ret, mun_error *err);

#endif

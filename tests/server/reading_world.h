/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the reading interface share: a real ledger of six statements, served, and
 * requests that go through the real handlers without a socket.
 */
#ifndef MUN_TESTS_READING_WORLD_H
#define MUN_TESTS_READING_WORLD_H

#include "ledger/ledger_world.h"
#include "server/route.h"
#include "server/service.h"

#include <jansson.h>

typedef struct reading {
    world *w;
    mun_service service;
    mun_served *served;
    mun_request request;
    mun_response response;
    char target[2048];
} reading;

/* cmocka fixtures. The ledger is served as "deeds" at /deeds; r->w->ledger is closed. */
int reading_set_up(void **state);
int reading_tear_down(void **state);

/* Asks, and returns the status. target: a path below the ledger's base, with its query. */
unsigned reading_ask(reading *r, const char *target);
unsigned reading_ask_with(reading *r, const char *target, mun_field field, const char *value);
/* Of the last answer. Valid until the next question. */
mun_slice reading_body(const reading *r);
json_t *reading_json(const reading *r);
uint64_t reading_number(const json_t *object, const char *key);
const char *reading_text(const json_t *object, const char *key);
/* A refusal that names what it is about, as problem JSON or CBOR. */
void reading_refused(reading *r, const char *target, unsigned status, const char *named);
/* One more statement, the n-th of the world's, onto the served ledger. */
void reading_one_more(reading *r, unsigned n);

#endif

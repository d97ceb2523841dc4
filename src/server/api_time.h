/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as RFC 3339 text in UTC, and back; milliseconds since 1970 inside. Threads: values. */
#ifndef MUN_SERVER_API_TIME_H
#define MUN_SERVER_API_TIME_H

#include "server/api_json.h"

/* "2026-11-22T12:00:00.000Z". Times after the year 9999 are shown as its last moment. */
void mun_time_print(uint64_t time_ms, char ret[MUN_TIME_TEXT_MAX]);

/* RFC 3339 section 5.6 with upper-case T and Z, 0 to 9 digits of a second, Z or an offset. What
 * lies between two milliseconds counts as the later one, so that bounds split a log, whose times
 * are whole ones, where they say. False: not such a text, or a moment before 1970 or after 9999. */
MUN_MUST bool mun_time_take(mun_slice text, uint64_t *ret_ms);

#endif

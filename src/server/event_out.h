/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of the log's lines to standard error, on which nobody who answers a request ever waits.
 * A line is written at once while its reader keeps up. What a slow one (journald that was stopped,
 * a pipe nobody reads) has not taken is kept, up to MUN_EVENT_BACKLOG bytes, and written by a
 * thread of its own; what does not fit is counted, and that is said in the log as soon as there is
 * room.
 *
 * A terminal that was stopped is waited for: a person sits before it.
 *
 * Threads: mun_event_out_line by any; start and stop by one.
 */
#ifndef MUN_SERVER_EVENT_OUT_H
#define MUN_SERVER_EVENT_OUT_H

#include "base/error.h"

/* Before it, and after stop, lines are written by whoever has them, waiting. */
MUN_MUST mun_code mun_event_out_start(mun_error *err);
/* Gives the reader a moment for what is kept. Without a start: nothing. */
void mun_event_out_stop(void);

/* line: one, its end included, at most MUN_EVENT_LINE_MAX bytes. worth_room: may use the last part
 * of the backlog, so that requests do not leave out an error. */
void mun_event_out_line(mun_slice line, bool worth_room);

/* Lines that were left out since the start. */
uint64_t mun_event_out_lost(void);

#endif

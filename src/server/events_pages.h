/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of events written last. A thousand streams that wait for the end of one ledger all want
 * the same next page: the first of them reads and writes it, the others copy it. What an index
 * holds never changes, so a page is never wrong, only forgotten.
 *
 * Ownership: the process's own, of fixed size. Threads: any.
 */
#ifndef MUN_SERVER_EVENTS_PAGES_H
#define MUN_SERVER_EVENTS_PAGES_H

#include "base/buf.h"

#define MUN_EVENT_PAGES      32u         /* kept */
#define MUN_EVENT_PAGE_BYTES (16u << 10) /* larger ones are not kept */

typedef struct mun_event_page {
    uint64_t ledger; /* a number for the ledger and how it is named in URLs */
    uint64_t first;  /* index of its first event */
    uint64_t next;   /* the index after its last one */
} mun_event_page;

/* The page of this ledger that begins with page->first: appends its text and sets page->next. */
bool mun_event_pages_get(mun_event_page *page, mun_buf *ret);
void mun_event_pages_put(const mun_event_page *page, mun_slice text);

#endif

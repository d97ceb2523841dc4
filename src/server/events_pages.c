/* SPDX-License-Identifier: Apache-2.0 */
#include "server/events_pages.h"

#include <pthread.h>

typedef struct kept {
    mun_event_page page;
    size_t len; /* 0: empty */
    uint8_t text[MUN_EVENT_PAGE_BYTES];
} kept;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static kept pages[MUN_EVENT_PAGES];
static size_t turn; /* the oldest is written over */

/* With the mutex. NULL: not there. */
static kept *find(const mun_event_page *page)
{
    for (size_t i = 0; i < MUN_EVENT_PAGES; i++) {
        const mun_event_page *have = &pages[i].page;
        if (pages[i].len > 0 && have->ledger == page->ledger && have->first == page->first) {
            return &pages[i];
        }
    }
    return NULL;
}

bool mun_event_pages_get(mun_event_page *page, mun_buf *ret)
{
    pthread_mutex_lock(&mutex);
    const kept *found = find(page);
    if (found != NULL) {
        page->next = found->page.next;
        mun_buf_put(ret, mun_slice_of(found->text, found->len));
    }
    pthread_mutex_unlock(&mutex);
    return found != NULL;
}

/* A page that grew since takes the place of its shorter self. */
void mun_event_pages_put(const mun_event_page *page, mun_slice text)
{
    if (text.len == 0 || text.len > MUN_EVENT_PAGE_BYTES) return;
    pthread_mutex_lock(&mutex);
    kept *at = find(page);
    if (at == NULL) {
        at = &pages[turn];
        turn = (turn + 1) % MUN_EVENT_PAGES;
    }
    at->page = *page;
    at->len = text.len;
    memcpy(at->text, text.ptr, text.len);
    pthread_mutex_unlock(&mutex);
}

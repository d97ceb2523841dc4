/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /metrics: what is counted (metrics.c), then the process and each ledger as they are now. The
 * names of process_* are those that Prometheus' own clients use.
 */
#include "index/index.h"
#include "server/event_out.h"
#include "server/metric_text.h"
#include "server/operation_parts.h"

#include "server/served.h"
#include "server/service.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

static void put_one(mun_buf *out, const char *name, const char *type, const char *help,
                    unsigned long long value)
{
    mun_metric_head(out, name, type, help);
    mun_metric_line(out, "%s %llu\n", name, value);
}

/* Pages resident, from /proc/self/statm; 0 where there is no /proc. */
static unsigned long long resident_bytes(void)
{
    char room[128] = "";
    char *end = room;
    mun_buf text = {.ptr = (uint8_t *)room, .cap = sizeof room - 1, .max = sizeof room - 1};
    if (mun_file_read("/proc/self/statm", sizeof room - 1, &text, NULL) != MUN_OK) return 0;
    (void)strtoull(room, &end, 10); /* the whole size comes first */
    return strtoull(end, NULL, 10) * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static void put_process(mun_buf *out, const struct mun_service *service)
{
    struct rusage usage;
    struct rlimit files;
    mun_metric_head(out, "muniment_build_info", "gauge", "Version of the program.");
    mun_metric_line(out, "muniment_build_info{version=\"%s\"} 1\n", MUN_VERSION);
    mun_metric_head(out, "process_start_time_seconds", "gauge",
                    "When the process started, since 1970.");
    mun_metric_line(out, "process_start_time_seconds %llu.%03llu\n",
                    (unsigned long long)service->started_ms / 1000,
                    (unsigned long long)service->started_ms % 1000);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        long long us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL +
                       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
        mun_metric_head(out, "process_cpu_seconds_total", "counter", "Processor time used.");
        mun_metric_line(out, "process_cpu_seconds_total %lld.%06lld\n", us / 1000000, us % 1000000);
    }
    put_one(out, "process_resident_memory_bytes", "gauge", "Memory resident.", resident_bytes());
    put_one(out, "muniment_log_lost_total", "counter",
            "Lines of the log that its reader did not take in time.", mun_event_out_lost());
    put_one(out, "muniment_index_memory_bytes", "gauge", "Of it SQLite's, for all indexes.",
            mun_index_memory_bytes());
    put_one(out, "muniment_index_memory_max_bytes", "gauge",
            "Where SQLite recycles pages instead of taking more.", mun_index_memory_max_bytes());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
        put_one(out, "process_max_fds", "gauge", "Descriptors that may be open.", files.rlim_cur);
    }
}

/* ---- Each ledger ---- */

typedef enum ledger_number {
    NUMBER_SIZE,
    NUMBER_LAG,
    NUMBER_DISK,
    NUMBER_FREE,
    NUMBER_TIME,
    NUMBERS
} ledger_number;

static const struct {
    const char *name, *help;
} number_texts[NUMBERS] = {
    [NUMBER_SIZE] = {"muniment_ledger_entries", "Entries of an open ledger."},
    [NUMBER_LAG] = {"muniment_ledger_index_lag_entries", "Entries that the index has yet to read."},
    [NUMBER_DISK] = {"muniment_ledger_disk_bytes", "Bytes in the ledger's directory."},
    [NUMBER_FREE] = {"muniment_ledger_disk_free_bytes", "Bytes free on its file system."},
    [NUMBER_TIME] = {"muniment_ledger_last_registration_seconds",
                     "When the last batch was registered, since 1970."},
};

/* One text for each metric family, because a family's samples must stand together. */
typedef struct ledger_page {
    mun_buf states;
    mun_buf numbers[NUMBERS];
} ledger_page;

static void put_number(ledger_page *page, ledger_number which, const char *name, uint64_t value)
{
    mun_metric_line(&page->numbers[which], "%s{ledger=\"%s\"} %llu\n", number_texts[which].name,
                    name, (unsigned long long)value);
}

static void put_open(ledger_page *page, operation_look *look, size_t at, mun_served *served)
{
    const char *name = mun_served_options_of(served)->name;
    mun_ledger_status status;
    if (!mun_served_is_open(served) || !operation_look_seen(look, at, served, &status)) return;
    uint64_t size = status.tree.size, rows = status.index_rows;
    put_number(page, NUMBER_SIZE, name, size);
    put_number(page, NUMBER_LAG, name, size > rows ? size - rows : 0);
    put_number(page, NUMBER_DISK, name, status.disk_bytes);
    put_number(page, NUMBER_FREE, name, status.disk_free);
    put_number(page, NUMBER_TIME, name, status.last_time_ms / 1000);
}

static void put_state(ledger_page *page, mun_served *served)
{
    mun_served_state state = mun_served_state_get(served, NULL);
    for (int i = 0; i < MUN_SERVED_STATES; i++) {
        mun_metric_line(&page->states, "muniment_ledger_state{ledger=\"%s\",state=\"%s\"} %d\n",
                        mun_served_options_of(served)->name,
                        mun_served_state_text((mun_served_state)i), i == (int)state);
    }
}

static void put_ledgers(mun_buf *out, mun_operation *operation, mun_served_set *set)
{
    ledger_page page = {.states = mun_buf_growable(MUN_RESPONSE_BODY_MAX)};
    for (size_t i = 0; i < NUMBERS; i++) page.numbers[i] = mun_buf_growable(MUN_RESPONSE_BODY_MAX);
    mun_served *served;
    operation_look_wait(&operation->look, set);
    for (size_t i = 0; i < MUN_LEDGERS_MAX && (served = mun_served_at(set, i)) != NULL; i++) {
        put_state(&page, served);
        put_open(&page, &operation->look, i, served);
    }
    mun_metric_head(out, "muniment_ledger_state", "gauge",
                    "1 for the state that the ledger is in.");
    mun_buf_put(out, mun_buf_slice(&page.states));
    out->overflow |= page.states.overflow;
    for (size_t i = 0; i < NUMBERS; i++) {
        mun_metric_head(out, number_texts[i].name, "gauge", number_texts[i].help);
        mun_buf_put(out, mun_buf_slice(&page.numbers[i]));
        out->overflow |= page.numbers[i].overflow;
        mun_buf_free(&page.numbers[i]);
    }
    mun_buf_free(&page.states);
    put_one(out, "muniment_ledgers", "gauge", "Ledgers served.", mun_served_count(set));
    put_one(out, "muniment_open_ledgers", "gauge", "Ledgers open.", mun_served_open_count(set));
}

void operation_metrics_get(const mun_request *request, mun_response *response)
{
    struct mun_service *service = request->service;
    if (!operation_may_look(request, response)) return;
    mun_response_ok(response, TEXT_TYPE, NULL);
    mun_metrics_print(service->metrics, &response->body);
    put_process(&response->body, service);
    put_ledgers(&response->body, service->operation, service->ledgers);
}

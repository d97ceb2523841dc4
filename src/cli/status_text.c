/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/status_text.h"

#include "cli/key_text.h"

#include <stdio.h>

#define DAY_MS UINT64_C(86400000)

static void print_json(mun_app *app, const char *path, mun_ledger *ledger,
                       const mun_ledger_status *s)
{
    json_t *object = mun_out_new("status");
    mun_out_path(object, "directory", path);
    mun_out_identity(app, object, mun_ledger_identity(ledger));
    mun_out_bool(object, "any_issuer", mun_ledger_any_issuer(ledger));
    mun_out_bool(object, "copy", s->copy);
    mun_out_bool(object, "writer", s->writer);
    mun_out_uint(object, "size", s->tree.size);
    mun_out_hex(object, "root", mun_slice_of(s->tree.root, sizeof s->tree.root));
    mun_out_time(object, "last_registered", s->last_time_ms);
    mun_out_uint(object, "last_registered_ms", s->last_time_ms);
    mun_out_uint(object, "index_rows", s->index_rows);
    mun_out_uint(object, "disk_bytes", s->disk_bytes);
    mun_out_uint(object, "disk_free", s->disk_free);
    mun_out_uint(object, "journal_bytes", s->journal_bytes);
    mun_out_time(object, "keys_created", s->key_created_ms);
    mun_out_print(app, object);
}

static void print_text(mun_app *app, mun_ledger *ledger, const mun_ledger_status *s)
{
    char time[MUN_TIME_TEXT], size[24], free_text[24];
    uint64_t lag = s->tree.size > s->index_rows ? s->tree.size - s->index_rows : 0;
    uint64_t now = mun_wall_clock_ms();
    mun_identity_print(app, mun_ledger_identity(ledger));
    printf("  entries      %llu\n", (unsigned long long)s->tree.size);
    printf("  root         %s\n", MUN_HEX(s->tree.root, sizeof s->tree.root));
    printf("  last         %s\n", mun_moment_text(s->last_time_ms, time));
    printf("  issuers      %s\n", mun_ledger_any_issuer(ledger)
                                      ? "any, under the name of its own key, and those on the list"
                                      : "those on the list");
    printf("  writer       %s\n", s->copy     ? "none: a copy that only reads until adopted"
                                  : s->writer ? "a process is writing now"
                                              : "none at the moment");
    printf("  disk         %s used, %s free\n", mun_size_text(s->disk_bytes, size),
           mun_size_text(s->disk_free, free_text));
    printf("  index        %s", lag == 0 ? "up to date\n" : "");
    if (lag > 0) printf("%llu entries behind\n", (unsigned long long)lag);
    if (s->key_created_ms > 0 && now >= s->key_created_ms) {
        printf("  keys         made %s, %llu days ago\n", mun_moment_text(s->key_created_ms, time),
               (unsigned long long)((now - s->key_created_ms) / DAY_MS));
    }
}

mun_code mun_status_print(mun_app *app, const char *path, mun_ledger *ledger, mun_error *err)
{
    mun_ledger_status status;
    MUN_TRY(mun_ledger_status_get(ledger, &status, err));
    if (app->json) print_json(app, path, ledger, &status);
    if (!app->json) print_text(app, ledger, &status);
    return MUN_OK;
}

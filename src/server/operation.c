/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /healthz says only that the process answers and never looks further. /readyz says whether
 * requests would be served: its status is for anyone, the names and reasons are for operators, and
 * no path of a file is in either.
 */
#include "server/operation.h"

#include "server/api_json.h"
#include "server/operation_parts.h"
#include "server/problem.h"
#include "server/query.h"
#include "server/served.h"
#include "server/service.h"

#include <stdlib.h>
#include <time.h>

#define JSON_TYPE "application/json"

/* ---- Made and changed ---- */

static bool all_open(const mun_config *config)
{
    for (size_t i = 0; i < config->ledgers_len; i++) {
        if ((config->ledgers[i].open_scopes & MUN_SCOPE_READ) == 0) return false;
    }
    return true;
}

static mun_operator_access decide(const mun_config *config)
{
    if (config->operator_access != MUN_OPERATOR_AUTO) return config->operator_access;
    return all_open(config) ? MUN_OPERATOR_OPEN : MUN_OPERATOR_LOCAL;
}

static mun_access_options access_options(const mun_operation *operation, const mun_config *config)
{
    return (mun_access_options){.tokens_file = config->operator_tokens,
                                .addresses = operation->addresses};
}

mun_code mun_operation_create(const mun_config *config, struct mun_rate *addresses,
                              mun_operation **ret, mun_error *err)
{
    mun_operation *operation = calloc(1, sizeof *operation);
    if (operation == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory");
    operation->addresses = addresses;
    atomic_init(&operation->who, decide(config));
    mun_access_options options = access_options(operation, config);
    mun_code code = operation_look_init(&operation->look, err);
    if (code == MUN_OK) code = mun_access_create(&options, &operation->access, err);
    if (code != MUN_OK) {
        mun_operation_destroy(operation);
        return code;
    }
    *ret = operation;
    return MUN_OK;
}

void mun_operation_destroy(mun_operation *operation)
{
    if (operation == NULL) return;
    mun_access_give(operation->access);
    operation_look_finish(&operation->look);
    free(operation);
}

void mun_operation_stop(mun_operation *operation)
{
    if (operation != NULL) operation_look_stop(&operation->look);
}

mun_code mun_operation_update(mun_operation *operation, const mun_config *config, mun_error *err)
{
    mun_access_options options = access_options(operation, config);
    MUN_TRY(mun_access_update(operation->access, &options, err));
    atomic_store(&operation->who, decide(config));
    return MUN_OK;
}

mun_code mun_operation_refresh(mun_operation *operation, bool *ret_changed, mun_error *err)
{
    return mun_access_refresh(operation->access, ret_changed, err);
}

void mun_operation_set_ready(mun_operation *operation, bool ready)
{
    atomic_store(&operation->ready, ready);
}

/* ---- Who may look ---- */

/* From this machine, and by no proxy's hand: what came through one has the field, whether this
 * listener is declared as a proxy's or not. */
static bool is_local(const mun_request *request)
{
    bool near = strcmp(request->address, "unix") == 0 || strcmp(request->address, "::1") == 0 ||
                strncmp(request->address, "127.", 4) == 0;
    return near && request->fields[MUN_FIELD_X_FORWARDED_FOR].len == 0;
}

bool operation_may_look(const mun_request *request, mun_response *response)
{
    static const mun_route admin = {.name = "operation", .scope = MUN_SCOPE_ADMIN};
    mun_operation *operation = request->service->operation;
    int who = atomic_load(&operation->who);
    mun_admitted admitted;
    if (who == MUN_OPERATOR_OPEN || (who == MUN_OPERATOR_LOCAL && is_local(request))) return true;
    if (!mun_access_enter(operation->access, request, &admin, 0, request->arrived_ns, &admitted,
                          response)) {
        return false;
    }
    mun_access_leave(&admitted);
    return true;
}

/* ---- Health ---- */

static void healthz_get(const mun_request *request, mun_response *response)
{
    (void)request;
    mun_response_ok(response, JSON_TYPE, NULL);
    response->fixed = MUN_LITERAL("{\"status\":\"ok\"}\n");
}

static bool serves(mun_served_state state)
{
    return state == MUN_SERVED_CLOSED || state == MUN_SERVED_READY;
}

/* What stands in the way, for operators. The reason is the state's: an error's sentence may name
 * files, and stands in the log. */
static void put_trouble(mun_reply *json, mun_served *served, mun_served_state state)
{
    static const char *const reasons[MUN_SERVED_STATES] = {
        [MUN_SERVED_OPENING] = "it is being opened, and recovers what a crash left behind",
        [MUN_SERVED_FULL] = "the disk is full: it reads, and registers nothing",
        [MUN_SERVED_FAILED] = "it could not be opened, or a write failed; it is tried again",
        [MUN_SERVED_DAMAGED] = "it is damaged; the log of the service names the place",
    };
    const mun_served_options *options = mun_served_options_of(served);
    mun_reply_open(json, '{');
    mun_reply_put_cstr(json, "name", options->name);
    mun_reply_put_cstr(json, "base", options->base);
    mun_reply_put_cstr(json, "state", mun_served_state_text(state));
    mun_reply_put_cstr(json, "reason", reasons[state] != NULL ? reasons[state] : "");
    mun_reply_close(json, '}');
}

static size_t put_troubles(mun_reply *json, mun_served_set *set)
{
    size_t found = 0;
    mun_reply_key(json, "ledgers");
    mun_reply_open(json, '[');
    mun_served *served;
    for (size_t i = 0; (served = mun_served_at(set, i)) != NULL; i++) {
        mun_served_state state = mun_served_state_get(served, NULL);
        if (serves(state)) continue;
        found++;
        put_trouble(json, served, state);
    }
    mun_reply_close(json, ']');
    return found;
}

/* 503 is no problem document here: it is the answer. */
static void readyz_get(const mun_request *request, mun_response *response)
{
    struct mun_service *service = request->service;
    bool started = atomic_load(&service->operation->ready);
    mun_response ignored = {0};
    bool detailed = operation_may_look(request, &ignored);
    mun_buf_free(&ignored.body);
    mun_response_ok(response, JSON_TYPE, NULL);
    mun_reply json = {.out = &response->body};
    mun_reply_open(&json, '{');
    size_t troubles = put_troubles(&json, service->ledgers);
    bool ready = started && troubles == 0;
    if (!detailed) {
        mun_buf_clear(&response->body);
        json = (mun_reply){.out = &response->body};
        mun_reply_open(&json, '{');
    }
    mun_reply_put_cstr(&json, "status", ready ? "ready" : !started ? "starting" : "not ready");
    mun_reply_close(&json, '}');
    mun_buf_u8(&response->body, '\n');
    if (ready) return;
    operation_look_ask(&service->operation->look, service->ledgers); /* is there room again? */
    response->status = 503;
    response->retry_after = MUN_SERVED_RETRY_SECONDS;
}

/* ---- What is served ---- */

static void put_access(mun_reply *json, mun_access *access)
{
    mun_reply_key(json, "access");
    mun_reply_open(json, '{');
    bool free = access == NULL;
    mun_reply_put_cstr(json, "read",
                       free || mun_access_open(access, MUN_SCOPE_READ) ? "open" : "token");
    mun_reply_put_cstr(json, "submit",
                       free || mun_access_open(access, MUN_SCOPE_SUBMIT) ? "open" : "token");
    mun_reply_close(json, '}');
}

/* Of an open ledger; one that is closed is not opened for this. */
static void put_size(mun_reply *json, mun_served *served)
{
    mun_reply_key(json, "size");
    if (mun_served_is_open(served))
        mun_reply_uint(json, mun_served_size(served));
    else
        mun_reply_null(json);
}

static void put_ledger(mun_reply *json, mun_served *served)
{
    const mun_served_options *options = mun_served_options_of(served);
    const mun_ledger_pub *identity = mun_served_identity(served);
    mun_reply_open(json, '{');
    mun_reply_put_cstr(json, "name", options->name);
    mun_reply_put_cstr(json, "base", options->base);
    mun_reply_key(json, "host");
    if (options->host != NULL)
        mun_reply_text(json, mun_slice_cstr(options->host));
    else
        mun_reply_null(json);
    mun_reply_key(json, "origin");
    if (identity != NULL)
        mun_reply_text(json, identity->origin);
    else
        mun_reply_null(json);
    mun_reply_put_cstr(json, "state", mun_served_state_text(mun_served_state_get(served, NULL)));
    put_size(json, served);
    mun_reply_put_bool(json, "read_only", options->read_only);
    put_access(json, options->access);
    mun_reply_close(json, '}');
}

static void service_get(const mun_request *request, mun_response *response)
{
    struct mun_service *service = request->service;
    mun_error why = {0};
    if (!operation_may_look(request, response)) return;
    if (mun_query_none(request->query, &why) != MUN_OK) {
        mun_problem_error(request, response, &why);
        return;
    }
    operation_look_ask(&service->operation->look, service->ledgers); /* for who asks again */
    mun_response_ok(response, JSON_TYPE, NULL);
    mun_reply json = {.out = &response->body};
    mun_reply_open(&json, '{');
    mun_reply_put_cstr(&json, "version", MUN_VERSION);
    mun_reply_put_time(&json, "started", service->started_ms);
    mun_reply_key(&json, "ledgers");
    mun_reply_open(&json, '[');
    mun_served *served;
    for (size_t i = 0; (served = mun_served_at(service->ledgers, i)) != NULL; i++) {
        put_ledger(&json, served);
    }
    mun_reply_close(&json, ']');
    mun_reply_close(&json, '}');
    mun_buf_u8(&response->body, '\n');
}

const mun_route mun_routes_operation[] = {
    {.name = "healthz",
     .methods = MUN_METHOD_GET,
     .pattern = "/healthz",
     .of_service = true,
     .lane = MUN_LANE_INLINE,
     .run = healthz_get},
    {.name = "readyz",
     .methods = MUN_METHOD_GET,
     .pattern = "/readyz",
     .of_service = true,
     .lane = MUN_LANE_INLINE,
     .run = readyz_get},
    {.name = "metrics",
     .methods = MUN_METHOD_GET,
     .pattern = "/metrics",
     .of_service = true,
     .lane = MUN_LANE_WORKER,
     .run = operation_metrics_get},
    {.name = "service",
     .methods = MUN_METHOD_GET,
     .pattern = "/v1/service",
     .of_service = true,
     .lane = MUN_LANE_WORKER,
     .run = service_get},
    {.name = NULL},
};

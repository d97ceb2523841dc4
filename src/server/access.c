/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the questions is the order of their cost: the address's allowance (a look-up), who
 * it is (a hash and a look-up), whether that one may, how long the body is said to be, the
 * principal's allowance. Nothing of a body has been read by then.
 */
#include "server/access.h"

#include "server/credential.h"
#include "server/problem.h"
#include "server/rate.h"
#include "server/roster.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

struct mun_access {
    atomic_size_t uses;
    uint64_t domain; /* tells the keys of this ledger from those of others */
    pthread_mutex_t lock;
    mun_access_options options; /* with strings of its own; this and the next: under the lock */
    mun_roster *roster;
    bool refused; /* the files as they are in `told`: of the thread that refreshes */
    mun_roster_stamps told;
};

/* ---- Made, changed, let go ---- */

static char *copy_text(const char *text, bool *failed)
{
    char *copy = text != NULL ? strdup(text) : NULL;
    if (text != NULL && copy == NULL) *failed = true;
    return copy;
}

static void options_free(mun_access_options *options)
{
    free((void *)(uintptr_t)options->tokens_file);
    free((void *)(uintptr_t)options->certificates_file);
}

static mun_code options_copy(const mun_access_options *options, mun_access_options *ret,
                             mun_error *err)
{
    bool failed = false;
    mun_access_options copy = *options;
    copy.tokens_file = copy_text(options->tokens_file, &failed);
    copy.certificates_file = copy_text(options->certificates_file, &failed);
    if (failed) {
        options_free(&copy);
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for access");
    }
    *ret = copy;
    return MUN_OK;
}

mun_code mun_access_create(const mun_access_options *options, mun_access **ret, mun_error *err)
{
    static atomic_uint_fast64_t domains;
    mun_access *access = calloc(1, sizeof *access);
    if (access == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for access");
    atomic_init(&access->uses, 1);
    access->domain = 2 * atomic_fetch_add(&domains, 1);
    pthread_mutex_init(&access->lock, NULL);
    mun_code code = mun_credential_prepare(err);
    if (code == MUN_OK) code = options_copy(options, &access->options, err);
    if (code == MUN_OK) code = mun_roster_create(options, &access->roster, err);
    if (code != MUN_OK) {
        mun_access_give(access);
        return code;
    }
    *ret = access;
    return MUN_OK;
}

mun_access *mun_access_take(mun_access *access)
{
    atomic_fetch_add_explicit(&access->uses, 1, memory_order_relaxed);
    return access;
}

void mun_access_give(mun_access *access)
{
    if (access == NULL) return;
    if (atomic_fetch_sub_explicit(&access->uses, 1, memory_order_acq_rel) != 1) return;
    mun_roster_give(access->roster);
    options_free(&access->options);
    pthread_mutex_destroy(&access->lock);
    free(access);
}

static mun_roster *roster_now(mun_access *access)
{
    pthread_mutex_lock(&access->lock);
    mun_roster *roster = mun_roster_take(access->roster);
    pthread_mutex_unlock(&access->lock);
    return roster;
}

static void roster_put(mun_access *access, mun_roster *roster)
{
    pthread_mutex_lock(&access->lock);
    mun_roster *old = access->roster;
    access->roster = roster;
    pthread_mutex_unlock(&access->lock);
    mun_roster_give(old);
}

mun_code mun_access_update(mun_access *access, const mun_access_options *options, mun_error *err)
{
    mun_access_options copy;
    mun_roster *roster;
    MUN_TRY(mun_roster_create(options, &roster, err));
    mun_code code = options_copy(options, &copy, err);
    if (code != MUN_OK) {
        mun_roster_give(roster);
        return code;
    }
    pthread_mutex_lock(&access->lock);
    mun_access_options old = access->options;
    access->options = copy;
    pthread_mutex_unlock(&access->lock);
    options_free(&old);
    roster_put(access, roster);
    return MUN_OK;
}

/* Only the thread that updates refreshes, so the options stay while this reads them. What was
 * refused is tried again each time, as it may have been for want of memory, but is no news. */
mun_code mun_access_refresh(mun_access *access, bool *ret_changed, mun_error *err)
{
    mun_roster_stamps now = mun_roster_look(&access->options);
    mun_roster *roster;
    *ret_changed = false;
    if (mun_roster_stamps_equal(&now, &access->roster->stamps)) {
        access->refused = false;
        return MUN_OK;
    }
    *ret_changed = !access->refused || !mun_roster_stamps_equal(&now, &access->told);
    access->refused = true;
    access->told = now;
    MUN_TRY(mun_roster_create(&access->options, &roster, err));
    roster_put(access, roster);
    access->refused = false;
    *ret_changed = true;
    return MUN_OK;
}

bool mun_access_open(mun_access *access, unsigned scope)
{
    mun_roster *roster = roster_now(access);
    bool open = (roster->anyone.scopes & scope) == scope;
    mun_roster_give(roster);
    return open;
}

/* ---- Admission ---- */

typedef struct admission {
    const mun_request *request;
    mun_response *response;
    mun_admitted admitted;
    uint64_t now_ns;
} admission;

static bool refuse(admission *a, unsigned status, const char *title, const char *detail)
{
    mun_problem(a->request, a->response, status, title, detail);
    return false;
}

/* RFC 6750 section 3.1: what was wrong with the token, in words that programs know; nothing of the
 * kind where there was none. */
#define CHALLENGE          "Bearer"
#define CHALLENGE_BAD      "Bearer error=\"invalid_token\""
#define CHALLENGE_NO_SCOPE "Bearer error=\"insufficient_scope\""

static bool refuse_unknown(admission *a, const char *challenge, const char *detail)
{
    refuse(a, 401, MUN_TITLE_UNAUTHORIZED, detail);
    a->response->challenge = challenge;
    return false;
}

static bool refuse_too_many(admission *a, unsigned wait, const char *detail)
{
    a->response->retry_after = wait;
    refuse(a, 429, MUN_TITLE_TOO_MANY, detail);
    a->response->retry_after = wait;
    return false;
}

/* An IPv6 address stands for its /64, which is what one customer gets. */
static mun_slice address_key(const char *text, uint8_t room[sizeof(struct in6_addr)])
{
    if (strchr(text, ':') == NULL || inet_pton(AF_INET6, text, room) != 1) {
        return mun_slice_cstr(text);
    }
    return mun_slice_of(room, 8);
}

static bool count_address(admission *a)
{
    const mun_roster *rules = a->admitted.rules;
    uint8_t room[sizeof(struct in6_addr)];
    unsigned wait;
    const mun_allowance *allowance = &rules->per_address;
    if (rules->addresses == NULL ||
        (allowance->requests_per_second == 0 && allowance->concurrent == 0)) {
        return true;
    }
    uint64_t key = mun_rate_key(rules->addresses, a->admitted.access->domain,
                                address_key(a->request->address, room));
    if (mun_rate_enter(rules->addresses, key, allowance, a->now_ns, &a->admitted.slots[0], &wait)) {
        return true;
    }
    return refuse_too_many(a, wait, "too many requests from this address");
}

static bool count_principal(admission *a)
{
    const mun_roster *rules = a->admitted.rules;
    const mun_principal *principal = a->admitted.principal;
    unsigned wait;
    const mun_allowance *allowance = &rules->per_principal;
    if (rules->principals == NULL || principal == &rules->anyone ||
        (allowance->requests_per_second == 0 && allowance->concurrent == 0)) {
        return true;
    }
    uint64_t key = mun_rate_key(rules->principals, a->admitted.access->domain + 1,
                                mun_slice_cstr(principal->name));
    if (mun_rate_enter(rules->principals, key, allowance, a->now_ns, &a->admitted.slots[1],
                       &wait)) {
        return true;
    }
    return refuse_too_many(a, wait, "too many requests under this token or certificate");
}

static bool expired(const mun_token *token)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return token->expires != 0 && now.tv_sec >= token->expires;
}

/*
 * A token that we do not know is refused even where nobody needs one: whoever sends it believes
 * that it counts. A certificate that we do not know is what a browser offers to everyone.
 */
static bool identify(admission *a)
{
    const mun_roster *rules = a->admitted.rules;
    uint8_t hash[MUN_HASH_SIZE];
    mun_credential_kind kind = mun_credential_of(a->request, hash);
    a->admitted.principal = &rules->anyone;
    if (kind == MUN_CREDENTIAL_NONE) return true;
    if (kind == MUN_CREDENTIAL_BAD) {
        bool sent = a->request->fields[MUN_FIELD_AUTHORIZATION].len > 0;
        return refuse_unknown(a, sent ? CHALLENGE_BAD : CHALLENGE,
                              "the token or client certificate cannot be read");
    }
    bool is_token = kind == MUN_CREDENTIAL_TOKEN;
    const mun_token *token =
        mun_token_list_find(is_token ? &rules->tokens : &rules->certificates, hash);
    if (token == NULL && !is_token) return true;
    if (token == NULL) {
        return refuse_unknown(a, CHALLENGE_BAD, "the token is unknown here, or was revoked");
    }
    if (expired(token)) {
        return refuse_unknown(a, is_token ? CHALLENGE_BAD : CHALLENGE,
                              is_token ? "the token has expired"
                                       : "the client certificate's entry has expired");
    }
    a->admitted.principal = &token->principal;
    return true;
}

static bool may(admission *a, unsigned scope)
{
    const mun_roster *rules = a->admitted.rules;
    const mun_principal *principal = a->admitted.principal;
    if (((principal->scopes | rules->anyone.scopes) & scope) == scope) return true;
    if (principal == &rules->anyone) {
        return refuse_unknown(a, CHALLENGE, "this needs a token: Authorization: Bearer mun_...");
    }
    refuse(a, 403, MUN_TITLE_FORBIDDEN,
           "the token or certificate is known, but not for this: it lacks the scope");
    a->response->challenge = CHALLENGE_NO_SCOPE;
    return false;
}

static uint64_t smaller_limit(uint64_t limit, uint32_t allowed)
{
    return allowed != 0 && allowed < limit ? allowed : limit;
}

static bool fits(admission *a, uint64_t content_length)
{
    const mun_roster *rules = a->admitted.rules;
    uint64_t limit = smaller_limit(MUN_NO_OFFSET, rules->per_address.body_bytes);
    if (a->admitted.principal != &rules->anyone) {
        limit = smaller_limit(limit, rules->per_principal.body_bytes);
    }
    a->admitted.body_max = limit;
    if (content_length == MUN_NO_OFFSET || content_length <= limit) return true;
    return refuse(a, 413, MUN_TITLE_TOO_LARGE, "the body is larger than this service allows you");
}

/* Without rules: anyone may read and submit. */
static bool enter_free(const mun_route *route, admission *a)
{
    static const mun_principal anyone = {
        .name = "anyone", .scopes = MUN_SCOPE_READ | MUN_SCOPE_SUBMIT, .anyone = true};
    a->admitted.principal = &anyone;
    a->admitted.body_max = MUN_NO_OFFSET;
    if ((anyone.scopes & route->scope) == (unsigned)route->scope) return true;
    return refuse_unknown(a, CHALLENGE, "this needs a token of the service's operator");
}

bool mun_access_enter(mun_access *access, const mun_request *request, const mun_route *route,
                      uint64_t content_length, uint64_t now_ns, mun_admitted *ret,
                      mun_response *response)
{
    admission a = {.request = request, .response = response, .now_ns = now_ns};
    a.admitted.slots[0] = a.admitted.slots[1] = MUN_RATE_NO_SLOT;
    if (access == NULL) {
        if (!enter_free(route, &a)) return false;
        *ret = a.admitted;
        return true;
    }
    a.admitted.access = mun_access_take(access);
    a.admitted.rules = roster_now(access);
    if (count_address(&a) && identify(&a) && may(&a, route->scope) && fits(&a, content_length) &&
        count_principal(&a)) {
        *ret = a.admitted;
        return true;
    }
    mun_access_leave(&a.admitted);
    return false;
}

/* The principal of an admitted request is its token's, unless it is anyone. */
static bool token_lasts(const mun_admitted *admitted, const mun_roster *rules, unsigned scope)
{
    if (admitted->principal == &admitted->rules->anyone) return false;
    const uint8_t *hash = ((const mun_token *)admitted->principal)->hash;
    const mun_token *token = mun_token_list_find(&rules->tokens, hash);
    if (token == NULL) token = mun_token_list_find(&rules->certificates, hash);
    return token != NULL && !expired(token) && (token->principal.scopes & scope) == scope;
}

_Static_assert(offsetof(mun_token, principal) == 0, "a principal is the beginning of its token");

bool mun_access_lasts(const mun_admitted *admitted, unsigned scope)
{
    if (admitted->access == NULL) return true;
    mun_roster *rules = roster_now(admitted->access);
    bool open = (rules->anyone.scopes & scope) == scope;
    bool lasts = open || token_lasts(admitted, rules, scope);
    mun_roster_give(rules);
    return lasts;
}

void mun_access_leave(mun_admitted *admitted)
{
    mun_roster *rules = admitted->rules;
    if (rules != NULL) {
        if (rules->addresses != NULL) mun_rate_leave(rules->addresses, admitted->slots[0]);
        if (rules->principals != NULL) mun_rate_leave(rules->principals, admitted->slots[1]);
        mun_roster_give(rules);
        mun_access_give(admitted->access);
    }
    *admitted = (mun_admitted){.slots = {MUN_RATE_NO_SLOT, MUN_RATE_NO_SLOT}};
}

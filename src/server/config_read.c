/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to a configuration: the scanner first (config_scan.c), then libconfuse with every
 * option declared, then what belongs together. Ranges are checked as each value is read, so that
 * the error has its line.
 */
#include "server/config.h"

#include "server/tokens.h"
#include "server/work_queue.h"
#include "vfs/files.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Declared options ---- */

static cfg_opt_t listen_options[] = {CFG_BOOL("proxy", cfg_false, CFGF_NONE),
                                     CFG_BOOL("public", cfg_false, CFGF_NONE), CFG_END()};
static cfg_opt_t limit_options[] = {
    CFG_INT("connections", MUN_HTTP_CONNECTIONS, CFGF_NONE),
    CFG_INT("connections-per-address", MUN_HTTP_PER_ADDRESS, CFGF_NONE),
    CFG_INT("head-seconds", MUN_HTTP_HEAD_SECONDS, CFGF_NONE),
    CFG_INT("body-seconds", MUN_HTTP_BODY_SECONDS, CFGF_NONE),
    CFG_INT("idle-seconds", MUN_HTTP_IDLE_SECONDS, CFGF_NONE),
    CFG_INT("write-seconds", MUN_HTTP_WRITE_SECONDS, CFGF_NONE),
    CFG_INT("drain-seconds", MUN_HTTP_DRAIN_SECONDS, CFGF_NONE),
    CFG_INT("batch-bytes", MUN_BATCH_BODY_MAX, CFGF_NONE),
    CFG_INT("queue", MUN_REGISTER_QUEUE, CFGF_NONE),
    CFG_INT("open-ledgers", MUN_LEDGERS_OPEN, CFGF_NONE),
    CFG_INT("workers", 0, CFGF_NONE),
    CFG_END()};
static cfg_opt_t allowance_options[] = {
    CFG_INT("requests-per-second", 0, CFGF_NONE), CFG_INT("burst", 0, CFGF_NONE),
    CFG_INT("concurrent", 0, CFGF_NONE), CFG_INT("body-bytes", 0, CFGF_NONE), CFG_END()};
static cfg_opt_t operator_options[] = {CFG_STR("access", "auto", CFGF_NONE),
                                       CFG_STR("tokens", NULL, CFGF_NONE), CFG_END()};
static cfg_opt_t log_options[] = {CFG_STR("format", "logfmt", CFGF_NONE),
                                  CFG_STR("level", "info", CFGF_NONE), CFG_END()};
static cfg_opt_t ledger_options[] = {CFG_STR("directory", NULL, CFGF_NONE),
                                     CFG_STR("path", NULL, CFGF_NONE),
                                     CFG_STR("host", NULL, CFGF_NONE),
                                     CFG_STR("passphrase-file", NULL, CFGF_NONE),
                                     CFG_BOOL("read-only", cfg_false, CFGF_NONE),
                                     CFG_STR("read", "open", CFGF_NONE),
                                     CFG_STR("submit", "open", CFGF_NONE),
                                     CFG_STR("tokens", NULL, CFGF_NONE),
                                     CFG_STR("certificates", NULL, CFGF_NONE),
                                     CFG_SEC("per-principal", allowance_options, CFGF_NONE),
                                     CFG_SEC("per-address", allowance_options, CFGF_NONE),
                                     CFG_END()};
static cfg_opt_t options[] = {
    CFG_STR("public-url", NULL, CFGF_NONE),
    CFG_SEC("listen", listen_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
    CFG_SEC("limits", limit_options, CFGF_NONE),
    CFG_SEC("log", log_options, CFGF_NONE),
    CFG_SEC("operators", operator_options, CFGF_NONE),
    CFG_SEC("ledger", ledger_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
    CFG_END()};

/* ---- Values, checked as they are read ---- */

static const struct {
    const char *option;
    long least, most;
} ranges[] = {
    {"limits|connections", 1, 1000000},
    {"limits|connections-per-address", 0, 1000000},
    {"limits|head-seconds", 1, 3600},
    {"limits|body-seconds", 1, 3600},
    {"limits|idle-seconds", 1, 86400},
    {"limits|write-seconds", 1, 3600},
    {"limits|drain-seconds", 0, 3600},
    {"limits|batch-bytes", 65536, 64 << 20},
    {"limits|queue", 1, 65536},
    {"limits|open-ledgers", 1, MUN_LEDGERS_MAX},
    {"limits|workers", 1, MUN_WORKERS_MAX},
    {"ledger|per-principal|requests-per-second", 0, 1000000},
    {"ledger|per-principal|burst", 0, 1000000},
    {"ledger|per-principal|concurrent", 0, 65536},
    {"ledger|per-principal|body-bytes", 0, 64 << 20},
    {"ledger|per-address|requests-per-second", 0, 1000000},
    {"ledger|per-address|burst", 0, 1000000},
    {"ledger|per-address|concurrent", 0, 65536},
    {"ledger|per-address|body-bytes", 0, 64 << 20},
};
static const struct {
    const char *option;
    const char *const words[5];
} choices[] = {
    {"operators|access", {"auto", "open", "local", "token"}},
    {"log|format", {"logfmt", "json"}},
    {"log|level", {"error", "warning", "notice", "info", "debug"}},
    {"ledger|read", {"open", "token"}},
    {"ledger|submit", {"open", "token"}},
};
static const char *const paths[] = {"ledger|directory", "ledger|passphrase-file", "ledger|tokens",
                                    "ledger|certificates", "operators|tokens"};

/* The last part of "limits|workers": what libconfuse calls the option inside its section. */
static bool is_option(const char *path, const cfg_opt_t *option)
{
    const char *last = strrchr(path, '|');
    return strcmp(last + 1, cfg_opt_name((cfg_opt_t *)(uintptr_t)option)) == 0;
}

/* Options of one name have one range, wherever they stand. */
static int check_number(cfg_t *section, cfg_opt_t *option)
{
    long value = cfg_opt_getnint(option, cfg_opt_size(option) - 1);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (!is_option(ranges[i].option, option)) continue;
        if (value >= ranges[i].least && value <= ranges[i].most) return 0;
        cfg_error(section, "%s is %ld; it goes from %ld to %ld", cfg_opt_name(option), value,
                  ranges[i].least, ranges[i].most);
        return -1;
    }
    return 0;
}

/* When the section ends. A burst alone would read as a limit and be none. */
static int check_allowance(cfg_t *ledger, cfg_opt_t *option)
{
    cfg_t *section = cfg_opt_getnsec(option, 0);
    if (cfg_getint(section, "burst") == 0 || cfg_getint(section, "requests-per-second") > 0) {
        return 0;
    }
    cfg_error(ledger, "%s: burst limits nothing without requests-per-second", cfg_opt_name(option));
    return -1;
}

static int check_choice(cfg_t *section, cfg_opt_t *option)
{
    const char *value = cfg_opt_getnstr(option, cfg_opt_size(option) - 1);
    for (size_t i = 0; value != NULL && i < sizeof choices / sizeof choices[0]; i++) {
        if (!is_option(choices[i].option, option)) continue;
        /* "access", "read" and the like stand in one place each, so the name decides. */
        for (size_t j = 0; j < 5 && choices[i].words[j] != NULL; j++) {
            if (strcmp(choices[i].words[j], value) == 0) return 0;
        }
        char words[64] = "";
        for (size_t j = 0; j < 5 && choices[i].words[j] != NULL; j++) {
            size_t len = strlen(words);
            snprintf(words + len, sizeof words - len, "%s%s", j == 0 ? "" : ", ",
                     choices[i].words[j]);
        }
        cfg_error(section, "%s cannot be \"%.40s\"; it is one of: %s", cfg_opt_name(option), value,
                  words);
        return -1;
    }
    return 0;
}

static int check_path(cfg_t *section, cfg_opt_t *option)
{
    const char *value = cfg_opt_getnstr(option, cfg_opt_size(option) - 1);
    if (value != NULL && value[0] == '/' && strlen(value) < MUN_PATH_BYTES_MAX / 2) return 0;
    cfg_error(section, "%s is a whole path, from / on", cfg_opt_name(option));
    return -1;
}

static void set_checks(cfg_t *root)
{
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        cfg_set_validate_func(root, ranges[i].option, check_number);
    }
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        cfg_set_validate_func(root, choices[i].option, check_choice);
    }
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        cfg_set_validate_func(root, paths[i], check_path);
    }
    cfg_set_validate_func(root, "ledger|per-principal", check_allowance);
    cfg_set_validate_func(root, "ledger|per-address", check_allowance);
}

/* ---- Errors: libconfuse calls a function without context, so there is one reader at a time ----
 */

static struct {
    const char *file;
    mun_error *err;
    bool told;
} reading;

__attribute__((format(printf, 2, 0))) static void tell(cfg_t *section, const char *format,
                                                       va_list args)
{
    char text[256];
    if (reading.told) return; /* the first is the cause */
    vsnprintf(text, sizeof text, format, args);
    (void)mun_failf(reading.err, MUN_E_MALFORMED, 0, "%s, line %d: %s", reading.file,
                    section != NULL ? section->line : 0, text);
    reading.told = true;
}

/* ---- From libconfuse's tree to ours ---- */

static mun_code copy_text(cfg_t *section, const char *name, char **ret, mun_error *err)
{
    return mun_config_text(cfg_getstr(section, name), ret, err);
}

static uint32_t number(cfg_t *section, const char *name)
{
    return (uint32_t)cfg_getint(section, name);
}

static void take_limits(cfg_t *section, mun_limits *ret)
{
    *ret = (mun_limits){.connections = number(section, "connections"),
                        .connections_per_address = number(section, "connections-per-address"),
                        .head_seconds = number(section, "head-seconds"),
                        .body_seconds = number(section, "body-seconds"),
                        .idle_seconds = number(section, "idle-seconds"),
                        .write_seconds = number(section, "write-seconds"),
                        .drain_seconds = number(section, "drain-seconds"),
                        .batch_bytes = number(section, "batch-bytes"),
                        .queue = number(section, "queue"),
                        .open_ledgers = number(section, "open-ledgers"),
                        .workers = number(section, "workers")};
    if (ret->workers == 0) ret->workers = mun_workers_default(); /* not in the file */
}

static void take_allowance(cfg_t *section, mun_allowance *ret)
{
    *ret = (mun_allowance){.requests_per_second = number(section, "requests-per-second"),
                           .burst = number(section, "burst"),
                           .concurrent = number(section, "concurrent"),
                           .body_bytes = number(section, "body-bytes")};
}

static mun_code take_listeners(cfg_t *root, mun_config *config, mun_error *err)
{
    for (unsigned i = 0; i < cfg_size(root, "listen"); i++) {
        cfg_t *section = cfg_getnsec(root, "listen", i);
        if (config->listeners_len == MUN_LISTEN_MAX) {
            return mun_failf(err, MUN_E_LIMIT, 0, "there are more than %d listen sections",
                             MUN_LISTEN_MAX);
        }
        const char *where = cfg_title(section);
        if (strncmp(where, "unix:", 5) == 0 && where[5] != '/') {
            return mun_failf(err, MUN_E_MALFORMED, 0,
                             "listen %.80s: the path of a socket is whole, from / on", where);
        }
        mun_config_listener *listener = &config->listeners[config->listeners_len++];
        listener->proxy = cfg_getbool(section, "proxy") == cfg_true;
        listener->public_address = cfg_getbool(section, "public") == cfg_true;
        MUN_TRY(mun_config_text(where, &listener->where, err));
    }
    return MUN_OK;
}

/* "/x" as it is, "/" as "", and without a word /NAME; a ledger with a host of its own is at "/". */
static mun_code take_base(cfg_t *section, mun_config_ledger *ledger, mun_error *err)
{
    const char *path = cfg_getstr(section, "path");
    char base[MUN_LEDGER_NAME_MAX + 2];
    snprintf(base, sizeof base, "%s%s", ledger->host == NULL ? "/" : "",
             ledger->host == NULL ? ledger->name : "");
    if (path == NULL) path = base;
    return mun_config_text(strcmp(path, "/") == 0 ? "" : path, &ledger->base, err);
}

static mun_code check_ledger(const mun_config_ledger *ledger, mun_error *err)
{
    unsigned all = MUN_SCOPE_READ | MUN_SCOPE_SUBMIT;
    if (ledger->directory == NULL) {
        return mun_failf(err, MUN_E_MALFORMED, 0, "ledger %s: directory is missing", ledger->name);
    }
    if (ledger->open_scopes != all && ledger->tokens == NULL && ledger->certificates == NULL) {
        return mun_failf(err, MUN_E_MALFORMED, 0,
                         "ledger %s: it asks for tokens, but neither tokens nor certificates names "
                         "a file of them",
                         ledger->name);
    }
    if (ledger->host == NULL) return MUN_OK;
    size_t len = strlen(ledger->host);
    if (len > 0 && len < 254 &&
        strspn(ledger->host, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len) {
        return MUN_OK;
    }
    return mun_failf(err, MUN_E_MALFORMED, 0,
                     "ledger %s: host is a name in lower case, without port", ledger->name);
}

static mun_code take_ledger(cfg_t *section, mun_config_ledger *ledger, mun_error *err)
{
    MUN_TRY(mun_config_text(cfg_title(section), &ledger->name, err));
    MUN_TRY(copy_text(section, "directory", &ledger->directory, err));
    MUN_TRY(copy_text(section, "host", &ledger->host, err));
    MUN_TRY(copy_text(section, "passphrase-file", &ledger->passphrase_file, err));
    MUN_TRY(copy_text(section, "tokens", &ledger->tokens, err));
    MUN_TRY(copy_text(section, "certificates", &ledger->certificates, err));
    MUN_TRY(take_base(section, ledger, err));
    ledger->read_only = cfg_getbool(section, "read-only") == cfg_true;
    if (strcmp(cfg_getstr(section, "read"), "open") == 0) ledger->open_scopes |= MUN_SCOPE_READ;
    if (strcmp(cfg_getstr(section, "submit"), "open") == 0) ledger->open_scopes |= MUN_SCOPE_SUBMIT;
    take_allowance(cfg_getsec(section, "per-principal"), &ledger->per_principal);
    take_allowance(cfg_getsec(section, "per-address"), &ledger->per_address);
    return check_ledger(ledger, err);
}

static mun_code take_ledgers(cfg_t *root, mun_config *config, mun_error *err)
{
    unsigned n = cfg_size(root, "ledger");
    config->ledgers = calloc(n > 0 ? n : 1, sizeof *config->ledgers);
    if (config->ledgers == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory");
    for (unsigned i = 0; i < n; i++) {
        mun_config_ledger *ledger = &config->ledgers[config->ledgers_len++];
        MUN_TRY(take_ledger(cfg_getnsec(root, "ledger", i), ledger, err));
    }
    return mun_config_check(config, err);
}

static size_t choice(cfg_t *section, const char *name, const char *path)
{
    const char *value = cfg_getstr(section, name);
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(choices[i].option, path) != 0) continue;
        for (size_t j = 0; j < 5 && choices[i].words[j] != NULL; j++) {
            if (strcmp(choices[i].words[j], value) == 0) return j;
        }
    }
    return 0;
}

static mun_code take_all(cfg_t *root, mun_config *config, mun_error *err)
{
    cfg_t *log = cfg_getsec(root, "log"), *operators = cfg_getsec(root, "operators");
    mun_config_defaults(config);
    take_limits(cfg_getsec(root, "limits"), &config->limits);
    bool json = choice(log, "format", "log|format") == 1;
    config->log_format = json ? MUN_EVENT_JSON : MUN_EVENT_LOGFMT;
    config->log_level = (mun_event_level)(MUN_EVENT_ERROR + choice(log, "level", "log|level"));
    config->operator_access = (mun_operator_access)choice(operators, "access", "operators|access");
    MUN_TRY(copy_text(operators, "tokens", &config->operator_tokens, err));
    MUN_TRY(copy_text(root, "public-url", &config->public_url, err));
    if (config->operator_access == MUN_OPERATOR_TOKEN && config->operator_tokens == NULL) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "operators: it asks for tokens, but tokens names no file of them");
    }
    MUN_TRY(take_listeners(root, config, err));
    return take_ledgers(root, config, err);
}

static mun_code check_public_url(const mun_config *config, mun_error *err)
{
    const char *url = config->public_url;
    if (url == NULL) return MUN_OK;
    size_t len = strlen(url);
    bool scheme = strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
    if (scheme && len < 256 && url[len - 1] != '/' && strpbrk(url, " ?#\"<>\\") == NULL) {
        return MUN_OK;
    }
    return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                    "public-url begins with https:// and does not end with /");
}

static mun_code parse_text(cfg_t *root, const char *text, mun_config *ret, mun_error *err)
{
    mun_config config = {0};
    if (cfg_parse_buf(root, text) != CFG_SUCCESS) {
        if (reading.told) return MUN_E_MALFORMED; /* the error is filled */
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "libconfuse refuses it");
    }
    mun_code code = take_all(root, &config, err);
    if (code == MUN_OK) code = check_public_url(&config, err);
    if (code != MUN_OK) {
        mun_config_free(&config);
        return mun_error_prefix(err, code, reading.file);
    }
    *ret = config;
    return MUN_OK;
}

mun_code mun_config_parse(mun_slice text, const char *name, mun_config *ret, mun_error *err)
{
    mun_error unused;
    if (err == NULL) err = &unused;
    if (text.len > MUN_CONFIG_MAX) return mun_failf(err, MUN_E_LIMIT, 0, "%s is too large", name);
    MUN_TRY(mun_config_scan(text, name, err));
    char *copy = strndup(text.len > 0 ? (const char *)text.ptr : "", text.len);
    cfg_t *root = copy != NULL ? cfg_init(options, CFGF_NONE) : NULL;
    if (root == NULL) {
        free(copy);
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the configuration");
    }
    reading.file = name;
    reading.err = err;
    reading.told = false;
    cfg_set_error_function(root, tell);
    set_checks(root);
    mun_code code = parse_text(root, copy, ret, err);
    cfg_free(root);
    free(copy);
    return code;
}

mun_code mun_config_read(const char *path, mun_config *ret, mun_error *err)
{
    char name[MUN_PATH_TEXT_MAX];
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(MUN_CONFIG_MAX + 1);
    MUN_TRY(mun_file_private(path, 0002, err)); /* a group of administrators may change it */
    MUN_TRY(mun_file_read(path, MUN_CONFIG_MAX, &text, err));
    mun_path_text(name, sizeof name, path);
    return mun_config_parse(mun_buf_slice(&text), name, ret, err);
}

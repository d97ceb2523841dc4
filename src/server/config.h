/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator wants, read from one file (docs/SERVICE.md, "Configuration") or made from the
 * directories of a command line. Everything is checked when it is read; nothing is opened but the
 * file itself.
 *
 * Ownership: a configuration owns its strings; free it with mun_config_free. Threads: reading is
 * for one thread at a time (libconfuse reports through a function without context).
 */
#ifndef MUN_SERVER_CONFIG_H
#define MUN_SERVER_CONFIG_H

#include "server/access.h"
#include "server/event_log.h"
#include "server/service.h"

#define MUN_CONFIG_MAX (1u << 20) /* bytes of the file */

/* Who may look at /metrics, /v1/service and the details of /readyz. */
typedef enum mun_operator_access {
    MUN_OPERATOR_AUTO,  /* anyone where every ledger is open to read, else as LOCAL */
    MUN_OPERATOR_OPEN,  /* anyone */
    MUN_OPERATOR_LOCAL, /* who connects from this machine without a proxy, and tokens */
    MUN_OPERATOR_TOKEN  /* tokens with the scope admin alone */
} mun_operator_access;

typedef struct mun_config_listener {
    char *where; /* "127.0.0.1:8080", "unix:PATH", "socket:NAME" */
    bool proxy, public_address;
} mun_config_listener;

typedef struct mun_config_ledger {
    char *name;
    char *directory;
    char *base; /* "" or "/NAME" */
    char *host; /* NULL: any; as all strings here where they were not given */
    char *passphrase_file;
    char *tokens, *certificates;
    unsigned open_scopes; /* mun_scope bits */
    bool read_only;
    mun_allowance per_principal, per_address;
} mun_config_ledger;

typedef struct mun_config {
    mun_config_listener listeners[MUN_LISTEN_MAX];
    size_t listeners_len;
    mun_config_ledger *ledgers;
    size_t ledgers_len;
    mun_limits limits;
    char *public_url;
    mun_event_format log_format;
    mun_event_level log_level;
    mun_operator_access operator_access;
    char *operator_tokens;
} mun_config;

/* MUN_E_MALFORMED with file and line; MUN_E_PERMISSION, MUN_E_NOT_FOUND, MUN_E_LIMIT. */
MUN_MUST mun_code mun_config_read(const char *path, mun_config *ret, mun_error *err);
/* The same from bytes; name is what errors call the file. */
MUN_MUST mun_code mun_config_parse(mun_slice text, const char *name, mun_config *ret,
                                   mun_error *err);
/* Everything as it is without a file: one ledger at the root, several at /NAME. */
MUN_MUST mun_code mun_config_plain(const mun_service_options *options, mun_config *ret,
                                   mun_error *err);
void mun_config_free(mun_config *config); /* accepts a zeroed one */

/* A copy for a configuration to own; NULL stays NULL. */
MUN_MUST mun_code mun_config_text(const char *text, char **ret, mun_error *err);

/* As everything stands that no file changes. */
void mun_config_defaults(mun_config *ret);
/* Two ledgers under one name, base and host or in one directory; a base or name that is none. */
MUN_MUST mun_code mun_config_check(const mun_config *config, mun_error *err);

/* The part of libconfuse's grammar that is ours (config_scan.c): refuses what it would let pass. */
MUN_MUST mun_code mun_config_scan(mun_slice text, const char *name, mun_error *err);

#endif

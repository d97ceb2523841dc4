/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of commands and options. Parsing (args.h), --help, the man pages and the shell
 * completions (pages.h) are all driven by it: what is not in the table does not exist.
 *
 * Everything here is constant data without functions behind it, so that a generator can link the
 * table alone; which function runs a command says the main*.c of its program. Threads: free for
 * all.
 */
#ifndef MUN_CLI_OPTIONS_H
#define MUN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum mun_option_id {
    MUN_OPT_NONE, /* ends a list */
    MUN_OPT_HELP,
    MUN_OPT_JSON,
    MUN_OPT_QUIET,
    MUN_OPT_VERBOSE,
    MUN_OPT_LEDGER,
    MUN_OPT_NAME,
    MUN_OPT_ANY_ISSUER,
    MUN_OPT_ALG,
    MUN_OPT_PASSPHRASE_FILE,
    MUN_OPT_LEDGER_PASSPHRASE_FILE,
    MUN_OPT_OLD_KEYS,
    MUN_OPT_OLD_PASSPHRASE_FILE,
    MUN_OPT_ISSUER,
    MUN_OPT_KID,
    MUN_OPT_FORMAT,
    MUN_OPT_KEY,
    MUN_OPT_SUBJECT,
    MUN_OPT_CONTENT_TYPE,
    MUN_OPT_INLINE,
    MUN_OPT_LOCATION,
    MUN_OPT_NO_TIME,
    MUN_OPT_OUTPUT,
    MUN_OPT_OUT,
    MUN_OPT_RECURSIVE,
    MUN_OPT_FROM_FILE,
    MUN_OPT_STATEMENTS,
    MUN_OPT_EVIDENCE,
    MUN_OPT_TRUST,
    MUN_OPT_ISSUER_KEY,
    MUN_OPT_LEDGER_KEY,
    MUN_OPT_CSV,
    MUN_OPT_ROLE,
    MUN_OPT_REASON,
    MUN_OPT_YES,
    MUN_OPT_DIAG,
    MUN_OPT_HEX,
    MUN_OPT_DIGEST,
    MUN_OPT_FILE,
    MUN_OPT_SINCE,
    MUN_OPT_UNTIL,
    MUN_OPT_AFTER,
    MUN_OPT_LIMIT,
    MUN_OPT_DEEP,
    MUN_OPT_ENTRIES,
    MUN_OPT_DIRECTORY,
    MUN_OPT_SECONDS,
    MUN_OPT_URL,
    MUN_OPT_PEER,
    MUN_OPT_CLIENTS,
    MUN_OPT_DUPLICATES,
    MUN_OPT_TOKEN_FILE,
    MUN_OPT_CA_FILE,
    MUN_OPT_CLIENT_CERT,
    MUN_OPT_CLIENT_KEY,
    MUN_OPT_PLAIN_HTTP,
    MUN_OPT_CHECK,
    MUN_OPT_MAN,
    MUN_OPT_LISTEN,
    MUN_OPT_PUBLIC,
    MUN_OPT_CONFIG,
    MUN_OPT_CHECK_ONLY,
    MUN_OPT_TOKENS,
    MUN_OPT_SCOPE,
    MUN_OPT_EXPIRES,
    MUN_OPT_FROM,
    MUN_OPT_INTERVAL,
    MUN_OPT_ONCE,
    MUN_OPT_PREPARE
} mun_option_id;

/* What an option's value or an operand is: checked when parsed, offered by completion. */
typedef enum mun_value_kind {
    MUN_VALUE_NONE, /* a flag */
    MUN_VALUE_TEXT,
    MUN_VALUE_FILE,
    MUN_VALUE_DIRECTORY,
    MUN_VALUE_NUMBER, /* decimal, 0 .. 2^63-1 */
    MUN_VALUE_CHOICE  /* one of choices */
} mun_value_kind;

typedef struct mun_option {
    mun_option_id id;
    mun_value_kind kind;
    char letter;         /* '\0': none */
    bool repeats;        /* may be given more than once */
    const char *name;    /* without the dashes */
    const char *value;   /* what it is called in the help; NULL: a flag */
    const char *choices; /* "a,b,c" for MUN_VALUE_CHOICE; the first is the default */
    const char *text;    /* what it does; a sentence without its full stop */
} mun_option;

typedef enum mun_command_id {
    MUN_CMD_INIT,
    MUN_CMD_ISSUER_ADD,
    MUN_CMD_ISSUER_REMOVE,
    MUN_CMD_ISSUER_LIST,
    MUN_CMD_KEY_NEW,
    MUN_CMD_KEY_SHOW,
    MUN_CMD_SIGN,
    MUN_CMD_REGISTER,
    MUN_CMD_VERIFY,
    MUN_CMD_TRUST_ADD,
    MUN_CMD_TRUST_LIST,
    MUN_CMD_TRUST_REMOVE,
    MUN_CMD_SHOW,
    MUN_CMD_LIST,
    MUN_CMD_FIND,
    MUN_CMD_RECEIPT,
    MUN_CMD_CHECKPOINT,
    MUN_CMD_KIT,
    MUN_CMD_EXPORT,
    MUN_CMD_IMPORT,
    MUN_CMD_BACKUP,
    MUN_CMD_RESTORE,
    MUN_CMD_STANDBY,
    MUN_CMD_HANDOVER,
    MUN_CMD_ADOPT,
    MUN_CMD_STATUS,
    MUN_CMD_FSCK,
    MUN_CMD_REBUILD,
    MUN_CMD_SERVE,
    MUN_CMD_TOKEN_NEW,
    MUN_CMD_TOKEN_LIST,
    MUN_CMD_TOKEN_REVOKE,
    MUN_CMD_BENCH,
    MUN_CMD_COMPLETION,
    MUN_CMD_VERSION,
    MUN_CMD_HELP,
    MUN_COMMANDS
} mun_command_id;

#define MUN_OPERANDS_ANY ((size_t)-1)

typedef struct mun_command {
    mun_command_id id;
    mun_value_kind kind;  /* of the operands, for completion */
    const char *name;     /* "issuer" */
    const char *verb;     /* "add"; NULL: the command has none */
    const char *operands; /* as in the synopsis: "FILE..." */
    size_t least, most;   /* how many operands */
    const char *choices;  /* of the operands, for MUN_VALUE_CHOICE */
    const char *program;  /* NULL: muniment itself; else the program beside it that does this */
    const char *summary;  /* one line, no full stop */
    const char *text;     /* paragraphs, separated by an empty line */
    const char *examples; /* command lines, one a line */
    const mun_option *options; /* ends with MUN_OPT_NONE; the common ones are not in it */
} mun_command;

/* All commands in the order of the help, MUN_COMMANDS of them, verbs of one name together. */
extern const mun_command mun_commands[];
/* Options of every command: help, json, quiet. Ends with MUN_OPT_NONE. */
extern const mun_option mun_common_options[];

/* What muniment(1) and `muniment help` say before the commands, and about exit codes. */
extern const char mun_about_text[];
typedef struct mun_exit_text {
    int code;
    const char *text;
} mun_exit_text;
extern const mun_exit_text mun_exit_texts[]; /* ends with text NULL */
typedef struct mun_named_text {
    const char *name;
    const char *text;
} mun_named_text;
extern const mun_named_text mun_environment_texts[]; /* ends with name NULL */
extern const mun_named_text mun_file_texts[];        /* ends with name NULL */

/* "issuer add" or "verify". */
const char *mun_command_title(const mun_command *command, char ret[32]);
/* What the commands of this name do: the summary, or of several with verbs what they do together;
 * NULL: nobody has said so yet. */
const char *mun_command_about(const mun_command *command);

/* The option of a command by name (len bytes) or by letter; NULL: the command has none such. */
const mun_option *mun_option_named(const mun_command *command, const char *name, size_t len);
const mun_option *mun_option_lettered(const mun_command *command, char letter);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#define END {.id = MUN_OPT_NONE}
#define FLAG(id_, letter_, name_, text_)                                                           \
    {.id = (id_), .letter = (letter_), .name = (name_), .kind = MUN_VALUE_NONE, .text = (text_)}
#define VALUE(id_, letter_, name_, value_, kind_, text_)                                           \
    {.id = (id_),                                                                                  \
     .letter = (letter_),                                                                          \
     .name = (name_),                                                                              \
     .value = (value_),                                                                            \
     .kind = (kind_),                                                                              \
     .text = (text_)}
#define VALUES(id_, letter_, name_, value_, kind_, text_)                                          \
    {.id = (id_),                                                                                  \
     .letter = (letter_),                                                                          \
     .name = (name_),                                                                              \
     .value = (value_),                                                                            \
     .kind = (kind_),                                                                              \
     .repeats = true,                                                                              \
     .text = (text_)}
#define CHOICE(id_, letter_, name_, value_, choices_, text_)                                       \
    {.id = (id_),                                                                                  \
     .letter = (letter_),                                                                          \
     .name = (name_),                                                                              \
     .value = (value_),                                                                            \
     .kind = MUN_VALUE_CHOICE,                                                                     \
     .choices = (choices_),                                                                        \
     .text = (text_)}

#define LEDGER_OPTION                                                                              \
    VALUE(MUN_OPT_LEDGER, 'l', "ledger", "DIR", MUN_VALUE_DIRECTORY,                               \
          "the ledger's directory; without it MUNIMENT_LEDGER or the configuration says which")
#define LEDGER_OR_URL_OPTION                                                                       \
    VALUE(MUN_OPT_LEDGER, 'l', "ledger", "LEDGER", MUN_VALUE_DIRECTORY,                            \
          "the ledger's directory, or the URL of the service that keeps it; without it "           \
          "MUNIMENT_LEDGER or the configuration says which")
#define LEDGER_KEY_OPTION                                                                          \
    VALUES(MUN_OPT_LEDGER_KEY, 0, "ledger-key", "F", MUN_VALUE_FILE,                               \
           "of a service: its answers must be signed with the key in this ledger.pub or vkey; "    \
           "without it with those that the user's trust folder has for the ledger's name")
#define SERVICE_OPTIONS                                                                            \
    VALUE(MUN_OPT_TOKEN_FILE, 0, "token-file", "F", MUN_VALUE_FILE,                                \
          "the file with the token for the service, readable by nobody else"),                     \
        VALUE(MUN_OPT_CA_FILE, 0, "ca-file", "F", MUN_VALUE_FILE,                                  \
              "certificates (PEM) that vouch for the service, instead of the system's"),           \
        VALUE(MUN_OPT_CLIENT_CERT, 0, "client-cert", "F", MUN_VALUE_FILE,                          \
              "the certificate (PEM) to show to the service"),                                     \
        VALUE(MUN_OPT_CLIENT_KEY, 0, "client-key", "F", MUN_VALUE_FILE,                            \
              "its private key; without it the key is in the file of --client-cert"),              \
        FLAG(MUN_OPT_PLAIN_HTTP, 0, "plain-http",                                                  \
             "http:// to another machine is meant, although everyone on the way can read it")
#define LEDGER_PASSPHRASE_OPTION                                                                   \
    VALUE(                                                                                         \
        MUN_OPT_LEDGER_PASSPHRASE_FILE, 0, "ledger-passphrase-file", "F", MUN_VALUE_FILE,          \
        "the file with the passphrase of the ledger's own keys; without it the terminal is asked")

#define SIGNING_OPTIONS                                                                            \
    VALUE(MUN_OPT_KEY, 'k', "key", "F", MUN_VALUE_FILE,                                            \
          "the private key that signs (PKCS#8 PEM)"),                                              \
        VALUE(MUN_OPT_ISSUER, 'i', "issuer", "ISS", MUN_VALUE_TEXT,                                \
              "who makes the statement; without it the key's own thumbprint name"),                \
        VALUE(MUN_OPT_SUBJECT, 's', "subject", "S", MUN_VALUE_TEXT,                                \
              "what the statement is about; {path} and {name} stand for those of the document"),   \
        VALUE(MUN_OPT_CONTENT_TYPE, 't', "content-type", "T", MUN_VALUE_TEXT,                      \
              "media type of the document; without it application/octet-stream"),                  \
        FLAG(MUN_OPT_INLINE, 0, "inline",                                                          \
             "put the document itself into the statement, where it stays on the log for ever; "    \
             "without it only the document's digest is signed"),                                   \
        VALUE(MUN_OPT_LOCATION, 0, "location", "URI", MUN_VALUE_TEXT,                              \
              "where the document can be fetched: a hint for readers, never followed here"),       \
        FLAG(MUN_OPT_NO_TIME, 0, "no-time", "leave out the time of signing"),                      \
        VALUE(MUN_OPT_PASSPHRASE_FILE, 0, "passphrase-file", "F", MUN_VALUE_FILE,                  \
              "the file with the key's passphrase; without it the terminal is asked")

#define SEARCH_OPTIONS                                                                             \
    LEDGER_OR_URL_OPTION, SERVICE_OPTIONS, LEDGER_KEY_OPTION,                                      \
        VALUE(MUN_OPT_ISSUER, 'i', "issuer", "ISS", MUN_VALUE_TEXT,                                \
              "only statements by this issuer"),                                                   \
        VALUE(MUN_OPT_SUBJECT, 's', "subject", "S", MUN_VALUE_TEXT,                                \
              "only statements about this subject"),                                               \
        VALUE(MUN_OPT_CONTENT_TYPE, 't', "content-type", "T", MUN_VALUE_TEXT,                      \
              "only documents of this media type"),                                                \
        VALUE(MUN_OPT_DIGEST, 'd', "digest", "HEX", MUN_VALUE_TEXT,                                \
              "only the document with this digest"),                                               \
        VALUE(MUN_OPT_FILE, 'f', "file", "DOC", MUN_VALUE_FILE,                                    \
              "only statements about this document, found by its digest"),                         \
        VALUE(MUN_OPT_SINCE, 0, "since", "TIME", MUN_VALUE_TEXT,                                   \
              "only what was registered at this time or later: 2026-11-22, 2026-11-22T15:04:05Z "  \
              "or seconds since 1970"),                                                            \
        VALUE(MUN_OPT_UNTIL, 0, "until", "TIME", MUN_VALUE_TEXT,                                   \
              "only what was registered before this time"),                                        \
        VALUE(MUN_OPT_AFTER, 0, "after", "INDEX", MUN_VALUE_NUMBER,                                \
              "only entries with a greater index, to go on where a list ended"),                   \
        VALUE(MUN_OPT_LIMIT, 'n', "limit", "N", MUN_VALUE_NUMBER, "no more than N entries"),       \
        FLAG(MUN_OPT_CHECK, 0, "check",                                                            \
             "of a service: prove by the log's tiles that each entry is in the tree that its "     \
             "checkpoint signs")

const mun_option mun_common_options[] = {
    FLAG(MUN_OPT_JSON, 0, "json", "print JSON, one object a line; errors too"),
    FLAG(MUN_OPT_QUIET, 'q', "quiet", "print nothing but errors and what was asked for"),
    FLAG(MUN_OPT_HELP, 'h', "help", "explain the command"),
    END,
};

static const mun_option options_init[] = {
    VALUE(MUN_OPT_NAME, 'n', "name", "ORIGIN", MUN_VALUE_TEXT,
          "the ledger's name for ever: a host and path without scheme, such as "
          "log.example.org/contracts"),
    FLAG(MUN_OPT_ANY_ISSUER, 0, "any-issuer",
         "admit issuers that nobody has put on the list, under the name of their own key"),
    CHOICE(MUN_OPT_ALG, 'a', "alg", "ALG", "es256,es384,ed25519", "algorithm of the receipts"),
    VALUE(MUN_OPT_PASSPHRASE_FILE, 0, "passphrase-file", "F", MUN_VALUE_FILE,
          "encrypt the ledger's keys under the passphrase in this file"),
    END,
};

static const mun_option options_issuer_add[] = {
    LEDGER_OPTION,
    VALUE(MUN_OPT_ISSUER, 'i', "issuer", "ISS", MUN_VALUE_TEXT, "the issuer's exact name"),
    VALUES(MUN_OPT_KID, 0, "kid", "HEX", MUN_VALUE_TEXT,
           "another name of the key in the issuer's statements; up to four"),
    LEDGER_PASSPHRASE_OPTION,
    END,
};

static const mun_option options_issuer_remove[] = {
    LEDGER_OPTION,
    VALUE(MUN_OPT_ISSUER, 'i', "issuer", "ISS", MUN_VALUE_TEXT, "the issuer's exact name"),
    LEDGER_PASSPHRASE_OPTION,
    END,
};

static const mun_option options_issuer_list[] = {LEDGER_OPTION, END};

static const mun_option options_key_new[] = {
    CHOICE(MUN_OPT_ALG, 'a', "alg", "ALG", "es256,es384,ed25519", "algorithm of the key"),
    VALUE(MUN_OPT_PASSPHRASE_FILE, 0, "passphrase-file", "F", MUN_VALUE_FILE,
          "encrypt the key under the passphrase in this file"),
    END,
};

static const mun_option options_key_show[] = {
    CHOICE(MUN_OPT_FORMAT, 'F', "format", "FORMAT", "text,pem,cose,jwk,vkey,thumbprint",
           "how to print the public key"),
    VALUE(MUN_OPT_NAME, 'n', "name", "N", MUN_VALUE_TEXT, "the name in a vkey"),
    VALUE(MUN_OPT_OUTPUT, 'o', "output", "F", MUN_VALUE_FILE, "write to this file"),
    VALUE(MUN_OPT_PASSPHRASE_FILE, 0, "passphrase-file", "F", MUN_VALUE_FILE,
          "the file with the key's passphrase, needed where FILE.pub is not there"),
    END,
};

static const mun_option options_sign[] = {
    SIGNING_OPTIONS,
    VALUE(MUN_OPT_OUTPUT, 'o', "output", "F", MUN_VALUE_FILE,
          "the file to write; without it DOC.cose; - is standard output"),
    END,
};

static const mun_option options_register[] = {
    LEDGER_OR_URL_OPTION,
    SERVICE_OPTIONS,
    LEDGER_KEY_OPTION,
    SIGNING_OPTIONS,
    FLAG(MUN_OPT_STATEMENTS, 0, "statements",
         "every FILE is a signed statement, even where the configuration names a key"),
    FLAG(MUN_OPT_RECURSIVE, 'r', "recursive",
         "walk folders; evidence files (*.scitt) and links are skipped"),
    VALUE(MUN_OPT_FROM_FILE, 0, "from-file", "LIST", MUN_VALUE_FILE,
          "read more FILE names from LIST, each ended by a NUL byte; - is standard input"),
    VALUE(MUN_OPT_OUT, 0, "out", "DIR", MUN_VALUE_DIRECTORY,
          "write the evidence under this folder instead of beside each document"),
    LEDGER_PASSPHRASE_OPTION,
    END,
};

static const mun_option options_verify[] = {
    VALUE(MUN_OPT_EVIDENCE, 'e', "evidence", "F", MUN_VALUE_FILE,
          "the evidence file, or the folder given to register --out; without it DOC.scitt"),
    VALUES(MUN_OPT_TRUST, 0, "trust", "PATH", MUN_VALUE_FILE,
           "trust what this trust folder or ledger.pub says; without it the user's trust folder"),
    VALUES(MUN_OPT_ISSUER_KEY, 0, "issuer-key", "F", MUN_VALUE_FILE,
           "trust this key as the issuer's; NAME=F binds it to one issuer"),
    VALUES(MUN_OPT_LEDGER_KEY, 0, "ledger-key", "F", MUN_VALUE_FILE,
           "trust this ledger.pub, vkey or key as the ledger's; NAME=F binds a bare key to a name"),
    VALUE(
        MUN_OPT_LEDGER, 'l', "ledger", "LEDGER", MUN_VALUE_DIRECTORY,
        "trust this ledger's keys and the issuers on its own list; the URL of a service makes its "
        "keys known, so that signatures can be checked, but nothing trusted"),
    SERVICE_OPTIONS,
    FLAG(MUN_OPT_RECURSIVE, 'r', "recursive",
         "check whole folders and sum up: changed, missing, unregistered, fine"),
    VALUE(MUN_OPT_CSV, 0, "csv", "F", MUN_VALUE_FILE,
          "write a table with one line for each document"),
    FLAG(MUN_OPT_VERBOSE, 'v', "verbose", "the full report for each of several documents"),
    END,
};

static const mun_option options_trust_add[] = {
    VALUES(MUN_OPT_TRUST, 0, "trust", "DIR", MUN_VALUE_DIRECTORY,
           "the trust folder; without it the user's own"),
    CHOICE(MUN_OPT_ROLE, 0, "role", "ROLE", "issuer,ledger,witness,tsa",
           "what the key may speak as; a ledger.pub is always a ledger"),
    VALUE(MUN_OPT_NAME, 'n', "name", "N", MUN_VALUE_TEXT,
          "the exact name it speaks for: an issuer, an origin"),
    VALUES(MUN_OPT_KID, 0, "kid", "HEX", MUN_VALUE_TEXT, "another name of the key; up to four"),
    VALUE(MUN_OPT_REASON, 0, "reason", "TEXT", MUN_VALUE_TEXT,
          "why it is trusted, for those who read the list later"),
    FLAG(MUN_OPT_YES, 'y', "yes", "the fingerprint has been compared: do not ask"),
    SERVICE_OPTIONS,
    END,
};

static const mun_option options_trust_list[] = {
    VALUES(MUN_OPT_TRUST, 0, "trust", "DIR", MUN_VALUE_DIRECTORY,
           "the trust folder; without it the user's own"),
    END,
};

static const mun_option options_trust_remove[] = {
    VALUES(MUN_OPT_TRUST, 0, "trust", "DIR", MUN_VALUE_DIRECTORY,
           "the trust folder; without it the user's own"),
    CHOICE(MUN_OPT_ROLE, 0, "role", "ROLE", "issuer,ledger,witness,tsa",
           "only where the name is trusted in this role"),
    END,
};

static const mun_option options_show[] = {
    FLAG(MUN_OPT_DIAG, 0, "diag", "CBOR diagnostic notation"),
    FLAG(MUN_OPT_HEX, 0, "hex", "the bytes"),
    SERVICE_OPTIONS,
    LEDGER_KEY_OPTION,
    END,
};

static const mun_option options_list[] = {SEARCH_OPTIONS, END};

static const mun_option options_receipt[] = {
    LEDGER_OR_URL_OPTION,
    SERVICE_OPTIONS,
    LEDGER_KEY_OPTION,
    CHOICE(MUN_OPT_FORMAT, 'F', "format", "FORMAT", "cose,tlog-proof,evidence",
           "a COSE receipt, a C2SP tlog-proof, or the whole evidence file anew"),
    VALUE(MUN_OPT_OUTPUT, 'o', "output", "F", MUN_VALUE_FILE,
          "the file to write; without it standard output"),
    LEDGER_PASSPHRASE_OPTION,
    END,
};

static const mun_option options_checkpoint[] = {
    LEDGER_OR_URL_OPTION,
    SERVICE_OPTIONS,
    LEDGER_KEY_OPTION,
    VALUE(MUN_OPT_SINCE, 0, "since", "OLD", MUN_VALUE_FILE,
          "an earlier checkpoint of this ledger: check that the log has only grown since"),
    VALUE(MUN_OPT_OUTPUT, 'o', "output", "F", MUN_VALUE_FILE,
          "the file to write; without it standard output"),
    LEDGER_PASSPHRASE_OPTION,
    END,
};

static const mun_option options_kit[] = {
    VALUE(MUN_OPT_OUTPUT, 'o', "output", "PATH", MUN_VALUE_FILE,
          "a folder, or a file whose name ends in .zip; without it DOC.kit.zip"),
    VALUE(MUN_OPT_EVIDENCE, 'e', "evidence", "F", MUN_VALUE_FILE,
          "the evidence file; without it DOC.scitt"),
    VALUES(MUN_OPT_TRUST, 0, "trust", "PATH", MUN_VALUE_FILE,
           "trust what this trust folder or ledger.pub says; without it the user's trust folder"),
    VALUES(MUN_OPT_ISSUER_KEY, 0, "issuer-key", "F", MUN_VALUE_FILE,
           "trust this key as the issuer's; NAME=F binds it to one issuer"),
    VALUES(MUN_OPT_LEDGER_KEY, 0, "ledger-key", "F", MUN_VALUE_FILE,
           "trust this ledger.pub, vkey or key as the ledger's"),
    VALUE(MUN_OPT_LEDGER, 'l', "ledger", "DIR", MUN_VALUE_DIRECTORY,
          "trust this ledger's keys and the issuers on its own list"),
    END,
};

static const mun_option options_export[] = {LEDGER_PASSPHRASE_OPTION, END};
static const mun_option options_import[] = {END};
static const mun_option options_backup[] = {LEDGER_OPTION, LEDGER_PASSPHRASE_OPTION, END};
static const mun_option options_restore[] = {END};
static const mun_option options_standby[] = {
    VALUE(MUN_OPT_FROM, 0, "from", "SOURCE", MUN_VALUE_TEXT,
          "whom to follow: the URL of the ledger at its service, or a folder with an export or a "
          "backup"),
    VALUE(MUN_OPT_INTERVAL, 0, "interval", "S", MUN_VALUE_NUMBER,
          "look again every S seconds; without it 10"),
    FLAG(MUN_OPT_ONCE, 0, "once", "look once and end"),
    LEDGER_KEY_OPTION,
    SERVICE_OPTIONS,
    END,
};

static const mun_option options_handover[] = {LEDGER_PASSPHRASE_OPTION, END};

static const mun_option options_adopt[] = {
    FLAG(MUN_OPT_PREPARE, 0, "prepare",
         "only make the new keys and write ledger.pub.new, for muniment handover at the original"),
    VALUE(MUN_OPT_OLD_KEYS, 0, "old-keys", "DIR", MUN_VALUE_DIRECTORY,
          "the folder with the original ledger's private keys, if they are still there, so that "
          "the change is announced under them"),
    VALUE(MUN_OPT_OLD_PASSPHRASE_FILE, 0, "old-passphrase-file", "F", MUN_VALUE_FILE,
          "the file with the passphrase of the old keys"),
    VALUE(MUN_OPT_PASSPHRASE_FILE, 0, "passphrase-file", "F", MUN_VALUE_FILE,
          "encrypt the new keys under the passphrase in this file"),
    END,
};

static const mun_option options_status[] = {LEDGER_OR_URL_OPTION, SERVICE_OPTIONS,
                                            LEDGER_KEY_OPTION, END};

static const mun_option options_fsck[] = {
    LEDGER_OPTION,
    FLAG(MUN_OPT_DEEP, 0, "deep", "check every signature, the index and the known entries as well"),
    END,
};

static const mun_option options_rebuild[] = {LEDGER_OPTION, END};

static const mun_option options_serve[] = {
    VALUES(MUN_OPT_LISTEN, 'L', "listen", "WHERE", MUN_VALUE_TEXT,
           "ADDRESS:PORT or unix:PATH; without it 127.0.0.1:8080, or the sockets that the service "
           "manager hands over"),
    FLAG(MUN_OPT_PUBLIC, 0, "public",
         "listen beyond this machine as well, in plain HTTP: meant, and not a mistake"),
    VALUE(MUN_OPT_CONFIG, 'c', "config", "F", MUN_VALUE_FILE,
          "the configuration file; it names the ledgers"),
    FLAG(MUN_OPT_CHECK_ONLY, 0, "check",
         "read and check the configuration and look whether each ledger opens; serve nothing"),
    END,
};

#define TOKENS_OPTION                                                                              \
    VALUE(MUN_OPT_TOKENS, 'T', "tokens", "F", MUN_VALUE_FILE,                                      \
          "the tokens file that the service's configuration names")

static const mun_option options_token_new[] = {
    TOKENS_OPTION,
    VALUE(MUN_OPT_NAME, 'n', "name", "N", MUN_VALUE_TEXT,
          "who gets it: 1 to 64 of A-Z a-z 0-9 . _ - @; it appears in the log"),
    VALUE(MUN_OPT_SCOPE, 's', "scope", "S", MUN_VALUE_TEXT,
          "what it allows, separated by commas: submit, read, admin"),
    VALUE(MUN_OPT_EXPIRES, 'e', "expires", "WHEN", MUN_VALUE_TEXT,
          "the end of its life: 90d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z; without it it has "
          "none"),
    END,
};

static const mun_option options_token_list[] = {TOKENS_OPTION, END};
static const mun_option options_token_revoke[] = {TOKENS_OPTION, END};

static const mun_option options_bench[] = {
    VALUE(MUN_OPT_ENTRIES, 'n', "entries", "N", MUN_VALUE_NUMBER,
          "size of the large trees; without it 10000000"),
    VALUE(MUN_OPT_SECONDS, 0, "seconds", "N", MUN_VALUE_NUMBER,
          "how long each throughput is measured; without it 30, over HTTP 10"),
    VALUE(MUN_OPT_URL, 0, "url", "URL", MUN_VALUE_TEXT,
          "measure http_* of the service at http://HOST:PORT[/NAME] or unix:SOCKET[:/NAME]; "
          "without it of one that is started for that"),
    VALUE(MUN_OPT_PEER, 0, "peer", "URL", MUN_VALUE_TEXT,
          "measure the same of this SCITT service afterwards, as http_*_peer"),
    VALUE(MUN_OPT_CLIENTS, 0, "clients", "N", MUN_VALUE_NUMBER,
          "how many clients ask at once; without it 64"),
    VALUE(MUN_OPT_DUPLICATES, 0, "duplicates", "N%", MUN_VALUE_TEXT,
          "how many registrations in a hundred repeat an earlier statement; without it none"),
    VALUE(MUN_OPT_KEY, 'k', "key", "F", MUN_VALUE_FILE,
          "the key that signs the statements for http_*; without it keys made for the run, which "
          "only a ledger open to any issuer takes"),
    VALUE(MUN_OPT_ISSUER, 'i', "issuer", "ISS", MUN_VALUE_TEXT, "the name that --key speaks for"),
    VALUE(MUN_OPT_DIRECTORY, 'C', "directory", "DIR", MUN_VALUE_DIRECTORY,
          "where to put the ledgers that are measured; without it the current directory"),
    END,
};

static const mun_option options_completion[] = {END};
static const mun_option options_version[] = {END};

static const mun_option options_help[] = {
    FLAG(MUN_OPT_MAN, 0, "man", "print the manual page in mdoc"),
    END,
};

const mun_command mun_commands[] = {
    {
        .id = MUN_CMD_INIT,
        .name = "init",
        .operands = "DIR",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "make a new ledger",
        .text =
            "Makes the directory DIR with a new ledger in it: two key pairs, an empty log, and as "
            "entry 0 the ledger's own signed policy. Prints the ledger's public keys and their "
            "fingerprint in words, to be read out over the telephone and compared by whoever is "
            "to trust the ledger.\n\n"
            "The name is part of every receipt and never changes. It should be a host name that "
            "belongs to you, with a path if you will have several ledgers.\n\n"
            "Hand out DIR/ledger.pub; guard DIR, which holds the private keys.",
        .examples = "muniment init ledger --name log.example.org/contracts\n"
                    "muniment init ledger --name log.example.org/open --any-issuer --alg ed25519",
        .options = options_init,
    },
    {
        .id = MUN_CMD_ISSUER_ADD,
        .name = "issuer",
        .verb = "add",
        .operands = "KEY",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .summary = "let an issuer register statements",
        .text = "Registers on the log, signed by the ledger, that the issuer may register "
                "statements under this public key. KEY is a file: PEM, COSE_Key, JWK or a "
                "certificate. It takes effect from the next entry on.",
        .examples = "muniment issuer add -l ledger --issuer https://example.org alice.pub",
        .options = options_issuer_add,
    },
    {
        .id = MUN_CMD_ISSUER_REMOVE,
        .name = "issuer",
        .verb = "remove",
        .operands = "[KEY]",
        .least = 0,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .summary = "admit no more statements by an issuer",
        .text = "Registers on the log that this key of the issuer, or without KEY the issuer with "
                "all its keys, may register nothing more. What was registered before stays valid.",
        .examples = "muniment issuer remove -l ledger --issuer https://example.org",
        .options = options_issuer_remove,
    },
    {
        .id = MUN_CMD_ISSUER_LIST,
        .name = "issuer",
        .verb = "list",
        .operands = "",
        .summary = "list who may register statements",
        .text = "Prints the issuers that the ledger admits, with the thumbprint of each key and "
                "the entry that added it.",
        .examples = "muniment issuer list -l ledger",
        .options = options_issuer_list,
    },
    {
        .id = MUN_CMD_KEY_NEW,
        .name = "key",
        .verb = "new",
        .operands = "FILE",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .summary = "make a key pair",
        .text = "Writes a new private key to FILE (PKCS#8 PEM, readable by you alone) and its "
                "public key to FILE.pub. Neither may be there already.",
        .examples = "muniment key new alice.pem\n"
                    "muniment key new archive.pem --alg ed25519 --passphrase-file secret.txt",
        .options = options_key_new,
    },
    {
        .id = MUN_CMD_KEY_SHOW,
        .name = "key",
        .verb = "show",
        .operands = "FILE",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .summary = "print a public key",
        .text = "Prints the public key in FILE, which may be PEM, COSE_Key, JWK, vkey or a "
                "certificate. Of a private key only the public half is printed, never the secret.",
        .examples = "muniment key show alice.pub\n"
                    "muniment key show alice.pub --format jwk\n"
                    "muniment key show witness.pub --format vkey --name witness.example.org",
        .options = options_key_show,
    },
    {
        .id = MUN_CMD_SIGN,
        .name = "sign",
        .operands = "DOC",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .summary = "make a signed statement about a document",
        .text = "Signs the digest of DOC, or with --inline DOC itself, and writes the signed "
                "statement to DOC.cose. It can be registered on any ledger that admits the issuer. "
                "Without --subject the statement is about the document's file name.\n\n"
                "Key and issuer may stand in the configuration.",
        .examples = "muniment sign contract.pdf --key alice.pem --issuer https://example.org\n"
                    "muniment sign note.txt --key alice.pem --inline -t text/plain -o note.cose",
        .options = options_sign,
    },
    {
        .id = MUN_CMD_REGISTER,
        .name = "register",
        .operands = "FILE...",
        .least = 0,
        .most = MUN_OPERANDS_ANY,
        .kind = MUN_VALUE_FILE,
        .summary = "register documents or signed statements on a ledger",
        .text =
            "With --key every FILE is a document: it is signed as by sign, registered, and its "
            "evidence written to FILE.scitt. Without --key every FILE is a signed statement; the "
            "evidence of NAME.cose is NAME.scitt. Which of both is never guessed from the "
            "content.\n\n"
            "Without --subject a statement is about the path of the document below the folder "
            "that was given, about the file's name where the file itself was given, and about the "
            "path as listed with --from-file. Bytes that are not UTF-8 are percent-encoded.\n\n"
            "A document that was registered before under the same issuer, subject, type and key "
            "gets the evidence of that entry. The command can be interrupted and started again: "
            "what is done is recognised. An evidence file of another document is never "
            "overwritten.",
        .examples = "muniment register -l ledger contract.pdf --key alice.pem --issuer "
                    "https://example.org\n"
                    "muniment register -l ledger -r papers --key alice.pem --out evidence\n"
                    "find . -name '*.pdf' -print0 | muniment register -l ledger --key alice.pem "
                    "--from-file "
                    "-\n"
                    "muniment register -l ledger contract.pdf.cose",
        .options = options_register,
    },
    {
        .id = MUN_CMD_VERIFY,
        .name = "verify",
        .operands = "DOC...",
        .least = 0,
        .most = MUN_OPERANDS_ANY,
        .kind = MUN_VALUE_FILE,
        .summary = "check documents against their evidence, offline",
        .text =
            "Checks each document against its evidence file, DOC.scitt, and reports what was "
            "found, in words, with one verdict. A *.scitt given alone is evidence without its "
            "document. - reads the document from standard input; name the evidence with "
            "--evidence.\n\n"
            "Nothing is fetched and no ledger is asked. Which keys are trusted is said by "
            "--issuer-key, --ledger-key, --trust, -l, and by the user's trust folder (see "
            "trust).\n\n"
            "The verdict is also the exit status: 0 valid; 3 all that could be checked is good, "
            "but a key is not known or not trusted here; 1 something contradicts. Of several "
            "documents the worst counts, in the order 1, 6, 4, 5, 3, 0.\n\n"
            "With -r folders are audited: changed (does not match its evidence), missing (evidence "
            "without its document), unregistered (document without evidence), fine.",
        .examples = "muniment verify contract.pdf --ledger-key ledger.pub --issuer-key alice.pub\n"
                    "muniment verify -r papers --evidence evidence -l ledger --csv audit.csv\n"
                    "muniment verify contract.pdf.scitt\n"
                    "curl -s https://example.org/c.pdf | muniment verify - -e c.pdf.scitt",
        .options = options_verify,
    },
    {
        .id = MUN_CMD_TRUST_ADD,
        .name = "trust",
        .verb = "add",
        .operands = "KEY",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .summary = "trust a key in one role under one name",
        .text = "Puts a key into the trust folder. KEY is a ledger.pub, or a key as PEM, COSE_Key, "
                "JWK, vkey or certificate with --role and --name. A key never speaks for another "
                "name or in another role. KEY may be the URL of a service: this is the one place "
                "where a key is taken from the network.\n\n"
                "For a ledger.pub the fingerprint is shown in words: compare it over the telephone "
                "with what the ledger's owner reads out from `muniment status`, then type yes.",
        .examples = "muniment trust add ledger.pub --reason 'compared with Ms Brown on the phone'\n"
                    "muniment trust add alice.pub --role issuer --name https://example.org",
        .options = options_trust_add,
    },
    {
        .id = MUN_CMD_TRUST_LIST,
        .name = "trust",
        .verb = "list",
        .operands = "",
        .summary = "list the keys that are trusted",
        .text = "Prints the role, name, key and reason of everything in the trust folder.",
        .examples = "muniment trust list",
        .options = options_trust_list,
    },
    {
        .id = MUN_CMD_TRUST_REMOVE,
        .name = "trust",
        .verb = "remove",
        .operands = "NAME",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_TEXT,
        .summary = "trust a name or key no more",
        .text = "Removes the entries whose name, or whose key's thumbprint in hex, is NAME.",
        .examples = "muniment trust remove https://example.org",
        .options = options_trust_remove,
    },
    {
        .id = MUN_CMD_SHOW,
        .name = "show",
        .operands = "FILE",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .summary = "explain any file of Muniment",
        .text = "Says what FILE is and what is in it: a signed statement, an evidence file, a "
                "receipt, a checkpoint, a tlog-proof, a key, a ledger.pub or a ledger's "
                "directory. Nothing is verified; that is verify's work.",
        .examples = "muniment show contract.pdf.scitt\n"
                    "muniment show --diag contract.pdf.scitt",
        .options = options_show,
    },
    {
        .id = MUN_CMD_LIST,
        .name = "list",
        .operands = "",
        .summary = "list what is registered",
        .text = "Prints the entries of the ledger in their order: index, time of registration, "
                "issuer and subject.",
        .examples = "muniment list -l ledger --limit 20",
        .options = options_list,
    },
    {
        .id = MUN_CMD_FIND,
        .name = "find",
        .operands = "",
        .summary = "find registered statements",
        .text = "Prints the entries that match all conditions; at least one must be given. Says "
                "so, with exit status 5, when nothing was found.",
        .examples = "muniment find -l ledger --file contract.pdf\n"
                    "muniment find -l ledger --issuer https://example.org --since 2026-01-01",
        .options = options_list,
    },
    {
        .id = MUN_CMD_RECEIPT,
        .name = "receipt",
        .operands = "INDEX-or-FILE",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .summary = "get a fresh receipt",
        .text = "Makes a receipt for an entry in the tree of the day. The entry is named by its "
                "index, or by a file with its signed statement or evidence (./7 is a file, 7 an "
                "index).",
        .examples = "muniment receipt -l ledger 17 -o 17.receipt\n"
                    "muniment receipt -l ledger contract.pdf.scitt --format tlog-proof",
        .options = options_receipt,
    },
    {
        .id = MUN_CMD_CHECKPOINT,
        .name = "checkpoint",
        .operands = "",
        .summary = "print the signed checkpoint",
        .text = "Prints the ledger's signed tree head (C2SP tlog-checkpoint). Whoever keeps one "
                "can check later, with --since, that the log has only grown.",
        .examples = "muniment checkpoint -l ledger > today.checkpoint\n"
                    "muniment checkpoint -l ledger --since today.checkpoint",
        .options = options_checkpoint,
    },
    {
        .id = MUN_CMD_KIT,
        .name = "kit",
        .operands = "DOC",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_FILE,
        .program = "muniment-kit",
        .summary = "pack all that a stranger needs to verify a document in thirty years",
        .text = "Puts into one folder or zip file: the document, its evidence, the public keys it "
                "was verified with, the report in plain words, the documents that define the "
                "formats, and a verifier in Python that needs nothing but Python. Evidence that "
                "contradicts the document is not packed.",
        .examples = "muniment kit contract.pdf --ledger-key ledger.pub --issuer-key alice.pub\n"
                    "muniment kit contract.pdf -l ledger -o contract-kit",
        .options = options_kit,
    },
    {
        .id = MUN_CMD_EXPORT,
        .name = "export",
        .operands = "DIR OUT",
        .least = 2,
        .most = 2,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "write the ledger as static files",
        .text = "Writes the ledger in DIR as a tree of files (C2SP tlog-tiles) that any web server "
                "can serve and any tlog tool can audit, with all that import needs. OUT must not "
                "exist.",
        .examples = "muniment export ledger /srv/www/log",
        .options = options_export,
    },
    {
        .id = MUN_CMD_IMPORT,
        .name = "import",
        .operands = "OUT DIR",
        .least = 2,
        .most = 2,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "make a read-only ledger from an export",
        .text = "Verifies everything in the exported tree OUT and makes a ledger from it in DIR. "
                "It can be read, searched and checked, but registers nothing until it is adopted: "
                "no copy ever signs a second history.",
        .examples = "muniment import /srv/www/log copy",
        .options = options_import,
    },
    {
        .id = MUN_CMD_BACKUP,
        .name = "backup",
        .operands = "[DIR] OUT",
        .least = 1,
        .most = 2,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "keep a second copy of the ledger up to date",
        .text = "Writes what the ledger in DIR holds into the folder OUT, as export does; the next "
                "time only what is new. The ledger may be in use. The checkpoint is replaced last "
                "and everything synced, so that an interrupted run leaves the backup as it was. "
                "OUT can be served by any web server, and holds no private key: keep those of DIR "
                "apart.\n\n"
                "A backup that holds more than the ledger, or something else, is never touched.",
        .examples = "muniment backup ledger /mnt/backup/ledger",
        .options = options_backup,
    },
    {
        .id = MUN_CMD_RESTORE,
        .name = "restore",
        .operands = "OUT DIR",
        .least = 2,
        .most = 2,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "make a read-only ledger from a backup",
        .text = "Verifies everything in the backup OUT and makes a ledger from it in DIR. It "
                "registers nothing until it is adopted, since the original may still be alive: no "
                "copy ever signs a second history.",
        .examples = "muniment restore /mnt/backup/ledger ledger",
        .options = options_restore,
    },
    {
        .id = MUN_CMD_STANDBY,
        .name = "standby",
        .operands = "DIR",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "follow a ledger, ready to take its place",
        .text = "Keeps in DIR a copy of the ledger at SOURCE and goes on following it: signature, "
                "consistency, every entry and its admission are checked before anything is kept, "
                "and nothing is ever taken back. DIR only reads; it can be searched and served "
                "meanwhile. Where DIR is new and SOURCE a service, its keys must be among those "
                "that are trusted here for the ledger; where there are none, they are taken as "
                "shown, with a note.\n\n"
                "If the original is gone for good: end the standby, then muniment adopt DIR, with "
                "--old-keys where the original's keys were saved. Two histories signed by one key "
                "end the standby with both checkpoints kept in DIR.",
        .examples = "muniment standby copy --from https://ledger.example.org/deeds",
        .options = options_standby,
    },
    {
        .id = MUN_CMD_HANDOVER,
        .name = "handover",
        .operands = "DIR NEW.pub",
        .least = 2,
        .most = 2,
        .kind = MUN_VALUE_FILE,
        .summary = "let a standby take this ledger's place",
        .text = "Ends the writing in DIR for good: announces the keys in NEW.pub on the log under "
                "the present ones, signs the last checkpoint, and makes DIR a copy. NEW.pub is "
                "ledger.pub.new of a standby that was prepared with muniment adopt --prepare. That "
                "standby then follows once more and adopts: one history, without a gap.",
        .examples = "muniment adopt standby --prepare\n"
                    "muniment handover ledger standby/ledger.pub.new\n"
                    "muniment standby standby --once --from /srv/www/log\n"
                    "muniment adopt standby",
        .options = options_handover,
    },
    {
        .id = MUN_CMD_ADOPT,
        .name = "adopt",
        .operands = "DIR",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "make an imported ledger one that registers again",
        .text = "Gives the copy in DIR new keys and announces them on its log, under the old keys "
                "where they are still there. Only when the original will never write again. A "
                "copied directory that brought its keys with it uses these.",
        .examples = "muniment adopt copy --old-keys saved-keys",
        .options = options_adopt,
    },
    {
        .id = MUN_CMD_STATUS,
        .name = "status",
        .operands = "[DIR]",
        .least = 0,
        .most = 1,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "size, keys and state of a ledger",
        .text = "Prints the ledger's name, fingerprint, size and root, the time of the last "
                "registration, who writes it, disk space, how far the index follows, and the age "
                "of the keys.",
        .examples = "muniment status -l ledger",
        .options = options_status,
    },
    {
        .id = MUN_CMD_FSCK,
        .name = "fsck",
        .operands = "[DIR]",
        .least = 0,
        .most = 1,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "check a ledger completely",
        .text = "Recomputes the whole tree from the entries and compares every derived file; "
                "names file, offset and entry of any damage. Nothing is changed. No process may "
                "be writing the ledger.",
        .examples = "muniment fsck -l ledger --deep",
        .options = options_fsck,
    },
    {
        .id = MUN_CMD_REBUILD,
        .name = "rebuild",
        .operands = "[DIR]",
        .least = 0,
        .most = 1,
        .kind = MUN_VALUE_DIRECTORY,
        .summary = "restore what is derived from the entries",
        .text = "Makes hash files, offsets and index anew from the entries. Run it when fsck has "
                "found one of them damaged.",
        .examples = "muniment rebuild -l ledger",
        .options = options_rebuild,
    },
    {
        .id = MUN_CMD_SERVE,
        .name = "serve",
        .operands = "[DIR...]",
        .least = 0,
        .most = MUN_OPERANDS_ANY,
        .kind = MUN_VALUE_DIRECTORY,
        .program = "muniment-serve",
        .summary = "serve ledgers over HTTP",
        .text =
            "Serves one or more ledgers until it is told to stop: registration by SCRAPI, tiles "
            "and checkpoints by C2SP tlog-tiles, search and proofs under /v1, and /healthz, "
            "/readyz and /metrics for operators. One ledger stands at the root, several stand "
            "at /NAME, the last part of their directory; anyone who reaches the socket may read "
            "and register. Everything else is said in a configuration file.\n"
            "\n"
            "It speaks plain HTTP on this machine only; TLS and the public belong to a web "
            "server in front. SIGTERM and Ctrl-C end it after what was asked has been answered; "
            "SIGHUP reads the configuration anew.\n"
            "\n"
            "The log goes to standard error, one event a line; --json makes each a JSON object.",
        .examples = "muniment serve ledger\n"
                    "muniment serve contracts deeds --listen unix:/run/muniment/http.sock\n"
                    "muniment serve --config /etc/muniment/muniment.conf --check",
        .options = options_serve,
    },
    {
        .id = MUN_CMD_TOKEN_NEW,
        .name = "token",
        .verb = "new",
        .operands = "",
        .least = 0,
        .most = 0,
        .kind = MUN_VALUE_NONE,
        .program = "muniment-serve",
        .summary = "make a bearer token for a service",
        .text =
            "Makes a token, prints it once, and keeps only its SHA-256 in the tokens file, which "
            "is made when it is not there. A running service reads the file when it changes.",
        .examples = "muniment token new --tokens /etc/muniment/contracts.tokens --name ci "
                    "--scope submit,read --expires 90d",
        .options = options_token_new,
    },
    {
        .id = MUN_CMD_TOKEN_LIST,
        .name = "token",
        .verb = "list",
        .operands = "",
        .least = 0,
        .most = 0,
        .kind = MUN_VALUE_NONE,
        .program = "muniment-serve",
        .summary = "list the tokens of a service",
        .text = "Lists names, scopes and times. The tokens themselves are not kept anywhere.",
        .examples = "muniment token list --tokens /etc/muniment/contracts.tokens",
        .options = options_token_list,
    },
    {
        .id = MUN_CMD_TOKEN_REVOKE,
        .name = "token",
        .verb = "revoke",
        .operands = "NAME",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_TEXT,
        .program = "muniment-serve",
        .summary = "take a token back",
        .text = "Removes the token from the file; a running service refuses it within a second.",
        .examples = "muniment token revoke ci --tokens /etc/muniment/contracts.tokens",
        .options = options_token_revoke,
    },
    {
        .id = MUN_CMD_BENCH,
        .name = "bench",
        .operands = "[NAME...]",
        .least = 0,
        .most = MUN_OPERANDS_ANY,
        .kind = MUN_VALUE_CHOICE,
        .choices = "append_batched,append_single,sync_floor,register_full,crypto_floor,"
                   "register_latency,proof_memory,proof_cold,verify_process,fsck,open_clean,"
                   "open_crashed,rss_append,dedup_cost,disk_per_entry,wasm_size,http_latency_p50,"
                   "http_latency_p99,http_register,http_receipts,http_tiles,http_open_p99",
        .program = "muniment-bench",
        .summary = "measure this machine",
        .text = "Measures the figures of docs/PERFORMANCE.md, or those named, on the disk that "
                "holds the current directory; prints the file system and its sync floor with "
                "them. A file system in memory is refused: nothing there survives a power cut.",
        .examples = "muniment bench register_latency --json\n"
                    "muniment bench --entries 1000000 --seconds 10\n"
                    "muniment bench --url http://127.0.0.1:8080 --clients 64 --duplicates 10%",
        .options = options_bench,
    },
    {
        .id = MUN_CMD_COMPLETION,
        .name = "completion",
        .operands = "SHELL",
        .least = 1,
        .most = 1,
        .kind = MUN_VALUE_CHOICE,
        .choices = "bash,zsh,fish",
        .summary = "print the completion script of a shell",
        .text = "Prints a script that makes the shell complete commands, options and values.",
        .examples =
            "muniment completion bash > ~/.local/share/bash-completion/completions/muniment",
        .options = options_completion,
    },
    {
        .id = MUN_CMD_VERSION,
        .name = "version",
        .operands = "",
        .summary = "print the version",
        .text = "Prints the version of Muniment and of the formats it writes.",
        .examples = "muniment version --json",
        .options = options_version,
    },
    {
        .id = MUN_CMD_HELP,
        .name = "help",
        .operands = "[COMMAND...]",
        .least = 0,
        .most = 2,
        .kind = MUN_VALUE_TEXT,
        .summary = "explain a command",
        .text = "Explains a command, or lists all. With --man prints the manual page instead, for "
                "man or mandoc.",
        .examples = "muniment help register\n"
                    "muniment help verify --man | mandoc -l -",
        .options = options_help,
    },
};

const char mun_about_text[] =
    "Muniment keeps evidence of documents: it registers signed statements about them on a "
    "tamper-evident log, hands out receipts, and lets anyone verify a receipt offline, for "
    "decades, without trusting whoever runs the log.";

const mun_exit_text mun_exit_texts[] = {
    {0, "done; the evidence is valid"},
    {1, "the evidence is not valid: something contradicts"},
    {2, "the command was given wrong arguments"},
    {3, "valid as far as could be checked, but a key is not trusted here"},
    {4, "the input is malformed"},
    {5, "something around failed: a file, the disk, a permission"},
    {6, "the ledger is damaged"},
    {7, "refused by the ledger's policy"},
    {75, "not possible at the moment; try again"},
    {0, NULL},
};

const mun_named_text mun_environment_texts[] = {
    {"MUNIMENT_LEDGER", "the ledger's directory or URL where -l is not given"},
    {"https_proxy, no_proxy",
     "the proxy for services that are not on this machine, as curl takes it"},
    {"XDG_CONFIG_HOME", "where the folder muniment with configuration and trust is; without it "
                        "~/.config"},
    {"NO_COLOR", "if set and not empty: no colours"},
    {NULL, NULL},
};

const mun_named_text mun_file_texts[] = {
    {"~/.config/muniment/config",
     "lines NAME = VALUE with the names key, issuer, ledger and token-file: what the options of "
     "the same "
     "name are when they are not given. Lines that begin with # are comments"},
    {"~/.config/muniment/trust.d", "the keys that this user trusts; see trust"},
    {NULL, NULL},
};

const char *mun_command_title(const mun_command *command, char ret[32])
{
    if (command->verb == NULL) return command->name;
    snprintf(ret, 32, "%s %s", command->name, command->verb);
    return ret;
}

const char *mun_command_about(const mun_command *command)
{
    static const mun_named_text groups[] = {{"issuer", "say who may register on a ledger"},
                                            {"key", "make and show keys"},
                                            {"trust", "say which keys are trusted"},
                                            {"token", "say who may use a service"}};
    if (command->verb == NULL) return command->summary;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (strcmp(groups[i].name, command->name) == 0) return groups[i].text;
    }
    return NULL;
}

static const mun_option *named_in(const mun_option *options, const char *name, size_t len)
{
    for (; options->id != MUN_OPT_NONE; options++) {
        if (strlen(options->name) == len && memcmp(options->name, name, len) == 0) return options;
    }
    return NULL;
}

const mun_option *mun_option_named(const mun_command *command, const char *name, size_t len)
{
    const mun_option *own = named_in(command->options, name, len);
    return own != NULL ? own : named_in(mun_common_options, name, len);
}

static const mun_option *lettered_in(const mun_option *options, char letter)
{
    for (; options->id != MUN_OPT_NONE; options++) {
        if (options->letter != '\0' && options->letter == letter) return options;
    }
    return NULL;
}

const mun_option *mun_option_lettered(const mun_command *command, char letter)
{
    const mun_option *own = lettered_in(command->options, letter);
    return own != NULL ? own : lettered_in(mun_common_options, letter);
}

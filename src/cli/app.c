/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include "cli/pages.h"
#include "cli/screen.h"
#include "cli/sibling.h"
#include "cli/speak.h"
#include "codec/utf8.h"
#include "fetch/fetch.h"
#include "trust/passphrase_file.h"
#include "vfs/files.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

void mun_interrupt_catch(void)
{
    /* The second Ctrl-C finds the default action again; interrupted system calls go on. */
    struct sigaction action = {.sa_handler = on_interrupt,
                               .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool mun_interrupted(void)
{
    return interrupted != 0;
}

uint64_t mun_wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

mun_code mun_app_text(const mun_app *app, mun_option_id id, mun_slice *ret, mun_error *err)
{
    const char *text = mun_app_value(app, id);
    mun_slice value = text != NULL ? mun_slice_cstr(text) : (mun_slice){0};
    if (!mun_utf8_valid(value)) {
        return mun_failf(err, MUN_E_USAGE, 0, "\"%s\" is not UTF-8", MUN_PLAIN(value));
    }
    *ret = value;
    return MUN_OK;
}

mun_code mun_app_passphrase(const mun_app *app, mun_option_id id, mun_buf *ret, mun_error *err)
{
    const char *path = mun_app_value(app, id);
    if (path == NULL) return MUN_OK;
    return mun_passphrase_read(path, ret, err);
}

/* status, fsck and rebuild also take the ledger's directory as their operand. */
static const char *operand_ledger(const mun_app *app)
{
    mun_command_id id = app->args.command->id;
    bool takes = id == MUN_CMD_STATUS || id == MUN_CMD_FSCK || id == MUN_CMD_REBUILD;
    return takes && app->args.operands_len > 0 ? app->args.operands[0] : NULL;
}

/* What a service can be asked for; the other commands work on a directory. */
static mun_code check_kind(const mun_app *app, const char *path, mun_error *err)
{
    static const mun_command_id asking[] = {
        MUN_CMD_REGISTER,   MUN_CMD_FIND,   MUN_CMD_LIST, MUN_CMD_RECEIPT,
        MUN_CMD_CHECKPOINT, MUN_CMD_STATUS, MUN_CMD_SHOW, MUN_CMD_VERIFY,
    };
    if (!mun_url_like(path)) return MUN_OK;
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
        if (app->args.command->id == asking[i]) return MUN_OK;
    }
    return mun_failf(err, MUN_E_USAGE, 0,
                     "%s is a service; this command works on the ledger's directory, on the "
                     "machine that keeps it. With a URL work register, find, list, receipt, "
                     "checkpoint, status, show, verify and trust add",
                     MUN_PLAIN_PATH(path));
}

mun_code mun_app_ledger_path(const mun_app *app, const char **ret, mun_error *err)
{
    const char *given = mun_app_value(app, MUN_OPT_LEDGER);
    if (given == NULL) given = operand_ledger(app);
    const char *environment = getenv("MUNIMENT_LEDGER");
    if (given != NULL) {
        *ret = given;
    } else if (environment != NULL && environment[0] != '\0') {
        *ret = environment;
    } else if (app->config.ledger[0] != '\0') {
        *ret = app->config.ledger;
    } else {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "which ledger? Give its directory with -l DIR, or the URL of a service "
                        "with -l URL, or set MUNIMENT_LEDGER");
    }
    return check_kind(app, *ret, err);
}

/* Whether the ledger's keys ask for a passphrase; a ledger without keys does not. */
static bool keys_encrypted(const char *path)
{
    char name[MUN_PATH_BYTES_MAX];
    uint8_t room[MUN_PEM_MAX];
    mun_buf pem = mun_buf_fixed(room, sizeof room);
    int len = snprintf(name, sizeof name, "%s/keys/receipts.pem", path);
    if (len < 0 || (size_t)len >= sizeof name) return false;
    bool encrypted = mun_file_read(name, sizeof room, &pem, NULL) == MUN_OK &&
                     mun_private_key_encrypted(mun_buf_slice(&pem));
    mun_cleanse(room, sizeof room);
    return encrypted;
}

static mun_code open_asking(const mun_app *app, const char *path, mun_ledger_use use,
                            mun_buf *secret, mun_ledger **ret, mun_error *err)
{
    MUN_TRY(mun_app_passphrase(app, MUN_OPT_LEDGER_PASSPHRASE_FILE, secret, err));
    if (use != MUN_USE_READ && secret->len == 0 && keys_encrypted(path)) {
        MUN_TRY(mun_ask_passphrase("Passphrase of the ledger's keys", "ledger-passphrase-file",
                                   secret, err));
    }
    mun_ledger_open_options options = {.read_only = use != MUN_USE_WRITE,
                                       .passphrase = mun_buf_slice(secret)};
    return mun_ledger_open(path, &options, ret, err);
}

/* The lock says who has the ledger. What to do about it a person is told here. */
static mun_code busy_advise(mun_error *err)
{
    if (err == NULL) return MUN_E_BUSY;
    mun_error why = *err;
    return mun_failf(err, MUN_E_BUSY, 0,
                     "%.400s; register through its service (-l URL), or wait until it has ended "
                     "or only reads",
                     why.text);
}

mun_code mun_app_ledger_open_at(const mun_app *app, const char *path, mun_ledger_use use,
                                mun_ledger **ret, mun_error *err)
{
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf secret = mun_buf_fixed(room, sizeof room);
    mun_code code = open_asking(app, path, use, &secret, ret, err);
    mun_cleanse(room, sizeof room);
    return code == MUN_E_BUSY ? busy_advise(err) : code;
}

mun_code mun_app_ledger_open(const mun_app *app, mun_ledger_use use, mun_ledger **ret,
                             mun_error *err)
{
    const char *path;
    MUN_TRY(mun_app_ledger_path(app, &path, err));
    return mun_app_ledger_open_at(app, path, use, ret, err);
}

static mun_code print_help(mun_app *app, mun_error *err)
{
    mun_buf page MUN_BUF_AUTO = mun_buf_growable(MUN_PAGE_MAX);
    mun_help_write(&page, app->args.command, mun_screen_width());
    if (!mun_buf_ok(&page)) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for help");
    mun_print_bytes(mun_buf_slice(&page));
    return MUN_OK;
}

static mun_code run_command(mun_app *app, const mun_command_entry *commands, size_t len,
                            mun_error *err)
{
    const mun_command *command = app->args.command;
    if (mun_app_has(app, MUN_OPT_HELP) && command->id != MUN_CMD_HELP) return print_help(app, err);
    for (size_t i = 0; i < len; i++) {
        if (commands[i].id != command->id) continue;
        MUN_TRY(mun_user_config_load(&app->config, err));
        MUN_TRY(mun_native_crypto_new(&app->crypto, err));
        mun_code code = commands[i].run(app, err);
        mun_native_crypto_free(&app->crypto);
        return code;
    }
    if (command->program != NULL) return mun_sibling_run(command->program, app->argv, err);
    return mun_failf(err, MUN_E_USAGE, 0, "this program cannot %s; call muniment", command->name);
}

/* What was printed has reached its file, or the command has not done what it was asked to do. */
static mun_code check_output(mun_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0) return MUN_OK;
    return mun_failf(err, errno == ENOSPC ? MUN_E_NO_SPACE : MUN_E_IO, errno,
                     "cannot write the output");
}

/* Before the table has been asked: errors must be JSON if --json stands anywhere. */
static bool asked_for_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) return true;
    }
    return false;
}

int mun_app_main(int argc, char **argv, const mun_command_entry *commands, size_t commands_len)
{
    static mun_app app;
    mun_error err = {.code = MUN_OK};
    signal(SIGPIPE, SIG_IGN);
    app.argv = argv;
    app.json = asked_for_json(argc, argv);
    app.colour = mun_screen_wants_colour();
    mun_code code = mun_args_parse(argc, argv, &app.args, &err);
    if (code == MUN_OK) {
        app.quiet = mun_app_has(&app, MUN_OPT_QUIET);
        app.progress = mun_screen_is_errors() && !app.quiet && !app.json;
        code = run_command(&app, commands, commands_len, &err);
        mun_args_free(&app.args);
    }
    if (code != MUN_OK) mun_print_error(&app, NULL, &err);
    int exit_code = code != MUN_OK ? mun_code_exit(code) : app.exit_code;
    if (check_output(&err) == MUN_OK) return exit_code;
    mun_print_error(&app, NULL, &err);
    return exit_code != 0 ? exit_code : mun_code_exit(err.code);
}

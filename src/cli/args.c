/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include "cli/nearest.h"

#include <stdio.h>
#include <stdlib.h>

/* Where the parser stands: the words that are left, and whether -- was seen. */
typedef struct parser {
    int argc;
    char **argv;
    int at;
    bool operands_only;
    mun_args *args;
    mun_error *err;
} parser;

bool mun_number_parse(const char *text, uint64_t *ret)
{
    uint64_t value = 0;
    if (*text == '\0') return false;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') return false;
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > ((uint64_t)INT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *p = choices; p != NULL; p = strchr(p, ',')) {
        if (*p == ',') p++;
        size_t n = strcspn(p, ",");
        if (n == len && memcmp(p, value, n) == 0) return true;
    }
    return false;
}

static mun_code check_value(parser *p, const mun_option *option, const char *value)
{
    uint64_t number;
    if (option->kind == MUN_VALUE_NUMBER && !mun_number_parse(value, &number)) {
        return mun_failf(p->err, MUN_E_USAGE, 0, "--%s needs a whole number, not \"%s\"",
                         option->name, value);
    }
    if (option->kind == MUN_VALUE_CHOICE && !is_choice(option->choices, value)) {
        return mun_failf(p->err, MUN_E_USAGE, 0, "--%s cannot be \"%s\"; it is one of %s",
                         option->name, value, option->choices);
    }
    if (option->kind != MUN_VALUE_NONE && *value == '\0') {
        return mun_failf(p->err, MUN_E_USAGE, 0, "--%s was given an empty %s", option->name,
                         option->value);
    }
    return MUN_OK;
}

static mun_code give(parser *p, const mun_option *option, const char *value)
{
    if (value != NULL) MUN_TRY(check_value(p, option, value));
    if (!option->repeats && option->kind != MUN_VALUE_NONE && mun_args_has(p->args, option->id)) {
        return mun_failf(p->err, MUN_E_USAGE, 0, "--%s was given twice; it takes one %s",
                         option->name, option->value);
    }
    p->args->given[p->args->given_len++] = (mun_given){option->id, value};
    return MUN_OK;
}

/* The word after an option that needs a value. */
static mun_code next_value(parser *p, const mun_option *option, const char **ret)
{
    if (p->at >= p->argc) {
        return mun_failf(p->err, MUN_E_USAGE, 0, "--%s needs a value: --%s %s", option->name,
                         option->name, option->value);
    }
    *ret = p->argv[p->at++];
    return MUN_OK;
}

static void offer_options(mun_nearest *nearest, const mun_option *options)
{
    for (; options->id != MUN_OPT_NONE; options++) mun_nearest_offer(nearest, options->name);
}

static mun_code unknown_option(parser *p, const char *name, size_t len)
{
    const mun_command *command = p->args->command;
    char typed[64], title[32];
    snprintf(typed, sizeof typed, "%.*s", (int)(len < 60 ? len : 60), name);
    mun_nearest nearest = {.typed = typed};
    offer_options(&nearest, command->options);
    offer_options(&nearest, mun_common_options);
    const char *shown = mun_command_title(command, title);
    if (nearest.best != NULL) {
        return mun_failf(p->err, MUN_E_USAGE, 0, "%s has no option --%s; did you mean --%s?", shown,
                         typed, nearest.best);
    }
    return mun_failf(p->err, MUN_E_USAGE, 0,
                     "%s has no option --%s; muniment help %s lists those it has", shown, typed,
                     shown);
}

static mun_code long_option(parser *p, const char *word)
{
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    const mun_option *option = mun_option_named(p->args->command, name, len);
    if (option == NULL) return unknown_option(p, name, len);
    if (option->kind == MUN_VALUE_NONE) {
        if (value == NULL) return give(p, option, NULL);
        return mun_failf(p->err, MUN_E_USAGE, 0, "--%s takes no value", option->name);
    }
    if (value == NULL) MUN_TRY(next_value(p, option, &value));
    return give(p, option, value);
}

/* -abc is -a -b -c as long as they are flags; the rest after one with a value is the value. */
static mun_code short_options(parser *p, const char *word)
{
    char title[32];
    for (const char *c = word + 1; *c != '\0'; c++) {
        const mun_option *option = mun_option_lettered(p->args->command, *c);
        if (option == NULL) {
            const char *shown = mun_command_title(p->args->command, title);
            return mun_failf(p->err, MUN_E_USAGE, 0,
                             "%s has no option -%.1s; muniment help %s lists those it has", shown,
                             *c >= '!' && *c <= '~' ? c : "?", shown);
        }
        if (option->kind == MUN_VALUE_NONE) {
            MUN_TRY(give(p, option, NULL));
            continue;
        }
        const char *value = c[1] != '\0' ? c + 1 : NULL;
        if (value == NULL) MUN_TRY(next_value(p, option, &value));
        return give(p, option, value);
    }
    return MUN_OK;
}

static mun_code one_word(parser *p)
{
    const char *word = p->argv[p->at++];
    if (!p->operands_only && strcmp(word, "--") == 0) {
        p->operands_only = true;
        return MUN_OK;
    }
    if (!p->operands_only && word[0] == '-' && word[1] == '-') return long_option(p, word);
    if (!p->operands_only && word[0] == '-' && word[1] != '\0') return short_options(p, word);
    p->args->operands[p->args->operands_len++] = word;
    return MUN_OK;
}

static const mun_command *find_command(mun_command_id id)
{
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (mun_commands[i].id == id) return &mun_commands[i];
    }
    return NULL;
}

static mun_code unknown_command(const char *word, mun_error *err)
{
    mun_nearest nearest = {.typed = word};
    for (size_t i = 0; i < MUN_COMMANDS; i++) mun_nearest_offer(&nearest, mun_commands[i].name);
    if (nearest.best != NULL) {
        return mun_failf(err, MUN_E_USAGE, 0, "there is no command \"%.60s\"; did you mean %s?",
                         word, nearest.best);
    }
    return mun_failf(err, MUN_E_USAGE, 0,
                     "there is no command \"%.60s\"; muniment help lists the commands", word);
}

static mun_code need_verb(const char *name, const char *typed, mun_error *err)
{
    char verbs[96] = "";
    mun_nearest nearest = {.typed = typed != NULL ? typed : ""};
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (strcmp(mun_commands[i].name, name) != 0) continue;
        size_t len = strlen(verbs);
        snprintf(verbs + len, sizeof verbs - len, "%s%s", len > 0 ? ", " : "",
                 mun_commands[i].verb);
        mun_nearest_offer(&nearest, mun_commands[i].verb);
    }
    if (typed == NULL) {
        return mun_failf(err, MUN_E_USAGE, 0, "%s needs to be told what to do: %s", name, verbs);
    }
    if (nearest.best != NULL) {
        return mun_failf(err, MUN_E_USAGE, 0, "%s cannot \"%.40s\"; did you mean %s %s?", name,
                         typed, name, nearest.best);
    }
    return mun_failf(err, MUN_E_USAGE, 0, "%s cannot \"%.40s\"; it can %s", name, typed, verbs);
}

/* The command that the words from p->at on name; p->at then stands behind them. */
static mun_code take_command(parser *p, const mun_command **ret)
{
    const char *name = p->argv[p->at++];
    bool has_verbs = false;
    const char *verb = p->at < p->argc ? p->argv[p->at] : NULL;
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        const mun_command *command = &mun_commands[i];
        if (strcmp(command->name, name) != 0) continue;
        has_verbs = command->verb != NULL;
        if (has_verbs && (verb == NULL || strcmp(command->verb, verb) != 0)) continue;
        if (has_verbs) p->at++;
        *ret = command;
        return MUN_OK;
    }
    return has_verbs ? need_verb(name, verb, p->err) : unknown_command(name, p->err);
}

/*
 * Options may stand before the command: they are found out here and moved behind it. Only those
 * that every command has, and -l, can; their values tell where the command's name is.
 */
static int leading_options(int argc, char **argv)
{
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
        bool ledger = strcmp(argv[at], "-l") == 0 || strcmp(argv[at], "--ledger") == 0;
        at += ledger && at + 1 < argc ? 2 : 1;
    }
    return at;
}

static bool wants_version(const parser *p)
{
    return p->argc > 1 && (strcmp(p->argv[1], "--version") == 0 || strcmp(p->argv[1], "-V") == 0);
}

static mun_code count_operands(const mun_args *args, mun_error *err)
{
    const mun_command *command = args->command;
    char title[32];
    const char *shown = mun_command_title(command, title);
    if (args->operands_len < command->least) {
        return mun_failf(err, MUN_E_USAGE, 0, "%s needs %s: muniment %s %s", shown,
                         command->operands, shown, command->operands);
    }
    if (args->operands_len > command->most) {
        return mun_failf(err, MUN_E_USAGE, 0, "%s takes %s%s; \"%.80s\" is too much", shown,
                         command->most == 0 ? "no operand" : "only ", command->operands,
                         args->operands[command->most]);
    }
    return MUN_OK;
}

/* muniment issuer --help: the name of a command with verbs, nothing but options behind it. */
static bool bare_help(parser *p)
{
    bool help = false;
    for (int i = p->at; i < p->argc; i++) {
        if (strcmp(p->argv[i], "--help") == 0 || strcmp(p->argv[i], "-h") == 0) help = true;
    }
    return help && p->at + 1 < p->argc && p->argv[p->at + 1][0] == '-';
}

static bool has_verbs(const char *name)
{
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (strcmp(mun_commands[i].name, name) == 0) return mun_commands[i].verb != NULL;
    }
    return false;
}

/* Finds the command, whose name is word number p->at, and moves behind its name. */
static mun_code choose_command(parser *p)
{
    if (wants_version(p)) {
        p->args->command = find_command(MUN_CMD_VERSION);
        p->at = 2;
        return MUN_OK;
    }
    if (p->at >= p->argc || (has_verbs(p->argv[p->at]) && bare_help(p))) {
        p->args->command = find_command(MUN_CMD_HELP); /* the name becomes its operand */
        return MUN_OK;
    }
    return take_command(p, &p->args->command);
}

static mun_code words_between(parser *p, int first, int end)
{
    int argc = p->argc;
    p->argc = end;
    p->at = first;
    while (p->at < end) MUN_TRY(one_word(p));
    p->argc = argc;
    return MUN_OK;
}

static mun_code parse_words(parser *p)
{
    int lead_end = wants_version(p) ? 1 : leading_options(p->argc, p->argv);
    p->at = lead_end;
    MUN_TRY(choose_command(p));
    int rest = p->at;
    MUN_TRY(words_between(p, 1, lead_end));
    MUN_TRY(words_between(p, rest, p->argc));
    if (mun_args_has(p->args, MUN_OPT_HELP)) return MUN_OK;
    return count_operands(p->args, p->err);
}

mun_code mun_args_parse(int argc, char **argv, mun_args *ret, mun_error *err)
{
    mun_args args = {0};
    size_t room = (size_t)argc + 1;
    size_t bytes = 1; /* a bundle of short options gives as many as it has letters */
    for (int i = 0; i < argc; i++) bytes += strlen(argv[i]) + 1;
    args.given = calloc(bytes, sizeof *args.given);
    args.operands = calloc(room, sizeof *args.operands);
    parser p = {.argc = argc, .argv = argv, .args = &args, .err = err};
    mun_code code = args.given == NULL || args.operands == NULL
                        ? mun_failf(err, MUN_E_MEMORY, 0, "no memory for the command line")
                        : parse_words(&p);
    if (code != MUN_OK) {
        mun_args_free(&args);
        return code;
    }
    *ret = args;
    return MUN_OK;
}

void mun_args_free(mun_args *args)
{
    free(args->given);
    free(args->operands);
    *args = (mun_args){0};
}

bool mun_args_has(const mun_args *args, mun_option_id id)
{
    for (size_t i = 0; i < args->given_len; i++) {
        if (args->given[i].id == id) return true;
    }
    return false;
}

const char *mun_args_nth(const mun_args *args, mun_option_id id, size_t n)
{
    for (size_t i = 0; i < args->given_len; i++) {
        if (args->given[i].id == id && n-- == 0) return args->given[i].value;
    }
    return NULL;
}

const char *mun_args_value(const mun_args *args, mun_option_id id)
{
    return mun_args_nth(args, id, 0);
}

uint64_t mun_args_number(const mun_args *args, mun_option_id id, uint64_t otherwise)
{
    const char *text = mun_args_value(args, id);
    uint64_t value;
    return text != NULL && mun_number_parse(text, &value) ? value : otherwise;
}

bool mun_args_is(const mun_args *args, mun_option_id id, const char *choice)
{
    const char *text = mun_args_value(args, id);
    if (text != NULL) return strcmp(text, choice) == 0;
    for (const mun_option *o = args->command->options; o->id != MUN_OPT_NONE; o++) {
        if (o->id != id) continue;
        size_t len = strcspn(o->choices, ",");
        return strlen(choice) == len && memcmp(choice, o->choices, len) == 0;
    }
    return false;
}

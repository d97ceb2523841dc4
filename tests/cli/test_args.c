/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options and what parses by it. */
#include "cli/args.h"
#include "cli/nearest.h"
#include "cli/pages.h"
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#define WORDS(...) ((char *[]){(char[]){"muniment"}, __VA_ARGS__, NULL})
#define W(text)    ((char[]){text})

static int count(char **words)
{
    int n = 0;
    while (words[n] != NULL) n++;
    return n;
}

static mun_args parsed(char **words)
{
    mun_args args;
    mun_error err;
    if (mun_args_parse(count(words), words, &args, &err) != MUN_OK) fail_msg("%s", err.text);
    return args;
}

static void refused(char **words, const char *says)
{
    mun_args args;
    mun_error err;
    assert_int_equal(mun_args_parse(count(words), words, &args, &err), MUN_E_USAGE);
    if (strstr(err.text, says) == NULL) fail_msg("\"%s\" is not in \"%s\"", says, err.text);
}

static void forms_of_a_value(void **state)
{
    (void)state;
    char **forms[] = {
        WORDS(W("list"), W("-l"), W("D")),
        WORDS(W("list"), W("-lD")),
        WORDS(W("list"), W("--ledger"), W("D")),
        WORDS(W("list"), W("--ledger=D")),
        WORDS(W("-l"), W("D"), W("list")),
        WORDS(W("--ledger"), W("D"), W("list")),
        WORDS(W("list"), W("-qlD")),
        WORDS(W("list"), W("-ql"), W("D")),
        WORDS(W("--json"), W("list"), W("-lD")),
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        mun_args args = parsed(forms[i]);
        assert_int_equal(args.command->id, MUN_CMD_LIST);
        assert_string_equal(mun_args_value(&args, MUN_OPT_LEDGER), "D");
        assert_int_equal(args.operands_len, 0);
        mun_args_free(&args);
    }
}

static void operands_and_options_in_any_order(void **state)
{
    (void)state;
    mun_args args = parsed(
        WORDS(W("verify"), W("a"), W("-r"), W("-"), W("--csv"), W("t"), W("--"), W("-x"), W("--")));
    assert_int_equal(args.operands_len, 4);
    assert_string_equal(args.operands[0], "a");
    assert_string_equal(args.operands[1], "-");
    assert_string_equal(args.operands[2], "-x");
    assert_string_equal(args.operands[3], "--");
    assert_true(mun_args_has(&args, MUN_OPT_RECURSIVE));
    mun_args_free(&args);
}

static void options_that_repeat(void **state)
{
    (void)state;
    mun_args args = parsed(WORDS(W("verify"), W("a"), W("--trust"), W("x"), W("--trust=y")));
    assert_string_equal(mun_args_nth(&args, MUN_OPT_TRUST, 0), "x");
    assert_string_equal(mun_args_nth(&args, MUN_OPT_TRUST, 1), "y");
    assert_null(mun_args_nth(&args, MUN_OPT_TRUST, 2));
    mun_args_free(&args);
    refused(WORDS(W("list"), W("-la"), W("-lb")), "twice");
}

static void choices_and_numbers(void **state)
{
    (void)state;
    mun_args args = parsed(WORDS(W("key"), W("new"), W("f")));
    assert_true(mun_args_is(&args, MUN_OPT_ALG, "es256"));
    assert_false(mun_args_is(&args, MUN_OPT_ALG, "es384"));
    mun_args_free(&args);
    args = parsed(WORDS(W("key"), W("new"), W("f"), W("--alg=es384")));
    assert_true(mun_args_is(&args, MUN_OPT_ALG, "es384"));
    mun_args_free(&args);
    refused(WORDS(W("key"), W("new"), W("f"), W("--alg=es")), "es256");
    args = parsed(WORDS(W("list"), W("-n"), W("9223372036854775807")));
    assert_int_equal(mun_args_number(&args, MUN_OPT_LIMIT, 0), INT64_MAX);
    assert_int_equal(mun_args_number(&args, MUN_OPT_AFTER, 7), 7);
    mun_args_free(&args);
    refused(WORDS(W("list"), W("-n9223372036854775808")), "whole number");
    refused(WORDS(W("list"), W("-n-1")), "whole number");
    refused(WORDS(W("list"), W("-n1x")), "whole number");
}

static void mistakes(void **state)
{
    (void)state;
    refused(WORDS(W("verfy")), "did you mean verify?");
    refused(WORDS(W("xyzzy")), "muniment help");
    refused(WORDS(W("key")), "new, show");
    refused(WORDS(W("key"), W("shwo"), W("f")), "key show");
    refused(WORDS(W("verify"), W("--evidense"), W("f")), "--evidence");
    refused(WORDS(W("verify"), W("--zzzzzz")), "muniment help verify");
    refused(WORDS(W("init")), "needs DIR");
    refused(WORDS(W("status"), W("a"), W("b")), "too much");
    refused(WORDS(W("list"), W("--ledger")), "needs a value");
    refused(WORDS(W("list"), W("--ledger=")), "empty");
    refused(WORDS(W("list"), W("--json=1")), "takes no value");
    refused(WORDS(W("list"), W("-Z")), "-Z");
}

static void help_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        mun_command_id id;
        size_t operands;
    } cases[] = {
        {{NULL}, MUN_CMD_HELP, 0},
        {{"--help"}, MUN_CMD_HELP, 0},
        {{"-h"}, MUN_CMD_HELP, 0},
        {{"init", "--help"}, MUN_CMD_INIT, 0},
        {{"issuer", "--help"}, MUN_CMD_HELP, 1},
        {{"issuer", "add", "-h"}, MUN_CMD_ISSUER_ADD, 0},
        {{"--version"}, MUN_CMD_VERSION, 0},
        {{"-V"}, MUN_CMD_VERSION, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *words[6] = {W("muniment")};
        for (size_t w = 0; w < 4 && cases[i].words[w] != NULL; w++) {
            words[w + 1] = strdup(cases[i].words[w]);
        }
        mun_args args = parsed(words);
        assert_int_equal(args.command->id, cases[i].id);
        assert_int_equal(args.operands_len, cases[i].operands);
        mun_args_free(&args);
        for (size_t w = 1; words[w] != NULL; w++) free(words[w]);
    }
}

/* Names and letters of a command's options are its own; what is said of them is a sentence. */
static void check_options(const mun_command *command, const mun_option *options)
{
    for (const mun_option *o = options; o->id != MUN_OPT_NONE; o++) {
        assert_ptr_equal(mun_option_named(command, o->name, strlen(o->name)), o);
        if (o->letter != '\0') assert_ptr_equal(mun_option_lettered(command, o->letter), o);
        assert_int_equal(o->value == NULL, o->kind == MUN_VALUE_NONE);
        assert_int_equal(o->choices != NULL, o->kind == MUN_VALUE_CHOICE);
        assert_true(o->text[strlen(o->text) - 1] != '.');
    }
}

static void the_table_is_sound(void **state)
{
    (void)state;
    bool seen[MUN_COMMANDS] = {false};
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        const mun_command *command = &mun_commands[i];
        assert_false(seen[command->id]);
        seen[command->id] = true;
        check_options(command, command->options);
        check_options(command, mun_common_options);
        assert_true(command->least <= command->most);
        assert_non_null(command->examples);
        assert_non_null(mun_command_about(command));
        assert_int_equal(command->text[strlen(command->text) - 1], '.');
    }
}

/* Every page of every kind fits, and says every option. */
static void pages_hold_every_option(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t s = 0; s < 3; s++) {
        mun_buf script MUN_BUF_AUTO = mun_buf_growable(MUN_PAGE_MAX);
        mun_completion_write(&script, shells[s]);
        mun_buf_u8(&script, '\0');
        assert_true(mun_buf_ok(&script));
        for (size_t i = 0; i < MUN_COMMANDS; i++) {
            for (const mun_option *o = mun_commands[i].options; o->id != MUN_OPT_NONE; o++) {
                assert_non_null(strstr((const char *)script.ptr, o->name));
            }
        }
    }
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        mun_buf help MUN_BUF_AUTO = mun_buf_growable(MUN_PAGE_MAX);
        mun_buf man MUN_BUF_AUTO = mun_buf_growable(MUN_PAGE_MAX);
        mun_help_write(&help, &mun_commands[i], 80);
        assert_true(mun_man_write(&man, mun_commands[i].name));
        mun_buf_u8(&help, '\0');
        assert_true(mun_buf_ok(&help) && mun_buf_ok(&man));
        for (const mun_option *o = mun_commands[i].options; o->id != MUN_OPT_NONE; o++) {
            assert_non_null(strstr((const char *)help.ptr, o->name));
        }
    }
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(mun_word_distance("", "abc"), 3);
    assert_int_equal(mun_word_distance("abc", "abc"), 0);
    assert_int_equal(mun_word_distance("abc", "acb"), 1);
    assert_int_equal(mun_word_distance("verfy", "verify"), 1);
    assert_int_equal(mun_word_distance("kitten", "sitting"), 3);
    mun_nearest nearest = {.typed = "reg"};
    mun_nearest_offer(&nearest, "init");
    assert_null(nearest.best);
    mun_nearest_offer(&nearest, "register");
    assert_string_equal(nearest.best, "register");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_a_value),
        cmocka_unit_test(operands_and_options_in_any_order),
        cmocka_unit_test(options_that_repeat),
        cmocka_unit_test(choices_and_numbers),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(help_everywhere),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(pages_hold_every_option),
        cmocka_unit_test(distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

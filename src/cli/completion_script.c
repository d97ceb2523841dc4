/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts for bash, zsh and fish from the table. */
#include "cli/pages.h"

#include <string.h>

static void text(mun_buf *out, const char *t)
{
    mun_buf_text(out, t);
}

/* The words of "a,b,c" with a separator between them. */
static void words(mun_buf *out, const char *choices, const char *separator)
{
    for (const char *p = choices; *p != '\0'; p++) {
        if (*p == ',') text(out, separator);
        if (*p != ',') mun_buf_u8(out, (uint8_t)*p);
    }
}

/* Inside single quotes of the shell, with the characters in special escaped by a backslash. */
static void quoted(mun_buf *out, const char *t, const char *special)
{
    for (; *t != '\0'; t++) {
        if (*t == '\'') {
            text(out, "'\\''");
            continue;
        }
        if (strchr(special, *t) != NULL) mun_buf_u8(out, '\\');
        mun_buf_u8(out, (uint8_t)*t);
    }
}

static bool first_of_name(size_t i)
{
    return i == 0 || strcmp(mun_commands[i - 1].name, mun_commands[i].name) != 0;
}

static void names(mun_buf *out)
{
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (!first_of_name(i)) continue;
        if (i > 0) text(out, " ");
        text(out, mun_commands[i].name);
    }
}

/* "a|b": a pattern of those that have verbs. */
static void names_with_verbs(mun_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (!first_of_name(i) || mun_commands[i].verb == NULL) continue;
        if (any) text(out, "|");
        any = true;
        text(out, mun_commands[i].name);
    }
}

static void verbs(mun_buf *out, const char *name)
{
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (strcmp(mun_commands[i].name, name) != 0) continue;
        text(out, mun_commands[i].verb);
        text(out, " ");
    }
}

/* ---- bash ---- */

static void bash_offer(mun_buf *out, mun_value_kind kind, const char *choices)
{
    switch (kind) {
    case MUN_VALUE_FILE: text(out, "_muniment_names -f"); break;
    case MUN_VALUE_DIRECTORY: text(out, "_muniment_names -d"); break;
    case MUN_VALUE_CHOICE:
        text(out, "_muniment_words '");
        words(out, choices, " ");
        text(out, "'");
        break;
    default: text(out, ":"); break;
    }
}

static void bash_values(mun_buf *out, const mun_option *options)
{
    for (const mun_option *o = options; o->id != MUN_OPT_NONE; o++) {
        if (o->kind == MUN_VALUE_NONE) continue;
        text(out, "        ");
        if (o->letter != '\0') {
            mun_buf_u8(out, '-');
            mun_buf_u8(out, (uint8_t)o->letter);
            text(out, "|");
        }
        text(out, "--");
        text(out, o->name);
        text(out, ") ");
        bash_offer(out, o->kind, o->choices);
        text(out, "; return ;;\n");
    }
}

static void bash_options(mun_buf *out, const mun_option *options)
{
    for (const mun_option *o = options; o->id != MUN_OPT_NONE; o++) {
        text(out, "--");
        text(out, o->name);
        text(out, " ");
    }
}

static void bash_command(mun_buf *out, const mun_command *command)
{
    char title[32];
    text(out, "    '");
    text(out, mun_command_title(command, title));
    text(out, "')\n        case $prev in\n");
    bash_values(out, command->options);
    text(out, "        esac\n        if [[ $cur == -* ]]; then _muniment_words '");
    bash_options(out, command->options);
    bash_options(out, mun_common_options);
    text(out, "'\n        else ");
    if (command->id == MUN_CMD_HELP) {
        text(out, "_muniment_words \"$names\"");
    } else {
        bash_offer(out, command->most == 0 ? MUN_VALUE_NONE : command->kind, command->choices);
    }
    text(out, "; fi ;;\n");
}

static void bash_script(mun_buf *out)
{
    text(out, "# bash completion for muniment, made from its table of options\n"
              "_muniment_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
              "_muniment_names() { compopt -o filenames; "
              "mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\"); }\n"
              "_muniment() {\n"
              "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
              "    local title='' verb=0 i names='");
    names(out);
    text(out, "'\n    COMPREPLY=()\n"
              "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
              "        [[ ${COMP_WORDS[i]} == -* ]] && continue\n"
              "        case $verb in\n"
              "        0) title=${COMP_WORDS[i]}; verb=2\n"
              "           case $title in ");
    names_with_verbs(out);
    text(out, ") verb=1 ;; esac ;;\n"
              "        1) title+=\" ${COMP_WORDS[i]}\"; verb=2 ;;\n"
              "        esac\n"
              "    done\n"
              "    case $title in\n"
              "    '') _muniment_words \"$names --help --version\" ;;\n");
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (mun_commands[i].verb != NULL && first_of_name(i)) {
            text(out, "    '");
            text(out, mun_commands[i].name);
            text(out, "') _muniment_words '");
            verbs(out, mun_commands[i].name);
            text(out, "' ;;\n");
        }
        bash_command(out, &mun_commands[i]);
    }
    text(out, "    esac\n}\ncomplete -F _muniment muniment\n");
}

/* ---- zsh ---- */

static void zsh_action(mun_buf *out, const char *label, mun_value_kind kind, const char *choices)
{
    text(out, ":");
    quoted(out, label, ":[]\\");
    text(out, ":");
    if (kind == MUN_VALUE_FILE) text(out, "_files");
    if (kind == MUN_VALUE_DIRECTORY) text(out, "_files -/");
    if (kind != MUN_VALUE_CHOICE) return;
    text(out, "(");
    words(out, choices, " ");
    text(out, ")");
}

static void zsh_option_form(mun_buf *out, const mun_option *option, bool letter)
{
    text(out, option->repeats ? " \\\n        '*" : " \\\n        '");
    text(out, letter ? "-" : "--");
    if (letter) mun_buf_u8(out, (uint8_t)option->letter);
    if (!letter) text(out, option->name);
    text(out, "[");
    quoted(out, option->text, ":[]\\");
    text(out, "]");
    if (option->value != NULL) zsh_action(out, option->value, option->kind, option->choices);
    text(out, "'");
}

static void zsh_options(mun_buf *out, const mun_option *options)
{
    for (const mun_option *o = options; o->id != MUN_OPT_NONE; o++) {
        zsh_option_form(out, o, false);
        if (o->letter != '\0') zsh_option_form(out, o, true);
    }
}

static void zsh_command(mun_buf *out, const mun_command *command)
{
    char title[32];
    text(out, "    '");
    text(out, mun_command_title(command, title));
    text(out, "') _arguments");
    zsh_options(out, command->options);
    zsh_options(out, mun_common_options);
    if (command->most > 0) {
        text(out, command->most > 1 ? " \\\n        '*" : " \\\n        '");
        zsh_action(out, command->operands, command->kind, command->choices);
        text(out, "'");
    }
    text(out, " ;;\n");
}

static void zsh_names(mun_buf *out)
{
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (!first_of_name(i)) continue;
        text(out, "        '");
        text(out, mun_commands[i].name);
        text(out, ":");
        quoted(out, mun_command_about(&mun_commands[i]), ":\\");
        text(out, "'\n");
    }
}

static void zsh_script(mun_buf *out)
{
    text(out, "#compdef muniment\n# zsh completion for muniment, made from its table of options\n"
              "_muniment() {\n    local -a names\n    names=(\n");
    zsh_names(out);
    text(out, "    )\n"
              "    if (( CURRENT == 2 )); then _describe command names; return; fi\n"
              "    local title=$words[2] drop=1\n"
              "    case $title in\n"
              "    ");
    names_with_verbs(out);
    text(out, ")\n"
              "        if (( CURRENT == 3 )); then\n"
              "            case $title in\n");
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (mun_commands[i].verb == NULL || !first_of_name(i)) continue;
        text(out, "            ");
        text(out, mun_commands[i].name);
        text(out, ") compadd ");
        verbs(out, mun_commands[i].name);
        text(out, ";;\n");
    }
    text(out, "            esac\n            return\n        fi\n"
              "        title=\"$words[2] $words[3]\" drop=2 ;;\n"
              "    esac\n"
              "    words=(\"${(@)words[1+drop,-1]}\")\n"
              "    (( CURRENT -= drop ))\n"
              "    case $title in\n");
    for (size_t i = 0; i < MUN_COMMANDS; i++) zsh_command(out, &mun_commands[i]);
    text(out, "    esac\n}\ncompdef _muniment muniment\n");
}

/* ---- fish ---- */

static void fish_condition(mun_buf *out, const mun_command *command)
{
    text(out, " -n '__fish_seen_subcommand_from ");
    text(out, command->name);
    if (command->verb != NULL) {
        text(out, "; and __fish_seen_subcommand_from ");
        text(out, command->verb);
    }
    text(out, "'");
}

static void fish_value(mun_buf *out, mun_value_kind kind, const char *choices)
{
    if (kind == MUN_VALUE_NONE) return;
    text(out, kind == MUN_VALUE_FILE ? " -r -F" : " -x");
    if (kind == MUN_VALUE_DIRECTORY) text(out, " -a '(__fish_complete_directories)'");
    if (kind != MUN_VALUE_CHOICE) return;
    text(out, " -a '");
    words(out, choices, " ");
    text(out, "'");
}

static void fish_options(mun_buf *out, const mun_command *command, const mun_option *options)
{
    for (const mun_option *o = options; o->id != MUN_OPT_NONE; o++) {
        text(out, "complete -c muniment");
        fish_condition(out, command);
        if (o->letter != '\0') {
            text(out, " -s ");
            mun_buf_u8(out, (uint8_t)o->letter);
        }
        text(out, " -l ");
        text(out, o->name);
        fish_value(out, o->kind, o->choices);
        text(out, " -d '");
        quoted(out, o->text, "\\");
        text(out, "'\n");
    }
}

static void fish_command(mun_buf *out, const mun_command *command)
{
    fish_options(out, command, command->options);
    fish_options(out, command, mun_common_options);
    if (command->most == 0 || command->kind == MUN_VALUE_TEXT) return;
    text(out, "complete -c muniment");
    fish_condition(out, command);
    if (command->kind == MUN_VALUE_FILE) {
        text(out, " -F");
    } else {
        fish_value(out, command->kind, command->choices);
    }
    text(out, "\n");
}

static void fish_name(mun_buf *out, const mun_command *command, bool first)
{
    if (first) {
        text(out, "complete -c muniment -f -n __fish_use_subcommand -a ");
        text(out, command->name);
        text(out, " -d '");
        quoted(out, mun_command_about(command), "\\");
        text(out, "'\n");
    }
    if (command->verb == NULL) return;
    text(out, "complete -c muniment -f -n '__fish_seen_subcommand_from ");
    text(out, command->name);
    text(out, "; and not __fish_seen_subcommand_from ");
    verbs(out, command->name);
    text(out, "' -a ");
    text(out, command->verb);
    text(out, " -d '");
    quoted(out, command->summary, "\\");
    text(out, "'\n");
}

static void fish_script(mun_buf *out)
{
    text(out, "# fish completion for muniment, made from its table of options\n");
    text(out, "complete -c muniment -f\n");
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        fish_name(out, &mun_commands[i], first_of_name(i));
        fish_command(out, &mun_commands[i]);
    }
}

void mun_completion_write(mun_buf *ret, const char *shell)
{
    if (strcmp(shell, "bash") == 0) bash_script(ret);
    if (strcmp(shell, "zsh") == 0) zsh_script(ret);
    if (strcmp(shell, "fish") == 0) fish_script(ret);
}

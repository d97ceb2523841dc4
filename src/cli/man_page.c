/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages in mdoc(7) from the table. */
#include "cli/pages.h"

#include <string.h>

#define MAN_DATE "November 22, 2026"
#define LINE_MAX 66 /* escapes may add a few */

/* Text for a text line: no request at its start, no escapes. Spaces at the ends of lines go. */
static void roff(mun_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool at_start = i == 0 || text[i - 1] == '\n';
        if (at_start && (text[i] == '.' || text[i] == '\'')) mun_buf_text(out, "\\&");
        if (text[i] == '\\') {
            mun_buf_text(out, "\\e");
        } else if (text[i] == '-') {
            mun_buf_text(out, "\\-");
        } else {
            mun_buf_u8(out, (uint8_t)text[i]);
        }
    }
}

static void roff_text(mun_buf *out, const char *text)
{
    roff(out, text, strlen(text));
}

/* Words up to len as text lines of fewer than LINE_MAX bytes, the last one ended as well. */
static void filled(mun_buf *out, const char *text, size_t len)
{
    size_t column = 0;
    while (len > 0) {
        size_t word = 0;
        while (word < len && text[word] != ' ') word++;
        if (column > 0) mun_buf_u8(out, column + word > LINE_MAX ? '\n' : ' ');
        column = column > 0 && column + word <= LINE_MAX ? column + word + 1 : word + 1;
        roff(out, text, word);
        while (word < len && text[word] == ' ') word++;
        text += word;
        len -= word;
    }
    mun_buf_u8(out, '\n');
}

/* Each sentence begins on a line of its own, as mdoc wants it. */
static void prose(mun_buf *out, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        const char *stop = strstr(text, ". ");
        if (stop != NULL && (size_t)(stop - text) < len) len = (size_t)(stop - text) + 1;
        filled(out, text, len);
        text += len;
        if (text[0] == '\n') mun_buf_text(out, ".Pp\n");
        while (*text == ' ' || *text == '\n') text++;
    }
}

/* One argument of a macro: quoted, so that no word of it is taken for a macro. */
static void argument(mun_buf *out, const char *text)
{
    mun_buf_text(out, " \"");
    roff_text(out, text);
    mun_buf_u8(out, '"');
}

static void head(mun_buf *out, const char *name, const char *summary)
{
    mun_buf_text(out, ".Dd " MAN_DATE "\n.Dt MUNIMENT");
    if (name != NULL) mun_buf_u8(out, '-');
    for (const char *p = name; p != NULL && *p != '\0'; p++) {
        mun_buf_u8(out, (uint8_t)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p));
    }
    mun_buf_text(out, " 1\n.Os\n.Sh NAME\n.Nm muniment");
    if (name != NULL) mun_buf_u8(out, '-');
    if (name != NULL) mun_buf_text(out, name);
    mun_buf_text(out, "\n.Nd ");
    mun_buf_text(out, summary);
    mun_buf_u8(out, '\n');
}

static void synopsis_option(mun_buf *out, const mun_option *option)
{
    mun_buf_text(out, ".Op Fl ");
    if (option->letter != '\0') {
        mun_buf_u8(out, (uint8_t)option->letter);
    } else {
        mun_buf_text(out, "\\-");
        roff_text(out, option->name);
    }
    if (option->value != NULL) {
        mun_buf_text(out, " Ar ");
        roff_text(out, option->value);
    }
    mun_buf_u8(out, '\n');
}

static void synopsis(mun_buf *out, const mun_command *command)
{
    char title[32];
    mun_buf_text(out, ".Nm muniment Cm ");
    mun_buf_text(out, mun_command_title(command, title));
    mun_buf_u8(out, '\n');
    for (const mun_option *o = command->options; o->id != MUN_OPT_NONE; o++) {
        synopsis_option(out, o);
    }
    if (command->operands[0] == '\0') return;
    mun_buf_text(out, ".Ar");
    argument(out, command->operands);
    mun_buf_u8(out, '\n');
}

static void option_item(mun_buf *out, const mun_option *option)
{
    mun_buf_text(out, ".It ");
    if (option->letter != '\0') {
        mun_buf_text(out, "Fl ");
        mun_buf_u8(out, (uint8_t)option->letter);
        mun_buf_text(out, " , ");
    }
    mun_buf_text(out, "Fl \\-");
    roff_text(out, option->name);
    if (option->value != NULL) {
        mun_buf_text(out, " Ar ");
        roff_text(out, option->value);
    }
    mun_buf_u8(out, '\n');
    prose(out, option->text);
    if (option->kind == MUN_VALUE_CHOICE) {
        mun_buf_text(out, "(one of\n");
        roff_text(out, option->choices);
        mun_buf_text(out, ")\n");
    }
    if (option->repeats) mun_buf_text(out, "(may be given several times)\n");
}

static void option_list(mun_buf *out, const mun_option *options)
{
    mun_buf_text(out, ".Bl -tag -width Ds\n");
    for (const mun_option *o = options; o->id != MUN_OPT_NONE; o++) option_item(out, o);
    mun_buf_text(out, ".El\n");
}

static void exit_status(mun_buf *out)
{
    mun_buf_text(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    for (const mun_exit_text *e = mun_exit_texts; e->text != NULL; e++) {
        mun_buf_text(out, ".It ");
        mun_buf_decimal(out, (uint64_t)e->code);
        mun_buf_u8(out, '\n');
        prose(out, e->text);
    }
    mun_buf_text(out, ".El\n");
}

static void examples(mun_buf *out, const char *name)
{
    mun_buf_text(out, ".Sh EXAMPLES\n.Bd -literal\n");
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (strcmp(mun_commands[i].name, name) != 0) continue;
        roff_text(out, mun_commands[i].examples);
        mun_buf_u8(out, '\n');
    }
    mun_buf_text(out, ".Ed\n");
}

static void named_list(mun_buf *out, const char *title, const char *macro,
                       const mun_named_text *items)
{
    mun_buf_text(out, ".Sh ");
    mun_buf_text(out, title);
    mun_buf_text(out, "\n.Bl -tag -width Ds\n");
    for (; items->name != NULL; items++) {
        mun_buf_text(out, ".It ");
        mun_buf_text(out, macro);
        mun_buf_u8(out, ' ');
        roff_text(out, items->name);
        mun_buf_u8(out, '\n');
        prose(out, items->text);
    }
    mun_buf_text(out, ".El\n");
}

static void command_section(mun_buf *out, const mun_command *command)
{
    char title[32];
    if (command->verb != NULL) {
        mun_buf_text(out, ".Ss ");
        mun_buf_text(out, mun_command_title(command, title));
        mun_buf_u8(out, '\n');
    }
    prose(out, command->text);
    if (command->options->id != MUN_OPT_NONE) option_list(out, command->options);
}

static const mun_command *first_named(const char *name)
{
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (strcmp(mun_commands[i].name, name) == 0) return &mun_commands[i];
    }
    return NULL;
}

static void command_page(mun_buf *out, const mun_command *first)
{
    head(out, first->name, mun_command_about(first));
    mun_buf_text(out, ".Sh SYNOPSIS\n");
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (strcmp(mun_commands[i].name, first->name) == 0) synopsis(out, &mun_commands[i]);
    }
    mun_buf_text(out, ".Sh DESCRIPTION\n");
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (strcmp(mun_commands[i].name, first->name) == 0) {
            command_section(out, &mun_commands[i]);
        }
    }
    mun_buf_text(out, ".Pp\nEvery command takes these:\n");
    option_list(out, mun_common_options);
    exit_status(out);
    examples(out, first->name);
}

static void overview(mun_buf *out)
{
    head(out, NULL, "keep evidence of documents on a tamper\\-evident log");
    mun_buf_text(out, ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar option ...\n.Op Ar operand ...\n"
                      ".Sh DESCRIPTION\n");
    prose(out, mun_about_text);
    mun_buf_text(out, ".Pp\nEach command has a page of its own, named\n"
                      ".Sq muniment\\-COMMAND .\nThe commands are:\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        char title[32];
        mun_buf_text(out, ".It Cm ");
        mun_buf_text(out, mun_command_title(&mun_commands[i], title));
        mun_buf_u8(out, '\n');
        prose(out, mun_commands[i].summary);
    }
    mun_buf_text(out, ".El\n.Pp\nEvery command takes these:\n");
    option_list(out, mun_common_options);
    named_list(out, "ENVIRONMENT", "Ev", mun_environment_texts);
    named_list(out, "FILES", "Pa", mun_file_texts);
    exit_status(out);
}

bool mun_man_write(mun_buf *ret, const char *name)
{
    const mun_command *first = name != NULL ? first_named(name) : NULL;
    if (name != NULL && first == NULL) return false;
    if (first == NULL) overview(ret);
    if (first != NULL) command_page(ret, first);
    return true;
}

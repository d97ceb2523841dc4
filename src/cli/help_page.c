/* SPDX-License-Identifier: Apache-2.0 */
/* Help as plain text from the table. */
#include "cli/pages.h"

#include <string.h>

#define INDENT       2
#define OPTION_WIDTH 28 /* where the explanation of an option begins */

typedef struct page {
    mun_buf *out;
    unsigned width;
    unsigned column;
} page;

static void put(page *p, const char *text, size_t len)
{
    mun_buf_put(p->out, mun_slice_of(text, len));
    p->column += (unsigned)len;
}

static void newline(page *p)
{
    mun_buf_u8(p->out, '\n');
    p->column = 0;
}

static void pad_to(page *p, unsigned column)
{
    while (p->column < column) put(p, " ", 1);
}

/* Words of text, wrapped and indented; an empty line in it ends a paragraph. */
static void flow(page *p, const char *text, unsigned indent)
{
    bool first = true;
    while (*text != '\0') {
        if (text[0] == '\n' && text[1] == '\n') {
            newline(p);
            newline(p);
            first = true;
            text += 2;
            continue;
        }
        size_t word = strcspn(text, " \n");
        if (!first && p->column + 1 + word > p->width) {
            newline(p);
            first = true;
        }
        if (first) pad_to(p, indent);
        if (!first) put(p, " ", 1);
        put(p, text, word);
        first = false;
        text += word;
        while (*text == ' ' || (*text == '\n' && text[1] != '\n')) text++;
    }
    newline(p);
}

static void heading(page *p, const char *text)
{
    newline(p);
    put(p, text, strlen(text));
    newline(p);
}

static void one_option(page *p, const mun_option *option)
{
    char letter[4] = {'-', option->letter, ',', ' '};
    pad_to(p, INDENT);
    if (option->letter != '\0') put(p, letter, 4);
    if (option->letter == '\0') put(p, "    ", 4);
    put(p, "--", 2);
    put(p, option->name, strlen(option->name));
    if (option->value != NULL) {
        put(p, " ", 1);
        put(p, option->value, strlen(option->value));
    }
    if (option->repeats) put(p, "...", 3);
    if (p->column >= OPTION_WIDTH) newline(p);
    pad_to(p, OPTION_WIDTH);
    flow(p, option->text, OPTION_WIDTH);
    if (option->kind == MUN_VALUE_CHOICE) {
        pad_to(p, OPTION_WIDTH);
        put(p, "one of ", 7);
        flow(p, option->choices, OPTION_WIDTH);
    }
}

static void usage_line(page *p, const mun_command *command)
{
    char title[32];
    const char *shown = mun_command_title(command, title);
    put(p, "muniment ", 9);
    put(p, shown, strlen(shown));
    if (command->options->id != MUN_OPT_NONE) put(p, " [OPTION...]", 12);
    if (command->operands[0] != '\0') put(p, " ", 1);
    put(p, command->operands, strlen(command->operands));
    newline(p);
}

static void examples(page *p, const char *lines)
{
    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");
        pad_to(p, INDENT);
        put(p, lines, len);
        newline(p);
        lines += len + (lines[len] == '\n');
    }
}

static void command_page(page *p, const mun_command *command)
{
    usage_line(p, command);
    newline(p);
    flow(p, command->text, 0);
    heading(p, "Options");
    for (const mun_option *o = command->options; o->id != MUN_OPT_NONE; o++) one_option(p, o);
    for (const mun_option *o = mun_common_options; o->id != MUN_OPT_NONE; o++) one_option(p, o);
    if (command->examples == NULL) return;
    heading(p, "Examples");
    examples(p, command->examples);
}

static void overview(page *p)
{
    put(p, "muniment COMMAND [OPTION...] [OPERAND...]", 41);
    newline(p);
    newline(p);
    flow(p, mun_about_text, 0);
    heading(p, "Commands");
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        char title[32];
        const char *shown = mun_command_title(&mun_commands[i], title);
        pad_to(p, INDENT);
        put(p, shown, strlen(shown));
        pad_to(p, 18);
        flow(p, mun_commands[i].summary, 18);
    }
    heading(p, "Exit status");
    for (const mun_exit_text *e = mun_exit_texts; e->text != NULL; e++) {
        mun_buf number = mun_buf_fixed((uint8_t[8]){0}, 8);
        mun_buf_decimal(&number, (uint64_t)e->code);
        pad_to(p, INDENT + (number.len == 1));
        put(p, (const char *)number.ptr, number.len);
        pad_to(p, 6);
        flow(p, e->text, 6);
    }
    newline(p);
    flow(p, "muniment help COMMAND explains a command; every command takes --json and --quiet.", 0);
}

void mun_help_write(mun_buf *ret, const mun_command *command, unsigned width)
{
    page p = {.out = ret, .width = width};
    if (command == NULL) overview(&p);
    if (command != NULL) command_page(&p, command);
}

bool mun_help_write_name(mun_buf *ret, const char *name, unsigned width)
{
    bool found = false;
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        if (strcmp(mun_commands[i].name, name) != 0) continue;
        if (found) mun_buf_text(ret, "\n----\n\n");
        mun_help_write(ret, &mun_commands[i], width);
        found = true;
    }
    return found;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/nearest.h"
#include "cli/pages.h"
#include "cli/screen.h"
#include "cli/speak.h"

#include <string.h>

static mun_code no_such(const char *name, mun_error *err)
{
    mun_nearest nearest = {.typed = name};
    for (size_t i = 0; i < MUN_COMMANDS; i++) mun_nearest_offer(&nearest, mun_commands[i].name);
    return mun_failf(err, MUN_E_USAGE, 0, "there is no command \"%s\"%s%s%s", MUN_PLAIN_PATH(name),
                     nearest.best != NULL ? "; did you mean " : "",
                     nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "?" : "");
}

static const mun_command *with_verb(const char *name, const char *verb)
{
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        const mun_command *c = &mun_commands[i];
        if (strcmp(c->name, name) == 0 && c->verb != NULL && strcmp(c->verb, verb) == 0) return c;
    }
    return NULL;
}

/* One command's page, or all verbs of a name. */
static mun_code write_named(const mun_app *app, const char *name, mun_buf *page, mun_error *err)
{
    const mun_args *args = &app->args;
    if (mun_app_has(app, MUN_OPT_MAN)) {
        return mun_man_write(page, name) ? MUN_OK : no_such(name, err);
    }
    if (args->operands_len == 1) {
        return mun_help_write_name(page, name, mun_screen_width()) ? MUN_OK : no_such(name, err);
    }
    const mun_command *command = with_verb(name, args->operands[1]);
    if (command == NULL) return no_such(args->operands[1], err);
    mun_help_write(page, command, mun_screen_width());
    return MUN_OK;
}

static mun_code write_page(const mun_app *app, mun_buf *page, mun_error *err)
{
    const mun_args *args = &app->args;
    const char *name = args->operands_len > 0 ? args->operands[0] : NULL;
    if (name != NULL && strncmp(name, "muniment", 8) == 0) name = name[8] == '-' ? name + 9 : NULL;
    if (name != NULL) return write_named(app, name, page, err);
    if (mun_app_has(app, MUN_OPT_MAN)) (void)mun_man_write(page, NULL);
    if (!mun_app_has(app, MUN_OPT_MAN)) mun_help_write(page, NULL, mun_screen_width());
    return MUN_OK;
}

static json_t *options_json(const mun_option *options)
{
    json_t *list = json_array();
    for (; options->id != MUN_OPT_NONE; options++) {
        json_t *option = json_object();
        mun_out_cstr(option, "name", options->name);
        if (options->letter != '\0') {
            mun_out_text(option, "letter", mun_slice_of(&options->letter, 1));
        }
        if (options->value != NULL) mun_out_cstr(option, "value", options->value);
        if (options->choices != NULL) mun_out_cstr(option, "choices", options->choices);
        if (options->repeats) mun_out_bool(option, "repeats", true);
        mun_out_cstr(option, "text", options->text);
        json_array_append_new(list, option);
    }
    return list;
}

static mun_code print_table(mun_app *app)
{
    json_t *list = json_array();
    for (size_t i = 0; i < MUN_COMMANDS; i++) {
        char title[32];
        json_t *command = json_object();
        mun_out_cstr(command, "name", mun_command_title(&mun_commands[i], title));
        mun_out_cstr(command, "operands", mun_commands[i].operands);
        mun_out_cstr(command, "summary", mun_commands[i].summary);
        mun_out_put(command, "options", options_json(mun_commands[i].options));
        json_array_append_new(list, command);
    }
    json_t *object = mun_out_new("help");
    mun_out_put(object, "commands", list);
    mun_out_put(object, "common", options_json(mun_common_options));
    mun_out_print(app, object);
    return MUN_OK;
}

mun_code mun_cmd_help(mun_app *app, mun_error *err)
{
    if (app->json) return print_table(app);
    mun_buf page MUN_BUF_AUTO = mun_buf_growable(MUN_PAGE_MAX);
    MUN_TRY(write_page(app, &page, err));
    if (!mun_buf_ok(&page)) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the page");
    mun_print_bytes(mun_buf_slice(&page));
    return MUN_OK;
}

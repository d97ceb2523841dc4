/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON object as text for people. Its depth is that of explain.c, not of any input. */
#include "cli/explain.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 16

static void print_members(json_t *object, unsigned indent);

static void print_name(const char *name, unsigned indent)
{
    char shown[48];
    snprintf(shown, sizeof shown, "%s", name);
    for (char *p = shown; *p != '\0'; p++) {
        if (*p == '_') *p = ' ';
    }
    printf("%*s%-*s ", (int)indent, "", NAME_WIDTH, shown);
}

static void print_scalar(json_t *value)
{
    char shown[2048];
    switch (json_typeof(value)) {
    case JSON_STRING: {
        mun_slice text = mun_slice_of(json_string_value(value), json_string_length(value));
        puts(mun_plain(shown, sizeof shown, text));
        break;
    }
    case JSON_INTEGER: printf("%lld\n", (long long)json_integer_value(value)); break;
    case JSON_TRUE: puts("yes"); break;
    case JSON_FALSE: puts("no"); break;
    default: puts("-"); break;
    }
}

static void print_array(const char *name, json_t *array, unsigned indent)
{
    size_t i;
    json_t *value;
    json_array_foreach(array, i, value)
    {
        print_name(name, indent);
        if (!json_is_object(value)) {
            print_scalar(value);
            continue;
        }
        printf("%zu of %zu\n", i + 1, json_array_size(array));
        print_members(value, indent + 2);
    }
}

static void print_members(json_t *object, unsigned indent)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (json_is_array(value)) {
            print_array(name, value, indent);
        } else if (json_is_object(value)) {
            print_name(name, indent);
            putchar('\n');
            print_members(value, indent + 2);
        } else {
            print_name(name, indent);
            print_scalar(value);
        }
    }
}

void mun_explain_print(json_t *object)
{
    print_members(object, 0);
}

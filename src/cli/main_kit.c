/* SPDX-License-Identifier: Apache-2.0 */
/* The program muniment-kit, started by `muniment kit`. */
#include "cli/commands.h"

#include <locale.h>

int main(int argc, char **argv)
{
    static const mun_command_entry commands[] = {{MUN_CMD_KIT, mun_cmd_kit}};
    setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive turns names through the locale */
    return mun_app_main(argc, argv, commands, 1);
}

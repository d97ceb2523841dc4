/* SPDX-License-Identifier: Apache-2.0 */
/* The program muniment-bench, started by `muniment bench`. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    static const mun_command_entry commands[] = {{MUN_CMD_BENCH, mun_cmd_bench}};
    return mun_app_main(argc, argv, commands, 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The program muniment-serve, started by `muniment serve` and `muniment token`. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    static const mun_command_entry commands[] = {{MUN_CMD_SERVE, mun_cmd_serve},
                                                 {MUN_CMD_TOKEN_NEW, mun_cmd_token_new},
                                                 {MUN_CMD_TOKEN_LIST, mun_cmd_token_list},
                                                 {MUN_CMD_TOKEN_REVOKE, mun_cmd_token_revoke}};
    return mun_app_main(argc, argv, commands, sizeof commands / sizeof commands[0]);
}

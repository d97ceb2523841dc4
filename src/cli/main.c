/* SPDX-License-Identifier: Apache-2.0 */
/* The program muniment. Heavier commands are programs of their own, see options.c. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    static const mun_command_entry commands[] = {
        {MUN_CMD_INIT, mun_cmd_init},
        {MUN_CMD_ISSUER_ADD, mun_cmd_issuer_add},
        {MUN_CMD_ISSUER_REMOVE, mun_cmd_issuer_remove},
        {MUN_CMD_ISSUER_LIST, mun_cmd_issuer_list},
        {MUN_CMD_KEY_NEW, mun_cmd_key_new},
        {MUN_CMD_KEY_SHOW, mun_cmd_key_show},
        {MUN_CMD_SIGN, mun_cmd_sign},
        {MUN_CMD_REGISTER, mun_cmd_register},
        {MUN_CMD_VERIFY, mun_cmd_verify},
        {MUN_CMD_TRUST_ADD, mun_cmd_trust_add},
        {MUN_CMD_TRUST_LIST, mun_cmd_trust_list},
        {MUN_CMD_TRUST_REMOVE, mun_cmd_trust_remove},
        {MUN_CMD_SHOW, mun_cmd_show},
        {MUN_CMD_LIST, mun_cmd_list},
        {MUN_CMD_FIND, mun_cmd_find},
        {MUN_CMD_RECEIPT, mun_cmd_receipt},
        {MUN_CMD_CHECKPOINT, mun_cmd_checkpoint},
        {MUN_CMD_EXPORT, mun_cmd_export},
        {MUN_CMD_IMPORT, mun_cmd_import},
        {MUN_CMD_BACKUP, mun_cmd_backup},
        {MUN_CMD_RESTORE, mun_cmd_restore},
        {MUN_CMD_STANDBY, mun_cmd_standby},
        {MUN_CMD_HANDOVER, mun_cmd_handover},
        {MUN_CMD_ADOPT, mun_cmd_adopt},
        {MUN_CMD_STATUS, mun_cmd_status},
        {MUN_CMD_FSCK, mun_cmd_fsck},
        {MUN_CMD_REBUILD, mun_cmd_rebuild},
        {MUN_CMD_COMPLETION, mun_cmd_completion},
        {MUN_CMD_VERSION, mun_cmd_version},
        {MUN_CMD_HELP, mun_cmd_help},
    };
    return mun_app_main(argc, argv, commands, sizeof commands / sizeof commands[0]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file `format`: whether there is a log, and whether this program can read it. */
#ifndef MUN_LOG_STORE_VERSION_H
#define MUN_LOG_STORE_VERSION_H

#include "vfs/vfs.h"

/* MUN_E_NOT_FOUND, MUN_E_VERSION, MUN_E_DAMAGED. */
MUN_MUST mun_code mun_store_version(const mun_vfs *vfs, mun_error *err);

#endif

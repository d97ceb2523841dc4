/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes for human eyes. Values only. */
#ifndef MUN_CLI_CODEC_TEXT_H
#define MUN_CLI_CODEC_TEXT_H

#include "base/buf.h"

#define MUN_CODEC_TEXT_MAX (16u << 20)

/* Sixteen bytes a line: offset, hex, printable ASCII. */
void mun_hex_dump(mun_slice bytes, mun_buf *ret);

#endif

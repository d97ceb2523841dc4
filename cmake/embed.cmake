# SPDX-License-Identifier: Apache-2.0
# cmake -DIN=FILE -DOUT=FILE.c -DNAME=mun_x -DHEADER=room/x.h -P embed.cmake
# Writes a C file with the bytes of a file: NAME_bytes and NAME_len.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${OUT} "/* From ${NAME}; do not edit. */\n#include \"${HEADER}\"\n
const uint8_t ${NAME}_bytes[] = {\n${hex}\n};\nconst size_t ${NAME}_len = sizeof ${NAME}_bytes;\n")

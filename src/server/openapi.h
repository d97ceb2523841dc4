/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of docs/api/openapi.json, put into the program by cmake/embed.cmake. */
#ifndef MUN_SERVER_OPENAPI_H
#define MUN_SERVER_OPENAPI_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t mun_openapi_bytes[];
extern const size_t mun_openapi_len;

#endif

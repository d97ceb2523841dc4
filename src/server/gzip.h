/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) of bodies, by zlib. Threads: no shared state. */
#ifndef MUN_SERVER_GZIP_H
#define MUN_SERVER_GZIP_H

#include "base/error.h"
#include "base/slice.h"

/* Appends the compressed bytes to ret. The same bytes give the same result in one build. */
MUN_MUST mun_code mun_gzip_put(mun_slice bytes, mun_buf *ret, mun_error *err);

#endif

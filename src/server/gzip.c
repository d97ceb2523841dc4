/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gzip.h"

#include "base/buf.h"

#define ZLIB_CONST /* input is read only */
#include <zlib.h>

#define GZIP_LEVEL  1         /* signatures and digests do not compress; headers do at once */
#define GZIP_WINDOW (15 + 16) /* zlib's way of saying gzip */
#define GZIP_MEMORY 8

static mun_code deflate_all(z_stream *z, mun_slice bytes, mun_buf *ret, mun_error *err)
{
    uLong bound = deflateBound(z, (uLong)bytes.len);
    uint8_t *to = mun_buf_reserve(ret, bound);
    if (to == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    z->next_in = bytes.ptr;
    z->avail_in = (uInt)bytes.len;
    z->next_out = to;
    z->avail_out = (uInt)bound;
    if (deflate(z, Z_FINISH) != Z_STREAM_END) {
        ret->len -= bound;
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "the body could not be compressed");
    }
    ret->len -= z->avail_out;
    return MUN_OK;
}

mun_code mun_gzip_put(mun_slice bytes, mun_buf *ret, mun_error *err)
{
    z_stream z = {0};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    }
    mun_code code = deflate_all(&z, bytes, ret, err);
    (void)deflateEnd(&z);
    return code;
}

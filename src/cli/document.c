/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/document.h"

#include "cli/speak.h"
#include "crypto/digest_stream.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

/* Where the chunks of a file go. */
typedef struct sink {
    mun_digest_stream *digest;
    mun_buf *content; /* NULL: not kept */
    size_t max;
    const char *path;
} sink;

static mun_code take_chunk(void *ctx, mun_slice chunk, uint64_t done, uint64_t size, mun_error *err)
{
    sink *s = ctx;
    (void)done;
    (void)size;
    MUN_TRY(mun_digest_stream_add(s->digest, chunk, err));
    if (s->content == NULL) return MUN_OK;
    if (chunk.len > s->max || s->content->len > s->max - chunk.len) {
        return mun_failf(err, MUN_E_LIMIT, 0,
                         "%s is too large to be put into a statement, which has room for %zu "
                         "bytes; leave out --inline to register its digest",
                         MUN_PLAIN_PATH(s->path), s->max);
    }
    mun_buf_put(s->content, chunk);
    return MUN_OK;
}

static mun_code stream_into(sink *s, mun_document *ret, mun_error *err)
{
    mun_document document;
    MUN_TRY(mun_file_stream(s->path, take_chunk, s, err));
    MUN_TRY(mun_digest_stream_end(s->digest, document.digest, &document.digest_len, err));
    *ret = document;
    return MUN_OK;
}

static mun_code refuse_folder(const char *path, mun_error *err)
{
    mun_file_info info;
    if (strcmp(path, "-") == 0) return MUN_OK;
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind != MUN_FILE_DIRECTORY) return MUN_OK;
    return mun_failf(err, MUN_E_USAGE, 0,
                     "%s is a folder; give a file, or -r where folders can be "
                     "walked",
                     MUN_PLAIN_PATH(path));
}

mun_code mun_document_read(const char *path, int32_t hash_alg, size_t max, mun_document *ret,
                           mun_buf *ret_content, mun_error *err)
{
    MUN_TRY(refuse_folder(path, err));
    sink s = {.content = ret_content, .max = max, .path = path};
    MUN_TRY(mun_digest_stream_new(hash_alg, &s.digest, err));
    mun_code code = stream_into(&s, ret, err);
    mun_digest_stream_free(s.digest);
    return code;
}

mun_code mun_document_digest(const char *path, int32_t hash_alg, mun_document *ret, mun_error *err)
{
    return mun_document_read(path, hash_alg, 0, ret, NULL, err);
}

mun_code mun_path_with(const char *path, const char *ending, char *ret, size_t cap, mun_error *err)
{
    int len = snprintf(ret, cap, "%s%s", path, ending);
    if (len >= 0 && (size_t)len < cap) return MUN_OK;
    return mun_failf(err, MUN_E_LIMIT, 0, "the path %s%s is too long", MUN_PLAIN_PATH(path),
                     ending);
}

bool mun_path_ends(const char *path, const char *ending)
{
    size_t len = strlen(path), end = strlen(ending);
    return len >= end && strcmp(path + len - end, ending) == 0;
}

const char *mun_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte slices, bounded buffers and errors: what every other header of Muniment speaks in.
 *
 * Ownership: a mun_slice borrows; whoever made the bytes keeps them alive and unchanged while the
 * slice is in use. A mun_buf owns its bytes only when it was made growable (mun_buf_growable);
 * mun_buf_free accepts a fixed buffer, an empty one and NULL.
 *
 * Threads: nothing here has shared state; one object belongs to one thread at a time.
 */
#ifndef MUNIMENT_BASE_H
#define MUNIMENT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MUN_MUST __attribute__((warn_unused_result))
#define MUN_API  __attribute__((visibility("default")))
#else
#define MUN_MUST
#define MUN_API
#endif

/*
 * Every status code, once: name, process exit code, HTTP status, what it means in general.
 * Exit codes: 1 evidence is not valid, 2 usage, 3 a key is not trusted here, 4 malformed input,
 * 5 environment, 6 ledger damaged, 7 refused by policy, 75 try again.
 */
#define MUN_CODES(X)                                                                               \
    X(MUN_OK, 0, 200, "done")                                                                      \
    X(MUN_E_INVALID, 1, 422, "the evidence is not valid")                                          \
    X(MUN_E_USAGE, 2, 400, "the call or command was given wrong arguments")                        \
    X(MUN_E_UNTRUSTED, 3, 422, "a key is not trusted here")                                        \
    X(MUN_E_MALFORMED, 4, 400, "the input is malformed")                                           \
    X(MUN_E_LIMIT, 4, 413, "the input is larger than a limit allows")                              \
    X(MUN_E_UNSUPPORTED, 4, 400, "the input uses an algorithm or feature not supported")           \
    X(MUN_E_IO, 5, 500, "reading or writing a file failed")                                        \
    X(MUN_E_NOT_FOUND, 5, 404, "not found")                                                        \
    X(MUN_E_EXISTS, 5, 409, "it exists already")                                                   \
    X(MUN_E_PERMISSION, 5, 403, "permission denied")                                               \
    X(MUN_E_VERSION, 5, 500, "made by a newer version of Muniment")                                \
    X(MUN_E_MEMORY, 5, 500, "out of memory")                                                       \
    X(MUN_E_CRYPTO, 5, 500, "the cryptographic library failed")                                    \
    X(MUN_E_FAILED, 5, 503, "an earlier write failed; reopen the ledger")                          \
    X(MUN_E_DAMAGED, 6, 500, "the ledger is damaged")                                              \
    X(MUN_E_REFUSED, 7, 403, "refused by the registration policy")                                 \
    X(MUN_E_BUSY, 75, 503, "another process is writing this ledger; try again")                    \
    X(MUN_E_NO_SPACE, 75, 507, "the disk is full; try again when there is room")                   \
    X(MUN_E_AGAIN, 75, 503, "not possible at the moment; try again")

typedef enum mun_code {
#define MUN_CODE_ENUM_(name, exit_code, http, text) name,
    MUN_CODES(MUN_CODE_ENUM_)
#undef MUN_CODE_ENUM_
} mun_code;

/* The name ("MUN_E_IO"), the sentence, the exit code and the HTTP status of a code. Never NULL. */
MUN_API const char *mun_code_name(mun_code code);
MUN_API const char *mun_code_text(mun_code code);
MUN_API int mun_code_exit(mun_code code);
MUN_API int mun_code_http(mun_code code);

#define MUN_ERROR_TEXT 512
#define MUN_NO_OFFSET  UINT64_MAX

/* What went wrong, in a caller-owned object of fixed size. Written only on failure. */
typedef struct mun_error {
    mun_code code;
    int sys_errno;             /* errno of the system call behind it, or 0 */
    uint64_t offset;           /* byte offset in the input or file, or MUN_NO_OFFSET */
    char rule[48];             /* name of the admission or format rule broken, or "" */
    char text[MUN_ERROR_TEXT]; /* one sentence, UTF-8, NUL-terminated, for a person */
} mun_error;

/* Borrowed bytes. ptr may be NULL when len is 0. */
typedef struct mun_slice {
    const uint8_t *ptr;
    size_t len;
} mun_slice;

/*
 * A writer over bounded memory. Fixed: over the caller's array, never allocates. Growable: on the
 * heap, up to max bytes. A write that does not fit sets `overflow`, which latches; the writer then
 * ignores further writes. Check once at the end.
 */
typedef struct mun_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    size_t max;
    bool overflow;
    bool no_memory; /* it overflowed for want of memory, not because of max */
    bool (*grow)(struct mun_buf *buf, size_t need); /* NULL: fixed */
} mun_buf;

/* A growable buffer that holds at most max bytes. Free it with mun_buf_free. */
MUN_API mun_buf mun_buf_growable(size_t max);
MUN_API void mun_buf_free(mun_buf *buf);

#ifdef __cplusplus
}
#endif
#endif

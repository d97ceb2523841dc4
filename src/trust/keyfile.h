/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files (docs/format/key.md): a public key in any of the forms that people hand around, and a
 * private key as PKCS#8 PEM. Which form a public key has is told by its content, never by its
 * file's name; the user says where keys are expected, so nothing else is guessed.
 *
 * Ownership: mun_key_file is a value that owns all it holds. A loaded signer is freed with
 * mun_signing_key_free. Threads: no shared state; a signer signs from several threads at once.
 *
 * Errors besides those of files.h: MUN_E_MALFORMED (no form fits, or a form's own rules are
 * broken), MUN_E_UNSUPPORTED (a kind of key that Muniment cannot use), MUN_E_LIMIT, MUN_E_CRYPTO.
 */
#ifndef MUN_TRUST_KEYFILE_H
#define MUN_TRUST_KEYFILE_H

#include "base/buf.h"
#include "base/error.h"

#include <muniment/evidence.h>

#define MUN_KEY_FILE_MAX  65536 /* bytes of any key file */
#define MUN_KEY_NAME_MAX  512   /* name inside a vkey, origin inside ledger.pub */
#define MUN_KEY_KID_MAX   256
#define MUN_KEY_FILE_KEYS 2

typedef enum mun_key_format {
    MUN_KEY_FORMAT_PEM,       /* PUBLIC KEY, or the key of a CERTIFICATE */
    MUN_KEY_FORMAT_COSE,      /* COSE_Key, binary */
    MUN_KEY_FORMAT_JWK,       /* RFC 7517, one key, public members only */
    MUN_KEY_FORMAT_VKEY,      /* C2SP verifier key */
    MUN_KEY_FORMAT_LEDGER_PUB /* both keys of a ledger: receipts, then checkpoints */
} mun_key_format;

typedef struct mun_key_file {
    mun_key_format format;
    size_t keys_len; /* 2 for ledger.pub, else 1 */
    mun_public_key keys[MUN_KEY_FILE_KEYS];
    size_t name_len; /* 0: the form carries no name */
    uint8_t name[MUN_KEY_NAME_MAX];
    size_t kid_len; /* kid inside a COSE_Key or JWK; 0: none */
    uint8_t kid[MUN_KEY_KID_MAX];
    uint8_t vkey_type; /* 1 log, 4 cosignature; 0: not a vkey */
} mun_key_file;

/* "PEM", "COSE_Key", "JWK", "vkey", "ledger.pub" */
const char *mun_key_format_name(mun_key_format format);

/* A public key from bytes. A private key is refused with the advice to give its .pub file. */
MUN_MUST mun_code mun_key_file_parse(const mun_crypto *crypto, mun_slice bytes, mun_key_file *ret,
                                     mun_error *err);
/* The same from a file ("-": standard input); errors name it. */
MUN_MUST mun_code mun_key_file_read(const mun_crypto *crypto, const char *path, mun_key_file *ret,
                                    mun_error *err);

/* RFC 7517 public key, read and written. kid: the member "kid" as its bytes (empty: none). */
MUN_MUST mun_code mun_jwk_parse(mun_slice json, mun_public_key *ret, mun_buf *ret_kid,
                                mun_error *err);
/* One line of JSON with its newline, members in alphabetical order. */
void mun_jwk_write(const mun_public_key *key, mun_buf *ret);

/* A private key held in memory, ready to sign. */
typedef struct mun_signing_key {
    mun_signer signer; /* kid is the key's RFC 9679 thumbprint */
    void *handle;      /* src/crypto's */
} mun_signing_key;

/*
 * Loads a PKCS#8 PEM private key. MUN_E_PERMISSION: the file can be read by
 * others (the sentence says chmod 600); MUN_E_USAGE: it is encrypted and the passphrase is empty or
 * wrong.
 */
MUN_MUST mun_code mun_signing_key_read(const char *path, mun_slice passphrase, mun_signing_key *ret,
                                       mun_error *err);
MUN_MUST mun_code mun_signing_key_parse(mun_slice pem, mun_slice passphrase, mun_signing_key *ret,
                                        mun_error *err);
void mun_signing_key_free(mun_signing_key *key); /* accepts a zeroed one */

/*
 * Makes a key of alg (MUN_ALG_ES256, _ES384, _EDDSA) and writes path (mode 0600) and path.pub.
 * MUN_E_EXISTS when either is there; nothing is left on failure.
 */
MUN_MUST mun_code mun_key_files_make(const char *path, int32_t alg, mun_slice passphrase,
                                     mun_public_key *ret, mun_error *err);

#endif

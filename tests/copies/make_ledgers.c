/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes many small ledgers quickly: FOLDER/NAME0000 ..., each with its own name, keys and entries.
 * For each it prints "NAME SIZE LEAF_HEX", the leaf hash being the last entry's.
 * Usage: make_ledgers FOLDER NAME COUNT ENTRIES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/slice.h"
#include <muniment/keys.h>
#include <muniment/ledger.h>

#define ENTRIES_MAX   64
#define STATEMENT_CAP 2048

static mun_crypto crypto;

static void must(mun_code code, const char *what, const mun_error *err)
{
    if (code == MUN_OK) return;
    fprintf(stderr, "make_ledgers: %s: %s\n", what, err->text);
    exit(1);
}

static void sign(const mun_signer *signer, mun_slice name, const char *ledger, int n, mun_buf *ret)
{
    char subject[64];
    uint8_t digest[MUN_HASH_SIZE];
    mun_error err = {0};
    snprintf(subject, sizeof subject, "%s/%d", ledger, n);
    mun_slice text = mun_slice_cstr(subject);
    crypto.sha256(crypto.ctx, &text, 1, digest);
    mun_statement_params params = {
        .iss = name,
        .sub = text,
        .payload = mun_slice_of(digest, sizeof digest),
        .hash_alg = MUN_HASH_SHA256,
    };
    must(mun_statement_sign(&params, signer, ret, &err), "signing", &err);
}

static mun_registration fill(const char *path, const mun_signer *signer, mun_slice name,
                             const char *ledger_name, int entries)
{
    mun_error err = {0};
    mun_ledger *ledger = NULL;
    mun_slice statements[ENTRIES_MAX];
    mun_buf bytes[ENTRIES_MAX];
    static mun_registration results[ENTRIES_MAX];
    must(mun_ledger_open(path, NULL, &ledger, &err), "opening", &err);
    for (int i = 0; i < entries; i++) {
        bytes[i] = mun_buf_growable(STATEMENT_CAP);
        sign(signer, name, ledger_name, i, &bytes[i]);
        statements[i] = mun_buf_slice(&bytes[i]);
    }
    must(mun_ledger_register(ledger, statements, (size_t)entries, results, NULL, &err),
         "registering", &err);
    for (int i = 0; i < entries; i++) {
        must(results[i].code, "a statement", &results[i].error);
        mun_buf_free(&bytes[i]);
    }
    must(mun_ledger_close(ledger, &err), "closing", &err);
    return results[entries - 1];
}

static void make_one(const char *folder, const char *name, int n, int entries,
                     const mun_signer *signer, mun_slice issuer)
{
    char path[4096], ledger_name[64], origin[96];
    mun_error err = {0};
    snprintf(ledger_name, sizeof ledger_name, "%.40s%04d", name, n);
    snprintf(path, sizeof path, "%.3000s/%s", folder, ledger_name);
    snprintf(origin, sizeof origin, "many.example/%s", ledger_name);
    mun_ledger_create_options options = {.origin = mun_slice_cstr(origin), .any_issuer = true};
    must(mun_ledger_create(path, &options, &err), path, &err);
    mun_registration last = fill(path, signer, issuer, ledger_name, entries);
    printf("%s %llu ", ledger_name, (unsigned long long)last.index + 1);
    for (size_t i = 0; i < MUN_HASH_SIZE; i++) printf("%02x", last.leaf[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    mun_error err = {0};
    mun_signer signer;
    mun_private_key *key = NULL;
    mun_buf issuer = mun_buf_growable(256);
    if (argc != 5 || atoi(argv[4]) < 1 || atoi(argv[4]) > ENTRIES_MAX) {
        fprintf(stderr, "usage: make_ledgers FOLDER NAME COUNT ENTRIES\n");
        return 2;
    }
    must(mun_native_crypto_new(&crypto, &err), "crypto", &err);
    must(mun_private_key_generate(MUN_ALG_EDDSA, &key, &err), "a key", &err);
    mun_private_key_signer(key, &signer);
    mun_key_thumbprint(&crypto, &signer.key, signer.kid);
    mun_key_thumbprint_uri(&crypto, &signer.key, &issuer);
    for (int n = 0; n < atoi(argv[3]); n++) {
        make_one(argv[1], argv[2], n, atoi(argv[4]), &signer, mun_buf_slice(&issuer));
    }
    mun_private_key_free(key);
    mun_native_crypto_free(&crypto);
    mun_buf_free(&issuer);
    return 0;
}

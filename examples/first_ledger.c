/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small, complete user of libmuniment: makes a ledger, registers a signed statement about a
 * document, and verifies the evidence the way a stranger would: with the document, the evidence
 * file and two public keys. Then it alters one letter and shows that this is noticed.
 *
 *     cc first_ledger.c $(pkg-config --cflags --libs muniment) -o first_ledger
 *     ./first_ledger NEW-DIRECTORY
 */
#include <muniment/keys.h>
#include <muniment/ledger.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EVIDENCE_SIZE 16384 /* this statement with one receipt and one proof takes about 2,000 */
#define NAME_SIZE     256
#define EXPECT_GOOD   0 /* verdicts: 0 valid, 1 not valid, 3 valid but a key is unknown */
#define EXPECT_BAD    1

static mun_slice text(const char *s)
{
    return (mun_slice){(const uint8_t *)s, strlen(s)};
}

static mun_slice bytes_of(const mun_buf *buf)
{
    return (mun_slice){buf->ptr, buf->len};
}

/* Every call that can fail returns a code and leaves a sentence for a person in the mun_error. */
static void must(mun_code code, const mun_error *err)
{
    if (code == MUN_OK) return;
    fprintf(stderr, "%s: %s\n", mun_code_name(code), err->text);
    exit(mun_code_exit(code));
}

/* The issuer: a key pair, and the name that this key proves by itself. */
typedef struct issuer {
    mun_private_key *key;
    mun_signer signer;
    char name[NAME_SIZE];
    mun_slice iss;
} issuer;

static void issuer_make(const mun_crypto *crypto, issuer *ret)
{
    mun_error err = {0};
    must(mun_private_key_generate(MUN_ALG_ES256, &ret->key, &err), &err);
    mun_private_key_signer(ret->key, &ret->signer);
    mun_key_thumbprint(crypto, &ret->signer.key, ret->signer.kid);
    mun_buf name = {.ptr = (uint8_t *)ret->name, .cap = NAME_SIZE, .max = NAME_SIZE};
    mun_key_thumbprint_uri(crypto, &ret->signer.key, &name);
    ret->iss = bytes_of(&name);
}

/* Signs the digest of the document: the document itself never enters the ledger. */
static void sign(const mun_crypto *crypto, const issuer *by, mun_slice document, mun_buf *ret)
{
    mun_error err = {0};
    uint8_t digest[MUN_HASH_SIZE];
    crypto->sha256(crypto->ctx, &document, 1, digest);
    mun_statement_params params = {
        .iss = by->iss,
        .sub = text("contracts/2026/17"),
        .content_type = text("text/plain"),
        .with_iat = true,
        .iat = (int64_t)time(NULL),
        .payload = {digest, sizeof digest},
        .hash_alg = MUN_HASH_SHA256,
    };
    must(mun_statement_sign(&params, &by->signer, ret, &err), &err);
}

/* Opens, registers, and takes the evidence file; on return the statement is safely on the disk. */
static void register_statement(const char *directory, mun_slice statement, mun_buf *ret_evidence,
                               mun_public_key *ret_ledger_key)
{
    mun_error err = {0};
    mun_ledger *ledger = NULL;
    must(mun_ledger_open(directory, NULL, &ledger, &err), &err);
    mun_registration answer;
    must(mun_ledger_register(ledger, &statement, 1, &answer, NULL, &err), &err);
    must(answer.code, &answer.error);
    printf("registered as entry %llu\n", (unsigned long long)answer.index);
    must(mun_ledger_evidence(ledger, answer.index, ret_evidence, &err), &err);
    *ret_ledger_key = mun_ledger_identity(ledger)->receipts;
    must(mun_ledger_close(ledger, &err), &err);
}

/* What anyone can do, offline: document, evidence, and the two keys he trusts. */
static int verify(const mun_crypto *crypto, mun_slice document, mun_slice evidence,
                  const mun_trusted_key keys[2])
{
    mun_error err = {0};
    uint8_t digest[MUN_HASH_SIZE];
    crypto->sha256(crypto->ctx, &document, 1, digest);
    mun_verify_input input = {
        .evidence = evidence,
        .have_document = true,
        .document_digest = {digest, sizeof digest},
        .keys = keys,
        .keys_len = 2,
    };
    mun_report report;
    must(mun_verify(crypto, &input, &report, NULL, &err), &err);
    printf("verdict %d: %s\n", report.verdict, report.summary);
    for (int id = 0; id < MUN_CHECKS; id++) {
        const mun_check *check = &report.checks[id];
        printf("  %-20s %-10s %s\n", mun_check_name((mun_check_id)id),
               mun_check_result_name(check->result), check->sentence);
    }
    return report.verdict;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: first_ledger NEW-DIRECTORY\n");
        return 2;
    }
    mun_error err = {0};
    mun_crypto crypto;
    must(mun_native_crypto_new(&crypto, &err), &err);

    const char *origin = "ledger.example/first";
    mun_ledger_create_options options = {.origin = text(origin), .any_issuer = true};
    must(mun_ledger_create(argv[1], &options, &err), &err);

    issuer me;
    issuer_make(&crypto, &me);
    char document[] = "The parties agree on the price of 1,000 euros.\n";
    uint8_t statement_bytes[EVIDENCE_SIZE], evidence_bytes[EVIDENCE_SIZE];
    mun_buf statement = {.ptr = statement_bytes, .cap = EVIDENCE_SIZE, .max = EVIDENCE_SIZE};
    mun_buf evidence = {.ptr = evidence_bytes, .cap = EVIDENCE_SIZE, .max = EVIDENCE_SIZE};
    sign(&crypto, &me, text(document), &statement);
    mun_public_key ledger_key;
    register_statement(argv[1], bytes_of(&statement), &evidence, &ledger_key);

    mun_trusted_key keys[2] = {
        {.role = MUN_ROLE_ISSUER, .name = me.iss, .key = me.signer.key, .trusted = true},
        {.role = MUN_ROLE_LEDGER, .name = text(origin), .key = ledger_key, .trusted = true},
    };
    int good = verify(&crypto, text(document), bytes_of(&evidence), keys);
    *strchr(document, '1') = '9'; /* nine thousand */
    int bad = verify(&crypto, text(document), bytes_of(&evidence), keys);

    mun_private_key_free(me.key);
    mun_native_crypto_free(&crypto);
    return good == EXPECT_GOOD && bad == EXPECT_BAD ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verify core: signed statements, receipts, checkpoints and evidence files, read, made and
 * verified without I/O, clock, allocation or any library but the mun_crypto table. The command, the
 * server, the browser and an embedded device run this same code. Bytes and rules: docs/format.
 *
 * Ownership: parsed objects borrow from the bytes they were parsed from. Builders write into the
 * caller's mun_buf. Threads: everything is a value; a mun_crypto belongs to one thread at a time.
 *
 * Errors: MUN_E_MALFORMED (with the byte offset and the rule), MUN_E_UNSUPPORTED, MUN_E_LIMIT.
 */
#ifndef MUNIMENT_EVIDENCE_H
#define MUNIMENT_EVIDENCE_H

#include <muniment/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUN_STATEMENT_MAX             65535 /* entry bytes, C2SP tlog-tiles entry bundle */
#define MUN_EVIDENCE_MAX              (1u << 20)
#define MUN_RECEIPTS_MAX              16   /* receipts in one evidence file */
#define MUN_PROOFS_MAX                16   /* tlog-proofs in one evidence file */
#define MUN_CHAIN_MAX                 8    /* certificates in one x5chain */
#define MUN_NAME_MAX                  8192 /* iss, sub: RFC 9943 section 6 */
#define MUN_KID_MAX                   256
#define MUN_TIME_MAX                  INT64_C(253402300799) /* the end of the year 9999 */
#define MUN_PROOF_PATH_MAX            63
#define MUN_COSE_KEY_MAX              1100
#define MUN_VKEY_MAX                  512 /* enough for a vkey under any origin */
#define MUN_EVIDENCE_LABEL_TLOG_PROOF (-65700)
#define MUN_CLAIM_LEAF                (-65701) /* in receipts: the leaf hash they speak of */

/* ---- Keys ------------------------------------------------------------------------------- */

/* COSE_Key (RFC 9052 section 7), strict. Private members are refused with MUN_E_MALFORMED. */
MUN_API MUN_MUST mun_code mun_cose_key_parse(mun_slice cbor, mun_public_key *ret,
                                             mun_slice *ret_kid, mun_error *err);
/* Deterministic COSE_Key; kid (may be empty) goes in as label 2, alg (0: none) as label 3. */
MUN_API void mun_cose_key_write(const mun_public_key *key, mun_slice kid, int32_t alg,
                                mun_buf *ret);
/* RFC 9679: SHA-256 over the required members in bytewise order. */
MUN_API void mun_key_thumbprint(const mun_crypto *crypto, const mun_public_key *key,
                                uint8_t ret[MUN_HASH_SIZE]);
/* "urn:ietf:params:oauth:ckt:sha-256:..." */
MUN_API void mun_key_thumbprint_uri(const mun_crypto *crypto, const mun_public_key *key,
                                    mun_buf *ret);
/* did:key of a P-256, P-384 or Ed25519 key. MUN_E_UNSUPPORTED: it has none. */
MUN_API MUN_MUST mun_code mun_did_key_write(const mun_public_key *key, mun_buf *ret,
                                            mun_error *err);
/* Whether the name is the key's thumbprint URI or its did:key, to the byte [KEY-9]. */
MUN_API bool mun_key_owns_name(const mun_crypto *crypto, const mun_public_key *key, mun_slice name);
/* The public key in a DER certificate, by the walk of [KEY-10]. Nothing else in the certificate is
 * looked at. MUN_E_UNSUPPORTED: it gives no key. */
MUN_API MUN_MUST mun_code mun_certificate_key(mun_slice der, mun_public_key *ret, mun_error *err);
/* Whether signatures of this algorithm are supported; whether the key is of its kind [KEY-4]. */
MUN_API bool mun_alg_supported(int32_t alg);
MUN_API bool mun_alg_fits(int32_t alg, const mun_public_key *key);
/* C2SP vkey "name+hash+base64" of an Ed25519 key: type 1 (log) or 4 (cosignature/v1). */
#define MUN_VKEY_LOG      1
#define MUN_VKEY_COSIGNER 4
MUN_API MUN_MUST mun_code mun_vkey_parse(const mun_crypto *crypto, mun_slice text,
                                         mun_slice *ret_name, uint8_t *ret_type,
                                         mun_public_key *ret_key, mun_error *err);
MUN_API void mun_vkey_write(const mun_crypto *crypto, mun_slice name, uint8_t type,
                            const mun_public_key *key, mun_buf *ret);

/* Whether a text can be a ledger's name [KEY-12]. */
MUN_API bool mun_origin_valid(mun_slice origin);

/* A ledger's public identity: its origin and its two keys (docs/format/key.md, ledger.pub). */
typedef struct mun_ledger_pub {
    mun_slice origin;
    mun_public_key receipts;
    mun_public_key checkpoints;
} mun_ledger_pub;

MUN_API MUN_MUST mun_code mun_ledger_pub_parse(const mun_crypto *crypto, mun_slice text,
                                               mun_ledger_pub *ret, mun_error *err);
MUN_API void mun_ledger_pub_write(const mun_crypto *crypto, const mun_ledger_pub *pub,
                                  mun_buf *ret);
/* The fingerprint as words, separated by single spaces, to be read out and compared. */
#define MUN_FINGERPRINT_WORDS 12
MUN_API void mun_ledger_fingerprint(const mun_crypto *crypto, const mun_ledger_pub *pub,
                                    mun_buf *ret);

/* ---- Signed statements (RFC 9943 section 6, RFC 9052, RFC 9597, RFC 9995) ------------------ */

/* A header value that is text or an unsigned number (content type). */
typedef struct mun_text_or_uint {
    bool present;
    bool is_text;
    mun_slice text;
    uint64_t number;
} mun_text_or_uint;

typedef struct mun_statement {
    mun_slice bytes; /* as given */
    mun_slice protected_bytes;
    mun_slice payload;
    mun_slice signature;

    int32_t alg;   /* 0: a number that does not fit, so not supported */
    bool have_kid; /* a protected one; the same for all that follows */
    mun_slice kid;
    mun_slice iss, sub;
    bool have_iat;
    int64_t iat; /* seconds since 1970, 0 to MUN_TIME_MAX */
    mun_text_or_uint content_type;

    bool is_hash_envelope; /* label 258 present: payload is a digest */
    int32_t hash_alg;      /* 0: a number that does not fit */
    mun_text_or_uint preimage_content_type;
    mun_slice location; /* empty: none */

    mun_slice x5chain[MUN_CHAIN_MAX]; /* leaf first */
    size_t x5chain_len;
    bool have_x5t;
    int32_t x5t_alg; /* 0: text, or a number that does not fit */
    mun_slice x5t_hash;
    bool have_cnf; /* self-declared key in CWT claim 8 */
    mun_public_key cnf;

    mun_slice receipts[MUN_RECEIPTS_MAX]; /* label 394 */
    size_t receipts_len;
    mun_slice proofs[MUN_PROOFS_MAX]; /* label -65700 */
    size_t proofs_len;
} mun_statement;

/* Reads a statement or an evidence file (a statement with receipts inside). A detached payload is
 * refused with the rule payload-detached. */
MUN_API MUN_MUST mun_code mun_statement_parse(mun_slice bytes, mun_statement *ret, mun_error *err);
/* The entry: d2 84, protected bytes verbatim, a0, payload, signature (docs/format/statement.md).
 * MUN_E_LIMIT with rule entry-too-large: longer than MUN_STATEMENT_MAX, or than ret takes. */
MUN_API MUN_MUST mun_code mun_statement_entry(const mun_statement *statement, mun_buf *ret,
                                              mun_error *err);
/* RFC 9162 leaf hash of the entry, without building it. */
MUN_API void mun_statement_leaf(const mun_crypto *crypto, const mun_statement *statement,
                                uint8_t ret[MUN_HASH_SIZE]);
/* MUN_OK, MUN_E_INVALID, MUN_E_UNSUPPORTED. */
MUN_API MUN_MUST mun_code mun_statement_check(const mun_crypto *crypto,
                                              const mun_statement *statement,
                                              const mun_public_key *key, mun_error *err);
/* The key that the statement declares itself, by declared_key of docs/format/verification.md:
 * protected x5chain leaf or cnf. MUN_E_NOT_FOUND: none. */
MUN_API MUN_MUST mun_code mun_statement_self_key(const mun_crypto *crypto,
                                                 const mun_statement *statement,
                                                 mun_public_key *ret, mun_error *err);
/* The hash by which a document is compared with the statement: the envelope's, or SHA-256 when the
 * payload is the document itself. 0: an envelope under a hash that is not supported. */
MUN_API int32_t mun_statement_document_hash(const mun_statement *statement);

typedef struct mun_statement_params {
    mun_slice iss, sub;     /* required */
    mun_slice content_type; /* of the document; empty: none */
    bool with_iat;
    int64_t iat;
    bool inline_payload; /* payload is the document itself, else its digest */
    mun_slice payload;   /* document, or digest of hash_alg */
    int32_t hash_alg;    /* for a digest: -16, -43 or -44 */
    mun_slice location;  /* label 260; empty: none */
} mun_statement_params;

/* Content type: application/octet-stream when empty. The signer's key goes into the claims (cnf)
 * exactly when iss is one of its own names [STMT-26]. MUN_E_USAGE: a parameter breaks a rule.
 * MUN_E_LIMIT: longer than MUN_STATEMENT_MAX, or than ret takes. */
MUN_API MUN_MUST mun_code mun_statement_sign(const mun_statement_params *params,
                                             const mun_signer *signer, mun_buf *ret,
                                             mun_error *err);

/* ---- Receipts (RFC 9942) --------------------------------------------------------------------- */

/* One proof of a receipt. None of it is signed: never show it as proven. */
typedef struct mun_proof {
    uint64_t size;         /* tree size, or size 1 */
    uint64_t index_or_new; /* leaf index, or size 2 */
    mun_slice path;        /* CBOR byte strings, gathered by mun_receipt_path */
    size_t path_len;       /* how many */
} mun_proof;

typedef struct mun_receipt {
    mun_slice bytes;
    mun_slice protected_bytes;
    mun_slice signature;
    int32_t alg;
    bool have_kid;
    mun_slice kid;
    mun_slice iss, sub; /* empty when absent: a verifier is lenient here */
    bool have_iat;
    int64_t iat;
    bool have_leaf; /* MUN_CLAIM_LEAF: the entry that the claims speak of */
    uint8_t leaf[MUN_HASH_SIZE];
    bool is_consistency; /* vdp -2 instead of -1 */
    size_t proofs_len;
    mun_proof proofs[MUN_PROOFS_MAX];
    bool attached; /* consistency only: payload held the newer root */
    mun_slice payload;
} mun_receipt;

/* MUN_E_UNSUPPORTED: another verifiable data structure or algorithm. */
MUN_API MUN_MUST mun_code mun_receipt_parse(mun_slice bytes, mun_receipt *ret, mun_error *err);
/* The nodes of a proof, lowest first: ret takes MUN_PROOF_PATH_MAX + 1 of them (a consistency path
 * can be one longer). MUN_E_INVALID: more nodes than that, or one that has not 32 bytes. */
MUN_API MUN_MUST mun_code mun_receipt_path(const mun_receipt *receipt, size_t proof,
                                           uint8_t ret[][MUN_HASH_SIZE], mun_error *err);

typedef struct mun_receipt_params {
    mun_slice iss, sub;
    int64_t iat;
    uint64_t size, index; /* consistency: size = old size, index = new size */
    const uint8_t *path;  /* path_len * 32 bytes, lowest first */
    size_t path_len;
    uint8_t root[MUN_HASH_SIZE]; /* consistency: of the new tree */
    uint8_t leaf[MUN_HASH_SIZE]; /* inclusion: goes into the claims */
    bool is_consistency;
} mun_receipt_params;

MUN_API MUN_MUST mun_code mun_receipt_sign(const mun_receipt_params *params,
                                           const mun_signer *signer, mun_buf *ret, mun_error *err);
/* Folds the inclusion proofs over the leaf (all must agree), compares the leaf claim (if there is
 * one) and checks the signature over the root. MUN_E_INVALID names what failed in err->rule
 * ("inclusion", "receipt-leaf", "receipt-signature"). */
MUN_API MUN_MUST mun_code mun_receipt_check(const mun_crypto *crypto, const mun_receipt *receipt,
                                            const uint8_t leaf[MUN_HASH_SIZE],
                                            const mun_public_key *key,
                                            uint8_t ret_root[MUN_HASH_SIZE], mun_error *err);
/* Consistency receipt: the tree that it signs continues the old one. Size and root of the old tree
 * are the caller's; gives the new root. MUN_E_INVALID: rule "consistency" or "receipt-signature".
 */
MUN_API MUN_MUST mun_code mun_receipt_check_consistency(
    const mun_crypto *crypto, const mun_receipt *receipt, uint64_t old_size,
    const uint8_t old_root[MUN_HASH_SIZE], const mun_public_key *key,
    uint8_t ret_new_root[MUN_HASH_SIZE], mun_error *err);

/* Puts receipts and tlog-proofs beside a statement: the evidence file (RFC 9943 section 7). */
MUN_API MUN_MUST mun_code mun_evidence_write(const mun_statement *statement,
                                             const mun_slice *receipts, size_t receipts_len,
                                             const mun_slice *proofs, size_t proofs_len,
                                             mun_buf *ret, mun_error *err);

/* ---- Checkpoints, notes, cosignatures, tlog-proofs (C2SP) --------------------------------------
 */

#define MUN_NOTE_SIGNATURES_MAX 100
#define MUN_NOTE_MAX            (1u << 20)

typedef struct mun_note_signature {
    mun_slice name;
    uint8_t key_id[4];
    mun_slice blob; /* base64 text of key id and signature */
} mun_note_signature;

typedef struct mun_note {
    mun_slice text; /* signed text, with its last newline */
    size_t signatures_len;
    mun_note_signature signatures[MUN_NOTE_SIGNATURES_MAX];
} mun_note;

MUN_API MUN_MUST mun_code mun_note_parse(mun_slice bytes, mun_note *ret, mun_error *err);

typedef struct mun_checkpoint {
    mun_slice origin;
    uint64_t size;
    uint8_t root[MUN_HASH_SIZE];
    mun_slice extensions; /* raw lines; may be empty */
} mun_checkpoint;

/* The text of a note as a checkpoint. */
MUN_API MUN_MUST mun_code mun_checkpoint_parse(mun_slice text, mun_checkpoint *ret, mun_error *err);
/* The text that is signed. */
MUN_API void mun_checkpoint_text(const mun_checkpoint *checkpoint, mun_buf *ret);
/* Text and one Ed25519 signature line; signer->alg is -8. */
MUN_API MUN_MUST mun_code mun_checkpoint_sign(const mun_crypto *crypto,
                                              const mun_checkpoint *checkpoint,
                                              const mun_signer *signer, mun_buf *ret,
                                              mun_error *err);
/* A signature of a known key over the note: type 1 log signature or type 4 cosignature (then
 * ret_time is its time). MUN_E_NOT_FOUND: no line of that key. MUN_E_INVALID: a line is wrong. */
MUN_API MUN_MUST mun_code mun_note_check(const mun_crypto *crypto, const mun_note *note,
                                         mun_slice name, uint8_t type, const mun_public_key *key,
                                         uint64_t *ret_time, mun_error *err);
/* One cosignature/v1 line over a note's text. */
MUN_API MUN_MUST mun_code mun_cosignature_sign(const mun_crypto *crypto, mun_slice note_text,
                                               mun_slice name, uint64_t time,
                                               const mun_signer *signer, mun_buf *ret,
                                               mun_error *err);

typedef struct mun_tlog_proof {
    uint64_t index;
    size_t path_len;
    uint8_t path[MUN_PROOF_PATH_MAX][MUN_HASH_SIZE];
    mun_slice extra; /* base64 text, not authenticated; empty: none. Not written */
    mun_slice note;  /* the checkpoint with its signatures */
} mun_tlog_proof;

MUN_API MUN_MUST mun_code mun_tlog_proof_parse(mun_slice text, mun_tlog_proof *ret, mun_error *err);
MUN_API void mun_tlog_proof_write(const mun_tlog_proof *proof, mun_buf *ret);

/* ---- Verification: a report (docs/format/verification.md) ---------------------------------------
 */

typedef enum mun_role { MUN_ROLE_ISSUER, MUN_ROLE_LEDGER, MUN_ROLE_WITNESS, MUN_ROLE_TSA } mun_role;

#define MUN_TRUST_KIDS_MAX 4

/* A key bound to a role and an exact name. The thumbprint always counts as one of its kids. */
typedef struct mun_trusted_key {
    mun_role role;
    mun_slice name;
    mun_public_key key;
    mun_slice kids[MUN_TRUST_KIDS_MAX];
    size_t kids_len;
    bool trusted; /* false: known (its signatures can be checked) but not trusted here */
} mun_trusted_key;

typedef enum mun_check_id {
    MUN_CHECK_DOCUMENT,
    MUN_CHECK_STATEMENT_SIGNATURE,
    MUN_CHECK_ISSUER,
    MUN_CHECK_RECEIPT_SIGNATURE,
    MUN_CHECK_INCLUSION,
    MUN_CHECK_LEDGER,
    MUN_CHECK_COSIGNATURES,
    MUN_CHECK_TIMES,
    MUN_CHECKS
} mun_check_id;

typedef enum mun_check_result {
    MUN_RESULT_PASS,
    MUN_RESULT_FAIL,
    MUN_RESULT_UNCHECKED,
    MUN_RESULT_WARNING,
    MUN_RESULT_ABSENT
} mun_check_result;

#define MUN_SENTENCE_MAX 320

typedef struct mun_check {
    mun_check_result result;
    char sentence[MUN_SENTENCE_MAX]; /* for a person who is no programmer */
} mun_check;

typedef struct mun_report {
    int verdict; /* 0 valid, 1 not valid, 3 valid as far as known keys go */
    char summary[MUN_SENTENCE_MAX];
    mun_check checks[MUN_CHECKS];
    uint8_t leaf[MUN_HASH_SIZE];
    uint8_t root[MUN_HASH_SIZE]; /* of the good receipt */
    bool have_root;
    mun_slice ledger; /* iss of the good receipt, or empty */
    bool have_registered;
    int64_t registered;    /* what the shown ledger signed for this entry [VER-13] */
    bool have_position;    /* a good tlog-proof: what a witness has cosigned */
    uint64_t index, size;  /* proven only with have_position [VER-9] */
    unsigned cosignatures; /* good ones by trusted witnesses in good proofs */
    uint64_t cosigned;     /* time of the newest of them */
} mun_report;

typedef struct mun_verify_input {
    mun_slice evidence;
    bool have_document;
    mun_slice document_digest; /* under mun_statement_document_hash of the evidence; empty when
                                  that is 0 */
    const mun_trusted_key *keys;
    size_t keys_len;
} mun_verify_input;

MUN_API const char *mun_check_name(mun_check_id id);           /* "statement-signature" */
MUN_API const char *mun_check_result_name(mun_check_result r); /* "pass" */

/* The one verification routine. MUN_OK: the report is filled (whatever its verdict).
 * MUN_E_MALFORMED and the like: no report. ret_statement may be NULL. */
MUN_API MUN_MUST mun_code mun_verify(const mun_crypto *crypto, const mun_verify_input *input,
                                     mun_report *ret, mun_statement *ret_statement, mun_error *err);

#ifdef __cplusplus
}
#endif
#endif

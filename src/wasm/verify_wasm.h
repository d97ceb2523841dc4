/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verify core as a WebAssembly module: a flat interface over mun_verify for a host that has
 * digests and signatures. The module imports three functions of the module "muniment" and nothing
 * else; it has no clock, no files and no allocator.
 *
 * The host writes evidence into one buffer, names, keys and digests into another (`input`), and
 * reads the report, JSON in UTF-8, from a third. All three are static: a module instance is one
 * verifier and belongs to one thread. What returns int returns 0 or more, or minus a mun_code.
 */
#ifndef MUN_WASM_VERIFY_WASM_H
#define MUN_WASM_VERIFY_WASM_H

#include <muniment/evidence.h>

#if defined(__wasm__)
#define MUN_WASM_EXPORT(name) __attribute__((export_name(name)))
#define MUN_WASM_IMPORT(name) __attribute__((import_module("muniment"), import_name(name)))
#else
#define MUN_WASM_EXPORT(name)
#define MUN_WASM_IMPORT(name)
#endif

/* ---- Imports. parts: n_parts pairs of (address, length), 32 bits each, little-endian ----------
 */

MUN_WASM_IMPORT("sha256")
void mun_host_sha256(const mun_slice *parts, size_t n_parts, uint8_t *ret);
/* Returns the digest's length, or 0: not supported. */
MUN_WASM_IMPORT("digest")
size_t mun_host_digest(int32_t alg, const mun_slice *parts, size_t n_parts, uint8_t *ret);
/* first, second: x and y, x alone, or n and e. Returns MUN_OK, _E_INVALID or _E_UNSUPPORTED. */
MUN_WASM_IMPORT("verify")
int mun_host_verify(int32_t alg, int32_t kty, int32_t crv, const uint8_t *first, size_t first_len,
                    const uint8_t *second, size_t second_len, const mun_slice *parts,
                    size_t n_parts, const uint8_t *signature, size_t signature_len);

/* ---- Exports --------------------------------------------------------------------------------- */

MUN_WASM_EXPORT("evidence") uint8_t *mun_wasm_evidence(void);
MUN_WASM_EXPORT("evidence_size") size_t mun_wasm_evidence_size(void);
MUN_WASM_EXPORT("input") uint8_t *mun_wasm_input(void);
MUN_WASM_EXPORT("input_size") size_t mun_wasm_input_size(void);
MUN_WASM_EXPORT("report") const uint8_t *mun_wasm_report(void);
MUN_WASM_EXPORT("report_len") size_t mun_wasm_report_len(void);

MUN_WASM_EXPORT("clear_keys") void mun_wasm_clear_keys(void);
/* input: a name, behind it a COSE_Key. role: 0 issuer, 1 ledger, 2 witness. */
MUN_WASM_EXPORT("add_key")
int mun_wasm_add_key(int role, int trusted, size_t name_len, size_t key_len);
/* input: a further key id of the key added last. */
MUN_WASM_EXPORT("add_kid") int mun_wasm_add_kid(size_t len);
/* input: the text of a ledger.pub. */
MUN_WASM_EXPORT("add_ledger") int mun_wasm_add_ledger(int trusted, size_t len);

/* Which hash of the document to give to `verify`: minus its COSE identifier (16, 43, 44), or 0 when
 * the statement's is not supported. A failure leaves its reason in the report. */
MUN_WASM_EXPORT("document_hash") int mun_wasm_document_hash(size_t evidence_len);
/* input: the document's digest, if have_document. The report has the verdict. */
MUN_WASM_EXPORT("verify")
int mun_wasm_verify(size_t evidence_len, int have_document, size_t digest_len);

#endif

# SPDX-License-Identifier: Apache-2.0
# The parsers of the verify core, with the table of functions that does no cryptography: a fuzzer
# gets past its signatures, which it never would with real ones.
set(fake ../evidence/fake_crypto.c)
mun_fuzz(fuzz_cbor SOURCES fuzz_cbor.c USES codec base PARSES codec/cbor_read.c codec/cbor_diag.c)
mun_fuzz(fuzz_statement SOURCES fuzz_statement.c ${fake} USES evidence
         PARSES evidence/statement_read.c evidence/cose_parse.c)
mun_fuzz(fuzz_receipt SOURCES fuzz_receipt.c ${fake} USES evidence PARSES evidence/receipt_read.c)
mun_fuzz(fuzz_note SOURCES fuzz_note.c ${fake} USES evidence PARSES evidence/note.c codec/utf8.c)
mun_fuzz(fuzz_checkpoint SOURCES fuzz_checkpoint.c USES evidence PARSES evidence/checkpoint.c)
mun_fuzz(fuzz_tlog_proof SOURCES fuzz_tlog_proof.c USES evidence PARSES evidence/tlog_proof.c)
mun_fuzz(fuzz_key SOURCES fuzz_key.c ${fake} USES evidence
         PARSES evidence/cose_key.c evidence/certificate.c evidence/vkey.c evidence/ledger_pub.c)
mun_fuzz(fuzz_verify SOURCES fuzz_verify.c ${fake} USES evidence
         PARSES evidence/verify.c evidence/verify_statement.c evidence/verify_receipts.c
                evidence/verify_proofs.c evidence/report_words.c)

/* SPDX-License-Identifier: Apache-2.0 */
/* What notes, vkeys and ledger.pub share: key ids, and the base64 of fixed-size values. Inside the
 * evidence room only. */
#ifndef MUN_EVIDENCE_NOTE_H
#define MUN_EVIDENCE_NOTE_H

#include "base/buf.h"
#include <muniment/evidence.h>

#define MUN_KEY_ID_LEN    4
#define MUN_ED25519_KEY   32
#define MUN_ED25519_LEN   64
#define MUN_TREE_SIZE_TOP ((uint64_t)INT64_MAX) /* [CKPT-9] */

/* [CKPT-6]; the key is an Ed25519 key. */
void mun_note_key_id(const mun_crypto *crypto, mun_slice name, uint8_t type,
                     const mun_public_key *key, uint8_t ret[MUN_KEY_ID_LEN]);

/* UTF-8 without control characters but LF [CKPT-1]; the error is under the caller's rule name. */
MUN_MUST mun_code mun_note_characters(mun_slice text, const char *rule, mun_error *err);

/* The two lines that go before the text when a cosigner signs [CKPT-13]; borrowed from storage. */
#define MUN_COSIGNATURE_TIME     8
#define MUN_COSIGNATURE_HEAD_MAX 48
mun_slice mun_cosignature_head(uint8_t storage[MUN_COSIGNATURE_HEAD_MAX], uint64_t time);

bool mun_is_ed25519(const mun_public_key *key);

/* Canonical base64 of exactly len bytes. */
MUN_MUST bool mun_base64_exact(mun_slice text, uint8_t *ret, size_t len);

#endif

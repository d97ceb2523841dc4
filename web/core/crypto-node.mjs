// SPDX-License-Identifier: Apache-2.0
// Digests and signatures for the verify core from Node's own crypto module.

import { createHash, createPublicKey, constants, verify } from "node:crypto";

const CURVES = { 1: ["P-256", 32], 2: ["P-384", 48], 3: ["P-521", 66] };
const ECDSA = { "-7": "sha256", "-9": "sha256", "-35": "sha384", "-51": "sha384", "-36": "sha512", "-52": "sha512" };
const ECDSA_CURVE = { "-7": 1, "-9": 1, "-35": 2, "-51": 2, "-36": 3, "-52": 3 };
const PSS = { "-37": ["sha256", 32], "-38": ["sha384", 48], "-39": ["sha512", 64] };
const [OKP, EC2, RSA] = [1, 2, 3];
const ED25519 = 6;

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");
const joined = (parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

function publicKey({ kty, crv, first, second }) {
  const jwk =
    kty === OKP ? { kty: "OKP", crv: "Ed25519", x: base64url(first) }
    : kty === EC2 ? { kty: "EC", crv: CURVES[crv][0], x: base64url(first), y: base64url(second) }
    : { kty: "RSA", n: base64url(first), e: base64url(second) };
  return createPublicKey({ key: jwk, format: "jwk" });
}

function check(alg, key, message, signature) {
  if ((alg === -8 || alg === -19) && key.kty === OKP && key.crv === ED25519) {
    return verify(null, message, publicKey(key), signature);
  }
  if (alg in ECDSA && key.kty === EC2 && key.crv === ECDSA_CURVE[alg]) {
    if (signature.length !== 2 * CURVES[key.crv][1]) return false;
    return verify(ECDSA[alg], message, { key: publicKey(key), dsaEncoding: "ieee-p1363" }, signature);
  }
  if (alg in PSS && key.kty === RSA) {
    const [hash, saltLength] = PSS[alg];
    return verify(hash, message, { key: publicKey(key), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
  }
  return null;
}

export const nodeCrypto = {
  digest(name, parts) {
    const hash = createHash(name);
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  },
  verify(alg, key, parts, signature) {
    try {
      return check(alg, key, joined(parts), Buffer.from(signature));
    } catch {
      return null; // a key that is no point of its curve, a modulus that OpenSSL refuses
    }
  },
};

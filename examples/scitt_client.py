#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A SCITT client in one page that knows nothing of Muniment: RFC 9052 and SCRAPI draft-11 alone.

    pip install cbor2 cryptography
    python3 scitt_client.py http://127.0.0.1:8080 [FILE]

Signs a statement about FILE (or about a few bytes) with a fresh key that the statement itself names,
registers it, checks the receipt's signature and path with the service's published keys, and writes
both to transparent-statement.cose. The ledger must take statements of any issuer.
"""
import base64
import hashlib
import sys
import urllib.request

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

ES256 = -7
ALG, KID, CONTENT_TYPE, CWT_CLAIMS = 1, 4, 3, 15
ISS, SUB, CNF, COSE_KEY = 1, 2, 8, 1
VDS, VDP, INCLUSION = 395, 396, -1
RECEIPTS = 394


def key_map(public):
    point = public.public_numbers()
    return {1: 2, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}


def thumbprint(key):
    """RFC 9679: SHA-256 of the deterministic CBOR of the key's required members."""
    return hashlib.sha256(cbor2.dumps({k: key[k] for k in (1, -1, -2, -3)}, canonical=True)).digest()


def to_be_signed(protected, payload):
    return cbor2.dumps(["Signature1", protected, b"", payload])


def sign(private, protected, payload):
    """A tagged COSE_Sign1."""
    head = cbor2.dumps(protected, canonical=True)
    r, s = utils.decode_dss_signature(private.sign(to_be_signed(head, payload), ec.ECDSA(hashes.SHA256())))
    return cbor2.dumps(cbor2.CBORTag(18, [head, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")]))


def verify(key, protected, payload, signature):
    public = ec.EllipticCurvePublicNumbers(*(int.from_bytes(key[x], "big") for x in (-2, -3)), ec.SECP256R1()).public_key()
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public.verify(utils.encode_dss_signature(r, s), to_be_signed(protected, payload), ec.ECDSA(hashes.SHA256()))


def root_of(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2."""
    at, last, root = index, size - 1, leaf
    for sibling in path:
        if at & 1 or at == last:
            root = hashlib.sha256(b"\1" + sibling + root).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\1" + root + sibling).digest()
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ValueError("the inclusion path is too short")
    return root


def make_statement(payload, subject):
    private = ec.generate_private_key(ec.SECP256R1())
    key = key_map(private.public_key())
    name = "urn:ietf:params:oauth:ckt:sha-256:" + base64.urlsafe_b64encode(thumbprint(key)).rstrip(b"=").decode()
    return sign(private, {ALG: ES256, KID: thumbprint(key), CONTENT_TYPE: "application/octet-stream",
                          CWT_CLAIMS: {ISS: name, SUB: subject, CNF: {COSE_KEY: key}}}, payload)


def check(statement, receipt, keys):
    """The receipt's index, when a published key has signed a root over this statement."""
    signed, proof = cbor2.loads(statement).value, cbor2.loads(receipt).value
    head = cbor2.loads(proof[0])
    if head[VDS] != 1:
        raise ValueError("not an RFC 9162 SHA-256 tree")
    size, index, path = cbor2.loads(proof[1][VDP][INCLUSION][0])
    leaf = hashlib.sha256(b"\0" + cbor2.dumps(cbor2.CBORTag(18, [signed[0], {}, signed[2], signed[3]]))).digest()
    key = next(k for k in keys if k.get(2) == head[KID] or thumbprint(k) == head[KID])
    verify(key, proof[0], root_of(leaf, index, size, path), proof[3])
    return index


def main():
    base = sys.argv[1].rstrip("/")
    payload = open(sys.argv[2], "rb").read() if len(sys.argv) > 2 else b"a document"
    subject = sys.argv[2] if len(sys.argv) > 2 else "example"
    statement = make_statement(payload, subject)
    request = urllib.request.Request(base + "/entries", statement, {"Content-Type": "application/cose", "Accept": "application/cose"})
    with urllib.request.urlopen(request) as answer:
        print(answer.status, answer.headers["Location"])
        receipt = answer.read()
    keys_request = urllib.request.Request(base + "/.well-known/scitt-keys", headers={"Accept": "application/cbor"})
    with urllib.request.urlopen(keys_request) as answer:
        keys = [k for k in cbor2.loads(answer.read()) if k.get(1) == 2]
    print("registered as entry", check(statement, receipt, keys), "- receipt verified")
    protected, _, content, signature = cbor2.loads(statement).value
    with open("transparent-statement.cose", "wb") as file:
        file.write(cbor2.dumps(cbor2.CBORTag(18, [protected, {RECEIPTS: [receipt]}, content, signature])))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""COSE receipts by docs/format/receipt.md."""
from . import cbor, keys, merkle
from .statement import Malformed, Sign1, is_name, need, read_time

CRITICAL = (1, 4, 15, 395)
MAX_SIZE = 65535
LEAF_CLAIM = -65701


class Receipt(Sign1):
    """A receipt that is not malformed. `kind` is "unsupported", "inclusion" or "consistency"; `proofs` holds
    (size, index, path), or (size 1, size 2, path) for a consistency receipt."""

    def __init__(self, data):
        need(len(data) <= MAX_SIZE, "receipt-too-large")  # [RCPT-5]
        super().__init__(data, CRITICAL, nil_payload=True)
        self.check_header()
        if self.vds != 1 or self.alg not in keys.ALGORITHMS:
            self.kind, self.proofs = "unsupported", []
        else:
            self.read_proofs()

    def check_header(self):
        protected, unprotected = self.protected, self.unprotected
        self.vds = protected.get(395)
        need(isinstance(self.vds, int), "vds-missing")  # [RCPT-6]
        need(4 not in unprotected and 15 not in unprotected, "label-misplaced")  # [RCPT-7]
        self.kid = protected.get(4)
        if 4 in protected:
            need(isinstance(self.kid, bytes) and 1 <= len(self.kid) <= 256, "kid-invalid")
        claims = protected.get(15, {})
        need(isinstance(claims, dict), "claims-invalid")
        self.check_claims(claims)
        need(1 not in claims or is_name(claims[1]), "claims-invalid")
        need(2 not in claims or is_name(claims[2]), "claims-invalid")
        self.iss, self.sub, self.iat = claims.get(1), claims.get(2), read_time(claims.get(6))
        self.leaf = claims.get(LEAF_CLAIM)
        if LEAF_CLAIM in claims:
            need(isinstance(self.leaf, bytes) and len(self.leaf) == 32, "claims-invalid")
        need(not any(label in protected for label in (394, 396, 258, 259, 260)), "label-misplaced")  # [RCPT-8]
        need(395 not in unprotected, "label-misplaced")

    def read_proofs(self):
        """[RCPT-9] to [RCPT-11]"""
        proofs = self.unprotected.get(396)
        need(isinstance(proofs, dict), "proofs-missing")
        need((-1 in proofs) != (-2 in proofs), "proofs-invalid")
        self.kind = "inclusion" if -1 in proofs else "consistency"
        raws = proofs[-1 if self.kind == "inclusion" else -2]
        need(isinstance(raws, list) and all(isinstance(raw, bytes) for raw in raws), "proofs-invalid")
        need(1 <= len(raws) <= (16 if self.kind == "inclusion" else 1), "proofs-invalid")
        self.proofs = [read_proof(raw) for raw in raws]
        if self.kind == "inclusion":
            need(self.payload is None, "payload-attached")
        else:
            need(self.payload is None or len(self.payload) == 32, "payload-attached")

    def root(self, leaf):
        """The root that all proofs lead to from this leaf; BadProof if one is impossible or they differ [RCPT-15]."""
        for size, index, path in self.proofs:
            merkle.check_possible(index, size, path)
        roots = {merkle.fold(leaf, index, size, path) for size, index, path in self.proofs}
        if len(roots) != 1:
            raise merkle.BadProof("two roots")
        return roots.pop()

    def signature_ok(self, key, root):
        """[RCPT-16]"""
        return keys.signature_ok(key, self.alg, self.signed_bytes(root), self.signature)


def read_proof(raw):
    """[RCPT-10]"""
    try:
        proof = cbor.decode(raw, strict=True)
    except cbor.CborError:
        raise Malformed("proofs-invalid")
    need(isinstance(proof, list) and len(proof) == 3, "proofs-invalid")
    first, second, path = proof
    need(isinstance(first, int) and isinstance(second, int) and first >= 0 and second >= 0, "proofs-invalid")
    need(isinstance(path, list) and all(isinstance(hash_, bytes) for hash_ in path), "proofs-invalid")
    return first, second, path


def good_for_leaf(data, leaf, key):
    """The small procedure of receipt.md for an inclusion receipt."""
    try:
        receipt = Receipt(data)
        if receipt.kind != "inclusion" or receipt.leaf not in (None, leaf):
            return False
        return receipt.signature_ok(key, receipt.root(leaf))
    except (Malformed, merkle.BadProof):
        return False


def good_for_old_tree(data, size, root, key):
    """The new root of a good consistency receipt [RCPT-18], else None."""
    try:
        receipt = Receipt(data)
        if receipt.kind != "consistency":
            return None
        size1, size2, path = receipt.proofs[0]
        if size1 != size:
            return None
        new = merkle.consistency(size1, size2, root, path)
        if receipt.payload not in (None, new) or not receipt.signature_ok(key, new):
            return None
        return new
    except (Malformed, merkle.BadProof):
        return None

# SPDX-License-Identifier: Apache-2.0
"""Signed statements by docs/format/statement.md."""
import hashlib

from . import cbor, keys, merkle

LEGACY = (391, 392, 393, -111, -222, -6800, -6801, -6802)
CRITICAL = (1, 3, 4, 15, 16, 33, 34, 258, 259, 260)
DIGEST_SIZES = {-16: ("sha256", 32), -43: ("sha384", 48), -44: ("sha512", 64)}
LAST_SECOND = 253402300799
MAX_ENTRY = 65535


class Malformed(Exception):
    """The bytes are refused; the text is the rule name."""


class Sign1:
    """The four parts of a COSE_Sign1 and its two header maps, by [STMT-1] to [STMT-7]."""

    def __init__(self, data, critical, nil_payload):
        try:
            item = cbor.decode(data, strict=True)
        except cbor.CborError:
            raise Malformed("not-a-statement")
        need(isinstance(item, cbor.Tag) and item.number == 18, "not-a-statement")  # [STMT-1]
        need(isinstance(item.value, list) and len(item.value) == 4, "not-a-statement")
        self.protected_bytes, self.unprotected, self.payload, self.signature = item.value
        need(isinstance(self.protected_bytes, bytes), "not-a-statement")
        need(isinstance(self.unprotected, dict), "not-a-statement")
        need(isinstance(self.signature, bytes), "not-a-statement")
        if self.payload == cbor.NIL:
            need(nil_payload, "payload-detached")  # [STMT-17]
            self.payload = None
        else:
            need(isinstance(self.payload, bytes), "not-a-statement")
        try:
            self.protected = cbor.decode(self.protected_bytes, strict=False)
        except cbor.CborError:
            raise Malformed("protected-invalid")
        need(isinstance(self.protected, dict), "protected-invalid")  # [STMT-2]
        self.check_labels(critical)

    def check_labels(self, critical):
        both = list(self.protected) + list(self.unprotected)
        need(all(isinstance(label, (int, str)) for label in both), "label-invalid")  # [STMT-3]
        need(len(set(both)) == len(both), "label-in-both")  # [STMT-4]
        need(not any(label in both for label in LEGACY), "label-legacy")  # [STMT-5]
        if 2 in self.protected:  # [STMT-6]
            crit = self.protected[2]
            need(isinstance(crit, list) and crit, "crit-unknown")
            for label in crit:
                need(isinstance(label, int) and label in critical and label in self.protected, "crit-unknown")
        need(2 not in self.unprotected, "label-misplaced")  # [STMT-14], [RCPT-8]
        self.alg = self.protected.get(1)
        need(isinstance(self.alg, int), "alg-missing")  # [STMT-7]

    def check_claims(self, claims):
        need(all(isinstance(label, (int, str)) for label in claims), "label-invalid")  # [STMT-3]

    def signed_bytes(self, payload):
        """Sig_structure without external data [STMT-19], [RCPT-16]."""
        return (b"\x84\x6aSignature1" + cbor.byte_string(self.protected_bytes) + b"\x40" + cbor.byte_string(payload))


def need(condition, rule):
    if not condition:
        raise Malformed(rule)


def is_name(value):
    """A text of 1 to 8,192 bytes [STMT-9]."""
    return isinstance(value, str) and 1 <= len(value.encode("utf-8")) <= 8192


def read_time(value):
    """A value of `iat` as a time, else None."""
    if isinstance(value, cbor.Tag) and value.number == 1:
        value = value.value
    if isinstance(value, int) and 0 <= value <= LAST_SECOND:
        return value
    return None


def is_content_type(value):
    return isinstance(value, str) or (isinstance(value, int) and value >= 0)


class Statement(Sign1):
    """A statement that obeys [STMT-1] to [STMT-18]."""

    def __init__(self, data):
        super().__init__(data, CRITICAL, nil_payload=False)
        protected, unprotected = self.protected, self.unprotected
        self.claims = protected.get(15)
        need(isinstance(self.claims, dict), "claims-missing")  # [STMT-8]
        self.check_claims(self.claims)
        need(1 in self.claims and 2 in self.claims, "claims-missing")
        self.iss, self.sub = self.claims[1], self.claims[2]
        need(is_name(self.iss) and is_name(self.sub), "claims-invalid")
        need(any(label in protected for label in (4, 33, 34)), "kid-missing")  # [STMT-10]
        self.kid = protected.get(4)
        if 4 in protected:
            need(isinstance(self.kid, bytes) and 1 <= len(self.kid) <= 256, "kid-invalid")  # [STMT-11]
        self.check_certificates()
        if 3 in protected:
            need(is_content_type(protected[3]), "content-type-invalid")  # [STMT-13]
        need(not any(label in unprotected for label in (258, 259, 260)), "label-misplaced")  # [STMT-14]
        need(not any(label in protected for label in (394, 396, -65700)), "label-misplaced")
        self.check_envelope()
        self.iat = read_time(self.claims.get(6))

    def check_certificates(self):
        """[STMT-12]"""
        chain = self.protected.get(33)
        self.certificate = None
        if 33 in self.protected:
            if isinstance(chain, list):
                need(2 <= len(chain) <= 8, "certificate-header-invalid")
            else:
                chain = [chain]
            need(all(isinstance(one, bytes) for one in chain), "certificate-header-invalid")
            self.certificate = chain[0]
        if 34 in self.protected:
            x5t = self.protected[34]
            need(isinstance(x5t, list) and len(x5t) == 2 and isinstance(x5t[0], (int, str))
                 and isinstance(x5t[1], bytes), "certificate-header-invalid")

    def check_envelope(self):
        """[STMT-15], [STMT-16]"""
        protected = self.protected
        self.hash_alg = protected.get(258)
        self.is_envelope = 258 in protected
        if not self.is_envelope:
            self.content_type = protected.get(3)
            return
        self.content_type = protected.get(259)
        need(isinstance(self.hash_alg, int), "hash-envelope-invalid")
        need(259 not in protected or is_content_type(protected[259]), "hash-envelope-invalid")
        need(260 not in protected or isinstance(protected[260], str), "hash-envelope-invalid")
        need(3 not in protected and 3 not in self.unprotected, "hash-envelope-invalid")
        if self.hash_alg in DIGEST_SIZES:
            need(len(self.payload) == DIGEST_SIZES[self.hash_alg][1], "digest-length")

    def certificate_key(self):
        """The key of the protected x5chain, or None."""
        if self.certificate is None:
            return None
        try:
            return keys.from_certificate(self.certificate)
        except keys.BadKey:
            return None

    def certificate_named(self):
        """False: x5t with SHA-256 is of another certificate than the first of x5chain (RFC 9360)."""
        x5t = self.protected.get(34)
        if x5t is None or self.certificate is None or x5t[0] != -16:
            return True
        return x5t[1] == hashlib.sha256(self.certificate).digest()

    def confirmation_key(self):
        """The key of the claim cnf, or None."""
        cnf = self.claims.get(8)
        if not isinstance(cnf, dict):
            return None
        try:
            return keys.from_cose(cnf.get(1))
        except keys.BadKey:
            return None

    def entry(self):
        """The entry bytes [STMT-21]."""
        return (b"\xd2\x84" + cbor.byte_string(self.protected_bytes) + b"\xa0" +
                cbor.byte_string(self.payload) + cbor.byte_string(self.signature))

    def leaf(self):
        """[STMT-22]"""
        return merkle.leaf_hash(self.entry())

    def signature_ok(self, key):
        """[STMT-20]"""
        return keys.signature_ok(key, self.alg, self.signed_bytes(self.payload), self.signature)

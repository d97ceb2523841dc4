# SPDX-License-Identifier: Apache-2.0
"""Signed test material: keys, certificates, statements, receipts, checkpoints, tlog-proofs. Everything follows from a seed.

The keys are for tests; nothing here is constant-time or secret.
"""
import hashlib
import hmac
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "ref"))
from muniment_ref import cbor, ed25519, keys, merkle, rsa_pss, text  # noqa: E402

EC_OIDS = {1: bytes.fromhex("06082a8648ce3d030107"), 2: bytes.fromhex("06052b81040022"), 3: bytes.fromhex("06052b81040023")}


SMALL = [p for p in range(3, 3000) if all(p % q for q in range(2, int(p**0.5) + 1))]


def next_prime(number):
    """The next number that passes six rounds of Miller-Rabin; good enough for tests."""
    number |= 1
    while True:
        if all(number % p for p in SMALL) and all(miller_rabin(number, base) for base in SMALL[:6]):
            return number
        number += 2


def miller_rabin(number, base):
    odd, twos = number - 1, 0
    while not odd & 1:
        odd, twos = odd >> 1, twos + 1
    value = pow(base, odd, number)
    if value in (1, number - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % number
        if value == number - 1:
            return True
    return False


def expand(seed, size):
    """Bytes that follow from a seed."""
    return hashlib.shake_256(seed.encode()).digest(size)


class EcSigner:
    def __init__(self, seed, curve, alg):
        self.curve, self.alg, self.hash = keys.CURVES[curve], alg, keys.ALGORITHMS[alg][2]
        order = self.curve.n
        self.secret = int.from_bytes(expand(seed, self.curve.size + 8), "big") % (order - 1) + 1
        x, y = self.times(self.secret)
        size = self.curve.size
        self.key = keys.Key(2, curve, x.to_bytes(size, "big"), y.to_bytes(size, "big"))

    def times(self, scalar):
        return self.curve.affine([self.curve.combine(scalar, 0, self.curve.generator)])[0]

    def sign(self, message):
        """Deterministic nonce (not RFC 6979's, but like it: a hash of secret and message)."""
        order, size = self.curve.n, self.curve.size
        digest = hashlib.new(self.hash, message).digest()
        number = int.from_bytes(digest, "big")
        if 8 * len(digest) > order.bit_length():
            number >>= 8 * len(digest) - order.bit_length()
        nonce = hmac.new(self.secret.to_bytes(size, "big"), message, "sha512").digest() + digest
        k = int.from_bytes(nonce, "big") % (order - 1) + 1
        r = self.times(k)[0] % order
        s = pow(k, -1, order) * (number + r * self.secret) % order
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


class EdSigner:
    def __init__(self, seed, alg=-8):
        self.alg = alg
        digest = hashlib.sha512(expand(seed, 32)).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self.prefix = digest[32:]
        self.key = keys.Key(1, 6, ed25519.encode_point(ed25519.base_times(self.scalar % ed25519.L)), b"")

    def sign(self, message):
        """RFC 8032, section 5.1.6"""
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % ed25519.L
        point = ed25519.encode_point(ed25519.base_times(r))
        k = int.from_bytes(hashlib.sha512(point + self.key.x + message).digest(), "little") % ed25519.L
        return point + ((r + k * self.scalar) % ed25519.L).to_bytes(32, "little")


class RsaSigner:
    def __init__(self, seed, bits, alg, exponent=65537):
        self.alg, self.hash = alg, keys.ALGORITHMS[alg][2]
        top = 3 << (bits // 2 - 2)
        self.p, self.q = (self.prime(top | int.from_bytes(expand(seed + c, bits // 16), "big"), exponent) for c in "pq")
        self.n = self.p * self.q
        self.secret = pow(exponent, -1, (self.p - 1) * (self.q - 1))
        self.key = keys.Key(3, 0, self.n.to_bytes((self.n.bit_length() + 7) // 8, "big"),
                            exponent.to_bytes((exponent.bit_length() + 7) // 8, "big"))

    @staticmethod
    def prime(number, exponent):
        while True:
            number = next_prime(number)
            if (number - 1) % exponent:
                return number
            number += 2

    def sign(self, message, salt_size=None):
        """RFC 8017, section 8.1.1, with a salt that is a hash of the message."""
        digest = hashlib.new(self.hash, message).digest()
        salt = hashlib.new(self.hash, b"salt" + message).digest()[:salt_size]
        em_bits = self.n.bit_length() - 1
        em_size = (em_bits + 7) // 8
        h = hashlib.new(self.hash, bytes(8) + digest + salt).digest()
        db = bytes(em_size - len(salt) - len(h) - 2) + b"\1" + salt
        masked = bytearray(a ^ b for a, b in zip(db, rsa_pss.mgf1(self.hash, h, len(db))))
        masked[0] &= 0xff >> (8 * em_size - em_bits)
        em = int.from_bytes(bytes(masked) + h + b"\xbc", "big")
        return pow(em, self.secret, self.n).to_bytes(len(self.key.x), "big")


# ---- DER ----------------------------------------------------------------------------------------

def der(tag, content):
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    raw = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(raw)]) + raw + content


def spki(key):
    if key.kty == 1:
        return der(0x30, bytes.fromhex("300506032b6570") + der(3, b"\0" + key.x))
    if key.kty == 2:
        algorithm = der(0x30, bytes.fromhex("06072a8648ce3d0201") + EC_OIDS[key.curve])
        return der(0x30, algorithm + der(3, b"\0\x04" + key.x + key.y))
    numbers = b"".join(der(2, (b"\0" if raw[0] & 0x80 else b"") + raw) for raw in (key.x, key.y))
    return der(0x30, bytes.fromhex("300d06092a864886f70d0101010500") + der(3, b"\0" + der(0x30, numbers)))


def certificate(key, version=True, extensions=b""):
    """What the walk of [KEY-10] looks at, with fillings."""
    name = der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403") + der(0x0c, b"test"))))
    times = der(0x30, der(0x17, b"260101000000Z") + der(0x17, b"360101000000Z"))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    tbs = (der(0xa0, der(2, b"\2")) if version else b"") + der(2, b"\x01\x02") + algorithm + name + times + name + spki(key) + extensions
    return der(0x30, der(0x30, tbs) + algorithm + der(3, b"\0" + bytes(70)))


# ---- COSE ---------------------------------------------------------------------------------------

def sign1(signer, protected, payload, unprotected=None, signed=None):
    """A COSE_Sign1; protected as a dict or as bytes, payload None for nil, then `signed` is what stands for it."""
    raw = protected if isinstance(protected, bytes) else cbor.encode(protected)
    covered = payload if signed is None else signed
    message = b"\x84\x6aSignature1" + cbor.byte_string(raw) + b"\x40" + cbor.byte_string(covered)
    body = cbor.NIL if payload is None else payload
    return cbor.encode(cbor.Tag(18, [raw, unprotected or {}, body, signer.sign(message)]))


def key_map(key):
    """A COSE_Key as a value."""
    return cbor.decode(keys.to_cose(key), strict=True)


# ---- notes --------------------------------------------------------------------------------------

def note_line(name, type_, key, signature):
    return "\u2014 %s %s\n" % (name, text.base64_encode(keys.key_id(name, type_, key.x) + signature))


def checkpoint_text(origin, size, root, extensions=()):
    return "".join(line + "\n" for line in (origin, str(size), text.base64_encode(root), *extensions))


def log_line(origin, signer, body):
    return note_line(origin, 1, signer.key, signer.sign(body.encode()))


def witness_line(name, signer, body, time):
    message = ("cosignature/v1\ntime %d\n" % time + body).encode()
    return note_line(name, 4, signer.key, time.to_bytes(8, "big") + signer.sign(message))


def tlog_proof(index, path, note, extra=None):
    lines = ["c2sp.org/tlog-proof@v1"]
    if extra is not None:
        lines.append("extra " + text.base64_encode(extra))
    lines.append("index %d" % index)
    lines += [text.base64_encode(node) for node in path]
    return ("\n".join(lines) + "\n\n" + note).encode()


def tree_with(rng, size, places):
    """A tree of random leaves with given ones at their places."""
    tree = merkle.Tree()
    for index in range(size):
        tree.append(places.get(index) or rng.getrandbits(256).to_bytes(32, "big"))
    return tree

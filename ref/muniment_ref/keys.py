# SPDX-License-Identifier: Apache-2.0
"""Public keys by docs/format/key.md: COSE_Key, names, signatures, certificates, ledger.pub, and foreign key files."""
import hashlib
import json
import os
from collections import namedtuple
from functools import lru_cache

from . import cbor, ec, ed25519, rsa_pss, text
from .text import TextError

# kty 2: curve, x, y. kty 1: curve, x, y = b"". kty 3: curve = 0, x = n, y = e.
Key = namedtuple("Key", "kty curve x y")

EC2_SIZES = {1: 32, 2: 48, 3: 66}
CURVES = {1: ec.P256, 2: ec.P384, 3: ec.P521}

# alg: kty, curve, hash
ALGORITHMS = {
    -7: (2, 1, "sha256"), -9: (2, 1, "sha256"),
    -35: (2, 2, "sha384"), -51: (2, 2, "sha384"),
    -36: (2, 3, "sha512"), -52: (2, 3, "sha512"),
    -8: (1, 6, None), -19: (1, 6, None),
    -37: (3, 0, "sha256"), -38: (3, 0, "sha384"), -39: (3, 0, "sha512"),
}

# White_Space of Unicode, as listed in [CKPT-4]
SPACES = frozenset([*range(0x09, 0x0e), 0x20, 0x85, 0xa0, 0x1680, *range(0x2000, 0x200b),
                    0x2028, 0x2029, 0x202f, 0x205f, 0x3000])


class BadKey(Exception):
    """The bytes are no key, or not one that is accepted."""


# ---- COSE_Key -----------------------------------------------------------------------------------

def from_cose(value):
    """A key out of a decoded map [KEY-1], [KEY-2]."""
    if not isinstance(value, dict):
        raise BadKey("a COSE_Key is a map")
    kty, curve, x, y = value.get(1), value.get(-1), value.get(-2), value.get(-3)
    if not isinstance(kty, int):
        raise BadKey("no kty")
    if kty == 2:
        if not isinstance(curve, int) or curve not in EC2_SIZES:
            raise BadKey("another curve")
        if -4 in value:
            raise BadKey("a private key")
        return checked(Key(2, curve, x, y))
    if kty == 1:
        if not isinstance(curve, int) or curve != 6:
            raise BadKey("another curve")
        if -4 in value:
            raise BadKey("a private key")
        return checked(Key(1, 6, x, b""))
    if kty == 3:
        if -3 in value:
            raise BadKey("a private key")
        return checked(Key(3, 0, curve, x))
    raise BadKey("another kty")


def checked(key):
    """The sizes of [KEY-1]."""
    if not isinstance(key.x, bytes) or not isinstance(key.y, bytes):
        raise BadKey("not a byte string")
    if key.kty == 2:
        good = len(key.x) == len(key.y) == EC2_SIZES[key.curve]
    elif key.kty == 1:
        good = len(key.x) == 32
    else:
        good = 256 <= len(key.x) <= 512 and 1 <= len(key.y) <= 8 and key.x[0] != 0 and key.y[0] != 0
    if not good:
        raise BadKey("a member of the wrong size")
    return key


def parse_cose(data):
    try:
        return from_cose(cbor.decode(data, strict=True))
    except cbor.CborError as error:
        raise BadKey(str(error))


def to_cose(key):
    """The required members only [KEY-3]."""
    if key.kty == 2:
        return cbor.encode({1: 2, -1: key.curve, -2: key.x, -3: key.y})
    if key.kty == 1:
        return cbor.encode({1: 1, -1: 6, -2: key.x})
    return cbor.encode({1: 3, -1: key.x, -2: key.y})


# ---- names --------------------------------------------------------------------------------------

@lru_cache(maxsize=4096)
def thumbprint(key):
    """RFC 9679 [KEY-7]."""
    return hashlib.sha256(to_cose(key)).digest()


def thumbprint_uri(key):
    """[KEY-8]"""
    return "urn:ietf:params:oauth:ckt:sha-256:" + text.base64url_encode(thumbprint(key))


def did_key(key):
    """did:key of P-256, P-384 and Ed25519, else None."""
    if key.kty == 1:
        return "did:key:z" + text.base58_encode(b"\xed\x01" + key.x)
    if key.kty == 2 and key.curve in (1, 2):
        prefix = b"\x80\x24" if key.curve == 1 else b"\x81\x24"
        return "did:key:z" + text.base58_encode(prefix + bytes([2 + (key.y[-1] & 1)]) + key.x)
    return None


@lru_cache(maxsize=4096)
def own_names(key):
    """[KEY-9]"""
    did = did_key(key)
    return (thumbprint_uri(key), did) if did else (thumbprint_uri(key),)


# ---- signatures ---------------------------------------------------------------------------------

@lru_cache(maxsize=512)
def signature_ok(key, alg, message, signature):
    """[KEY-4] to [KEY-6]"""
    if alg not in ALGORITHMS:
        return False
    kty, curve, hash_name = ALGORITHMS[alg]
    if key.kty != kty or key.curve != curve:
        return False
    if kty == 2:
        digest = hashlib.new(hash_name, message).digest()
        return ec.verify(CURVES[curve], int.from_bytes(key.x, "big"), int.from_bytes(key.y, "big"), digest, signature)
    if kty == 1:
        return ed25519.verify(key.x, message, signature)
    return rsa_pss.verify(key.x, key.y, hash_name, message, signature)


# ---- certificates and SubjectPublicKeyInfo ------------------------------------------------------

SPKI_PREFIX = {
    bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" "04"): (2, 1),
    bytes.fromhex("3076301006072a8648ce3d020106052b81040022036200" "04"): (2, 2),
    bytes.fromhex("30819b301006072a8648ce3d020106052b8104002303818600" "04"): (2, 3),
    bytes.fromhex("302a300506032b6570032100"): (1, 6),
}
RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")


def der_element(data, at, end, tag):
    """Start and end of the content of the element at `at`, which must have this one-byte tag."""
    if at + 2 > end or data[at] != tag:
        raise BadKey("DER: another tag")
    size, start = data[at + 1], at + 2
    if size >= 0x80:
        count = size - 0x80
        if count not in (1, 2, 3) or start + count > end:
            raise BadKey("DER: length")
        size = int.from_bytes(data[start:start + count], "big")
        start += count
        if size < (0x80 if count == 1 else 1 << (8 * (count - 1))):
            raise BadKey("DER: length is not minimal")
    if size > end - start:
        raise BadKey("DER: truncated")
    return start, start + size


def from_certificate(data):
    """The walk of [KEY-10]."""
    at, end = der_element(data, 0, len(data), 0x30)
    if end != len(data):
        raise BadKey("bytes after the certificate")
    at, end = der_element(data, at, end, 0x30)
    if at < end and data[at] == 0xa0:
        _, at = der_element(data, at, end, 0xa0)
    for tag in (0x02, 0x30, 0x30, 0x30, 0x30):
        _, at = der_element(data, at, end, tag)
    _, after = der_element(data, at, end, 0x30)
    return from_spki(data[at:after])


def from_spki(data):
    """One of the five shapes in key.md, nothing left over."""
    for prefix, (kty, curve) in SPKI_PREFIX.items():
        if data.startswith(prefix):
            rest = data[len(prefix):]
            if kty == 1:
                return checked(Key(1, 6, rest, b""))
            size = EC2_SIZES[curve]
            return checked(Key(2, curve, rest[:size], rest[size:]))
    at, end = der_element(data, 0, len(data), 0x30)
    if end != len(data) or not data.startswith(RSA_ALGORITHM, at):
        raise BadKey("another kind of key")
    at, after = der_element(data, at + len(RSA_ALGORITHM), end, 0x03)
    if after != end or at == after or data[at] != 0:
        raise BadKey("bit string")
    at, after = der_element(data, at + 1, end, 0x30)
    if after != end:
        raise BadKey("bytes left over")
    n, at = der_number(data, at, end)
    e, at = der_number(data, at, end)
    if at != end:
        raise BadKey("bytes left over")
    return checked(Key(3, 0, n, e))


def der_number(data, at, end):
    """A minimal positive INTEGER without its leading zero byte, and where it ends."""
    start, after = der_element(data, at, end, 0x02)
    raw = data[start:after]
    if not raw or raw[0] & 0x80:
        raise BadKey("number is not positive")
    if raw[0] == 0:
        if len(raw) == 1 or not raw[1] & 0x80:
            raise BadKey("number is not minimal or not positive")
        raw = raw[1:]
    return raw, after


# ---- names of notes, vkeys, origins, ledger.pub -------------------------------------------------

def key_id(name, type_, public):
    """[CKPT-6]"""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + bytes([type_]) + public).digest()[:4]


def name_ok(name):
    """A key name [CKPT-4]."""
    return name != "" and "+" not in name and not any(ord(c) in SPACES for c in name)


def parse_vkey(line):
    """Name, type and key of a vkey [CKPT-7]; type 1 or 4, the only ones these documents know."""
    parts = line.split("+", 2)
    if len(parts) != 3 or not name_ok(parts[0]):
        raise BadKey("not a vkey")
    try:
        raw = text.base64_decode(parts[2])
        name = parts[0].encode("utf-8")
    except (TextError, UnicodeEncodeError):
        raise BadKey("not a vkey")
    if len(raw) != 33 or raw[0] not in (1, 4):
        raise BadKey("a vkey of another kind")
    if hashlib.sha256(name + b"\n" + raw).digest()[:4].hex() != parts[1]:
        raise BadKey("the key id does not fit")
    return parts[0], raw[0], checked(Key(1, 6, raw[1:], b""))


def make_vkey(name, type_, key):
    return "%s+%s+%s" % (name, key_id(name, type_, key.x).hex(), text.base64_encode(bytes([type_]) + key.x))


def origin_ok(raw):
    """[KEY-12], of bytes."""
    try:
        origin = raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if not 1 <= len(raw) <= 255 or "://" in origin or origin.endswith("/"):
        return False
    return name_ok(origin) and not any(ord(c) < 0x20 or ord(c) == 0x7f for c in origin)


LedgerPub = namedtuple("LedgerPub", "origin receipts checkpoints")


def parse_ledger_pub(data):
    """Read loosely, write again, compare: that is [KEY-13]."""
    try:
        lines = data.decode("utf-8").split("\n")
        if lines[0] != "muniment-ledger/1":
            newer = lines[0].startswith("muniment-ledger/") and lines[0][16:].isdigit()
            raise BadKey("made by a newer version" if newer else "not a ledger.pub")  # [FMT-1]
        words = dict(line.split(" ", 1) for line in lines[1:4])
        origin = words["origin"]
        receipts = parse_cose(text.base64_decode(words["receipts"]))
        name, type_, checkpoints = parse_vkey(words["checkpoints"])
    except (UnicodeDecodeError, ValueError, KeyError, TextError):
        raise BadKey("not a ledger.pub")
    if not origin_ok(origin.encode("utf-8")) or name != origin or type_ != 1:
        raise BadKey("origin or vkey")
    if receipts.kty == 3 or receipts.curve == 3:
        raise BadKey("receipts key of another kind")
    result = LedgerPub(origin, receipts, checkpoints)
    if write_ledger_pub(result) != data:
        raise BadKey("not what a writer makes")
    return result


def write_ledger_pub(pub):
    return ("muniment-ledger/1\norigin %s\nreceipts %s\ncheckpoints %s\n" % (
        pub.origin, text.base64_encode(to_cose(pub.receipts)),
        make_vkey(pub.origin, 1, pub.checkpoints))).encode("utf-8")


def words_file():
    """words.txt stands beside the documents: in the repository or in a kit."""
    here = os.path.dirname(os.path.abspath(__file__))
    for place in ("../../docs/format", "../../format", "../..", ".."):
        path = os.path.join(here, place, "words.txt")
        if os.path.exists(path):
            return path
    raise OSError("words.txt of the format documents is not here")


@lru_cache(maxsize=1)
def word_list():
    """[KEY-15]"""
    with open(words_file(), "rb") as file:
        words = file.read().decode("ascii").split("\n")
    if words.pop() != "" or len(words) != 256 or words != sorted(set(words)):
        raise OSError("words.txt is not the one of version 1")
    return words


def fingerprint(ledger_pub):
    """Twelve bytes of the bytes of ledger.pub [KEY-14]."""
    return hashlib.sha256(b"muniment ledger fingerprint/1\n" + ledger_pub).digest()[:12]


def fingerprint_words(ledger_pub):
    return " ".join(word_list()[byte] for byte in fingerprint(ledger_pub))


# ---- key files of users -------------------------------------------------------------------------

JWK_CURVES = {"P-256": 1, "P-384": 2, "P-521": 3}


def from_jwk(data):
    try:
        jwk = json.loads(data)
        if "d" in jwk:
            raise BadKey("a private key")
        if jwk["kty"] == "EC":
            return checked(Key(2, JWK_CURVES[jwk["crv"]], text.base64url_decode(jwk["x"]), text.base64url_decode(jwk["y"])))
        if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
            return checked(Key(1, 6, text.base64url_decode(jwk["x"]), b""))
        if jwk["kty"] == "RSA":
            return checked(Key(3, 0, text.base64url_decode(jwk["n"]), text.base64url_decode(jwk["e"])))
    except (ValueError, KeyError, TypeError, TextError):
        pass
    raise BadKey("not a JWK that is known here")


def from_pem(data):
    """One PEM block PUBLIC KEY or CERTIFICATE."""
    lines = [line.strip() for line in data.decode("ascii").splitlines()]
    for label, parse in (("PUBLIC KEY", from_spki), ("CERTIFICATE", from_certificate)):
        begin, end = "-----BEGIN %s-----" % label, "-----END %s-----" % label
        if begin in lines and end in lines:
            body = "".join(lines[lines.index(begin) + 1:lines.index(end)])
            try:
                return parse(text.base64_decode(body))
            except TextError as error:
                raise BadKey(str(error))
    raise BadKey("no public key in this PEM file")


def read_key_file(data):
    """PEM, JWK, vkey or COSE_Key: gives (name or None, key)."""
    stripped = data.strip()
    try:
        if stripped.startswith(b"-----"):
            return None, from_pem(stripped)
        if stripped.startswith(b"{"):
            return None, from_jwk(stripped)
        if b"+" in stripped and b"\n" not in stripped:
            name, _, key = parse_vkey(stripped.decode("utf-8"))
            return name, key
    except (UnicodeDecodeError, BadKey) as error:
        if stripped[:1] in (b"-", b"{"):
            raise BadKey(str(error))
    return None, parse_cose(data)

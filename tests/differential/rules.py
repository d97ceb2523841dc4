# SPDX-License-Identifier: Apache-2.0
"""Requests that stand at the border of one rule each, made by enumeration: every label with every kind of value in both
maps, every wrong length, every DER element written in another way. Nothing here is random."""
import mutate
from cases import entry
from material import (EC_OIDS, EcSigner, EdSigner, cbor, certificate, checkpoint_text, der, ed25519, key_map, keys, log_line,
                      merkle, note_line, sign1, spki, text, tlog_proof, witness_line)

VALUES = (0, 1, 2, 23, 65536, -1, -7, -16, -2**64, 2**64 - 1, "", "a", "x" * 8192, "x" * 8193, b"", b"a", bytes(31), bytes(32), bytes(33),
          bytes(48), bytes(64), bytes(256), bytes(257), [], [0], [4], [b""], [b"", b""], [b""] * 8, [b""] * 9, ["a", b""], [0, b""], [0, ""],
          [b"", b""] + [0], {}, {1: "a"}, {1: "a", 2: "b"}, {b"": 0}, {-1: [b""]}, cbor.Tag(1, 5), cbor.Tag(18, b"a"), cbor.NIL, cbor.Simple(21),
          cbor.Float(bytes(8)), cbor.Chunked(b"ab"), cbor.Chunked("ab"), cbor.Chunked(b""))
LABELS = (0, 1, 2, 3, 4, 5, 6, 14, 15, 16, 17, 32, 33, 34, 35, 257, 258, 259, 260, 261, 390, 391, 392, 393, 394, 395, 396, 397, -1, -2, -65700,
          -65701, -111, -222, -6800, -6801, -6802, 2**64 - 1, -2**64, "", "alg", "1", b"", b"\1")
CLAIMS = (0, 1, 2, 3, 6, 8, -65701, "iss", b"")
LEAF = bytes(range(32))
SIGNER = EdSigner("rules")


def write(value):
    """Like an encoder, but it also writes floats and strings of indefinite length; maps in the order given."""
    return mutate.Writer(None).write(mutate.tree_of(value))


def sign1_of(protected, unprotected, payload, signature=b"sig"):
    raw = protected if isinstance(protected, bytes) else write(protected)
    return write(cbor.Tag(18, [raw, unprotected, payload, signature])).hex()


# ---- header maps --------------------------------------------------------------------------------

STATEMENTS = (
    ({1: -8, 4: b"k", 15: {1: "i", 2: "s"}, 258: -16, 259: "text/plain"}, bytes(32)),
    ({1: -8, 4: b"k", 15: {1: "i", 2: "s"}, 3: "text/plain"}, b"payload"),
    ({1: -8, 34: [-16, bytes(32)], 33: b"certificate", 15: {1: "i", 2: "s", 6: 5}}, b""),
)
INCLUSION = {396: {-1: [cbor.encode([1, 0, []])]}}
CONSISTENCY = {396: {-2: [cbor.encode([1, 2, [bytes(32)]])]}}
RECEIPT = {1: -8, 4: b"k", 15: {1: "i", 2: "s", 6: 5, -65701: LEAF}, 395: 1}


def with_label(one, label, value):
    return {**one, label: value}


def without(one, label):
    return {key: value for key, value in one.items() if key != label}


def statement_requests():
    for protected, payload in STATEMENTS:
        for label in protected:
            yield {"statement": sign1_of(without(protected, label), {}, payload)}
        for label in LABELS:
            for value in VALUES:
                yield {"statement": sign1_of(with_label(protected, label, value), {}, payload)}
                yield {"statement": sign1_of(protected, {label: value}, payload)}
        for claim in CLAIMS:
            yield {"statement": sign1_of(with_label(protected, 15, without(protected[15], claim)), {}, payload)}
            for value in VALUES:
                yield {"statement": sign1_of(with_label(protected, 15, with_label(protected[15], claim, value)), {}, payload)}
        for value in VALUES:
            yield {"statement": sign1_of(protected, {}, value)}
            yield {"statement": sign1_of(protected, {}, payload, value)}
            yield {"statement": sign1_of(protected, value, payload)}
            yield {"statement": write(cbor.Tag(18, [value, {}, payload, b""])).hex()}
            yield {"statement": write(value).hex()}
        yield from crit_requests("statement", protected, {}, payload)
    yield from payload_sizes()
    yield from count_requests()


def crit_requests(name, protected, unprotected, payload):
    """[STMT-6]: every label alone and beside a good one, with and without its header."""
    for label in LABELS:
        for crit in ([label], [1, label], [label, label], [1, 15], [cbor.Tag(1, 1)], ["1"]):
            for header in (protected, {label: protected.get(label, 0), **protected}):
                yield {name: sign1_of({**header, 2: crit}, unprotected, payload)}
    yield {name: sign1_of({**protected, 2: list(range(300))}, unprotected, payload)}


def payload_sizes():
    """[STMT-16]"""
    protected, _ = STATEMENTS[0]
    for alg in (-16, -43, -44, -15, -17, -18, -45, 0, 2**63):
        for size in (0, 31, 32, 33, 47, 48, 49, 63, 64, 65):
            yield {"statement": sign1_of(with_label(protected, 258, alg), {}, bytes(size))}


def count_requests():
    """The array of a COSE_Sign1, and its tag."""
    protected, payload = STATEMENTS[0]
    raw = write(protected)
    for parts in ([raw, {}, payload], [raw, {}, payload, b"", b""], [raw, {}, payload, b""]):
        for tag in (18, 17, 98, 61):
            yield {"statement": write(cbor.Tag(tag, parts)).hex()}
        yield {"statement": write(parts).hex()}
        yield {"statement": write(cbor.Tag(18, cbor.Tag(18, parts))).hex()}
        yield {"statement": write(cbor.Tag(61, cbor.Tag(18, parts))).hex()}


def receipt_requests():
    for unprotected in (INCLUSION, CONSISTENCY):
        for label in RECEIPT:
            yield {"receipt": sign1_of(without(RECEIPT, label), unprotected, cbor.NIL)}
        for label in LABELS:
            for value in VALUES:
                yield {"receipt": sign1_of(with_label(RECEIPT, label, value), unprotected, cbor.NIL)}
                yield {"receipt": sign1_of(RECEIPT, with_label(unprotected, label, value), cbor.NIL)}
        for claim in CLAIMS:
            for value in VALUES:
                yield {"receipt": sign1_of(with_label(RECEIPT, 15, with_label(RECEIPT[15], claim, value)), unprotected, cbor.NIL)}
        for value in VALUES:
            yield {"receipt": sign1_of(RECEIPT, unprotected, value)}
            yield {"receipt": sign1_of(RECEIPT, unprotected, cbor.NIL, value)}
            yield {"receipt": sign1_of(with_label(RECEIPT, 395, 2), unprotected, value)}
        for label in LABELS[2:]:
            # a header that only this label is missing from, so that "in both maps" does not hide its own rule
            yield {"receipt": sign1_of(without(RECEIPT, label), with_label(unprotected, label, 1), cbor.NIL)}
            yield {"receipt": sign1_of(without(RECEIPT, label), with_label(unprotected, label, b"k"), cbor.NIL)}
            yield {"receipt": sign1_of(without(RECEIPT, label), with_label(unprotected, label, {1: "i"}), cbor.NIL)}
        yield from crit_requests("receipt", RECEIPT, unprotected, cbor.NIL)
    yield from proof_maps()


def proof_maps():
    """[RCPT-9], [RCPT-10]"""
    good = [1, 0, []]
    for key in (-1, -2, -3, 0, "x"):
        for value in VALUES:
            yield {"receipt": sign1_of(RECEIPT, {396: {key: value}}, cbor.NIL)}
            yield {"receipt": sign1_of(RECEIPT, {396: {-1: [cbor.encode(good)], key: value}}, cbor.NIL)}
        for count in (0, 1, 2, 16, 17):
            yield {"receipt": sign1_of(RECEIPT, {396: {key: [cbor.encode(good)] * count}}, cbor.NIL)}
        for value in VALUES:
            for place in range(3):
                yield {"receipt": sign1_of(RECEIPT, {396: {key: [write(good[:place] + [value] + good[place + 1:])]}}, cbor.NIL)}
            yield {"receipt": sign1_of(RECEIPT, {396: {key: [write([1, 0, [value]])]}}, cbor.NIL)}
            yield {"receipt": sign1_of(RECEIPT, {396: {key: [write(value)]}}, cbor.NIL)}
        for hex_ in ("83010080ff", "8301008000", "9f010080ff", "8318010080", "830100", "82010080", "8401008080", "8301009fff", "c183010080"):
            yield {"receipt": sign1_of(RECEIPT, {396: {key: [bytes.fromhex(hex_)]}}, cbor.NIL)}


# ---- Merkle arithmetic --------------------------------------------------------------------------

def tree_requests():
    """Every (index, size) of a small tree with every length of path; sizes at 2^63."""
    tree = merkle.Tree()
    for index in range(9):
        tree.append(bytes([index]) * 32)
    key = keys.to_cose(SIGNER.key).hex()
    for size in list(range(10)) + [2**63 - 1, 2**63, 2**64 - 1]:
        for index in [*range(10), 2**63 - 2, 2**63 - 1]:
            for length in {0, 1, 2, 3, 4, 5, 63, 64} if size < 10 and index < 10 else {62, 63, 64}:
                path = [bytes([k]) * 32 for k in range(length)]
                possible = 0 < size and index < size
                root = merkle.fold(LEAF, index, size, path) if possible else bytes(32)
                raw = sign1(SIGNER, {1: -8, 395: 1}, None, {396: {-1: [cbor.encode([size, index, path])]}}, signed=root)
                yield {"receipt_leaf": raw.hex(), "leaf": LEAF.hex(), "key": key}
    for size1 in range(9):
        for size2 in [*range(9), 2**63]:
            yield from consistency_requests(tree, size1, size2, key)


def consistency_requests(tree, size1, size2, key):
    from cases import consistency_path
    path = consistency_path(tree, size1, size2) if 0 < size1 < size2 <= tree.size else [bytes(32)]
    root = tree.root(size2) if size2 <= tree.size else bytes(32)
    for one in (path, path[:-1], path + path[:1], [bytes(31)] + path[1:], []):
        for payload in (None, root, bytes(32)):
            covered = sign1(SIGNER, {1: -8, 395: 1}, payload, {396: {-2: [cbor.encode([size1, size2, one])]}}, signed=root)
            for given in {size1, size1 + 1}:
                yield {"receipt_old": covered.hex(), "size": given, "root": tree.root(min(size1, 8)).hex(), "key": key}


# ---- keys ---------------------------------------------------------------------------------------

KEYS = (
    EcSigner("rules 1", 1, -7).key, EcSigner("rules 2", 2, -35).key, EcSigner("rules 3", 3, -36).key, SIGNER.key,
    keys.Key(3, 0, b"\xff" * 256, b"\1\0\1"),
)


def cose_key_requests():
    for key in KEYS:
        members = key_map(key)
        for label in (1, 2, 3, 4, -1, -2, -3, -4, -5, "x", b"x"):
            yield {"cose_key": write(without(members, label)).hex()}
            for value in VALUES:
                yield {"cose_key": write(with_label(members, label, value)).hex()}
    for size in (255, 256, 257, 511, 512, 513):
        for first in (b"\0", b"\1", b"\x80"):
            yield {"cose_key": cbor.encode({1: 3, -1: first + bytes(size - 1), -2: b"\3"}).hex()}
    for size in range(10):
        for first in (b"\0", b"\1"):
            yield {"cose_key": cbor.encode({1: 3, -1: b"\xff" * 256, -2: (first + bytes(9))[:size]}).hex()}


def lengths(content, tag):
    """The element as it must be, and in every other way of writing its length."""
    size = len(content)
    yield der(tag, content)
    for count in (1, 2, 3, 4):
        if size < 1 << 8 * count:
            yield bytes([tag, 0x80 | count]) + size.to_bytes(count, "big") + content
    yield bytes([tag, 0x80]) + content + b"\0\0"
    if size < 127:
        yield bytes([tag, size + 1]) + content
    yield der(tag ^ 0x20, content)
    yield der(tag, content + b"\0")


def certificate_requests():
    filler = der(0x30, b"")
    for key in KEYS:
        info = spki(key)
        parts = [der(0xa0, der(2, b"\2")), der(2, b"\1"), filler, filler, filler, filler, info]
        yield {"certificate": certificate(key).hex()}
        for missing in range(len(parts)):
            yield {"certificate": whole(parts[:missing] + parts[missing + 1:]).hex()}
            yield {"certificate": whole(parts[:missing] + parts[missing:missing + 1] + parts[missing:]).hex()}
        for place, tag in enumerate((0xa0, 2, 0x30, 0x30, 0x30, 0x30)):
            for other in lengths(b"\1" * 5, tag):
                yield {"certificate": whole(parts[:place] + [other] + parts[place + 1:]).hex()}
            for other in lengths(b"\1" * 200, tag):
                yield {"certificate": whole(parts[:place] + [other] + parts[place + 1:]).hex()}
        for tbs in lengths(b"".join(parts), 0x30):
            for outer in lengths(tbs + b"rest", 0x30):
                yield {"certificate": outer.hex()}
        for other in infos(key):
            yield {"certificate": whole(parts[:6] + [other]).hex()}
            yield {"certificate": whole(parts[:6] + [other, b"\xa3\x01x"]).hex()}
        for size in range(0, 12):
            yield {"certificate": whole(parts)[:size].hex()}


def whole(parts):
    return der(0x30, der(0x30, b"".join(parts)) + der(0x30, b"") + der(3, b"\0"))


def infos(key):
    """SubjectPublicKeyInfos in other shapes."""
    if key.kty == 3:
        algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
        numbers = (key.x, b"\0" + key.x, b"\0\0" + key.x, b"", b"\0", b"\x7f" + key.x[1:], b"\0\x7f" + key.x[1:], b"\0" + key.x[1:], b"\x80" + key.x[1:],
                   b"\0" + key.x * 2, b"\0" + key.x * 2 + b"\1")
        exponents = (b"\3", b"\1\0\1", b"\0\3", b"", b"\0", b"\0\x80", b"\x80", b"\x7f" * 8, b"\0" + b"\xff" * 8, b"\x7f" * 9)
        for n, e in [(one, b"\3") for one in numbers] + [(b"\0" + key.x, one) for one in exponents]:
            inner = der(2, n) + der(2, e)
            yield der(0x30, algorithm + der(3, b"\0" + der(0x30, inner)))
        inner = der(2, b"\0" + key.x) + der(2, b"\3")
        for body in (b"", b"\0", b"\1" + der(0x30, inner), b"\0" + der(0x31, inner), b"\0" + der(0x30, inner) + b"\0", b"\0" + der(0x30, inner + b"\0"),
                     b"\0" + der(0x30, der(2, b"\0" + key.x)), b"\0" + der(0x30, inner + der(2, b"\1"))):
            yield der(0x30, algorithm + der(3, body))
            yield der(0x30, algorithm + der(3, body) + b"\5\0")
        for other in lengths(inner, 0x30):
            yield der(0x30, algorithm + der(3, b"\0" + other))
        for other in lengths(der(0x30, inner), 3):
            yield der(0x30, algorithm + other)
        for n in lengths(b"\0" + key.x, 2):
            yield der(0x30, algorithm + der(3, b"\0" + der(0x30, n + der(2, b"\3"))))
        yield der(0x30, bytes.fromhex("300b06092a864886f70d010101") + der(3, b"\0" + der(0x30, inner)))
        yield der(0x30, bytes.fromhex("300d06092a864886f70d01010a0500") + der(3, b"\0" + der(0x30, inner)))
        return
    good = spki(key)
    for at in range(min(len(good), 40)):
        yield good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
    yield good[:-1]
    yield good + b"\0"
    if key.kty == 2:
        algorithm = der(0x30, bytes.fromhex("06072a8648ce3d0201") + EC_OIDS[key.curve])
        yield der(0x30, algorithm + der(3, b"\0" + bytes([2 + (key.y[-1] & 1)]) + key.x))  # compressed
        yield der(0x30, algorithm + der(3, b"\0\4" + key.x + key.y + b"\0"))
        yield der(0x30, der(0x30, bytes.fromhex("06072a8648ce3d0201")) + der(3, b"\0\4" + key.x + key.y))
    else:
        yield der(0x30, bytes.fromhex("300706032b65700500") + der(3, b"\0" + key.x))


# ---- text ---------------------------------------------------------------------------------------

SPACES = "".join(map(chr, (*range(0x09, 0x0e), 0x1c, 0x1f, 0x20, 0x7f, 0x80, 0x85, 0xa0, 0x180e, 0x1680, *range(0x1fff, 0x2010), 0x2027, 0x2028, 0x2029,
                           0x202a, 0x202f, 0x205f, 0x2060, 0x3000, 0x3001, 0xfeff)))


def ledger_pub_requests():
    for receipts in KEYS:
        for origin in ("a", "a/", "a+b", "://", "a:/b"):
            yield {"ledger_pub": keys.write_ledger_pub(keys.LedgerPub(origin, receipts, SIGNER.key)).hex()}
    good = keys.write_ledger_pub(keys.LedgerPub("a", SIGNER.key, SIGNER.key)).decode()
    lines = good.split("\n")
    vkeys = [keys.make_vkey("a", 4, SIGNER.key), keys.make_vkey("b", 1, SIGNER.key), keys.make_vkey("a", 1, SIGNER.key).replace("+", "++", 1)]
    for vkey in vkeys:
        yield {"ledger_pub": "\n".join(lines[:3] + ["checkpoints " + vkey, ""]).encode().hex()}
    for value in (with_label(key_map(SIGNER.key), 2, b"kid"), with_label(key_map(SIGNER.key), -4, b"private"), dict(reversed(list(key_map(SIGNER.key).items())))):
        yield {"ledger_pub": "\n".join(lines[:2] + ["receipts " + text.base64_encode(write(value)), lines[3], ""]).encode().hex()}
    for k in range(5):
        for line in ("", " ", lines[k] + " ", " " + lines[k], lines[k].upper(), lines[k].replace(" ", "  "), lines[k] + "\r", lines[k] + "\n" + lines[k]):
            yield {"ledger_pub": "\n".join(lines[:k] + [line] + lines[k + 1:]).encode().hex()}
    for raw in (b"", good[:-1].encode(), good.encode() + b"\n", b"\xef\xbb\xbf" + good.encode(), b"muniment-ledger/2\n"):
        yield {"ledger_pub": raw.hex()}


def name_requests():
    for char in SPACES + "+/:.\u00e4\U0001d11e":
        for name in (char, "a" + char, char + "a", "a" + char + "b"):
            yield {"origin": name.encode().hex()}
            yield {"vkey": keys.make_vkey(name, 1, SIGNER.key)}
    for size in (0, 1, 254, 255, 256, 1000):
        yield {"origin": (b"x" * size).hex()}
        yield {"origin": ("\u00e4" * (size // 2)).encode().hex()}
    for raw in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"a\xc3", b"://", b"a://b", b":/", b"//", b"a/", b"/a", b"/"):
        yield {"origin": raw.hex()}
    good = keys.make_vkey("name", 4, SIGNER.key)
    name, id_, rest = good.split("+", 2)
    raw = text.base64_decode(rest)
    for vkey in (good, name + "+" + id_.upper() + "+" + rest, name + "+" + id_[1:] + "+" + rest, name + "+0" + id_ + "+" + rest, name + id_ + "+" + rest,
                 name + "+00000000+" + rest, "+" + id_ + "+" + rest, good + "=", good + "\n", " " + good, good.rstrip("="), "", "+", "++", "a+b+c"):
        yield {"vkey": vkey}
    for type_ in (0, 1, 2, 3, 4, 5, 255):
        for public in (raw[1:], raw[1:-1], raw[1:] + b"\0", b""):
            yield {"vkey": "n+%s+%s" % (keys.key_id("n", type_, public).hex(), text.base64_encode(bytes([type_]) + public))}


def note_requests():
    body = checkpoint_text("n", 1, bytes(32))
    signature, vkey = log_line("n", SIGNER, body), keys.make_vkey("n", 1, SIGNER.key)
    cosigned, witness = witness_line("w", SIGNER, body, 5), keys.make_vkey("w", 4, SIGNER.key)
    bare = SIGNER.sign(body.encode())
    lines = [signature, cosigned, signature[:-1], signature.replace("n ", "n", 1), signature.replace("\u2014 ", "\u2014", 1), signature + "x\n", "\n" + signature]
    lines += [note_line("n", 1, SIGNER.key, bare[:size] + bytes(max(0, size - 64))) for size in (0, 1, 63, 64, 65)]
    lines += ["\u2014 n %s\n" % text.base64_encode(bytes(size)) for size in range(8)]
    lines += [signature.replace(" n ", " %s " % name) for name in ("", "a+b", *("n" + char for char in SPACES if char not in "\n"), "n n", "m")]
    for time in (0, 1, 2**63 - 1, 2**63, 2**64 - 1):
        lines.append(witness_line("w", SIGNER, body, time))
    plain = time8 = (5).to_bytes(8, "big")
    for size in (0, 7, 8, 71, 72, 73):
        lines.append(note_line("w", 4, SIGNER.key, (plain + SIGNER.sign(b"cosignature/v1\ntime 5\n" + body.encode()) + time8)[:size]))
    lines += [signature + note_line("n", 1, SIGNER.key, bytes(64)), note_line("n", 1, SIGNER.key, bytes(64)) + signature, cosigned + note_line("n", 1, SIGNER.key, bytes(64))]
    for line in lines:
        for known in ([vkey], [witness], [vkey, witness], [], [vkey, vkey]):
            yield {"note": (body + "\n" + line).encode().hex(), "vkeys": known}
    for byte in range(256):
        raw = b"a" + bytes([byte]) + b"b\n"
        yield {"note": (raw + b"\n" + note_line("n", 1, SIGNER.key, SIGNER.sign(raw)).encode()).hex(), "vkeys": [vkey]}
    for size in (1048576, 1048577):
        raw = b"x" * (size - len(signature.encode()) - 2) + b"\n"
        yield {"note": (raw + b"\n" + note_line("n", 1, SIGNER.key, SIGNER.sign(raw)).encode()).hex(), "vkeys": [vkey]}


def checkpoint_requests():
    root = text.base64_encode(bytes(32))
    for size in ("", "0", "00", "01", "1", "-0", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "9223372036854775807", "9223372036854775808",
                 "18446744073709551616", "9" * 40, "\u0661", "1_0"):
        yield {"checkpoint": ("n\n%s\n%s\n" % (size, root)).encode().hex()}
        yield {"proof": ("c2sp.org/tlog-proof@v1\nindex %s\n\nn\n1\n%s\n\n\u2014 n AAAAAAA=\n" % (size, root)).encode().hex()}
        yield {"proof": ("c2sp.org/tlog-proof@v1\nindex 0\n\nn\n%s\n%s\n\n\u2014 n AAAAAAA=\n" % (size, root)).encode().hex()}
    for hash_ in (root, root[:-1], root + "=", root[:-2] + "B=", root.replace("=", ""), "", text.base64_encode(bytes(31)), text.base64_encode(bytes(33)),
                  root + " ", " " + root, root.replace("A", "-"), "A" * 43 + "\u00e4"):
        yield {"checkpoint": ("n\n1\n%s\n" % hash_).encode().hex()}
        yield {"proof": ("c2sp.org/tlog-proof@v1\nindex 0\n%s\n\nn\n2\n%s\n\n\u2014 n AAAAAAA=\n" % (hash_, root)).encode().hex()}
    for tail in ("", "\n", "x\n", "x\ny\n", "\nx\n", "x\n\n", "x", " \n"):
        yield {"checkpoint": ("n\n1\n%s\n%s" % (root, tail)).encode().hex()}
    for body in ("", "\n", "n\n", "n\n1\n", "n\n1\n" + root, "\n1\n%s\n" % root, " \n1\n%s\n" % root, "a b+c\n1\n%s\n" % root):
        yield {"checkpoint": body.encode().hex()}
    note = "n\n1\n%s\n\n\u2014 n AAAAAAA=\n" % root
    for first in ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\n", "c2sp.org/tlog-proof@v1 \n", "", "\n", "C2sp.org/tlog-proof@v1\n"):
        for extra in ("", "extra \n", "extra\n", "extra AAAA\n", "extra AAA\n", "extra AAB=\n", "extra AAAA\nextra AAAA\n", "extra  AAAA\n"):
            for index in ("index 0\n", "", "index 0\nindex 0\n", "Index 0\n", "index 0 \n"):
                for gap in ("\n", "", "\n\n"):
                    yield {"proof": (first + extra + index + gap + note).encode().hex()}


# ---- evidence -----------------------------------------------------------------------------------

def evidence_requests():
    """[EVID-2], key types in trust entries, and roles."""
    protected, payload = STATEMENTS[1]
    for label in (394, -65700):
        for value in VALUES:
            yield {"evidence": sign1_of(protected, {label: value}, payload), "document": None, "keys": []}
        for count in (0, 1, 16, 17):
            yield {"evidence": sign1_of(protected, {label: [b"bad"] * count}, payload), "document": None, "keys": []}
    statement = sign1(SIGNER, protected, payload)
    parts = cbor.decode(statement, True).value
    leaf = merkle.leaf_hash(statement)
    body = checkpoint_text("n", 1, leaf)
    log, witness = EdSigner("rules log"), EdSigner("rules witness")
    receipts = EcSigner("rules receipts", 1, -7)
    proof = tlog_proof(0, [], body + "\n" + log_line("n", log, body) + witness_line("w", witness, body, 1795348900))
    kid = keys.thumbprint(receipts.key)
    receipt = sign1(receipts, {1: -7, 4: kid, 15: {1: "n", 2: "s", 6: 1795348900, -65701: leaf}, 395: 1}, None, INCLUSION, signed=leaf)
    evidence = cbor.encode(cbor.Tag(18, [parts[0], {394: [receipt], -65700: [proof]}, *parts[2:]])).hex()
    point = ed25519.decode_point(witness.key.x)
    lookalike = keys.Key(2, 1, witness.key.x, point[1].to_bytes(32, "big"))
    for role in ("issuer", "ledger", "witness", "tsa"):
        for name in ("i", "n", "w", "N", "n ", ""):
            for key in (SIGNER.key, receipts.key, log.key, witness.key, lookalike):
                for trusted in (True, False):
                    for kids in ((), (b"k",), (kid,)):
                        rest = [entry("issuer", "i", SIGNER.key, [b"k"]), entry("ledger", "n", receipts.key), entry("ledger", "n", log.key),
                                entry("witness", "w", witness.key)]
                        one = entry(role, name, key, kids, trusted)
                        yield {"evidence": evidence, "document": payload.hex(), "keys": [one]}
                        if kids == (b"k",):
                            for missing in range(4):
                                yield {"evidence": evidence, "document": payload.hex(), "keys": [one] + rest[:missing] + rest[missing + 1:]}


def times_requests():
    """[VER-12] and its borders; the cases of judge that look at more than a signature."""
    now, kid = 1795348900, keys.thumbprint(SIGNER.key)
    trust = [entry("issuer", "i", SIGNER.key, [b"k"]), entry("ledger", "n", SIGNER.key), entry("ledger", "m", SIGNER.key), entry("witness", "w", SIGNER.key)]
    for iat in (None, 0, now - 86400, now, now + 86399, now + 86400, now + 86401, cbor.Tag(1, now + 86401), cbor.Tag(1, now), "x"):
        claims = {1: "i", 2: "s"} if iat is None else {1: "i", 2: "s", 6: iat}
        statement = sign1(SIGNER, write({1: -8, 4: b"k", 15: claims, 3: 0}), b"payload")
        leaf, parts = merkle.leaf_hash(statement), cbor.decode(statement, True).value
        for receipts in receipt_sets(leaf, now, kid):
            for seen in (None, now - 86401, now - 86400, now + 5):
                headers = {394: receipts} if receipts else {}
                if seen is not None:
                    body = checkpoint_text("n", 1, leaf)
                    headers[-65700] = [tlog_proof(0, [], body + "\n" + log_line("n", SIGNER, body) + witness_line("w", SIGNER, body, seen))]
                evidence = cbor.encode(cbor.Tag(18, [parts[0], headers, *parts[2:]])).hex()
                for known in (trust, trust[1:], trust[:1]):
                    yield {"evidence": evidence, "document": None, "keys": known}


def receipt_sets(leaf, now, kid):
    def made(change, unprotected=INCLUSION, **header):
        claims = {1: "n", 2: "s", 6: now, -65701: leaf, **change}
        claims = {label: value for label, value in claims.items() if value is not None}
        protected = {1: -8, 4: kid, 15: claims, 395: 1, **{int(label[1:]): value for label, value in header.items()}}
        return sign1(SIGNER, write(protected), None, unprotected, signed=leaf)
    good = made({})
    yield []
    yield [good]
    for change in ({6: now + 1}, {6: now - 1}, {1: "m", 6: now + 1}, {1: "m"}, {6: None}, {6: -1}, {6: cbor.Tag(1, now)}, {-65701: None}, {-65701: bytes(32)},
                   {2: None}, {2: "t"}, {1: None}, {1: None, 6: None}, {-65701: None, 6: None}):
        yield [made(change)]
        yield [good, made(change)]
    for header in ({"_395": 2}, {"_1": -47}, {"_4": b"other"}):
        yield [made({}, **header)]
        yield [made({6: None}, **header)]
        yield [good, made({6: now + 1}, **header)]
    yield [made({-65701: None}, CONSISTENCY)]
    yield [good, made({}, CONSISTENCY)]
    two = {396: {-1: [cbor.encode([1, 0, []]), cbor.encode([2, 0, [bytes(32)]])]}}
    yield [made({}, two)]
    yield [made({}, {396: {-1: [cbor.encode([1, 0, []])] * 16}})]
    for proof in ([1, 1, []], [2, 0, []], [2, 0, [bytes(31)]], [0, 0, []], [2**63, 0, [bytes(32)] * 63]):
        yield [made({}, {396: {-1: [cbor.encode(proof)]}})]
        yield [good, made({}, {396: {-1: [cbor.encode(proof)]}})]
    yield [b""]
    yield [good, b""]


def unsupported_requests():
    """An algorithm that is in no table, under a key that is known for this issuer and kid."""
    for alg in (*sorted(keys.ALGORITHMS), -47, -257, 0, 5, -10, -2**64):
        for headers in ({4: b"k"}, {34: [-16, b""]}, {4: b"k", 33: certificate(SIGNER.key)}, {33: certificate(SIGNER.key)}):
            for name in ("i", keys.thumbprint_uri(SIGNER.key), keys.did_key(SIGNER.key), "urn:ietf:params:oauth:ckt:x", "did:key:x"):
                raw = sign1(SIGNER, {1: alg, 15: {1: name, 2: "s"}, 3: 0, **headers}, b"payload").hex()
                for known in ([], [entry("issuer", name, SIGNER.key, [b"k"])], [entry("issuer", name, KEYS[0], [b"k"])]):
                    yield {"evidence": raw, "document": None, "keys": known}


def cbor_requests():
    """Every initial byte before enough bytes of every kind, and the limits of maps and nesting."""
    for first in range(256):
        for tail in (b"", b"\0" * 16, b"\x20" * 40, b"\xff" * 16, b"\x61a" * 12, b"\x18\x18" * 8, b"\x40" * 300):
            for size in (0, 1, 2, 3, 4, 5, 8, 9, 16, len(tail)):
                if size <= len(tail):
                    for mode in ("strict", "carried"):
                        yield {"cbor": (bytes([first]) + tail[:size]).hex(), "mode": mode}
    for hex_ in ("bf00000000ff", "bf0000180000ff", "bf6161006161" "00ff", "bf416100616100ff", "a200001b000000000000000000", "a2416100" "58016100", "bf2000380000ff",
                 "bf0000a0" "00ff", "81bf00000000ff", "bf000001bf02000200ffff", "a1bf00000000ff00", "bf00ff", "bf0000"):
        for mode in ("strict", "carried"):
            yield {"cbor": hex_, "mode": mode}
    for count in (255, 256, 257):
        pairs = b"".join(cbor.encode(1000 + k) + b"\0" for k in range(count))
        for raw in (cbor.head(5, count) + pairs, b"\xbf" + pairs + b"\xff", b"\x81" + cbor.head(5, count) + pairs):
            for mode in ("strict", "carried"):
                yield {"cbor": raw.hex(), "mode": mode}
    for size in (0, 23, 24, 255, 256, 65535, 65536):
        for major in (2, 3):
            for width in (0, 1, 2, 4, 8):
                if size < (24 if width == 0 else 1 << 8 * width):
                    head = bytes([major << 5 | (size if width == 0 else {1: 24, 2: 25, 4: 26, 8: 27}[width])]) + (size.to_bytes(width, "big") if width else b"")
                    for mode in ("strict", "carried"):
                        for body in (b"x" * size, b"x" * (size + 1), b"x" * max(0, size - 1)):
                            yield {"cbor": (head + body).hex(), "mode": mode}


def requests():
    for part in (statement_requests, receipt_requests, tree_requests, cose_key_requests, certificate_requests, ledger_pub_requests,
                 name_requests, note_requests, checkpoint_requests, evidence_requests,
                 times_requests, unsupported_requests, cbor_requests):
        yield from part()

# SPDX-License-Identifier: Apache-2.0
"""Damage: to bytes, to CBOR as a tree (also such as no encoder writes), and to the lines of notes and proofs."""
from material import cbor

BYTES = (0, 1, 0x17, 0x18, 0x19, 0x1f, 0x20, 0x3f, 0x40, 0x5f, 0x60, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xd2, 0xf6, 0xf8, 0xff)
NUMBERS = (0, 1, 2, 3, 4, 6, 8, 15, 23, 24, 33, 34, 255, 256, 258, 259, 260, 391, 394, 395, 396, 65535, 65536, 2**31, 2**32, 2**53,
           253402300799, 253402300800, 2**63 - 1, 2**63, 2**64 - 1, -1, -2, -3, -4, -7, -8, -9, -16, -19, -35, -36, -37, -43, -44, -51,
           -52, -111, -222, -6800, -65700, -65701, -2**31, -2**63, -2**63 - 1, -2**64)
STRINGS = (b"", b"\0", b"kid", bytes(31), bytes(32), bytes(33), bytes(48), bytes(64), bytes(256), bytes(257))
TEXTS = ("", "a", "\0", "\u00e4", "ledger.example/a", "x" * 8192, "x" * 8193, "\U0001d11e")


# ---- bytes --------------------------------------------------------------------------------------

def damage_bytes(rng, data):
    """One to three small changes."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        change_bytes(rng, raw)
    return bytes(raw)


def change_bytes(rng, raw):
    at = rng.randrange(len(raw) + 1)
    kind = rng.randrange(9)
    if kind <= 2 and at < len(raw):
        raw[at] ^= 1 << rng.randrange(8)
    elif kind == 3 and at < len(raw):
        raw[at] = rng.choice(BYTES)
    elif kind == 4:
        raw[at:at] = bytes([rng.choice(BYTES)]) * rng.choice((1, 1, 2, 8))
    elif kind == 5:
        del raw[at:at + rng.choice((1, 1, 2, 32))]
    elif kind == 6:
        end = min(len(raw), at + rng.randrange(64))
        raw[at:at] = raw[at:end]
    elif kind == 7:
        other = rng.randrange(len(raw) + 1)
        size = rng.randrange(1, 40)
        raw[at:at + size] = raw[other:other + size]
    else:
        del raw[max(at, len(raw) // 8):]


# ---- CBOR ---------------------------------------------------------------------------------------

class Raw:
    """Bytes that stand for a whole item, well-formed or not."""

    def __init__(self, data):
        self.data = data


class Pairs:
    """A map as a list of pairs: any order, any key, the same key twice."""

    def __init__(self, pairs):
        self.pairs = pairs


def tree_of(value):
    """A decoded value with maps as Pairs."""
    if isinstance(value, dict):
        return Pairs([[key, tree_of(one)] for key, one in value.items()])
    if isinstance(value, list):
        return [tree_of(one) for one in value]
    if isinstance(value, cbor.Tag):
        return TagNode(value.number, tree_of(value.value))
    return value


class TagNode:
    def __init__(self, number, value):
        self.number, self.value = number, value


def long_head(rng, major, argument):
    """A head that may be longer than it must be."""
    sizes = [size for size in (1, 2, 4, 8) if argument < 1 << 8 * size]
    size = rng.choice(sizes)
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + argument.to_bytes(size, "big")


class Writer:
    """Writes a tree; with `odd` above 0, now and then in a way that only carried mode reads, or no mode."""

    def __init__(self, rng, odd=0.0):
        self.rng, self.odd = rng, odd

    def strange(self):
        return self.odd and self.rng.random() < self.odd

    def head(self, major, argument):
        return long_head(self.rng, major, argument) if self.strange() else cbor.head(major, argument)

    def write(self, value):
        if isinstance(value, Raw):
            return value.data
        if isinstance(value, int):
            return self.head(0, value) if value >= 0 else self.head(1, -1 - value)
        if isinstance(value, str):
            return self.string(3, value.encode("utf-8"))
        if isinstance(value, bytes):
            return self.string(2, value)
        if isinstance(value, TagNode):
            return self.head(6, value.number) + self.write(value.value)
        if isinstance(value, (list, Pairs)):
            return self.container(value)
        if isinstance(value, cbor.Chunked):
            raw = value.value
            return b"\x7f" + self.string(3, raw.encode("utf-8")) + b"\xff" if isinstance(raw, str) else b"\x5f" + self.string(2, raw) + b"\xff"
        if isinstance(value, cbor.Float):
            return bytes([0xe0 | {2: 25, 4: 26, 8: 27}[len(value.raw)]]) + value.raw
        return cbor.encode(value)

    def string(self, major, raw):
        if not self.strange():
            return self.head(major, len(raw)) + raw
        cut = self.rng.randrange(len(raw) + 1)
        parts = b"".join(self.head(major, len(part)) + part for part in (raw[:cut], raw[cut:]))
        return bytes([major << 5 | 31]) + parts + b"\xff"

    def container(self, value):
        if isinstance(value, list):
            major, count, body = 4, len(value), [self.write(one) for one in value]
        else:
            major, count, body = 5, len(value.pairs), [self.write(key) + self.write(one) for key, one in value.pairs]
        if self.strange():
            return bytes([major << 5 | 31]) + b"".join(body) + b"\xff"
        return self.head(major, count) + b"".join(body)


def places(tree):
    """All (container, position) of a tree: positions whose value can be replaced."""
    found, stack = [], [tree]
    while stack:
        one = stack.pop()
        if isinstance(one, list):
            found += [(one, k) for k in range(len(one))]
            stack += one
        elif isinstance(one, Pairs):
            for pair in one.pairs:
                found.append((pair, 1))
                stack.append(pair[1])
        elif isinstance(one, TagNode):
            found.append((one, "value"))
            stack.append(one.value)
    return found


def maps_of(tree):
    found, stack = [], [tree]
    while stack:
        one = stack.pop()
        if isinstance(one, Pairs):
            found.append(one)
            stack += [pair[1] for pair in one.pairs]
        elif isinstance(one, list):
            stack += one
        elif isinstance(one, TagNode):
            stack.append(one.value)
    return found


def get(place):
    owner, key = place
    return owner.value if key == "value" else owner[key]


def put(place, value):
    owner, key = place
    if key == "value":
        owner.value = value
    else:
        owner[key] = value


def some_value(rng):
    return rng.choice((
        lambda: rng.choice(NUMBERS), lambda: rng.choice(STRINGS), lambda: rng.choice(TEXTS), lambda: [], lambda: Pairs([]),
        lambda: cbor.NIL, lambda: cbor.Simple(rng.choice((20, 21, 23, 0, 32, 255))), lambda: TagNode(rng.choice((1, 18, 2, 55799)), 7),
        lambda: cbor.Float(bytes(8)), lambda: [b"", b""], lambda: Raw(bytes.fromhex(rng.choice(("1c", "ff", "f800", "61ff", "5f4100ff", "a1ff00", "5f00ff")))),
        lambda: Raw(b"\x81" * rng.choice((3, 11, 12, 13, 14, 15, 16, 17)) + b"\0"),
    ))()


def near(rng, value):
    """Another value of the same type."""
    if isinstance(value, int):
        return max(-2**64, min(2**64 - 1, rng.choice((value + 1, value - 1, -1 - value, rng.choice(NUMBERS)))))
    if isinstance(value, bytes):
        if rng.random() < 0.3:
            return rng.choice(STRINGS)
        return damage_bytes(rng, value) if value else b"\0"
    if isinstance(value, str):
        return rng.choice((value + "x", value[:-1], value.swapcase(), value + "\0", rng.choice(TEXTS)))
    return some_value(rng)


def change_tree(rng, tree):
    """One change somewhere in the tree."""
    kind = rng.randrange(10)
    maps, where = maps_of(tree), places(tree)
    if kind <= 4 and maps:
        change_map(rng, rng.choice(maps), kind)
        return
    if not where:
        return
    place = rng.choice(where)
    if kind <= 6:
        put(place, near(rng, get(place)))
    elif kind == 7:
        put(place, some_value(rng))
    elif kind == 8:
        put(place, TagNode(rng.choice((0, 1, 18, 24, 55799)), get(place)))
    else:
        change_list(rng, place, get(place))


def change_map(rng, one, kind):
    pairs = one.pairs
    if kind == 0:
        rng.shuffle(pairs)
    elif kind == 1 and pairs:
        pair = rng.choice(pairs)
        pairs.append(list(pair) if rng.random() < 0.5 else [pair[0], some_value(rng)])
    elif kind == 2 and pairs:
        pairs.remove(rng.choice(pairs))
    elif kind == 3:
        key = rng.choice(NUMBERS) if rng.random() < 0.7 else rng.choice(("x", b"x", "", Raw(b"\x18\x01"), Raw(b"\x5f\x41\0\xff"), cbor.NIL, Raw(b"\x80")))
        pairs.insert(rng.randrange(len(pairs) + 1), [key, some_value(rng)])
    elif pairs:
        rng.choice(pairs)[0] = rng.choice(NUMBERS)


def change_list(rng, place, value):
    if not isinstance(value, list) or not value:
        put(place, [value])
    elif rng.random() < 0.4:
        value.append(value[rng.randrange(len(value))])
    elif rng.random() < 0.5:
        del value[rng.randrange(len(value))]
    else:
        rng.shuffle(value)


# ---- lines --------------------------------------------------------------------------------------

def damage_lines(rng, data):
    """Notes and proofs are lines."""
    lines = data.split(b"\n")
    k = rng.randrange(len(lines))
    kind = rng.randrange(12)
    if kind == 0:
        del lines[k]
    elif kind == 1:
        lines.insert(k, lines[rng.randrange(len(lines))])
    elif kind == 2:
        lines.insert(k, b"")
    elif kind == 3:
        lines[k] += rng.choice((b" ", b"\r", b"=", b"A", b"\t", b"\xff", b"\0"))
    elif kind == 4:
        lines[k] = lines[k].replace(b" ", rng.choice((b"  ", b"\xc2\xa0", b"")), 1)
    elif kind == 5:
        lines[k] = lines[k].replace(b"\xe2\x80\x94", rng.choice((b"-", b"\xe2\x80\x93")))
    elif kind == 6:
        other = rng.randrange(len(lines))
        lines[k], lines[other] = lines[other], lines[k]
    elif kind == 7:
        number = rng.choice((b"0", b"00", b"01", b"+1", b"-1", b"1", b"2", b"3", b"9223372036854775807", b"9223372036854775808",
                             b"18446744073709551616", b"1.0", b"", b" 1", b"\xd9\xa1"))
        lines[k] = b"index " + number if lines[k].startswith(b"index") else number
    elif kind == 8:
        lines[k] = unpad(rng, lines[k])
    elif kind == 9 and len(lines) > 4:
        lines = lines[:k] + lines[k:k + 1] * rng.choice((2, 63, 64, 100, 101)) + lines[k + 1:]
    elif kind == 10:
        lines.insert(1, rng.choice((b"extra AAAA", b"extra ", b"extra AB==", b"extra", b"extra AAAA", b"Extra AAAA")))
    else:
        return damage_bytes(rng, data)
    return b"\n".join(lines)


def unpad(rng, line):
    """Base64 with other unused bits, other padding or another alphabet."""
    if line.endswith(b"=") and rng.random() < 0.6:
        at = len(line.rstrip(b"=")) - 1
        alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        place = alphabet.find(line[at:at + 1])
        return line[:at] + alphabet[place ^ 1:(place ^ 1) + 1] + line[at + 1:]
    return rng.choice((line.rstrip(b"="), line.replace(b"+", b"-").replace(b"/", b"_"), line + b"=", line[:10] + b"\n" + line[10:]))

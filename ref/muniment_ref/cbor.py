# SPDX-License-Identifier: Apache-2.0
"""CBOR by docs/format/cbor.md: a reader with the modes strict and carried, and a deterministic writer.

What the reader gives: int, bytes, str, list, dict, Tag, Simple, Float, and Chunked for a string of indefinite
length. A Chunked is no bytes and no str, so a caller that asks for those types refuses it by itself [CBOR-12];
likewise a Tag is never an int or a list [CBOR-9].
"""
from collections import namedtuple

MAX_OPEN = 16    # [CBOR-3]
MAX_PAIRS = 256  # [CBOR-8]

Tag = namedtuple("Tag", "number value")
Simple = namedtuple("Simple", "number")
Float = namedtuple("Float", "raw")
Chunked = namedtuple("Chunked", "value")

NIL = Simple(22)
BREAK = object()


class CborError(Exception):
    """The bytes are refused."""


class Reader:
    def __init__(self, data, strict):
        self.data = data
        self.strict = strict
        self.at = 0

    def take(self, size):
        """The next `size` bytes; the length is checked before anything is done with it [CBOR-4]."""
        if size > len(self.data) - self.at:
            raise CborError("truncated")
        part = self.data[self.at:self.at + size]
        self.at += size
        return part

    def head(self):
        """Major type, additional information and argument (None for an indefinite length or a break)."""
        if self.at >= len(self.data):
            raise CborError("truncated")
        first = self.data[self.at]
        self.at += 1
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info, info
        if info == 31:
            if self.strict and major != 7:
                raise CborError("indefinite length")  # [CBOR-11]
            if major in (0, 1, 6):
                raise CborError("not well-formed")
            return major, info, None
        if info > 27:
            raise CborError("reserved additional information")  # [CBOR-2]
        argument = int.from_bytes(self.take(1 << (info - 24)), "big")
        if self.strict and major != 7:
            least = 24 if info == 24 else 1 << (8 << (info - 25))
            if argument < least:
                raise CborError("head is not the shortest")  # [CBOR-10]
        return major, info, argument

    def item(self, opened):
        """One data item; `opened` arrays, maps and tags stand open around it."""
        major, info, argument = self.head()
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2 or major == 3:
            return self.string(major, argument)
        if major == 7:
            return self.other(info, argument)
        if opened == MAX_OPEN:
            raise CborError("nested too deeply")
        if major == 4:
            return self.array(argument, opened + 1)
        if major == 5:
            return self.map(argument, opened + 1)
        return Tag(argument, self.value(opened + 1))

    def value(self, opened):
        """An item that may not be a break."""
        item = self.item(opened)
        if item is BREAK:
            raise CborError("break outside an indefinite length")
        return item

    def string(self, major, size):
        if size is None:
            chunks = []
            while True:
                chunk_major, _, chunk_size = self.head()
                if chunk_major == 7 and chunk_size is None:
                    return Chunked((b"" if major == 2 else "").join(chunks))
                if chunk_major != major or chunk_size is None:
                    raise CborError("chunk of another kind")
                chunks.append(self.string(major, chunk_size))
        raw = self.take(size)
        if major == 2:
            return raw
        try:
            return raw.decode("utf-8")  # [CBOR-5]
        except UnicodeDecodeError:
            raise CborError("text is not UTF-8")

    def array(self, count, opened):
        items = []
        if count is None:
            while True:
                item = self.item(opened)
                if item is BREAK:
                    return items
                items.append(item)
        if count > len(self.data) - self.at:
            raise CborError("truncated")
        for _ in range(count):
            items.append(self.value(opened))
        return items

    def map(self, count, opened):
        if count is not None and count > MAX_PAIRS:
            raise CborError("map too large")
        pairs = {}
        while count is None or len(pairs) < count:
            key = self.item(opened)
            if key is BREAK and count is None:
                return pairs
            if not isinstance(key, (int, str, bytes)):
                raise CborError("map key of another type")  # [CBOR-6]; Chunked and Tag too
            if key in pairs:
                raise CborError("duplicate map key")  # [CBOR-7]
            if len(pairs) == MAX_PAIRS:
                raise CborError("map too large")
            pairs[key] = self.value(opened)
        return pairs

    def other(self, info, argument):
        """Major type 7: simple values, floats, break."""
        if info == 31:
            return BREAK
        if info < 24:
            return Simple(info)
        if info == 24:
            if argument < 32:
                raise CborError("simple value below 32 in two bytes")
            return Simple(argument)
        return Float(argument.to_bytes(1 << (info - 24), "big"))


def decode(data, strict):
    """Exactly one data item [CBOR-1]."""
    reader = Reader(data, strict)
    item = reader.value(0)
    if reader.at != len(data):
        raise CborError("bytes after the end")
    return item


def head(major, argument):
    """The shortest head."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError("number too large for CBOR")


def byte_string(data):
    return head(2, len(data)) + data


def encode(value):
    """Deterministic encoding [CBOR-13]."""
    if isinstance(value, bool):
        raise TypeError("no bool in these formats")
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return byte_string(value)
    if isinstance(value, str):
        raw = value.encode("utf-8")
        return head(3, len(raw)) + raw
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(encode(v) for v in value)
    if isinstance(value, dict):
        pairs = sorted((encode(k), encode(v)) for k, v in value.items())
        return head(5, len(pairs)) + b"".join(k + v for k, v in pairs)
    if isinstance(value, Tag):
        return head(6, value.number) + encode(value.value)
    if isinstance(value, Simple):
        return head(7, value.number)
    raise TypeError("cannot be written: %r" % (value,))

# SPDX-License-Identifier: Apache-2.0
"""Signed notes, checkpoints, cosignatures and tlog-proofs by docs/format/checkpoint.md."""
from collections import namedtuple

from . import ed25519, merkle, text
from .keys import key_id, name_ok
from .text import TextError

MAX_NOTE = 1048576
MAX_LINES = 100
DASH = "\u2014 "
PROOF_LINE = "c2sp.org/tlog-proof@v1"

Line = namedtuple("Line", "name key_id signature")
Checkpoint = namedtuple("Checkpoint", "origin size root")


class BadNote(Exception):
    """The bytes are refused."""


def need(condition, why):
    if not condition:
        raise BadNote(why)


def decode_text(data):
    """[CKPT-1]"""
    need(len(data) <= MAX_NOTE, "too long")
    try:
        result = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNote("not UTF-8")
    need(not any(byte < 0x20 and byte != 0x0a for byte in data), "control character")
    need(result.endswith("\n"), "does not end in LF")
    return result


class Note:
    """text and signature lines [CKPT-1] to [CKPT-4]."""

    def __init__(self, data):
        whole = decode_text(data)
        split = whole.rfind("\n\n")  # [CKPT-2]
        need(split >= 0, "no empty line")
        self.text = whole[:split + 1]
        lines = whole[split + 2:].split("\n")
        lines.pop()
        need(1 <= len(lines) <= MAX_LINES, "number of signature lines")  # [CKPT-3]
        self.lines = [read_line(line) for line in lines]

    def first_line(self, name, id_):
        for line in self.lines:
            if line.name == name and line.key_id == id_:
                return line
        return None

    def signature(self, name, type_, key):
        """None without a line of this key, else (right, time); time is that of a cosignature."""
        line = self.first_line(name, key_id(name, type_, key.x))
        if line is None:
            return None
        signed = self.text.encode("utf-8")
        if type_ == 1:
            return ed25519.verify(key.x, signed, line.signature), None
        if len(line.signature) != 72:  # [CKPT-13]: with the key id 76
            return False, None
        time = int.from_bytes(line.signature[:8], "big")
        if time > merkle.MAX_SIZE:
            return False, None
        message = b"cosignature/v1\ntime %d\n" % time + signed
        return ed25519.verify(key.x, message, line.signature[8:]), time

    def accepted(self, known):
        """[CKPT-5]; known: (name, type, key)."""
        results = [self.signature(*one) for one in known]
        results = [result for result in results if result is not None]
        return bool(results) and all(right for right, _ in results)


def read_line(line):
    need(line.startswith(DASH), "not a signature line")
    name, space, encoded = line[len(DASH):].partition(" ")
    need(space == " " and name_ok(name), "key name")  # [CKPT-4]
    try:
        raw = text.base64_decode(encoded)
    except TextError:
        raise BadNote("base64")
    need(len(raw) >= 5, "signature too short")
    return Line(name, raw[:4], raw[4:])


def read_number(digits):
    """[CKPT-9]"""
    need(digits != "" and all("0" <= c <= "9" for c in digits) and len(digits) <= 19, "not a number")
    need(digits == "0" or digits[0] != "0", "leading zero")
    number = int(digits)
    need(number <= merkle.MAX_SIZE, "number too large")
    return number


def read_hash(line):
    """[CKPT-10]"""
    try:
        raw = text.base64_decode(line)
    except TextError:
        raise BadNote("base64")
    need(len(raw) == 32, "not 32 bytes")
    return raw


def read_checkpoint(note_text):
    """[CKPT-8] to [CKPT-10]"""
    lines = note_text.split("\n")
    need(lines.pop() == "", "does not end in LF")
    need(len(lines) >= 3 and all(lines), "fewer than three lines, or an empty one")
    return Checkpoint(lines[0], read_number(lines[1]), read_hash(lines[2]))


class TlogProof:
    """[CKPT-14] to [CKPT-16]"""

    def __init__(self, data):
        need(len(data) <= MAX_NOTE, "too long")
        head, empty, rest = data.partition(b"\n\n")
        need(empty != b"", "no empty line")
        try:
            lines = head.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            raise BadNote("not UTF-8")
        need(lines.pop(0) == PROOF_LINE, "not a tlog-proof of version 1")
        if lines and lines[0].startswith("extra "):
            try:
                text.base64_decode(lines.pop(0)[6:])
            except TextError:
                raise BadNote("extra")
        need(lines and lines[0].startswith("index "), "no index")
        self.index = read_number(lines.pop(0)[6:])
        need(len(lines) <= 63, "too many nodes")
        self.path = [read_hash(line) for line in lines]
        self.note = Note(rest)
        self.checkpoint = read_checkpoint(self.note.text)

    def leads_from(self, leaf):
        """Whether the path leads from this leaf to the root of the checkpoint."""
        point = self.checkpoint
        try:
            merkle.check_possible(self.index, point.size, self.path)
        except merkle.BadProof:
            return False
        return merkle.fold(leaf, self.index, point.size, self.path) == point.root

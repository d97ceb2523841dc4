# SPDX-License-Identifier: Apache-2.0
"""Reads a ledger directory (docs/format/log.md) or a static export (export.md), and recomputes its tree. Writes nothing.

A ledger directory should be quiet: no writer at work. After a crash the journal is replayed in memory, as the next
writer would do it on disk. Everything that contradicts is a Damage, which names file, offset and entry [LOG-25].
"""
import hashlib
import os
import struct

from . import keys, merkle, note, text

BLOCK = 4096
SEGMENT = 65536
SLOT = 9 * BLOCK
RING = 4 * SLOT
RECORDS = 254
HEADER = 136
MAX_PAYLOAD = 1048576
LEVELS = 5


class Damage(Exception):
    """What is there is not what a ledger holds."""


def need(condition, why, *values):
    if not condition:
        raise Damage(why % values if values else why)


def read_file(path, least=None):
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise Damage("%s is missing" % path)
    need(least is None or len(data) >= least, "%s is shorter than %s bytes", path, least)
    return data


def check_version(data, name, path):
    """`name 1` and LF [FMT-1], [LOG-1]."""
    if data != name + b" 1\n":
        newer = data.startswith(name + b" ") and data[len(name) + 1:-1].isdigit()
        raise Damage("%s: %s" % (path, "made by a newer version" if newer else "not a version line that is known"))


def split_entries(data, path, first):
    """(u16 length, entry bytes), end to end."""
    at, size, entries = 0, len(data), []
    while at < size:
        length = int.from_bytes(data[at:at + 2], "big")
        need(at + 2 + length <= size and length, "%s: offset %d, entry %d: length", path, at, first + len(entries))
        entries.append(data[at + 2:at + 2 + length])
        at += 2 + length
    return entries


class Commits:
    """Registration times by batch [LOG-13], [LOG-14]."""

    def __init__(self):
        self.first, self.time = [], []

    def add(self, first, time):
        if self.first:
            need(first >= self.first[-1] and time >= self.time[-1], "commits: record %d goes down", len(self.first))
        else:
            need(first == 0, "commits: the first record is not for entry 0")
        self.first.append(first)
        self.time.append(time)

    def add_block(self, block, count, where):
        need(len(block) == BLOCK, "%s: short block", where)
        need(hashlib.sha256(block[:BLOCK - 32]).digest() == block[BLOCK - 32:], "%s: digest", where)
        for k in range(count):
            self.add(*struct.unpack_from(">QQ", block, 16 * k))
        need(not any(block[16 * count:BLOCK - 32]), "%s: unused records are not zero", where)

    def times(self, size):
        """The time of each entry, in order."""
        record = 0
        for index in range(size):
            while record + 1 < len(self.first) and self.first[record + 1] <= index:
                record += 1
            yield self.time[record]


class Log:
    """What a directory and an export have in common. entries() is to be read to its end, then finish() called."""

    def __init__(self, path):
        self.path = path
        self.tree = merkle.Tree()
        self.commits = Commits()
        self.notes = []
        self.pub_bytes = read_file(self.file("ledger.pub"))
        try:
            self.pub = keys.parse_ledger_pub(self.pub_bytes)
        except keys.BadKey as error:
            raise Damage("ledger.pub: %s" % error)

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def check_control(self, own_entries):
        """An export has none."""

    def check_checkpoint(self, data, older=()):
        """Signed by the checkpoints key, and of this tree; `older` are the checkpoints keys of earlier policies."""
        try:
            signed = note.Note(data)
            point = note.read_checkpoint(signed.text)
        except note.BadNote as error:
            raise Damage("checkpoint: %s" % error)
        need(point.origin == self.pub.origin, "checkpoint: another origin")
        if not signed.accepted([(self.pub.origin, 1, self.pub.checkpoints)]):
            need(any(signed.accepted([(self.pub.origin, 1, key)]) for key in older), "checkpoint: signature")
            self.notes.append("checkpoint: signed by the key of an earlier policy, not the one in ledger.pub")
        need(point.size <= self.tree.size, "checkpoint: size %d, but there are %d entries", point.size, self.tree.size)
        need(self.tree.root(point.size) == point.root, "checkpoint: the root at size %d is another", point.size)
        return point


# ---- a ledger directory -------------------------------------------------------------------------

class Superblock:
    """[LOG-4]; raises Damage if it is not acceptable."""

    def __init__(self, raw, slot, blocks, ledger_id):
        need(raw[:8] == b"MUNSUPR1", "magic")
        need(hashlib.sha256(raw[:96] + bytes(32) + raw[128:]).digest() == raw[96:128], "digest")
        self.nonce = raw[8:24]
        (self.generation, self.start, self.blocks, self.size, self.segment_bytes) = struct.unpack_from(">5Q", raw, 24)
        self.root = raw[64:96]
        self.mark, self.batches = struct.unpack_from(">2Q", raw, 160)
        need(self.generation > 0 and self.generation % 4 == slot, "slot")
        need(self.blocks == blocks, "N")
        need(raw[128:160] == ledger_id, "ledger id")
        need(not any(raw[176:BLOCK]), "zero bytes")
        self.partial = [raw[BLOCK * k:BLOCK * (k + 1)] for k in range(1, 9)]
        for block, used in zip(self.partial, self.partial_sizes()):
            need(not any(block[used:]), "zero bytes")

    def lengths(self):
        """Durable bytes of `offsets`, the levels, the current segment."""
        return [4 * self.size] + [32 * (self.size >> (8 * level)) for level in range(LEVELS)] + [self.segment_bytes]

    def partial_sizes(self):
        return [length % BLOCK for length in self.lengths()] + [BLOCK if self.batches % RECORDS else 0]


class Directory(Log):
    def __init__(self, path):
        super().__init__(path)
        check_version(read_file(self.file("format")), b"muniment-log", "format")
        self.journal = open(self.file("journal"), "rb")
        try:
            self.choose_superblock()
            self.read_commits()
        except Damage:
            self.journal.close()
            raise

    def choose_superblock(self):
        """[LOG-18]"""
        size = os.fstat(self.journal.fileno()).st_size
        self.blocks = (size - RING) // BLOCK
        need(size == RING + BLOCK * self.blocks and 16 <= self.blocks <= 1048576, "journal: length %d", size)
        ledger_id = hashlib.sha256(self.pub.origin.encode("utf-8")).digest()
        found = []
        for slot in range(4):
            try:
                found.append(Superblock(self.journal.read(SLOT), slot, self.blocks, ledger_id))
            except Damage:
                pass
        need(found, "journal: no superblock is acceptable")
        self.superblock = max(found, key=lambda one: one.generation)

    def stream(self, name, which):
        """The durable bytes of a stream: its full blocks, then the block in the superblock [LOG-19]."""
        length = self.superblock.lengths()[which]
        full = length - length % BLOCK
        data = read_file(self.file(name), full) if length else b""
        return data[:full] + self.superblock.partial[which][:length % BLOCK]

    def read_commits(self):
        count = self.superblock.batches
        full = count // RECORDS
        data = read_file(self.file("commits"), BLOCK * full) if full else b""
        for k in range(full):
            self.commits.add_block(data[BLOCK * k:BLOCK * (k + 1)], RECORDS, "commits: block %d" % k)
        if count % RECORDS:
            self.commits.add_block(self.superblock.partial[7], count % RECORDS, "commits: last block in the superblock")
        need(not self.commits.first or self.commits.first[-1] <= self.superblock.size, "commits: above the size")
        need(self.superblock.size == 0 or count > 0, "commits: no record")

    def entries(self):
        with self.journal:
            yield from self.stream_entries()
            need(self.tree.root() == self.superblock.root, "the root of %d entries is not the superblock's", self.tree.size)
            yield from self.journal_entries()

    def stream_entries(self):
        self.offsets = bytearray()
        size = self.superblock.size
        for segment in range(size // SEGMENT + 1):
            name = "entries/%010d" % segment
            count = min(SEGMENT, size - SEGMENT * segment)
            if count == 0:
                need(self.superblock.segment_bytes == 0, "journal: durable bytes of an empty segment")
                return
            data = read_file(self.file(name)) if count == SEGMENT else self.stream(name, 6)
            entries = split_entries(data, name, SEGMENT * segment)
            need(len(entries) == count, "%s: %d entries, not %d", name, len(entries), count)
            at = 0
            for entry in entries:
                self.offsets += at.to_bytes(4, "big")
                at += 2 + len(entry)
                self.tree.append(merkle.leaf_hash(entry))
                yield entry

    def block(self, lsn):
        self.journal.seek(RING + BLOCK * (lsn % self.blocks))
        return self.journal.read(BLOCK)

    def batch_header(self, raw):
        """The fields of a batch whose magic, nonce and header digest are right, else None."""
        if raw[:8] != b"MUNJRNL1" or raw[8:24] != self.superblock.nonce:
            return None
        if hashlib.sha256(raw[:104]).digest() != raw[104:136]:
            return None
        lsn, first, count, size, mark, generation = struct.unpack_from(">QQIIQQ", raw, 24)
        return {"lsn": lsn, "first": first, "count": count, "size": size, "mark": mark, "generation": generation,
                "root": raw[64:96], "time": int.from_bytes(raw[96:104], "big"),
                "blocks": -(-(HEADER + size) // BLOCK)}

    def journal_entries(self):
        """[LOG-21]: replay from `start`, then [LOG-22]."""
        lsn, mark = self.superblock.start, self.superblock.mark
        while True:
            header = self.batch_header(self.block(lsn))
            if header is None or header["lsn"] != lsn:
                break
            if lsn == self.superblock.start:
                need(header["first"] == self.tree.size, "journal: LSN %d begins at entry %d, not %d", lsn,
                     header["first"], self.tree.size)
                need(header["blocks"] <= self.blocks // 2 and header["size"] <= MAX_PAYLOAD,
                     "journal: LSN %d does not fit the ring", lsn)
            entries = self.batch_entries(header, mark)
            if entries is None:
                break
            yield from entries
            self.commits.add(header["first"], header["time"])
            lsn, mark = lsn + header["blocks"], header["mark"]
        self.check_nothing_later(lsn)

    def batch_entries(self, header, mark):
        """The entries of an acceptable batch, already in the tree, else None [LOG-5]."""
        lsn, blocks = header["lsn"], header["blocks"]
        if blocks > self.blocks // 2 or header["size"] > MAX_PAYLOAD or lsn + blocks - self.superblock.start > self.blocks:
            return None
        if header["mark"] < mark or header["first"] != self.tree.size:
            return None
        if self.commits.time and header["time"] < self.commits.time[-1]:
            return None
        raw = b"".join(self.block(lsn + k) for k in range(blocks))
        payload, padding = raw[HEADER:HEADER + header["size"]], raw[HEADER + header["size"]:]
        try:
            entries = split_entries(payload, "journal", header["first"])
        except Damage:
            return None
        if any(padding) or len(entries) != header["count"]:
            return None
        for entry in entries:
            self.tree.append(merkle.leaf_hash(entry))
        if self.tree.root() != header["root"]:
            self.tree.truncate(header["first"])
            return None
        return entries

    def check_nothing_later(self, end):
        """[LOG-22]"""
        self.end = end
        for place in range(self.blocks):
            header = self.batch_header(self.block(place))
            if header is None or header["lsn"] % self.blocks != place:
                continue
            if header["lsn"] > end or header["generation"] > self.superblock.generation:
                raise Damage("journal: the log ends at LSN %d, entry %d, but at offset %d stands LSN %d with entry %d" % (
                    end, self.tree.size, RING + BLOCK * place, header["lsn"], header["first"]))

    def check_published(self):
        try:
            raw = read_file(self.file("published"))
        except Damage:
            return
        if len(raw) != BLOCK or raw[:8] != b"MUNPUBL1" or hashlib.sha256(raw[:64]).digest() != raw[64:96]:
            self.notes.append("published: torn; it will be written again")
            return
        if raw[8:24] != self.superblock.nonce:
            self.notes.append("published: of an older journal")
            return
        if any(raw[96:]):
            self.notes.append("published: torn behind its record; it will be written again")
        size = int.from_bytes(raw[24:32], "big")
        need(size <= self.tree.size, "published: size %d, but there are %d entries", size, self.tree.size)
        need(self.tree.root(size) == raw[32:64], "published: the root at size %d is another", size)

    def check_control(self, own_entries):
        """[LOG-30]: if it can be used, it names exactly the ledger's own statements after entry 0."""
        try:
            data = read_file(self.file("control"))
        except Damage:
            return
        body, _, digest = data.rpartition(b"sha256 ")
        lines = body.decode("utf-8", "replace").split("\n")
        if digest != hashlib.sha256(body).hexdigest().encode() + b"\n" or lines[0] != "muniment-control 1":
            self.notes.append("control: cannot be used; it will be made again")
            return
        size, root = int(lines[1].split(" ")[1]), text.base64_decode(lines[2].split(" ")[1])
        if size > self.tree.size or self.tree.root(size) != root:
            self.notes.append("control: of another log; it will be made again")
            return
        want = ["entry %d" % index for index in own_entries if index < size] + [""]
        need(lines[3:] == want, "control: not the ledger's own statements below %d", size)

    def finish(self, older=()):
        """What stands beside the entries; `older` as in check_checkpoint."""
        size = self.superblock.size
        need(self.stream("offsets", 0) == bytes(self.offsets), "offsets: not those of the entries")
        for level in range(LEVELS):
            length = 32 * (size >> (8 * level))
            full = bytes(self.tree.levels[8 * level][:length]) if length else b""
            data = self.stream("hashes/%d" % level, 1 + level)
            if data != full:
                bad = next(k for k in range(0, length, 32) if data[k:k + 32] != full[k:k + 32])
                raise Damage("hashes/%d: offset %d, entry %d" % (level, bad, bad // 32 << (8 * level)))
        self.check_published()
        if self.tree.size > size:
            self.notes.append("%d entries stand in the journal only" % (self.tree.size - size))
        if os.path.exists(self.file("checkpoint")):
            self.check_checkpoint(read_file(self.file("checkpoint")), older)
        else:
            self.notes.append("no checkpoint")


# ---- a static export ----------------------------------------------------------------------------

def tile_number(number):
    """[EXP], how N is written: 1234067 is x001/x234/067."""
    groups = ["%03d" % (number % 1000)]
    while number >= 1000:
        number //= 1000
        groups.append("x%03d" % (number % 1000))
    return "/".join(reversed(groups))


def tiles_of(count):
    """The paths below tile/L, and how many hashes each holds [EXP-1]."""
    for number in range(count // 256):
        yield tile_number(number), number, 256
    if count % 256:
        yield "%s.p/%d" % (tile_number(count // 256), count % 256), count // 256, count % 256


class Export(Log):
    """[EXP-3], [EXP-5]"""

    def __init__(self, path):
        super().__init__(path)
        check_version(read_file(self.file("export")), b"muniment-export", "export")
        try:
            self.size = note.read_checkpoint(note.Note(read_file(self.file("checkpoint"))).text).size
        except note.BadNote as error:
            raise Damage("checkpoint: %s" % error)

    def entries(self):
        for name, number, count in tiles_of(self.size):
            path = "tile/entries/" + name
            entries = split_entries(read_file(self.file(path)), path, 256 * number)
            need(len(entries) == count, "%s: %d entries, not %d", path, len(entries), count)
            for entry in entries:
                self.tree.append(merkle.leaf_hash(entry))
                yield entry

    def finish(self, older=()):
        point = self.check_checkpoint(read_file(self.file("checkpoint")))
        need(point.size == self.tree.size, "checkpoint: another size")
        level, count = 0, self.size
        while count:
            hashes = self.tree.levels[8 * level]
            for name, number, width in tiles_of(count):
                path = "tile/%d/%s" % (level, name)
                want = bytes(hashes[8192 * number:8192 * number + 32 * width])
                need(read_file(self.file(path)) == want, "%s: not the hashes of the entries", path)
            level, count = level + 1, count >> 8
        self.read_commits()

    def read_commits(self):
        data = read_file(self.file("commits"))
        need(len(data) % BLOCK == 0, "commits: length")
        for at in range(0, len(data), BLOCK):
            block = data[at:at + BLOCK]
            count = RECORDS
            if at + BLOCK == len(data):
                while count and not any(block[16 * (count - 1):16 * count]):
                    count -= 1
            self.commits.add_block(block, count, "commits: offset %d" % at)
        need(self.size == 0 or self.commits.first, "commits: no record")  # records above the size: [EXP-9]


def open_log(path):
    if os.path.exists(os.path.join(path, "export")):
        return Export(path)
    return Directory(path)

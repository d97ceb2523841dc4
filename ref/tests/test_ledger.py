# SPDX-License-Identifier: Apache-2.0
"""Ledger directories and exports, made here from the two entries of the worked example."""
import base64
import hashlib
import json
import os
import struct
import tempfile
import unittest

import support
from muniment_ref import ledger, log_reader, merkle

BLOCK, SLOT, BLOCKS = 4096, 36864, 64
NONCE = bytes(range(16))
TIMES = [1795348800000, 1795348903250]


def with_length(entry):
    return len(entry).to_bytes(2, "big") + entry


class Maker:
    """The bytes of a ledger of the two entries, `durable` of them in the streams and the rest in the journal."""

    def __init__(self, folder, durable):
        example = support.example()
        self.folder, self.durable = folder, durable
        self.entries = [bytes.fromhex(example[name]) for name in ("genesis_entry", "entry")]
        self.tree = merkle.Tree()
        for entry in self.entries:
            self.tree.append(merkle.leaf_hash(entry))
        self.pub, self.checkpoint = example["ledger"]["ledger_pub"].encode(), example["checkpoint"].encode()
        self.ledger_id = hashlib.sha256(example["ledger"]["origin"].encode()).digest()

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def commits(self, count):
        raw = b"".join(struct.pack(">QQ", k, TIMES[k]) for k in range(count)).ljust(BLOCK - 32, b"\0")
        return raw + hashlib.sha256(raw).digest()

    def streams(self):
        entries = b"".join(map(with_length, self.entries[:self.durable]))
        offsets, at = b"", 0
        for entry in self.entries[:self.durable]:
            offsets, at = offsets + at.to_bytes(4, "big"), at + 2 + len(entry)
        hashes = bytes(self.tree.levels[0][:32 * self.durable])
        return entries, offsets, hashes

    def superblock(self, generation):
        entries, offsets, hashes = self.streams()
        raw = bytearray(SLOT)
        raw[:24] = b"MUNSUPR1" + NONCE
        struct.pack_into(">5Q", raw, 24, generation, self.durable, BLOCKS, self.durable, len(entries))
        raw[64:96] = self.tree.root(self.durable)
        raw[128:160] = self.ledger_id
        struct.pack_into(">2Q", raw, 160, 0, self.durable)
        for k, data in ((1, offsets), (2, hashes), (7, entries[len(entries) // BLOCK * BLOCK:])):
            raw[BLOCK * k:BLOCK * k + len(data)] = data
        if self.durable:
            raw[BLOCK * 8:] = self.commits(self.durable)
        raw[96:128] = hashlib.sha256(raw).digest()
        return bytes(raw)

    def batch(self, index):
        payload = with_length(self.entries[index])
        raw = b"MUNJRNL1" + NONCE + struct.pack(">QQIIQQ", index, index, 1, len(payload), 0, 1)
        raw += self.tree.root(index + 1) + TIMES[index].to_bytes(8, "big")
        raw += hashlib.sha256(raw).digest() + payload
        return raw.ljust(BLOCK, b"\0")

    def published(self, size):
        raw = b"MUNPUBL1" + NONCE + size.to_bytes(8, "big") + self.tree.root(size)
        return (raw + hashlib.sha256(raw).digest()).ljust(BLOCK, b"\0")

    def directory(self):
        entries, offsets, hashes = self.streams()
        self.write("format", b"muniment-log 1\n")
        self.write("ledger.pub", self.pub)
        self.write("checkpoint", self.checkpoint)
        self.write("entries/0000000000", entries)
        self.write("offsets", offsets)
        for level in range(5):
            self.write("hashes/%d" % level, hashes if level == 0 else b"")
        self.write("commits", self.commits(self.durable) if self.durable else b"")
        self.write("published", self.published(2))
        slots = bytes(SLOT) + self.superblock(1) + bytes(2 * SLOT)
        self.write("journal", slots + self.batch(0) + self.batch(1) + bytes(BLOCK * (BLOCKS - 2)))

    def export(self):
        self.write("export", b"muniment-export 1\n")
        self.write("ledger.pub", self.pub)
        self.write("checkpoint", self.checkpoint)
        self.write("tile/entries/000.p/2", b"".join(map(with_length, self.entries)))
        self.write("tile/0/000.p/2", bytes(self.tree.levels[0]))
        self.write("commits", self.commits(2))


class Case(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.folder = self.place.name

    def check(self, **options):
        return ledger.check(self.folder, sample=None, **options)

    def flip(self, name, bit):
        path = os.path.join(self.folder, name)
        with open(path, "r+b") as file:
            file.seek(bit // 8)
            byte = file.read(1)[0]
            file.seek(bit // 8)
            file.write(bytes([byte ^ 1 << bit % 8]))


class Directory(Case):
    def test_good(self):
        """[LOG-18] to [LOG-21]: nothing, one or both of the entries in the streams."""
        for durable in (0, 1, 2):
            maker = Maker(self.folder, durable)
            maker.directory()
            result = self.check()
            self.assertEqual(result["damage"], [])
            self.assertEqual((result["size"], result["root"]), (2, support.example()["root"]))
            self.assertEqual(result["words"], support.example()["ledger"]["fingerprint_words"])

    def test_acknowledged(self):
        """[RCPT-1], [RCPT-2], [LOG-14]"""
        Maker(self.folder, 1).directory()
        example = support.example()
        line = {"index": 1, "leaf": example["leaf"], "time": TIMES[1], "receipt": example["receipt"]}
        self.assertEqual(self.check(receipts=[line])["damage"], [])
        for change in ({"index": 0}, {"index": 2}, {"time": 5}, {"leaf": "00" * 32}, {"receipt": example["receipt"][:-2] + "00"}):
            self.assertEqual(len(self.check(receipts=[{**line, **change}])["damage"]) > 0, True, change)

    def test_every_bit_is_found(self):
        """[LOG-25]: in what is truth; a damaged superblock is one of four, so not that."""
        maker = Maker(self.folder, 1)
        maker.directory()
        used = {"entries/0000000000": 0, "hashes/0": 0, "checkpoint": 8 * maker.checkpoint.index(b"\n\xe2\x80\x94 witness"), "ledger.pub": 8 * len(maker.pub),
                "format": 8 * 15}
        for name, bits in used.items():
            for bit in range(0, bits, 5):
                self.flip(name, bit)
                result = self.check()
                self.assertFalse(result["ok"], (name, bit))
                self.flip(name, bit)
        start = 4 * SLOT + BLOCK  # the newest batch: `published` knows of it
        for bit in range(8 * start, 8 * (start + 136 + 600), 31):
            self.flip("journal", bit)
            self.assertFalse(self.check()["ok"], bit)
            self.flip("journal", bit)
        self.assertTrue(self.check()["ok"])

    def test_lost_batch(self):
        """[LOG-22]"""
        maker = Maker(self.folder, 0)
        maker.directory()
        self.flip("journal", 8 * (4 * SLOT + 200))
        self.assertIn("LSN 1", self.check()["damage"][0])

    def test_full_blocks_are_read_from_the_files(self):
        maker = Maker(self.folder, 2)
        maker.directory()
        os.remove(os.path.join(self.folder, "hashes/0"))
        self.assertIn("hashes/0", self.check()["damage"][0])

    def test_control(self):
        """[LOG-30]: wrong but whole is damage; torn, or of another log, is made again."""
        maker = Maker(self.folder, 2)
        maker.directory()
        for entries, root, good in (("", maker.tree.root(), True), ("entry 1\n", maker.tree.root(), False), ("entry 1\n", bytes(32), True)):
            body = "muniment-control 1\nsize 2\nroot %s\n%s" % (base64.b64encode(root).decode(), entries)
            maker.write("control", (body + "sha256 %s\n" % hashlib.sha256(body.encode()).hexdigest()).encode())
            self.assertEqual(self.check()["ok"], good, self.check()["damage"])
        maker.write("control", b"torn")
        self.assertTrue(self.check()["ok"])

    def test_newer_version(self):
        """[FMT-1], [LOG-1]"""
        maker = Maker(self.folder, 2)
        maker.directory()
        maker.write("format", b"muniment-log 2\n")
        self.assertIn("newer", self.check()["damage"][0])


class Export(Case):
    def test_good(self):
        Maker(self.folder, 2).export()
        self.assertEqual(self.check()["damage"], [])

    def test_every_file(self):
        """[EXP-3], [EXP-5]"""
        maker = Maker(self.folder, 2)
        maker.export()
        for name in ("checkpoint", "ledger.pub", "commits", "tile/0/000.p/2", "tile/entries/000.p/2", "export"):
            path = os.path.join(self.folder, name)
            with open(path, "rb") as file:
                data = file.read()
            for bad in (data[:-1], data + b"\0", bytes([data[0] ^ 1]) + data[1:], None):
                if bad is None:
                    os.remove(path)
                else:
                    maker.write(name, bad)
                if name == "export" and bad is None:
                    continue
                self.assertFalse(self.check()["ok"], (name, bad and len(bad)))
            maker.write(name, data)
        self.assertTrue(self.check()["ok"])

    def test_tile_numbers(self):
        """Examples of export.md"""
        self.assertEqual(log_reader.tile_number(5), "005")
        self.assertEqual(log_reader.tile_number(1234067), "x001/x234/067")
        self.assertEqual(log_reader.tile_number(1000), "x001/000")


class Policy(unittest.TestCase):
    def test_strict_json(self):
        """[POL-2] to [POL-5]"""
        from muniment_ref import policy
        good = support.example()["policy"]
        policy.Policy(good.encode())
        value = json.loads(good)
        bad = [good + " x", good[:-1], "\ufeff" + good, good.replace('"version":1', '"version":1.0'), good.replace('"version":1', '"version":2'),
               good.replace('"version":1', '"version":1,"version":1'), good.replace('"version":1', '"version":true'),
               good.replace('"version":1', '"version":1,"x":1'), good.replace('"threshold":1', '"threshold":2'),
               good.replace('"threshold":1', '"threshold":0'), good.replace("[-7,", "[-7,-7,"), good.replace("[-7,", "[-6,"),
               good.replace('"any"', '"some"'), good.replace("2026-11-22", "2026-1-22"), good.replace("checkpoints", "administrator")]
        bad.append(json.dumps({**value, "keys": value["keys"] + value["keys"][:1]}))
        for one in bad:
            with self.assertRaises(policy.Refused, msg=one[:60]):
                policy.Policy(one.encode())
        for raw in (b"\xff" + good.encode(), good.replace("any", "\\ud800").encode()):
            with self.assertRaises(policy.Refused):
                policy.Policy(raw)

    def test_certificates(self):
        """[POL-11], 9"""
        import hashlib
        import types
        from muniment_ref import cbor, keys, policy, statement

        def der(tag, content):
            return bytes((tag, len(content))) + content

        def certificate(key):
            spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + key.x + key.y
            return der(0x30, der(0x30, b"\x02\x01\x07" + 4 * b"\x30\x00" + spki))

        def admitted(protected):
            body = cbor.encode({1: -7, 15: {1: "i", 2: "s"}, **protected})
            return replay.admission_keys(statement.Statement(cbor.encode(cbor.Tag(18, [body, {}, b"p", b"sig"]))))

        one, two, other = (keys.Key(2, 1, bytes([n]) * 32, bytes([n + 1]) * 32) for n in (1, 3, 5))
        replay = policy.Replay()
        replay.policy = types.SimpleNamespace(mode="listed")
        replay.listed = {"i": {one: (), two: (b"k",)}}
        self.assertEqual(admitted({34: [-16, b"?"]}), [one, two])
        self.assertEqual(admitted({33: certificate(two)}), [two])
        self.assertEqual(admitted({33: b"no certificate"}), [one, two])
        self.assertEqual(admitted({33: certificate(two), 34: [-16, hashlib.sha256(certificate(two)).digest()]}), [two])
        self.assertEqual(admitted({33: certificate(two), 34: [-15, b"truncated"]}), [two])
        for bad in ({33: certificate(other)}, {4: b"k", 33: certificate(one)}, {33: certificate(two), 34: [-16, bytes(32)]}):
            with self.assertRaisesRegex(policy.Refused, "certificate-mismatch"):
                admitted(bad)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Statements, receipts, keys, notes and trees: the worked example and the shared vectors."""
import base64
import unittest

import support
from muniment_ref import batch, cbor, keys, merkle, note, receipt, statement, verify


def unhex(value):
    return bytes.fromhex(value)


class Example(unittest.TestCase):
    def setUp(self):
        self.example = support.example()

    def trust(self, roles):
        example, entries = self.example, []
        if "issuer" in roles:
            entries.append(("issuer", example["issuer"]["thumbprint_uri"], unhex(example["issuer"]["cose_key"])))
        if "ledger" in roles:
            pub = keys.parse_ledger_pub(example["ledger"]["ledger_pub"].encode())
            entries += [("ledger", pub.origin, keys.to_cose(key)) for key in (pub.receipts, pub.checkpoints)]
        if "witness" in roles:
            entries.append(("witness", example["witness"]["name"], unhex(example["witness"]["cose_key"])))
        return [verify.Trust(role, name, keys.parse_cose(key), (), True) for role, name, key in entries]

    def bytes_of(self, value):
        return None if value is None else unhex(self.example.get(value, value))

    def test_reports(self):
        """[VER-2] to [VER-14]"""
        self.assertEqual(len(self.example["reports"]), 10)
        for case in self.example["reports"]:
            with self.subTest(case["what"]):
                document = self.bytes_of(case["document"])
                digests = None if document is None else verify.digests([document])
                report = verify.report(self.bytes_of(case["evidence"]), digests, self.trust(case["trusted"]))
                self.assertEqual(verify.least(report), case["report"])

    def test_statement(self):
        one = statement.Statement(unhex(self.example["statement"]))
        self.assertEqual(one.entry().hex(), self.example["entry"])
        self.assertEqual(one.leaf().hex(), self.example["leaf"])
        self.assertEqual(one.signed_bytes(one.payload).hex(), self.example["sig_structure"])

    def test_receipt(self):
        one = receipt.Receipt(unhex(self.example["receipt"]))
        root = one.root(unhex(self.example["leaf"]))
        self.assertEqual(root.hex(), self.example["root"])
        self.assertEqual(one.signed_bytes(root).hex(), self.example["receipt_signed"])
        key = keys.parse_cose(unhex(self.example["ledger"]["receipts_cose_key"]))
        self.assertTrue(receipt.good_for_leaf(unhex(self.example["receipt"]), unhex(self.example["leaf"]), key))
        self.assertFalse(receipt.good_for_leaf(unhex(self.example["receipt"]), bytes(32), key))

    def test_keys(self):
        """[KEY-7] to [KEY-9], [KEY-13], [KEY-14], [CKPT-7]"""
        ledger, issuer, witness = (self.example[name] for name in ("ledger", "issuer", "witness"))
        key = keys.parse_cose(unhex(issuer["cose_key"]))
        self.assertEqual(keys.thumbprint(key).hex(), issuer["thumbprint"])
        self.assertEqual(keys.own_names(key), (issuer["thumbprint_uri"], issuer["did_key"]))
        key = keys.parse_cose(unhex(ledger["checkpoints_cose_key"]))
        self.assertEqual(keys.did_key(key), ledger["checkpoints_did_key"])
        raw = ledger["ledger_pub"].encode()
        self.assertEqual(keys.fingerprint(raw).hex(), ledger["fingerprint"])
        self.assertEqual(keys.fingerprint_words(raw), ledger["fingerprint_words"])
        self.assertEqual(keys.make_vkey(witness["name"], 4, keys.parse_cose(unhex(witness["cose_key"]))), witness["vkey"])

    def test_ledger_pub_is_exact(self):
        """[KEY-13]: every single-byte change that is not a change of the origin or a key is refused."""
        raw = self.example["ledger"]["ledger_pub"].encode()
        bad = [raw[:-1], raw + b"\n", raw.replace(b"\n", b"\r\n"), raw.replace(b"origin ", b"origin  "), b"", raw[1:],
               raw.replace(b"deeds\nreceipts", b"deed\nreceipts"), raw.replace(b"/1\n", b"/2\n"), raw.replace(b"ASzj", b"ASzk")]
        lines = raw.split(b"\n")
        bad += [b"\n".join([lines[0], lines[2], lines[1], lines[3], b""])]
        for one in bad:
            with self.assertRaises(keys.BadKey):
                keys.parse_ledger_pub(one)

    def test_any_bit_of_the_evidence(self):
        """No changed bit leaves the verdict 0 as it was, but for what is not signed and does not count."""
        evidence, trust = unhex(self.example["evidence"]), self.trust(["issuer", "ledger", "witness"])
        digests = verify.digests([unhex(self.example["document"])])
        for bit in range(0, 8 * len(evidence), 7):
            bad = bytearray(evidence)
            bad[bit // 8] ^= 1 << bit % 8
            report = verify.report(bytes(bad), digests, trust)
            self.assertNotEqual((report["verdict"], [c["result"] for c in report.get("checks", [])]), (0, ["pass"] * 8))

    def test_checkpoint_and_proof(self):
        point = note.Note(self.example["checkpoint"].encode())
        self.assertEqual(note.read_checkpoint(point.text).root.hex(), self.example["root"])
        proof = note.TlogProof(self.example["tlog_proof"].encode())
        self.assertEqual(proof.index, 1)
        self.assertTrue(proof.leads_from(unhex(self.example["leaf"])))


class Statements(unittest.TestCase):
    def test_foreign_statements(self):
        """[STMT-1] to [STMT-22]: 25 statements by five makers."""
        cases = support.vectors("cose-sign1/statements.json")
        for case in cases:
            with self.subTest(case["name"]):
                one = statement.Statement(unhex(case["statement"]))
                self.assertEqual((one.iss, one.sub, one.alg), (case["iss"], case["sub"], case["alg"]))
                self.assertEqual(one.entry().hex(), case["entry"])
                self.assertEqual(one.leaf().hex(), case["leaf_hash"])
                self.assertEqual(one.signed_bytes(one.payload).hex(), case["sig_structure"])
                key = keys.parse_cose(unhex(case["cose_key"]))
                self.assertTrue(one.signature_ok(key))
                self.assertEqual(keys.read_key_file(case["public_key_pem"].encode())[1], key)
                if case["shape"] == "x5chain":
                    self.assertEqual(one.certificate_key(), key)
        self.assertGreaterEqual(len(cases), 25)

    def test_claims_in_headers(self):
        for case in support.vectors("cwt/cwt.json"):
            with self.subTest(case["name"]):
                answer = batch.ask_statement({"statement": case["message"]})
                self.assertEqual(answer["ok"], case["as_scitt_statement"] == "accept")


def changed(**labels):
    """The example's hash envelope with other header members, unsigned: (protected, unprotected) as dicts."""
    protected = {1: -7, 4: b"k", 15: {1: "i", 2: "s"}, 258: -16, 259: "text/plain"}
    unprotected = labels.pop("unprotected", {})
    protected.update(labels.pop("protected", {}))
    protected = {label: value for label, value in protected.items() if value is not None}
    payload = labels.pop("payload", bytes(32))
    return cbor.encode(cbor.Tag(18, [cbor.encode(protected), unprotected, payload, b"sig"]))


class Rules(unittest.TestCase):
    def rule(self, data):
        try:
            statement.Statement(data)
            return None
        except statement.Malformed as error:
            return str(error)

    def test_rules(self):
        """[STMT-3] to [STMT-17], by rule name"""
        cases = [
            (None, {}), (None, {"unprotected": {7: 7, "x": [1], 16: 1}}),
            ("label-invalid", {"protected": {b"x": 1}}), ("label-invalid", {"protected": {15: {1: "i", 2: "s", b"": 0}}}),
            ("label-in-both", {"unprotected": {4: b"k"}}), ("label-legacy", {"unprotected": {391: 0}}),
            ("label-legacy", {"protected": {-6802: 0}}), ("crit-unknown", {"protected": {2: []}}),
            ("crit-unknown", {"protected": {2: [7], 7: 0}}), ("crit-unknown", {"protected": {2: [33]}}), (None, {"protected": {2: [4, 259]}}),
            ("label-misplaced", {"unprotected": {2: [4]}}), ("alg-missing", {"protected": {1: None}}),
            ("alg-missing", {"protected": {1: "ES256"}}), ("claims-missing", {"protected": {15: None}}),
            ("claims-missing", {"protected": {15: {1: "i"}}}), ("claims-invalid", {"protected": {15: {1: "", 2: "s"}}}),
            ("claims-invalid", {"protected": {15: {1: "i", 2: "s" * 8193}}}), (None, {"protected": {15: {1: "i", 2: "s" * 8192}}}),
            ("kid-missing", {"protected": {4: None}}), ("kid-invalid", {"protected": {4: b""}}), ("kid-invalid", {"protected": {4: "k"}}),
            ("kid-invalid", {"protected": {4: bytes(257)}}), (None, {"protected": {4: None, 34: [-16, b"h"]}}),
            ("certificate-header-invalid", {"protected": {33: [b"one"]}}), ("certificate-header-invalid", {"protected": {34: [b"a", b"b"]}}),
            (None, {"protected": {33: b"one"}}), (None, {"protected": {33: [b""] * 8}}), ("certificate-header-invalid", {"protected": {33: [b""] * 9}}),
            ("label-misplaced", {"protected": {394: []}}), ("label-misplaced", {"unprotected": {260: "x"}}),
            ("hash-envelope-invalid", {"protected": {258: "x"}}), ("hash-envelope-invalid", {"protected": {260: 1}}),
            ("hash-envelope-invalid", {"protected": {3: "x"}}), ("hash-envelope-invalid", {"unprotected": {3: b"anything"}}),
            ("content-type-invalid", {"protected": {258: None, 3: -1}}), (None, {"protected": {258: None, 259: -1, 260: 7}}),
            ("digest-length", {"payload": bytes(31)}), ("digest-length", {"protected": {258: -44}}), (None, {"protected": {258: -15}, "payload": b""}),
            ("payload-detached", {"payload": cbor.NIL}), ("not-a-statement", {"payload": "text"}),
        ]
        for rule, labels in cases:
            with self.subTest(str(labels)[:60]):
                self.assertEqual(self.rule(changed(**labels)), rule)

    def test_times(self):
        for value, time in ((0, 0), (cbor.Tag(1, 5), 5), (cbor.Tag(2, 5), None), (253402300799, 253402300799),
                            (253402300800, None), (-1, None), ("5", None), (cbor.Tag(1, cbor.Tag(1, 5)), None)):
            self.assertEqual(statement.read_time(value), time)


class Receipts(unittest.TestCase):
    def test_foreign_receipts(self):
        statements = {case["name"]: case for case in support.vectors("cose-sign1/statements.json")}
        cases = support.vectors("cose-receipts/receipts.json")
        for case in cases:
            with self.subTest(case["name"]):
                leaf = unhex(statements[case["statement"]]["leaf_hash"])
                key = keys.parse_cose(unhex(case["ledger_cose_key"]))
                good = receipt.good_for_leaf(unhex(case["receipt"]), leaf, key)
                self.assertEqual(good, case.get("expect", "accept") == "accept")
        self.assertGreaterEqual(len(cases), 50)

    def test_rfc_examples(self):
        for case in support.vectors("cose-receipts/rfc9942-examples.json"):
            one = receipt.Receipt(unhex(case["receipt"]))
            self.assertEqual(one.kind + "-receipt", case["name"])
            if one.kind == "inclusion":
                self.assertEqual(one.root(unhex(case["leaf_hash"])).hex(), case["root"])

    def test_scitt_cose(self):
        cases = support.vectors("scitt-cose-vectors/v1.json")
        for case in cases:
            with self.subTest(case["name"]):
                expected, key = case["expected"], keys.read_key_file(case["log_key_pub"].encode())[1]
                leaf = merkle.leaf_hash(unhex(expected["leaf_entry"]) if expected.get("leaf_entry") else b"")
                good = receipt.good_for_leaf(unhex(case["receipt_cose"]), leaf, key)
                self.assertEqual(good, expected["receipt_valid"] and "vds2" not in case["name"])


class Merkle(unittest.TestCase):
    def setUp(self):
        self.roots = {case["size"]: unhex(case["root"]) for case in support.vectors("merkle/roots.json")}

    def test_roots(self):
        tree = merkle.Tree()
        for size in range(4098):
            if size in self.roots:
                self.assertEqual(tree.root(), self.roots[size])
                self.assertEqual(tree.root(min(size, 40)), self.roots[min(size, 40)])
            tree.append(merkle.leaf_hash(b"%d" % size))
        tree.truncate(1000)
        self.assertEqual(tree.root(), self.roots[1000])

    def test_inclusion(self):
        tree = merkle.Tree()
        for index in range(4097):
            tree.append(merkle.leaf_hash(b"%d" % index))
        for case in support.vectors("merkle/inclusion.json"):
            index, size, path = case["index"], case["size"], [unhex(one) for one in case["path"]]
            merkle.check_possible(index, size, path)
            self.assertEqual(merkle.fold(unhex(case["leaf_hash"]), index, size, path), self.roots[size])
            if size <= tree.size:
                self.assertEqual(tree.path(index, size), path)
            for bad in (path[1:], path + [bytes(32)]):
                if bad != path:
                    with self.assertRaises(merkle.BadProof):
                        merkle.check_possible(index, size, bad)

    def test_consistency(self):
        for case in support.vectors("merkle/consistency.json"):
            size1, size2, path = case["size1"], case["size2"], [unhex(one) for one in case["path"]]
            old = self.roots[size1]
            self.assertEqual(merkle.consistency(size1, size2, old, path), self.roots[size2])
            for bad in (path[:-1], path + [bytes(32)], [bytes(32)] + path[1:]):
                try:
                    self.assertNotEqual(merkle.consistency(size1, size2, old, bad), self.roots[size2])
                except merkle.BadProof:
                    pass

    def test_transparency_dev(self):
        for case in support.vectors("merkle/transparency-dev.json"):
            if case["file"].startswith("inclusion"):
                continue
            size1, size2 = case["size1"], case["size2"]
            if size1 == 0 or size1 == size2:
                continue  # RFC 9942 has no such receipt
            old, new = base64.b64decode(case["root1"] or ""), base64.b64decode(case["root2"] or "")
            path = [base64.b64decode(one) for one in case["proof"] or []]
            try:
                good = merkle.consistency(size1, size2, old, path) == new
            except merkle.BadProof:
                good = False
            self.assertEqual(good, not case["wantErr"], case["file"])

    def test_transparency_dev_inclusion(self):
        tried = 0
        for case in support.vectors("merkle/transparency-dev.json"):
            if not case["file"].startswith("inclusion"):
                continue
            path = [base64.b64decode(one) for one in case["proof"] or []]
            leaf, root = base64.b64decode(case["leafHash"] or ""), base64.b64decode(case["root"] or "")
            try:
                merkle.check_possible(case["leafIdx"], case["treeSize"], path)
                good = len(leaf) == 32 and merkle.fold(leaf, case["leafIdx"], case["treeSize"], path) == root
            except merkle.BadProof:
                good = False
            self.assertEqual(good, not case["wantErr"], case["file"])
            tried += 1
        self.assertGreater(tried, 0)


class Notes(unittest.TestCase):
    def test_notes(self):
        """[CKPT-1] to [CKPT-7]"""
        cases = support.vectors("notes/notes.json")
        for case in cases:
            with self.subTest(case["name"]):
                known = [keys.parse_vkey(one) for one in case["vkeys"]]
                try:
                    good = note.Note(base64.b64decode(case["note_base64"])).accepted(known)
                except note.BadNote:
                    good = False
                self.assertEqual(good, case["expect"] == "accept")
        self.assertGreaterEqual(len(cases), 32)

    def test_checkpoints(self):
        """[CKPT-8] to [CKPT-10]; the vectors accept an empty origin, CKPT-8 does not."""
        for case in support.vectors("notes/checkpoints.json"):
            with self.subTest(case["name"]):
                answer = batch.ask_checkpoint({"checkpoint": base64.b64decode(case["text_base64"]).hex()})
                self.assertEqual(answer["ok"], case["expect"] == "accept" and case["name"] != "empty-origin")

    def test_cosignature(self):
        """[CKPT-13]"""
        for case in support.vectors("notes/cosignature.json"):
            name, type_, key = keys.parse_vkey(case["vkey"])
            self.assertEqual((type_, keys.key_id(name, 4, key.x).hex()), (4, case["key_id"]))
            one = note.Note((case["checkpoint_text"] + "\n" + case["line"].rstrip("\n") + "\n").encode())
            self.assertEqual(one.signature(name, 4, key), (True, case["time"]))

    def test_limits(self):
        line = "\u2014 n AAAAAAA=\n"
        self.assertEqual(len(note.Note(("t\n\n" + 100 * line).encode()).lines), 100)
        for bad in ("t\n\n" + 101 * line, "t\n\n", "\n" + line, "t\n\n" + line.replace("AAAAAAA=", "AAAAAA=="), "t\n\n" + line.replace(" n ", " a+b ")):
            with self.assertRaises(note.BadNote):
                note.Note(bad.encode())

    def test_origins(self):
        """[KEY-12]"""
        for origin, good in (("a", 1), ("ledger.example/deeds", 1), ("\u00fc", 1), ("", 0), ("a/", 0), ("a b", 0), ("a+b", 0), ("x://y", 0),
                             ("a\u00a0b", 0), ("a\x7f", 0), ("a\u0000", 0), ("x" * 255, 1), ("x" * 256, 0)):
            self.assertEqual(keys.origin_ok(origin.encode()), bool(good), origin)
        self.assertFalse(keys.origin_ok(b"\xff"))


if __name__ == "__main__":
    unittest.main()

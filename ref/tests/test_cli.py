# SPDX-License-Identifier: Apache-2.0
"""The command, as a stranger would use it."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import support

PROGRAM = os.path.join(support.REF, "verify.py")


class Command(unittest.TestCase):
    def setUp(self):
        self.example = support.example()
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = place.name
        self.put("deed", bytes.fromhex(self.example["document"]))
        self.put("deed.scitt", bytes.fromhex(self.example["evidence"]))
        self.put("issuer", bytes.fromhex(self.example["issuer"]["cose_key"]))
        self.put("ledger.pub", self.example["ledger"]["ledger_pub"].encode())
        self.put("witness", self.example["witness"]["vkey"].encode() + b"\n")
        self.issuer = "--issuer-key=%s=issuer" % self.example["issuer"]["thumbprint_uri"]

    def put(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)

    def run_it(self, *arguments, stdin=b""):
        return subprocess.run([sys.executable, "-B", PROGRAM, *arguments], cwd=self.folder, input=stdin, capture_output=True, check=False)

    def test_exit_codes(self):
        """[VER-14]"""
        keys = [self.issuer, "--ledger-key", "ledger.pub", "--witness-key", "witness"]
        self.put("other", b"another document")
        self.put("bad.scitt", b"\xd2\x84")
        cases = [(0, ["deed", *keys]), (0, ["--evidence", "deed.scitt", *keys]), (3, ["deed"]), (3, ["deed", self.issuer]),
                 (1, ["other", "--evidence", "deed.scitt", *keys]), (4, ["deed", "--evidence", "bad.scitt"]), (5, ["missing"]),
                 (2, ["deed", "--issuer-key", "no-name"]), (2, ["-"]), (5, ["deed", "--ledger-key", "nothing"])]
        for code, arguments in cases:
            done = self.run_it("verify", *arguments)
            self.assertEqual(done.returncode, code, (arguments, done.stderr))

    def test_json_and_standard_input(self):
        done = self.run_it("verify", "-", "--evidence", "deed.scitt", "--json", self.issuer, stdin=bytes.fromhex(self.example["document"]))
        report = json.loads(done.stdout)
        self.assertEqual([check["result"] for check in report["checks"]][:3], ["pass"] * 3)
        self.assertEqual((report["verdict"], done.returncode), (3, 3))

    def test_words(self):
        self.assertEqual(self.run_it("words", "ledger.pub").stdout.decode().strip(), self.example["ledger"]["fingerprint_words"])

    def test_batch(self):
        lines = [{"evidence": self.example["evidence"], "document": None, "keys": []}, {"cbor": "00", "mode": "strict"}, {"unknown": 1},
                 {"origin": "zz"}, {"cbor": "ff", "mode": "carried"}]
        done = self.run_it("batch", stdin="\n".join(map(json.dumps, lines)).encode())
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((answers[0]["verdict"], answers[1:3], answers[4]), (3, [{"ok": True}, {"unsupported": True}], {"ok": False}))
        self.assertIn("error", answers[3])

    def test_trust_json(self):
        entry = {"role": "issuer", "name": self.example["issuer"]["thumbprint_uri"], "key": self.example["issuer"]["cose_key"], "kids": [], "trusted": False}
        self.put("trust.json", json.dumps([entry]).encode())
        report = json.loads(self.run_it("verify", "deed", "--trust-json", "trust.json", "--json").stdout)
        self.assertEqual([check["result"] for check in report["checks"]][1:3], ["pass", "unchecked"])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Requests from the worked example, from the shared vectors, and at the edges that ref/QUESTIONS.md names."""
import base64
import json
import os
import pathlib

from cases import entry
from material import EdSigner, cbor, checkpoint_text, keys, log_line, note_line, tlog_proof

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("MUN_SHARED") or ROOT.parent / "shared")


def load(name):
    return json.loads((SHARED / "data" / name).read_text(encoding="utf-8"))


def example_requests():
    """(request, report) of example.json."""
    example = json.loads((ROOT / "docs/format/example.json").read_text(encoding="utf-8"))
    pub = keys.parse_ledger_pub(example["ledger"]["ledger_pub"].encode())
    entries = {
        "issuer": [entry("issuer", example["issuer"]["thumbprint_uri"], cose(example["issuer"]["cose_key"]))],
        "ledger": [entry("ledger", pub.origin, pub.receipts), entry("ledger", pub.origin, pub.checkpoints)],
        "witness": [entry("witness", example["witness"]["name"], cose(example["witness"]["cose_key"]))],
    }
    for case in example["reports"]:
        document = case["document"]
        yield {"evidence": example.get(case["evidence"], case["evidence"]), "document": document and example.get(document, document),
               "keys": sum((entries[role] for role in case["trusted"]), [])}, case["report"]
    evidence, trust = bytes.fromhex(example["evidence"]), sum(entries.values(), [])
    for bit in range(0, 8 * len(evidence), 11):
        bad = bytearray(evidence)
        bad[bit // 8] ^= 1 << bit % 8
        yield {"evidence": bad.hex(), "document": example["document"], "keys": trust}, None
    raw = example["ledger"]["ledger_pub"].encode()
    yield {"ledger_pub": raw.hex()}, {"ok": True, "words": example["ledger"]["fingerprint_words"]}


def cose(text):
    return keys.parse_cose(bytes.fromhex(text))


def shared_requests():
    """Nothing where the shared vectors are not."""
    if not SHARED.is_dir():
        print("no %s: the shared vectors are left out" % SHARED)
        return
    statements = {case["name"]: case for case in load("cose-sign1/statements.json")}
    for case in statements.values():
        yield {"statement": case["statement"]}, {"ok": True, "leaf": case["leaf_hash"]}
        for trusted in (True, False):
            trust = [entry("issuer", case["iss"], cose(case["cose_key"]), [bytes.fromhex(case["kid"])] if case.get("kid") else [], trusted)]
            for keys_given in (trust, []):
                yield {"evidence": case["statement"], "document": case["payload"], "keys": keys_given}, None
    for case in load("cose-receipts/receipts.json"):
        key, statement = cose(case["ledger_cose_key"]), statements[case["statement"]]
        answer = {"ok": case.get("expect", "accept") == "accept"}
        yield {"receipt_leaf": case["receipt"], "leaf": statement["leaf_hash"], "key": case["ledger_cose_key"]}, answer
        trust = [entry("ledger", "https://ledger.example", key), entry("issuer", statement["iss"], cose(statement["cose_key"]))]
        if "transparent_statement" in case:
            yield {"evidence": case["transparent_statement"], "document": None, "keys": trust}, None
    for case in load("cose-receipts/rfc9942-examples.json"):
        yield {"receipt": case["receipt"]}, {"kind": case["name"].replace("-receipt", "")}
    for case in load("cwt/cwt.json"):
        yield {"statement": case["message"]}, {"ok": case["as_scitt_statement"] == "accept"}
    for case in load("cose-keys/thumbprints.json"):
        yield {"cose_key": case["cose_key"]}, {"ok": True, "thumbprint": case["thumbprint_sha256"]}
    for case in load("notes/notes.json"):
        yield {"note": base64.b64decode(case["note_base64"]).hex(), "vkeys": case["vkeys"]}, {"ok": case["expect"] == "accept"}
    for case in load("notes/checkpoints.json"):
        answer = None if case["name"] == "empty-origin" else {"ok": case["expect"] == "accept"}
        yield {"checkpoint": base64.b64decode(case["text_base64"]).hex()}, answer
    for case in load("scitt-cose-vectors/v1.json"):
        yield {"receipt": case["receipt_cose"]}, None
        yield {"evidence": case["statement_cose"], "document": None, "keys": []}, None


def edge_requests():
    """Where the documents left room once; see ref/QUESTIONS.md."""
    for hex_, ok in (("81" * 16 + "80", False), ("81" * 15 + "80", True), ("81" * 16 + "a0", False), ("c1" * 16 + "80", False),
                     ("81" * 16 + "40", True), ("a1" + "6161" + "81" * 15 + "00", True), ("a1" + "6161" + "81" * 16 + "00", False)):
        for mode in ("strict", "carried"):
            yield {"cbor": hex_, "mode": mode}, {"ok": ok}
    yield {"cbor": "81" * 16 + "5f4100ff", "mode": "carried"}, {"ok": True}
    signer = EdSigner("edge")
    vkey = keys.make_vkey("n", 1, signer.key)
    for text, ok in (("\n", True), ("\n\n", True), ("a\n", True), ("a\n\n", True), ("", False)):
        yield {"note": (text + "\n" + note_line("n", 1, signer.key, signer.sign(text.encode()))).encode().hex(), "vkeys": [vkey]}, {"ok": ok}
    body = checkpoint_text("n", 1, bytes(32))
    note = body + "\n" + log_line("n", signer, body)
    for extra, ok in ((None, True), (b"", True), (b"x", True), (b"x" * 700000, True), (b"x" * 800000, False)):
        yield {"proof": tlog_proof(0, [], note, extra).hex()}, {"ok": ok}
    for count, ok in ((63, True), (64, False)):
        yield {"proof": tlog_proof(0, [bytes(32)] * count, note).hex()}, {"ok": ok}
    for lines, ok in ((100, True), (101, False)):
        yield {"note": (body + "\n" + log_line("n", signer, body) * lines).encode().hex(), "vkeys": [vkey]}, {"ok": ok}
    for size in ("9223372036854775807", "9223372036854775808"):
        text = body.replace("\n1\n", "\n%s\n" % size)
        yield {"checkpoint": text.encode().hex()}, {"ok": size.endswith("7")}
    yield from large_evidence()


def large_evidence():
    """[EVID-1], [RCPT-5]: the limits of size, at and above."""
    protected = cbor.encode({1: -8, 4: b"k", 15: {1: "i", 2: "s"}})
    for size in (1048576, 1048577):
        empty = cbor.encode(cbor.Tag(18, [protected, {}, b"x" * 70000, bytes(64)]))
        raw = cbor.encode(cbor.Tag(18, [protected, {}, b"x" * (70000 + size - len(empty)), bytes(64)]))
        yield {"evidence": raw.hex(), "document": None, "keys": []}, {"verdict": 3 if len(raw) <= 1048576 else 4}
    for size in (65535, 65536):
        empty = cbor.encode(cbor.Tag(18, [cbor.encode({1: -8, 395: 2}), {"x": b"x" * 60000}, b"", b""]))
        raw = cbor.encode(cbor.Tag(18, [cbor.encode({1: -8, 395: 2}), {"x": b"x" * (60000 + size - len(empty))}, b"", b""]))
        yield {"receipt": raw.hex()}, {"kind": "unsupported" if len(raw) <= 65535 else "malformed"}


def requests():
    yield from example_requests()
    yield from shared_requests()
    yield from edge_requests()

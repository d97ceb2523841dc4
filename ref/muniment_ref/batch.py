# SPDX-License-Identifier: Apache-2.0
"""Answers JSON lines: the protocol of tests/differential/README.md."""
import json

from . import cbor, keys, note, receipt, verify
from .statement import Malformed


def unhex(request, name):
    return bytes.fromhex(request[name])


def ask_evidence(request):
    document = request.get("document")
    digests = None if document is None else verify.digests([bytes.fromhex(document)])
    trust = [verify.trust_from_json(entry) for entry in request["keys"]]
    return verify.least(verify.report(unhex(request, "evidence"), digests, trust))


def ask_cbor(request):
    try:
        cbor.decode(unhex(request, "cbor"), strict={"strict": True, "carried": False}[request["mode"]])
        return {"ok": True}
    except cbor.CborError:
        return {"ok": False}


def ask_statement(request):
    try:
        return {"ok": True, "leaf": verify.Evidence(unhex(request, "statement")).statement.leaf().hex()}
    except Malformed:
        return {"ok": False}


def ask_receipt(request):
    try:
        return {"kind": receipt.Receipt(unhex(request, "receipt")).kind}
    except Malformed:
        return {"kind": "malformed"}


def ask_receipt_leaf(request):
    key = keys.parse_cose(unhex(request, "key"))
    return {"ok": receipt.good_for_leaf(unhex(request, "receipt_leaf"), unhex(request, "leaf"), key)}


def ask_receipt_old(request):
    key = keys.parse_cose(unhex(request, "key"))
    root = receipt.good_for_old_tree(unhex(request, "receipt_old"), request["size"], unhex(request, "root"), key)
    return {"ok": False} if root is None else {"ok": True, "root": root.hex()}


def ask_checkpoint(request):
    try:
        point = note.read_checkpoint(note.decode_text(unhex(request, "checkpoint")))
        return {"ok": True, "origin": point.origin.encode("utf-8").hex(), "size": point.size, "root": point.root.hex()}
    except note.BadNote:
        return {"ok": False}


def ask_note(request):
    known = []
    for line in request["vkeys"]:
        try:
            known.append(keys.parse_vkey(line))
        except keys.BadKey:
            pass
    try:
        return {"ok": note.Note(unhex(request, "note")).accepted(known)}
    except note.BadNote:
        return {"ok": False}


def ask_proof(request):
    try:
        proof = note.TlogProof(unhex(request, "proof"))
        return {"ok": True, "index": proof.index, "size": proof.checkpoint.size}
    except note.BadNote:
        return {"ok": False}


def ask_vkey(request):
    try:
        keys.parse_vkey(request["vkey"])
        return {"ok": True}
    except keys.BadKey:
        return {"ok": False}


def ask_cose_key(request):
    try:
        key = keys.parse_cose(unhex(request, "cose_key"))
    except keys.BadKey:
        return {"ok": False}
    return {"ok": True, "thumbprint": keys.thumbprint(key).hex(), "uri": keys.thumbprint_uri(key), "did": keys.did_key(key)}


def ask_certificate(request):
    try:
        return {"ok": True, "key": keys.to_cose(keys.from_certificate(unhex(request, "certificate"))).hex()}
    except keys.BadKey:
        return {"ok": False}


def ask_ledger_pub(request):
    raw = unhex(request, "ledger_pub")
    try:
        keys.parse_ledger_pub(raw)
        return {"ok": True, "words": keys.fingerprint_words(raw)}
    except keys.BadKey:
        return {"ok": False}


def ask_origin(request):
    return {"ok": keys.origin_ok(unhex(request, "origin"))}


def ask_signature(request):
    key = keys.parse_cose(unhex(request, "key"))
    return {"ok": keys.signature_ok(key, request["alg"], unhex(request, "message"), unhex(request, "signature"))}


QUESTIONS = {
    "evidence": ask_evidence, "cbor": ask_cbor, "statement": ask_statement, "receipt": ask_receipt,
    "receipt_leaf": ask_receipt_leaf, "receipt_old": ask_receipt_old, "checkpoint": ask_checkpoint, "note": ask_note,
    "proof": ask_proof, "vkey": ask_vkey, "cose_key": ask_cose_key, "certificate": ask_certificate,
    "ledger_pub": ask_ledger_pub, "origin": ask_origin, "signature": ask_signature,
}


def answer(line):
    """The answer to one line of the protocol."""
    try:
        request = json.loads(line)
        for name, question in QUESTIONS.items():
            if name in request and next(iter(request)) == name:
                return question(request)
        return {"unsupported": True}
    except (ValueError, KeyError, TypeError, keys.BadKey) as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}


def run(source, target):
    for line in source:
        if line.strip():
            target.write(json.dumps(answer(line), separators=(",", ":")) + "\n")

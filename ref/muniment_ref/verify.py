# SPDX-License-Identifier: Apache-2.0
"""The verification procedure of docs/format/verification.md."""
import hashlib
from collections import namedtuple

from . import keys, merkle
from .note import BadNote, TlogProof
from .receipt import Receipt
from .statement import DIGEST_SIZES, Malformed, Statement

CHECKS = ("document", "statement-signature", "issuer", "receipt-signature",
          "inclusion", "ledger", "cosignatures", "times")  # [VER-2]
ROLES = ("issuer", "ledger", "witness", "tsa")
MAX_EVIDENCE = 1048576
DAY = 86400

PASS, FAIL, UNCHECKED, WARNING, ABSENT = "pass", "fail", "unchecked", "warning", "absent"  # [VER-3]

# role, exact name [VER-1], keys.Key, kids, trusted (else known only)
Trust = namedtuple("Trust", "role name key kids trusted")

Judged = namedtuple("Judged", "signature inclusion ledger receipt")
JudgedProof = namedtuple("JudgedProof", "verdict proof witnesses")


def kid_fits(entry, kid):
    return kid == keys.thumbprint(entry.key) or kid in entry.kids


def digests(chunks):
    """The digests of a document that is given in pieces."""
    hashes = {alg: hashlib.new(name) for alg, (name, _) in DIGEST_SIZES.items()}
    for chunk in chunks:
        for hash_ in hashes.values():
            hash_.update(chunk)
    return {alg: hash_.digest() for alg, hash_ in hashes.items()}


class Evidence:
    """An evidence file [EVID-1], [EVID-2]; raises Malformed."""

    def __init__(self, data):
        if len(data) > MAX_EVIDENCE:
            raise Malformed("evidence-too-large")
        self.statement = Statement(data)
        self.receipts = self.member(394)
        self.proofs = self.member(-65700)

    def member(self, label):
        """None if the label is missing."""
        unprotected = self.statement.unprotected
        if label not in unprotected:
            return None
        value = unprotected[label]
        if not isinstance(value, list) or not 1 <= len(value) <= 16 or not all(isinstance(v, bytes) for v in value):
            raise Malformed("evidence-header-invalid")
        return value


# ---- 1. document --------------------------------------------------------------------------------

def check_document(statement, document):
    """[VER-5]; document: None or digests by hash algorithm."""
    if document is None:
        return UNCHECKED
    if statement.is_envelope:
        if statement.hash_alg not in DIGEST_SIZES:
            return UNCHECKED
        return PASS if document[statement.hash_alg] == statement.payload else FAIL
    return PASS if document[-16] == hashlib.sha256(statement.payload).digest() else FAIL


# ---- 2. statement-signature, 3. issuer ----------------------------------------------------------

def declared_key(statement):
    certificate = statement.certificate_key()
    for key in (certificate, statement.confirmation_key()):
        if key is not None and statement.iss in keys.own_names(key):
            return key
    if certificate is not None and not statement.iss.startswith(("urn:ietf:params:oauth:ckt:", "did:key:")):
        return certificate
    return None


def check_signature(statement, trust):
    """[VER-6], [VER-7]: results of statement-signature and issuer."""
    if statement.alg not in keys.ALGORITHMS:
        return UNCHECKED, UNCHECKED
    entries = [t for t in trust if t.role == "issuer" and t.name == statement.iss]
    if statement.kid is not None:
        entries = [t for t in entries if kid_fits(t, statement.kid)]
    verified = [t for t in entries if statement.signature_ok(t.key)]
    if verified:
        return PASS, PASS if any(t.trusted for t in verified) else UNCHECKED
    if statement.kid is not None and entries:
        return FAIL, UNCHECKED
    key = declared_key(statement)
    if key is None:
        return UNCHECKED, UNCHECKED
    return (PASS if statement.signature_ok(key) else FAIL), UNCHECKED


# ---- 4. receipt-signature, 5. inclusion, 6. ledger ----------------------------------------------

def judge(data, statement, leaf, trust):
    """The cases in their order; the first that fits decides."""
    try:
        receipt = Receipt(data)
    except Malformed:
        return Judged(FAIL, UNCHECKED, UNCHECKED, None)
    if receipt.kind == "unsupported":
        return Judged(UNCHECKED, UNCHECKED, UNCHECKED, None)  # not looked at further, its times neither
    if receipt.kind == "consistency":
        return Judged(FAIL, UNCHECKED, UNCHECKED, receipt)
    try:
        root = receipt.root(leaf)
    except merkle.BadProof:
        return Judged(UNCHECKED, FAIL, UNCHECKED, receipt)
    if receipt.sub not in (None, statement.sub) or receipt.leaf not in (None, leaf):
        return Judged(FAIL, UNCHECKED, UNCHECKED, receipt)
    if receipt.iss is None:
        return Judged(UNCHECKED, UNCHECKED, UNCHECKED, receipt)
    entries = [t for t in trust if t.role == "ledger" and t.name == receipt.iss]
    if receipt.kid is not None:
        entries = [t for t in entries if kid_fits(t, receipt.kid)]
    verified = [t for t in entries if receipt.signature_ok(t.key, root)]
    if verified:
        return Judged(PASS, PASS, PASS if any(t.trusted for t in verified) else UNCHECKED, receipt)
    if receipt.kid is not None and entries:
        return Judged(FAIL, UNCHECKED, UNCHECKED, receipt)
    return Judged(UNCHECKED, UNCHECKED, UNCHECKED, receipt)


def check_receipts(judged):
    """[VER-8]: results of receipt-signature, inclusion and ledger; judged is None without 394."""
    if judged is None:
        return ABSENT, ABSENT, ABSENT
    bad_signature = any(j.signature == FAIL for j in judged)
    bad_inclusion = any(j.inclusion == FAIL for j in judged)
    good = [j for j in judged if j.signature == PASS]
    if good:
        return (WARNING if bad_signature else PASS, WARNING if bad_inclusion else PASS,
                PASS if any(j.ledger == PASS for j in good) else UNCHECKED)
    return FAIL if bad_signature else UNCHECKED, FAIL if bad_inclusion else UNCHECKED, UNCHECKED


# ---- 7. cosignatures ----------------------------------------------------------------------------

def judge_proof(data, leaf, trust):
    try:
        proof = TlogProof(data)
    except BadNote:
        return JudgedProof("bad", None, [])
    if not proof.leads_from(leaf):
        return JudgedProof("bad", proof, [])
    log_signed, witnesses = False, []
    for entry in trust:
        if entry.key.kty != 1:
            continue
        if entry.role == "ledger" and entry.name == proof.checkpoint.origin:
            result = proof.note.signature(entry.name, 1, entry.key)
        elif entry.role == "witness":
            result = proof.note.signature(entry.name, 4, entry.key)
        else:
            continue
        if result is None:
            continue
        right, time = result
        if not right:
            return JudgedProof("bad", proof, [])
        if entry.trusted and entry.role == "ledger":
            log_signed = True
        elif entry.trusted:
            witnesses.append((entry.name, time))
    if log_signed and witnesses:
        return JudgedProof("good", proof, witnesses)
    return JudgedProof("unknown", proof, [])


def check_cosignatures(judged, receipt_good):
    """[VER-10]; judged is None without -65700."""
    if judged is None:
        return ABSENT
    good = any(j.verdict == "good" for j in judged)
    bad = any(j.verdict == "bad" for j in judged)
    if good:
        return WARNING if bad else PASS
    if bad:
        return WARNING if receipt_good else FAIL
    return UNCHECKED


# ---- 8. times -----------------------------------------------------------------------------------

def check_times(statement, signature, receipts, proofs):
    """[VER-12], [VER-13]: the result, and R as (origin, time)."""
    proven = [(j.receipt.iss, j.receipt.iat) for j in receipts
              if j.signature == PASS and j.receipt.leaf is not None and j.receipt.iat is not None]
    seen = [time for j in proofs if j.verdict == "good" for _, time in j.witnesses]
    if not proven:
        read = [j.receipt for j in receipts if j.receipt is not None and j.receipt.kind != "unsupported"]
        some = statement.iat is not None or seen or any(one.iat is not None for one in read)
        return (UNCHECKED if some else ABSENT), proven
    first = min(time for _, time in proven)
    if len(set(proven)) != len({origin for origin, _ in proven}):
        return WARNING, proven
    if signature == PASS and statement.iat is not None and statement.iat > first + DAY:
        return WARNING, proven
    if any(time + DAY < first for time in seen):
        return WARNING, proven
    return PASS, proven


# ---- the whole ----------------------------------------------------------------------------------

def verdict_of(results, document_given):
    """[VER-14]"""
    if FAIL in results.values():
        return 1
    if (results["statement-signature"] == PASS and results["issuer"] == PASS
            and results["receipt-signature"] in (PASS, WARNING) and results["inclusion"] in (PASS, WARNING)
            and results["ledger"] == PASS and (not document_given or results["document"] == PASS)):
        return 0
    return 3


def report(data, document, trust):
    """The report on evidence bytes; document: None or digests by hash algorithm."""
    try:
        evidence = Evidence(data)
    except Malformed as error:
        return {"verdict": 4, "rule": str(error)}  # [VER-4]
    statement = evidence.statement
    leaf = statement.leaf()
    signature, issuer = check_signature(statement, trust)
    receipts = None if evidence.receipts is None else [judge(r, statement, leaf, trust) for r in evidence.receipts]
    receipt_signature, inclusion, ledger = check_receipts(receipts)
    proofs = None if evidence.proofs is None else [judge_proof(p, leaf, trust) for p in evidence.proofs]
    receipt_good = any(j.signature == PASS for j in receipts or [])
    times, proven_times = check_times(statement, signature, receipts or [], proofs or [])
    results = {
        "document": check_document(statement, document),
        "statement-signature": signature, "issuer": issuer,
        "receipt-signature": receipt_signature, "inclusion": inclusion, "ledger": ledger,
        "cosignatures": check_cosignatures(proofs, receipt_good), "times": times,
    }
    return {
        "verdict": verdict_of(results, document is not None),
        "checks": [{"id": id_, "result": results[id_]} for id_ in CHECKS],
        "facts": facts(statement, leaf, signature, receipts or [], proven_times, proofs or []),
    }


def facts(statement, leaf, signature, receipts, proven_times, proofs):
    """What may be shown as proven, and the rest of the statement as claimed [VER-16], [VER-9]."""
    about = {"iss": statement.iss, "sub": statement.sub}
    if isinstance(statement.content_type, (int, str)):
        about["contentType"] = statement.content_type
    if statement.is_envelope:
        about["digestAlg"], about["digest"] = statement.hash_alg, statement.payload.hex()
    else:
        about["digestAlg"], about["digest"] = -16, hashlib.sha256(statement.payload).hexdigest()
    if statement.iat is not None:
        about["iat"] = statement.iat
    return {
        "leaf": leaf.hex(),
        "statement": {"proven": signature == PASS, **about},
        "ledgers": sorted({j.receipt.iss for j in receipts if j.signature == PASS}),
        "registered": [{"ledger": origin, "time": time} for origin, time in proven_times],
        "witnessed": [{
            "origin": j.proof.checkpoint.origin, "size": j.proof.checkpoint.size, "index": j.proof.index,
            "root": j.proof.checkpoint.root.hex(),
            "witnesses": [{"name": name, "time": time} for name, time in j.witnesses],
        } for j in proofs if j.verdict == "good"],
    }


def least(full):
    """A report in the least form that tests compare."""
    return {name: full[name] for name in ("verdict", "checks") if name in full}


def trust_from_json(entry):
    """A trust entry in the form of tests/differential/README.md; raises ValueError or keys.BadKey."""
    role, name = entry["role"], entry["name"]
    if role not in ROLES or not isinstance(name, str):
        raise ValueError("no such role")
    kids = tuple(bytes.fromhex(kid) for kid in entry.get("kids", []))
    return Trust(role, name, keys.parse_cose(bytes.fromhex(entry["key"])), kids, bool(entry.get("trusted", True)))

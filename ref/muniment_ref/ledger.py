# SPDX-License-Identifier: Apache-2.0
"""Checks a whole ledger: every entry, the tree, what was admitted [POL-13], and receipts that were handed out.

Pure Python takes a millisecond and more for a signature, so those of ordinary entries and of receipts are checked
for a seeded sample only; everything else is checked for all.
"""
import random

from . import keys, log_reader, merkle, policy
from .receipt import LEAF_CLAIM, Receipt
from .statement import Malformed

MOST_SHOWN = 20


class Sample:
    """A uniform sample of things seen one after the other; size None keeps all."""

    def __init__(self, size, seed):
        self.size, self.random, self.seen, self.kept = size, random.Random(seed), 0, []

    def offer(self, thing):
        self.seen += 1
        if self.size is None or len(self.kept) < self.size:
            self.kept.append(thing)
        elif self.size:
            place = self.random.randrange(self.seen)
            if place < self.size:
                self.kept[place] = thing


class Acknowledged:
    """Receipts that were handed out: {"index", "leaf" (hex), "time" (ms), "receipt" (hex)}; only index must be there."""

    def __init__(self, lines):
        self.by_index, self.count, self.wrong, self.receipts = {}, 0, [], []
        for line in lines:
            self.by_index.setdefault(line["index"], []).append(line)
            self.count += 1

    def fail(self, index, why):
        self.wrong.append("index %d: %s" % (index, why))

    def meet(self, index, leaf, statement):
        for line in self.by_index.get(index, ()):
            line["sub"] = statement.sub
            if "leaf" in line and line["leaf"] != leaf.hex():
                self.fail(index, "another leaf")

    def finish(self, log, origin, policies, signatures):
        times = log.commits.times(log.tree.size)
        for index, time in enumerate(times):
            for line in self.by_index.get(index, ()):
                self.check(index, time, line, log, origin, policies, signatures)
        for index in self.by_index:
            if index >= log.tree.size:
                self.fail(index, "acknowledged, but not on the ledger")

    def check(self, index, time, line, log, origin, policies, signatures):
        if "time" in line and line["time"] != time:
            self.fail(index, "time %s, registered at %s" % (line["time"], time))
        if "receipt" not in line:
            return
        try:
            receipt = Receipt(bytes.fromhex(line["receipt"]))
            leaf = log.tree.at(0, index)
            self.compare(receipt, index, line["sub"], time, leaf, log, origin)
        except (Malformed, merkle.BadProof, log_reader.Damage) as error:
            self.fail(index, "receipt: %s" % error)
            return
        key = [one.receipts for one in policies if keys.thumbprint(one.receipts) == receipt.kid]
        if not key:
            self.fail(index, "receipt: no such receipts key")
            return
        signatures.offer(("index %d: receipt: signature" % index, receipt, key[:1], log.tree.root(receipt.proofs[0][0])))

    def compare(self, receipt, index, sub, time, leaf, log, origin):
        """[RCPT-1], [RCPT-2], [RCPT-4] and the proof against the tree."""
        need = log_reader.need
        need(receipt.kind == "inclusion" and len(receipt.proofs) == 1, "not what Muniment makes")
        need(set(receipt.protected) == {1, 4, 15, 395} and set(receipt.unprotected) == {396}, "header")
        need(receipt.protected[15] == {1: origin, 2: sub, 6: time // 1000, LEAF_CLAIM: leaf}, "claims")
        size, claimed, _ = receipt.proofs[0]
        need(claimed == index and index < size <= log.tree.size, "index or size")
        need(receipt.root(leaf) == log.tree.root(size), "does not lead to the root at its size")


def check(path, sample=2000, seed="1", receipts=None):
    """What is found, for people and programs; `ok` is the answer, `damage` the reasons against."""
    result = {"ok": False, "damage": []}
    try:
        log = log_reader.open_log(path)
        replay = policy.Replay()
        signatures = Sample(sample, seed)
        acknowledged = Acknowledged(receipts or [])
        index = 0
        for entry in log.entries():
            read_entry(index, entry, log, replay, signatures, acknowledged)
            index += 1
        log.finish([one.checkpoints for one in replay.policies])
        log.check_control(replay.own_entries)
        log_reader.need(log.tree.size > 0, "no genesis")
        now = replay.policy
        log_reader.need((now.origin, now.receipts, now.checkpoints) == tuple(log.pub), "ledger.pub: not the newest policy's keys")
        receipt_signatures = Sample(sample, seed)
        acknowledged.finish(log, now.origin, replay.policies, receipt_signatures)
        result["damage"] += acknowledged.wrong[:MOST_SHOWN]
        result["damage"] += wrong_signatures(signatures.kept + receipt_signatures.kept)[:MOST_SHOWN]
        result.update(origin=now.origin, size=log.tree.size, root=log.tree.root().hex(),
                      words=keys.fingerprint_words(log.pub_bytes), commits=len(log.commits.first),
                      signatures="%d of %d" % (len(signatures.kept), signatures.seen),
                      receipts="%d, signatures %d" % (acknowledged.count, len(receipt_signatures.kept)),
                      notes=log.notes + replay.notes)
    except log_reader.Damage as error:
        result["damage"].append(str(error))
    result["ok"] = not result["damage"]
    return result


def read_entry(index, entry, log, replay, signatures, acknowledged):
    try:
        statement, candidates = replay.take(index, entry)
    except policy.Refused as error:
        raise log_reader.Damage("entry %d: %s" % (index, error))
    if candidates:
        signatures.offer(("entry %d: signature-invalid" % index, statement, candidates, statement.payload))
    if acknowledged.by_index:
        acknowledged.meet(index, merkle.leaf_hash(entry), statement)


def wrong_signatures(things):
    wrong = []
    for what, message, candidates, payload in things:
        signed = message.signed_bytes(payload)
        if not any(keys.signature_ok(key, message.alg, signed, message.signature) for key in candidates):
            wrong.append(what)
    return wrong

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks Muniment evidence, or a whole ledger, with nothing but Python 3.9 or later.

  verify.py verify DOCUMENT --evidence FILE --issuer-key NAME=FILE --ledger-key FILE [--witness-key VKEYFILE] [--json]
  verify.py ledger DIRECTORY [--receipts FILE] [--sample N] [--seed S]
  verify.py words LEDGER.PUB

Exit codes: 0 valid, 1 not valid, 2 usage, 3 valid but a key is not trusted here, 4 malformed evidence, 5 file not
readable, 6 ledger damaged.
"""
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from muniment_ref import batch, keys, ledger, verify  # noqa: E402

SENTENCES = {
    ("document", "pass"): "The document is the one that was signed.",
    ("document", "fail"): "This is NOT the document that was signed; it was changed, or it is another one.",
    ("document", "unchecked"): "No document was compared.",
    ("statement-signature", "pass"): "The statement is signed, and not a bit of it was changed.",
    ("statement-signature", "fail"): "The signature of the statement is wrong.",
    ("statement-signature", "unchecked"): "The signature could not be checked: its key is not here.",
    ("issuer", "pass"): "The signer's key is one that you trust for this name.",
    ("issuer", "unchecked"): "You have not said that you trust this signer.",
    ("receipt-signature", "pass"): "The ledger has signed a receipt for this statement.",
    ("receipt-signature", "warning"): "A receipt is right; another one beside it is wrong.",
    ("receipt-signature", "fail"): "The receipt is wrong.",
    ("receipt-signature", "unchecked"): "The receipt could not be checked: the ledger's key is not here.",
    ("receipt-signature", "absent"): "There is no receipt: nothing shows that this was registered.",
    ("inclusion", "pass"): "The statement is on the ledger.",
    ("inclusion", "warning"): "The statement is on the ledger; another proof of that is wrong.",
    ("inclusion", "fail"): "The proof that the statement is on the ledger is impossible.",
    ("inclusion", "unchecked"): "Whether the statement is on the ledger could not be checked.",
    ("inclusion", "absent"): "There is no proof that the statement is on a ledger.",
    ("ledger", "pass"): "The ledger is one that you trust.",
    ("ledger", "unchecked"): "You have not said that you trust this ledger.",
    ("ledger", "absent"): "No ledger is named.",
    ("cosignatures", "pass"): "A witness that you trust has seen it on the ledger.",
    ("cosignatures", "warning"): "A witnessed proof beside the others is wrong.",
    ("cosignatures", "fail"): "The witnessed proof is wrong.",
    ("cosignatures", "unchecked"): "No witness that you trust has signed.",
    ("cosignatures", "absent"): "There is no witness.",
    ("times", "pass"): "The time of registration is signed by the ledger.",
    ("times", "warning"): "The times that were signed do not fit together.",
    ("times", "unchecked"): "A time is claimed, but not proven.",
    ("times", "absent"): "No time is given.",
}
VERDICTS = {0: "VALID", 1: "NOT VALID", 3: "NOT DECIDED: something needed for it is not trusted or not here",
            4: "MALFORMED: this is no evidence file"}


class Usage(Exception):
    """The arguments, or a file that they name, cannot be used."""


def read(path):
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def chunks(path):
    """A document in pieces, so that its size does not matter."""
    with (open(path, "rb") if path != "-" else os.fdopen(0, "rb", closefd=False)) as file:
        while True:
            piece = file.read(1 << 20)
            if not piece:
                return
            yield piece


def issuer_entry(argument):
    name, equals, path = argument.rpartition("=")
    if not equals:
        raise Usage("--issuer-key needs NAME=FILE")
    return verify.Trust("issuer", name, keys.read_key_file(read(path))[1], (), True)


def ledger_entries(argument):
    """ledger.pub, a vkey, or NAME=FILE with any key."""
    name, _, path = argument.rpartition("=") if not os.path.exists(argument) else ("", "", argument)
    data = read(path)
    if data.startswith(b"muniment-ledger/"):
        pub = keys.parse_ledger_pub(data)
        return [verify.Trust("ledger", pub.origin, key, (), True) for key in (pub.receipts, pub.checkpoints)]
    own_name, key = keys.read_key_file(data)
    if not (name or own_name):
        raise Usage("--ledger-key of this kind needs NAME=FILE")
    return [verify.Trust("ledger", name or own_name, key, (), True)]


def witness_entry(path):
    name, key = keys.read_key_file(read(path))
    if name is None:
        raise Usage("--witness-key needs a vkey")
    return verify.Trust("witness", name, key, (), True)


def trust_entries(arguments):
    trust = []
    try:
        if arguments.trust_json:
            trust += [verify.trust_from_json(entry) for entry in json.loads(read(arguments.trust_json))]
        trust += [issuer_entry(one) for one in arguments.issuer_key]
        for one in arguments.ledger_key:
            trust += ledger_entries(one)
        trust += [witness_entry(one) for one in arguments.witness_key]
    except (ValueError, KeyError, TypeError, keys.BadKey) as error:
        raise Usage("key: %s" % error)
    return trust


def day(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def shown(name):
    """Text of strangers, safe for a terminal."""
    return json.dumps(name, ensure_ascii=False) if name.isprintable() else json.dumps(name)


def print_report(report):
    for check in report.get("checks", []):
        print("%-20s %-10s %s" % (check["id"], check["result"], SENTENCES[check["id"], check["result"]]))
    facts = report.get("facts")
    if facts:
        about = facts["statement"]
        word = "signed" if about["proven"] else "claimed, not proven"
        print("\nIssuer and subject (%s): %s, %s" % (word, shown(about["iss"]), shown(about["sub"])))
        if "iat" in about:
            print("Dated by the issuer (%s): %s" % (word, day(about["iat"])))
        for fact in facts["registered"]:
            print("Registered (signed by the ledger): %s, %s" % (shown(fact["ledger"]), day(fact["time"])))
        for fact in facts["witnessed"]:
            for witness in fact["witnesses"]:
                print("Seen at index %d by witness %s on %s" % (fact["index"], shown(witness["name"]), day(witness["time"])))
    print("\n" + VERDICTS[report["verdict"]])


def run_verify(arguments):
    trust = trust_entries(arguments)
    document = arguments.document
    evidence = arguments.evidence or (None if document in (None, "-") else document + ".scitt")
    if evidence is None:
        raise Usage("--evidence is missing")
    digests = None if document is None else verify.digests(chunks(document))
    report = verify.report(read(evidence), digests, trust)
    if arguments.json:
        print(json.dumps(report))
    else:
        print_report(report)
    return report["verdict"]


def run_batch(_):
    batch.run(sys.stdin.buffer, sys.stdout)
    return 0


def run_ledger(arguments):
    sample = None if arguments.sample == "all" else int(arguments.sample)
    receipts = None
    if arguments.receipts:
        receipts = (json.loads(line) for line in read(arguments.receipts).splitlines() if line.strip())
    result = ledger.check(arguments.directory, sample, arguments.seed, receipts)
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            for line in value if isinstance(value, list) else [value]:
                print("%-20s %s" % (name, line))
    return 0 if result["ok"] else 6


def run_words(arguments):
    data = read(arguments.ledger_pub)
    keys.parse_ledger_pub(data)
    print(keys.fingerprint_words(data))
    return 0


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("verify", help="evidence, with its document or alone")
    one.add_argument("document", nargs="?", help="the document; - is standard input; left out: evidence alone")
    one.add_argument("--evidence", help="the evidence file; DOCUMENT.scitt if left out")
    one.add_argument("--trust-json", help="JSON array of trust entries")
    one.add_argument("--issuer-key", action="append", default=[], metavar="NAME=FILE", help="PEM, COSE_Key, JWK or vkey")
    one.add_argument("--ledger-key", action="append", default=[], metavar="FILE", help="ledger.pub, vkey, or NAME=FILE")
    one.add_argument("--witness-key", action="append", default=[], metavar="FILE", help="vkey")
    one.add_argument("--json", action="store_true")
    one.set_defaults(run=run_verify)
    commands.add_parser("batch", help="JSON lines, see tests/differential/README.md").set_defaults(run=run_batch)
    whole = commands.add_parser("ledger", help="a ledger directory or an export")
    whole.add_argument("directory")
    whole.add_argument("--receipts", metavar="FILE", help="JSON lines of index, leaf, time (ms), receipt (hex) to be found in it")
    whole.add_argument("--sample", default="2000", help="how many statement signatures to check, or all")
    whole.add_argument("--seed", default="1")
    whole.add_argument("--json", action="store_true")
    whole.set_defaults(run=run_ledger)
    words = commands.add_parser("words", help="the fingerprint of a ledger, to be compared by telephone")
    words.add_argument("ledger_pub")
    words.set_defaults(run=run_words)
    return top


def main():
    arguments = parser().parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return arguments.run(arguments)
    except Usage as error:
        print("verify.py: %s" % error, file=sys.stderr)
        return 2
    except keys.BadKey as error:
        print("verify.py: %s" % error, file=sys.stderr)
        return 4
    except OSError as error:
        print("verify.py: %s" % error, file=sys.stderr)
        return 5


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Replays what a ledger admitted, by docs/format/policy.md."""
import json
import re
import time

from . import cbor, keys, text
from .statement import MAX_ENTRY, Malformed, Statement

POLICY_TYPE = "application/vnd.muniment.policy+json"
ISSUER_TYPE = "application/vnd.muniment.issuer+json"
SIGNING = {-7: (2, 1), -35: (2, 2), -8: (1, 6)}
MAX_KEYS = 16
MAX_KIDS = 4
BASE64URL = re.compile(r"[A-Za-z0-9_-]+\Z")
CREATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")


class Refused(Exception):
    """A rule is broken; the text names it."""


def need(condition, rule):
    if not condition:
        raise Refused(rule)


# ---- JSON read strictly [POL-2] -----------------------------------------------------------------

def unique(pairs):
    need(len({name for name, _ in pairs}) == len(pairs), "json: duplicate member")
    return dict(pairs)


def no_number(literal):
    raise Refused("json: number " + literal)


def read_json(payload):
    try:
        value = json.loads(payload.decode("utf-8"), object_pairs_hook=unique, parse_constant=no_number,
                           parse_float=no_number)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # no surrogates
    except (ValueError, RecursionError):
        raise Refused("json")
    return value


def members(value, required, optional=()):
    need(isinstance(value, dict), "json: no object")
    need(set(required) <= set(value) <= set(required) | set(optional), "json: members")


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def base64url(value, most):
    need(isinstance(value, str) and len(value) <= most and BASE64URL.match(value), "json: base64url")
    try:
        return text.base64url_decode(value)
    except text.TextError:
        raise Refused("json: base64url")


def thumbprint(value):
    need(isinstance(value, str) and len(value) == 43, "json: thumbprint")
    return base64url(value, 43)


def parse_key(value):
    raw = base64url(value, 1024)
    try:
        return keys.parse_cose(raw), raw
    except keys.BadKey:
        raise Refused("coseKey")


class Policy:
    """A policy document [POL-2] to [POL-5]."""

    def __init__(self, payload):
        value = read_json(payload)
        members(value, ("version", "origin", "created", "entryRule", "algorithms", "keys", "issuerMode", "administrators"))
        need(is_int(value["version"]) and value["version"] == 1, "version")
        self.origin = value["origin"]
        need(isinstance(self.origin, str) and keys.origin_ok(self.origin.encode("utf-8")), "origin")
        need(isinstance(value["created"], str) and CREATED.match(value["created"]), "created")
        self.created = value["created"]
        need(value["entryRule"] == "cose-sign1-empty-unprotected/1", "entryRule")
        self.algorithms = value["algorithms"]
        need(isinstance(self.algorithms, list) and self.algorithms, "algorithms")
        need(all(is_int(alg) and alg in keys.ALGORITHMS for alg in self.algorithms), "algorithms")
        need(len(set(self.algorithms)) == len(self.algorithms), "algorithms")
        self.mode = value["issuerMode"]
        need(self.mode in ("listed", "any"), "issuerMode")
        self.read_keys(value["keys"])
        self.read_administrators(value["administrators"])

    def read_keys(self, values):
        """[POL-4]"""
        need(isinstance(values, list) and 2 <= len(values) <= 64, "keys")
        self.keys, roles = [], []
        for value in values:
            members(value, ("role", "alg", "kid", "coseKey"))
            need(value["role"] in ("receipts", "checkpoints", "administrator"), "keys: role")
            need(is_int(value["alg"]) and value["alg"] in SIGNING, "keys: alg")
            key, raw = parse_key(value["coseKey"])
            need(raw == keys.to_cose(key) and (key.kty, key.curve) == SIGNING[value["alg"]], "keys: coseKey")
            need(thumbprint(value["kid"]) == keys.thumbprint(key), "keys: kid")
            need(key not in self.keys, "keys: twice")
            self.keys.append(key)
            roles.append((value["role"], value["alg"]))
        names = [role for role, _ in roles]
        need(names.count("receipts") == 1 and names.count("checkpoints") == 1, "keys: roles")
        self.receipts = self.keys[names.index("receipts")]
        self.checkpoints = self.keys[names.index("checkpoints")]
        need(roles[names.index("checkpoints")][1] == -8, "keys: checkpoints")

    def read_administrators(self, value):
        """[POL-5]"""
        members(value, ("threshold", "kids"))
        threshold, kids = value["threshold"], value["kids"]
        need(is_int(threshold) and 1 <= threshold <= 64, "administrators: threshold")
        need(isinstance(kids, list) and 1 <= len(kids) <= 64, "administrators: kids")
        named = {thumbprint(kid) for kid in kids}
        need(len(named) == len(kids) >= threshold, "administrators: kids")
        need(named <= {keys.thumbprint(key) for key in self.keys}, "administrators: kids")


def check_form(statement, policy):
    """[POL-1], [POL-3]: made as [STMT-25] and [STMT-26] say."""
    need(set(statement.protected) == {1, 3, 4, 15} and set(statement.claims) == {1, 2, 6}, "policy: header")
    need(cbor.encode(statement.protected) == statement.protected_bytes, "policy: header")
    need(statement.iss == statement.sub == policy.origin, "policy: origin")
    need(isinstance(statement.claims[6], int) and statement.iat is not None, "policy: iat")
    need(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(statement.iat)) == policy.created, "policy: created")


class Replay:
    """The state before an entry; take() moves it over that entry. `listed` holds name: {key: kids}."""

    def __init__(self):
        self.policy = None
        self.policies = []
        self.listed = {}
        self.own_entries = []
        self.notes = []

    def take(self, index, entry):
        """The statement, and the keys under one of which its signature must still be checked (none: it was)."""
        try:
            statement = Statement(entry)
        except Malformed as error:
            raise Refused("malformed: %s" % error)
        need(statement.entry() == entry, "not the entry bytes of a statement")
        if index == 0:
            self.genesis(statement)
        need(len(entry) <= MAX_ENTRY, "entry-too-large")  # [POL-11], 1 to 3
        need(statement.alg in self.policy.algorithms, "algorithm-not-allowed")
        need(not statement.is_envelope or statement.hash_alg in (-16, -43, -44), "hash-algorithm-not-allowed")
        if statement.iss != self.policy.origin:
            return statement, self.admission_keys(statement)
        if index > 0:
            self.own(index, statement)
        return statement, []

    def genesis(self, statement):
        need(statement.protected.get(3) == POLICY_TYPE, "entry 0 is no policy")
        self.policy = Policy(statement.payload)
        check_form(statement, self.policy)
        need(statement.kid == keys.thumbprint(self.policy.receipts), "policy: kid")
        need(statement.signature_ok(self.policy.receipts), "policy: signature")
        self.policies.append(self.policy)

    def own(self, index, statement):
        """[POL-12]"""
        self.own_entries.append(index)
        kind = statement.protected.get(3)
        if kind == POLICY_TYPE:
            self.later_policy(index, statement)
        elif kind == ISSUER_TYPE:
            self.issuer_statement(statement)
        else:
            raise Refused("origin-reserved")

    def later_policy(self, index, statement):
        """[POL-15], [POL-16]"""
        new = Policy(statement.payload)
        check_form(statement, new)
        need(new.origin == self.policy.origin and new.mode == self.policy.mode, "policy: origin or issuerMode changed")
        old = [key for key in self.policy.keys if keys.thumbprint(key) == statement.kid]
        if not (old and statement.signature_ok(old[0])):
            need(statement.kid == keys.thumbprint(new.receipts) and statement.signature_ok(new.receipts), "policy: signature")
            self.notes.append("entry %d: new keys, signed by themselves only" % index)
        self.policy = new
        self.policies.append(new)

    def issuer_statement(self, statement):
        """[POL-6] to [POL-10]"""
        need(self.policy.mode == "listed", "issuer-mode-any")
        need(statement.kid in (None, keys.thumbprint(self.policy.receipts)), "issuer: kid")
        need(statement.signature_ok(self.policy.receipts), "issuer: signature")
        value = read_json(statement.payload)
        need(isinstance(value, dict) and is_int(value.get("version")) and value["version"] == 1, "issuer: version")
        name = value.get("issuer")
        need(isinstance(name, str) and name == statement.sub, "issuer: name")
        if value.get("action") == "add":
            members(value, ("version", "action", "issuer", "coseKey", "kids"))
            need(name != self.policy.origin, "origin-reserved")
            key, _ = parse_key(value["coseKey"])
            need(isinstance(value["kids"], list) and len(value["kids"]) <= MAX_KIDS, "issuer: kids")
            kids = tuple(base64url(kid, 342) for kid in value["kids"])
            need(len(set(kids)) == len(kids) and all(1 <= len(kid) <= 256 for kid in kids), "issuer: kids")
            mine = self.listed.setdefault(name, {})
            mine[key] = kids
            need(len(mine) <= MAX_KEYS, "issuer: too many keys")
        else:
            need(value.get("action") == "remove", "issuer: action")
            members(value, ("version", "action", "issuer"), ("thumbprint",))
            if "thumbprint" in value:
                gone = thumbprint(value["thumbprint"])
                mine = self.listed.get(name, {})
                self.listed[name] = {key: kids for key, kids in mine.items() if keys.thumbprint(key) != gone}
            else:
                self.listed.pop(name, None)

    def admission_keys(self, statement):
        """[POL-11], 5 to 9"""
        if self.policy.mode == "listed":
            mine = self.listed.get(statement.iss)
            need(mine, "issuer-not-listed")
            kid = statement.kid
            fitting = [key for key, kids in mine.items() if kid is None or kid == keys.thumbprint(key) or kid in kids]
            need(fitting, "kid-not-listed")
            return self.certified(statement, fitting)
        declared = [key for key in (statement.certificate_key(), statement.confirmation_key()) if key is not None]
        need(declared, "self-declared-key-missing")
        named = [key for key in declared if statement.iss in keys.own_names(key)]
        need(named, "self-declared-name-mismatch")
        return self.certified(statement, named[:1])

    @staticmethod
    def certified(statement, fitting):
        """[POL-11], 9: those that a certificate in the protected header leaves"""
        need(statement.certificate_named(), "certificate-mismatch")
        key = statement.certificate_key()
        left = [one for one in fitting if key is None or one == key]
        need(left, "certificate-mismatch")
        return left

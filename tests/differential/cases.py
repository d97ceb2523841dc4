# SPDX-License-Identifier: Apache-2.0
"""Requests of the protocol: worlds of keys, evidence with everything that may be right or wrong about it, and its damage."""
import hashlib

import mutate
from material import (EcSigner, EdSigner, RsaSigner, cbor, certificate, checkpoint_text, ed25519, key_map, keys, log_line, merkle,
                      sign1, tlog_proof, tree_with, witness_line)

DAY = 86400
NOON = 1795348900


class Issuer:
    def __init__(self, rng, number, signer):
        self.signer, self.key = signer, signer.key
        own = list(keys.own_names(self.key))
        self.name = rng.choice(own + ["https://issuer%d.example" % number, "urn:x:%d\u00fc\0" % number])
        self.foreign_kid = b"kid-%d" % number
        self.certificate = certificate(self.key, version=rng.random() < 0.8)


class Ledger:
    def __init__(self, number, signer):
        self.signer, self.log = signer, EdSigner("log %d" % number)
        self.origin = "ledger.example/%s" % "abcdef"[number]
        self.foreign_kid = b"ledger-%d" % number


class World:
    """Keys that everything else is made from."""

    def __init__(self, rng):
        signers = [EcSigner("issuer %d" % k, 1, alg) for k, alg in enumerate((-7, -7, -7, -9))]
        signers += [EdSigner("issuer ed %d" % k, alg) for k, alg in enumerate((-8, -8, -19))]
        signers += [EcSigner("issuer p384", 2, -35), EcSigner("issuer p384", 2, -51), EcSigner("issuer p521", 3, -36)]
        signers += [RsaSigner("issuer rsa", 2048, -37), RsaSigner("issuer rsa odd", 2056, -38)]
        self.issuers = [Issuer(rng, k, signer) for k, signer in enumerate(signers)]
        self.usual = self.issuers[:7]
        self.ledgers = [Ledger(k, signer) for k, signer in enumerate((
            EcSigner("ledger 0", 1, -7), EcSigner("ledger 1", 1, -7), EdSigner("ledger 2"), EcSigner("ledger 3", 2, -35)))]
        self.witnesses = [("witness.example/%d" % k, EdSigner("witness %d" % k)) for k in range(3)]

    def issuer(self, rng):
        return rng.choice(self.usual if rng.random() < 0.93 else self.issuers)

    def ledger(self, rng):
        return rng.choice(self.ledgers[:3] if rng.random() < 0.95 else self.ledgers)


def often(rng, most, *others):
    """The first nine times out of ten."""
    return most if rng.random() < 0.9 else rng.choice(others)


class Scenario:
    """One statement with receipts and proofs, made by the rules for the greater part."""

    def __init__(self, rng, world, plain=False):
        self.rng, self.world, self.plain = rng, world, plain
        self.document = b"document %d" % rng.randrange(1000)
        self.issuer = world.usual[rng.randrange(7)] if plain else world.issuer(rng)
        self.trust = []
        self.make_statement()
        self.receipts = [self.make_receipt() for _ in range(self.how_many())]
        self.proofs = [self.make_proof() for _ in range(self.how_many(proofs=True))]
        self.trust_others()

    def maybe(self, chance):
        return not self.plain and self.rng.random() < chance

    def how_many(self, proofs=False):
        if self.plain:
            return 1
        return self.rng.choices((0, 1, 2, 3, 16, 17), (0.5, 0.3, 0.15, 0.05, 0.002, 0.002) if proofs else (0.1, 0.6, 0.2, 0.1, 0.002, 0.002))[0]

    # ---- statement

    def make_statement(self):
        rng, issuer = self.rng, self.issuer
        self.sub = rng.choice(("deed/1", "deed/2", "\u00e4\0"))
        self.iat = NOON + rng.choice((0, 0, 5, -10 * DAY, DAY, DAY + 1, DAY + 2, 10 * DAY))
        signer = issuer.signer
        if self.maybe(0.03):
            signer = rng.choice(self.world.usual).signer
        protected = {1: signer.alg, 15: self.claims()}
        if self.maybe(0.02):
            protected[1] = rng.choice((-7, -8, -9, -19, -35, -37, -47, 5, -2**64))
        self.add_key_headers(protected)
        payload = self.add_payload(protected)
        raw = self.written(protected, 0.06)
        unprotected = {} if not self.maybe(0.1) else rng.choice(({5: b"iv"}, {"x": [1, {2: 3}]}, {16: "t", -1: 0}, {3: "text/plain"}))
        self.statement = sign1(signer, raw, payload, unprotected)
        self.leaf = merkle.leaf_hash(b"\xd2\x84" + cbor.byte_string(raw) + b"\xa0" + cbor.byte_string(payload) +
                                     cbor.encode(cbor.decode(self.statement, True).value[3]))

    def claims(self):
        rng, claims = self.rng, {1: self.issuer.name, 2: self.sub}
        if not self.maybe(0.2):
            claims[6] = self.iat
            if self.maybe(0.1):
                claims[6] = rng.choice((cbor.Tag(1, self.iat), cbor.Tag(2, self.iat), cbor.Float(bytes(8)), 253402300799, 253402300800, -1, "x", cbor.NIL))
        if self.maybe(0.3):
            key = self.issuer.key if rng.random() < 0.7 else rng.choice(self.world.issuers).key
            value = key_map(key)
            if rng.random() < 0.1:
                value[-4 if key.kty != 3 else -3] = b"private"
            if rng.random() < 0.1:
                value.update(rng.choice(({3: -7}, {2: b"kid"}, {4: [2]}, {"x": 1}, {-1: 7}, {-2: b""})))
            claims[8] = rng.choice(({1: value}, {1: value, 3: b"x"}, {1: value}, {3: b"kid"}, value, cbor.Tag(1, {1: value})))
        return claims

    def add_key_headers(self, protected):
        rng, issuer = self.rng, self.issuer
        thumbprint = keys.thumbprint(issuer.key)
        style = 0 if self.plain else rng.choices(range(5), (0.6, 0.15, 0.1, 0.1, 0.05))[0]
        if style in (0, 1):
            protected[4] = thumbprint if style == 0 else issuer.foreign_kid
        if style in (2, 4) or self.maybe(0.1):
            other = rng.choice(self.world.issuers).certificate
            first = often(rng, issuer.certificate, other, b"", mutate.damage_bytes(rng, issuer.certificate))
            protected[33] = rng.choice((first, [first, other], [first, b"anything"]))
        if style == 3 or self.maybe(0.05):
            protected[34] = rng.choice(([-16, bytes(32)], ["sha-256", b""]))
        self.kids = [issuer.foreign_kid] if style == 1 or self.maybe(0.1) else []

    def add_payload(self, protected):
        rng = self.rng
        if rng.random() < 0.4:
            protected[3] = rng.choice(("text/plain", 0, 65535))
            return self.document
        hash_alg, name = rng.choices(((-16, "sha256"), (-43, "sha384"), (-44, "sha512"), (-15, "md5")), (0.8, 0.08, 0.08, 0.0 if self.plain else 0.04))[0]
        protected[258] = hash_alg
        protected[259] = rng.choice(("text/plain", 42))
        if rng.random() < 0.1:
            protected[260] = "https://example/x"
        return hashlib.new(name, self.document).digest()

    def written(self, protected, chance):
        """The encoding, now and then of a header with a mistake in it, signed all the same."""
        rng = self.rng
        if self.maybe(chance):
            tree = mutate.tree_of(protected)
            if rng.random() < 0.6:
                mutate.change_tree(rng, tree)
            return mutate.Writer(rng, rng.choice((0, 0.1, 0.4))).write(tree)
        return cbor.encode(protected) if self.plain else mutate.Writer(rng).write(mutate.tree_of(protected))

    # ---- receipts

    def place(self):
        """A random small tree with this leaf in it."""
        rng = self.rng
        size = rng.randrange(1, 41) if rng.random() < 0.95 else rng.choice((64, 100, 257))
        index = rng.randrange(size)
        return index, tree_with(rng, size, {index: self.leaf})

    def make_receipt(self):
        rng, ledger = self.rng, self.world.ledger(self.rng)
        index, tree = self.place()
        if self.maybe(0.03):
            return self.consistency_receipt(ledger, tree)
        claims = {1: ledger.origin, 2: self.sub, 6: NOON + rng.choice((0, 0, 0, 0, 1)), -65701: self.leaf}
        if self.maybe(0.2):
            label = rng.choice((1, 2, 6, -65701))
            if rng.random() < 0.5:
                del claims[label]
            else:
                claims[label] = {1: self.world.ledgers[0].origin, 2: "other", 6: rng.choice(("x", cbor.Tag(1, NOON), -5)), -65701: bytes(32)}[label]
        kid = keys.thumbprint(ledger.signer.key)
        protected = {1: ledger.signer.alg, 4: often(rng, kid, ledger.foreign_kid, b"unknown"), 15: claims, 395: 1} if not self.plain else {
            1: ledger.signer.alg, 4: kid, 15: claims, 395: 1}
        if self.maybe(0.05):
            del protected[rng.choice((4, 15))]
        if self.maybe(0.03):
            protected[rng.choice((395, 1))] = rng.choice((2, -7, -8, -37, -47))
        proof = [tree.size, index, tree.path(index, tree.size)]
        proofs = [cbor.encode(proof)] * (1 if not self.maybe(0.05) else rng.choice((2, 16, 17)))
        if self.maybe(0.03):
            size = max(index + 1, tree.size - 1)
            proofs.append(cbor.encode([size, index, tree.path(index, size)]))
        unprotected = {396: {-1: proofs}}
        if self.maybe(0.04):
            unprotected[396][rng.choice((-2, -3, 1, "x"))] = rng.choice(([b""], 0))
        return sign1(ledger.signer, self.written(protected, 0.05), None, unprotected, signed=tree.root())

    def consistency_receipt(self, ledger, tree):
        old = self.rng.randrange(1, tree.size + 1)
        path = consistency_path(tree, old, tree.size)
        protected = {1: ledger.signer.alg, 4: keys.thumbprint(ledger.signer.key), 15: {1: ledger.origin, 2: ledger.origin, 6: NOON}, 395: 1}
        return sign1(ledger.signer, protected, None, {396: {-2: [cbor.encode([old, tree.size, path])]}}, signed=tree.root())

    # ---- proofs

    def make_proof(self):
        rng, ledger = self.rng, self.world.ledger(self.rng)
        index, tree = self.place()
        extensions = () if not self.maybe(0.1) else ("extension", "x y+z")
        body = checkpoint_text(ledger.origin, tree.size, tree.root(), extensions)
        lines = [] if self.maybe(0.05) else [log_line(ledger.origin, ledger.log, body)]
        for name, signer in self.world.witnesses[:1] if self.plain else rng.sample(self.world.witnesses, rng.randrange(3)):
            time = NOON + 60 if self.plain else rng.choice((NOON + 60, NOON + 60, NOON - DAY - 1, NOON - DAY, NOON - DAY + 1, 0, 2**63 - 1, 2**63))
            lines.append(witness_line(name, signer, often(rng, body, body + "x") if not self.plain else body, time))
        if self.maybe(0.1) and lines:
            lines.append(rng.choice(lines))
        if self.maybe(0.1):
            lines.append("\u2014 unknown AAAAAAAA\n")
        note = body + "\n" + "".join(lines)
        return tlog_proof(index, tree.path(index, tree.size), note, None if not self.maybe(0.1) else b"extra")

    # ---- trust

    def trust_others(self):
        rng, world = self.rng, self.world
        trust = [entry("issuer", self.issuer.name, self.issuer.key, self.kids)]
        for ledger in world.ledgers:
            trust.append(entry("ledger", ledger.origin, ledger.signer.key, [ledger.foreign_kid] if rng.random() < 0.8 else []))
            trust.append(entry("ledger", ledger.origin, ledger.log.key))
        trust += [entry("witness", name, signer.key) for name, signer in world.witnesses]
        if not self.plain:
            trust = disturb(rng, world, trust)
        self.trust = trust

    # ---- the file

    def evidence(self):
        item = cbor.decode(self.statement, strict=True)
        unprotected = dict(item.value[1])
        if self.receipts or self.maybe(0.02):
            unprotected[394] = self.receipts
        if self.proofs or self.maybe(0.02):
            unprotected[-65700] = self.proofs
        return cbor.encode(cbor.Tag(18, [item.value[0], unprotected, *item.value[2:]]))

    def given_document(self):
        if self.plain:
            return self.document
        return self.rng.choices((self.document, None, self.document + b"x", b""), (0.7, 0.15, 0.1, 0.05))[0]


def entry(role, name, key, kids=(), trusted=True):
    return {"role": role, "name": name, "key": keys.to_cose(key).hex(), "kids": [kid.hex() for kid in kids], "trusted": trusted}


def disturb(rng, world, trust):
    """Trust as people have it: things missing, only known, under other names, twice, in another role."""
    result = []
    for one in trust:
        chance = rng.random()
        if chance < 0.06:
            continue
        if chance < 0.16:
            one = {**one, "trusted": False}
        elif chance < 0.18:
            one = {**one, "name": rng.choice((one["name"] + "x", one["name"][:-1], one["name"].upper(), ""))}
        elif chance < 0.19:
            one = {**one, "role": rng.choice(("issuer", "ledger", "witness", "tsa"))}
        elif chance < 0.21:
            one = {**one, "key": keys.to_cose(rng.choice(world.issuers).key).hex()}
        elif chance < 0.26:
            result.append({**one, "key": keys.to_cose(rng.choice(world.usual).key).hex(), "trusted": rng.random() < 0.5})
        elif chance < 0.29:
            result.append({**one, "trusted": False, "kids": ["00"]})
        result.append(one)
    if rng.random() < 0.2:
        rng.shuffle(result)
    return result


def consistency_path(tree, old, new):
    """The proof of RFC 9162, section 2.1.4.1."""
    path, begin, end, whole = [], 0, new, True
    while old != end:
        half = 1 << ((end - begin - 1).bit_length() - 1)
        if old - begin <= half:
            path.append(tree.subtree(begin + half, end))
            end = begin + half
        else:
            path.append(tree.subtree(begin, begin + half))
            begin += half
            whole = False
    if not whole:
        path.append(tree.subtree(begin, end))
    return path[::-1]


# ---- mutants ------------------------------------------------------------------------------------

def mutant(rng, data, pool):
    """Damaged evidence, and the kind of damage."""
    kind = rng.choices(("bytes", "outer", "protected", "receipt", "proof", "exchange", "none"), (22, 20, 8, 22, 14, 8, 6))[0]
    if kind == "bytes":
        return mutate.damage_bytes(rng, data), kind
    if kind == "none":
        return data, kind
    tree = mutate.tree_of(cbor.decode(data, strict=True))
    parts = tree.value
    lists = {label: value for label, value in parts[1].pairs if label in (394, -65700) and value}
    if kind == "protected":
        parts[0] = damage_cbor(rng, parts[0], carried=True)
    elif kind == "receipt" and 394 in lists:
        damage_one(rng, lists[394], lambda one: damage_receipt(rng, one))
    elif kind == "proof" and -65700 in lists:
        damage_one(rng, lists[-65700], lambda one: mutate.damage_lines(rng, one))
    elif kind == "exchange":
        exchange(rng, parts, cbor.decode(rng.choice(pool), strict=True).value)
    else:
        for _ in range(rng.choice((1, 1, 2))):
            mutate.change_tree(rng, tree)
        return mutate.Writer(rng, rng.choice((0, 0, 0.02))).write(tree), "outer"
    return mutate.Writer(rng).write(tree), kind


def damage_one(rng, things, change):
    k = rng.randrange(len(things))
    if rng.random() < 0.3:
        things.append(change(things[k]))
    else:
        things[k] = change(things[k])


def damage_cbor(rng, raw, carried):
    """Bytes that hold CBOR: changed as a tree, written oddly, or changed as bytes."""
    kind = rng.randrange(3)
    try:
        tree = mutate.tree_of(cbor.decode(raw, strict=not carried))
    except cbor.CborError:
        kind = 2
    if kind == 2:
        return mutate.damage_bytes(rng, raw)
    if kind == 1 or not carried:
        mutate.change_tree(rng, tree)
    return mutate.Writer(rng, 0.2 if kind == 0 else 0).write(tree)


def damage_receipt(rng, raw):
    kind = rng.randrange(4)
    try:
        tree = mutate.tree_of(cbor.decode(raw, strict=True))
        parts = tree.value
        if kind == 0:
            return mutate.damage_bytes(rng, raw)
        if kind == 1:
            parts[0] = damage_cbor(rng, parts[0], carried=True)
        elif kind == 2:
            proofs = next(value for label, value in parts[1].pairs if label == 396).pairs[0][1]
            damage_one(rng, proofs, lambda one: damage_cbor(rng, one, carried=False))
        else:
            mutate.change_tree(rng, tree)
        return mutate.Writer(rng).write(tree)
    except (cbor.CborError, StopIteration, AttributeError, IndexError, TypeError, ValueError):
        return mutate.damage_bytes(rng, raw)


def exchange(rng, parts, others):
    """Receipts and proofs of another statement, or another statement under these."""
    kind = rng.randrange(4)
    if kind == 0:
        parts[1] = mutate.tree_of(others[1])
    elif kind == 1:
        parts[1].pairs += [[label, mutate.tree_of(value)] for label, value in others[1].items() if label not in dict(parts[1].pairs)]
    elif kind == 2:
        for label, value in parts[1].pairs:
            if isinstance(value, list) and isinstance(others[1].get(label), list):
                value += others[1][label]
    else:
        k = rng.choice((0, 2, 3))
        parts[k] = others[k]


# ---- the rest of the protocol -------------------------------------------------------------------

def random_tree(rng, depth=0):
    if depth > 3 or rng.random() < 0.3:
        return mutate.some_value(rng) if rng.random() < 0.3 else rng.choice((7, -7, b"x", "x", cbor.NIL, [], mutate.Pairs([])))
    if rng.random() < 0.5:
        return [random_tree(rng, depth + 1) for _ in range(rng.randrange(4))]
    if rng.random() < 0.1:
        return mutate.TagNode(rng.choice((1, 18, 24, 2**40)), random_tree(rng, depth + 1))
    names = rng.sample((1, 2, 3, -1, 255, 2**32, "a", "b", b"a", b"b", ""), rng.randrange(5))
    return mutate.Pairs([[name, random_tree(rng, depth + 1)] for name in names])


def cbor_requests(rng, count):
    for _ in range(count):
        raw = mutate.Writer(rng, rng.choice((0, 0.1, 0.3))).write(random_tree(rng))
        if rng.random() < 0.4:
            raw = mutate.damage_bytes(rng, raw)
        yield {"cbor": raw.hex(), "mode": rng.choice(("strict", "carried"))}


def key_requests(rng, world, count):
    for _ in range(count):
        key = rng.choice(world.issuers).key
        tree = mutate.tree_of(key_map(key))
        if rng.random() < 0.8:
            mutate.change_tree(rng, tree)
        raw = mutate.Writer(rng, rng.choice((0, 0, 0.1))).write(tree)
        yield {"cose_key": raw.hex()}
        raw = certificate(key, version=rng.random() < 0.8, extensions=rng.choice((b"", b"\xa3\x03abc", b"anything")))
        if rng.random() < 0.7:
            raw = damage_der(rng, raw)
        yield {"certificate": raw.hex()}


def damage_der(rng, raw):
    """Mostly where the walk looks."""
    if rng.random() < 0.3:
        return mutate.damage_bytes(rng, raw)
    out = bytearray(raw)
    at = rng.randrange(min(len(out), 300))
    out[at] = rng.choice((0, 1, 0x30, 0x80, 0x81, 0x82, 0x83, 0x84, 0xa0, 2, 3, 4, 0x1f, out[at] ^ 1, out[at] ^ 0x80))
    return bytes(out)


def name_requests(rng, world, count):
    for _ in range(count):
        ledger = rng.choice(world.ledgers[:3])
        origin = rng.choice((ledger.origin, "\u00fc/x", "a", "x" * 255, "a\u2003b", "a/", "a b", "https://x", "a\x7f"))
        pub = keys.write_ledger_pub(keys.LedgerPub(origin, ledger.signer.key, ledger.log.key))
        yield {"ledger_pub": (pub if rng.random() < 0.3 else mutate.damage_lines(rng, pub)).hex()}
        name, signer = rng.choice(world.witnesses)
        vkey = keys.make_vkey(rng.choice((name, "\u00fc", "a b", "x\u3000")), rng.choice((1, 4, 4, 2)), signer.key)
        if rng.random() < 0.6:
            vkey = mutate.damage_lines(rng, vkey.encode()).decode("utf-8", "replace")
        yield {"vkey": vkey}
        raw = rng.choice((origin.encode(), mutate.damage_bytes(rng, origin.encode()), "".join(
            rng.choice("ab/:+.\u00a0\u1680\u2000\u200a\u200b\u2028\u202f\u205f\u3000\ufeff\x1f\x7f\x80\x85") for _ in range(3)).encode()))
        yield {"origin": raw.hex()}


def part_requests(rng, scenarios, count):
    """Statements, receipts, notes, checkpoints and proofs by themselves."""
    with_receipts = [one for one in scenarios if one.receipts]
    with_proofs = [one for one in scenarios if one.proofs]
    for _ in range(count):
        one, other, third = rng.choice(scenarios), rng.choice(with_receipts), rng.choice(with_proofs)
        yield {"statement": damage_receipt(rng, one.statement).hex()}
        raw = damage_receipt(rng, rng.choice(other.receipts)) if rng.random() < 0.8 else rng.choice(other.receipts)
        yield {"receipt": raw.hex()}
        ledger = rng.choice(other.world.ledgers[:3])
        yield {"receipt_leaf": raw.hex(), "leaf": other.leaf.hex(), "key": keys.to_cose(ledger.signer.key).hex()}
        proof = rng.choice(third.proofs)
        yield {"proof": mutate.damage_lines(rng, proof).hex()}
        note = mutate.damage_lines(rng, proof.partition(b"\n\n")[2])
        ledger = rng.choice(third.world.ledgers[:3])
        vkeys = [keys.make_vkey(ledger.origin, 1, ledger.log.key)] + [keys.make_vkey(name, 4, signer.key) for name, signer in third.world.witnesses]
        yield {"note": note.hex(), "vkeys": rng.sample(vkeys, rng.randrange(1, 5))}
        body = note.partition(b"\n\n")[0] + b"\n"
        if decent(body):
            yield {"checkpoint": body.hex()}


def decent(body):
    """The question `checkpoint` is asked of text that could stand in a note [CKPT-1]."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(byte < 0x20 and byte != 0x0a for byte in body)


def signature_requests(rng, world, count):
    yield from odd_signatures(rng)
    for _ in range(count):
        issuer = world.issuer(rng)
        message = b"message %d" % rng.randrange(4)
        signature, alg, key = issuer.signer.sign(message), issuer.signer.alg, issuer.key
        kind = rng.randrange(6)
        if kind == 0:
            signature = mutate.damage_bytes(rng, signature)
        elif kind == 1:
            alg = rng.choice([*keys.ALGORITHMS, -47, 0])
        elif kind == 2:
            key = rng.choice(world.issuers).key
        elif kind == 3 and key.kty == 2:
            signature = odd_ecdsa(rng, key, signature)
        elif kind == 4 and key.kty == 2:
            key = key._replace(**{rng.choice("xy"): rng.choice((bytes(len(key.x)), b"\xff" * len(key.x), key.x, key.y))})
        yield {"signature": signature.hex(), "alg": alg, "key": keys.to_cose(key).hex(), "message": message.hex()}


def odd_ecdsa(rng, key, signature):
    """r and s at the borders of their range; high s."""
    order, size = keys.CURVES[key.curve].n, len(key.x)
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    r, s = rng.choice(((r, order - s), (0, s), (r, 0), (order, s), (r, order), (r, s + order), (r + order, s), (1, 1), (order - 1, order - 1), (s, r)))
    most = 1 << 8 * size
    return (r % most).to_bytes(size, "big") + (s % most).to_bytes(size, "big")


def odd_signatures(rng):
    """Ed25519 at its corners, and RSA keys of other shapes."""
    signer, message = EdSigner("odd"), b"message"
    good = signer.sign(message)
    s = int.from_bytes(good[32:], "little")
    cose = keys.to_cose(signer.key).hex()
    for other in (s, s + ed25519.L, s + 2 * ed25519.L, s + 8 * ed25519.L):
        raw = good[:32] + (other % 2**256).to_bytes(32, "little")
        yield {"signature": raw.hex(), "alg": -8, "key": cose, "message": message.hex()}
    small = [1, ed25519.P - 1, 0, ed25519.P, ed25519.P + 1, 2**255 - 1, 2,
             0x05fa97d3ea5d3d0d1f7e5c5f0f4a3cf1a7c6e1a6a9d5b7b1d4fc3ba06ea4e4c7]
    points = [(y | sign << 255).to_bytes(32, "little") for y in small for sign in (0, 1)]
    for public in points:
        for point in points[:8]:
            for message in (b"a", b"b"):
                key = cbor.encode({1: 1, -1: 6, -2: public})
                yield {"signature": (point + bytes(32)).hex(), "alg": -8, "key": key.hex(), "message": message.hex()}
    for bits, alg, salts in ((2046, -37, (None,)), (2056, -39, (None,)), (2048, -37, (None, 0, 20, 31))):
        signer = RsaSigner("odd rsa %d" % bits, bits, alg, 3)
        for salt in salts:
            raw = signer.sign(b"m", salt)
            for sig in (raw, b"\0" + raw, raw[1:], (int.from_bytes(raw, "big") + signer.n).to_bytes(len(raw) + 1, "big")[-len(raw):]):
                yield {"signature": sig.hex(), "alg": alg, "key": keys.to_cose(signer.key).hex(), "message": b"m".hex()}
        for change in ({"y": b"\1"}, {"y": b"\2"}, {"y": b"\xff" * 8}, {"x": signer.key.x[:-1] + bytes([signer.key.x[-1] ^ 1])}):
            key = keys.to_cose(signer.key._replace(**change)).hex()
            yield {"signature": signer.sign(b"m").hex(), "alg": alg, "key": key, "message": b"m".hex()}


# ---- random small ledgers -----------------------------------------------------------------------

def ledger_requests(rng, world, statements, count):
    """(request, the answer that it must have or None) about `count` random trees: all of a tree's artefacts are right."""
    for number in range(count):
        one = statements[number % len(statements)]
        one.receipts, one.proofs = [one.make_receipt()], [one.make_proof()]
        verdict = 0 if one.iat <= NOON + DAY else None
        yield {"evidence": one.evidence().hex(), "document": one.document.hex(), "keys": one.trust}, {"verdict": 0} if verdict == 0 else None
        ledger = rng.choice(world.ledgers[:3])
        size = rng.randrange(2, 60)
        tree = tree_with(rng, size, {})
        old = rng.randrange(1, size)
        protected = {1: ledger.signer.alg, 4: keys.thumbprint(ledger.signer.key), 15: {1: ledger.origin, 2: ledger.origin, 6: NOON}, 395: 1}
        path = consistency_path(tree, old, size)
        right = rng.random() < 0.5
        if not right:
            path = damage_path(rng, path)
        raw = sign1(ledger.signer, protected, rng.choice((None, tree.root())), {396: {-2: [cbor.encode([old, size, path])]}}, signed=tree.root())
        yield ({"receipt_old": raw.hex(), "size": old, "root": tree.root(old).hex(), "key": keys.to_cose(ledger.signer.key).hex()},
               {"ok": True, "root": tree.root().hex()} if right else None)
        index = rng.randrange(size)
        protected[15] = {1: ledger.origin, -65701: tree.at(0, index)}
        raw = sign1(ledger.signer, protected, None, {396: {-1: [cbor.encode([size, index, tree.path(index, size)])]}}, signed=tree.root())
        yield ({"receipt_leaf": raw.hex(), "leaf": tree.at(0, index).hex(), "key": keys.to_cose(ledger.signer.key).hex()}, {"ok": True})


def damage_path(rng, path):
    path = list(path)
    kind = rng.randrange(5)
    if kind == 0:
        path.append(bytes(32))
    elif kind == 1:
        path = path[:-1]
    elif kind == 2:
        path[rng.randrange(len(path))] = bytes(rng.choice((31, 32, 33, 0)))
    elif kind == 3:
        path.reverse()
    else:
        path.insert(0, path[0])
    return path


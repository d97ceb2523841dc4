# SPDX-License-Identifier: Apache-2.0
"""A stranger's SCITT client in Python: cbor2 and cryptography (PyPI, pinned), HTTP by the standard library. Nothing of ours is
imported: statements, receipts and proofs are made and checked from the RFCs. Usage: client.py BASE-URL [METRICS-URL]
"""
import base64
import datetime
import hashlib
import io
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from prometheus_client.parser import text_string_to_metric_families

BASE = sys.argv[1].rstrip("/")
METRICS = sys.argv[2] if len(sys.argv) > 2 else None
passed = failed = 0


def check(good, what):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAIL:", what)
    return good


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.type = (headers.get("content-type") or "").split(";")[0]


def http(method, path, body=None, **headers):
    url = urllib.parse.urljoin(BASE + "/", path) if "://" in path or not path.startswith("/") else BASE + path
    request = urllib.request.Request(url, data=body, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as got:
            return Answer(got.status, got.headers, got.read())
    except urllib.error.HTTPError as got:
        return Answer(got.code, got.headers, got.read())


def post(statement, **headers):
    return http("POST", "/entries", statement, **{"Content_Type": "application/cose", "Accept": "application/cose", **headers})


def location_of(answer):
    """As a URL; it may be relative to the request's (RFC 9110, 10.2.2)."""
    return urllib.parse.urljoin(BASE + "/entries", answer.headers["location"])



# ---- keys and statements ------------------------------------------------------------------------

def numbers(value, size):
    return value.to_bytes(size, "big")


def cose_key(public):
    if isinstance(public, ed25519.Ed25519PublicKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {1: 1, -1: 6, -2: raw}
    if isinstance(public, rsa.RSAPublicKey):
        n = public.public_numbers()
        return {1: 3, -1: numbers(n.n, (n.n.bit_length() + 7) // 8), -2: numbers(n.e, (n.e.bit_length() + 7) // 8)}
    curve, size = {"secp256r1": (1, 32), "secp384r1": (2, 48), "secp521r1": (3, 66)}[public.curve.name]
    n = public.public_numbers()
    return {1: 2, -1: curve, -2: numbers(n.x, size), -3: numbers(n.y, size)}


def thumbprint(public):
    return hashlib.sha256(cbor2.dumps(cose_key(public), canonical=True)).digest()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


HASHES = {-7: hashes.SHA256, -35: hashes.SHA384, -36: hashes.SHA512, -37: hashes.SHA256, -38: hashes.SHA384}


def sign(secret, alg, message):
    if alg in (-8, -19):
        return secret.sign(message)
    if alg in (-37, -38):
        return secret.sign(message, padding.PSS(padding.MGF1(HASHES[alg]()), HASHES[alg].digest_size), HASHES[alg]())
    r, s = utils.decode_dss_signature(secret.sign(message, ec.ECDSA(HASHES[alg]())))
    size = (secret.curve.key_size + 7) // 8
    return numbers(r, size) + numbers(s, size)


def verify(public, alg, signature, message):
    try:
        if alg in (-8, -19):
            public.verify(signature, message)
        else:
            size = len(signature) // 2
            r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
            public.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA({-7: hashes.SHA256, -9: hashes.SHA256, -35: hashes.SHA384}[alg]()))
        return True
    except InvalidSignature:
        return False


def statement(secret, alg, sub, payload=b"a document", iss=None, extra=None, unprotected=None, signed_with=None):
    public = secret.public_key()
    claims = {1: iss or "urn:ietf:params:oauth:ckt:sha-256:" + b64url(thumbprint(public)), 2: sub}
    protected = {1: alg, 4: thumbprint(public), 15: claims}
    if extra is None or 33 not in extra:
        claims[8] = {1: cose_key(public)}
    protected.update({3: "text/plain"} if extra is None or 258 not in extra else {})
    protected.update(extra or {})
    raw = cbor2.dumps(protected)
    signature = sign(secret, signed_with or alg, cbor2.dumps(["Signature1", raw, b"", payload or b""]))
    return cbor2.dumps(cbor2.CBORTag(18, [raw, unprotected or {}, payload, signature]))


def certificate(secret):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a stranger")])
    now = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(secret.public_key()).serial_number(7)
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=3650))
    return builder.sign(secret, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


# ---- receipts (RFC 9942, RFC 9162 2.1.3.2) --------------------------------------------------------

def leaf_of(message):
    protected, _, payload, signature = cbor2.loads(message).value
    return hashlib.sha256(b"\0" + cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaf, index, size, path):
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            raise ValueError("the path is too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ValueError("the path is too short")
    return r


def key_from_cose(value):
    if value[1] == 1:
        return ed25519.Ed25519PublicKey.from_public_bytes(value[-2])
    curve = {1: ec.SECP256R1, 2: ec.SECP384R1}[value[-1]]()
    return ec.EllipticCurvePublicNumbers(int.from_bytes(value[-2], "big"), int.from_bytes(value[-3], "big"), curve).public_key()


def service_keys():
    answer = http("GET", "/.well-known/scitt-keys", Accept="application/cbor")
    check(answer.status == 200 and answer.type == "application/cbor", f"scitt-keys: {answer.status} {answer.type}")
    keys = cbor2.loads(answer.body)
    check(isinstance(keys, list) and keys, "scitt-keys is an array of COSE_Keys")
    for key in keys:
        check(isinstance(key.get(2), bytes), "each key has its kid")
        for spelling in {b64url(key[2]), *([key[2].decode()] if key[2].isalnum() else [])}:
            one = http("GET", "/.well-known/scitt-keys/" + spelling, Accept="application/cbor")
            check(one.status == 200 and cbor2.loads(one.body) == key, f"key {spelling}: {one.status}")
    return {key[2]: key_from_cose(key) for key in keys}


def receipt_good(receipt, message, keys):
    tag = cbor2.loads(receipt)
    raw, unprotected, payload, signature = tag.value
    protected = cbor2.loads(raw)
    if tag.tag != 18 or payload is not None or protected[395] != 1:
        return False
    size, index, path = cbor2.loads(unprotected[396][-1][0])
    root = root_of(leaf_of(message), index, size, path)
    signed = cbor2.dumps(["Signature1", raw, b"", root])
    return verify(keys[protected[4]], protected[1], signature, signed) and isinstance(protected[15][1], str)


# ---- the tests ----------------------------------------------------------------------------------

def secrets():
    p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    p521, edward = ec.generate_private_key(ec.SECP521R1()), ed25519.Ed25519PrivateKey.generate()
    big = rsa.generate_private_key(65537, 2048)
    return [(p256, -7), (p384, -35), (p521, -36), (edward, -8), (edward, -19), (big, -37), (big, -38)]


def kinds(secret, alg):
    digest = hashlib.sha256(b"kept elsewhere").digest()
    yield "inline", statement(secret, alg, "stranger/inline")
    yield "hash envelope", statement(secret, alg, "stranger/envelope", digest, extra={258: -16, 259: "application/pdf"})
    yield "with unprotected content", statement(secret, alg, "stranger/unprotected", unprotected={"x": [1, 2]})
    yield "with unknown labels", statement(secret, alg, "stranger/unknown", extra={-70000: {1: [2, b"x"]}, "note": 1.5, 16: "application/x"})
    yield "with a certificate", statement(secret, alg, "stranger/x5chain", extra={33: certificate(secret)}) if alg == -7 else None


def registers(keys):
    for secret, alg in secrets():
        for what, message in kinds(secret, alg):
            if message is None:
                continue
            answer = post(message)
            if not check(answer.status == 201, f"{what}, alg {alg}: {answer.status} {answer.body[:200]}"):
                continue
            check(answer.type == "application/cose", f"{what}: {answer.type}")
            check(receipt_good(answer.body, message, keys), f"receipt of {what}, alg {alg}")
            again = post(message)
            check(again.status in (200, 201) and location_of(again) == location_of(answer), f"the same location again: {what}")
            found = http("GET", location_of(answer), Accept="application/cose")
            check(found.status == 200 and receipt_good(found.body, message, keys), f"GET of the location: {found.status}")
            check(found.headers.get("location") is not None, "GET of the location says Location")


def negotiates(keys):
    message = statement(ec.generate_private_key(ec.SECP256R1()), -7, "stranger/accept")
    wanted = {"application/cose": "application/cose", "application/scitt-receipt+cose": "application/scitt-receipt+cose", "*/*": "application/cose",
              "application/*": "application/cose", "text/html, application/cose;q=0.5": "application/cose",
              "application/cose;q=0, application/scitt-receipt+cose": "application/scitt-receipt+cose"}
    for accept, kind in wanted.items():
        answer = post(message, Accept=accept)
        check(answer.status == 201 and answer.type == kind and receipt_good(answer.body, message, keys), f"Accept: {accept}: {answer.status} {answer.type}")
    for kind in ("application/cose", "application/scitt-statement+cose", 'application/cose; cose-type="cose-sign1"', "Application/COSE"):
        answer = post(message, Content_Type=kind)
        check(answer.status == 201, f"Content-Type: {kind}: {answer.status}")
    for kind in ("application/json", "text/plain"):
        refused("Content-Type " + kind, post(message, Content_Type=kind), 415, None)
    refused("Accept: image/png", post(message, Accept="image/png"), 406, None)


def refused(what, answer, status, title):
    check(answer.status == status, f"{what}: {answer.status}, not {status}")
    if not check(answer.type == "application/concise-problem-details+cbor", f"{what}: {answer.type}"):
        return
    told = cbor2.loads(answer.body)
    check(isinstance(told, dict) and isinstance(told.get(-1), str) and isinstance(told.get(-2), str), f"{what}: title and detail: {told}")
    check(title is None or told[-1] == title, f"{what}: title {told.get(-1)!r}, not {title!r}")


def refuses():
    secret = ec.generate_private_key(ec.SECP256R1())
    good = statement(secret, -7, "stranger/refused")
    tag = cbor2.loads(good)
    changed = cbor2.dumps(cbor2.CBORTag(18, [*tag.value[:3], tag.value[3][:-1] + bytes([tag.value[3][-1] ^ 1])]))
    detached = statement(secret, -7, "stranger/detached", None)
    for what, message, title in (("nothing", b"", None), ("no CBOR", b"hello", "Malformed request"),
                                 ("no COSE_Sign1", cbor2.dumps([1, 2]), "Malformed request"),
                                 ("no tag", cbor2.dumps(tag.value), "Malformed request"), ("a wrong signature", changed, "Rejected"),
                                 ("trailing bytes", good + b"\0", "Malformed request"), ("half a statement", good[:-20], "Malformed request"),
                                 ("a detached payload", detached, "Payload Missing"),
                                 ("an unknown algorithm", statement(secret, -65535, "stranger/alg", signed_with=-7), "Bad Signature Algorithm"),
                                 ("another's name", statement(secret, -7, "s", iss="https://someone.example"), "Rejected"),
                                 ("another's certificate", statement(secret, -7, "s", extra={33: certificate(ec.generate_private_key(ec.SECP256R1()))}), "Rejected"),
                                 ("an x5t of another certificate", statement(secret, -7, "s", extra={33: certificate(secret), 34: [-16, bytes(32)]}), "Rejected")):
        refused(what, post(message), 400, title)
    refused("an unknown statement", http("GET", "/entries/" + b64url(bytes(32)), Accept="application/cose"), 404, "Not Found")
    refused("no locator", http("GET", "/entries/not-a-locator!", Accept="application/cose"), 400, "Invalid locator")
    refused("no such key", http("GET", "/.well-known/scitt-keys/" + b64url(b"x" * 32), Accept="application/cbor"), 404, "No such key")
    refused("no such path", http("GET", "/nothing/here"), 404, None)
    refused("PUT /entries", http("PUT", "/entries", good, Content_Type="application/cose"), 405, None)
    refused("DELETE of an entry", http("DELETE", "/entries/" + b64url(bytes(32))), 405, None)


def batches(keys):
    secret = ed25519.Ed25519PrivateKey.generate()
    many = [statement(secret, -8, f"stranger/batch/{n}") for n in range(40)]
    bad = cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"x", b"y"]))
    sent = many[:20] + [bad] + many[20:] + [many[0]]
    answer = http("POST", "/v1/batch", b"".join(sent), Content_Type="application/cbor-seq", Accept="application/cbor-seq")
    if not check(answer.status == 200 and answer.type == "application/cbor-seq", f"batch: {answer.status} {answer.type} {answer.body[:200]}"):
        return
    results = items(answer.body)
    check(len(results) == len(sent), f"{len(results)} results for {len(sent)} statements")
    for number, (message, (value, raw)) in enumerate(zip(sent, results)):
        if message is bad:
            check(isinstance(value, dict) and -1 in value and -2 in value, f"result {number} is a problem: {value}")
        else:
            check(isinstance(value, cbor2.CBORTag) and receipt_good(raw, message, keys), f"result {number} is a good receipt")


def items(data):
    """A CBOR sequence as [(value, bytes)]."""
    source, found = io.BytesIO(data), []
    while source.tell() < len(data):
        begin = source.tell()
        # read_size=1: the decoder must not read ahead of the item, for its place is where the next begins
        value = cbor2.CBORDecoder(source, read_size=1).decode()
        found.append((value, data[begin:source.tell()]))
    return found


def metrics():
    with urllib.request.urlopen(METRICS, timeout=30) as got:
        kind, text = got.headers["content-type"], got.read().decode()
    check(kind.startswith("text/plain") and "version=0.0.4" in kind, f"Content-Type of /metrics: {kind}")
    families = list(text_string_to_metric_families(text))
    names = [f.name for f in families]
    check(len(names) == len(set(names)), f"families stand once: {sorted(n for n in names if names.count(n) > 1)}")
    check(len(families) > 10, f"only {len(families)} families")
    for family in families:
        check(family.type != "unknown" and family.documentation, f"{family.name} has TYPE and HELP")
        samples = [(s.name, tuple(sorted(s.labels.items()))) for s in family.samples]
        check(len(samples) == len(set(samples)), f"{family.name}: samples stand once")
        check(family.type != "counter" or all(s.value >= 0 for s in family.samples), f"{family.name} is not negative")
        if family.type == "histogram":
            histogram(family)
    kinds_seen = {f.type for f in families}
    check({"counter", "gauge", "histogram"} <= kinds_seen, f"kinds of metrics: {kinds_seen}")


def histogram(family):
    series = {}
    for sample in family.samples:
        labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        series.setdefault(labels, {"buckets": []})
        if sample.name.endswith("_bucket"):
            series[labels]["buckets"].append((float(sample.labels["le"]), sample.value))
        else:
            series[labels][sample.name.rpartition("_")[2]] = sample.value
    for labels, one in series.items():
        bounds, counts = zip(*one["buckets"])
        good = list(bounds) == sorted(bounds) and list(counts) == sorted(counts) and bounds[-1] == float("inf")
        check(good and counts[-1] == one["count"] and one["sum"] >= 0, f"{family.name}{dict(labels)}: {one}")


def description():
    with urllib.request.urlopen(BASE + "/v1", timeout=30) as got:
        told = json.loads(got.read())
    for name in ("origin", "size", "root", "checkpoint"):
        check(name in told, f"/v1 says {name}")


def main():
    keys = service_keys()
    registers(keys)
    negotiates(keys)
    refuses()
    batches(keys)
    description()
    if METRICS:
        metrics()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())

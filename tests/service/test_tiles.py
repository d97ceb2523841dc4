# SPDX-License-Identifier: Apache-2.0
"""Tiles as a C2SP client reads them, from the text of tlog-tiles alone: every checkpoint that was published while the ledger grew has
its tiles, from them come its root and its entries, and nothing else can be had."""
import gzip
import hashlib
import struct
import sys
import threading

import harness
from harness import keys
from muniment_ref import note as notes

GROW = 700  # entries registered while checkpoints are collected
TIMES = 1100  # registration times, so that `commits` is sent in more than one part
FOR_EVER = "public, max-age=31536000, immutable"

BAD_NAMES = """0/0 0/00 0/0000 00/000 01/000 64/000 -1/000 +1/000 x/000 0/x000/001 0/x000/x001/000 0/001/002 0/x001 0/x001/ 0/1000 0/000.p
0/000.p/ 0/000.p/0 0/000.p/256 0/000.p/01 0/000.p/-1 0/000.p/1/ 0/000.p/1.p/1 entries entries/ Entries/000 data/000 0/X001/000 0//000 0/000/
0/%2530%30%30 0/000%2Fp/1 0%2F000 entries/0 entries/000.p/0 63/000 1/000.p/255 0/x999/x999/x999/x999/x999/999 0/x001/x000/x000/x000/x000/x000/000
0/999999999999999999999 99999999999999999999/000""".split()


def tile_name(n):
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.append(f"x{n % 1000:03d}")
    return "/".join(reversed(parts))


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split_bundle(data):
    entries, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">H", data, at)
        entries.append(data[at + 2:at + 2 + length])
        at += 2 + length
    return entries


def run_root(hashes):
    """Of 256 hashes, a complete subtree."""
    while len(hashes) > 1:
        hashes = [node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def tree_root(leaves):
    """RFC 9162 section 2.1.1, bottom up: a lone right node goes up as it is."""
    level = list(leaves)
    while len(level) > 1:
        level = [node(level[i], level[i + 1]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    return level[0]


class Client:
    def __init__(self, checks, service, base=""):
        self.checks, self.service, self.base = checks, service, base
        self.connection = service.connect()
        self.fetched = 0

    def get(self, path, **headers):
        self.fetched += 1
        return self.service.request("GET", self.base + path, headers=headers, connection=self.connection)

    def checkpoint(self):
        reply = self.get("/checkpoint")
        lines = reply.text.split("\n")
        return lines[0], int(lines[1]), harness.base64.b64decode(lines[2]), reply.body

    def tile(self, level, n, width, wanted=200):
        path = f"/tile/{level}/{tile_name(n)}" + (f".p/{width}" if width < 256 else "")
        reply = self.get(path)
        self.checks.equal(reply.status, wanted, f"GET {path}")
        return reply

    def level(self, level, size):
        """All hashes of a level of the tree of this size, from full tiles and the one partial."""
        have, hashes = size >> (8 * level), b""
        for n in range(have // 256):
            hashes += self.tile(level, n, 256).body
        if have % 256:
            hashes += self.tile(level, have // 256, have % 256).body
        self.checks.equal(len(hashes), 32 * have, f"bytes of level {level} at size {size}")
        return [hashes[i:i + 32] for i in range(0, len(hashes), 32)]

    def entries(self, size):
        found = []
        for n in range((size + 255) // 256):
            found += split_bundle(self.tile("entries", n, min(256, size - 256 * n)).body)
        return found


def check_size(client, size, root):
    """The tree of one published checkpoint, from its own tiles."""
    checks = client.checks
    leaves = client.level(0, size)
    checks.equal(tree_root(leaves), root, f"root at size {size} from level 0")
    for level in (1, 2):
        above = client.level(level, size)
        below = leaves if level == 1 else client.level(1, size)
        checks.equal(above, [run_root(below[256 * i:256 * i + 256]) for i in range(len(below) // 256)], f"level {level} at size {size}")
    return leaves


def grow(service, world, base, count):
    for _ in range(count // 10):
        replies = service.post(base + "/v1/batch", b"".join(world.statement() for _ in range(10)), "application/cbor-seq")
        if replies.status != 200:
            raise AssertionError(replies)


def collect(client, done):
    """Checkpoints as they are published while others register."""
    found = {}
    while not done.is_set():
        _, size, root, _ = client.checkpoint()
        if found.setdefault(size, root) != root:
            raise AssertionError(f"two roots for size {size}")
    return found


def check_growth(checks, world, service, base, ledger):
    client, done = Client(checks, service, base), threading.Event()

    def work():
        try:
            grow(service, world, base, GROW)
        finally:
            done.set()

    worker = threading.Thread(target=work)
    worker.start()
    found = collect(client, done)
    worker.join()
    origin, size, root, text = client.checkpoint()
    found[size] = root
    sizes = sorted(found)
    checks.ok(len(sizes) > 10, f"only {len(sizes)} sizes were published")
    for chosen in sorted({*sizes[:3], *sizes[::max(1, len(sizes) // 12)], size}):
        leaves = check_size(client, chosen, found[chosen])
    entries = client.entries(size)
    checks.equal([hashlib.sha256(b"\0" + e).digest() for e in entries], leaves, "leaf hashes of the entries in the bundles")
    identity = world.identity(ledger)
    checks.equal(origin, identity["origin"], "origin of the checkpoint")
    return text, size


def check_fields(checks, client, size):
    full, part = client.tile(0, 0, 256), client.tile(0, size // 256, 1)
    bundle = client.tile("entries", 0, 256)
    for reply in (full, part, bundle):
        checks.equal((reply.header("content-type"), reply.header("cache-control")), ("application/octet-stream", FOR_EVER), "fields of a tile")
        checks.ok((reply.header("etag") or "").startswith('"'), "a tile has a validator")
    checks.equal(client.get("/tile/0/000", **{"If-None-Match": full.header("etag")}).status, 304, "a tile that is known")
    checks.equal(client.get("/tile/0/000.p/1", **{"If-None-Match": full.header("etag")}).status, 200, "another tile")
    head = client.service.request("HEAD", client.base + "/tile/0/000")
    checks.equal((head.status, head.header("content-length"), head.body), (200, "8192", b""), "HEAD of a tile")
    packed = client.get("/tile/entries/000", **{"Accept-Encoding": "gzip, br"})
    checks.equal(packed.header("content-encoding"), "gzip", "a bundle for those who take gzip")
    checks.ok(gzip.decompress(packed.body) == bundle.body and packed.header("etag") != bundle.header("etag"), "a packed bundle is the bundle, under a validator of its own")
    checks.ok("accept-encoding" in (bundle.header("vary") or "").lower() and "accept-encoding" in (packed.header("vary") or "").lower(), "bundles vary by Accept-Encoding")
    for refused in ("identity", "gzip;q=0"):
        checks.equal(client.get("/tile/entries/000", **{"Accept-Encoding": refused}).header("content-encoding"), None, f"Accept-Encoding: {refused}")
    told = client.get("/checkpoint")
    checks.equal((told.header("content-type"), told.header("cache-control")), ("text/plain; charset=utf-8", "public, max-age=2"), "fields of the checkpoint")
    checks.equal(client.get("/checkpoint", **{"If-None-Match": told.header("etag")}).status, 304, "a checkpoint that is known")


def check_validator(checks, world, client):
    """What a cache holds of the checkpoint is not good any more when the log has grown."""
    known = client.get("/checkpoint")
    checks.equal(client.service.post_statement(world.statement(), client.base).status, 201, "one entry more")
    again = client.get("/checkpoint", **{"If-None-Match": known.header("etag")})
    checks.ok(again.status == 200 and again.header("etag") != known.header("etag") and again.body != known.body, f"a checkpoint that has grown: {again}")


def check_names(checks, client, size):
    for name in BAD_NAMES:
        reply = client.get("/tile/" + name)
        checks.ok(reply.status == 404 and reply.type == harness.PROBLEM_CBOR, f"GET /tile/{name}: {reply}")
    n, width = size // 256, size % 256
    for path in (f"/tile/0/{tile_name(n)}.p/{width + 1}", f"/tile/entries/{tile_name(n)}.p/{width + 1}", f"/tile/0/{tile_name(n)}", f"/tile/entries/{tile_name(n + 1)}.p/1",
                 f"/tile/1/000.p/{size // 256 + 1}", "/tile/2/000.p/1", "/tile/63/000.p/1"):
        checks.equal(client.get(path).status, 404, f"beyond the tree: {path}")
    for method in ("POST", "PUT", "DELETE"):
        reply = client.service.request(method, client.base + "/tile/0/000", body=b"")
        checks.ok(reply.status == 405 and "GET" in (reply.header("allow") or ""), f"{method} of a tile: {reply}")


def check_export(checks, world, client, ledger):
    """Each file of an exported tree of the same size, byte for byte, from the service. Another process sees the newest entries a moment
    after they were acknowledged: once they are in the streams."""
    trees = []

    def exported():
        trees.append(world.path(f"exported{len(trees)}"))
        harness.muniment("export", ledger, trees[-1])
        return (trees[-1] / "checkpoint").read_bytes() == client.get("/checkpoint").body

    checks.ok(harness.wait_until(exported, harness.SOON), "an export has all that was acknowledged")
    out = trees[-1]
    files = sorted(p for p in out.rglob("*") if p.is_file())
    checks.ok(len(files) > 10, f"an export of {len(files)} files")
    for path in files:
        name = "/" + str(path.relative_to(out))
        reply = client.get(name)
        checks.ok(reply.status == 200 and reply.body == path.read_bytes(), f"{name} is not as exported: {reply}")


def times_of(data):
    """{first index: time} of a file `commits`, its digests checked."""
    found = {}
    for at in range(0, len(data), 4096):
        block = data[at:at + 4096]
        if hashlib.sha256(block[:4064]).digest() != block[4064:]:
            raise AssertionError(f"the digest of block {at // 4096}")
        for i in range(0, 4064, 16):
            first, time = struct.unpack_from(">QQ", block, i)
            if (first, time) != (0, 0):
                found[first] = time
    return found


def check_commits(checks, world):
    """More registration times than are sent in one piece: whole, in parts, to a standby; and cut off where they cannot be read."""
    ledger = world.ledger(name="times")
    with world.serve(ledger) as service:
        connection = service.connect()
        while len(times_of(commits := service.get("/commits").body)) < TIMES:
            for _ in range(100):
                service.post_statement(world.statement(), connection=connection)
        reply = service.get("/commits")
        checks.equal((reply.header("transfer-encoding"), reply.header("content-length")), ("chunked", None), "so many come in chunks")
        size = service.get("/v1").json()["size"]
        checks.equal(service.get(f"/commits?size={size}").body, commits, "the same again")
        checks.equal(service.get("/commits?size=300").header("content-length"), str(len(service.get("/commits?size=300").body)), "few do not")
        parts = b"".join(service.get(f"/commits?from={first}&size={min(first + 100, size)}").body for first in range(0, size, 100))
        checks.ok(times_of(commits).items() <= times_of(parts).items(), "in parts")
        bare = service.request("HEAD", "/commits")
        checks.equal((bare.status, bare.body), (200, b""), "its head alone")
        copy = world.path("copy")
        harness.muniment("standby", copy, "--from", service.url, "--once", "--ledger-key", ledger / "ledger.pub")
        checks.equal(service.stop(), 0, "a graceful end")
    with world.serve(copy) as service:
        checks.equal(times_of(service.get("/commits").body), times_of(commits), "the standby's times")
    file = bytearray((ledger / "commits").read_bytes())
    file[3 * 4096 + 7] ^= 1  # the fourth block: read for the second part; the last one would be mended from the journal
    (ledger / "commits").write_bytes(file)
    with world.serve(ledger) as service, service.socket() as s:
        s.sendall(b"GET /commits HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = harness.read_to_end(s)
        head, _, body = answer.partition(b"\r\n\r\n")
        checks.ok(head.startswith(b"HTTP/1.1 200 ") and len(body) > 8192, f"the first part comes: {head!r}, {len(body)} bytes")
        checks.ok(not answer.endswith(b"0\r\n\r\n"), "what could not be read to its end does not look whole")


def check_signature(checks, world, ledger, text):
    known = keys.parse_vkey(world.identity(ledger)["checkpoints"])
    checks.ok(notes.Note(text).accepted([known]), "the checkpoint's signature, by ref/")


def main():
    harness.build("muniment", "muniment-serve")
    with harness.Checks() as checks, harness.World() as world:
        one, two = world.ledger(name="one"), world.ledger(name="two")
        with world.serve(one, two) as service:
            text, size = check_growth(checks, world, service, "/one", one)
            check_signature(checks, world, one, text)
            client = Client(checks, service, "/one")
            check_fields(checks, client, size)
            check_names(checks, client, size)
            check_export(checks, world, client, one)
            check_validator(checks, world, client)
            other = Client(checks, service, "/two")
            checks.equal(other.get("/tile/0/000").status, 404, "the other ledger has no full tile")
            checks.equal(other.get("/tile/0/000.p/1").body == client.get("/tile/0/000.p/1").body, False, "the other ledger's tiles are its own")
        check_commits(checks, world)


if __name__ == "__main__":
    sys.exit(main())

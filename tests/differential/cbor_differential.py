# SPDX-License-Identifier: Apache-2.0
"""Our CBOR reader against Python's cbor2: random items, and mutations of them.

Where ours accepts (carried mode), cbor2 must read the same bytes to their end. Where ours refuses and
cbor2 reads, one of our own, stricter rules must be the reason, as ref/ names it. Items with tags
that cbor2 interprets (dates, bignums, ...) are left out: it refuses contents there that CBOR allows.
Usage: cbor_differential.py VERIFY_BATCH COUNT SEED
"""
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import cbor2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "ref"))
from muniment_ref import cbor as ref_cbor  # noqa: E402

STRICTER = ("duplicate map key", "map key of another type", "nested too deeply", "map too large")
PLAIN_TAGS = (18, 61, 98, 1000, 70000, 2**40)
PLANTED = 25  # answers turned round to see that the comparison bites


def head(rng, major, value):
    """A head, one time in eight longer than it needs to be."""
    widths = [w for w in (0, 1, 2, 4, 8) if (value < 24 if w == 0 else value < 1 << (8 * w))]
    width = widths[0] if rng.random() < 0.875 else rng.choice(widths)
    if width == 0:
        return bytes([major << 5 | value])
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[width]]) + value.to_bytes(width, "big")


def text(rng):
    return "".join(rng.choice("aäz€ 𝄞\u0000") for _ in range(rng.randrange(6))).encode()


def scalar(rng, major):
    if major in (0, 1):
        return head(rng, major, rng.choice((0, 1, 23, 24, 255, 256, 65535, 2**32, 2**63, 2**64 - 1)))
    body = rng.randbytes(rng.randrange(8)) if major == 2 else text(rng)
    if rng.random() < 0.1:
        return bytes([major << 5 | 31]) + head(rng, major, len(body)) + body + b"\xff"
    return head(rng, major, len(body)) + body


def item(rng, depth):
    major = rng.choice((0, 1, 2, 3, 7) if depth > rng.choice((2, 4, 18)) else (0, 1, 2, 3, 4, 4, 5, 5, 6, 7))
    if major < 4:
        return scalar(rng, major)
    if major == 7:
        return rng.choice((b"\xf4", b"\xf5", b"\xf6", b"\xf7", b"\xe0", b"\xf8\xff", b"\xf9\x3c\x00", b"\xfa\x47\xc3\x50\x00", b"\xfb" + rng.randbytes(8)))
    if major == 6:
        return head(rng, 6, rng.choice(PLAIN_TAGS)) + item(rng, depth + 1)
    count = rng.randrange(4)
    parts = [item(rng, depth + 1) if major == 4 else scalar(rng, rng.randrange(4)) + item(rng, depth + 1) for _ in range(count)]
    if rng.random() < 0.15:
        return bytes([major << 5 | 31]) + b"".join(parts) + b"\xff"
    return head(rng, major, count) + b"".join(parts)


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at] = rng.randbytes(1)
        elif kind == 2:
            del data[at:at + 1]
        elif at < len(data):
            data[at] = rng.choice((0x5F, 0x7F, 0x9F, 0xBF, 0xFF, 0xF8, 0xA1, 0x82, 0x18, 0x00))
    return bytes(data)


def cbor2_reads(data):
    """True, False, or None where cbor2 gives a tag a meaning of its own."""
    stream = io.BytesIO(data)
    try:
        cbor2.CBORDecoder(stream).decode()
    except cbor2.CBORDecodeError:
        return False
    except Exception:  # an interpreted tag's own error, or an unhashable key
        return None
    return stream.tell() == len(data)


def reason(data):
    try:
        ref_cbor.decode(data, False)
    except ref_cbor.CborError as error:
        return str(error)
    return ""


def holds_foreign_tag(value):
    if isinstance(value, ref_cbor.Tag):
        return value.number not in PLAIN_TAGS or holds_foreign_tag(value.value)
    if isinstance(value, list):
        return any(map(holds_foreign_tag, value))
    return isinstance(value, dict) and any(map(holds_foreign_tag, value.values()))


def disagrees(data, ours):
    """A sentence where the two readers part without a reason; None where all is well or left out."""
    theirs = cbor2_reads(data)
    if ours and theirs is not True and not holds_foreign_tag(ref_cbor.decode(data, False)):
        return "ours accepts, cbor2 does not"
    if not ours and theirs is True and reason(data) not in STRICTER:
        return f"cbor2 accepts, ours does not, and ref/ says: {reason(data) or 'nothing'}"
    return None


def main():
    program, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    inputs = []
    for _ in range(count // 2):
        good = item(rng, 0)
        inputs += [good, mutate(rng, good)]
    with tempfile.TemporaryFile("w+") as requests:
        requests.writelines(json.dumps({"cbor": data.hex(), "mode": "carried"}) + "\n" for data in inputs)
        requests.seek(0)
        answers = subprocess.run([program], stdin=requests, capture_output=True, check=True).stdout.splitlines()
    ours = [json.loads(line)["ok"] for line in answers]
    found = [(data.hex(), why) for data, ok in zip(inputs, ours) if (why := disagrees(data, ok))]
    turned = [disagrees(inputs[2 * i], not ours[2 * i]) for i in range(PLANTED * 20)]
    results = {
        f"{len(inputs)} items, {sum(ours)} accepted, answered one for one": len(ours) == len(inputs),
        f"no disagreement without a reason: {found[:3]}": not found,
        "both answers occur often": min(sum(ours), len(ours) - sum(ours)) > len(ours) // 10,
        "turned answers are seen": sum(map(bool, turned)) >= PLANTED,
    }
    for what, ok in results.items():
        print("ok  " if ok else "FAIL", what)
    failed = list(results.values()).count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())

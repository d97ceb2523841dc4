# SPDX-License-Identifier: Apache-2.0
"""Canonical base64 and base64url (docs/format/README.md, Words), and base58btc."""
import base64
import binascii

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class TextError(Exception):
    """The text is refused."""


def base64_decode(text):
    """RFC 4648 section 4 with padding, canonical."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise TextError("not base64")
    if base64.b64encode(raw) != (text if isinstance(text, bytes) else text.encode("ascii")):
        raise TextError("base64 is not canonical")
    return raw


def base64_encode(raw):
    return base64.b64encode(raw).decode("ascii")


def base64url_decode(text):
    """RFC 4648 section 5 without padding, canonical."""
    if "=" in text or "+" in text or "/" in text:
        raise TextError("not base64url")
    return base64_decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))


def base64url_encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def base58_encode(raw):
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        out = BASE58[digit] + out
    return out

# SPDX-License-Identifier: Apache-2.0
"""Ed25519 verification by RFC 8032, section 5.1.7, without the cofactor [KEY-6].

A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z on -x^2 + y^2 = 1 + d x^2 y^2. The formulas are complete, so
no case is special. A prepared point is (Y - X, Y + X, 2Z, 2dT).
"""
import hashlib
from functools import lru_cache

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)


def prepare(point):
    x, y, z, t = point
    return (y - x) % P, (y + x) % P, 2 * z % P, 2 * D * t % P


def add(point, prepared):
    x, y, z, t = point
    minus, plus, zz, dt = prepared
    a = (y - x) * minus % P
    b = (y + x) * plus % P
    c = t * dt % P
    d = z * zz % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(point):
    x, y, z, _ = point
    a = x * x % P
    b = y * y % P
    h = a + b
    e = h - (x + y) * (x + y) % P
    g = a - b
    f = 2 * z * z % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def decode_point(raw):
    """A point from its 32 bytes, or None: y below p, x found, and no sign on x = 0 (RFC 8032, 5.1.3)."""
    y = int.from_bytes(raw, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == (-u) % P:
        x = x * SQRT_M1 % P
    if v * x * x % P != u:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encode_point(point):
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def multiples(point, count):
    """Prepared 0, 1, ... count-1 times the point."""
    table, prepared, sum_ = [], prepare(point), IDENTITY
    for _ in range(count):
        table.append(prepare(sum_))
        sum_ = add(sum_, prepared)
    return table


_base_rows = []


def base_rows():
    """rows[i][d] = d * 16^i * B."""
    if not _base_rows:
        y = 4 * pow(5, -1, P) % P
        point = decode_point(y.to_bytes(32, "little"))
        for _ in range(64):
            _base_rows.append(multiples(point, 16))
            for _ in range(4):
                point = double(point)
    return _base_rows


def base_times(scalar):
    point = IDENTITY
    for row in base_rows():
        if scalar & 15:
            point = add(point, row[scalar & 15])
        scalar >>= 4
    return point


@lru_cache(maxsize=256)
def negative_key(public):
    """Multiples of -A, or None if the 32 bytes are no point."""
    point = decode_point(public)
    if point is None:
        return None
    x, y, z, t = point
    return multiples((P - x, y, z, P - t), 16)


def verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    table = negative_key(bytes(public))
    if s >= L or table is None:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    point = IDENTITY
    for shift in range(252, -4, -4):
        point = double(double(double(double(point))))
        digit = k >> shift & 15
        if digit:
            point = add(point, table[digit])
    # [S]B = R + [k]A, as bytes: [S]B - [k]A written out is R. Bytes that are no point, or no
    # canonical one, are never the writing of a point.
    sum_ = base_times(s)
    return encode_point(add(sum_, prepare(point))) == signature[:32]

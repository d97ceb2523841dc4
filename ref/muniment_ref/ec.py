# SPDX-License-Identifier: Apache-2.0
"""ECDSA verification on P-256, P-384 and P-521 (FIPS 186-4). Nothing here is secret, so nothing is constant-time.

A point is (x, y), or in Jacobian coordinates (X, Y, Z) with x = X/Z^2, y = Y/Z^3 and Z = 0 for infinity.
"""
from functools import lru_cache

WINDOW = 4   # bits of the table of multiples of the generator
WNAF = 5     # width of the signed digits of the other factor
INFINITY = (1, 1, 0)


class Curve:
    """y^2 = x^3 - 3x + b over the field of p elements; n is the order of the generator."""

    def __init__(self, p, b, n, x, y):
        self.p, self.b, self.n, self.generator = p, b, n, (x, y)
        self.size = (p.bit_length() + 7) // 8
        self.table = None

    def on_curve(self, x, y):
        return x < self.p and y < self.p and (y * y - x * x * x + 3 * x - self.b) % self.p == 0

    def double(self, point):
        p = self.p
        x, y, z = point
        delta = z * z % p
        gamma = y * y % p
        beta = x * gamma % p
        alpha = 3 * (x - delta) * (x + delta) % p
        x3 = (alpha * alpha - 8 * beta) % p
        return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % p, 2 * y * z % p

    def add(self, point, affine):
        """A Jacobian and an affine point."""
        p = self.p
        x1, y1, z1 = point
        x2, y2 = affine
        if z1 == 0:
            return x2, y2, 1
        zz = z1 * z1 % p
        h = (x2 * zz - x1) % p
        r = (y2 * z1 * zz - y1) % p
        if h == 0:
            return self.double(point) if r == 0 else INFINITY
        hh = h * h % p
        hhh = h * hh % p
        v = x1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return x3, (r * (v - x3) - y1 * hhh) % p, z1 * h % p

    def affine(self, points):
        """All points, none at infinity, made affine with one inversion."""
        p = self.p
        products = [1]
        for _, _, z in points:
            products.append(products[-1] * z % p)
        inverse = pow(products[-1], -1, p)
        result = []
        for k in range(len(points) - 1, -1, -1):
            x, y, z = points[k]
            zi = inverse * products[k] % p
            inverse = inverse * z % p
            result.append((x * zi * zi % p, y * zi * zi * zi % p))
        return result[::-1]

    def generator_table(self):
        """table[i][d - 1] = d * 2^(WINDOW*i) * generator."""
        if self.table is None:
            rows = (self.n.bit_length() + WINDOW - 1) // WINDOW
            width = (1 << WINDOW) - 1
            base, bases = self.generator + (1,), []
            for _ in range(rows):
                bases.append(base)
                for _ in range(WINDOW):
                    base = self.double(base)
            points = []
            for base in self.affine(bases):
                point = INFINITY
                for _ in range(width):
                    point = self.add(point, base)
                    points.append(point)
            flat = self.affine(points)
            self.table = [flat[i * width:(i + 1) * width] for i in range(rows)]
        return self.table

    def combine(self, u1, u2, q):
        """u1 * generator + u2 * q."""
        p = self.p
        two_q = self.affine([self.double(q + (1,))])[0]
        odd = [q + (1,)]
        for _ in range((1 << (WNAF - 2)) - 1):
            odd.append(self.add(odd[-1], two_q))
        odd = self.affine(odd)
        point = INFINITY
        for digit in reversed(signed_digits(u2)):
            point = self.double(point)
            if digit > 0:
                point = self.add(point, odd[digit >> 1])
            elif digit < 0:
                x, y = odd[-digit >> 1]
                point = self.add(point, (x, p - y))
        for row in self.generator_table():
            digit = u1 & ((1 << WINDOW) - 1)
            u1 >>= WINDOW
            if digit:
                point = self.add(point, row[digit - 1])
        return point


def signed_digits(number):
    """The wNAF of a number, lowest first: digits are 0 or odd and below 2^(WNAF-1) in size."""
    digits = []
    while number:
        digit = 0
        if number & 1:
            digit = number & ((1 << WNAF) - 1)
            if digit >> (WNAF - 1):
                digit -= 1 << WNAF
            number -= digit
        digits.append(digit)
        number >>= 1
    return digits


P256 = Curve(
    0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff,
    0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
    0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
    0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
    0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)
P384 = Curve(
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef,
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
    0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
    0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f)
P521 = Curve(
    2**521 - 1,
    0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00,
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409,
    0x00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66,
    0x011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650)


@lru_cache(maxsize=1024)
def usable(curve, x, y):
    return curve.on_curve(x, y)


def verify(curve, x, y, digest, signature):
    """r || s, each of full width, 1 <= r, s < n; high s is accepted [KEY-5]."""
    size, n, p = curve.size, curve.n, curve.p
    if len(signature) != 2 * size or not usable(curve, x, y):
        return False
    r = int.from_bytes(signature[:size], "big")
    s = int.from_bytes(signature[size:], "big")
    if not (1 <= r < n and 1 <= s < n):
        return False
    e = int.from_bytes(digest, "big")
    if 8 * len(digest) > n.bit_length():
        e >>= 8 * len(digest) - n.bit_length()
    w = pow(s, -1, n)
    big_x, _, z = curve.combine(e * w % n, r * w % n, (x, y))
    if z == 0:
        return False
    zz = z * z % p
    return (r * zz - big_x) % p == 0 or (r + n < p and ((r + n) * zz - big_x) % p == 0)

# SPDX-License-Identifier: Apache-2.0
"""RSASSA-PSS verification by RFC 8017, section 8.1.2 and 9.1.2: MGF1 over the same hash, salt as long as the hash [KEY-6]."""
import hashlib


def mgf1(hash_name, seed, size):
    out = b""
    counter = 0
    while len(out) < size:
        out += hashlib.new(hash_name, seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return out[:size]


def verify(n, e, hash_name, message, signature):
    """n and e as bytes."""
    modulus = int.from_bytes(n, "big")
    exponent = int.from_bytes(e, "big")
    if len(signature) != len(n):
        return False
    number = int.from_bytes(signature, "big")
    if number >= modulus:
        return False
    em_bits = modulus.bit_length() - 1
    em_size = (em_bits + 7) // 8
    number = pow(number, exponent, modulus)
    if number >> (8 * em_size):
        return False
    em = number.to_bytes(em_size, "big")
    digest = hashlib.new(hash_name, message).digest()
    size = len(digest)
    if em_size < 2 * size + 2 or em[-1] != 0xbc:
        return False
    masked, h = em[:em_size - size - 1], em[em_size - size - 1:-1]
    spare = 8 * em_size - em_bits
    if spare and masked[0] >> (8 - spare):
        return False
    mask = mgf1(hash_name, h, len(masked))
    db = bytearray(a ^ b for a, b in zip(masked, mask))
    db[0] &= 0xff >> spare
    zeros = em_size - 2 * size - 2
    if any(db[:zeros]) or db[zeros] != 1:
        return False
    salt = bytes(db[zeros + 1:])
    return hashlib.new(hash_name, bytes(8) + digest + salt).digest() == h

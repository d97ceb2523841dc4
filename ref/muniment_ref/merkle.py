# SPDX-License-Identifier: Apache-2.0
"""Merkle trees by docs/format/receipt.md (RFC 9162, section 2.1)."""
import hashlib

MAX_SIZE = 2**63 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()


class BadProof(Exception):
    """A proof that is impossible, or that does not lead where it should."""


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def path_length(index, size):
    inner = (index ^ (size - 1)).bit_length()
    return inner + bin(index >> inner).count("1")


def check_possible(index, size, path):
    """[RCPT-12], [RCPT-13]"""
    if size > MAX_SIZE or index >= size or len(path) != path_length(index, size):
        raise BadProof("impossible")
    if any(len(hash_) != 32 for hash_ in path):
        raise BadProof("a node is not 32 bytes")


def fold(leaf, index, size, path):
    """The root that a possible proof leads to [RCPT-14]."""
    inner = (index ^ (size - 1)).bit_length()
    for k, other in enumerate(path):
        leaf = node(leaf, other) if k < inner and not index >> k & 1 else node(other, leaf)
    return leaf


def consistency(size1, size2, old, path):
    """The new root [RCPT-17]."""
    if not 0 < size1 < size2 <= MAX_SIZE or not path or any(len(hash_) != 32 for hash_ in path):
        raise BadProof("impossible")
    if size1 & (size1 - 1) == 0:
        path = [old] + path
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    first = second = path[0]
    for c in path[1:]:
        if sn == 0:
            raise BadProof("too long")
        if fn & 1 or fn == sn:
            first, second = node(c, first), node(c, second)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            second = node(second, c)
        fn >>= 1
        sn >>= 1
    if sn != 0 or first != old:
        raise BadProof("does not give the old root")
    return second


class Tree:
    """All full subtrees of a growing tree, level by level, in flat memory: 64 bytes a leaf."""

    def __init__(self):
        self.levels = [bytearray()]
        self.size = 0

    def append(self, leaf):
        sha256, level, levels = hashlib.sha256, 0, self.levels
        levels[0] += leaf
        self.size += 1
        count = self.size
        while not count & 1:
            pair = levels[level][-64:]
            level += 1
            if level == len(levels):
                levels.append(bytearray())
            levels[level] += sha256(b"\1" + pair).digest()
            count >>= 1

    def truncate(self, size):
        """The tree as it was at this size."""
        self.size = size
        for level, hashes in enumerate(self.levels):
            del hashes[32 * (size >> level):]

    def at(self, level, index):
        return bytes(self.levels[level][32 * index:32 * index + 32])

    def root(self, size=None):
        """The root of the first `size` leaves."""
        size = self.size if size is None else size
        if size > self.size:
            raise ValueError("the tree is smaller")
        result, level, index = None, 0, size
        while index:
            if index & 1:
                full = self.at(level, index - 1)
                result = full if result is None else node(full, result)
            index >>= 1
            level += 1
        return EMPTY_ROOT if result is None else result

    def subtree(self, begin, end):
        """The hash over leaves begin to end, where begin is a multiple of a power of two not below end - begin."""
        result, level, index, left = None, 0, end, end - begin
        while left:
            if left & 1:
                full = self.at(level, index - 1)
                result = full if result is None else node(full, result)
            left >>= 1
            index >>= 1
            level += 1
        return result

    def path(self, index, size):
        """The inclusion proof of RFC 9162, section 2.1.3.1."""
        begin, end, path = 0, size, []
        while end - begin > 1:
            half = 1 << ((end - begin - 1).bit_length() - 1)
            if index < begin + half:
                path.append(self.subtree(begin + half, end))
                end = begin + half
            else:
                path.append(self.subtree(begin, begin + half))
                begin += half
        return path[::-1]

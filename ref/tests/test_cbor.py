# SPDX-License-Identifier: Apache-2.0
import unittest

import support  # noqa: F401
from muniment_ref import cbor

# hex, accepted in strict mode, accepted in carried mode
CASES = [
    ("00", 1, 1), ("1817", 0, 1), ("1818", 1, 1), ("1900ff", 0, 1), ("190100", 1, 1), ("1a0000ffff", 0, 1),
    ("1b00000000ffffffff", 0, 1), ("1b0000000100000000", 1, 1), ("3bffffffffffffffff", 1, 1),
    ("", 0, 0), ("0000", 0, 0), ("18", 0, 0), ("1c", 0, 0), ("1f", 0, 0), ("3e", 0, 0), ("df", 0, 0), ("ff", 0, 0),
    ("4161", 1, 1), ("4261", 0, 0), ("5f4161ff", 0, 1), ("5f6161ff", 0, 0), ("5f5f4161ffff", 0, 0), ("5f41", 0, 0),
    ("5fff", 0, 1), ("7f6161ff", 0, 1), ("7f61c361a4ff", 0, 0),
    ("62c3a4", 1, 1), ("61c3", 0, 0), ("63eda080", 0, 0), ("62c080", 0, 0), ("64f4908080", 0, 0),
    ("80", 1, 1), ("9fff", 0, 1), ("9f00ff", 0, 1), ("81ff", 0, 0), ("9bffffffffffffffff", 0, 0),
    ("a10000", 1, 1), ("a200000000", 0, 0), ("a20000180000", 0, 0), ("a2200038" "0000", 0, 0), ("a24161006161" "00", 1, 1),
    ("bf0000ff", 0, 1), ("bf00ff", 0, 0), ("bfff", 0, 1), ("a18000", 0, 0), ("a1f600", 0, 0), ("a1c10000", 0, 0),
    ("a15f4161ff00", 0, 0), ("a1f97c0000", 0, 0), ("a1ff00", 0, 0),
    ("f6", 1, 1), ("f7", 1, 1), ("e0", 1, 1), ("f818", 0, 0), ("f81f", 0, 0), ("f820", 1, 1), ("fc", 0, 0),
    ("f90000", 1, 1), ("fa00000000", 1, 1), ("fb0000000000000000", 1, 1), ("fb00", 0, 0),
    ("c100", 1, 1), ("d80100", 0, 1), ("c1", 0, 0), ("c1ff", 0, 0),
    ("81" * 15 + "80", 1, 1), ("81" * 16 + "80", 0, 0), ("81" * 16 + "00", 1, 1), ("c1" * 16 + "00", 1, 1),
    ("c1" * 17 + "00", 0, 0), ("b90100" + "".join("19%04x00" % (k + 256) for k in range(256)), 1, 1),
    ("b90101" + "".join("19%04x00" % (k + 256) for k in range(257)), 0, 0),
]


class Cbor(unittest.TestCase):
    def test_both_modes(self):
        """[CBOR-1] to [CBOR-11]"""
        for hex_, strict, carried in CASES:
            for mode, good in ((True, strict), (False, carried)):
                with self.subTest(hex=hex_[:40], strict=mode):
                    if good:
                        cbor.decode(bytes.fromhex(hex_), strict=mode)
                    else:
                        with self.assertRaises(cbor.CborError):
                            cbor.decode(bytes.fromhex(hex_), strict=mode)

    def test_key_order(self):
        """[CBOR-13]"""
        raw = cbor.encode({-65700: 0, -2: 0, -1: 0, 258: 0, 15: 0, 2: 0, 1: 0})
        self.assertEqual(raw.hex(), "a70100" "0200" "0f00" "19010200" "2000" "2100" "3a000100a300")

    def test_write_and_read(self):
        for value in (0, 23, 24, 255, 256, 2**64 - 1, -1, -2**64, b"", b"\0" * 300, "\u00e4", [1, [2]], {1: {2: b"3"}}, cbor.Tag(18, [])):
            self.assertEqual(cbor.decode(cbor.encode(value), strict=True), value)


if __name__ == "__main__":
    unittest.main()

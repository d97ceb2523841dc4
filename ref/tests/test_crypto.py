# SPDX-License-Identifier: Apache-2.0
import hashlib
import unittest

import support  # noqa: F401
from muniment_ref import ec, ed25519, keys, rsa_pss, text

# RFC 8032, section 7.1: public key, message, signature
ED25519 = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]

# RFC 6979, A.2.5 to A.2.7: curve, public key, message "sample", hash, r, s
ECDSA = [
    (ec.P256, "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", "sha256",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"),
    (ec.P384, "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13",
     "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720", "sha384",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"),
    (ec.P521, "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4",
     "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5", "sha512",
     "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa",
     "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a"),
]


class Ecdsa(unittest.TestCase):
    def test_known_answers(self):
        for curve, x, y, hash_name, r, s in ECDSA:
            x, y = int(x, 16), int(y, 16)
            digest = hashlib.new(hash_name, b"sample").digest()
            signature = bytes.fromhex(r + s)
            self.assertTrue(ec.verify(curve, x, y, digest, signature))
            high = (curve.n - int(s, 16)).to_bytes(curve.size, "big")
            self.assertTrue(ec.verify(curve, x, y, digest, signature[:curve.size] + high))  # [KEY-5]
            for bit in range(0, 16 * curve.size, 37):
                bad = bytearray(signature)
                bad[bit // 8] ^= 1 << bit % 8
                self.assertFalse(ec.verify(curve, x, y, digest, bytes(bad)))

    def test_ranges(self):
        """[KEY-5]"""
        curve, x, y, hash_name, r, s = ECDSA[0]
        x, y, digest = int(x, 16), int(y, 16), hashlib.sha256(b"sample").digest()
        zero, order = "00" * 32, "%064x" % curve.n
        wrap = "%064x" % (int(r, 16) + curve.n) if int(r, 16) + curve.n < 2**256 else order
        for bad in (zero + s, r + zero, order + s, r + order, zero + zero, wrap + s, r + s + "00", (r + s)[2:], ""):
            self.assertFalse(ec.verify(curve, x, y, digest, bytes.fromhex(bad)))

    def test_point_off_the_curve(self):
        curve, x, y, hash_name, r, s = ECDSA[0]
        digest = hashlib.sha256(b"sample").digest()
        for point in ((int(x, 16), int(y, 16) ^ 1), (0, 0), (int(x, 16) + curve.p, int(y, 16))):
            self.assertFalse(ec.verify(curve, *point, digest, bytes.fromhex(r + s)))

    def test_order(self):
        for curve in (ec.P256, ec.P384, ec.P521):
            self.assertTrue(curve.on_curve(*curve.generator))
            self.assertEqual(curve.combine(0, curve.n, curve.generator)[2], 0)
            self.assertEqual(curve.combine(5, curve.n - 5, curve.generator)[2], 0)


class Ed25519(unittest.TestCase):
    def test_known_answers(self):
        for public, message, signature in ED25519:
            public, message, signature = map(bytes.fromhex, (public, message, signature))
            self.assertTrue(ed25519.verify(public, message, signature))
            self.assertFalse(ed25519.verify(public, message + b"x", signature))
            for bit in range(0, 512, 41):
                bad = bytearray(signature)
                bad[bit // 8] ^= 1 << bit % 8
                self.assertFalse(ed25519.verify(public, message, bytes(bad)))

    def test_s_not_below_the_order(self):
        """[KEY-6]"""
        public, message, signature = map(bytes.fromhex, ED25519[1])
        s = int.from_bytes(signature[32:], "little") + ed25519.L
        self.assertFalse(ed25519.verify(public, message, signature[:32] + s.to_bytes(32, "little")))

    def test_small_and_odd_points(self):
        one = (1).to_bytes(32, "little")
        # The identity as a key verifies [S]B = R for every message: RFC 8032 allows it.
        self.assertTrue(ed25519.verify(one, b"any", one + bytes(32)))
        self.assertIsNone(ed25519.decode_point((ed25519.P + 1).to_bytes(32, "little")))  # y not below p
        self.assertIsNone(ed25519.decode_point((1 | 1 << 255).to_bytes(32, "little")))   # sign on x = 0
        self.assertIsNone(ed25519.decode_point((2).to_bytes(32, "little")))              # not on the curve


class Vectors(unittest.TestCase):
    def test_thumbprints(self):
        """[KEY-1], [KEY-3], [KEY-7]"""
        for case in support.vectors("cose-keys/thumbprints.json"):
            key = keys.parse_cose(bytes.fromhex(case["cose_key"]))
            self.assertEqual(keys.to_cose(key).hex(), case["cose_key"])
            self.assertEqual(keys.thumbprint(key).hex(), case["thumbprint_sha256"])
            if "pem" in case:
                self.assertEqual(keys.read_key_file(case["pem"].encode()), (None, key))
                self.assertEqual(text.base64url_encode(keys.thumbprint(key)), case["base64url"])

    def test_rsa(self):
        tried = 0
        for case in support.vectors("cose-sign1/statements.json"):
            if case["alg"] != -37:
                continue
            tried += 1
            key = keys.parse_cose(bytes.fromhex(case["cose_key"]))
            message, signature = bytes.fromhex(case["sig_structure"]), bytes.fromhex(case["signature"])
            self.assertTrue(rsa_pss.verify(key.x, key.y, "sha256", message, signature))
            self.assertFalse(rsa_pss.verify(key.x, key.y, "sha384", message, signature))
            self.assertFalse(rsa_pss.verify(key.x, key.y, "sha256", message + b"x", signature))
            self.assertFalse(rsa_pss.verify(key.x, key.y, "sha256", message, b"\0" + signature))
            self.assertFalse(rsa_pss.verify(key.x, key.y, "sha256", message, signature[:-1] + bytes([signature[-1] ^ 1])))
        self.assertGreater(tried, 0)


if __name__ == "__main__":
    unittest.main()

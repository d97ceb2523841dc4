# SPDX-License-Identifier: Apache-2.0
"""Ambiguous HTTP/1.1 requests (RFC 9112), as bytes: the 24 kinds that a front must not let through.

Each is a POST to /entries; what the test sends behind it in the same segment is a second request
that must never be answered when the first one is refused.
"""
BODY = b"hello"
CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"


def post(fields=b"", body=BODY, line=b"POST /entries HTTP/1.1\r\n", host=b"Host: HOST\r\n"):
    return line + host + b"Content-Type: application/cose\r\n" + fields + b"\r\n" + body


LENGTH = b"Content-Length: 5\r\n"
CODING = b"Transfer-Encoding: chunked\r\n"
# number, name, bytes; a front that reads a case in the one safe way says so below
CASES = [
    (1, "length and chunked", post(LENGTH + CODING, CHUNKED)),
    (1, "chunked and length", post(CODING + LENGTH, CHUNKED)),
    (2, "gzip, chunked", post(b"Transfer-Encoding: gzip, chunked\r\n", CHUNKED)),
    (3, "space before the colon of the coding", post(b"Transfer-Encoding : chunked\r\n", CHUNKED)),
    (4, "space before the colon of the length", post(b"Content-Length : 30\r\n", b"x" * 30)),
    (5, "two different lengths", post(LENGTH + b"Content-Length: 6\r\n")),
    (6, "two equal lengths", post(LENGTH + LENGTH)),
    (7, "a list of lengths", post(b"Content-Length: 5, 5\r\n")),
    (8, "a length with a sign", post(b"Content-Length: +5\r\n")),
    (9, "a negative length", post(b"Content-Length: -1\r\n")),
    (10, "a length that overflows", post(b"Content-Length: 18446744073709551621\r\n")),
    (11, "a hexadecimal length", post(b"Content-Length: 0x5\r\n")),
    (12, "a chunk size with 0x", post(CODING, b"0x5\r\nhello\r\n0\r\n\r\n")),
    (13, "a chunk size with a sign", post(CODING, b"+5\r\nhello\r\n0\r\n\r\n")),
    (13, "a chunk size with a space before it", post(CODING, b" 5\r\nhello\r\n0\r\n\r\n")),
    (14, "a chunk extension ended by LF", post(CODING, b"5;a\nhello\r\n0\r\n\r\n")),
    (15, "NUL in a value", post(b"X-A: a\0b\r\n" + LENGTH)),
    (16, "NUL in the target", post(LENGTH, line=b"POST /ent\0ries HTTP/1.1\r\n")),
    (17, "a folded line", post(b"X-A: a\r\n b\r\n" + LENGTH)),
    (17, "a folded length", post(b"X-A: a\r\n Content-Length: 3\r\n" + LENGTH)),
    (18, "lines ended by LF", post(LENGTH).replace(b"\r\n", b"\n")),
    (19, "no Host", post(LENGTH, host=b"")),
    (20, "two Hosts", post(LENGTH, host=b"Host: HOST\r\nHost: other.example\r\n")),
    (21, "chunked in HTTP/1.0", post(CODING, CHUNKED, line=b"POST /entries HTTP/1.0\r\n")),
    (22, "a space in a name", post(b"Con tent: a\r\n" + LENGTH)),
    (22, "a bracket in a name", post(b"X(: a\r\n" + LENGTH)),
    (23, "an unknown coding", post(b"Transfer-Encoding: xchunked\r\n", CHUNKED)),
    (23, "chunked twice", post(b"Transfer-Encoding: chunked, chunked\r\n", CHUNKED)),
    (23, "identity", post(b"Transfer-Encoding: identity\r\n" + LENGTH)),
    (24, "another host in the target", post(LENGTH, line=b"POST http://target.example/entries HTTP/1.1\r\n")),
]

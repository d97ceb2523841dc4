# SPDX-License-Identifier: Apache-2.0
"""Ambiguous HTTP/1.1 requests, as bytes. Each stands in one segment with a second, harmless request
(HIDDEN) behind it; a server that answers that one as its own has been smuggled.

CASES: (number, name, bytes of the first request, statuses that may answer it; () where it may be
answered by silence and the end of the connection too). For every case the hidden request must not
be answered, and the connection must end.
"""
import collections

Case = collections.namedtuple("Case", "number name request statuses")

BODY = b"hello"
HIDDEN_PATH = "/checkpoint?hidden"


def hidden(host):
    return b"GET " + HIDDEN_PATH.encode() + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"


def post(host, *fields, body=BODY, version=b"HTTP/1.1", target=b"/entries", hosts=None, end=b"\r\n"):
    """A POST whose fields are given as whole lines; a well-formed one has Host and Content-Length."""
    lines = [b"POST " + target + b" " + version]
    lines += [b"Host: " + host] if hosts is None else hosts
    lines += [b"Content-Type: application/cose", *fields]
    return end.join(lines) + end + end + body


def chunks(*parts):
    return b"".join(parts)


CL = b"Content-Length: 5"
TE = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
GOOD_CHUNK = b"5\r\nhello\r\n" + LAST


def cases(host):
    refuse = (400,)
    coding = (400, 501)
    every = [
        (1, "Content-Length with Transfer-Encoding", post(host, CL, TE, body=GOOD_CHUNK), refuse),
        (2, "Transfer-Encoding: gzip, chunked", post(host, b"Transfer-Encoding: gzip, chunked", body=GOOD_CHUNK), coding),
        (3, "space before the colon of Transfer-Encoding", post(host, b"Transfer-Encoding : chunked", body=GOOD_CHUNK), refuse),
        (4, "space before the colon of Content-Length", post(host, b"Content-Length : 30"), refuse),
        (5, "two different Content-Length", post(host, CL, b"Content-Length: 6"), refuse),
        (6, "two equal Content-Length", post(host, CL, CL), refuse),
        (7, "Content-Length: 5, 5", post(host, b"Content-Length: 5, 5"), refuse),
        (8, "Content-Length: +5", post(host, b"Content-Length: +5"), refuse),
        (9, "Content-Length: -1", post(host, b"Content-Length: -1"), refuse),
        (10, "Content-Length that overflows to 5", post(host, b"Content-Length: 18446744073709551621"), (400, 413)),
        (11, "Content-Length: 0x5", post(host, b"Content-Length: 0x5"), refuse),
        (12, "chunk size 0x5", post(host, TE, body=b"0x5\r\nhello\r\n" + LAST), refuse),
        (13, "chunk size +5", post(host, TE, body=b"+5\r\nhello\r\n" + LAST), refuse),
        (13, "chunk size with a leading space", post(host, TE, body=b" 5\r\nhello\r\n" + LAST), refuse),
        (14, "chunk extension ended by a bare LF", post(host, TE, body=b"5;a=b\nhello\r\n" + LAST), refuse),
        (15, "NUL inside a field value", post(host, CL, b"X-Note: a\0b"), refuse),
        (15, "NUL at the end of a field value", post(host, CL, b"X-Note: a\0"), refuse),
        (15, "NUL as a line of its own", post(host, b"\0", CL), refuse),
        (16, "NUL inside the target", post(host, CL, target=b"/entries\0x"), refuse),
        (17, "obsolete folding", post(host, CL, b"X-Note: a\r\n b"), refuse),
        (17, "obsolete folding of Content-Length", post(host, b"Content-Length:\r\n 5"), refuse),
        (18, "lines ended by bare LF", post(host, CL, end=b"\n"), refuse),
        (18, "one line ended by bare LF", post(host, CL, b"X-Note: a\nX-Other: b"), refuse),
        (18, "the last line ended by bare LF", post(host, b"X-Note: a", CL).replace(b"5\r\n\r\n", b"5\n\r\n"), refuse),
        (18, "the head ended by bare LF", post(host, CL).replace(b"5\r\n\r\n", b"5\r\n\n"), refuse),
        (19, "no Host", post(host, CL, hosts=[]), refuse),
        (20, "two Host", post(host, CL, b"Host: other.example"), refuse),
        (21, "Transfer-Encoding in HTTP/1.0", post(host, TE, body=GOOD_CHUNK, version=b"HTTP/1.0"), refuse),
        (22, "a space in a field name", post(host, CL, b"Con tent: x"), refuse),
        (22, "a parenthesis in a field name", post(host, CL, b"X(: y"), refuse),
        (23, "Transfer-Encoding: xchunked", post(host, b"Transfer-Encoding: xchunked", body=GOOD_CHUNK), coding),
        (23, "Transfer-Encoding: chunked, chunked", post(host, b"Transfer-Encoding: chunked, chunked", body=GOOD_CHUNK), coding),
        (23, "Transfer-Encoding: identity", post(host, b"Transfer-Encoding: identity"), coding),
        (24, "absolute-form with another host", post(host, CL, target=b"http://other.example/entries"), refuse),
    ]
    return [Case(*case) for case in every]


def more_cases(host):
    """Beyond the list: what else could be read in two ways."""
    refuse = (400,)
    every = [
        (101, "chunk data ended by a bare LF", post(host, TE, body=b"5\r\nhello\n5\r\nhello\r\n" + LAST), refuse),
        (102, "chunk size line ended by a bare LF", post(host, TE, body=b"5\nhello\r\n" + LAST), refuse),
        (103, "two Transfer-Encoding", post(host, TE, TE, body=GOOD_CHUNK), (400, 501)),
        (104, "empty Content-Length", post(host, b"Content-Length:"), refuse),
        (105, "a control character in a field value", post(host, CL, b"X-Note: a\x07b"), refuse),
        (106, "a bare CR in a field value", post(host, CL, b"X-Note: a\rb"), refuse),
        (107, "a field line without a colon", post(host, CL, b"nonsense"), refuse),
        (108, "an empty field name", post(host, CL, b": x"), refuse),
        (109, "two Content-Type", post(host, CL, b"Content-Type: text/plain"), refuse),
        (110, "a Host that is none", post(host, CL, hosts=[b"Host: a/b@c"]), refuse),
        (111, "a bad escape in the target", post(host, CL, target=b"/entries/%zz"), refuse),
        (112, "a space in the target", post(host, CL, target=b"/entries /x"), ()),
        (113, "two spaces before the target", post(host, CL, target=b" /entries"), refuse),
        (114, "two spaces before the version", post(host, CL, version=b" HTTP/1.1"), ()),
        (115, "a version of another protocol", post(host, CL, version=b"HTTP/2.0"), ()),
        (116, "no version", b"POST /entries\r\nHost: " + host + b"\r\n\r\n", ()),
        (117, "a lower-case version", post(host, CL, version=b"http/1.1"), ()),
        (118, "a fragment in the target", post(host, CL, target=b"/entries#x"), refuse),
        (119, "asterisk-form", post(host, CL, target=b"*"), refuse),
        (120, "userinfo in an absolute-form target", post(host, CL, target=b"http://u@" + host + b"/entries"), refuse),
        (121, "a hundred and one fields", post(host, CL, *[b"X-%d: a" % i for i in range(101)]), (431,)),
        (122, "a header of 20 KiB", post(host, CL, b"X-Note: " + b"a" * 20480), (431,)),
        (123, "a target of 5 KiB", post(host, CL, target=b"/" + b"a" * 5120), (414,)),
        (124, "a target of 30 KiB", post(host, CL, target=b"/" + b"a" * 30720), (414,)),
        (125, "trailer fields", post(host, TE, body=b"5\r\nhello\r\n0\r\nX-Note: a\r\n\r\n"), refuse),
        (126, "chunk extension with a NUL", post(host, TE, body=b"5;a\0b\r\nhello\r\n" + LAST), refuse),
    ]
    return [Case(*case) for case in every]

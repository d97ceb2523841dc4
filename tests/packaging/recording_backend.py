# SPDX-License-Identifier: Apache-2.0
"""A backend on a unix socket that reads requests as strictly as RFC 9112 allows, keeps each of them,
answers it, and notes everything that could be read in two ways."""
import pathlib
import re
import socket
import threading

NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
LINE = re.compile(rb"(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) (\S+) HTTP/1\.1\Z")


class Ambiguous(Exception):
    pass


class Seen:
    def __init__(self, method, target, fields, body):
        self.method, self.target, self.fields, self.body = method, target, fields, body


class Backend:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.seen, self.ambiguous = [], []
        self.events = threading.Event()  # lets an event stream go on
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(256)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while (request := self.read(stream)) is not None:
                    self.seen.append(request)
                    self.answer(connection, request)
            except Ambiguous as problem:
                self.ambiguous.append(str(problem))
            except OSError:
                pass

    def read(self, stream):
        line = self.line(stream)
        if line is None:
            return None
        if not (match := LINE.match(line)):
            raise Ambiguous(f"request line {line!r}")
        fields = []
        while (line := self.line(stream)) != b"":
            name, colon, value = (line or b"").partition(b":")
            if not colon or not NAME.match(name):
                raise Ambiguous(f"field line {line!r}")
            fields.append((name.decode().lower(), value.strip().decode("latin-1")))
        return Seen(match[1].decode(), match[2].decode("latin-1"), fields, self.body(stream, fields))

    @staticmethod
    def line(stream):
        line = stream.readline(65536)
        if line == b"":
            return None
        if not line.endswith(b"\r\n") or b"\0" in line or b"\r" in line[:-2]:
            raise Ambiguous(f"line end or control byte in {line!r}")
        return line[:-2]

    @staticmethod
    def body(stream, fields):
        names = [name for name, _ in fields]
        for name in ("host", "content-length", "transfer-encoding"):
            if names.count(name) > (0 if name == "transfer-encoding" else 1):
                raise Ambiguous(f"{names.count(name)} times {name}")
        if "host" not in names:
            raise Ambiguous("no Host")
        length = dict(fields).get("content-length", "0")
        if not re.fullmatch(r"[0-9]{1,12}", length):
            raise Ambiguous(f"length {length!r}")
        return stream.read(int(length))

    def answer(self, connection, request):
        if "/v1/events" in request.target:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                               b"Connection: close\r\n\r\nid: 1\ndata: {}\n\n")
            self.events.wait(60)
            connection.sendall(b"id: 2\ndata: {}\n\n")
            connection.close()
            return
        body = request.target.encode("latin-1")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
                           + (b"" if request.method == "HEAD" else body))

    def take(self):
        seen, self.seen = self.seen, []
        ambiguous, self.ambiguous = self.ambiguous, []
        return seen, ambiguous

    def stop(self):
        self.events.set()
        self.listener.close()

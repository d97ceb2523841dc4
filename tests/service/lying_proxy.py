# SPDX-License-Identifier: Apache-2.0
"""A service in front of the service: hands requests on, and fails or lies where a test tells it to.

    with Proxy(service) as proxy:
        proxy.rule = lambda ask: Answer(503, {"Retry-After": "1"}) if ask.number == 1 else None

A rule gets the question (method, path, body, headers, number from 1) and gives an Answer, DROP (the connection is cut), or None
(hand it on). `change` gets the question and the real answer and gives the one to send.
"""
import http.server
import socket
import ssl
import threading

DROP = object()


class Answer:
    def __init__(self, status, headers=None, body=b""):
        self.status, self.headers, self.body = status, dict(headers or {}), body

    def header(self, name):
        return next((v for n, v in self.headers.items() if n.lower() == name.lower()), None)


class Ask:
    def __init__(self, number, method, path, body, headers):
        self.number, self.method, self.path, self.body, self.headers = number, method, path, body, headers

    def __repr__(self):
        return f"{self.method} {self.path}"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # cut connections are the purpose


class Proxy:
    def __init__(self, service, certificate=None, client_ca=None):
        self.service, self.rule, self.change = service, None, None
        self.asked = []
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.answer(self)

            do_POST = do_GET

        self.server = Server(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            if client_ca:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(client_ca)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def count(self, method, begin):
        return sum(a.method == method and a.path.startswith(begin) for a in self.asked)

    def reset(self):
        self.rule = self.change = None
        self.asked = []

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self.lock:
            ask = Ask(len(self.asked) + 1, handler.command, handler.path, body, handler.headers)
            self.asked.append(ask)
        answer = self.rule(ask) if self.rule else None
        if answer is DROP:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        answer = answer or self.real(ask)
        if self.change:
            answer = self.change(ask, answer) or answer
        self.send(handler, answer)

    def real(self, ask):
        headers = {n: v for n, v in ask.headers.items() if n.lower() not in ("host", "connection", "content-length", "expect", "authorization")}
        reply = self.service.request(ask.method, ask.path, body=ask.body or None, headers=headers)
        keep = {n: v for n, v in reply.headers if n.lower() not in ("connection", "content-length", "date", "transfer-encoding")}
        return Answer(reply.status, keep, reply.body)

    @staticmethod
    def send(handler, answer):
        handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.status not in (204, 304):
            handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

# SPDX-License-Identifier: Apache-2.0
"""The shipped nginx configuration, run as a child process on ports of its own.

Only what names a machine is changed in the files: ports, the service's socket, server names' keys
and the folders of the package. Everything else is what an administrator gets.
"""
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

from harness import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGED = ROOT / "packaging" / "nginx"
HOST = "ledger.example.org"
HOSTS = {"muniment": HOST, "muniment-mtls": "submit." + HOST, "muniment-static": "tiles." + HOST}
START_SECONDS = 60


def program():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def temporary_paths(folder):
    """Lines for the http block that keep nginx out of /var/lib/nginx."""
    return "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


def link_as_told(folder, shared, sites):
    """conf.d and sites-enabled as docs/INSTALL.md has them made: the sites under their own names, all three."""
    for name, source in (("conf.d/muniment-common", shared), *((f"sites-enabled/{site}", sites) for site in HOSTS)):
        link = folder / f"{name}.conf"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(source / link.name)


def includes(folder):
    """What Debian's nginx.conf includes, in its order; by name within a folder."""
    return f"    include {folder}/conf.d/*.conf;\n    include {folder}/sites-enabled/*;\n"


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.cert, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                self.key, "-out", self.cert, "-days", 2, "-subj", f"/CN={name}")

    def issue(self, name, hosts=()):
        """(certificate, key): for these host names, or for a client."""
        cert, key, request = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        extra = self.folder / f"{name}.ext"
        names = ",".join(f"DNS:{host}" for host in hosts)
        extra.write_text(f"subjectAltName={names}\n" if hosts else "extendedKeyUsage=clientAuth\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                "-days", 2, "-extfile", extra, "-out", cert)
        return cert, key


class Front:
    """nginx with the three shipped servers in front of the socket `backend`."""

    def __init__(self, folder, backend, authority, client_authority, tree=None, changes=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.tls, self.plain = free_port(), free_port()
        self.authority = authority
        cert, key = authority.issue(f"server-{self.folder.name}", HOSTS.values())
        shared = self.folder / "share"
        shutil.copytree(PACKAGED, shared)
        link_as_told(self.folder, shared, shared)
        self.changed = {
            "/usr/share/muniment/nginx/": f"{shared}/", "/run/muniment/http.sock": str(backend),
            "/etc/muniment/client-ca.pem": str(client_authority.cert), "/var/log/nginx/": f"{self.folder}/",
            "/var/lib/muniment-export/ledger": str(tree or self.folder),
            "listen 443 ": f"listen 127.0.0.1:{self.tls} ", "listen 80;": f"listen 127.0.0.1:{self.plain};",
            **dict(changes)}
        for path in shared.glob("*.conf"):
            path.write_text(self.adapt(path.read_text(), cert, key))
        main = self.folder / "nginx.conf"
        main.write_text(self.main_file())
        self.process = subprocess.Popen([program(), "-p", self.folder, "-c", main, "-e", self.folder / "error.log"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=open(self.folder / "stderr.log", "wb"))
        self.wait()

    def adapt(self, text, cert, key):
        text = re.sub(r"listen +443 +", "listen 443 ", text)
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.M)
        text = re.sub(r"(ssl_certificate +)\S+;", rf"\g<1>{cert};", text)
        text = re.sub(r"(ssl_certificate_key +)\S+;", rf"\g<1>{key};", text)
        for old, new in self.changed.items():
            text = text.replace(old, new)
        return text

    def main_file(self):
        user = "user root;\n" if os.getuid() == 0 else ""
        temporary = temporary_paths(self.folder)
        return (f"{user}daemon off;\nworker_processes 1;\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/error.log info;\n"
                f"events {{ worker_connections 2048; }}\nhttp {{\n{temporary}{includes(self.folder)}}}\n")

    def wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError("nginx does not start:\n" + self.words())
            try:
                socket.create_connection(("127.0.0.1", self.tls), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("nginx does not listen:\n" + self.words())

    def words(self):
        return "".join((self.folder / name).read_text(errors="replace") for name in ("stderr.log", "error.log")
                       if (self.folder / name).exists())

    def log(self):
        path = self.folder / "muniment.log"
        return path.read_text() if path.exists() else ""

    def connect(self, host=HOST, client=None, alpn=None):
        context = ssl.create_default_context(cafile=self.authority.cert)
        if client:
            context.load_cert_chain(*client)
        if alpn:
            context.set_alpn_protocols(alpn)
        raw = socket.create_connection(("127.0.0.1", self.tls), 60)
        return context.wrap_socket(raw, server_hostname=host)

    def curl(self, path, *words, host=HOST, client=None):
        """(exit code, status, head, body) of one request by curl; the words are its options."""
        head, body = self.folder / "curl.head", self.folder / "curl.body"
        for old in (head, body):
            old.write_bytes(b"")
        command = ["curl", "-sS", "--cacert", self.authority.cert, "--connect-to", f"{host}:443:127.0.0.1:{self.tls}",
                   "-D", head, "-o", body, "-w", "%{http_code} %{http_version}", "--max-time", "60"]
        if client:
            command += ["--cert", client[0], "--key", client[1]]
        done = subprocess.run([*command, *words, f"https://{host}{path}"], capture_output=True, text=True, check=False)
        status, _, version = done.stdout.partition(" ")
        answer = Answer(int(status or 0), version, head.read_bytes().decode("latin-1"), body.read_bytes())
        answer.code, answer.words = done.returncode, done.stderr
        return answer

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Answer:
    def __init__(self, status, version, head, body):
        self.status, self.version, self.head, self.body = status, version, head, body
        self.code, self.words = 0, ""
        lines = head.replace("\r\n", "\n").strip().split("\n\n")[-1].split("\n")[1:]
        self.fields = {}
        for line in lines:
            name, _, value = line.partition(":")
            self.fields[name.strip().lower()] = value.strip()

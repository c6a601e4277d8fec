"""Registries on loopback that fail, each repository in its own way, and the node's hosts.toml that leads to them."""

import datetime
import gzip
import hashlib
import http.server
import io
import ipaddress
import json
import socket
import ssl
import struct
import tarfile
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.images import SLEEP, Base
from lab.images import Image as RightImage

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
TLS_HANDSHAKE = b"\x16"
PLAIN_REQUEST = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
ELF_OF_ANOTHER_PROCESSOR = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, 0xF3) + bytes(200)


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer_of(content: bytes) -> tuple[bytes, bytes]:
    """A layer that holds /app, compressed and not."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        entry = tarfile.TarInfo("app")
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0), plain.getvalue()


class Image:
    """One image, of which a repository may serve each part wrongly."""

    def __init__(self, name: str, content: bytes = ELF_OF_ANOTHER_PROCESSOR, media: str = CONFIG) -> None:
        self.layer, plain = layer_of(content + name.encode())
        if name == "badlayer":
            self.layer = b"neither compressed nor an archive" * 40
        config = {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/app"]}}
        root = {"type": "layers", "diff_ids": [digest(plain)]}
        self.config = json.dumps({**config, "rootfs": root} if media == CONFIG else {"name": "chart"}).encode()
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": media, "digest": digest(self.config), "size": len(self.config)},
                "layers": [{"mediaType": LAYER, "digest": digest(self.layer), "size": len(self.layer)}],
            }
        ).encode()


def index_of(architecture: str, image: Image) -> bytes:
    entry = {"mediaType": MANIFEST, "digest": digest(image.manifest), "size": len(image.manifest)}
    platform = {"os": "linux", "architecture": architecture}
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{**entry, "platform": platform}]}).encode()


@cache
def slow_image() -> RightImage:
    """An image that is right and runs; its last layer is in no other."""
    return Base.of_this_machine().image("slow", SLEEP)


class Registry(http.server.BaseHTTPRequestHandler):
    """`HOST/FAULT/app:1`: the first part of a repository says how it fails; some hosts refuse everybody."""

    protocol_version = "HTTP/1.1"
    released = threading.Event()
    refusals: Mapping[str, Callable[["Registry"], None]] = {
        "docker.io": lambda self: self.bearer(),
        "harbor.test": lambda self: self.reply(401, headers={"WWW-Authenticate": 'Basic realm="harbor"'}),
        "denied.test": lambda self: self.reply(403),
        "345678901234.dkr.ecr.us-east-1.amazonaws.com": lambda self: self.reply(403),
        "456789012345.dkr.ecr.us-east-1.amazonaws.com": lambda self: self.reply(400),
    }

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        host = parse_qs(url.query).get("ns", [""])[0]
        if url.path == "/token":
            return self.reply(200, b'{"token": "anonymous"}', "application/json")
        if host in self.refusals:
            return self.refusals[host](self)
        parts = url.path.removeprefix("/v2/").split("/")
        fault = parts[0]
        if "blobs" in parts:
            return self.blob(fault, parts[-1])
        return self.manifest(fault, parts[-1])

    def manifest(self, fault: str, wanted: str) -> None:
        if fault == "slow":
            return self.reply(200, slow_image().manifest.data, MANIFEST)
        image = Image(fault, media="application/vnd.cncf.helm.config.v1+json" if fault == "chart" else CONFIG)
        statuses = {"forbidden": 403, "error": 503, "limit": 429, "teapot": 418, "absent": 404}
        if fault in statuses:
            return self.reply(statuses[fault])
        if fault == "hang":
            self.released.wait(120)
            return None
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return None
        if fault == "html":
            return self.reply(200, b"<html>sign in</html>", "text/html")
        index = index_of("s390x", image)
        if fault == "arm" and wanted in ("1", digest(index)):
            return self.reply(200, index, INDEX)
        return self.reply(200, image.manifest, MANIFEST)

    def blob(self, fault: str, wanted: str) -> None:
        if fault == "slow":
            return self.slow_blob(wanted)
        image = Image(fault, media="application/vnd.cncf.helm.config.v1+json" if fault == "chart" else CONFIG)
        if wanted == digest(image.config):
            return self.reply(200, image.config, "application/octet-stream")
        if fault in ("blobabsent", "html"):
            return self.reply(404)
        if fault == "blobforbidden":
            return self.reply(403)
        if fault == "corrupt":
            return self.reply(200, bytes(len(image.layer)), "application/octet-stream")
        if fault == "truncated":
            self.reply(200, image.layer[:20], "application/octet-stream", length=len(image.layer))
            self.close_connection = True
            return None
        return self.reply(200, image.layer, "application/octet-stream")

    def slow_blob(self, wanted: str) -> None:
        """A blob of the slow image; of the last layer the second half only when it is released."""
        parts = slow_image().parts
        blob = next(each for each in parts if each.digest == wanted)
        held_back = len(blob.data) // 2 if blob is parts[-1] else 0
        self.reply(200, blob.data[: len(blob.data) - held_back], blob.media_type, length=len(blob.data))
        if held_back and self.command == "GET":
            self.released.wait(600)
            self.wfile.write(blob.data[-held_back:])

    def bearer(self) -> None:
        challenge = f'Bearer realm="http://{self.headers["Host"]}/token",service="docker.io",scope="repository:a:pull"'
        if self.headers.get("Authorization", "").startswith("Bearer"):
            challenge += ',error="insufficient_scope"'
        self.reply(401, headers={"WWW-Authenticate": challenge})

    def reply(
        self,
        status: int,
        body: bytes = b"",
        media: str = "text/plain",
        *,
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if status == 200:
            self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return None


class Server(http.server.ThreadingHTTPServer):
    """With TLS where a certificate is given."""

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Registry)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self._tls is not None and certificate is not None:
            self._tls.load_cert_chain(certificate)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        try:
            if self._tls and request.recv(1, socket.MSG_PEEK) != TLS_HANDSHAKE:
                request.recv(4096)
                return request.sendall(PLAIN_REQUEST)  # as Go's and nginx's servers answer
            wrapped = self._tls.wrap_socket(request, server_side=True) if self._tls else request
            super().finish_request(wrapped, client_address)
        except OSError:
            request.close()

    def handle_error(self, request: object, client_address: object) -> None:
        return None


def certificate(file: Path, name: str, *, expired: bool = False) -> Path:
    """A certificate that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    ends = now - datetime.timedelta(days=1) if expired else now + datetime.timedelta(days=1)
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)]
    )
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(ends)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    encoding, form, none = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(pem + key.private_bytes(encoding, form, none))
    return file


def hosts_toml(url: str, authority: Path | None = None) -> str:
    ca = f'ca = "{authority}"\n' if authority else ""
    return f'server = "{url}"\n\n[host."{url}"]\ncapabilities = ["pull", "resolve"]\n{ca}'

"""What is wrong with the API server's certificate, or with ours, is told in words of its own."""

import asyncio
import base64
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from imagepull.errors import ClusterUnreachable
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.connection import ClusterEntry, Connection, UserEntry
from imagepull.kubernetes.credentials import Proof
from imagepull.kubernetes.kinds import SECRET
from imagepull.kubernetes.tls import make_context

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def certificate(folder: Path, begins: datetime, ends: datetime, address: str = "127.0.0.1") -> Path:
    """A self-signed certificate with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(pem) + plain)
    return file


def ask(server_certificate: Path, authority: str, **cluster: object) -> str:
    """What is told of a server with this certificate."""

    async def run() -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server_certificate)
        async with await asyncio.start_server(
            lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context
        ) as one:
            port = one.sockets[0].getsockname()[1]
            entry = {"server": f"https://127.0.0.1:{port}", **cluster}
            entry["certificate-authority-data"] = base64.b64encode(authority.encode()).decode()
            kubeconfig = {
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": entry}],
                "users": [{"name": "c", "user": {"token": "t"}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
            }
            client = Cluster.connect(yaml.safe_dump(kubeconfig), None)
            try:
                with pytest.raises(ClusterUnreachable) as caught:
                    await client.list(SECRET)
            finally:
                await client.close()
            return str(caught.value)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("begins", "ends", "address", "says"),
    [
        (
            NOW + DAY,
            NOW + 2 * DAY,
            "127.0.0.1",
            "shows a certificate that is not valid yet; check this machine's",
        ),
        (NOW - 2 * DAY, NOW - DAY, "127.0.0.1", "shows a certificate that has expired; renew it"),
        (NOW - DAY, NOW + DAY, "10.0.0.1", "shows a certificate for another address"),
    ],
)
def test_a_wrong_certificate_is_told_as_what_it_is(
    tmp_path: Path, begins: datetime, ends: datetime, address: str, says: str
) -> None:
    file = certificate(tmp_path, begins, ends, address)
    assert says in ask(file, file.read_text())


def test_a_wrong_name_is_told(tmp_path: Path) -> None:
    file = certificate(tmp_path, NOW - DAY, NOW + DAY)
    assert "for another name; correct" in ask(file, file.read_text(), **{"tls-server-name": "api.internal"})


def test_another_authority_is_told(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = certificate(tmp_path / "other", NOW - DAY, NOW + DAY)
    file = certificate(tmp_path, NOW - DAY, NOW + DAY)
    assert "that the kubeconfig's authority did not sign" in ask(file, other.read_text())


def test_an_unreadable_certificate_is_told_and_an_encrypted_key_does_not_ask(tmp_path: Path) -> None:
    connection = Connection(name="dev", cluster=ClusterEntry(server="https://c"), user=UserEntry())
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    pem = certificate(tmp_path, NOW - DAY, NOW + DAY).read_text().partition("-----BEGIN PRIVATE")[0]
    for text in (sealed.decode(), "s3cr3t"):
        with pytest.raises(ClusterUnreachable, match="certificate or key of context dev is unreadable") as caught:
            make_context(connection, Proof(certificate=pem, key=text))
        assert "s3cr3t" not in str(caught.value)

"""How the API server's certificate is checked, and with which one of our own we come."""

import ssl
import tempfile

from imagepull.errors import ClusterUnreachable
from imagepull.kubernetes.connection import Connection
from imagepull.kubernetes.credentials import Proof

__all__ = ["make_context"]


def make_context(connection: Connection, proof: Proof) -> ssl.SSLContext:
    """The TLS settings of a connection; raises ClusterUnreachable if a certificate or key is unreadable."""
    try:
        context = ssl.create_default_context(cadata=connection.cluster.authority)
        if connection.cluster.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if proof.certificate is not None and proof.key is not None:
            # Python's ssl reads a key from a file only; this one is ours alone, and gone at once.
            with tempfile.NamedTemporaryFile() as file:
                file.write(f"{proof.certificate}\n{proof.key}\n".encode())
                file.flush()
                # Without a password given here OpenSSL would ask for one at the terminal, and wait.
                context.load_cert_chain(file.name, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise ClusterUnreachable(
            f"kubeconfig: a certificate or key of context {connection.name} is unreadable ({reason}); correct it"
        ) from None
    return context

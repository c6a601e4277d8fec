"""Namespaces of tests."""

from lab.lifecycle import Lab

__all__ = ["create_namespace"]


def create_namespace(lab: Lab, name: str) -> None:
    """A namespace with its `default` ServiceAccount."""
    lab.kubectl("create", "namespace", name)
    # The controller makes 20 a second, and tests with a thousand namespaces may have gone before.
    lab.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={name}", "--timeout=300s")

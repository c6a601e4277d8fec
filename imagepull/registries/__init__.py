"""Registries: their hosts, tokens, credentials, and which of them the kubelet tries."""

"""What a tenant may write where we read: JSON of any shape, texts like ours, texts that nobody expects."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

__all__ = ["annotations", "claims", "documents", "json_texts", "texts"]

MOMENTS = (
    "2026-01-31T12:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-W05-6T00:00:00+00:00",
)
texts: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(
        (
            *MOMENTS,
            "",
            "imagepull",
            "Helm",
            "pulumi",
            "kubernetes.io/tls",
            "a" * 64,
            "-not a label-",
            "\x1b[2Jwiped",
            "line\nerror: forged",
            "password=hunter2",
            "\ud800",
            "é" * 9000,
            "../../kube-system/secrets/x",
        )
    ),
    st.text(max_size=20),
)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**4000), st.floats(), texts)
values: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)


def documents(keys: st.SearchStrategy[str], inner: st.SearchStrategy[Any] = values) -> st.SearchStrategy[Any]:
    """JSON objects with these keys, and others."""
    return st.dictionaries(st.one_of(keys, texts), st.one_of(inner, values), max_size=4)


def json_texts(objects: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """The objects as texts, JSON that Python reads and cannot write, and texts that are no JSON."""
    odd = ("[" * 100_000, '{"a":' * 2000 + "1" + "}" * 2000, "1" * 5000, "{", '{"labels":{"a":"b"},"labels":5}', "NaN")
    return st.one_of(objects.map(_to_text), st.sampled_from(odd), texts)


def annotations(keys: Mapping[str, st.SearchStrategy[str]]) -> st.SearchStrategy[dict[str, str]]:
    """Annotations with any of these keys, each with values of its own."""
    return st.fixed_dictionaries({}, optional=dict(keys))


def claims(keys: st.SearchStrategy[str], names: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    """Annotations by which ServiceAccounts' lists are claimed, as a tenant may have edited them."""
    fields = st.sampled_from(("by", "resource", "added", "found"))
    claim = documents(fields, st.one_of(names, st.lists(st.one_of(names, values), max_size=4)))
    return st.dictionaries(keys, json_texts(claim), max_size=4)


def _to_text(value: object) -> str:
    return json.dumps(value)

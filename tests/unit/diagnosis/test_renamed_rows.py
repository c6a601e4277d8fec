"""What must not change an answer: names, hosts, times, the order of Events, Secrets that have nothing to do with it.

Each known row is told anew with other words in these places, many of which read like errors.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.rules import diagnose
from imagepull.errors import InvalidReference
from imagepull.images.reference import HUB, ImageReference, is_bare_host, parse
from imagepull.registries.ecr_hosts import parse_host
from imagepull.registries.lifetimes import parse_time
from tests.unit.diagnosis.rows import rows

Row = dict[str, Any]
WORDS = (
    "denied", "x509", "timeout", "unauthorized", "not-found", "eof", "tls", "toomanyrequests", "403", "429", "blob",
    "manifest-unknown", "token-has-expired", "no-space-left", "schema1", "exec-format-error", "pause", "layer", "toml",
)  # fmt: skip
HOSTS = tuple(f"{word}.example.org" for word in WORDS)
ACCOUNTS = ("999988887777", "000000000000", "429429429429")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
STRANGERS = {
    "Opaque": {"dataKeys": ["token"], "content": {}},
    "kubernetes.io/dockerconfigjson": {
        "dataKeys": [".dockerconfigjson"],
        "content": {"auths": {"stranger.example.org": {"auth": "REDACTED"}}},
        "entryFacts": {"stranger.example.org": {"fields": ["auth"], "effectiveUser": "x", "passwordLength": 20}},
    },
}


def references(row: Row) -> Iterator[ImageReference]:
    """The images of a row's Pod, as far as they are names that can be told apart from other words."""
    spec = row["pod"]["spec"]
    lists = (spec.get(key) or [] for key in ("initContainers", "containers", "ephemeralContainers"))
    images = [each.get("image", "") for each_list in lists for each in each_list]
    images += [each["image"]["reference"] for each in spec.get("volumes") or [] if "image" in each]
    for image in images:
        try:
            reference = parse(image)
        except InvalidReference:
            continue
        if "/" in reference.path and not is_bare_host(reference):
            yield reference


def with_another_repository(row: Row, word: str) -> Row:
    text = json.dumps(row)
    for place, path in enumerate(dict.fromkeys(each.path for each in references(row))):
        if path.startswith("library/") or f"/{path}" not in text:
            continue
        for old, new in (
            (path, f"{word}/{place}-{word}"),
            (quote(path, safe=""), quote(f"{word}/{place}-{word}", safe="")),
        ):
            text = re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", new, text)
    return json.loads(text)  # type: ignore[no-any-return]


def with_another_host(row: Row, word: str) -> Row:
    text = json.dumps(row)
    hosts = {each.domain for each in references(row) if each.domain != HUB and not parse_host(each.domain)}
    for place, host in enumerate(sorted(hosts)):
        text = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", f"{word}-{place}.example.org", text)
    return json.loads(text)  # type: ignore[no-any-return]


def with_another_account(row: Row, word: str) -> Row:
    text = json.dumps(row).replace("123456789012", ACCOUNTS[len(word) % len(ACCOUNTS)])
    return json.loads(text.replace("us-east-1", "ap-southeast-2"))  # type: ignore[no-any-return]


def with_another_namespace(row: Row, word: str) -> Row:
    namespace = row["pod"]["metadata"]["namespace"]
    return json.loads(json.dumps(row).replace(namespace, f"{word}-space"))  # type: ignore[no-any-return]


def with_another_secret(row: Row, word: str) -> Row:
    """As a value of its own, and in the Event that names absent Secrets."""
    text = json.dumps(row)
    for place, secret in enumerate(row["pod"]["spec"].get("imagePullSecrets") or []):
        new = f"{word}-secret-{place}"
        text = text.replace(f'"name": "{secret["name"]}"', f'"name": "{new}"')
        text = re.sub(rf"(?<=pull secrets \(){re.escape(secret['name'])}(?=\))", new, text)
    return json.loads(text)  # type: ignore[no-any-return]


def with_another_pod(row: Row, word: str) -> Row:
    new = json.loads(json.dumps(row))
    new["pod"]["metadata"]["name"] = f"{word}-pod"
    for event in new["events"] or []:
        event["involvedObject"]["name"] = f"{word}-pod"
    return new  # type: ignore[no-any-return]


def at_another_time(row: Row, word: str) -> Row:
    def shift(found: re.Match[str]) -> str:
        moment = parse_time(found[0])
        assert moment is not None
        return (moment + timedelta(days=len(word) * 31)).isoformat().replace("+00:00", "Z")

    return json.loads(TIME.sub(shift, json.dumps(row)))  # type: ignore[no-any-return]


def with_events_in_another_order(row: Row, word: str) -> Row:
    return {**row, "events": sorted(row["events"], key=lambda event: hash_of(word + json.dumps(event)))}


def hash_of(text: str) -> int:
    """The same in each process, unlike `hash`."""
    return sum((place + 1) * ord(letter) for place, letter in enumerate(text)) % 9973


def with_strangers(row: Row, word: str) -> Row:
    """More Secrets, which the Pod does not list, and a ServiceAccount that lists one of them."""
    namespace = row["pod"]["metadata"]["namespace"]
    more = [
        {"metadata": {"name": f"{word}-{place}", "namespace": namespace}, "type": kind, **content}
        for place, (kind, content) in enumerate(STRANGERS.items())
    ]
    account = {
        "metadata": {"name": f"{word}-account", "namespace": namespace},
        "imagePullSecrets": [{"name": f"{word}-1"}],
    }
    others = [*(row.get("serviceaccounts_other") or []), account]
    return {**row, "secrets": [*(row["secrets"] or []), *more], "serviceaccounts_other": others}


def with_status_phrases_in_lower_case(row: Row, word: str) -> Row:
    text = re.sub(
        r"\b([45]\d\d) ([A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+)*)", lambda m: f"{m[1]} {m[2].lower()}", json.dumps(row)
    )
    return json.loads(text)  # type: ignore[no-any-return]


CHANGES: tuple[Callable[[Row, str], Row], ...] = (
    with_another_repository,
    with_another_host,
    with_another_account,
    with_another_namespace,
    with_another_secret,
    with_another_pod,
    at_another_time,
    with_events_in_another_order,
    with_strangers,
    with_status_phrases_in_lower_case,
)


def answers(row: Row) -> list[tuple[str, str]]:
    return [(each.code, each.confidence.value) for each in diagnose(parse_case(row))]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(rows())),
    word=st.sampled_from(WORDS),
    changes=st.sets(st.sampled_from(CHANGES), min_size=1, max_size=3),
)
def test_names_and_times_do_not_change_an_answer(name: str, word: str, changes: set[Callable[[Row, str], Row]]) -> None:
    row = rows()[name]
    changed = row
    for change in sorted(changes, key=lambda each: CHANGES.index(each)):
        changed = change(changed, word)
    assert answers(changed) == answers(row)

"""Objects of a cluster and of a dump are parsed alike, and hold no credential."""

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagepull.diagnosis.case_file import InvalidCase, parse_case, read_cases
from imagepull.diagnosis.objects import ContainerKind, Missing
from imagepull.diagnosis.parsing import parse_event, parse_node, parse_pod
from imagepull.diagnosis.secrets import parse_secret, read_token_expiry
from tests.unit.diagnosis.rows import FILE, rows

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def secret(entries: object, **changes: object) -> dict[str, object]:
    config = base64.b64encode(json.dumps({"auths": entries}).encode()).decode()
    metadata = {"namespace": "shop", "name": "pull"}
    kind = "kubernetes.io/dockerconfigjson"
    return {"metadata": metadata, "type": kind, "data": {".dockerconfigjson": config}, **changes}


def ecr_token(expires: datetime) -> str:
    payload = {"payload": "x" * 900, "version": "2", "type": "DATA_KEY", "expiration": int(expires.timestamp())}
    return base64.b64encode(json.dumps(payload).encode()).decode()


def test_a_pod_of_the_api_is_parsed_with_its_state() -> None:
    pod = parse_pod(rows()["init-container"]["pod"])
    init = pod.containers[0]
    assert init.kind is ContainerKind.INIT
    assert init.waiting_reason in ("ErrImagePull", "ImagePullBackOff")
    assert not init.running
    assert pod.service_account == "default"
    assert pod.node == "lab"


def test_a_container_knows_the_image_volumes_that_it_mounts() -> None:
    pod = parse_pod(rows()["image-volume"]["pod"])
    assert [volume.image for container in pod.containers for volume in container.volumes] == [
        each["image"]["reference"] for each in rows()["image-volume"]["pod"]["spec"]["volumes"] if "image" in each
    ]


def test_an_entry_says_who_but_not_the_password() -> None:
    expires = datetime(2026, 11, 24, 22, tzinfo=UTC)
    token = ecr_token(expires)
    found = parse_secret(secret({HOST: {"auth": base64.b64encode(f"AWS:{token}".encode()).decode()}}))
    (entry,) = found.entries
    assert (entry.username, entry.password_length, entry.token_expires) == ("AWS", len(token), expires)
    assert token[:20] not in repr(found)
    assert read_token_expiry(token) == expires


@pytest.mark.parametrize("password", ["", "secret", "AAAA", base64.b64encode(b'{"expiration": "soon"}').decode(), "[]"])
def test_what_is_no_ecr_token_has_no_expiry(password: str) -> None:
    assert read_token_expiry(password) is None


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"auth": "%%%"}, "auth is not base64"),
        ({"auth": base64.b64encode(b"no-colon").decode()}, "auth holds no colon"),
        ({"username": 7}, "username is not a string"),
        ([], "is not an object"),
        ({}, ""),
        (None, ""),
    ],
)
def test_one_faulty_entry_makes_the_secret_malformed(entry: object, fault: str) -> None:
    found = parse_secret(secret({"ghcr.io": entry, "quay.io": {"username": "u", "password": "p"}}))
    assert found.entries[0].fault == fault
    assert found.malformed == (f"entry ghcr.io: {fault}" if fault else "")


def test_auth_that_differs_from_its_neighbours_is_seen() -> None:
    auth = base64.b64encode(b"robot:old").decode()
    same, other = (
        parse_secret(secret({"ghcr.io": {"username": "robot", "password": word, "auth": auth}})).entries[0]
        for word in ("old", "new")
    )
    assert not same.auth_differs
    assert other.auth_differs
    assert other.password_length == len("old")


def test_a_dockercfg_is_flat_and_a_wrapper_in_it_is_an_entry_named_auths() -> None:
    flat = base64.b64encode(json.dumps({"ghcr.io": {"username": "u", "password": "p"}}).encode()).decode()
    found = parse_secret(secret({}, type="kubernetes.io/dockercfg", data={".dockercfg": flat}))
    assert [entry.key for entry in found.entries] == ["ghcr.io"]
    wrapped = parse_secret(rows()["secret-type-dockercfg-wrapped"]["secrets"][0])
    assert wrapped.wrapped


def test_the_annotations_of_our_secrets_say_when_each_host_expires() -> None:
    found = parse_secret(rows()["token-expired-annotated"]["secrets"][0])
    assert found.expiries == {HOST: datetime(2026, 11, 24, 10, 53, 56, tzinfo=UTC)}
    assert found.owned_by == "acme/shop/prod/registry-access"


def test_absent_and_withheld_are_told_apart() -> None:
    row = rows()["secret-absent"]
    assert parse_case(row).secrets.look_up("registry-access") is Missing.ABSENT
    withheld = parse_case({**row, "secrets": None, "serviceaccount": None, "node": None, "events": None})
    assert withheld.secrets.look_up("registry-access") is Missing.WITHHELD
    assert withheld.service_account is withheld.node is withheld.events is Missing.WITHHELD
    asked = parse_case({**row, "secrets_incomplete": True, "absent_secrets": ["registry-access"]})
    assert asked.secrets.look_up("registry-access") is Missing.ABSENT
    assert asked.secrets.look_up("other") is Missing.WITHHELD


def test_an_event_of_the_new_form_has_its_times_and_count() -> None:
    series = {"count": 7, "lastObservedTime": "2026-01-01T01:00:00Z"}
    about = {"name": "web", "namespace": "shop", "fieldPath": "spec.initContainers{setup}"}
    event = parse_event({"involvedObject": about, "eventTime": "2026-01-01T00:00:00.5Z", "series": series})
    assert (event.count, event.container) == (7, "setup")
    assert event.first == datetime(2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)
    assert event.last == datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_a_node_says_what_it_runs_and_holds() -> None:
    node = parse_node(rows()["healthy"]["node"])
    assert (node.operating_system, node.architecture, node.runtime) == ("linux", "amd64", "containerd://1.6.20")
    assert "localhost/lab/pause:1" in node.images
    assert not node.disk_pressure


@pytest.mark.parametrize("document", [{}, {"spec": [], "status": {"containerStatuses": [3]}}, {"metadata": None}])
def test_a_document_of_another_form_is_empty_and_raises_nothing(document: dict[str, object]) -> None:
    assert parse_pod(document).containers == ()
    assert parse_event(document).message == ""
    assert parse_node(document).images == frozenset()
    assert parse_secret(document).entries == ()


def test_the_same_cases_come_from_json_lines_gzip_a_list_and_one_object(tmp_path: Path) -> None:
    some = list(rows().values())[:3]
    names = [row["name"] for row in some]
    (tmp_path / "list.json").write_text(json.dumps(some, indent=1))
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, some)) + "\n")
    (tmp_path / "one.json").write_text(json.dumps(some[0], indent=1))
    (tmp_path / "list.json.gz").write_bytes(gzip.compress((tmp_path / "list.json").read_bytes()))
    assert len(read_cases(FILE)) == len(rows())
    for file in ("list.json", "lines.jsonl", "list.json.gz"):
        assert [case.name for case in read_cases(tmp_path / file)] == names
    assert [case.name for case in read_cases(tmp_path / "one.json")] == names[:1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no pod"),
        (b"{}", "no pod"),
        (b'{"pod": {}}\n{"pod"', "line 2: this is no JSON"),
        (b"\x1f\x8bxx", "whole gzip"),
        (b"\xff", "neither UTF-8"),
    ],
)
def test_another_file_is_refused_by_line(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "case.json").write_bytes(content)
    with pytest.raises(InvalidCase, match=told):
        read_cases(tmp_path / "case.json")


def test_a_copy_of_external_secrets_operator_without_an_owner_is_known_by_its_label() -> None:
    metadata = {"name": "pull", "namespace": "a", "labels": {"reconcile.external-secrets.io/managed": "true"}}
    assert parse_secret({"metadata": metadata}).controller == "ExternalSecret/pull"
    assert parse_secret({"metadata": {**metadata, "labels": {}}}).controller == ""

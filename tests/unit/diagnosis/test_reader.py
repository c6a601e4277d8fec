"""Reading a cluster: few lists, and what may not be read is never absent. The cluster is a table of objects."""

import asyncio
import base64
import json
from collections.abc import Collection
from typing import Any

import pytest

from imagepull.diagnosis.answers import Diagnosis
from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.reader import ClusterReading, read
from imagepull.diagnosis.rules import diagnose
from imagepull.diagnosis.selection import Target, parse_target
from imagepull.errors import ClusterError, Forbidden, InvalidInput
from tests.readable_cluster import ReadableCluster, forbid

IMAGE = "ghcr.io/acme/app:1"
REFUSED = f'Back-off pulling image "{IMAGE}": ErrImagePull: failed to resolve reference: 401 Unauthorized'


class Table(ReadableCluster):
    """A cluster whose crashed containers have one last line."""

    async def read_last_log_line(self, namespace: str, pod: str, container: str) -> str | None:
        return "exec /app: exec format error"


def pod(name: str, *pull: str, waiting: str = "ImagePullBackOff", space: str = "shop") -> dict[str, Any]:
    state = {"waiting": {"reason": waiting, "message": REFUSED}} if waiting else {"running": {}}
    return {
        "metadata": {"name": name, "namespace": space, "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "nodeName": "n1",
            "containers": [{"name": "app", "image": IMAGE, "imagePullPolicy": "Always"}],
            "imagePullSecrets": [{"name": each} for each in pull],
        },
        "status": {"containerStatuses": [{"name": "app", "state": state}]},
    }


def secret(name: str, host: str, kind: str = "kubernetes.io/dockerconfigjson", space: str = "shop") -> dict[str, Any]:
    config = json.dumps({"auths": {host: {"username": "u", "password": "p"}}}).encode()
    data = {".dockerconfigjson": base64.b64encode(config).decode()}
    return {"metadata": {"name": name, "namespace": space}, "type": kind, "data": data}


def table(*objects: tuple[str, dict[str, Any]], forbidden: Collection[str] = ()) -> Table:
    account = {"metadata": {"name": "default", "namespace": "shop"}}
    node = {"metadata": {"name": "n1"}, "status": {"nodeInfo": {"architecture": "amd64", "operatingSystem": "linux"}}}
    held: list[tuple[str, dict[str, Any]]] = [("ServiceAccount", account), ("Node", node), *objects]
    return Table(*({"kind": kind, **each} for kind, each in held), refuse=forbid(*forbidden))


def look(cluster: Table, target: Target | None = None, namespace: str = "shop") -> ClusterReading:
    return asyncio.run(read(cluster.cluster, namespace, target))


def answers(reading: ClusterReading) -> list[Diagnosis]:
    return [each for row in reading.rows for each in diagnose(parse_case(row))]


def test_nothing_more_is_read_when_no_pod_waits() -> None:
    cluster = table(("Pod", pod("web", waiting="")))
    assert look(cluster) == ClusterReading(rows=(), pods=1)
    assert [str(each) for each in cluster.requests] == ["list Pod"]


def test_requests_do_not_grow_with_the_pods() -> None:
    few, many = (
        table(("Secret", secret("pull", "quay.io")), *(("Pod", pod(f"web-{n}", "pull")) for n in range(count)))
        for count in (1, 200)
    )
    assert len(look(many).rows) == 200
    look(few)
    assert sorted(map(str, many.requests)) == sorted(map(str, few.requests))
    assert sum(each.verb == "list" for each in many.requests) == 5


def test_the_whole_path_finds_the_cause() -> None:
    found = answers(look(table(("Pod", pod("web", "pull")), ("Secret", secret("pull", "quay.io")))))
    assert [each.code for each in found] == ["key-other-host"]


def test_a_listed_secret_of_another_type_is_asked_for_by_name() -> None:
    cluster = table(("Pod", pod("web", "pull")), ("Secret", secret("pull", "ghcr.io", "Opaque")))
    assert [each.code for each in answers(look(cluster))] == ["secret-wrong-type"]
    assert [str(each) for each in cluster.requests].count("get Secret") == 1


def test_an_absent_secret_is_looked_for_in_the_other_namespaces() -> None:
    objects = [("Pod", pod("web", "pull")), ("Secret", secret("pull", "ghcr.io", space="other"))]
    assert [each.code for each in answers(look(table(*objects)))] == ["secret-other-namespace"]


@pytest.mark.parametrize(
    ("forbidden", "code"),
    [
        (("list Secret",), "key-other-host"),
        (("list Secret", "get Secret"), "secrets-withheld"),
        (("list Event",), "key-other-host"),
        (("list ServiceAccount",), "key-other-host"),
        (("list ServiceAccount", "get ServiceAccount"), "key-other-host"),
        (("get Node",), "key-other-host"),
    ],
)
def test_what_may_not_be_read_makes_the_answer_weaker(forbidden: tuple[str, ...], code: str) -> None:
    cluster = table(("Pod", pod("web", "pull")), ("Secret", secret("pull", "quay.io")), forbidden=forbidden)
    reading = look(cluster)
    assert [each.code for each in answers(reading)] == [code]
    row = reading.rows[0]
    assert (row["events"] is None) == ("list Event" in forbidden)
    assert (row["serviceaccount"] is None) == ("get ServiceAccount" in forbidden)
    assert (row["node"] is None) == ("get Node" in forbidden)
    assert (row["secrets"] is None) == ("get Secret" in forbidden)


def test_pods_that_may_not_be_listed_end_it() -> None:
    with pytest.raises(Forbidden):
        look(table(forbidden=["list Pod"]))


def test_one_pod_is_read_whatever_its_state_with_the_log_of_what_has_ended() -> None:
    crashed = pod("web", waiting="CrashLoopBackOff")
    status = crashed["status"]["containerStatuses"][0]
    status["lastState"] = {"terminated": {"exitCode": 255}}
    status["state"]["waiting"]["message"] = "back-off restarting"
    found = answers(look(table(("Pod", crashed)), Target(kind="Pod", name="web")))
    assert [(each.code, each.confidence.value) for each in found] == [("wrong-platform-exec", "certain")]


def test_a_workload_is_its_pods() -> None:
    mine, other = pod("web-5f6-a"), pod("api-5f6-b")
    for each, name in ((mine, "web-5f6"), (other, "api-5f6")):
        each["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": name, "controller": True}]
    deployment = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {}}
    cluster = table(("Pod", mine), ("Pod", other), ("Deployment", deployment))
    assert [row["name"] for row in look(cluster, parse_target("deploy/web")).rows] == ["shop/web-5f6-a"]
    with pytest.raises(ClusterError, match="there is no Deployment api"):
        look(cluster, parse_target("deployment/api"))
    with pytest.raises(ClusterError, match="there is no Pod none"):
        look(cluster, parse_target("none"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("web-0", "Pod"),
        ("po/web", "Pod"),
        ("deployments/web", "Deployment"),
        ("STS/db", "StatefulSet"),
        ("cj/x", "CronJob"),
    ],
)
def test_targets_are_written_as_for_kubectl(text: str, kind: str) -> None:
    assert parse_target(text).kind == kind


def test_another_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="write one of pod"):
        parse_target("service/web")

"""Several resources and planted objects in one cluster: each keeps its own, and nothing of a tenant's is believed."""

import base64
import copy
import json
from dataclasses import replace

from imagepull.errors import CredentialError
from imagepull.registries.ecr_tokens import EcrToken, TokenRequest
from tests.provider.engine_model import Declared, IssuedTokens, Stack
from tests.provider.fake_cluster import FakeCluster

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


class NoTokens(IssuedTokens):
    """AWS is down."""

    async def get(self, request: TokenRequest) -> EcrToken:
        raise CredentialError("ECR in eu-west-1", "AWS does not answer", "try again")


def secret(*namespaces: str, parent: str = "", labels: dict[str, str] | None = None) -> Declared:
    inputs = {"name": "pull", "namespaces": [*namespaces], "registries": [{"host": HOST}], "labels": labels or {}}
    return Declared(kind="RegistrySecret", name="pull", parent=parent, inputs=inputs)


def password(cluster: FakeCluster, namespace: str) -> str:
    data = cluster.objects["Secret", namespace, "pull"]["data"][".dockerconfigjson"]
    return str(json.loads(base64.b64decode(data))["auths"][HOST]["password"])


def test_two_resources_of_one_name_below_different_parents_keep_their_secrets_through_a_renewal() -> None:
    cluster = FakeCluster()
    stack = Stack(cluster=cluster, name="dev")
    assert stack.up([secret("a", parent="Team"), secret("b", parent="Other")])
    uids = [cluster.objects["Secret", place, "pull"]["metadata"]["uid"] for place in ("a", "b")]

    renewed = [secret("a", parent="Team", labels={"v": "2"}), secret("b", parent="Other", labels={"v": "2"})]
    assert stack.up(renewed)
    assert [cluster.objects["Secret", place, "pull"]["metadata"]["uid"] for place in ("a", "b")] == uids
    assert stack.up(renewed[:1])
    assert [namespace for _, namespace, _ in cluster.objects] == ["a"]


def test_a_resource_that_goes_back_to_where_it_was_keeps_its_secret_though_the_update_between_failed() -> None:
    cluster = FakeCluster()
    stack = Stack(cluster=cluster, name="dev")
    assert stack.up([secret("a")])
    (urn,) = stack.states
    identity = stack.states[urn].outputs["identity"]
    metadata = {"name": "pull", "namespace": "b", "uid": "theirs"}
    cluster.store(("Secret", "b", "pull"), {"metadata": metadata, "type": "Opaque", "data": {}})

    # Below a component and without an alias it is another resource; `b` fails, so the former one is not deleted.
    assert not stack.up([secret("a", "b", parent="Team")])
    assert len(stack.states) == 2
    assert cluster.objects["Secret", "a", "pull"]["metadata"]["labels"]["imagepull/identity"] != identity
    kept = password(cluster, "a")

    assert stack.up([secret("a")])
    assert [*stack.states] == [urn]
    assert password(cluster, "a") == kept
    assert cluster.objects["Secret", "a", "pull"]["metadata"]["labels"]["imagepull/identity"] == identity
    stack.refresh()
    assert stack.up([secret("a")])
    assert password(cluster, "a") != kept
    assert stack.destroy()
    assert [*cluster.objects] == [("Secret", "b", "pull")]


def test_a_copy_of_our_secret_in_another_namespace_is_believed_by_nobody() -> None:
    cluster = FakeCluster()
    stack = Stack(cluster=cluster, name="dev")
    assert stack.up([secret("a")])
    copied = copy.deepcopy(cluster.objects["Secret", "a", "pull"])
    metadata = {**copied["metadata"], "namespace": "tenant", "uid": "planted"}
    cluster.store(("Secret", "tenant", "pull"), {**copied, "metadata": metadata})
    del cluster.objects["Secret", "a", "pull"]

    stack.tokens = NoTokens()
    assert not stack.up([secret("a", "b", "tenant")])
    assert [namespace for _, namespace, _ in cluster.objects] == ["tenant"]


def test_while_aws_is_down_a_living_token_of_ours_goes_to_a_new_namespace() -> None:
    cluster = FakeCluster()
    stack = Stack(cluster=cluster, name="dev")
    assert stack.up([secret("a")])

    stack.tokens = NoTokens()
    assert stack.up([secret("a", "b")])
    assert password(cluster, "b") == password(cluster, "a")
    # The state says which Secrets are ours: without it the same Secret counts for nothing.
    (urn,) = stack.states
    known = stack.states[urn]
    stack.states[urn] = replace(known, outputs={**known.outputs, "uids": {}})
    assert not stack.up([secret("a", "b", "c")])

"""Inputs of a program that are refused before anything is written, and what a right one costs."""

import json
from collections.abc import Callable

from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import US, auths

WHOLE_RESOURCE = """
import pulumi_kubernetes as k8s
from components import RegistryAccess

namespace = k8s.core.v1.Namespace("made", metadata={{"name": "{name}"}})
RegistryAccess("pull", registries=[{{"host": "{host}"}}], namespaces=[{namespace}])
"""
SAME_REGION = f"210987654321.{US.partition('.')[2]}"


def test_namespace_given_as_a_whole_resource_is_refused_with_what_to_write(
    lab: Lab, project: Callable[..., PulumiProject], namespace: str
) -> None:
    name = f"{namespace}-made"
    stack = project(WHOLE_RESOURCE.format(name=name, host=US, namespace="namespace"))

    previewed, updated = stack.preview(check=False), stack.up(check=False)

    told = "is a whole resource; write its name: RESOURCE.metadata.name"
    assert previewed.returncode != 0
    assert told in previewed.stdout
    assert told in updated.stdout
    assert "resource.ID" not in updated.stdout
    stack.write(WHOLE_RESOURCE.format(name=name, host=US, namespace="namespace.metadata.name"))
    stack.up()


def test_two_registries_of_one_region_cost_one_call(
    lab: Lab, project: Callable[..., PulumiProject], namespace: str
) -> None:
    registries = [{"host": US}, {"host": SAME_REGION}]
    before = len(lab.ecr.calls())
    program = f"from components import RegistryAccess\nRegistryAccess('pull', registries={registries!r}, "

    project(f"{program} namespaces=[{namespace!r}])\n").up()

    assert len(lab.ecr.calls()) == before + 1
    found = auths(json.loads(lab.kubectl("get", "secret", "pull", f"--namespace={namespace}", "--output=json")))
    assert found.keys() == {US, SAME_REGION}
    assert found[US] == found[SAME_REGION]

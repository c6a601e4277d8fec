"""The program of every environment: what the stack's configuration asks for, declared (see docs/environments.md)."""

from typing import Any

import pulumi

import components
from components import RegistryAccess, cluster_providers, exported_access, image_pull_plan
from imagepull.environment import Environment
from imagepull.errors import InvalidInput
from imagepull.stack_config import read


def configured() -> Environment:
    """The stack's configuration, parsed."""
    try:
        return read(pulumi.runtime.get_config_env(), pulumi.get_project())
    except InvalidInput as error:
        problems = [f"  {problem}" for problem in error.problems]
        raise pulumi.RunError("\n".join([f"wrong configuration of stack {pulumi.get_stack()}:", *problems])) from None


def declare(environment: Environment) -> None:
    """The environment's resources and outputs."""
    cluster = environment.cluster
    providers = cluster_providers(cluster.stack, cluster.output) if cluster else []
    created = [namespace(each.name, providers) for each in environment.namespaces if each.create]
    access_args: Any = environment.access_arguments
    access = RegistryAccess(
        "registry-access", access_args, pulumi.ResourceOptions(depends_on=created, providers=providers)
    )
    workloads = [
        getattr(components, spec.kind)(
            spec.name,
            **spec.component_arguments,
            access=access,
            rules=environment.rules,
            opts=pulumi.ResourceOptions(providers=providers),
        )
        for spec in environment.workloads
    ]
    pulumi.export("imagePullPlan", image_pull_plan(*workloads))
    pulumi.export("access", exported_access(access))


def namespace(name: str, providers: list[pulumi.ProviderResource]) -> pulumi.Resource:
    from pulumi_kubernetes.core.v1 import Namespace

    provider = next((each for each in providers if each.package == "kubernetes"), None)
    return Namespace(name, metadata={"name": name}, opts=pulumi.ResourceOptions(provider=provider))


declare(configured())

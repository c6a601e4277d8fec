"""The program of every environment: what the stack's configuration asks for, declared (see docs/environments.md)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime.config import get_config_secret_keys_env

import components
from components import RegistryAccess, cluster_providers, exported_access, image_pull_plan, watch_pulls
from components.rollout_hint import name_diagnose_on_failure
from imagepull.errors import InvalidInput
from imagepull.pull_plan.findings import Severity
from imagepull.stack_config.environment import Environment, Verify
from imagepull.stack_config.reader import read
from imagepull.stack_config.rollouts import PullWatchMode
from imagepull.stack_config.stack_file import read_stack_file

if TYPE_CHECKING:
    from imagepull.verify import Verifier


def configured() -> Environment:
    """The stack's configuration, parsed."""
    try:
        return read(
            pulumi.runtime.get_config_env(),
            pulumi.get_project(),
            secret_keys=get_config_secret_keys_env(),
            stack_file=read_stack_file(Path(pulumi.get_root_directory()), pulumi.get_stack()),
        )
    except InvalidInput as error:
        problems = [f"  {problem}" for problem in error.problems]
        raise pulumi.RunError("\n".join([f"wrong configuration of stack {pulumi.get_stack()}:", *problems])) from None


def declare(environment: Environment) -> None:
    """The environment's resources and outputs."""
    cluster = environment.cluster
    providers = []
    if cluster:
        providers = cluster_providers(cluster.stack, cluster.output, cluster_identifier=cluster.cluster_identifier)
    created = [namespace(each.name, providers) for each in environment.namespaces if each.create]
    access_args: Any = environment.access_arguments
    access = RegistryAccess(
        "registry-access", access_args, pulumi.ResourceOptions(depends_on=created, providers=providers)
    )
    # A watch names the command itself.
    hooks = name_diagnose_on_failure() if environment.pull_watch is PullWatchMode.OFF else None
    workloads = [
        getattr(components, spec.kind)(
            spec.name,
            **spec.component_arguments,
            access=access,
            rules=environment.rules,
            opts=pulumi.ResourceOptions(providers=providers, hooks=hooks),
        )
        for spec in environment.timed_workloads
    ]
    if environment.pull_watch is not PullWatchMode.OFF:
        watch_pulls(
            *workloads,
            fail=environment.pull_watch is PullWatchMode.ERROR,
            timeout=environment.longest_rollout,
            opts=pulumi.ResourceOptions(providers=providers),
        )
    plan = image_pull_plan(*workloads, access=[access], verifier=verifier(environment))
    pulumi.export("imagePullPlan", plan)
    pulumi.export("access", exported_access(access))


def verifier(environment: Environment) -> "Verifier | None":
    """What asks the registries for the images, if the environment wants it."""
    if environment.verify is Verify.OFF:
        return None
    from imagepull.verify import Settings, Verifier

    settings = Settings(
        severity=Severity(environment.verify.value),
        platforms=environment.platforms or (),
        largest=environment.largest_bytes,
    )
    return Verifier(environment.credentials, settings)


def namespace(name: str, providers: list[pulumi.ProviderResource]) -> pulumi.Resource:
    from pulumi_kubernetes.core.v1 import Namespace

    provider = next((each for each in providers if each.package == "kubernetes"), None)
    return Namespace(name, metadata={"name": name}, opts=pulumi.ResourceOptions(provider=provider))


declare(configured())

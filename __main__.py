"""The program of every environment: what the stack's configuration asks for, declared (see stacks/)."""

import json
from typing import Any

import pulumi

import components
from components import RegistryAccess, image_pull_plan
from imagepull.environment import Environment, parse
from imagepull.errors import InvalidInput


def configured() -> Environment:
    """The stack's configuration, parsed."""
    prefix = f"{pulumi.get_project()}:"
    values = {
        key.removeprefix(prefix): json.loads(value) if value.startswith(("[", "{")) else value
        for key, value in pulumi.runtime.get_config_env().items()
        if key.startswith(prefix)
    }
    try:
        return parse(values)
    except InvalidInput as error:
        problems = [f"  {prefix}{problem}" for problem in error.problems]
        raise pulumi.RunError("\n".join([f"wrong configuration of stack {pulumi.get_stack()}:", *problems])) from None


def declare(environment: Environment) -> None:
    """The environment's resources and outputs."""
    created = [namespace(each.name) for each in environment.namespaces if each.create]
    access_args: Any = environment.access
    access = RegistryAccess("registry-access", access_args, pulumi.ResourceOptions(depends_on=created))
    workloads = [
        getattr(components, spec.kind)(spec.name, **spec.arguments, access=access, rules=environment.rules)
        for spec in environment.workloads
    ]
    pulumi.export("imagePullPlan", image_pull_plan(*workloads))
    pulumi.export(
        "access",
        {
            "imagePullSecrets": access.image_pull_secrets,
            "namespaces": access.namespaces,
            "hosts": access.hosts,
            "expiresAt": access.expires_at,
        },
    )


def namespace(name: str) -> pulumi.Resource:
    from pulumi_kubernetes.core.v1 import Namespace

    return Namespace(name, metadata={"name": name})


declare(configured())

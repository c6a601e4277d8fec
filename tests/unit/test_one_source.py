"""Where two forms of one thing must exist, they are equal."""

import json
from dataclasses import fields

from pulumi.runtime import rpc

from components import kinds, resources, workload_args
from components.access import ACCESS_OUTPUTS
from components.registry_access import RegistryAccess, RegistryAccessArgs
from components.short_form import SHORT_FORM_FIELDS
from imagepull.inputs import to_camel_case
from imagepull.kubernetes.cluster_inputs import CLUSTER_IDENTIFIER, CLUSTER_INPUTS
from imagepull.pull_plan.kinds import ONLY_FOR, WorkloadKind
from imagepull.pull_plan.manifest import WORKLOAD_KINDS
from imagepull.registries.secret_properties import REGISTRY_SECRETS, SECRET_PROPERTIES, SECRETS_BY_NAME
from imagepull.registry_secret import spec as registry_secret
from imagepull.service_accounts import spec as service_accounts
from imagepull.stack_config.environment import ClusterSource, Environment
from provider.schema import make_schema
from provider.wire_values import mark_secrets, to_struct


def wire(names: object) -> set[str]:
    assert hasattr(names, "__iter__")
    return {to_camel_case(name) for name in names}


def test_inputs_of_the_custom_resources_are_those_that_the_provider_parses() -> None:
    assert wire(resources.RegistrySecretArgs.__annotations__) == set(registry_secret.INPUTS)
    assert wire(resources.ServiceAccountImagePullSecretsArgs.__annotations__) == set(service_accounts.INPUTS)


def test_inputs_of_registry_access_can_all_be_configured_for_a_stack() -> None:
    assert RegistryAccessArgs.__annotations__.keys() <= {field.name for field in fields(Environment)}


def test_inputs_that_say_which_cluster_are_the_providers() -> None:
    assert wire(resources.ProviderArgs.__annotations__) == set(CLUSTER_INPUTS)
    assert CLUSTER_IDENTIFIER in wire(field.name for field in fields(ClusterSource))


def test_outputs_of_registry_access_have_one_declaration() -> None:
    assert not RegistryAccess.__annotations__.keys() & set(ACCESS_OUTPUTS)
    assert set(ACCESS_OUTPUTS) - {"image_pull_secrets", "namespaces", "service_accounts"} <= set(
        resources.REGISTRY_SECRET_OUTPUTS
    )


def test_kinds_have_a_component_and_arguments_each() -> None:
    assert {*kinds.__all__} == {*WorkloadKind}
    assert {*WorkloadKind} <= {*WORKLOAD_KINDS}
    for kind in WorkloadKind:
        own = getattr(workload_args, f"{kind}Args").__annotations__.keys() - workload_args.WorkloadArgs.__annotations__
        assert own == {field for field, of in ONLY_FOR.items() if kind in of}, kind


def test_short_form_has_each_field_once() -> None:
    assert len({*SHORT_FORM_FIELDS}) == len(SHORT_FORM_FIELDS)


def test_schema_and_state_have_the_secrets_of_the_one_table() -> None:
    document = json.loads(make_schema("1.0.0"))
    sections = {
        name.rpartition(":")[2]: [each] for name, each in {**document["resources"], **document["types"]}.items()
    }
    sections["ProviderArgs"] = [document["provider"], {"properties": document["config"]["variables"]}]
    marked = {
        (name, key)
        for name, parts in sections.items()
        for part in parts
        for kind in ("properties", "inputProperties")
        for key, described in part.get(kind, {}).items()
        if described.get("secret")
    }
    assert marked == SECRET_PROPERTIES
    for name in SECRETS_BY_NAME:
        assert rpc._special_secret_sig in str(mark_secrets(to_struct({name: "x"})))
    for name in REGISTRY_SECRETS:
        assert rpc._special_secret_sig in str(mark_secrets(to_struct({"registries": [{name: "x"}]})))

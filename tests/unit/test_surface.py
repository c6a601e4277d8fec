"""What a program can import, and what each workload component emits: golden files."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import components
import imagepull
from tests.golden import as_json, assert_golden
from tests.pulumi_mocks import declared

ENTRY_POINTS = ("__main__",)
KINDS: dict[str, dict[str, Any]] = {
    "Pod": {},
    "Deployment": {"replicas": 2},
    "StatefulSet": {"replicas": 2},
    "DaemonSet": {},
    "Job": {},
    "CronJob": {"schedule": "0 3 * * *"},
}


def modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2] not in ENTRY_POINTS:
            yield import_module(found.name)


def test_public_names_are_the_golden_ones() -> None:
    surface = {
        module.__name__: sorted(module.__all__)
        for package in (components, imagepull)
        for module in modules(package)
        if hasattr(module, "__all__")
    }

    assert_golden("surface.json", as_json(surface))


def test_every_public_name_of_the_components_can_be_imported() -> None:
    assert [name for name in components.__all__ if getattr(components, name, None) is None] == []


def test_manifests_of_the_short_form_are_the_golden_ones() -> None:
    def program() -> None:
        access = components.RegistryAccess("pull", registries=[{"host": "registry.example.com"}], namespaces=["shop"])
        for kind, more in KINDS.items():
            getattr(components, kind)(
                kind.lower(),
                image="registry.example.com/shop/app:1.2.3",
                namespace="shop",
                port=8080,
                command=["app"],
                arguments=["--verbose"],
                env={"MODE": "full"},
                resources={"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi"}},
                service_account_name="app",
                access=access,
                **more,
            )

    emitted = {type_: inputs for (type_, _), inputs in declared(program).items() if type_.startswith("kubernetes:")}

    assert_golden("manifests.json", as_json(emitted))

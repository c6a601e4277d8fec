"""The package `imagepull` in every language: the examples, from the generated SDK to `pulumi destroy`, on the lab."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.images import SHOP
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from lab.toolchain.table import KUBERNETES_PLUGIN_VERSION
from tests.languages import LANGUAGES, PROGRAMS, environment, leave_out, run
from tests.pulumi_project import PulumiStack

SCHEMA = CHECKOUT / "tests" / "unit" / "golden" / "schema.json"
TOKEN = "not-for-your-eyes"


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose virtual environment Pulumi may change: it installs the plugin into it."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "provider").symlink_to(CHECKOUT / "provider")
    environment(folder / ".venv")
    return folder


@pytest.fixture(scope="session")
def example(lab: Lab, repository: Path) -> Callable[[str], Path]:
    """The folder of an example, ready to run; each is made once."""
    lab.add_programs(PROGRAMS)

    @cache
    def make(name: str) -> Path:
        language, folder = LANGUAGES[name], repository / "examples" / name
        ours = shutil.ignore_patterns("sdks", "node_modules", ".venv", "bin")
        shutil.copytree(CHECKOUT / "examples" / name, folder, ignore=ours)
        if language.sdk:
            generate = ["pulumi", "package", "gen-sdk", str(SCHEMA), "--local", "--language", language.sdk]
            lab.run(*generate, "--out", folder / "sdks", cwd=folder)
            (folder / "sdks" / language.sdk).rename(folder / "sdks" / "imagepull")
        language.prepare(folder)
        return folder

    def provide(name: str) -> Path:
        if shutil.which(LANGUAGES[name].needs) is None:
            leave_out(f"{LANGUAGES[name].needs} is not on PATH")
        return make(name)

    return provide


@pytest.fixture
def stack(
    lab: Lab, namespace: str, example: Callable[[str], Path], tmp_path: Path
) -> Iterator[Callable[[str], PulumiStack]]:
    """A stack of an example, configured for a namespace of its own; destroyed afterwards."""
    made: list[PulumiStack] = []

    def make(name: str) -> PulumiStack:
        one = PulumiStack(lab, example(name), state=tmp_path / name, env=LANGUAGES[name].env)
        made.append(one)
        one.init()
        one.pulumi("config", "set", "namespace", namespace)
        one.pulumi("config", "set", "--secret", "robotToken", TOKEN)
        return one

    yield make
    for one in made:
        one.destroy(check=False)


@pytest.fixture
def declared(
    lab: Lab, repository: Path, example: Callable[[str], Path], tmp_path: Path
) -> Iterator[Callable[..., PulumiStack]]:
    """A YAML program of these resources; destroyed afterwards."""
    packages = yaml.safe_load((example("yaml") / "Pulumi.yaml").read_text())["packages"]
    folder = repository / "examples" / tmp_path.name
    made: list[PulumiStack] = []

    def make(resources: Mapping[str, Any], **env: str) -> PulumiStack:
        document = {"name": "declared", "runtime": "yaml", "packages": packages, "resources": resources}
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text(json.dumps(document))
        made.append(PulumiStack(lab, folder, state=tmp_path / "state", env=env))
        made[-1].init()
        return made[-1]

    yield make
    for one in made:
        one.destroy(check=False)


def without_empty(value: Any) -> Any:
    """What is left of a document when the CLI has read and written it."""
    if isinstance(value, dict):
        return {key: kept for key, one in value.items() if (kept := without_empty(one)) not in ({}, [])}
    return [without_empty(one) for one in value] if isinstance(value, list) else value


def manifest(lab: Lab, kind: str, name: str, namespace: str) -> Any:
    text = lab.kubectl("get", kind, name, f"--namespace={namespace}", "--ignore-not-found", "--output=json")
    return json.loads(text) if text else None


def secrets_of_default_account(lab: Lab, namespace: str) -> list[str]:
    account = manifest(lab, "serviceaccount", "default", namespace)
    return [entry["name"] for entry in account.get("imagePullSecrets", [])]


@pytest.mark.parametrize("language", LANGUAGES)
def test_example_from_up_to_destroy(
    lab: Lab, namespace: str, stack: Callable[[str], PulumiStack], language: str
) -> None:
    if lab.without:
        leave_out(lab.without)
    program = stack(language)

    program.up()

    web = manifest(lab, "deployment", "web", namespace)["spec"]["template"]["spec"]
    assert web["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert web["imagePullSecrets"] == [{"name": "private"}]
    nightly = manifest(lab, "cronjob", "nightly", namespace)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert nightly["containers"][0]["imagePullPolicy"] == "Always"
    assert sorted(secrets_of_default_account(lab, namespace)) == ["private", "tools"]
    assert program.outputs()["hosts"] == [SHOP.host, "ghcr.io"]
    assert program.outputs()["images"][0]["reason"] == "tag is 1.0, not latest"
    assert program.resource("kubernetes:apps/v1:Deployment")["dependencies"]
    assert program.preview("--expect-no-changes").returncode == 0

    state = program.pulumi("stack", "export").stdout
    assert TOKEN not in state + program.output
    assert TOKEN not in "".join(file.read_text() for file in program.state.rglob("*.json"))

    program.destroy()

    assert manifest(lab, "secret", "private", namespace) is None
    assert manifest(lab, "secret", "tools", namespace) is None
    assert manifest(lab, "deployment", "web", namespace) is None
    assert secrets_of_default_account(lab, namespace) == []


@pytest.mark.parametrize("language", [name for name, language in LANGUAGES.items() if language.checks])
def test_example_and_sdk_type_check(example: Callable[[str], Path], language: str) -> None:
    folder = example(language)

    checked = [run(*command, folder=folder, env=LANGUAGES[language].env) for command in LANGUAGES[language].checks]

    assert not any("error" in told for told in checked)


def test_package_add_by_path_writes_what_the_example_has(
    lab: Lab, repository: Path, example: Callable[[str], Path]
) -> None:
    committed = yaml.safe_load((example("yaml") / "Pulumi.yaml").read_text())
    folder = repository / "examples" / "fresh"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: fresh\nruntime: yaml\n")

    # The plugin's environment is to be of this Python, whichever else is on PATH.
    env = {**lab.env, "PULUMI_PYTHON_CMD": sys.executable}
    run("pulumi", "package", "add", "../../provider", folder=folder, env=env)

    assert yaml.safe_load((folder / "Pulumi.yaml").read_text())["packages"] == committed["packages"]


def test_plugin_tells_the_schema_that_the_sdks_are_made_of(lab: Lab, repository: Path) -> None:
    told = lab.run("pulumi", "package", "get-schema", "./provider", cwd=repository).stdout

    assert without_empty(json.loads(told)) == without_empty(json.loads(SCHEMA.read_text()))


def test_explicit_providers_reach_what_the_components_declare(
    lab: Lab, namespace: str, declared: Callable[..., PulumiStack]
) -> None:
    kubeconfig = {"kubeconfig": {"fn::secret": lab.kubeconfig.read_text()}}
    kubernetes = {"properties": kubeconfig, "options": {"version": KUBERNETES_PLUGIN_VERSION}}
    access = {"registries": [{"host": SHOP.host}], "namespaces": [namespace]}
    web = {"image": "nginx:1", "namespace": namespace, "replicas": 0, "imagePullSecrets": "${access.imagePullSecrets}"}
    program = declared(
        {
            "ours": {"type": "pulumi:providers:imagepull", "properties": kubeconfig},
            "theirs": {"type": "pulumi:providers:kubernetes", **kubernetes},
            "access": {
                "type": "imagepull:RegistryAccess",
                "properties": access,
                "options": {"providers": ["${ours}"]},
            },
            "web": {"type": "imagepull:Deployment", "properties": web, "options": {"providers": ["${theirs}"]}},
        },
        KUBECONFIG="/nowhere",
    )

    program.up()

    assert manifest(lab, "secret", "access", namespace) is not None
    assert manifest(lab, "deployment", "web", namespace) is not None


def test_custom_timeouts_are_the_kubernetes_resources(namespace: str, declared: Callable[..., PulumiStack]) -> None:
    inputs = {"image": "nginx:1", "namespace": namespace, "replicas": 0}
    options = {"customTimeouts": {"create": "90s"}}
    program = declared({"web": {"type": "imagepull:Deployment", "properties": inputs, "options": options}})

    program.up()

    assert program.resource("kubernetes:apps/v1:Deployment")["customTimeouts"]["create"] == 90


def test_transform_of_a_program_reaches_what_the_package_declares(
    lab: Lab, namespace: str, repository: Path, example: Callable[[str], Path], tmp_path: Path
) -> None:
    virtualenv = example("python-sdk") / ".venv"
    folder = repository / "examples" / tmp_path.name
    folder.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": str(virtualenv)}}
    plugins = {"providers": [{"name": "imagepull", "path": "../../provider"}]}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "transformed", "runtime": runtime, "plugins": plugins}))
    (folder / "__main__.py").write_text(
        f"""
import pulumi
import pulumi_imagepull as package
from components import RegistryAccess, explicit_image_pulls, image_pull_plan

access = RegistryAccess("pull", registries=[{{"host": "{SHOP.host}"}}], namespaces=["{namespace}"])
pulls = explicit_image_pulls(access)
package.Deployment("web", image="{SHOP.host}/shop/web:latest", namespace="{namespace}", replicas=0)
pulumi.export("plan", image_pull_plan(pulls))
"""
    )
    program = PulumiStack(lab, folder, state=tmp_path / "state", env={"PYTHONPATH": str(CHECKOUT)})
    program.init()
    try:
        program.up()

        web = manifest(lab, "deployment", "web", namespace)["spec"]["template"]["spec"]
        assert web["containers"][0]["imagePullPolicy"] == "Always"
        assert web["imagePullSecrets"] == [{"name": "pull"}]
        (row,) = program.outputs()["plan"]["__images"]
        assert (row["workload"], row["policy"]) == ("Deployment/web", "Always")
        assert program.preview("--expect-no-changes").returncode == 0
    finally:
        program.destroy(check=False)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "Deployment/web: neither image nor spec: write image for the short form, or the whole spec"),
        ({"image": "nginx", "spec": {"replicas": 1}}, "Deployment/web: image beside spec: write them in the spec"),
    ],
)
def test_wrong_inputs_are_told_in_one_sentence(
    declared: Callable[..., PulumiStack], inputs: dict[str, Any], message: str
) -> None:
    preview = declared({"web": {"type": "imagepull:Deployment", "properties": inputs}}).preview(check=False)

    assert preview.returncode != 0
    assert message in preview.stdout
    assert "Traceback" not in preview.stdout + preview.stderr

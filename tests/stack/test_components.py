"""The workload components through the real CLI, the real Kubernetes plugin and the real API server."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from lab.images import SHOP
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject

Project = Callable[[str], PulumiProject]

PLAIN = """
    import pulumi_kubernetes as k8s

    k8s.apps.v1.Deployment(
        "web",
        metadata={{"name": "web", "namespace": "{namespace}"}},
        spec={{
            "replicas": 0,
            "selector": {{"match_labels": {{"app": "web"}}}},
            "template": {{
                "metadata": {{"labels": {{"app": "web"}}}},
                "spec": {{"containers": [{{"name": "web", "image": "{image}"}}]}},
            }},
        }},
    )
"""
OURS = """
    import pulumi
    from components import Deployment, RegistryAccess, image_pull_plan

    access = RegistryAccess("pull", registries=[{{"host": "{host}"}}], namespaces=["{namespace}"])
    web = Deployment("web", image={image}, namespace="{namespace}", port=8080, replicas=0, access=access)
    pulumi.export("plan", image_pull_plan(web, access=[access]))
"""


def ours(namespace: str, image: str) -> str:
    return OURS.format(host=SHOP.host, namespace=namespace, image=image)


def deployment(lab: Lab, namespace: str, name: str = "web") -> Any:
    return json.loads(lab.kubectl("get", "deployment", name, f"--namespace={namespace}", "--output=json"))


def policy(lab: Lab, namespace: str) -> str:
    return str(deployment(lab, namespace)["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"])


def test_policy_follows_the_image(lab: Lab, namespace: str, project: Project) -> None:
    stack = project(ours(namespace, f'"{SHOP.host}/shop/web:1.0"'))
    stack.up()
    assert policy(lab, namespace) == "IfNotPresent"

    stack.write(ours(namespace, f'"{SHOP.host}/shop/web:latest"'))
    stack.up()

    assert policy(lab, namespace) == "Always"
    assert stack.outputs()["plan"]["__images"][0]["reason"] == "tag is latest"


def test_second_preview_is_unchanged(namespace: str, project: Project) -> None:
    stack = project(ours(namespace, f'"{SHOP.host}/shop/web:1.0"'))
    stack.up()

    preview = stack.preview("--expect-no-changes")

    assert "unchanged" in preview.stdout
    assert f"{namespace}/Deployment/web" in preview.stdout


def test_a_terminal_shows_the_plan_once_and_programs_get_all_of_it(namespace: str, project: Project) -> None:
    image = f"{SHOP.host}/shop/web:1.0"
    stack = project(ours(namespace, f'"{image}"'))

    seen = stack.preview_on_terminal()

    report = seen[seen.index("Diagnostics:") :]
    assert "tag is 1.0, not latest  pull, new token" in report
    assert report.count(image) == 1
    assert re.search(r'plan *: \{\s+summary *: "1 image: 1 IfNotPresent"\s+\}', report)
    stack.up()
    (row,) = stack.outputs()["plan"]["__images"]
    assert (row["image"], row["secret"], row["entry"]) == (image, "pull", SHOP.host)
    assert f'"image": "{image}"' in stack.preview("--json").stdout.partition("__images")[2]


def test_plan_has_the_hours_left_and_changes_nothing_with_them(namespace: str, project: Project) -> None:
    stack = project(ours(namespace, f'"{SHOP.host}/shop/web:1.0"'))
    stack.up()

    preview = stack.preview("--expect-no-changes")

    assert re.search(r"tag is 1\.0, not latest  pull, 1[12]\.[0-9] hours left", preview.stdout)


def test_plan_is_in_colour_where_the_cli_is(namespace: str, project: Project) -> None:
    stack = project(ours(namespace, f'"{SHOP.host}/shop/web:latest"'))

    coloured = stack.preview("--color=always").stdout
    plain = stack.preview("--color=never").stdout

    (row,) = [line for line in coloured.splitlines() if "Deployment/web" in line and "tag is latest" in line]
    assert re.search("\x1b\\[[0-9;]+mAlways\x1b\\[0m", row)
    assert "tag is latest" in plain
    assert "\x1b" not in plain
    assert "<{%" not in coloured + plain


def test_image_unknown_at_preview_is_shown_as_such_and_known_after_up(
    lab: Lab, namespace: str, project: Project
) -> None:
    stack = project(ours(namespace, 'access.expires_at.apply(lambda _: "nginx:latest")'))

    stack.preview("--diff")

    assert "Deployment/web" in stack.output
    assert "(known after up)" in stack.output
    assert "containerPort: 8080" in stack.output
    stack.up()
    assert policy(lab, namespace) == "Always"


def test_workload_depends_on_its_access(namespace: str, project: Project) -> None:
    stack = project(ours(namespace, '"nginx:1"'))
    stack.up()

    dependencies = stack.resource("kubernetes:apps/v1:Deployment")["dependencies"]

    kinds = {urn.split("::")[2].rpartition("$")[2] for urn in dependencies}
    assert kinds == {"imagepull:index:RegistrySecret", "imagepull:index:ServiceAccountImagePullSecrets"}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("web", ""),
        (
            "site",
            'opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="web")]),',
        ),
    ],
    ids=["of the same name", "renamed"],
)
def test_plain_deployment_moves_into_ours_in_place(
    lab: Lab, namespace: str, project: Project, name: str, options: str
) -> None:
    plain = PLAIN.format(namespace=namespace, image=f"{SHOP.host}/shop/web:1.0")
    stack = project(plain)
    stack.up()
    uid = deployment(lab, namespace)["metadata"]["uid"]

    stack.write(
        plain.replace(
            "import pulumi_kubernetes as k8s", "import pulumi\n    from components import Deployment"
        ).replace('k8s.apps.v1.Deployment(\n        "web",', f'Deployment(\n        "{name}", {options}')
    )
    up = stack.up()

    assert stack.resource("kubernetes:apps/v1:Deployment")["urn"].endswith(f"::{name}")
    assert deployment(lab, namespace)["metadata"]["uid"] == uid
    assert "replaced" not in up.stdout
    assert "deleted" not in up.stdout


def test_image_against_a_rule_is_never_deployed(lab: Lab, namespace: str, project: Project) -> None:
    stack = project(
        f"""
        from components import Deployment
        from imagepull.images.rules import Rules

        for name in ("web", "api"):
            Deployment(name, image="nginx", namespace="{namespace}", replicas=0, rules=Rules(forbid_latest=True))
        """
    )

    up = stack.up(check=False)

    assert up.returncode != 0
    for name in ("web", "api"):
        assert f"{namespace}/Deployment/{name}, container {name}, image nginx: forbidLatest" in up.stdout
    assert "Traceback" not in up.stdout + up.stderr
    assert lab.kubectl("get", "deployments", f"--namespace={namespace}", "--output=name") == ""


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('Deployment("web", image="nginx", prot=80)', "Deployment/web: no argument prot (is port meant?)"),
        ('Deployment("web", image="nginx", image_pull_policy="always")', "unknown pull policy 'always'"),
        (
            'Deployment("web", image=pulumi.Output.from_input("nginx"), image_pull_policy="always")',
            "unknown pull policy 'always'",
        ),
    ],
)
def test_wrong_arguments_are_told_without_a_traceback(project: Project, program: str, message: str) -> None:
    stack = project(f"import pulumi\nfrom components import Deployment\n{program}\n")

    preview = stack.preview(check=False)

    assert preview.returncode != 0
    assert message in preview.stdout
    assert "Traceback" not in preview.stdout + preview.stderr

"""docs/migration.md, step by step with the real CLI: from a plain pulumi_kubernetes program to ours, and back.

A Pod is started after each step. It pulls anew, through its ServiceAccount, and has to run.
"""

import itertools
import json
import subprocess
from collections.abc import Callable

import boto3
import pytest

from lab.images import SHOP
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.test_service_accounts import listed

Make = Callable[..., PulumiProject]

OLD_SECRET, OLD_ACCOUNT = "kubernetes:core/v1:Secret", "kubernetes:core/v1:ServiceAccountPatch"
_HEAD = """
import pulumi
import pulumi_kubernetes as k8s
from components import RegistryAccess, image_pull_plan

content = pulumi.Config().require_secret("content")
options = pulumi.ResourceOptions
"""
_SECRET = """
k8s.core.v1.Secret(
    "{name}",
    metadata={{"name": "{name}", "namespace": "{namespace}"}},
    type="kubernetes.io/dockerconfigjson",
    string_data={{".dockerconfigjson": content}},
    opts=options({options}),
)
"""
_ACCOUNT = """
k8s.core.v1.ServiceAccountPatch(
    "default",
    metadata={{"name": "default", "namespace": "{namespace}", "annotations": {{"pulumi.com/patchForce": "{force}"}}}},
    image_pull_secrets=[{{"name": "{name}"}}],
    opts=options({options}),
)
"""
_WHOLE_ACCOUNT = """
k8s.core.v1.ServiceAccount(
    "ci",
    metadata={{"name": "ci", "namespace": "{namespace}", "annotations": {{"pulumi.com/patchForce": "{force}"}}}},
    {names}
)
"""
_DEPLOYMENT = """
labels = {{"app": "web"}}
container = {{"name": "web", "image": "{image}", "imagePullPolicy": "Always"}}
pod = {{"containers": [container], "imagePullSecrets": [{{"name": "{uses}"}}]}}
k8s.apps.v1.Deployment(
    "web",
    metadata={{"name": "web", "namespace": "{namespace}"}},
    spec={{"selector": {{"matchLabels": labels}}, "template": {{"metadata": {{"labels": labels}}, "spec": pod}}}},
)
"""
_ACCESS = """
access = RegistryAccess("access", registries=[{{"host": "{host}"}}], namespaces=["{namespace}"], {arguments})
pulumi.export("plan", image_pull_plan(access=[access]))
"""


class Migration:
    """A plain program that is deployed, and the steps from there.

    Args:
        lab: What it runs against.
        make: Makes the project.
        namespace: Where.
        image: What its Pods run.
    """

    def __init__(self, lab: Lab, make: Make, namespace: str, image: str) -> None:
        self._lab = lab
        self._namespace = namespace
        self._image = image
        self._pods = (f"step-{number}" for number in itertools.count())
        self.declare_account('image_pull_secrets=[{"name": "pull"}]')
        self.stack = make(self.program(self.secret(), self.account()))
        self._set_content()
        self.up("--skip-preview")

    def secret(self, name: str = "pull", options: str = "") -> str:
        return _SECRET.format(namespace=self._namespace, name=name, options=options)

    def account(self, name: str = "pull", options: str = "", *, force: bool = False) -> str:
        return _ACCOUNT.format(namespace=self._namespace, name=name, options=options, force=str(force).lower())

    def declare_account(self, names: str, *, force: bool = False) -> None:
        """From the next step on the program declares the ServiceAccount `ci` as a whole, with this argument."""
        self._whole = _WHOLE_ACCOUNT.format(namespace=self._namespace, names=names, force=str(force).lower())

    def access(self, arguments: str) -> str:
        return _ACCESS.format(host=SHOP.host, namespace=self._namespace, arguments=arguments)

    def program(self, *parts: str, uses: str = "pull") -> str:
        deployment = _DEPLOYMENT.format(image=self._image, namespace=self._namespace, uses=uses)
        return _HEAD + "".join(parts) + self._whole + deployment

    def step(self, *parts: str, uses: str = "pull", preview: bool = False) -> str:
        """`pulumi up` of a program with these parts, and what it prints."""
        self.stack.write(self.program(*parts, uses=uses))
        return self.up(*([] if preview else ["--skip-preview"]))

    def up(self, *arguments: str) -> str:
        printed = self.stack.pulumi("up", "--yes", *arguments).stdout
        self.start_a_pod()
        return printed

    def forget(self, *kinds: str) -> None:
        """`pulumi state delete` of resources."""
        for kind in kinds:
            self.stack.pulumi("state", "delete", str(self.stack.resource(kind)["urn"]), "--yes")

    def start_a_pod(self, account: str = "default") -> None:
        """A Pod that pulls its image now runs."""
        name, here = next(self._pods), f"--namespace={self._namespace}"
        overrides = json.dumps({"spec": {"serviceAccountName": account}})
        pull = (f"--image={self._image}", "--image-pull-policy=Always", f"--overrides={overrides}")
        self._lab.kubectl("run", name, *pull, here)
        self._lab.kubectl("wait", "--for=condition=Ready", f"pod/{name}", here, "--timeout=90s")

    def uid(self, name: str) -> str:
        """`metadata.uid` of a Secret, empty where it is not there."""
        here = f"--namespace={self._namespace}"
        return self._lab.kubectl("get", "secret", name, here, "--ignore-not-found", "--output=jsonpath={.metadata.uid}")

    def _set_content(self) -> None:
        env = self._lab.env
        client = boto3.client(
            "ecr",
            region_name=SHOP.region,
            endpoint_url=env["AWS_ENDPOINT_URL_ECR"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )
        (token,) = client.get_authorization_token()["authorizationData"]
        content = json.dumps({"auths": {SHOP.host: {"auth": token["authorizationToken"]}}})
        command = ["pulumi", "config", "set", "--secret", "content", "--non-interactive"]
        subprocess.run(command, input=content, text=True, cwd=self.stack.folder, env=self.stack.env, check=True)


@pytest.fixture
def migration(lab: Lab, project: Make, namespace: str, image: str) -> Migration:
    return Migration(lab, project, namespace, image)


def test_a_new_name_and_back(lab: Lab, migration: Migration, namespace: str) -> None:
    ours = migration.access('secret_name="registry-access", service_accounts=["default", "ci"]')

    printed = migration.step(migration.secret(), ours, preview=True)
    assert_says(
        printed,
        "+  imagepull:index:RegistrySecret access create",
        "+  imagepull:index:ServiceAccountImagePullSecrets access create",
        "-  kubernetes:core/v1:ServiceAccountPatch default delete",
    )
    assert listed(lab, namespace) == listed(lab, namespace, "ci") == ["pull", "registry-access"]

    migration.declare_account("")
    printed = migration.step(ours, uses="registry-access", preview=True)
    assert_says(
        printed,
        "~  kubernetes:apps/v1:Deployment web update [diff: ~spec]",
        "~  kubernetes:core/v1:ServiceAccount ci update [diff: -imagePullSecrets]",
        "-  kubernetes:core/v1:Secret pull delete",
    )
    assert migration.uid("pull") == ""
    assert listed(lab, namespace, "ci") == ["pull", "registry-access"]
    migration.start_a_pod("ci")
    left = f"namespace {namespace}: ServiceAccount ci lists pull and ServiceAccount default lists pull, and no such"
    assert f"warning: {left}" in migration.stack.refresh().stdout

    printed = migration.step(migration.secret(), ours)
    assert f"warning: {left}" in printed.partition("Image pull plan")[2]
    migration.declare_account('image_pull_secrets=[{"name": "pull"}]', force=True)
    migration.step(migration.secret(), migration.account(force=True))
    assert listed(lab, namespace) == listed(lab, namespace, "ci") == ["pull"]
    migration.start_a_pod("ci")
    assert migration.uid("registry-access") == ""

    migration.stack.write(migration.program(migration.access('secret_name="pull", adopt=True')))
    printed = migration.stack.up().stdout
    assert f"Secret pull in namespace {namespace}: pulumi-kubernetes manages it, and would delete it" in printed
    assert migration.uid("pull") == ""
    migration.up("--refresh", "--skip-preview")
    assert migration.uid("pull") != ""


def test_the_same_name_and_back(lab: Lab, migration: Migration, namespace: str) -> None:
    uid, ours = migration.uid("pull"), migration.access('secret_name="pull", adopt=True')

    migration.forget(OLD_SECRET, OLD_ACCOUNT)
    printed = migration.step(ours)
    assert "ServiceAccountPatch" not in printed
    assert (migration.uid("pull"), listed(lab, namespace)) == (uid, ["pull"])

    migration.step(migration.secret("back"), ours, uses="back")
    migration.step(migration.secret("back"), migration.account("back", force=True), uses="back")
    assert (migration.uid("pull"), listed(lab, namespace)) == ("", ["back"])

    uid, keep = migration.uid("back"), "retain_on_delete=True"
    account = migration.account("back", keep, force=True)
    printed = migration.step(migration.secret("back", keep), account, uses="back", preview=True)
    assert_says(printed, "5 unchanged")
    printed = migration.step(migration.access('secret_name="back", adopt=True'), uses="back", preview=True)
    assert_says(
        printed,
        "+  imagepull:index:RegistrySecret access create",
        "-  kubernetes:core/v1:Secret back delete[retain]",
        "-  kubernetes:core/v1:ServiceAccountPatch default delete[retain]",
    )
    assert (migration.uid("back"), listed(lab, namespace)) == (uid, ["back"])


def assert_says(printed: str, *lines: str) -> None:
    """That the preview, which comes first, has these lines."""
    preview = printed.partition("Updating (")[0]
    assert [line for line in lines if line not in preview] == [], preview

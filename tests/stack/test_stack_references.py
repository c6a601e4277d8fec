"""An infrastructure stack makes access, an application stack uses it: on the lab, in order and after a renewal."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from lab.ecr import access_log
from lab.images import SHOP
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from tests.pulumi_project import STACK, PulumiProject
from tests.stack.programs import let_hours_pass

Make = Callable[..., PulumiProject]
EXAMPLES = CHECKOUT / "examples"
INFRASTRUCTURE = f"organization/infrastructure/{STACK}"
IMAGE = f"{SHOP.host}/shop/web:latest"


@dataclass(frozen=True, kw_only=True)
class Stacks:
    """Both examples on one backend, as their files have them."""

    infrastructure: PulumiProject
    application: PulumiProject


@pytest.fixture
def stacks(project: Make, namespace: str) -> Stacks:
    team = f"{namespace}-team"
    infrastructure = project((EXAMPLES / "infrastructure" / "__main__.py").read_text(), name="infrastructure")
    infrastructure.pulumi("config", "set", "--path", "registries[0]", SHOP.host)
    infrastructure.pulumi("config", "set", "--path", "teams[0]", team)
    application = project(
        (EXAMPLES / "application" / "__main__.py").read_text(),
        name="application",
        PULUMI_BACKEND_URL=infrastructure.env["PULUMI_BACKEND_URL"],
    )
    for key, value in (("infrastructure", INFRASTRUCTURE), ("image", IMAGE), ("namespace", team)):
        application.pulumi("config", "set", key, value)
    return Stacks(infrastructure=infrastructure, application=application)


def namespace_of(stacks: Stacks) -> str:
    (namespace,) = stacks.infrastructure.outputs()["access"]["namespaces"]
    return str(namespace)


def pull_secret(lab: Lab, stacks: Stacks) -> tuple[str, str]:
    """UID and content of the Secret in the cluster."""
    told = lab.kubectl("get", "secret", "registry-access", f"--namespace={namespace_of(stacks)}", "--output=json")
    secret = json.loads(told)
    return secret["metadata"]["uid"], secret["data"][".dockerconfigjson"]


def pulled_with(lab: Lab) -> str | None:
    """Fingerprint of the token with which the node was last given the image's manifest."""
    asked = access_log.find_manifest_requests(
        access_log.read(lab.access_log), "shop/web", "latest", host=SHOP.host, client="containerd"
    )
    return [access.credential for access in asked if access.status == 200][-1]


def test_application_pulls_before_and_after_a_renewal_and_no_credential_crosses(lab: Lab, stacks: Stacks) -> None:
    stacks.infrastructure.up()
    stacks.application.up()
    uid, before = pull_secret(lab, stacks)
    first = pulled_with(lab)

    let_hours_pass(stacks.infrastructure, 13)
    stacks.infrastructure.up()
    stacks.application.preview("--expect-no-changes")
    lab.kubectl("rollout", "restart", "deployment/web", f"--namespace={namespace_of(stacks)}")
    lab.kubectl("rollout", "status", "deployment/web", f"--namespace={namespace_of(stacks)}", "--timeout=90s")

    kept, after = pull_secret(lab, stacks)
    assert kept == uid
    assert after != before
    issued = {token.fingerprint for token in lab.ecr.issued()}
    assert {first, pulled_with(lab)} <= issued
    assert pulled_with(lab) != first
    assert_no_credential_crossed(lab, stacks, before, after)


def assert_no_credential_crossed(lab: Lab, stacks: Stacks, *contents: str) -> None:
    """Neither stack has a token, or the content of a Secret, in its state or has printed one."""
    exported = stacks.infrastructure.outputs()["access"]
    seen = [stack.output + json.dumps(stack.resources()) for stack in (stacks.infrastructure, stacks.application)]

    assert exported.keys() == {"imagePullSecrets", "namespaces", "serviceAccounts", "hosts", "expiresAt"}
    for token in lab.ecr.issued():
        assert not any(token.password in text or token.authorization in text for text in seen)
    assert not any(content in text for content in contents for text in seen)


def test_application_before_its_infrastructure_is_told_what_to_do(stacks: Stacks) -> None:
    preview = stacks.application.preview(check=False)

    assert preview.returncode != 0
    told = (
        f"stack {INFRASTRUCTURE} has no output 'access'; write pulumi.export('access', exported_access(access)) there"
    )
    assert told in preview.stdout
    assert "Traceback" not in preview.stdout + preview.stderr


def test_output_that_is_no_access_is_refused(stacks: Stacks) -> None:
    stacks.infrastructure.write("import pulumi\npulumi.export('access', 'registry-access')\n")
    stacks.infrastructure.up()

    preview = stacks.application.preview(check=False)

    assert preview.returncode != 0
    assert f"output 'access' of stack {INFRASTRUCTURE} is no access" in preview.stdout
    assert "Traceback" not in preview.stdout + preview.stderr


def test_transform_uses_it_in_its_namespaces_only(stacks: Stacks) -> None:
    stacks.infrastructure.up()
    team = namespace_of(stacks)
    stacks.application.write(
        f"""
        import pulumi_kubernetes as k8s
        from components import AccessReference, explicit_image_pulls

        explicit_image_pulls(AccessReference("{INFRASTRUCTURE}"))
        for namespace in ("{team}", "kube-public"):
            k8s.core.v1.Pod(namespace, metadata={{"name": "web", "namespace": namespace}}, spec={{
                "containers": [{{"name": "web", "image": "{IMAGE}"}}],
            }})
        """
    )

    steps = json.loads(stacks.application.preview("--json").stdout)["steps"]

    specs = {
        step["newState"]["inputs"]["metadata"]["namespace"]: step["newState"]["inputs"]["spec"]
        for step in steps
        if step["newState"]["type"] == "kubernetes:core/v1:Pod"
    }
    assert specs[team]["imagePullSecrets"] == [{"name": "registry-access"}]
    assert not specs["kube-public"].get("imagePullSecrets")
    assert specs[team]["containers"][0]["imagePullPolicy"] == "Always"

"""What `pulumi up` says of images that a real kubelet cannot pull: each cause once, with the fix, nothing of others."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagepull.resource_types import PULL_WATCH
from lab.images import SHOP
from lab.lifecycle import Lab
from lab.processes import read_start_mark, wait_until
from tests.node.faulty_registries import Registry, Server, hosts_toml
from tests.pulumi_project import PulumiProject
from tests.running_update import RunningUpdate, find_plugin

Make = Callable[..., PulumiProject]

SLOW = "slow.test"
PATIENCE = 240.0
"""Seconds until the kubelet has tried everything once; on an idle machine a few."""
WRONG = {
    "typo": (f"{SHOP.host}/shop/web:no-such-tag", "access", "IfNotPresent"),
    "closed": (f"{SHOP.host}/shop/web:1.0", "None", "Always"),
    "nowhere": ("nobody.invalid/app:1", "access", "IfNotPresent"),
    "never": (f"{SHOP.host}/shop/never:1", "access", "Never"),
}
"""Workload to image, access, policy."""
CAUSES = {
    "typo": "image-absent",
    "closed": "no-pull-secret",
    "nowhere": "dns-failure",
    "never": "never-absent",
}
PROGRAM = """
import pulumi

from components import Deployment, RegistryAccess, watch_pulls

access = RegistryAccess(
    "registries", registries=[{{"host": "{host}"}}], namespaces=["{namespace}"], service_accounts=[]
)
rows = {{{workloads}}}


def declare(name, annotation, value, *before):
    image, who, policy = rows[name]
    return Deployment(
        name, image=image, image_pull_policy=policy, access=who, namespace="{namespace}",
        metadata={{"name": name, "annotations": {{f"pulumi.com/{{annotation}}": value}}}},
        opts=pulumi.ResourceOptions(depends_on=before),
    )


workloads = [declare(name, "skipAwait", "true") for name in rows if name != "{awaited}"]
# After the others, so that its failure keeps none of them from being made.
workloads += [declare(name, "timeoutSeconds", "{seconds}", *workloads) for name in rows if name == "{awaited}"]
watch_pulls(*workloads, fail={fail})
"""


ROLLOUT_SECONDS = 15
"""After which the roll-out that is waited for fails: far less than the ten minutes of Pulumi's Kubernetes provider."""


def program(
    namespace: str, workloads: dict[str, tuple[str, str, str]], *, awaited: str = "", fail: bool = False
) -> str:
    rows = ", ".join(f"{name!r}: ({image!r}, {who}, {policy!r})" for name, (image, who, policy) in workloads.items())
    return PROGRAM.format(
        host=SHOP.host, namespace=namespace, workloads=rows, awaited=awaited, seconds=ROLLOUT_SECONDS, fail=fail
    )


@pytest.fixture
def slow(lab: Lab) -> Iterator[threading.Event]:
    """A registry that keeps the second half of a layer back until the event is set, and the node's way to it."""
    server = Server()
    folder = lab.layout.folder / "node" / "registries" / SLOW
    folder.mkdir()
    (folder / "hosts.toml").write_text(hosts_toml(f"http://127.0.0.1:{server.server_address[1]}"))
    Registry.released = threading.Event()
    yield Registry.released
    Registry.released.set()
    (folder / "hosts.toml").unlink()
    folder.rmdir()
    server.shutdown()
    server.server_close()


def make_others(lab: Lab, namespace: str, folder: Path) -> None:
    """Pods of others with the same wrong images: bare, and of a Deployment whose name only begins like ours."""
    image = WRONG["typo"][0]
    containers = [{"name": "app", "image": image}]
    labels = {"app": "typo-other"}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
    }
    objects = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "typo-5d8c-x"}, "spec": {"containers": containers}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "typo-other"}, "spec": spec},
    ]
    file = folder / "others.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    lab.kubectl("apply", f"--namespace={namespace}", f"--filename={file}")


def test_four_wrong_images_are_told_a_slow_one_is_not_and_ctrl_c_ends_it(
    lab: Lab, project: Make, namespace: str, slow: threading.Event, tmp_path: Path
) -> None:
    make_others(lab, namespace, tmp_path)
    right = {"slow": (f"{SLOW}/slow/app:1", "None", "IfNotPresent")}
    stack = project(program(namespace, {**WRONG, **right}, awaited="typo", fail=True))
    with RunningUpdate(stack) as up:
        # It is still running then: the slow one is waited for.
        assert up.wait_for(lambda up: len(up.warnings()) >= len(CAUSES), timeout=PATIENCE), up.text()
        assert up.wait_for(lambda up: bool(up.errors(of="Deployment::typo")), timeout=PATIENCE), up.text()
        slow.set()
        # By itself: the watch as soon as the slow image is there, the roll-out by its own time limit, not by Pulumi's.
        assert up.process.wait(timeout=PATIENCE) != 0
    assert len(up.warnings()) == len(CAUSES), up.text()  # and none of them of the slow one, up to its end
    for name, code in CAUSES.items():
        (warning,) = [each for each in up.warnings() if f"{namespace}/Deployment/{name}, " in each]
        assert f"{code} (" in warning
        assert "Fix: " in warning
        assert f"More: imagepull diagnose deployment/{name} -n {namespace}" in warning
    (error,) = [each for each in up.errors() if "images that cannot be pulled" in each]
    assert all(f"Deployment/{name}, " in error for name in CAUSES)
    assert "/slow, " not in error
    assert any("timed out" in each for each in up.errors(of="Deployment::typo")), up.text()

    again = {"typo": (f"{SHOP.host}/shop/web:another-that-is-not-there", "access", "IfNotPresent")}
    stack.write(program(namespace, again))
    with RunningUpdate(stack) as up:
        assert up.wait_for(lambda up: len(up.warnings()) == 1, timeout=PATIENCE), up.text()
        plugin = find_plugin(up.process.pid)
        assert plugin is not None
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(timeout=PATIENCE) != 0
    assert wait_until(lambda: read_start_mark(plugin) is None, timeout=PATIENCE)
    assert PULL_WATCH not in [each["type"] for each in stack.resources()]  # so the next `up` watches again

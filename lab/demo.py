"""The main job, shown on the lab: private images, pulled by a real kubelet, through `pulumi up`."""

import json
import re
import subprocess

import yaml

from imagepull.pull_plan.plan import IMAGES_KEY
from lab import lifecycle
from lab.ecr import access_log
from lab.errors import LabError
from lab.layout import CHECKOUT, DEFAULT_NAME, format_command
from lab.lifecycle import Lab
from lab.progress import step

__all__ = ["FOREIGN_ENTRY", "SEEDED_NAMESPACE", "STACK", "run", "seed"]

STACK = "local"
SEEDED_NAMESPACE = "shop"
FOREIGN_ENTRY = "team-mirror"


def run(name: str) -> int:
    """Bring the lab `name` up, deploy the stack `local` to it, and show what came of it.

    Raises:
        LabError: a step failed.
    """
    with step("lab"):
        lab = lifecycle.up(name)
    seed(lab)
    _print_heading("pulumi up --stack local")
    lab.run("pulumi", "stack", "select", "--create", STACK, cwd=CHECKOUT)
    _run_shown(lab, "pulumi", "up", "--stack", STACK, "--yes", "--skip-preview", "--suppress-outputs")
    _print_heading("The pods: their images come from registries that demand ECR credentials")
    _run_shown(lab, "kubectl", "get", "pods", "--all-namespaces", "--output=custom-columns=" + _POD_COLUMNS)
    _print_heading("The ServiceAccount: our Secret beside the one that was there before")
    _run_shown(
        lab, "kubectl", "get", "serviceaccount", "default", "--namespace", SEEDED_NAMESPACE, f"--output={_SECRETS}"
    )
    _print_heading("pulumi preview, again: nothing to do")
    _run_shown(lab, "pulumi", "preview", "--stack", STACK, "--expect-no-changes", "--suppress-outputs")
    _print_heading("The policy of each container, and why")
    _show_plan(lab)
    _print_heading("What the registries were asked by containerd")
    _show_pulls(lab)
    _print_heading("Next")
    env, down = (f".venv/bin/{format_command(subcommand, name)}" for subcommand in ("env", "down"))
    print(f'  look around:  eval "$({env})"; kubectl get all -A; pulumi stack output --stack local')
    print(f"  stop:         {'make down' if name == DEFAULT_NAME else down}")
    return 0


def seed(lab: Lab) -> None:
    """Put into the cluster what was there before imagepull: a namespace whose ServiceAccount has a pull Secret."""
    config = json.dumps({"auths": {"mirror.example.com": {"username": "team", "password": "mirror"}}})
    documents = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SEEDED_NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": FOREIGN_ENTRY, "namespace": SEEDED_NAMESPACE},
            "stringData": {".dockerconfigjson": config},
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": SEEDED_NAMESPACE},
            "imagePullSecrets": [{"name": FOREIGN_ENTRY}],
        },
    ]
    if lab.run("kubectl", "get", "namespace", SEEDED_NAMESPACE, check=False).returncode != 0:
        done = subprocess.run(
            ["kubectl", "apply", "--server-side", "--force-conflicts", "--filename=-"],
            input=yaml.safe_dump_all(documents),
            env=lab.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"kubectl apply failed: {done.stderr.strip()}")


_POD_COLUMNS = (
    "NAMESPACE:.metadata.namespace,POD:.metadata.name,STATUS:.status.phase,"
    "READY:.status.containerStatuses[*].ready,IMAGE:.spec.containers[*].image"
)
_SECRETS = "jsonpath={.metadata.namespace}/{.metadata.name}  imagePullSecrets: {.imagePullSecrets[*].name}{'\\n'}"


def _show_plan(lab: Lab) -> None:
    plan = json.loads(lab.run("pulumi", "stack", "output", "imagePullPlan", "--stack", STACK, cwd=CHECKOUT).stdout)
    for row in plan[IMAGES_KEY]:
        where = f"{row['namespace']}/{row['workload']} {row['container']}"
        print(f"  {where:<28} {row['policy']:<13} {row['reason']:<40} {row['image']}")


def _show_pulls(lab: Lab) -> None:
    for access in access_log.read(lab.access_log):
        if (access.user_agent or "").startswith("containerd") and "/manifests/" in access.path:
            token = f"token {access.credential}" if access.credential else "no credential"
            path = re.sub(r"(sha256:.{12}).*", r"\1...", access.path)
            print(f"  {access.time:%H:%M:%S}  {access.host}  {access.method:<4} {path:<50} {access.status}  {token}")


def _print_heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _run_shown(lab: Lab, *command: str) -> None:
    """Run a program, its output going to the person.

    Raises:
        LabError: it failed.
    """
    done = subprocess.run(command, cwd=CHECKOUT, env=lab.env, check=False)
    if done.returncode != 0:
        shown = " ".join(command)
        raise LabError(f"{shown} failed ({done.returncode})", hint="look around with: .venv/bin/python -m lab status")

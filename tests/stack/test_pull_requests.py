"""Pull requests: the workflows' shell steps, as they stand, on the lab; and a preview that can reach nothing."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.renewal.schedule import CronSchedule
from imagepull.renewal.schedule import parse as parse_schedule
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.workflow import WorkflowJob

WORKFLOWS = CHECKOUT / ".github" / "workflows"
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
STACK = "pr"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
GOJQ = "github.com/itchyny/gojq/cmd/gojq@v0.12.17"  # what is inside of gh
CLOSED = "http://127.0.0.1:9"

# GitHub's API for comments, in a file; every call is noted. `gh` itself talks to GitHub only; its filter is run as it
# stands, by jq.
GH = """#!{python}
import json, os, pathlib, subprocess, sys
state = pathlib.Path(os.environ["GH_STATE"])
told = json.loads(state.read_text()) if state.exists() else {{"comments": [], "calls": []}}
arguments = sys.argv[1:]
assert os.environ["GH_TOKEN"], "no token"
assert arguments[0] == "api", arguments
method = arguments[arguments.index("--method") + 1] if "--method" in arguments else "GET"
path = next(each for each in arguments if each.startswith("repos/"))
told["calls"].append([method, path])
if method == "GET":
    assert "--paginate" in arguments
    for comment in told["comments"]:  # a page each: gh runs the filter over each page, and prints texts as they are
        command = [*{jq!r}, "-r", arguments[arguments.index("--jq") + 1]]
        subprocess.run(command, input=json.dumps([comment]), text=True, check=True)
else:
    field = arguments[arguments.index("--field") + 1]
    assert field.startswith("body=@"), field
    body = pathlib.Path(field.removeprefix("body=@")).read_text()
    if method == "POST":
        bot = {{"type": "Bot", "login": "github-actions[bot]"}}
        told["comments"].append({{"id": len(told["comments"]) + 1, "user": bot, "body": body}})
    else:
        told["comments"][int(path.rpartition("/")[2]) - 1]["body"] = body
state.write_text(json.dumps(told))
"""


class Repository:
    """A checkout of a user's own, with a stack of the lab, and a GitHub that is a file."""

    def __init__(self, lab: Lab, folder: Path, namespace: str) -> None:
        self.folder = folder / "checkout"
        self._state = folder / "github.json"
        bin_folder = folder / "bin"
        for made in (self.folder, bin_folder, folder / "state"):
            made.mkdir()
        for name in ("__main__.py", "Pulumi.yaml", "requirements.txt", "constraints.txt"):
            shutil.copy(CHECKOUT / name, self.folder)
        for name in ("components", "imagepull", "provider"):
            shutil.copytree(CHECKOUT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "stacks").mkdir()
        (self.folder / ".venv").symlink_to(sys.prefix)
        (bin_folder / "gh").write_text(
            GH.format(python=sys.executable, jq=[found] if (found := shutil.which("jq")) else ["go", "run", GOJQ])
        )
        (bin_folder / "gh").chmod(0o755)
        self.env = {
            **lab.env,
            "PATH": f"{bin_folder}:{lab.env['PATH']}",
            "GH_STATE": str(self._state),
            "GITHUB_REPOSITORY": "acme/shop",
        }
        self.values = {
            "matrix.stack": STACK,
            "vars.PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "secrets.PULUMI_CONFIG_PASSPHRASE": "only-in-github",
            "github.token": "ghs_fake",
            "github.event.pull_request.number": "7",
            "github.server_url": "https://github.com",
            "github.repository": "acme/shop",
            "github.run_id": "42",
            "github.workspace": str(folder / "state"),
            "vars.EKS_CLUSTER != ''": "false",
        }
        self.namespace = namespace

    def configure(self, tag: str, **registry: Any) -> None:
        """Write the stack's configuration, keeping what Pulumi wrote into it."""
        file = self.folder / "stacks" / f"Pulumi.{STACK}.yaml"
        document = yaml.safe_load(file.read_text()) if file.exists() else {}
        workload = {"name": "web", "namespace": self.namespace, "image": f"{ECR}/shop/web:{tag}", "port": 8080}
        document["config"] = {
            "private-images:registries": [{"host": ECR}, *([registry] if registry else [])],
            "private-images:namespaces": [{"name": self.namespace}],
            "private-images:workloads": [workload],
        }
        file.write_text(yaml.safe_dump(document))

    def pulumi(self, *arguments: str) -> str:
        """Pulumi as a person runs it in this checkout."""
        own = {
            "PULUMI_BACKEND_URL": self.values["vars.PULUMI_BACKEND_URL"],
            "PULUMI_CONFIG_PASSPHRASE": self.values["secrets.PULUMI_CONFIG_PASSPHRASE"],
        }
        command = ["pulumi", *arguments, "--non-interactive"]
        return subprocess.run(
            command, cwd=self.folder, env={**self.env, **own}, capture_output=True, text=True, check=True
        ).stdout

    def run(self, workflow: str, job: str) -> list[subprocess.CompletedProcess[str]]:
        """Run a job's shell steps."""
        return WorkflowJob(WORKFLOWS / workflow, job, self.values).run(self.folder, self.env)

    @property
    def github(self) -> dict[str, Any]:
        """`comments`, and `calls` as (method, path)."""
        told: dict[str, Any] = json.loads(self._state.read_text())
        return told

    def say(self, comments: list[dict[str, Any]]) -> None:
        """The comments that there are already."""
        self._state.write_text(json.dumps({"comments": comments, "calls": []}))

    @property
    def summary(self) -> str:
        """What the run's summary shows."""
        return (self.folder / ".github_step_summary").read_text()


@pytest.fixture
def repository(lab: Lab, tmp_path: Path, namespace: str) -> Iterator[Repository]:
    made = Repository(lab, tmp_path, namespace)
    yield made
    if (made.folder / "stacks" / f"Pulumi.{STACK}.yaml").exists():
        subprocess.run(
            ["pulumi", "destroy", "--yes", "--skip-preview", "--stack", STACK, "--non-interactive"],
            cwd=made.folder,
            env={
                **made.env,
                "PULUMI_BACKEND_URL": made.values["vars.PULUMI_BACKEND_URL"],
                "PULUMI_CONFIG_PASSPHRASE": made.values["secrets.PULUMI_CONFIG_PASSPHRASE"],
            },
            capture_output=True,
            check=False,
        )


def test_pull_request_has_one_comment_that_follows_its_pushes(repository: Repository, lab: Lab) -> None:
    marker = f"<!-- imagepull: {STACK} -->"
    others = [
        {"id": 1, "user": {"type": "User"}, "body": f"quoted by a person: {marker}"},
        {"id": 2, "user": {"type": "Bot"}, "body": "of another stack <!-- imagepull: prod -->"},
    ]
    repository.say(others)
    repository.configure("1.0")
    repository.pulumi("stack", "init", STACK)
    _assert_passed(repository.run("preview.yml", "preview"))
    (*_, comment) = repository.github["comments"]
    assert comment["body"].startswith("### ✅ pr: 6 to create")
    assert f"`{ECR}/shop/web:1.0`" in comment["body"]

    _assert_passed(repository.run("up.yml", "up"))
    renewed = repository.run("renew.yml", "renew")
    _assert_passed(renewed)
    assert "Secret registry-access: not due in namespace" in renewed[-1].stdout
    _assert_passed(repository.run("preview.yml", "preview"))
    (*before, comment) = repository.github["comments"]
    assert comment["body"].startswith("### ✅ pr: no changes")
    posts = [method for method, path in repository.github["calls"] if method != "GET"]
    assert posts == ["POST", "PATCH"]

    repository.configure("latest")
    _assert_passed(repository.run("preview.yml", "preview"))
    (*before, comment) = repository.github["comments"]
    assert "`IfNotPresent` → **`Always`**" in comment["body"]
    assert before == others
    for token in lab.ecr.issued():
        assert token.password not in json.dumps(repository.github)


def test_secret_that_was_deleted_is_back_after_the_next_run(repository: Repository, lab: Lab) -> None:
    repository.configure("1.0")
    repository.pulumi("stack", "init", STACK)
    _assert_passed(repository.run("up.yml", "up"))
    lab.kubectl("delete", "secret", "registry-access", f"--namespace={repository.namespace}")

    _assert_passed(repository.run("up.yml", "up"))

    lab.kubectl("get", "secret", "registry-access", f"--namespace={repository.namespace}")


def test_preview_that_fails_is_a_comment_and_fails_the_check(repository: Repository) -> None:
    repository.configure("1.0")
    done = repository.run("preview.yml", "preview")  # nobody made the stack
    assert done[-1].returncode != 0
    assert repository.github["comments"][0]["body"].startswith("### ❌ pr: preview failed")


def test_fork_gets_its_plan_without_secrets_or_comment(repository: Repository) -> None:
    repository.configure("1.0", host="ghcr.io", username="bot", password={"secure": "v1:AAAA:BBBB"})
    for name in [each for each in repository.env if each.startswith("AWS_") or each == "KUBECONFIG"]:
        del repository.env[name]
    repository.env["HOME"] = str(repository.folder)
    done = repository.run("preview.yml", "fork")
    assert f"{ECR}/shop/web:1.0" in "".join(each.stdout for each in done)
    _assert_passed(done)
    assert repository.summary.startswith("### ✅ pr: ")
    assert not Path(repository.env["GH_STATE"]).exists()


def test_preview_needs_neither_aws_nor_the_cluster(project: Callable[..., PulumiProject], namespace: str) -> None:
    program = """
        from components import RegistryAccess

        RegistryAccess("registry-access", registries=[{{"host": "{ecr}"}}], namespaces=["{namespace}"], {more})
    """
    stack = project(program.format(ecr=ECR, namespace=namespace, more=""))
    stack.up()
    reachable = dict(stack.env)
    kubeconfig = yaml.safe_load(Path(stack.env["KUBECONFIG"]).read_text())
    for cluster in kubeconfig["clusters"]:
        cluster["cluster"]["server"] = CLOSED.replace("http:", "https:")
    cut_off = stack.folder / "kubeconfig"
    cut_off.write_text(yaml.safe_dump(kubeconfig))
    stack.env = {name: value for name, value in reachable.items() if not name.startswith("AWS_")}
    stack.env |= {f"AWS_ENDPOINT_URL_{api}": CLOSED for api in ("ECR", "ECR_PUBLIC", "STS")}
    stack.env |= {"KUBECONFIG": str(cut_off), "HOME": str(stack.folder), "AWS_EC2_METADATA_DISABLED": "true"}
    try:
        assert "unchanged" in stack.preview("--expect-no-changes").stdout
        stack.write(program.format(ecr=ECR, namespace=namespace, more='labels={"team": "shop"}'))
        assert "1 to update" in stack.preview().stdout
        stack.write(program.format(ecr=ECR, namespace=namespace, more='refresh_before="12h"'))
        assert "renewal due" in stack.preview().stdout
    finally:
        stack.env = reachable


def test_every_action_is_pinned_by_its_full_commit_with_its_version() -> None:
    for file in WORKFLOWS.glob("*.yml"):
        for line in re.findall(r"uses: (.*)", file.read_text()):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+.*", line), line


def test_jobs_have_the_least_permissions_and_forks_no_secrets() -> None:
    jobs: dict[str, Any] = {}
    for name in ("preview.yml", "up.yml", "renew.yml"):
        text = (WORKFLOWS / name).read_text()
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {}
        assert "pull_request_target" not in text
        assert "AWS_SECRET_ACCESS_KEY" not in text
        jobs |= workflow["jobs"]
    permissions = {
        "preview": {"contents": "read", "id-token": "write", "pull-requests": "write"},
        "fork": {"contents": "read"},
        "up": {"contents": "read", "id-token": "write"},
        "renew": {"contents": "read", "id-token": "write"},
    }
    assert {name: job["permissions"] for name, job in jobs.items()} == permissions
    assert not re.search(r"secrets\.|github\.token|vars\.", yaml.safe_dump(jobs["fork"]))
    assert jobs["preview"]["if"] == "${{ !github.event.pull_request.head.repo.fork }}"
    assert jobs["fork"]["if"] == "${{ github.event.pull_request.head.repo.fork }}"


def test_nothing_of_a_checkout_is_left_that_a_pull_request_could_use() -> None:
    for name in ("preview.yml", "up.yml"):
        for job in yaml.safe_load((WORKFLOWS / name).read_text())["jobs"].values():
            (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert checkout["with"] == {"persist-credentials": False}


def test_runs_are_started_where_they_should_be_and_do_not_overlap() -> None:
    preview, up = (yaml.safe_load((WORKFLOWS / name).read_text()) for name in ("preview.yml", "up.yml"))
    # YAML 1.1 reads the key `on` as true.
    assert preview[True] == {"pull_request": None}
    assert up[True].keys() == {"push", "workflow_dispatch"}
    assert up[True]["push"] == {"branches": ["main"]}
    renew = yaml.safe_load((WORKFLOWS / "renew.yml").read_text())
    (schedule,) = renew[True]["schedule"]
    found = parse_schedule(schedule["cron"])
    assert isinstance(found, CronSchedule)
    # Often enough for two tries before half of a token's 12 hours, and off the full hour, when GitHub is busiest.
    gap = found.find_longest_gap(datetime(2026, 1, 1, tzinfo=UTC))
    assert gap is not None
    assert gap <= timedelta(hours=3)
    assert 0 not in found.minutes

    job = up["jobs"]["up"]
    assert job["environment"] == "${{ matrix.stack }}"  # whose protection rules are the approval
    assert job["strategy"]["max-parallel"] == 1
    assert job["concurrency"] == {"group": "up-${{ matrix.stack }}", "cancel-in-progress": False}
    commands = [step["run"] for step in job["steps"] if "pulumi up" in step.get("run", "")]
    assert [" --refresh " in command for command in commands] == [True]
    for name, group in (("preview", "preview-${{ matrix.stack }}-"), ("fork", "fork-${{ matrix.stack }}-")):
        concurrency = preview["jobs"][name]["concurrency"]
        assert concurrency["cancel-in-progress"] is True
        assert concurrency["group"].startswith(group)
        assert "pull_request.number" in concurrency["group"]


def test_nobody_has_to_approve_a_renewal_and_only_it_is_on_a_schedule() -> None:
    up, renew = (yaml.safe_load((WORKFLOWS / name).read_text()) for name in ("up.yml", "renew.yml"))
    assert "schedule" in renew[True]  # YAML 1.1 reads the key `on` as true
    assert "schedule" not in up[True]
    (job,) = renew["jobs"].values()
    assert job["environment"] == "${{ matrix.stack }}-renewal"
    assert job["environment"] != next(iter(up["jobs"].values()))["environment"]


def test_actionlint_has_nothing_to_say() -> None:
    command = [found] if (found := shutil.which("actionlint")) else ["go", "run", ACTIONLINT]
    files = [str(file) for file in sorted(WORKFLOWS.glob("*.yml"))]
    done = subprocess.run([*command, "-no-color", *files], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _assert_passed(done: list[subprocess.CompletedProcess[str]]) -> None:
    assert done
    for each in done:
        assert each.returncode == 0, f"{each.stdout}\n{each.stderr}"

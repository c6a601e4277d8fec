"""`imagepull renew` on a real API server that goes away, that deletes a namespace meanwhile, or that slept."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from imagepull.kubernetes.client import Cluster
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import EcrToken, TokenRequest, TokenSource
from imagepull.registries.lifetimes import Lifetime
from imagepull.renewal import cron_job, document, renewer
from imagepull.renewal.settings import CronJobSettings
from imagepull.renewal.state import make_document
from lab.lifecycle import Lab
from lab.processes import wait_until
from tests.pulumi_project import PulumiProject
from tests.stack.gate import gate_to
from tests.stack.programs import US, auths, pull_secret
from tests.stack.test_renew import renew

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]
Read = Callable[[str, str], dict[str, Any] | None]


def passwords(lab: Lab, namespaces: list[str]) -> list[str]:
    """The token in each namespace's Secret `pull`, by one request."""
    name = "--field-selector=metadata.name=pull"
    found = json.loads(lab.kubectl("get", "secrets", "--all-namespaces", name, "--output=json"))["items"]
    return [auths(one)[US]["password"] for one in found if one["metadata"]["namespace"] in namespaces]


def test_a_run_that_is_cut_short_leaves_good_tokens_and_the_next_heals(
    lab: Lab, project: Project, namespaces: Namespaces
) -> None:
    names = namespaces(40)
    stack = project(pull_secret(names, US, renewal="external"))
    stack.up()
    (first,) = set(passwords(lab, names))

    # Each patch has over 5 kB: some are written, and some are not.
    with gate_to(lab.kubeconfig, stack.folder, shut_after=100_000) as (gate, kubeconfig):
        done = renew(stack, "--now", "--kubeconfig", str(kubeconfig))
        assert gate.is_shut.is_set()

    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    issued = {token.password for token in lab.ecr.issued()}
    left = passwords(lab, names)
    assert len(left) == len(names)
    assert set(left) <= issued
    assert first in left
    assert len(set(left)) == 2, "a part was renewed"

    assert renew(stack, "--now").returncode == 0
    assert len(set(passwords(lab, names))) == 1
    stack.preview("--refresh", "--expect-no-changes")


def test_a_namespace_that_is_deleted_during_the_run_is_told_and_the_others_are_renewed(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    a, gone = namespaces(2)
    stack = project(pull_secret([a, gone], US, renewal="external"))
    stack.up()
    now = datetime.now(UTC).replace(microsecond=0)

    def ask(request: TokenRequest) -> EcrToken:
        lab.kubectl("delete", "namespace", gone, "--timeout=120s")
        credential = Credential(username="AWS", password="given meanwhile")
        return EcrToken(credential=credential, lifetime=Lifetime(issued=now, expires=now + timedelta(hours=12)))

    async def run() -> list[renewer.SecretResult]:
        exported = stack.pulumi("stack", "export", "--show-secrets").stdout
        cluster = Cluster.connect(str(lab.kubeconfig), None)
        try:
            secrets = document.parse(make_document(exported))
            return await renewer.renew(cluster, TokenSource(ask), secrets, renewer.Options(now=True))
        finally:
            await cluster.close()

    (result,) = asyncio.run(run())

    assert result.renewed == [a]
    assert [each.namespace for each in result.failures] == [gone]
    assert auths(secret("pull", a))[US]["password"] == "given meanwhile"


def test_a_cluster_that_slept_over_the_schedule_starts_the_renewer_when_it_wakes(
    lab: Lab, namespaces: Namespaces
) -> None:
    (home,) = namespaces(1)
    missed = datetime.now(UTC) - timedelta(minutes=30)
    settings = CronJobSettings(namespace=home, schedule=f"{missed.minute} {missed.hour} * * *")
    objects = cron_job.make_objects(
        settings, "example.com/renewer:1", "pull", "a/b/c", document="", digest="", digest_key=""
    )
    asleep = {**objects.cron_job, "spec": {**objects.cron_job["spec"], "suspend": True}}
    file = lab.layout.folder / "cron-job.json"
    file.write_text(json.dumps(asleep))
    lab.kubectl("create", f"--filename={file}")
    name = objects.cron_job["metadata"]["name"]
    place = ["cronjob", name, f"--namespace={home}", "--type=merge"]
    before = (missed - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lab.kubectl("patch", *place, "--subresource=status", f'--patch={{"status": {{"lastScheduleTime": "{before}"}}}}')
    assert lab.kubectl("get", "jobs", f"--namespace={home}", "--output=name") == ""

    lab.kubectl("patch", *place, '--patch={"spec": {"suspend": false}}')

    assert wait_until(lambda: lab.kubectl("get", "jobs", f"--namespace={home}", "--output=name") != "", timeout=60)
    told = json.loads(lab.kubectl("get", "jobs", f"--namespace={home}", "--output=json"))["items"]
    assert [one["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] for one in told] == [
        missed.strftime("%Y-%m-%dT%H:%M:00Z")
    ]
    lab.kubectl("delete", "cronjob", name, f"--namespace={home}")

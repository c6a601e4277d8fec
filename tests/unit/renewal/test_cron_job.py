"""`imagepull.renewal.cron_job` and its settings: the manifests as a golden file, and what the settings refuse."""

from typing import Any

import pytest

from imagepull.errors import InvalidInput
from imagepull.renewal import cron_job
from imagepull.renewal.cron_job import CronJobObjects
from imagepull.renewal.settings import CronJobSettings, Scope, parse_cron_job
from tests.golden import as_json, assert_golden

ROLE = "arn:aws:iam::123456789012:role/pull"
IMAGE = "ghcr.io/example/imagepull-renewer:1@sha256:" + "0" * 64


def objects(settings: CronJobSettings, secret_name: str = "registry-access") -> CronJobObjects:
    return cron_job.make_objects(
        settings,
        IMAGE,
        secret_name,
        "shop/prod/registry-access",
        document="{}\n",
        digest="abc",
        digest_key="hunter2",
    )


def pod(manifest: Any) -> Any:
    spec = manifest["spec"].get("jobTemplate", manifest)["spec"]
    return spec["template"]["spec"]


def test_manifests_are_the_golden_ones() -> None:
    made = objects(CronJobSettings(role_arn=ROLE, env={"HTTPS_PROXY": "http://proxy:3128"}))
    role, binding = cron_job.make_cluster_rights("registry-access", "registry-access-renewal")
    assert_golden("renewal-cron-job.json", as_json({**vars(made), "cluster_role": role, "cluster_binding": binding}))


def test_the_pod_is_restricted_and_has_limits() -> None:
    made = objects(CronJobSettings())
    for manifest in (made.cron_job, made.first_job):
        (container,) = pod(manifest)["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert pod(manifest)["securityContext"]["runAsNonRoot"]
        assert container["resources"]["limits"]["memory"]


def test_the_first_job_renews_at_once_and_the_cron_job_what_is_due() -> None:
    made = objects(CronJobSettings())
    assert "--now" in pod(made.first_job)["containers"][0]["args"]
    assert "--now" not in pod(made.cron_job)["containers"][0]["args"]


def test_the_key_of_the_digests_is_in_a_secret_only() -> None:
    made = vars(objects(CronJobSettings()))
    assert [name for name, manifest in made.items() if "hunter2" in str(manifest)] == ["key_secret"]


def test_a_static_key_comes_from_a_secret_and_not_from_the_program() -> None:
    (container,) = pod(objects(CronJobSettings(credentials_secret="aws-key")).cron_job)["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "aws-key"}}]


def test_a_namespace_of_ones_own_is_not_made() -> None:
    assert objects(CronJobSettings(namespace="ops")).namespace_object is None
    made = objects(CronJobSettings()).namespace_object
    assert made is not None
    assert made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("secret_name", ["a", "registry.access", "a" * 253, "x" * 43 + "-" + "y" * 30])
def test_names_fit_a_cron_job_and_a_namespace(secret_name: str) -> None:
    name = cron_job.make_default_name(secret_name)
    assert len(name) <= 52
    assert name.strip("-.") == name
    assert "." not in name


@pytest.mark.parametrize(
    ("schedule", "seconds"), [(None, 7200), ("* * * * *", 200), ("0 */6 * * *", 7200), ("*/20 * * * *", 1200)]
)
def test_a_start_may_be_late_until_the_next_one(schedule: str | None, seconds: int) -> None:
    made = objects(CronJobSettings(schedule=schedule)).cron_job
    assert made["spec"]["startingDeadlineSeconds"] == seconds


def test_settings_are_parsed() -> None:
    values = {
        "image": IMAGE,
        "scope": "cluster",
        "schedule": "5 * * * *",
        "timeZone": "Europe/Berlin",
        "env": {"A": "b"},
    }
    settings = parse_cron_job(values)
    assert (settings.scope, settings.schedule, settings.env) == (Scope.CLUSTER, "5 * * * *", {"A": "b"})


@pytest.mark.parametrize(
    ("values", "path", "reason"),
    [
        ({"image": "UPPER:x:y"}, "cron_job.image", "is no image reference"),
        ({"schedule": "* * *"}, "cron_job.schedule", "a cron schedule of five fields"),
        ({"schedule": "61 * * * *"}, "cron_job.schedule", "as its minute, which may be from 0 to 59"),
        ({"schedule": "0 0 30 2 *"}, "cron_job.schedule", "never starts"),
        ({"timeZone": "Europe/Atlantis"}, "cron_job.timeZone", "is in no time zone database"),
        ({"roleArn": "pull"}, "cron_job.roleArn", "a role's ARN"),
        ({"roleArn": ROLE, "credentialsSecret": "key"}, "cron_job.roleArn", "not both"),
        ({"scope": "world"}, "cron_job.scope", "one of namespaces, cluster"),
        ({"shedule": "* * * * *"}, "cron_job.shedule", "is schedule meant?"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, object], path: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_cron_job(values, "cron_job")
    assert any(problem.path == path and reason in problem.reason for problem in caught.value.problems), caught.value

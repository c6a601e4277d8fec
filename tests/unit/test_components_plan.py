"""What the image pull plan says below itself: findings before any Pod fails."""

import re
from collections.abc import Sequence
from typing import Any

import pulumi
import pytest

from components import Deployment, RegistryAccess, image_pull_plan
from imagepull.pull_plan.explicit import ResolvedImage
from imagepull.pull_plan.findings import Finding, Severity
from tests.pulumi_mocks import declared, unknown

HOST = "registry.example.com"


def printed(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of the plan as printed, without those of the table."""
    (plan,) = [record.getMessage() for record in caplog.records if "Image pull plan" in record.getMessage()]
    return re.sub("<{%.*?%}>", "", plan.partition("\n\n")[2]).splitlines()


def program(image: str, *, namespaces: Any = ("shop",), verifier: Any = None) -> None:
    access = RegistryAccess(
        "pull", registries=[{"host": HOST, "username": "a", "password": "b"}], namespaces=namespaces
    )
    web = Deployment("web", image=image, namespace="tools", access=access)
    image_pull_plan(web, access=[access], verifier=verifier)


class Registry:
    """Answers with a finding of this severity about every image."""

    def __init__(self, severity: Severity) -> None:
        self._severity = severity

    async def list_findings(self, images: Sequence[ResolvedImage]) -> list[Finding]:
        return [Finding(severity=self._severity, code="image-absent", image=image, text="gone") for image in images]


def test_secret_that_is_not_in_the_namespace_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    declared(lambda: program(f"{HOST}/web:1.0.0"))

    (line,) = printed(caplog)
    assert line.startswith("error: tools/Deployment/web")
    assert " but not in the Pod's, tools: a Pod uses Secrets of its own namespace only" in line


def test_nothing_is_told_where_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    declared(lambda: program(f"{HOST}/web:1.0.0", namespaces=["tools"]))

    assert printed(caplog) == []


def test_nothing_is_told_of_namespaces_that_are_not_known_yet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    declared(lambda: program(f"{HOST}/web:1.0.0", namespaces=unknown()), preview=True)

    assert printed(caplog) == ["Secret pull is renewed by `pulumi up`: run it within 12 hours"]


def test_looked_up_warning_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    declared(lambda: program(f"{HOST}/web:1.0.0", namespaces=["tools"], verifier=Registry(Severity.WARNING)))

    (line,) = printed(caplog)
    assert line.startswith("warning: tools/Deployment/web")
    assert line.endswith("gone")


def test_looked_up_error_fails_the_run(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    with pytest.raises(pulumi.RunError, match="images that cannot be pulled"):
        declared(lambda: program(f"{HOST}/web:1.0.0", namespaces=["tools"], verifier=Registry(Severity.ERROR)))

    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"][:1]
    assert "gone" in told

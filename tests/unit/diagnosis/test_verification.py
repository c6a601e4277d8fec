"""`--verify`: what a registry says makes an answer certain; what it does not say changes nothing."""

from typing import Any

import pytest

from imagepull.causes.table import Confidence
from imagepull.diagnosis import verification
from imagepull.diagnosis.answers import Diagnosis
from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.near import find_nearest_names
from imagepull.diagnosis.rules import diagnose
from imagepull.diagnosis.verification import verify_answers
from imagepull.errors import CredentialError
from tests.unit.diagnosis.rows import rows


class Refusal(Exception):
    """As botocore's ClientError: with the code in `response`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


class Ecr:
    """ECR's API with one repository, `shop/web`, or one that refuses everything."""

    def __init__(self, tags: tuple[str, ...], refusal: str = "") -> None:
        self.tags, self.refusal = tags, refusal

    def describe_images(self, *, repositoryName: str, imageIds: Any = None, **_: object) -> dict[str, Any]:
        if self.refusal:
            raise Refusal(self.refusal)
        if repositoryName != "shop/web":
            raise Refusal("RepositoryNotFoundException")
        if imageIds and imageIds[0].get("imageTag") not in self.tags:
            raise Refusal("ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": "sha256:00", "imageTags": list(self.tags)}]}

    def describe_repositories(self, **_: object) -> dict[str, Any]:
        return {"repositories": [{"repositoryName": "shop/web"}, {"repositoryName": "shop/api"}]}


def verified(monkeypatch: pytest.MonkeyPatch, name: str, ecr: Ecr) -> Diagnosis:
    monkeypatch.setattr(verification, "_open_ecr_client", lambda *_: ecr)
    return verify_answers(diagnose(parse_case(rows()[name])), {})[0]


def test_an_absent_tag_is_certain_and_the_nearest_tags_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = verified(monkeypatch, "tag-absent-ecr", Ecr(("1.0", "2.0", "9.8")))
    assert (found.code, found.confidence) == ("tag-absent", Confidence.CERTAIN)
    assert "(there are: 9.8, " in found.fix


def test_an_absent_repository_is_certain_and_the_nearest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = verified(monkeypatch, "repository-absent-ecr", Ecr(("1.0",)))
    assert (found.code, found.confidence) == ("repository-absent", Confidence.CERTAIN)
    assert "there are: shop/" in found.fix


def test_what_ecr_does_not_say_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    before = diagnose(parse_case(rows()["tag-absent-ecr"]))[0]
    after = verified(monkeypatch, "tag-absent-ecr", Ecr((), refusal="AccessDeniedException"))
    assert (after.code, after.confidence, after.cause, after.fix) == (
        before.code,
        before.confidence,
        before.cause,
        before.fix,
    )
    assert after.evidence[-1] == "ECR does not say (AccessDeniedException)"


def test_an_image_that_is_there_by_now_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    image = diagnose(parse_case(rows()["tag-absent-ecr"]))[0].image
    found = verified(monkeypatch, "tag-absent-ecr", Ecr((image.rpartition(":")[2],)))
    assert (found.code, found.confidence) == ("image-there-now", Confidence.LIKELY)
    assert found.evidence[-1].startswith("asked now, ECR has ")


def test_without_an_aws_principal_the_answer_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise CredentialError("host", "there is no AWS credential", "sign in")

    monkeypatch.setattr(verification, "_open_ecr_client", refuse)
    (found,) = verify_answers(diagnose(parse_case(rows()["tag-absent-ecr"])), {})
    assert found.code == "image-absent"
    assert "there is no AWS credential" in found.evidence[-1]


def test_causes_that_no_registry_knows_more_of_are_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_ask", None)
    answers = diagnose(parse_case(rows()["dns-nxdomain"]))
    assert verify_answers(answers, {}) == answers


def test_the_nearest_name_comes_first_and_five_are_enough() -> None:
    assert find_nearest_names("1.10", ["2.0", "1.1", "1.11", ""])[0] in ("1.1", "1.11")
    assert len(find_nearest_names("a", [str(number) for number in range(50)])) == 5

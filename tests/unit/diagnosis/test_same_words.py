"""What a plan says before a Pod fails is what the diagnosis says of that Pod afterwards."""

import string

import pytest

from imagepull.causes.table import as_clause, get_cause, list_causes
from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.rules import diagnose
from imagepull.images.reference import parse
from imagepull.pull_plan.access import PlannedAccess, PodAccess
from imagepull.pull_plan.findings import collect_findings
from imagepull.pull_plan.plan import Plan
from imagepull.registries.aws_errors import explain_code
from imagepull.verify.facts import make_absent
from lab.layout import CHECKOUT
from tests.resolved_images import row
from tests.unit.diagnosis.rows import rows

LONG_ENOUGH = 30
"""Characters from which on a piece of a sentence is not there by chance."""
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("name", "secret", "host", "namespace", "accounts"),
    [
        ("bare-ecr-host", "registry-access", HOST, "{}", ("default",)),
        ("key-port", "pull", f"{HOST}:443", "{}", ("default",)),
        ("secret-other-namespace", "registry-access", HOST, "{}-other", ("default",)),
        ("pod-own-list", "registry-access", HOST, "{}", ("default",)),
        ("no-pull-secret-basic-registry", "registry-access", "harbor.corp.test", "{}", ("ci",)),
        ("invalid-name-1", "registry-access", HOST, "{}", ("default",)),
    ],
)
def test_a_plan_finds_the_fault_with_the_code_and_words_of_the_diagnosis(
    name: str, secret: str, host: str, namespace: str, accounts: tuple[str, ...]
) -> None:
    (said,) = diagnose(parse_case(rows()[name]))
    listed = tuple(each["name"] for each in rows()[name]["pod"]["spec"].get("imagePullSecrets", []))
    place = namespace.format(said.namespace)
    access = PlannedAccess(secret=secret, hosts=(host,), namespaces=(place,), service_accounts=accounts)
    image = row(said.image, namespace=said.namespace)
    pod = PodAccess(workload=image.workload, namespace=said.namespace, pull_secrets=listed)
    found = collect_findings(Plan(images=(image,), accesses=(access,), pods=(pod,)))
    assert (said.code, as_clause(said.cause)) in [(finding.code, finding.text) for finding in found]


def test_an_image_that_a_look_up_does_not_find_is_told_as_the_diagnosis_tells_it() -> None:
    (said,) = diagnose(parse_case(rows()["tag-absent-ecr"]))
    told = make_absent(parse(said.image))
    assert (told.code, told.text) == (said.code, as_clause(said.cause))


def test_a_fault_of_aws_has_the_code_and_words_of_the_table() -> None:
    """`pulumi up`, the renewer and look-ups all explain AWS by it."""
    said = explain_code("AccessDeniedException", "User: u is not authorized")
    cause = get_cause(said.code)
    assert (said.cause, said.advice) == (as_clause(cause.cause), as_clause(cause.fix))
    assert {each.code for each in list_causes() if each.group == "aws"} >= {said.code}


def test_no_sentence_of_the_table_is_written_a_second_time() -> None:
    files = [file for folder in ("imagepull", "components", "provider") for file in (CHECKOUT / folder).rglob("*.py")]
    code = "\n".join(file.read_text() for file in files).lower()
    twice = [
        piece
        for cause in list_causes()
        for sentence in (cause.cause, cause.fix, cause.clause)
        for literal, *_ in string.Formatter().parse(sentence)
        if len(piece := literal.strip(" .,;:").lower()) > LONG_ENOUGH and piece in code
    ]
    assert twice == []

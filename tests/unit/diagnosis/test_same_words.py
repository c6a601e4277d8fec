"""What a plan says before a Pod fails is what the diagnosis says of that Pod afterwards."""

import pytest

from imagepull.causes.table import as_clause
from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.rules import diagnose
from imagepull.pull_plan.access import PlannedAccess, PodAccess
from imagepull.pull_plan.findings import collect_findings
from imagepull.pull_plan.plan import Plan
from tests.resolved_images import row
from tests.unit.diagnosis.rows import rows

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("name", "secret", "host", "namespace"),
    [
        ("bare-ecr-host", "registry-access", HOST, "{}"),
        ("key-port", "pull", f"{HOST}:443", "{}"),
        ("secret-other-namespace", "registry-access", HOST, "{}-other"),
        ("pod-own-list", "registry-access", HOST, "{}"),
    ],
)
def test_a_plan_finds_the_fault_in_the_words_of_the_diagnosis(
    name: str, secret: str, host: str, namespace: str
) -> None:
    (said,) = diagnose(parse_case(rows()[name]))
    listed = tuple(each["name"] for each in rows()[name]["pod"]["spec"].get("imagePullSecrets", []))
    access = PlannedAccess(secret=secret, hosts=(host,), namespaces=(namespace.format(said.namespace),))
    image = row(said.image, namespace=said.namespace)
    pod = PodAccess(workload=image.workload, namespace=said.namespace, pull_secrets=listed)
    found = collect_findings(Plan(images=(image,), accesses=(access,), pods=(pod,)))
    assert as_clause(said.cause) in [finding.text for finding in found]

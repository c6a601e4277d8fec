"""The image pull plan knows that the nodes open images, and for whom."""

from datetime import UTC, datetime

from imagepull.images.pull_policy import PullPolicy
from imagepull.pull_plan.access import NODE, PlannedAccess, PodAccess
from imagepull.pull_plan.explicit import ResolvedImage
from imagepull.pull_plan.findings import collect_findings
from imagepull.pull_plan.plan import Plan, as_table

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
EVERYBODY = PlannedAccess(secret=NODE, hosts=(HOST,), namespaces=("shop",), service_accounts=("*",), expires=None)
BY_ROLE = PlannedAccess(secret=NODE, hosts=(HOST,), namespaces=("shop",), service_accounts=("web",), expires=None)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def plan(access: PlannedAccess, namespace: str, account: str = "default", *secrets: str) -> Plan:
    image = ResolvedImage(
        workload="Deployment/web",
        namespace=namespace,
        container="web",
        image=f"{HOST}/web:1.0.0",
        policy=PullPolicy.IF_NOT_PRESENT,
        reason="tag is 1.0.0",
        path="spec.containers[0]",
    )
    pod = PodAccess(workload="Deployment/web", namespace=namespace, pull_secrets=secrets, service_account=account)
    return Plan(images=(image,), accesses=(access,), pods=(pod,))


def codes(plan: Plan) -> list[str]:
    return [found.code for found in collect_findings(plan) if found.code.startswith(("secret", "no-", "not-in-role"))]


def test_the_nodes_role_opens_images_of_every_pod() -> None:
    for seen in (plan(EVERYBODY, "shop"), plan(EVERYBODY, "elsewhere", "other"), plan(EVERYBODY, "shop", "web", "x")):
        assert codes(seen) == []
        assert seen.as_data()[0]["node"] is True
        assert "secret" not in seen.as_data()[0]
        assert as_table(seen, NOW).splitlines()[2].endswith("  the node")


def test_a_role_opens_images_of_its_service_accounts_only() -> None:
    assert codes(plan(BY_ROLE, "shop", "web")) == []
    assert codes(plan(BY_ROLE, "shop", "default")) == ["not-in-role"]
    assert codes(plan(BY_ROLE, "elsewhere", "web")) == ["not-in-role"]
    assert "node" not in plan(BY_ROLE, "shop", "default").as_data()[0]


def test_findings_say_what_to_write() -> None:
    (told,) = [str(one) for one in collect_findings(plan(BY_ROLE, "shop", "default")) if one.code == "not-in-role"]
    assert told.endswith(
        "the nodes open this image with a role that its ServiceAccount default does not have;"
        " add default to the service_accounts of the access by the node"
    )


def test_nothing_is_to_be_renewed() -> None:
    assert EVERYBODY.describe_renewal(NOW) == f"{HOST}: opened by the nodes, nothing to renew"

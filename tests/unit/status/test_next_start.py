"""Which entry the kubelet tries first, whose it is, until when; and what fails at the next start, or soon."""

from datetime import timedelta
from typing import Any

import pytest

from imagepull.diagnosis.objects import Pod
from imagepull.renewal import document
from imagepull.report.matrix import make_matrix
from imagepull.status.assemble import assemble
from imagepull.status.inventory import Inventory, RunningRenewer
from imagepull.status.metrics import as_metrics
from imagepull.status.model import OpenedBy, Pull, StartOutcome, Status
from imagepull.status.next_start import Explanation, Start
from imagepull.status.renewers import list_renewers
from imagepull.status.text import describe_opening
from tests.unit.status.cluster import ECR, NOW, ROLE, account, deployment, inventory, node, pod, pull_secret

IMAGE = f"{ECR}/shop/web:1.0"
HOURS = 3600.0


def explain(start: Start) -> Explanation:
    return Explanation(code="told", confidence="certain", cause=f"{start.image} is refused.", fix="Mend it.")


def status(found: Inventory, within: float = 6 * HOURS) -> Status:
    return assemble(found, within, explain=explain, fails_now=lambda pod: {})


def only(found: Inventory, within: float = 6 * HOURS) -> Pull:
    (pull,) = status(found, within).pulls
    return pull


def web(**more: Any) -> Any:
    return deployment("web", IMAGE, **more)


def test_first_entry_is_told_with_its_owner_and_expiry() -> None:
    secret = pull_secret("access", ECR, hours_left=9, owned_by="shop/prod/access")
    pull = only(inventory(workloads=[web()], secrets=[secret], accounts=[account("default", "access")]))
    assert pull.outcome is StartOutcome.FINE
    assert (pull.opened_by, pull.secret, pull.key) == (OpenedBy.SECRET, "access", ECR)
    assert pull.owner == "shop/prod/access"
    assert pull.expires == NOW + timedelta(hours=9)
    assert pull.template


def test_first_of_two_secrets_in_the_order_of_the_pod() -> None:
    secrets = [pull_secret("one", ECR, hours_left=9), pull_secret("two", ECR, hours_left=10)]
    pull = only(inventory(workloads=[web(secrets=["two", "one"])], secrets=secrets))
    assert pull.secret == "two"
    assert pull.expires == NOW + timedelta(hours=10)


def test_a_path_beats_its_host() -> None:
    secrets = [pull_secret("host", ECR), pull_secret("path", f"{ECR}/shop")]
    assert only(inventory(workloads=[web(secrets=["host", "path"])], secrets=secrets)).secret == "path"


def test_a_dead_entry_before_a_living_one_does_not_fail() -> None:
    secrets = [pull_secret("dead", ECR, hours_left=-1), pull_secret("alive", ECR, hours_left=9)]
    pull = only(inventory(workloads=[web(secrets=["dead", "alive"])], secrets=secrets))
    assert (pull.secret, pull.outcome) == ("dead", StartOutcome.FINE)


FAILING = {
    "secret absent": inventory(workloads=[web(secrets=["gone"])], secrets=[]),
    "secret expired": inventory(
        workloads=[web(secrets=["access"])], secrets=[pull_secret("access", ECR, hours_left=-1)]
    ),
    "account without it": inventory(
        workloads=[web()], secrets=[pull_secret("access", ECR)], accounts=[account("default")]
    ),
    "pod older than the list": inventory(
        pods=[pod("worker", IMAGE)], secrets=[pull_secret("access", ECR)], accounts=[account("default", "access")]
    ),
    "cached here only": inventory(pods=[pod("worker", IMAGE)], nodes=[node("one", IMAGE), node("two")]),
    "never": inventory(workloads=[web(policy="Never")], nodes=[node("one")]),
    "key that does not match": inventory(
        workloads=[web(secrets=["access"])], secrets=[pull_secret("access", f"{ECR}:443")]
    ),
    "wrong type": inventory(workloads=[web(secrets=["access"])], secrets=[pull_secret("access", ECR, type_="Opaque")]),
    "malformed": inventory(
        workloads=[web(secrets=["access", "broken"])],
        secrets=[pull_secret("access", ECR), pull_secret("broken", ECR, content=b'{"auths":{"ghcr.io":{"auth":"%"}}}')],
    ),
    "no reference": inventory(workloads=[deployment("web", "https://ghcr.io/app")]),
    "annotation without a role": inventory(workloads=[web()], accounts=[account("default", role="")]),
    "annotation with a key in place of a role": inventory(
        workloads=[web()], accounts=[account("default", role="AKIAIOSFODNN7EXAMPLE")], audience_granted=True
    ),
    "kubelets may not ask for its token": inventory(
        workloads=[web()],
        accounts=[account("default", role=ROLE)],
        audience_granted=False,
        nodes=[node("one", kubelet="v1.36.3-eks-aeac579")],
    ),
}


@pytest.mark.parametrize("case", FAILING.values(), ids=list(FAILING))
def test_fails_at_next_start(case: Inventory) -> None:
    pull = only(case)
    assert pull.outcome is StartOutcome.FAILS_NEXT_START
    assert pull.cause


def test_cached_here_only_names_the_node() -> None:
    pull = only(FAILING["cached here only"])
    assert pull.confidence == "likely"
    assert "Node one has the image" in pull.cause


FINE = {
    "public": inventory(workloads=[deployment("web", "ghcr.io/owner/app:1")]),
    "official image with an absent Secret": inventory(workloads=[deployment("web", "nginx:1", secrets=["gone"])]),
    "node of EKS": inventory(workloads=[web()], nodes=[node("one", kubelet="v1.31.4-eks-aeac579")]),
    "another Pod pulled without a Secret": inventory(
        workloads=[web()],
        pods=[pod("a", f"{ECR}/other:1", policy="Always")],
    ),
    "does not expire": inventory(
        workloads=[web(secrets=["access"])], secrets=[pull_secret("access", ECR, hours_left=None)]
    ),
    "never, on every node": inventory(workloads=[web(policy="Never")], nodes=[node("one", IMAGE), node("two", IMAGE)]),
    "never, where a node lists fifty others": inventory(
        workloads=[web(policy="Never")], nodes=[node("one", *(f"a/{number}:1" for number in range(50)))]
    ),
    "running, and its node keeps the image": inventory(pods=[pod("worker", IMAGE, policy="Never")]),
    "its account has a role": inventory(
        workloads=[web()], accounts=[account("default", role=ROLE)], audience_granted=True
    ),
    "its account has a role, and the right to its token may not be read": inventory(
        workloads=[web()], accounts=[account("default", role=ROLE)]
    ),
    "its Secret is dead, and its account has a role": inventory(
        workloads=[web(secrets=["access"])],
        secrets=[pull_secret("access", ECR, hours_left=-1)],
        accounts=[account("default", role=ROLE)],
        audience_granted=True,
    ),
    "its account's role is unfit, and the node's own opens the registry": inventory(
        workloads=[web()],
        pods=[pod("a", f"{ECR}/other:1", policy="Always", account="other")],
        accounts=[account("default", role=ROLE), account("other")],
        audience_granted=False,
    ),
    "a role is not for other registries": inventory(
        workloads=[deployment("web", "ghcr.io/owner/app:1")],
        accounts=[account("default", role="")],
        audience_granted=False,
    ),
}


@pytest.mark.parametrize("case", FINE.values(), ids=list(FINE))
def test_is_fine(case: Inventory) -> None:
    assert {pull.outcome for pull in status(case).pulls} == {StartOutcome.FINE}


def test_who_opens_without_a_secret() -> None:
    assert only(FINE["public"]).opened_by is OpenedBy.NOBODY
    assert only(FINE["node of EKS"]).opened_by is OpenedBy.NODE
    by_role = only(FINE["its account has a role"])
    assert (by_role.opened_by, by_role.owner, by_role.secret) == (OpenedBy.NODE, ROLE, "")
    assert describe_opening(by_role) == "the node, as role/puller"
    (_, cells) = make_matrix([by_role]).rows[0]
    assert [cell and (cell.opened_by, cell.outcome) for cell in cells] == [
        (("the node, as role/puller",), StartOutcome.FINE)
    ]
    assert 'imagepull_image_pulls{outcome="fine"} 1' in as_metrics(status(FINE["its account has a role"]))


def test_what_an_accounts_role_opens_is_not_open_to_others() -> None:
    """A Pod that runs by its account's role proves nothing of the node's own credential."""
    case = inventory(
        workloads=[web()],
        pods=[pod("a", IMAGE, policy="Always", account="puller")],
        accounts=[account("default"), account("puller", role=ROLE)],
        audience_granted=True,
    )
    outcomes = {pull.workload: (pull.outcome, pull.opened_by) for pull in status(case).pulls}
    assert outcomes == {
        "Deployment/web": (StartOutcome.FAILS_NEXT_START, OpenedBy.NOBODY),
        "Pod/a": (StartOutcome.FINE, OpenedBy.NODE),
    }


SOON = {
    "by hand": pull_secret("access", ECR, hours_left=2, owned_by="shop/prod/access"),
    "nobody": pull_secret("access", ECR, hours_left=2),
    "renewer that is late": pull_secret(
        "access", ECR, hours_left=2, controller="ExternalSecret/pull", written=NOW - timedelta(hours=10)
    ),
}


@pytest.mark.parametrize("secret", SOON.values(), ids=list(SOON))
def test_fails_soon(secret: Any) -> None:
    pull = only(inventory(workloads=[web(secrets=["access"])], secrets=[secret]))
    assert pull.outcome is StartOutcome.FAILS_SOON
    assert pull.fails_at == NOW + timedelta(hours=2)
    assert "expires in 2.0 hours" in pull.cause
    assert pull.fix


def test_what_renews_by_itself_does_not_fail_soon() -> None:
    written = NOW - timedelta(hours=5)
    external = pull_secret("access", ECR, hours_left=5, controller="ExternalSecret/pull", written=written)
    case = inventory(workloads=[web(secrets=["access"])], secrets=[external])
    assert only(case).outcome is StartOutcome.FINE
    assert status(case).tokens[0].renewer.title == "ExternalSecret pull"
    ours = pull_secret("access", ECR, hours_left=5, owned_by="shop/prod/access", written=written)
    renewals = {("shop", "access"): RunningRenewer(title="CronJob imagepull/renew")}
    assert (
        only(inventory(workloads=[web(secrets=["access"])], secrets=[ours], renewals=renewals)).outcome
        is StartOutcome.FINE
    )
    stopped = {("shop", "access"): RunningRenewer(title="CronJob imagepull/renew", stopped=True)}
    case = inventory(workloads=[web(secrets=["access"])], secrets=[ours], renewals=stopped)
    assert only(case).outcome is StartOutcome.FAILS_SOON


def test_within_is_the_limit() -> None:
    case = inventory(workloads=[web(secrets=["access"])], secrets=[SOON["nobody"]])
    assert only(case, within=1 * HOURS).outcome is StartOutcome.FINE
    assert only(case, within=3 * HOURS).outcome is StartOutcome.FAILS_SOON


def test_what_may_not_be_read_is_not_taken_to_be_absent() -> None:
    for case in (
        inventory(workloads=[web(secrets=["access"])], secrets=None),
        inventory(workloads=[web()], accounts=None),
        inventory(pods=[pod("worker", IMAGE)], accounts=None),
        inventory(workloads=[web(secrets=["access"])], secrets=None, accounts=[account("default", role="")]),
    ):
        pull = only(case)
        assert (pull.outcome, pull.opened_by) == (StartOutcome.UNKNOWN, OpenedBy.UNKNOWN)
        assert "may not be read" in pull.cause


def test_pods_of_a_workload_are_one_row_with_its_template() -> None:
    case = inventory(
        workloads=[web()],
        pods=[pod(name, IMAGE, owner="ReplicaSet/web-5d4", secrets=["access"]) for name in ("web-a", "web-b")],
        secrets=[pull_secret("access", ECR)],
        accounts=[account("default", "access")],
        controllers={("shop", "ReplicaSet/web-5d4"): "Deployment/web"},
    )
    pull = only(case)
    assert pull.workload == "Deployment/web"
    assert pull.pods == ("web-a", "web-b")
    assert pull.template


def test_a_pod_that_asks_the_registry_is_judged_by_its_own_list() -> None:
    """Always, and older than the list: its container's next start fails, its replacement does not."""
    case = inventory(
        workloads=[web(policy="Always")],
        pods=[
            pod("web-old", IMAGE, policy="Always", owner="ReplicaSet/web-5d4", secrets=["gone"]),
            pod("web-new", IMAGE, policy="Always", owner="ReplicaSet/web-5d4", secrets=["access"]),
        ],
        secrets=[pull_secret("access", ECR)],
        accounts=[account("default", "access")],
        controllers={("shop", "ReplicaSet/web-5d4"): "Deployment/web"},
    )
    first, second = status(case).pulls
    assert (first.outcome, first.pods, first.template) == (StartOutcome.FAILS_NEXT_START, ("web-old",), False)
    assert (second.outcome, second.pods, second.template) == (StartOutcome.FINE, ("web-new",), True)


def test_what_fails_now_is_the_worst_and_keeps_its_secret() -> None:
    waiting = pod("web-a", IMAGE, secrets=["access"], waiting=("ImagePullBackOff", "Back-off"), running=False)
    told = Explanation(code="image-absent", confidence="certain", cause="There is no tag 1.0.", fix="Push it.")

    def fails_now(pod: Pod) -> dict[tuple[str, str], Explanation]:
        return {("app", IMAGE): told}

    case = inventory(pods=[waiting, pod("b", "nginx:1")], secrets=[pull_secret("access", ECR, hours_left=9)])
    found = assemble(case, 6 * HOURS, explain=explain, fails_now=fails_now)
    assert found.pulls[0].outcome is StartOutcome.FAILS_NOW
    assert (found.pulls[0].code, found.pulls[0].secret) == ("image-absent", "access")
    assert found.will_fail == 1
    assert found.counts[StartOutcome.FINE] == 1


@pytest.mark.parametrize(
    ("code", "outcome_of_next"), [("image-absent", StartOutcome.FAILS_NOW), ("pod-before-sa-patch", StartOutcome.FINE)]
)
def test_the_next_pod_of_a_workload_fails_for_what_does_not_lie_in_one_pod(
    code: str, outcome_of_next: StartOutcome
) -> None:
    waiting = pod("web-1", IMAGE, owner="Deployment/web", waiting=("ImagePullBackOff", ""), running=False)
    why = Explanation(code=code, confidence="certain", cause="It is so.", fix="Push it.")
    case = inventory(
        pods=[waiting],
        workloads=[deployment("web", IMAGE, secrets=["access"])],
        secrets=[pull_secret("access", ECR, hours_left=9)],
    )
    pulls = assemble(case, 6 * HOURS, explain=explain, fails_now=lambda _: {("app", IMAGE): why}).pulls
    (of_next,) = [pull for pull in pulls if pull.template]
    assert of_next.outcome is outcome_of_next
    (of_pod,) = [pull for pull in pulls if pull.pods]
    assert of_pod.outcome is StartOutcome.FAILS_NOW
    assert len(pulls) == (1 if code == "image-absent" else 2)


def test_pods_that_have_ended_start_no_more() -> None:
    from dataclasses import replace

    assert status(inventory(pods=[replace(pod("job", IMAGE), phase="Succeeded")])).pulls == ()


def test_tokens_tell_renewer_renewal_and_what_hangs_on_them() -> None:
    secret = pull_secret("access", ECR, hours_left=11, owned_by="shop/prod/access")
    (token,) = status(
        inventory(workloads=[web(secrets=["access"])], pods=[pod("b", IMAGE, secrets=["access"])], secrets=[secret])
    ).tokens
    assert token.renewer.title == "pulumi up"
    assert token.issued == NOW - timedelta(hours=1)
    assert token.renewal == NOW + timedelta(hours=5)
    assert token.workloads == ("Deployment/web", "Pod/b")
    assert token.pods == 1


def test_a_cron_job_is_known_by_its_document() -> None:
    metadata = {"namespace": "imagepull", "name": "access-renewal"}
    told = {"name": "access", "namespaces": ["shop"], "registries": [{"host": ECR}], "refreshBefore": "4h"}
    text = document.encode([document.describe_secret(told, "shop/prod/access", "a1b2")])
    config_maps = [{"metadata": metadata, "data": {document.FILE_NAME: text}}, {"metadata": {"name": "other"}}]
    found = list_renewers(config_maps, [{"metadata": metadata, "spec": {"suspend": False}}])
    assert found == {
        ("shop", "access"): RunningRenewer(title="CronJob imagepull/access-renewal", refresh_before=4 * HOURS)
    }
    assert list_renewers(config_maps, [{"metadata": metadata, "spec": {"suspend": True}}])["shop", "access"].stopped
    assert list_renewers(config_maps, []) == {}
    ours = pull_secret("access", ECR, hours_left=5, owned_by="shop/prod/access")
    (token,) = status(inventory(secrets=[ours], renewals=found)).tokens
    assert token.renewal == NOW + timedelta(hours=1)

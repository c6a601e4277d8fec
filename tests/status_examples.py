"""Statuses to show: a small one with one of everything, and a large one."""

from datetime import UTC, datetime, timedelta
from typing import Final

from imagepull.status.model import OpenedBy, Pull, Renewer, StartOutcome, Status, TokenStatus

__all__ = ["HOSTILE", "NOW", "large_status", "small_status"]

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ECR: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
EUROPE: Final = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
OWNER: Final = "private-images/prod/registry-access"
BY_HAND: Final = Renewer(title="pulumi up", automatic=False)
BY_ITSELF: Final = Renewer(title="CronJob imagepull/renew-registry-access", automatic=True)
HOSTILE: Final = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}</td></script><script>alert(2)</script>"


def small_status() -> Status:
    """One pull of each outcome, three tokens."""
    return Status(
        scope="all namespaces",
        at=NOW,
        within=6 * 3600,
        pulls=tuple(_small_pulls()),
        tokens=tuple(_small_tokens()),
        namespaces=4,
        workloads=7,
        pods=19,
        limits=("namespace vault: its Secrets may not be read; allow list on secrets",),
    )


def large_status(namespaces: int = 1_000, pulls_each: int = 10) -> Status:
    """A token in each of many namespaces, all of one renewal, and some pulls in each."""
    names = [f"team-{number:04}" for number in range(namespaces)]
    pulls = [
        _fine(namespace, f"Deployment/app-{number}", f"{ECR}/team/app-{number}:1.{number}", pods=("a", "b"))
        for namespace in names
        for number in range(pulls_each)
    ]
    tokens = [
        TokenStatus(
            namespace=namespace,
            secret="registry-access",
            key=ECR,
            owner=OWNER,
            renewer=BY_ITSELF,
            issued=NOW - timedelta(hours=3),
            expires=NOW + timedelta(hours=9, seconds=place % 50),
            renewal=NOW + timedelta(hours=3),
            workloads=tuple(f"Deployment/app-{number}" for number in range(pulls_each)),
            pods=2 * pulls_each,
        )
        for place, namespace in enumerate(names)
    ]
    return Status(
        scope="all namespaces",
        at=NOW,
        within=6 * 3600,
        pulls=tuple(pulls),
        tokens=tuple(tokens),
        namespaces=namespaces,
        workloads=namespaces * pulls_each,
        pods=2 * namespaces * pulls_each,
    )


def _small_pulls() -> list[Pull]:
    soon = NOW + timedelta(hours=2)
    return [
        Pull(
            namespace="shop",
            workload="Deployment/web",
            container="web",
            image=f"{ECR}/shop/web:1.4.2",
            registry=ECR,
            policy="IfNotPresent",
            reason="tag is 1.4.2, not latest",
            opened_by=OpenedBy.SECRET,
            outcome=StartOutcome.FAILS_NOW,
            secret="registry-access",
            key=ECR,
            owner=OWNER,
            expires=soon,
            code="image-absent",
            confidence="certain",
            cause="There is no tag 1.4.2 in shop/web; the nearest are 1.4.1 and 1.4.0.",
            fix="Write 1.4.1, or push 1.4.2.",
            pods=("web-59f4bb6dd4-8z74k", "web-59f4bb6dd4-czkc6"),
            template=True,
        ),
        Pull(
            namespace="tools",
            workload="CronJob/tidy",
            container="tidy",
            image=f"{EUROPE}/tools/tidy:latest",
            registry=EUROPE,
            policy="Always",
            reason="tag is latest",
            opened_by=OpenedBy.SECRET,
            outcome=StartOutcome.FAILS_NEXT_START,
            secret="europe",
            key=EUROPE,
            owner="",
            expires=NOW - timedelta(hours=1, minutes=12),
            code="token-expired",
            confidence="certain",
            cause="The ECR token in Secret europe expired 1.2 hours ago.",
            fix="Renew it: kubectl imagepull renew -n tools, or let RegistryAccess write the Secret.",
            template=True,
        ),
        Pull(
            namespace="shop",
            workload="StatefulSet/db",
            container="init migrate",
            image=f"{ECR}/shop/migrate:7",
            registry=ECR,
            policy="IfNotPresent",
            reason="tag is 7, not latest",
            opened_by=OpenedBy.NOBODY,
            outcome=StartOutcome.FAILS_NEXT_START,
            code="pod-before-sa-patch",
            confidence="likely",
            cause="The Pod is older than its ServiceAccount's list: lists are copied when a Pod is created.",
            fix="kubectl rollout restart -n shop statefulset/db",
            pods=("db-0",),
        ),
        Pull(
            namespace="shop",
            workload="Deployment/api",
            container="api",
            image=f"{ECR}/shop/api:2.0",
            registry=ECR,
            policy="IfNotPresent",
            reason="tag is 2.0, not latest",
            opened_by=OpenedBy.SECRET,
            outcome=StartOutcome.FAILS_SOON,
            secret="registry-access",
            key=ECR,
            owner=OWNER,
            expires=soon,
            fails_at=soon,
            code="token-expires",
            confidence="certain",
            cause="The token in Secret registry-access expires in 2.0 hours, and nothing renews it by itself.",
            fix="Run pulumi up of private-images/prod.",
            pods=("api-5bb6bd778d-vvbcl",),
            template=True,
        ),
        Pull(
            namespace="vault",
            workload="Deployment/vault",
            container="vault",
            image=f"{ECR}/vault:1.17",
            registry=ECR,
            policy="IfNotPresent",
            reason="tag is 1.17, not latest",
            opened_by=OpenedBy.UNKNOWN,
            outcome=StartOutcome.UNKNOWN,
            cause="The Secrets of namespace vault may not be read.",
            fix="Allow list on secrets in vault.",
            pods=("vault-0",),
        ),
        _fine("tools", "Pod/worker", f"{EUROPE}/tools/worker:0.9", secret="pull", pods=("worker",)),
        Pull(
            namespace="web",
            workload="Deployment/proxy",
            container="nginx",
            image="nginx:1.29",
            registry="docker.io",
            policy="IfNotPresent",
            reason="tag is 1.29, not latest",
            opened_by=OpenedBy.NOBODY,
            outcome=StartOutcome.FINE,
            pods=tuple(f"proxy-{number}" for number in range(12)),
            template=True,
        ),
    ]


def _small_tokens() -> list[TokenStatus]:
    return [
        TokenStatus(
            namespace="tools",
            secret="europe",
            key=EUROPE,
            owner="",
            renewer=Renewer(title="nobody known", automatic=False),
            issued=NOW - timedelta(hours=13, minutes=12),
            expires=NOW - timedelta(hours=1, minutes=12),
            workloads=("CronJob/tidy",),
        ),
        TokenStatus(
            namespace="shop",
            secret="registry-access",
            key=ECR,
            owner=OWNER,
            renewer=BY_HAND,
            issued=NOW - timedelta(hours=10),
            expires=NOW + timedelta(hours=2),
            renewal=NOW - timedelta(hours=4),
            workloads=("Deployment/api", "Deployment/web"),
            pods=3,
        ),
        TokenStatus(
            namespace="tools",
            secret="pull",
            key=EUROPE,
            owner=OWNER,
            renewer=BY_ITSELF,
            issued=NOW - timedelta(hours=2),
            expires=NOW + timedelta(hours=10),
            renewal=NOW + timedelta(hours=4),
            workloads=("Pod/worker",),
            pods=1,
        ),
        TokenStatus(
            namespace="web",
            secret="hub",
            key="https://index.docker.io/v1/",
            owner="Helm release proxy",
            renewer=BY_HAND,
        ),
    ]


def _fine(namespace: str, workload: str, image: str, *, secret: str = "registry-access", pods: tuple[str, ...]) -> Pull:
    host = image.partition("/")[0]
    return Pull(
        namespace=namespace,
        workload=workload,
        container="app",
        image=image,
        registry=host,
        policy="IfNotPresent",
        reason=f"tag is {image.rpartition(':')[2]}, not latest",
        opened_by=OpenedBy.SECRET,
        outcome=StartOutcome.FINE,
        secret=secret,
        key=host,
        owner=OWNER,
        expires=NOW + timedelta(hours=10),
        pods=pods,
        template=True,
    )

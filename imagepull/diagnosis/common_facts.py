"""The facts of a case that every sentence of the table may name."""

import re
from typing import Final

from imagepull.diagnosis.objects import Case, Missing
from imagepull.diagnosis.symptoms import Symptom
from imagepull.errors import InvalidReference
from imagepull.images.reference import parse
from imagepull.registries.ecr_hosts import parse_host

__all__ = ["collect_case_facts", "make_restart_command"]

_TEMPLATE_HASH: Final = re.compile(r"-[a-z0-9]{5,10}$")
_RESTARTABLE: Final = {"DaemonSet": "daemonset", "StatefulSet": "statefulset"}


def collect_case_facts(case: Case, symptom: Symptom) -> dict[str, str]:
    """Names of the case, and words for what may be unknown; a rule's own facts go before these."""
    pod = case.pod
    return {
        "container": symptom.container.name,
        "image": symptom.image,
        "namespace": pod.namespace,
        "pod": pod.name,
        "account": pod.service_account,
        "node": pod.node or "of the Pod",
        "policy": symptom.policy,
        "restart": make_restart_command(case),
        **_describe_node(case),
        **_describe_image(symptom.image),
        "nearest": "",
        "tags": "",
        "usable": "",
        "public": "",
        "expired": "",
        "password_fault": "",
        "policy_kind": "",
        "principal": "The identity that fetched the token",
        "action": "pull",
        "media": "something else",
        "status": "an error",
    }


def make_restart_command(case: Case) -> str:
    """The command that makes the Pod anew: by its owner where there is one that does it."""
    pod = case.pod
    kind, _, name = pod.owner.partition("/")
    if kind == "ReplicaSet":
        return f"kubectl -n {pod.namespace} rollout restart deployment/{_TEMPLATE_HASH.sub('', name)}"
    if kind in _RESTARTABLE:
        return f"kubectl -n {pod.namespace} rollout restart {_RESTARTABLE[kind]}/{name}"
    return f"kubectl -n {pod.namespace} delete pod {pod.name}"


def _describe_node(case: Case) -> dict[str, str]:
    node = case.node
    if isinstance(node, Missing):
        return {"platform": "the node's platform", "runtime": "the container runtime"}
    system = f"{node.operating_system}/{node.architecture}"
    return {"platform": system, "runtime": node.runtime.replace("://", " ") or "the container runtime"}


def _describe_image(image: str) -> dict[str, str]:
    try:
        reference = parse(image)
    except InvalidReference:
        return {
            "host": "the registry",
            "repository": image,
            "path": image,
            "tag": "tag",
            "region": "",
            "resource": image,
        }
    ecr = parse_host(reference.domain)
    return {
        "host": reference.domain,
        "repository": reference.repository,
        "path": reference.path,
        "tag": reference.version,
        "region": ecr.region if ecr else "the registry's region",
        "resource": reference.repository,
        "address": reference.domain,
        "whose": "",
        "wanted": f"HOST/{image}",
    }

"""Pods whose images are not pulled, each for another cause: their manifests, Secrets and ServiceAccounts."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.images import SHOP

__all__ = [
    "CACHED",
    "CONTAINERS",
    "HUNG",
    "LATER",
    "OTHER_ACCOUNT",
    "OTHER_REGION",
    "PASSWORDS",
    "WANTED",
    "FailingPods",
]

HOST: Final = SHOP.host
OTHER_ACCOUNT: Final = "345678901234.dkr.ecr.us-east-1.amazonaws.com"
OTHER_REGION: Final = "456789012345.dkr.ecr.us-east-1.amazonaws.com"
CACHED: Final = f"{HOST}/shop/web:1.1"
_WEB: Final = f"{HOST}/shop/web:1.0"
PASSWORDS: Final = (("robot", "of-a-robot-that-nobody-lets-in"), ("u", "of-another-registry-than-the-image's"))

_IMAGES: Final[Mapping[str, str]] = {
    "private-or-absent": "team/private:1",
    "bare-registry-host": HOST,
    "repository-absent": "nosuchimage:1",
    "forbidden": "plain.test/forbidden/app:1",
    "image-absent": "plain.test/absent/app:1",
    "invalid-image-name": "plain.test/Upper/app:1",
    "wrong-platform": "plain.test/arm/app:1",
    "not-an-image": "plain.test/chart/app:1",
    "unsupported-media": "plain.test/html/app:1",
    "corrupt-layer": "plain.test/corrupt/app:1",
    "truncated-layer": "plain.test/truncated/app:1",
    "blob-absent": "plain.test/blobabsent/app:1",
    "blob-forbidden": "plain.test/blobforbidden/app:1",
    "bad-layer": "plain.test/badlayer/app:1",
    "registry-refused": "refused.test/a/app:1",
    "registry-closed": "plain.test/reset/app:1",
    "registry-5xx": "plain.test/error/app:1",
    "rate-limit": "plain.test/limit/app:1",
    "unexpected-answer": "plain.test/teapot/app:1",
    "tls-http-server": "http.test/a/app:1",
    "tls-https-server": "https.test/a/app:1",
    "tls-unknown-ca": "unknown-ca.test/a/app:1",
    "tls-wrong-name": "wrong-name.test/a/app:1",
    "tls-expired": "expired.test/a/app:1",
    "dns-failure": "nx.test/a/app:1",
    "no-pull-secret": "harbor.test/a/app:1",
}
"""Cause to image, for containers without any Secret."""
HUNG: Final = "pull-not-finished"
_HANGING: Final = "plain.test/hang/app:1"

_PODS: Final[Mapping[str, tuple[str, tuple[str, ...], str]]] = {
    "pod-own-list": (_WEB, ("elsewhere",), "giver"),
    "secret-other-namespace": (_WEB, ("far",), "alone"),
    "secret-absent": (_WEB, ("goood",), "alone"),
    "secret-malformed": (_WEB, ("malformed",), "alone"),
    "secret-wrong-type": (_WEB, ("opaque",), "alone"),
    "secret-no-entries": (_WEB, ("empty",), "alone"),
    "key-scheme": (_WEB, ("scheme",), "alone"),
    "key-path-mismatch": (_WEB, ("path",), "alone"),
    "key-port-mismatch": (_WEB, ("port",), "alone"),
    "key-other-host": (_WEB, ("elsewhere",), "alone"),
    "secret-no-password": (_WEB, ("stored",), "alone"),
    "token-expired": (_WEB, ("expired",), "alone"),
    "wrong-password": (_WEB, ("wrong-user",), "alone"),
    "ecr-not-authorized": (f"{OTHER_ACCOUNT}/shop/web:1", ("other-account",), "alone"),
    "token-wrong-region": (f"{OTHER_REGION}/shop/web:1", ("other-region",), "alone"),
    "not-authorized": ("denied.test/a/app:1", ("denied",), "alone"),
    "missing-registry-host": ("shop/web:1.0", ("good",), "alone"),
    "pod-before-sa-patch": (_WEB, (), "late"),
    "pod-other-serviceaccount": (_WEB, (), "alone"),
}
"""Cause to image, Secrets and ServiceAccount, of a Pod with one container."""

LATER: Final = {"cached-other-credential": CACHED, "never-absent": f"{HOST}/shop/web:8"}
"""Cause to image of Pods with policy Never, created when the node has `CACHED`."""
CONTAINERS: Final[Mapping[str, str]] = {
    "in-init": "image-absent",
    "in-sidecar": "image-absent",
    "in-volume": "image-absent",
}
"""Containers of other sorts, by their cause."""
_IN_ECR: Final = {"tag-in-ecr": f"{HOST}/shop/web:1.2", "repository-in-ecr": f"{HOST}/shop/wbe:1.0"}
"""Container to image, of Pods whose image is not in ECR."""
WANTED: Final = frozenset({*_IMAGES, *_PODS, *LATER, HUNG, "wrong-platform-exec"})
"""The causes; a container has the name of its own."""


class FailingPods:
    """The objects of a namespace, and of another where some Secrets are."""

    def __init__(self, live: str, registry: str, published_later: str) -> None:
        """`live`: a password that ECR issued; `registry`: address of its registry; `published_later`: an image."""
        self._good, self._of_another_user = _entry("AWS", live), _entry("admin", live)
        self._registry = registry
        self._in_registry = {"tag-in-registry": f"{registry}/shop/web:1.2", "published-later": published_later}

    def of_the_other_namespace(self) -> list[dict[str, Any]]:
        return [_secret("far", {"auths": {HOST: self._good}}), _account("alone")]

    def secrets_and_accounts(self) -> list[dict[str, Any]]:
        secrets = [_secret(name, config) for name, config in self._contents().items()]
        opaque = _secret("opaque", {"auths": {HOST: self._good}}, "Opaque")
        return [*secrets, opaque, _account("alone"), _account("giver", "good"), _account("late")]

    def renewed(self, times: int) -> list[dict[str, Any]]:
        """The Secret with the expired token, with a live one; each number of times is a change of its own."""
        secret = _secret("expired", {"auths": {HOST: self._good}})
        return [{**secret, "metadata": {**secret["metadata"], "annotations": {"times": str(times)}}}]

    def pods(self) -> Iterator[dict[str, Any]]:
        for code, (image, pull, account) in _PODS.items():
            yield _pod(code, {code: image}, pull, account)
        parts = list(_IMAGES.items())
        for number in range(4):  # a container's pull waits for those before it
            yield _pod(f"no-secret-{number}", dict(parts[number::4]))
        yield _pod("hung", {HUNG: _HANGING})
        yield _pod("exec", {"wrong-platform-exec": "plain.test/good/app:1"})
        yield _pod("cached", {"cached": CACHED}, ("good",))
        for name, image in {**_IN_ECR, **self._in_registry}.items():
            yield _pod(name, {name: image}, ("good",))
        absent = "plain.test/absent/{}:1"
        for name, more in (("in-init", {}), ("in-sidecar", {"restartPolicy": "Always"})):
            first = {"name": name, "image": absent.format(name), **more}
            pod = _pod(name, {"main": CACHED}, ("good",))
            yield {**pod, "spec": {**pod["spec"], "initContainers": [first]}}
        pod = _pod("in-volume", {"in-volume": CACHED}, ("good",))
        pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        volumes = [{"name": "data", "image": {"reference": absent.format("volume"), "pullPolicy": "Always"}}]
        yield {**pod, "spec": {**pod["spec"], "volumes": volumes}}

    def later(self) -> list[dict[str, Any]]:
        return [_pod(code, {code: image}, policy="Never") for code, image in LATER.items()]

    def _contents(self) -> dict[str, object]:
        """Secret to what stands in `.dockerconfigjson`."""
        (robot, robots), (user, users) = PASSWORDS
        return {
            "good": {"auths": {HOST: self._good, self._registry: self._good}},
            "malformed": {"auths": {HOST: {"auth": "%%%"}}},
            "empty": {"credHelpers": {HOST: "ecr-login"}},
            "scheme": {"auths": {f"oci://{HOST}": self._good}},
            "path": {"auths": {f"{HOST}/team-a": self._good}},
            "port": {"auths": {f"{HOST}:8443": self._good}},
            "elsewhere": {"auths": {"ghcr.io": _entry(user, users)}},
            "stored": {"auths": {HOST: {}}, "credsStore": "desktop"},
            "expired": {"auths": {HOST: _entry("AWS", _token(-3600))}},
            "wrong-user": {"auths": {HOST: self._of_another_user}},
            "other-account": {"auths": {OTHER_ACCOUNT: _entry("AWS", _token(3600))}},
            "other-region": {"auths": {OTHER_REGION: _entry("AWS", _token(3600))}},
            "denied": {"auths": {"denied.test": _entry(robot, robots)}},
        }


def _token(expires: float) -> str:
    """Of an ECR token's form, and of nobody."""
    payload = {"payload": "x" * 900, "expiration": int(time.time() + expires)}
    return base64.b64encode(json.dumps(payload).encode()).decode()


def _entry(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def _pod(
    name: str,
    images: Mapping[str, str],
    pull: tuple[str, ...] = (),
    account: str = "alone",
    *,
    policy: str = "Always",
) -> dict[str, Any]:
    containers = [{"name": each, "image": image, "imagePullPolicy": policy} for each, image in images.items()]
    spec = {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "imagePullSecrets": [{"name": each} for each in pull],
        "containers": containers,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _secret(name: str, config: object, kind: str = "kubernetes.io/dockerconfigjson") -> dict[str, Any]:
    data = {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "data": data}


def _account(name: str, *pull: str) -> dict[str, Any]:
    listed = [{"name": each} for each in pull]
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, "imagePullSecrets": listed}

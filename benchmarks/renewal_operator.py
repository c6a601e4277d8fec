"""External Secrets Operator for benchmarks/renewal.py: our layout, and the usual one.

It is given ten workers and 500 requests a second: with its defaults (one, 50) it takes eight times as long.
"""

import json
import os
import time
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks import raw_client
from benchmarks.renewal_ways import HOST, OWNER, Prepared, Used, peak_memory
from imagepull.registry_secret import spec
from imagepull.renewal import external_secrets
from imagepull.renewal.settings import ExternalSecretsSettings
from lab.external_secrets import NAME, ExternalSecrets
from lab.lifecycle import Lab
from lab.processes import wait_until

__all__ = ["prepare_copies", "prepare_generators"]

_FLAGS: Final = ("--concurrent=10", "--client-qps=500", "--client-burst=1000")
_API: Final = "external-secrets.io/v1"
_LONGEST: Final = 900.0
"""Seconds after which the operator has failed."""
_PATIENCE: Final = 5.0
"""Seconds after which the operator has overlooked an annotation."""


@contextmanager
def prepare_copies(lab: Lab, folder: Path, name: str, namespaces: Sequence[str]) -> Iterator[Prepared]:
    """The layout of `renewal: externalSecrets`: one source, copied."""
    server = f"https://127.0.0.1:{lab.layout.ports.apiserver}"
    registries = spec.parse({"name": name, "registries": [{"host": HOST}]}, required=False).registries
    marks = external_secrets.copy_marks(OWNER, [HOST], {}, {})
    settings = ExternalSecretsSettings(source_interval="24h", copy_interval="24h", server=server)
    objects = external_secrets.make_objects(settings, name, registries, [*namespaces], marks)
    home = external_secrets.make_source_name(name)
    manifests = [objects.namespace_object, objects.account, objects.role, objects.role_binding, *objects.generators]
    manifests += [objects.source, objects.store, objects.copies]
    with _running(lab, folder, name, [each for each in manifests if each is not None], len(namespaces) + 1) as pid:

        def renew() -> Used:
            force, used = _Force(lab, name), _processor_seconds(pid)
            before = force.look()[home]
            force.renew(lambda found: [home] if found[home] == before else [])
            force.renew(lambda found: [place for place, content in found.items() if content != found[home]])
            return _used(pid, used, force)

        yield renew


@contextmanager
def prepare_generators(lab: Lab, folder: Path, name: str, namespaces: Sequence[str]) -> Iterator[Prepared]:
    """The usual layout: an ExternalSecret with a generator in each namespace, so a call of AWS for each."""
    manifests = [each for namespace in namespaces for each in _generator(name, namespace)]
    with _running(lab, folder, name, manifests, len(namespaces)) as pid:

        def renew() -> Used:
            force, used = _Force(lab, name), _processor_seconds(pid)
            before = force.look()
            force.renew(lambda found: [place for place, content in found.items() if content == before[place]])
            return _used(pid, used, force)

        yield renew


def _generator(name: str, namespace: str) -> list[dict[str, Any]]:
    metadata = {"name": name, "namespace": namespace}
    reference = {"apiVersion": "generators.external-secrets.io/v1alpha1", "kind": "ECRAuthorizationToken", "name": name}
    entry = '"username":"{{ .username }}","password":"{{ .password }}"'
    template = {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": '{"auths":{"' + HOST + '":{' + entry + "}}}"},
    }
    return [
        {
            "apiVersion": reference["apiVersion"],
            "kind": reference["kind"],
            "metadata": metadata,
            "spec": {"region": "us-east-1"},
        },
        {
            "apiVersion": _API,
            "kind": "ExternalSecret",
            "metadata": metadata,
            "spec": {
                "refreshInterval": "24h",
                "target": {"name": name, "template": template},
                "dataFrom": [{"sourceRef": {"generatorRef": reference}}],
            },
        },
    ]


@contextmanager
def _running(lab: Lab, folder: Path, name: str, manifests: Sequence[Any], secrets: int) -> Iterator[int]:
    """The operator with these objects, once it has made so many Secrets: its process id. Both go at the end."""
    operator = ExternalSecrets(lab)
    operator.start(*_FLAGS)
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump_all(manifests))
    try:
        lab.kubectl("apply", "--server-side", f"--filename={file}")
        _wait(lambda: len(_contents(lab, name)) >= secrets, f"{secrets} Secrets")
        (pid,) = [process.pid for process in lab.processes.all() if process.name == NAME]
        yield pid
        lab.kubectl("delete", f"--filename={file}", "--ignore-not-found", "--timeout=600s")
    finally:
        operator.stop()


class _Force:
    """Lets the operator renew now, by an annotation. `requests`: those of the benchmark itself, by verb."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab = lab
        self._name = name
        self.requests = {"PATCH": 0, "LIST": 0}

    def look(self) -> dict[str, str]:
        """The content of each Secret by namespace."""
        self.requests["LIST"] += 1
        return _contents(self._lab, self._name)

    def renew(self, due: Callable[[Mapping[str, str]], Collection[str]]) -> None:
        """Renews until no namespace is due.

        The controller of ClusterExternalSecrets takes the annotation away again, at times before the other one has seen
        it: so it is set again where nothing comes of it.
        """
        asked = 0.0

        def is_done() -> bool:
            nonlocal asked
            places = due(self.look())
            if places and time.monotonic() > asked + _PATIENCE:
                self._annotate(places)
                asked = time.monotonic()
            return not places

        _wait(is_done, f"a renewal of {self._name}")

    def _annotate(self, namespaces: Collection[str]) -> None:
        annotation = {"metadata": {"annotations": {"force-sync": str(time.time())}}}
        path = f"/apis/{_API}/namespaces/{{}}/externalsecrets/{self._name}"
        requests = [raw_client.merge(path.format(each), annotation) for each in namespaces]
        raw_client.send(self._lab.kubeconfig, requests)
        self.requests["PATCH"] += len(requests)


def _wait(condition: Callable[[], bool], what: str) -> None:
    if not wait_until(condition, timeout=_LONGEST):
        raise RuntimeError(f"the operator did not get to {what} within {_LONGEST:.0f} s")


def _contents(lab: Lab, name: str) -> dict[str, str]:
    """The content of each Secret of the name, by namespace. One request."""
    told = json.loads(lab.kubectl("get", "--raw", f"/api/v1/secrets?fieldSelector=metadata.name%3D{name}"))
    return {
        each["metadata"]["namespace"]: b64decode(each["data"][".dockerconfigjson"]).decode() for each in told["items"]
    }


def _used(pid: int, before: float, force: _Force) -> Used:
    return Used(
        cpu_seconds=_processor_seconds(pid) - before,
        peak_mib=peak_memory(pid),
        own_requests=force.requests,
    )


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

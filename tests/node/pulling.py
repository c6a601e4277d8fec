"""Pods that pull all the time, and what came of it."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab.errors import LabError
from lab.lifecycle import Lab
from lab.processes import wait_until

__all__ = ["Puller", "failed_pulls", "pull", "pulling"]

_PATIENCE = 240
"""Seconds. On a busy machine a Pod may start late: that is no failure, a pull that fails is one at once."""
_numbers = itertools.count()


def pull(lab: Lab, image: str, namespace: str, name: str, policy: str = "Always") -> None:
    """Runs a Pod that pulls.

    Raises:
        LabError: its pull failed, or it does not run; with what the cluster says of it.
    """
    overrides = json.dumps({"spec": {"terminationGracePeriodSeconds": 0}})
    lab.kubectl(
        *["run", name, f"--image={image}", f"--namespace={namespace}", f"--image-pull-policy={policy}"],
        *["--restart=Never", f"--overrides={overrides}"],
    )
    wait = ["wait", "--for=condition=Ready", f"pod/{name}", f"--namespace={namespace}", "--timeout=10s"]
    latest = time.monotonic() + _PATIENCE
    while lab.run("kubectl", *wait, check=False).returncode != 0:
        failures = failed_pulls(lab, namespace)
        if failures or time.monotonic() > latest:
            raise LabError(f"Pod {name} does not run; failed pulls: {failures}\n{_describe(lab, namespace, name)}")
    lab.kubectl("delete", "pod", name, f"--namespace={namespace}", "--wait=false")


def _describe(lab: Lab, namespace: str, name: str) -> str:
    """What a person needs to find out why a Pod does not run; without the Secrets' content."""
    told = [
        lab.run("kubectl", *command, f"--namespace={namespace}", check=False).stdout
        for command in (
            ["describe", "pod", name],
            ["get", "pod", name, "--output=jsonpath=imagePullSecrets: {.spec.imagePullSecrets}"],
            ["get", "serviceaccount", "default", "--output=yaml"],
            ["get", "secrets", "--output=custom-columns=NAME:.metadata.name,ANNOTATIONS:.metadata.annotations"],
        )
    ]
    return "\n".join(told)


def failed_pulls(lab: Lab, namespace: str) -> list[str]:
    """What Events say of pulls that failed."""
    events = json.loads(lab.kubectl("get", "events", f"--namespace={namespace}", "--output=json"))["items"]
    return [each["message"] for each in events if each["reason"] in ("Failed", "BackOff", "ErrImagePull")]


class Puller:
    """Starts a Pod after the other in a namespace.

    Attributes:
        pulls: Pods that ran.
        problem: Why it has stopped; None while all is well.
    """

    def __init__(self, lab: Lab, image: str, namespace: str, policy: str) -> None:
        self.namespace = namespace
        self.pulls = 0
        self.problem: LabError | None = None
        self._lab = lab
        self._image = image
        self._policy = policy
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def wait_for_more(self, count: int = 2) -> None:
        """Waits until so many Pods more have run; the first of them may have begun before.

        Raises:
            LabError: one of them did not.
        """
        wanted = self.pulls + count
        assert wait_until(lambda: self.pulls >= wanted or self.problem is not None, timeout=_PATIENCE + 60)
        if self.problem is not None:
            raise self.problem

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, with the Pod that is under way."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set() and self.problem is None:
            try:
                pull(self._lab, self._image, self.namespace, f"pull-{next(_numbers)}", self._policy)
                self.pulls += 1
            except LabError as error:
                self.problem = error


@contextmanager
def pulling(lab: Lab, image: str, *namespaces: str, policy: str = "Always") -> Iterator[list[Puller]]:
    """Pods pull in each of the namespaces while the block runs; afterwards no pull may have failed."""
    pullers = [Puller(lab, image, namespace, policy) for namespace in namespaces]
    for each in pullers:
        each.start()
    try:
        yield pullers
    finally:
        for each in pullers:
            each.stop()
    problems = [each.problem for each in pullers if each.problem is not None]
    if problems:
        raise problems[0]
    failures = {each: failed for each in namespaces if (failed := failed_pulls(lab, each))}
    assert not failures, failures

"""Pods that pull all the time, and what came of it."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lab.errors import LabError
from lab.lifecycle import Lab
from lab.processes import wait_until

__all__ = ["Puller", "failed_pulls", "pull", "pulling"]

_numbers = itertools.count()


def pull(lab: Lab, image: str, namespace: str, name: str, policy: str = "Always") -> None:
    """Runs a Pod that pulls; raises LabError when it does not run within a minute."""
    overrides = json.dumps({"spec": {"terminationGracePeriodSeconds": 0}})
    lab.kubectl(
        *["run", name, f"--image={image}", f"--namespace={namespace}", f"--image-pull-policy={policy}"],
        *["--restart=Never", f"--overrides={overrides}"],
    )
    lab.kubectl("wait", "--for=condition=Ready", f"pod/{name}", f"--namespace={namespace}", "--timeout=60s")
    lab.kubectl("delete", "pod", name, f"--namespace={namespace}", "--wait=false")


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
        """Waits until so many Pods more have run; the first of them may have begun before."""
        wanted = self.pulls + count
        assert wait_until(lambda: self.pulls >= wanted or self.problem is not None, timeout=300)

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
    assert [each.problem for each in pullers] == [None] * len(pullers)
    assert {each: failed_pulls(lab, each) for each in namespaces} == {each: [] for each in namespaces}

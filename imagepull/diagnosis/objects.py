"""What is read of a cluster to find out why an image is not pulled: frozen, and without any credential.

Fields follow the API's (https://kubernetes.io/docs/reference/kubernetes-api/); only those that decide are kept, so that
10,000 Pods fit into memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

__all__ = [
    "Case",
    "Container",
    "ContainerKind",
    "Entry",
    "Event",
    "ImageVolume",
    "Missing",
    "Node",
    "Pod",
    "Secret",
    "Secrets",
    "ServiceAccount",
    "Termination",
]


class Missing(Enum):
    """Why an object is not at hand. The two must never be confused: only ABSENT proves anything."""

    ABSENT = "is not there"
    WITHHELD = "may not be read"


class ContainerKind(StrEnum):
    """Which list of the Pod a container stands in. A sidecar is an init container that restarts always."""

    INIT = "initContainers"
    MAIN = "containers"
    EPHEMERAL = "ephemeralContainers"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageVolume:
    """A volume whose content is an image (`volumes[].image`); policy as in the Pod, empty when it names none."""

    name: str
    image: str
    policy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Termination:
    """How a container ended (`state.terminated` or `lastState.terminated`)."""

    exit_code: int
    reason: str
    message: str
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A container of a Pod, with its state.

    Attributes:
        policy: `imagePullPolicy` as in the Pod; the API server fills it in, except in a manifest.
        volumes: image volumes that it mounts; the failure of one of them stands in this container's state.
        waiting_reason: `state.waiting.reason`; empty when it does not wait.
        image_id: `status.imageID`: the digest that runs; empty before the first pull.
        ended: how it ended last; None when it never did.
    """

    name: str
    kind: ContainerKind
    image: str
    policy: str
    volumes: tuple[ImageVolume, ...]
    waiting_reason: str
    waiting_message: str
    running: bool
    image_id: str
    restarts: int
    ended: Termination | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """A Pod.

    Attributes:
        owner: kind and name of the controller, as `ReplicaSet/web-6d4cf56db6`; empty for a bare Pod.
        pull_secrets: names in `imagePullSecrets`, those copied from the ServiceAccount at creation included.
        node: name of its node; empty before it is scheduled.
        image_volumes: all of them, also those that no container mounts: the kubelet pulls them, too.
    """

    namespace: str
    name: str
    uid: str
    created: datetime | None
    owner: str
    phase: str
    service_account: str
    pull_secrets: tuple[str, ...]
    node: str
    containers: tuple[Container, ...]
    image_volumes: tuple[ImageVolume, ...] = ()

    @property
    def images(self) -> frozenset[str]:
        """The images that it needs to start: of its containers, save ephemeral ones, and of its image volumes."""
        containers = (each.image for each in self.containers if each.kind is not ContainerKind.EPHEMERAL)
        return frozenset(filter(None, (*containers, *(volume.image for volume in self.image_volumes))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An Event about a Pod.

    Attributes:
        container: name of the container that it is about; empty for the Pod itself.
        first, last: first and last time that it was counted; the last is not that of the last attempt.
        order: the resourceVersion as a number, by which Events of one second are in order; 0 when it is none.
    """

    namespace: str
    pod: str
    pod_uid: str
    type: str
    reason: str
    message: str
    container: str
    count: int
    first: datetime | None
    last: datetime | None
    order: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of a pull Secret: all that can be said of it without its password.

    Attributes:
        key: as written: `https://ghcr.io/v1/`.
        fields: names of the fields that are there and not empty: `auth`, `username`, `identitytoken`, ...
        username: the user that the kubelet sends: that of `auth` where there is one. Empty for none.
        password_length: characters of the password that the kubelet sends.
        padded: there is white space before or after that password.
        auth_differs: `auth` says another user or password than the fields beside it; the kubelet takes `auth`.
        fault: why the kubelet refuses the entry, as "auth is not base64"; empty when it takes it.
        token_expires: expiry that an ECR token says of itself; None for anything else.
    """

    key: str
    fields: frozenset[str]
    username: str
    password_length: int
    padded: bool
    auth_differs: bool
    fault: str
    token_expires: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A Secret, without its content.

    Attributes:
        updated: the newest time in managedFields; creation where there are none.
        owned_by: `project/stack/resource` of the imagepull resource that wrote it; empty for others' Secrets.
        controller: kind and name of the object that controls it, as `ExternalSecret/pull`; empty for none.
        expiries: expiry by registry host, as the annotations `imagepull/hosts` or `imagepull/expires-at` say ("" is
            the host of the latter).
        entries: of `auths`, or of the flat form of `kubernetes.io/dockercfg`; also for a type that the kubelet ignores.
        wrapped: the content has `auths` at its top.
        helpers: the content points to credential stores or helpers (`credsStore`, `credHelpers`).
        malformed: why the kubelet refuses the whole content; empty when it does not.
    """

    namespace: str
    name: str
    uid: str
    type: str
    created: datetime | None
    updated: datetime | None
    owned_by: str
    controller: str = ""
    expiries: Mapping[str, datetime]
    entries: tuple[Entry, ...]
    wrapped: bool
    helpers: bool
    malformed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAccount:
    """A ServiceAccount and the names in its `imagePullSecrets`.

    Attributes:
        node_role: the AWS role with which nodes are to pull for its Pods: the value of the annotation that
            `renewal: node` writes; None without the annotation.
    """

    namespace: str
    name: str
    pull_secrets: tuple[str, ...]
    node_role: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node: `images` are the names of cached images that it reports (50 images at most), digests included."""

    name: str
    operating_system: str
    architecture: str
    runtime: str
    kubelet: str
    disk_pressure: bool
    images: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """The Secrets of one namespace.

    Attributes:
        found: by name.
        complete: the whole list was read, so a name that is not in `found` is not there.
        absent: names that were asked for one by one and are not there.
    """

    found: Mapping[str, Secret] = field(default_factory=dict)
    complete: bool = False
    absent: frozenset[str] = frozenset()

    def look_up(self, name: str) -> Secret | Missing:
        """The Secret, or why it is not at hand."""
        if name in self.found:
            return self.found[name]
        return Missing.ABSENT if self.complete or name in self.absent else Missing.WITHHELD


@dataclass(frozen=True, kw_only=True)
class Case:
    """A Pod with everything that decides about its images.

    Attributes:
        name: of the case in a dump; empty for a live Pod.
        now: when it was read.
        events: of the Pod; Missing.WITHHELD when they may not be read.
        service_account: the Pod's.
        other_accounts: the others of the namespace; empty also when they may not be read.
        secrets: of the Pod's namespace.
        namesakes: Secrets of other namespaces that have the name of one that the Pod lists.
        logs: last line of crashed containers, by name.
        audience_granted: whether kubelets may ask for ServiceAccounts' tokens for AWS, without which nodes pull with
            no ServiceAccount's role; None when that was not read.
    """

    name: str = ""
    now: datetime
    pod: Pod
    events: tuple[Event, ...] | Missing
    service_account: ServiceAccount | Missing
    other_accounts: tuple[ServiceAccount, ...] = ()
    secrets: Secrets = field(default_factory=Secrets)
    namesakes: tuple[Secret, ...] = ()
    node: Node | Missing = Missing.WITHHELD
    logs: Mapping[str, str] = field(default_factory=dict)
    audience_granted: bool | None = None

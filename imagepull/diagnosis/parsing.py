"""API objects in JSON form, as an API server or a dump gives them, parsed into `imagepull.diagnosis.objects`."""

from collections.abc import Mapping
from datetime import datetime

from imagepull.diagnosis.fields import (
    Json,
    read_integer,
    read_items,
    read_mapping,
    read_moment,
    read_names,
    read_strings,
    read_text,
)
from imagepull.diagnosis.objects import (
    Container,
    ContainerKind,
    Event,
    ImageVolume,
    Node,
    Pod,
    ServiceAccount,
    Termination,
)
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE, DEFAULT_SERVICE_ACCOUNT
from imagepull.redaction import clean
from imagepull.renewal.node import ROLE_ANNOTATION, is_role

__all__ = ["parse_event", "parse_node", "parse_pod", "parse_service_account"]

_STATUSES = {
    ContainerKind.INIT: "initContainerStatuses",
    ContainerKind.MAIN: "containerStatuses",
    ContainerKind.EPHEMERAL: "ephemeralContainerStatuses",
}


def parse_pod(document: Json) -> Pod:
    """A Pod as `GET /api/v1/namespaces/NS/pods/NAME` gives it."""
    metadata, spec, status = (read_mapping(document, part) for part in ("metadata", "spec", "status"))
    owners = read_items(metadata, "ownerReferences")
    owner = next((each for each in owners if each.get("controller")), None)
    volumes = {volume.name: volume for volume in _parse_image_volumes(spec)}
    return Pod(
        namespace=read_text(metadata, "namespace") or DEFAULT_NAMESPACE,
        name=read_text(metadata, "name"),
        uid=read_text(metadata, "uid"),
        created=read_moment(metadata, "creationTimestamp"),
        owner=f"{read_text(owner, 'kind')}/{read_text(owner, 'name')}" if owner else "",
        phase=read_text(status, "phase"),
        service_account=read_text(spec, "serviceAccountName") or DEFAULT_SERVICE_ACCOUNT,
        pull_secrets=read_names(spec, "imagePullSecrets"),
        node=read_text(spec, "nodeName"),
        containers=tuple(each for kind in ContainerKind for each in _parse_containers(kind, spec, status, volumes)),
        image_volumes=tuple(volumes.values()),
    )


def parse_event(document: Json) -> Event:
    """An Event of core/v1, in its old form (`lastTimestamp`) or its new one (`eventTime`, `series`)."""
    about, metadata = read_mapping(document, "involvedObject"), read_mapping(document, "metadata")
    series = read_mapping(document, "series")
    first = (
        read_moment(document, "firstTimestamp")
        or read_moment(document, "eventTime")
        or read_moment(metadata, "creationTimestamp")
    )
    version = read_text(metadata, "resourceVersion")
    return Event(
        namespace=read_text(about, "namespace") or read_text(metadata, "namespace"),
        pod=read_text(about, "name"),
        pod_uid=read_text(about, "uid"),
        type=read_text(document, "type"),
        reason=read_text(document, "reason"),
        message=read_text(document, "message"),
        container=_parse_field_path(read_text(about, "fieldPath")),
        count=read_integer(document, "count") or read_integer(series, "count") or 1,
        first=first,
        last=read_moment(series, "lastObservedTime") or read_moment(document, "lastTimestamp") or first,
        order=int(version) if version.isdecimal() else 0,
    )


def parse_service_account(document: Json) -> ServiceAccount:
    """A ServiceAccount."""
    metadata = read_mapping(document, "metadata")
    annotations = read_mapping(metadata, "annotations")
    return ServiceAccount(
        namespace=read_text(metadata, "namespace"),
        name=read_text(metadata, "name"),
        pull_secrets=read_names(document, "imagePullSecrets"),
        node_role=_read_node_role(annotations[ROLE_ANNOTATION]) if ROLE_ANNOTATION in annotations else None,
    )


def _read_node_role(value: object) -> str:
    """The role; what is none is for people to see, and may be anything that somebody wrote there."""
    role = value if isinstance(value, str) else ""
    return role if is_role(role) else clean(role)


def parse_node(document: Json) -> Node:
    """A Node, whole or its `status` alone, as a dump has it."""
    status = read_mapping(document, "status") or document
    info = read_mapping(status, "nodeInfo")
    pressure = next(
        (each for each in read_items(status, "conditions") if read_text(each, "type") == "DiskPressure"), {}
    )
    return Node(
        name=read_text(read_mapping(document, "metadata"), "name"),
        operating_system=read_text(info, "operatingSystem"),
        architecture=read_text(info, "architecture"),
        runtime=read_text(info, "containerRuntimeVersion"),
        kubelet=read_text(info, "kubeletVersion"),
        disk_pressure=read_text(pressure, "status") == "True",
        images=frozenset(name for image in read_items(status, "images") for name in read_strings(image, "names")),
    )


def _parse_containers(
    kind: ContainerKind, spec: Json, status: Json, volumes: Mapping[str, ImageVolume]
) -> list[Container]:
    states = {read_text(each, "name"): each for each in read_items(status, _STATUSES[kind])}
    return [
        _parse_container(kind, each, states.get(read_text(each, "name"), {}), volumes)
        for each in read_items(spec, kind.value)
    ]


def _parse_container(kind: ContainerKind, spec: Json, status: Json, volumes: Mapping[str, ImageVolume]) -> Container:
    state = read_mapping(status, "state")
    waiting = read_mapping(state, "waiting")
    ended = read_mapping(state, "terminated") or read_mapping(status, "lastState", "terminated")
    mounts = read_names(spec, "volumeMounts")
    return Container(
        name=read_text(spec, "name"),
        kind=kind,
        image=read_text(spec, "image"),
        policy=read_text(spec, "imagePullPolicy"),
        volumes=tuple(volumes[name] for name in dict.fromkeys(mounts) if name in volumes),
        waiting_reason=read_text(waiting, "reason"),
        waiting_message=read_text(waiting, "message"),
        running="running" in state,
        image_id=read_text(status, "imageID"),
        restarts=read_integer(status, "restartCount"),
        ended=_parse_termination(ended) if ended else None,
    )


def _parse_termination(document: Json) -> Termination:
    started: datetime | None = read_moment(document, "startedAt")
    return Termination(
        exit_code=read_integer(document, "exitCode"),
        reason=read_text(document, "reason"),
        message=read_text(document, "message"),
        started=started,
        finished=read_moment(document, "finishedAt"),
    )


def _parse_image_volumes(spec: Json) -> list[ImageVolume]:
    return [
        ImageVolume(
            name=read_text(each, "name"), image=read_text(image, "reference"), policy=read_text(image, "pullPolicy")
        )
        for each in read_items(spec, "volumes")
        if (image := read_mapping(each, "image"))
    ]


def _parse_field_path(field_path: str) -> str:
    """`app` of `spec.containers{app}`."""
    return field_path.partition("{")[2].removesuffix("}")

"""API objects in JSON form, as an API server or a dump gives them, parsed into `imagepull.diagnosis.objects`."""

from collections.abc import Mapping
from datetime import datetime

from imagepull.diagnosis.fields import Json, integer, items, mapping, moment, names, text
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

__all__ = ["parse_event", "parse_node", "parse_pod", "parse_service_account"]

_STATUSES = {
    ContainerKind.INIT: "initContainerStatuses",
    ContainerKind.MAIN: "containerStatuses",
    ContainerKind.EPHEMERAL: "ephemeralContainerStatuses",
}


def parse_pod(document: Json) -> Pod:
    """A Pod as `GET /api/v1/namespaces/NS/pods/NAME` gives it."""
    metadata, spec, status = (mapping(document, part) for part in ("metadata", "spec", "status"))
    owners = items(metadata, "ownerReferences")
    owner = next((each for each in owners if each.get("controller")), None)
    volumes = {volume.name: volume for volume in _image_volumes(spec)}
    return Pod(
        namespace=text(metadata, "namespace") or "default",
        name=text(metadata, "name"),
        uid=text(metadata, "uid"),
        created=moment(metadata, "creationTimestamp"),
        owner=f"{text(owner, 'kind')}/{text(owner, 'name')}" if owner else "",
        phase=text(status, "phase"),
        service_account=text(spec, "serviceAccountName") or "default",
        pull_secrets=names(spec, "imagePullSecrets"),
        node=text(spec, "nodeName"),
        containers=tuple(each for kind in ContainerKind for each in _containers(kind, spec, status, volumes)),
    )


def parse_event(document: Json) -> Event:
    """An Event of core/v1, in its old form (`lastTimestamp`) or its new one (`eventTime`, `series`)."""
    about, metadata = mapping(document, "involvedObject"), mapping(document, "metadata")
    series = mapping(document, "series")
    first = moment(document, "firstTimestamp") or moment(document, "eventTime") or moment(metadata, "creationTimestamp")
    version = text(metadata, "resourceVersion")
    return Event(
        namespace=text(about, "namespace") or text(metadata, "namespace"),
        pod=text(about, "name"),
        pod_uid=text(about, "uid"),
        type=text(document, "type"),
        reason=text(document, "reason"),
        message=text(document, "message"),
        container=_container_of(text(about, "fieldPath")),
        count=integer(document, "count") or integer(series, "count") or 1,
        first=first,
        last=moment(series, "lastObservedTime") or moment(document, "lastTimestamp") or first,
        order=int(version) if version.isdecimal() else 0,
    )


def parse_service_account(document: Json) -> ServiceAccount:
    """A ServiceAccount."""
    metadata = mapping(document, "metadata")
    return ServiceAccount(
        namespace=text(metadata, "namespace"),
        name=text(metadata, "name"),
        pull_secrets=names(document, "imagePullSecrets"),
    )


def parse_node(document: Json) -> Node:
    """A Node, whole or its `status` alone, as a dump has it."""
    status = mapping(document, "status") or document
    info = mapping(status, "nodeInfo")
    pressure = next((each for each in items(status, "conditions") if text(each, "type") == "DiskPressure"), {})
    return Node(
        name=text(mapping(document, "metadata"), "name"),
        operating_system=text(info, "operatingSystem"),
        architecture=text(info, "architecture"),
        runtime=text(info, "containerRuntimeVersion"),
        kubelet=text(info, "kubeletVersion"),
        disk_pressure=text(pressure, "status") == "True",
        images=frozenset(name for image in items(status, "images") for name in _strings(image, "names")),
    )


def _containers(kind: ContainerKind, spec: Json, status: Json, volumes: Mapping[str, ImageVolume]) -> list[Container]:
    states = {text(each, "name"): each for each in items(status, _STATUSES[kind])}
    return [_container(kind, each, states.get(text(each, "name"), {}), volumes) for each in items(spec, kind.value)]


def _container(kind: ContainerKind, spec: Json, status: Json, volumes: Mapping[str, ImageVolume]) -> Container:
    state = mapping(status, "state")
    waiting = mapping(state, "waiting")
    ended = mapping(state, "terminated") or mapping(status, "lastState", "terminated")
    mounts = names(spec, "volumeMounts")
    return Container(
        name=text(spec, "name"),
        kind=kind,
        image=text(spec, "image"),
        policy=text(spec, "imagePullPolicy"),
        volumes=tuple(volumes[name] for name in dict.fromkeys(mounts) if name in volumes),
        waiting_reason=text(waiting, "reason"),
        waiting_message=text(waiting, "message"),
        running="running" in state,
        image_id=text(status, "imageID"),
        restarts=integer(status, "restartCount"),
        ended=_termination(ended) if ended else None,
    )


def _termination(document: Json) -> Termination:
    started: datetime | None = moment(document, "startedAt")
    return Termination(
        exit_code=integer(document, "exitCode"),
        reason=text(document, "reason"),
        message=text(document, "message"),
        started=started,
        finished=moment(document, "finishedAt"),
    )


def _image_volumes(spec: Json) -> list[ImageVolume]:
    return [
        ImageVolume(name=text(each, "name"), image=text(image, "reference"), policy=text(image, "pullPolicy"))
        for each in items(spec, "volumes")
        if (image := mapping(each, "image"))
    ]


def _container_of(field_path: str) -> str:
    """`app` of `spec.containers{app}`."""
    return field_path.partition("{")[2].removesuffix("}")


def _strings(holder: Json, key: str) -> list[str]:
    value = holder.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []

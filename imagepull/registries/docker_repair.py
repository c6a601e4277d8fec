"""Takes out of a dockerconfigjson document what the kubelet would refuse, and keeps everything else.

One malformed entry makes every image pull of a Pod fail, also from registries whose entries are good.
"""

import json
from dataclasses import dataclass, field

from imagepull.errors import InvalidDockerConfig
from imagepull.registries import docker_config
from imagepull.registries.nesting import is_nested_too_deeply

__all__ = ["Repaired", "repair"]


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """A document that the kubelet takes. `problems`: what was wrong with each thing that was taken out."""

    config: bytes = field(repr=False)
    problems: tuple[str, ...] = ()


def repair(config: bytes) -> Repaired:
    """The document without its malformed entries and fields; as it is where there are none.

    Raises:
        InvalidDockerConfig: if nothing of it can be kept: it is not JSON, or its `auths` is not an object.
    """
    try:
        docker_config.parse(config)
    except InvalidDockerConfig as error:
        return _drop_malformed(config, error)
    return Repaired(config=config)


def _drop_malformed(config: bytes, error: InvalidDockerConfig) -> Repaired:
    try:
        document = json.loads(config)
    except (ValueError, RecursionError):
        raise error from None
    if not isinstance(document, dict):
        raise error
    problems = []
    for key, value in [*document.items()]:
        is_auths = key.lower() == "auths"
        if is_auths and not isinstance(value, dict):
            raise error
        holder, path = (value, "auths") if is_auths else (document, None)
        for name, entry in [*holder.items()] if is_auths else [(key, value)]:
            piece = {path: {name: entry}} if path else {name: entry}
            if (problem := _find_problem(piece)) is not None:
                problems.append(problem)
                del holder[name]
    repaired = json.dumps(document, separators=(",", ":")).encode()
    docker_config.parse(repaired)
    return Repaired(config=repaired, problems=tuple(problems))


def _find_problem(document: object) -> str | None:
    # Python may read what it cannot write.
    if is_nested_too_deeply(document):
        return "a field of the docker config is nested too deeply"
    try:
        docker_config.parse(json.dumps(document).encode())
    except InvalidDockerConfig as error:
        return str(error)
    return None

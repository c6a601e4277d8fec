"""The settings of the process, as the lab writes them and the process reads them."""

import json
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.pki import write_private

__all__ = ["TOKEN_LIFETIME", "EcrConfig", "RegistryConfig"]

TOKEN_LIFETIME = 12 * 3600.0


@dataclass(frozen=True, kw_only=True)
class RegistryConfig:
    """One registry.

    Args:
        host: the name that images carry, `<account>.dkr.ecr.<region>.amazonaws.com`.
        account: the AWS account that owns it, 12 digits.
        region: its region: only tokens of this region open it.
        port: loopback port where clients come in.
        backend_port: loopback port of the docker-registry behind it.
        storage: folder of the images.
    """

    host: str
    account: str
    region: str
    port: int
    backend_port: int
    storage: Path


@dataclass(frozen=True, kw_only=True)
class EcrConfig:
    """All settings of the process.

    Args:
        state: folder of everything that the process writes, but for the images.
        api_port: loopback port of the ECR, ECR Public and STS APIs.
        control_port: loopback port of the control interface.
        registries: the registries to serve.
        token_lifetime: seconds that a new token lives; the default is ECR's own.
        web_identity_key: file of the key by which the cluster signs its ServiceAccounts' tokens; STS then takes only
            those. None: any text.
        control_token: opens the control interface.
    """

    state: Path
    api_port: int
    control_port: int
    registries: tuple[RegistryConfig, ...]
    token_lifetime: float = TOKEN_LIFETIME
    web_identity_key: Path | None = None
    control_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def access_log(self) -> Path:
        """Every request to a registry, a JSON object per line: see `lab.ecr.access_log`."""
        return self.state / "registry-access.jsonl"

    @property
    def tokens(self) -> Path:
        """Every token that was issued, a JSON object per line; readable to the owner only."""
        return self.state / "tokens.jsonl"

    @property
    def ready(self) -> Path:
        """Exists while every port answers."""
        return self.state / "ecr-ready"

    def write(self, path: Path) -> None:
        """Write it as JSON, readable to the owner only."""
        write_private(path, json.dumps(asdict(self), default=str, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "EcrConfig":
        """Read what `write` wrote.

        Raises:
            LabError: there is no such file, others can read it, or settings are missing or unknown (all of them named).
        """
        try:
            if path.stat().st_mode & 0o077:
                raise LabError(f"{path} holds a secret and others can read it", hint=f"chmod 600 {path}")
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise LabError(f"there is no {path}", hint="write it with EcrConfig.write") from None
        except ValueError as error:
            raise LabError(f"{path} is not JSON: {error}", hint="write it with EcrConfig.write") from None
        registries, key = document.get("registries", []), document.get("web_identity_key")
        faults = _find_faults(cls, document, "") + [
            fault
            for at, entry in enumerate(registries)
            for fault in _find_faults(RegistryConfig, entry, f"registries[{at}].")
        ]
        if faults:
            raise LabError(f"{path}: {'; '.join(faults)}", hint="write it with EcrConfig.write")
        return cls(
            **document
            | {
                "state": Path(document["state"]),
                "web_identity_key": None if key is None else Path(key),
                "registries": tuple(
                    RegistryConfig(**entry | {"storage": Path(entry["storage"])}) for entry in registries
                ),
            }
        )


def _find_faults(kind: type[EcrConfig] | type[RegistryConfig], document: dict[str, Any], where: str) -> list[str]:
    known = {setting.name for setting in fields(kind)}
    missing = [f"{where}{name} is missing" for name in sorted(known - document.keys())]
    return missing + [f"{where}{name} is not a setting" for name in sorted(document.keys() - known)]

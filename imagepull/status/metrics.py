"""A status as OpenMetrics text, for a Prometheus that scrapes a file or a push gateway.

Format: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from imagepull.registries.keyring import parse_key
from imagepull.status.model import Status

__all__ = ["as_metrics"]

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

_Sample = tuple[Mapping[str, str], float]


def as_metrics(status: Status) -> str:
    """The expiry of every token by Secret and host, how many pulls have which outcome, and when it was looked."""
    lines = [
        *_make_family(
            "imagepull_secret_expiry_timestamp_seconds",
            "When the entry of a pull Secret expires, by host.",
            _list_expiries(status),
            unit="seconds",
        ),
        *_make_family(
            "imagepull_image_pulls",
            "Image pulls by the outcome of the next start.",
            [({"outcome": outcome.value}, count) for outcome, count in status.counts.items()],
        ),
        *_make_family(
            "imagepull_status_timestamp_seconds",
            "When the cluster was looked at.",
            [({}, status.at.timestamp())],
            unit="seconds",
        ),
        "# EOF",
        "",
    ]
    return "\n".join(lines)


def _list_expiries(status: Status) -> Iterator[_Sample]:
    """One sample for each Secret and host: of two spellings of a host, the one that expires first."""
    earliest: dict[tuple[tuple[str, str], ...], float] = {}
    for token in status.tokens:
        if token.expires is not None:
            labels = {
                "namespace": token.namespace,
                "secret": token.secret,
                "host": parse_key(token.key) or token.key,
                "owner": token.owner,
                "renewed": "automatically" if token.renewer.automatic else "by hand",
            }
            key, moment = tuple(labels.items()), token.expires.timestamp()
            earliest[key] = min(moment, earliest.get(key, moment))
    return ((dict(key), moment) for key, moment in earliest.items())


def _make_family(name: str, text: str, samples: Iterable[_Sample], unit: str = "") -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {text}"
    for labels, value in samples:
        pairs = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
        yield f"{name}{{{pairs}}} {value:.16g}" if pairs else f"{name} {value:.16g}"

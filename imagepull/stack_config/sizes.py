"""Sizes as Kubernetes writes them: `2Gi`."""

import re
from collections.abc import Mapping
from typing import Final

from imagepull.inputs import TextPattern

__all__ = ["SIZE", "parse_size"]

_UNITS: Final[Mapping[str, int]] = {"": 1} | {
    unit: base**power
    for base, units in ((1000, ("k", "M", "G", "T")), (1024, ("Ki", "Mi", "Gi", "Ti")))
    for power, unit in enumerate(units, start=1)
}
SIZE = TextPattern(
    pattern=re.compile("[1-9][0-9]{0,14}(?:k|M|G|T|Ki|Mi|Gi|Ti)?"), longest=18, expected="a size in bytes such as '2Gi'"
)
"""kubernetes/apimachinery pkg/api/resource/quantity.go, as far as sizes need it."""


def parse_size(text: str) -> int:
    """The bytes of a text that SIZE admits."""
    digits = text.rstrip("kKMGTi")
    return int(digits) * _UNITS[text.removeprefix(digits)]

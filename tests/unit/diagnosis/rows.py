"""Failing Pods of a real kubelet, each with its true cause (docs/diagnosis.md says where they come from)."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "vectors" / "image-pull-failures.jsonl.gz"


@cache
def rows() -> dict[str, dict[str, Any]]:
    """Every row by name."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        return {row["name"]: row for row in map(json.loads, lines)}

"""Image references per second: imagepull.images.reference.parse against docker-image-py, in one run.

    python -m benchmarks.references [--json]

Both read the published references that are valid, in alternating rounds; the best round of each counts.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from docker_image.reference import Reference  # type: ignore[import-untyped]

from imagepull.images.reference import parse

VECTORS = Path(__file__).parent.parent / "tests/unit/vectors/image-references.jsonl"
ROUNDS = 7
REPEATS = 40
GOAL = 3.0


def measure() -> dict[str, float]:
    """References per second of both parsers, and ours as a multiple of theirs."""
    rows = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    texts = [row["in"] for row in rows if "error" not in row] * REPEATS
    best = {"imagepull": 0.0, "docker_image_py": 0.0}
    parsers: dict[str, Callable[[str], object]] = {
        "imagepull": parse,
        "docker_image_py": Reference.parse_normalized_named,
    }
    for _ in range(ROUNDS):
        for name, parser in parsers.items():
            best[name] = max(best[name], len(texts) / _seconds(parser, texts))
    return {**best, "ratio": best["imagepull"] / best["docker_image_py"], "goal": GOAL}


def _seconds(parser: Callable[[str], object], texts: Sequence[str]) -> float:
    start = time.perf_counter()
    for text in texts:
        parser(text)
    return time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the measurement; exit code 1 when the goal is missed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--json", action="store_true", help="print JSON")
    as_json = options.parse_args(arguments).json
    figures = measure()
    if as_json:
        print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
    else:
        print(f"imagepull        {figures['imagepull']:>10,.0f} references per second")
        print(f"docker-image-py  {figures['docker_image_py']:>10,.0f} references per second")
        print(f"ratio            {figures['ratio']:>10.1f} (goal: at least {GOAL:g})")
    return 0 if figures["ratio"] >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())

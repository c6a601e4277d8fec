"""What a release is checked against, its notes, and the image that it names: used by .github/workflows/release.yml.

python .ci/release.py check v0.1.0 owner/repository
python .ci/release.py notes v0.1.0
python .ci/release.py pin ghcr.io/owner/imagepull-renewer@sha256:...
"""

import re
import sys
from pathlib import Path

__all__ = ["check", "pin", "read_notes"]

CHECKOUT = Path(__file__).resolve().parent.parent
_PINNED = re.compile(r"[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+@sha256:[0-9a-f]{64}")


def check(tag: str, repository: str, checkout: Path = CHECKOUT) -> list[str]:
    """What keeps `tag` from being released by `repository`, a sentence each."""
    source = (checkout / "imagepull" / "__init__.py").read_text(encoding="utf-8")
    values = dict(re.findall(r'^(\w+) = "(.*)"$', source, re.MULTILINE))
    version, url = values["__version__"], values["PLUGIN_DOWNLOAD_URL"]
    wanted = f"github://api.github.com/{repository}"
    problems = []
    if tag != f"v{version}":
        problems.append(f"the tag is {tag}, and the version is {version}: change imagepull/__init__.py, or the tag")
    if not read_notes(tag, checkout):
        problems.append(f"CHANGELOG.md has nothing about {tag}: run `towncrier build --version {tag[1:]}`")
    if url != wanted:
        problems.append(f"PLUGIN_DOWNLOAD_URL is {url}: write {wanted} in imagepull/__init__.py")
    if fragments := sorted(file.name for file in (checkout / "changelog.d").glob("*.*.md")):
        problems.append(f"changelog.d still holds {', '.join(fragments)}: run towncrier")
    return problems


def read_notes(tag: str, checkout: Path = CHECKOUT) -> str:
    """The entry of the changelog for a tag; empty where there is none."""
    changelog = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    entry = re.search(rf"^## {re.escape(tag[1:])} .*\n(?P<notes>(?s:.*?))(?=^## |\Z)", changelog, re.MULTILINE)
    return entry["notes"].strip() if entry else ""


def pin(image: str, checkout: Path = CHECKOUT) -> list[str]:
    """Write the renewer's image into what the wheel is built of; returns what is wrong with it, a sentence each."""
    if not _PINNED.fullmatch(image):
        return [f"{image!r} names no image by its digest: write HOST/NAME@sha256:DIGEST, in lower case"]
    (checkout / "imagepull" / "renewal" / "image.txt").write_text(f"{image}\n", encoding="utf-8")
    return []


def main(arguments: list[str]) -> int:
    """Run one of the three; returns the exit status."""
    problems: list[str] = []
    match arguments:
        case ["check", tag, repository]:
            problems = check(tag, repository)
        case ["notes", tag]:
            print(read_notes(tag))
        case ["pin", image]:
            problems = pin(image)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

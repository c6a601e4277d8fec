"""Troubleshooting pages by symptom, made of the table that `imagepull diagnose` answers from: they cannot differ."""

from collections.abc import Iterator, Mapping
from typing import Final

from imagepull.causes.table import Cause, fill, list_causes

__all__ = ["make_pages"]

_GROUPS: Final = {
    "credential": "Credentials: 401, 403, no basic auth credentials, pull access denied",
    "image": "The image: not found, no match for platform, layers that are wrong",
    "way": "The way to the registry: DNS, TLS, time-outs, rate limits",
    "node": "The node and the pull itself",
    "aws": "Tokens of ECR: what AWS refuses to `pulumi up` and to a renewer",
}
"""Group of a cause to the title of its page; causes of no group say that nothing is wrong with the image."""
_HEAD: Final = """
`imagepull diagnose POD` finds out which of these it is, from the Pod, its Events, its ServiceAccount and its Secrets.
Words in capitals stand for what it fills in.
"""
_AWS_HEAD: Final = """
`pulumi up`, `imagepull renew` and previews with `verify` print these behind the registry's host, as `HOST: CAUSE; FIX`.
Until then an earlier token stays; when it has expired, Pods say [token-expired](credential.md#token-expired).
Words in capitals stand for what they fill in.
"""


def make_pages() -> Mapping[str, str]:
    """Text of each page by its path below docs/."""
    by_group = {group: [cause for cause in list_causes() if cause.group == group] for group in _GROUPS}
    return {
        "troubleshooting/index.md": "\n".join(_describe_groups(by_group)),
        **{f"troubleshooting/{group}.md": "\n".join(_describe_causes(group, by_group[group])) for group in _GROUPS},
    }


def _describe_groups(by_group: Mapping[str, list[Cause]]) -> Iterator[str]:
    yield f"# ImagePullBackOff and ErrImagePull: find the text\n{_HEAD}"
    yield "| text in `kubectl describe pod` | what it may mean |\n|---|---|"
    meanings: dict[str, list[str]] = {}
    for group, causes in by_group.items():
        for cause in causes:
            for symptom in cause.symptoms:
                meanings.setdefault(symptom, []).append(f"[{cause.title}]({group}.md#{cause.code})")
    for symptom, links in sorted(meanings.items(), key=lambda each: each[0].lower()):
        yield f"| `{_escape_cell(symptom)}` | {'<br>'.join(links)} |"
    yield ""


def _describe_causes(group: str, causes: list[Cause]) -> Iterator[str]:
    yield f"# {_GROUPS[group]}\n{_AWS_HEAD if group == 'aws' else _HEAD}"
    for cause in causes:
        yield f"\n## {cause.title} {{ #{cause.code} }}\n"
        for symptom in cause.symptoms:
            yield f"```text\n{symptom}\n```\n"
        yield f"**Cause** (`{cause.code}`): {fill(cause.cause, {})}\n"
        yield f"**Fix**: {fill(cause.fix, {})}\n"
        if cause.waiting_helps:
            yield "Waiting may be enough: it is tried again.\n"
        if cause.certain_by:
            yield f"Certain by: {cause.certain_by}.\n".replace("{wanted}", "WANTED").replace("{host}", "HOST")
        others = [f"`{code}`" for code in cause.alternatives]
        if others:
            yield f"The same signs may mean: {', '.join(others)}.\n"
    yield ""


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|")

"""What `pulumi preview` or `pulumi up` said, read from its event log or from `pulumi preview --json`.

Formats, as the CLI 3.259 writes them: pulumi/pulumi sdk/go/common/apitype/events.go (one EngineEvent per line) and
pkg/backend/display/json.go (one document; it has the unchanged resources only with `--show-sames`). Both write a
secret as `[secret]`; the event log wraps that in an object, which is undone here.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import UNKNOWN
from imagepull.resource_types import Urn, parse_urn

__all__ = ["SECRET", "Message", "PreviewRun", "Step", "read"]

SECRET: Final = "[secret]"  # noqa: S105 - what stands in place of one
"""What Pulumi writes in the place of a secret."""

# pulumi/pulumi sdk/go/common/resource/plugin/rpc.go (UnknownStringValue), sdk/go/common/resource/sig/sig.go.
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
# A replacement is announced as one step, and carried out by these.
_PARTS_OF_A_REPLACEMENT: Final = ("create-replacement", "delete-replaced", "discard-replaced", "remove-pending-replace")
_ECHO: Final = "an unhandled error occurred: "  # pulumi/pulumi pkg/resource/deploy/source_eval.go
_WANTED: Final = "give what `pulumi preview --json` or `--event-log` wrote"
_SEVERITIES: Final = {"error": "error", "warning": "warning", "info": "info", "info#err": "info"}
_colour = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*[A-Za-z]")
_prefix = re.compile(r"^(?:error|warning|info): ")


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens to one resource.

    Attributes:
        op: `same`, `create`, `update`, `replace`, `delete`, `read`, `refresh`, `import`, ...
        old, new: the inputs before and after: plain data, with `UNKNOWN` and `SECRET` in place of such values.
        old_outputs, new_outputs: likewise, as far as the run reports them.
        changed: the paths that differ, where the provider named them.
    """

    op: str
    urn: str
    type: str
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)
    old_outputs: Mapping[str, Any] = field(default_factory=dict)
    new_outputs: Mapping[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        found = parse_urn(self.urn)
        return found.name if found else ""


@dataclass(frozen=True, kw_only=True)
class Message:
    """What was said about a resource, or about the run (`urn` is empty). `severity`: `error`, `warning` or `info`."""

    severity: str
    text: str
    urn: str = ""


@dataclass(frozen=True, kw_only=True)
class PreviewRun:
    """A preview, or an update.

    Attributes:
        counts: number of resources by op, the unchanged ones (`same`) too.
        failed: it did not get to its end, or ended with an error.
        complete: the unchanged resources are among the steps.
        preview: nothing was carried out.
    """

    steps: tuple[Step, ...] = ()
    messages: tuple[Message, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    failed: bool = False
    complete: bool = True
    preview: bool = True


def read(text: str) -> PreviewRun:
    """The run that a saved event log or `--json` preview describes; an empty text is one that failed at once.

    Raises:
        InvalidInput: it is neither.
    """
    if not text.strip():
        said = Message(severity="error", text="Pulumi printed nothing: it failed before it began. See the run's log.")
        return PreviewRun(messages=(said,), failed=True)
    try:
        document = json.loads(text)
    except ValueError:
        document = None  # several documents: an event log has one in each line
    try:
        if isinstance(document, Mapping) and "sequence" not in document:
            return _parse_document(document)
        return _parse_event_log(text)
    except (KeyError, TypeError, AttributeError, IndexError):
        raise InvalidInput([Problem(path="the text", reason=f"is not as Pulumi writes it; {_WANTED}")]) from None


def _parse_document(document: Mapping[str, Any]) -> PreviewRun:
    if not {"steps", "changeSummary", "diagnostics"} & document.keys():
        raise KeyError
    steps = tuple(
        _read_step(step, step.get("oldState"), step.get("newState"), step.get("diffReasons"))
        for step in document.get("steps") or ()
        if _is_counted(step)
    )
    messages = tuple(_collect_messages(document.get("diagnostics") or ()))
    counts = document.get("changeSummary") or {}
    return PreviewRun(
        steps=steps,
        messages=messages,
        counts=counts,
        failed=any(message.severity == "error" for message in messages),
        complete=sum(step.op == "same" for step in steps) >= counts.get("same", 0),
    )


def _parse_event_log(text: str) -> PreviewRun:
    events = list(_parse_events(text))
    steps: dict[str, Step] = {}
    for metadata in _collect_details(events, "resourcePreEvent", "resOutputsEvent", key="metadata"):
        if _is_counted(metadata):
            step = _read_step(metadata, metadata.get("old"), metadata.get("new"), metadata.get("diffs"))
            steps[step.urn] = step
    said = [
        *_collect_details(events, "diagnosticEvent"),
        *({"severity": "error", **event} for event in _collect_details(events, "errorEvent")),
        *map(_read_violation, _collect_details(events, "policyEvent")),
    ]
    messages = tuple(_collect_messages(said))
    summary = next(iter(_collect_details(events, "summaryEvent")), None)
    failed = summary is None or summary.get("result") == "failed" or any(each.severity == "error" for each in messages)
    return PreviewRun(
        steps=tuple(steps.values()),
        messages=messages,
        counts=summary["resourceChanges"] or {} if summary else Counter(step.op for step in steps.values()),
        failed=failed or any(_collect_details(events, "resOpFailedEvent")),
        preview=bool(summary is None or summary.get("isPreview", True)),
    )


def _parse_events(text: str) -> Iterator[Mapping[str, Any]]:
    """The events, one in a line; the last line may be cut short, where the CLI was killed."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    for place, (number, line) in enumerate(lines):
        try:
            event = json.loads(line)
        except ValueError:
            if place and place == len(lines) - 1:
                return
            event = None
        if not isinstance(event, Mapping) or not ("sequence" in event or "timestamp" in event):
            raise InvalidInput([Problem(path=f"line {number}", reason=f"is no event of Pulumi's; {_WANTED}")])
        yield event


def _collect_details(events: Iterable[Mapping[str, Any]], *kinds: str, key: str = "") -> list[Mapping[str, Any]]:
    found = [event[kind] for event in events for kind in kinds if isinstance(event.get(kind), Mapping)]
    return [each[key] for each in found if isinstance(each.get(key), Mapping)] if key else found


def _is_counted(step: Mapping[str, Any]) -> bool:
    """Whether a person thinks of it as a step: Pulumi counts no default providers and no parts of a replacement."""
    urn = _read_urn(step)
    is_default_provider = urn.type.startswith("pulumi:providers:") and urn.name.startswith("default")
    return step["op"] not in _PARTS_OF_A_REPLACEMENT and not is_default_provider


def _read_urn(step: Mapping[str, Any]) -> Urn:
    found = parse_urn(step["urn"])
    if found is None:
        raise KeyError("urn")
    return found


def _read_step(step: Mapping[str, Any], old: Any, new: Any, reasons: Any) -> Step:
    old, new = old or {}, new or {}
    return Step(
        op=step["op"],
        urn=step["urn"],
        type=_read_urn(step).type,
        old=_drop_marks(old.get("inputs") or {}),
        new=_drop_marks(new.get("inputs") or {}),
        old_outputs=_drop_marks(old.get("outputs") or {}),
        new_outputs=_drop_marks(new.get("outputs") or {}),
        changed=tuple(step.get("detailedDiff") or reasons or ()),
    )


def _drop_marks(value: Any) -> Any:
    """The value with its secrets and unknown parts as `SECRET` and `UNKNOWN`."""
    if isinstance(value, Mapping):
        return SECRET if _SIGNATURE_KEY in value else {key: _drop_marks(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_drop_marks(each) for each in value]
    return UNKNOWN if value == _UNKNOWN_TEXT else value


def _collect_messages(said: Iterable[Mapping[str, Any]]) -> list[Message]:
    found = []
    for each in said:
        severity = _SEVERITIES.get(each.get("severity", "info"))
        text = _prefix.sub("", _colour.sub("", each.get("message", ""))).strip()
        if severity and text and not each.get("ephemeral"):
            found.append(Message(severity=severity, text=text, urn=each.get("urn") or ""))
    errors = [each for each in found if each.severity == "error" and not each.text.startswith(_ECHO)]
    # Beside the errors that the program reported, Pulumi's own adds that there was one.
    return [each for each in found if not errors or each.severity != "error" or each in errors]


def _read_violation(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """A policy pack's finding as a message."""
    mandatory = event.get("enforcementLevel") == "mandatory"
    return {
        "severity": "error" if mandatory else "warning",
        "message": f"{event.get('policyPackName')}/{event.get('policyName')}: {event.get('message')}",
        "urn": event.get("resourceUrn"),
    }

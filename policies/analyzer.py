"""Where the pack's policies meet pulumi_policy: its arguments as plain data, and what mends a resource written back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from pulumi_policy import proxy as wire

from imagepull.errors import ImagePullError
from imagepull.inputs import UNKNOWN
from policies.pack import POLICIES
from policies.policy import Declared, Policy, Write

_UNKNOWN_TEXTS = frozenset(value for name, value in vars(wire).items() if name.startswith("UNKNOWN_"))


def main() -> None:
    """Serve the pack to the engine until it ends this process."""
    PolicyPack(name="imagepull", policies=[_make_pulumi_policy(policy) for policy in POLICIES])


def _make_pulumi_policy(policy: Policy) -> ResourceValidationPolicy:
    return ResourceValidationPolicy(
        name=policy.name,
        description=policy.description,
        enforcement_level=EnforcementLevel(policy.level.value),
        config_schema=PolicyConfigSchema(
            {name: {**setting.schema, "default": setting.default} for name, setting in policy.settings.items()}
        ),
        validate=_make_validation(policy),
        remediate=_make_remediation(policy) if policy.mend else None,
    )


def _make_validation(policy: Policy) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        try:
            findings = list(policy.find(_read_declared(args), policy.with_defaults(args.get_config())))
        except ImagePullError as error:
            findings = [str(error)]
        for finding in findings:
            report_violation(finding, None)

    return validate


def _make_remediation(policy: Policy) -> Callable[[ResourceValidationArgs], Mapping[str, Any] | None]:
    def remediate(args: ResourceValidationArgs) -> Mapping[str, Any] | None:
        assert policy.mend
        try:
            writes = list(policy.mend(_read_declared(args), policy.with_defaults(args.get_config())))
        except ImagePullError:
            return None  # the validation that follows reports it
        for write in writes:
            _write(args.props, write)
        return args.props if writes else None

    return remediate


def _read_declared(args: ResourceValidationArgs) -> Declared:
    return Declared(type=args.resource_type, urn=args.urn, props=_unwrap(args.props))


def _unwrap(value: Any) -> Any:
    """Without the proxies of pulumi_policy, which raise an error at a value that is not known yet, or hide a secret."""
    if isinstance(value, str):
        return UNKNOWN if value in _UNKNOWN_TEXTS else value
    if isinstance(value, Mapping):
        return {key: _unwrap_item(value, key) for key in value}
    if isinstance(value, Sequence):
        return [_unwrap_item(value, index) for index in range(len(value))]
    return value


def _unwrap_item(values: Any, key: Any) -> Any:
    try:
        return _unwrap(values[key])
    except wire.UnknownValueError:
        return UNKNOWN


def _write(props: Any, write: Write) -> None:
    """Set a value in the proxies, which keep secret what is."""
    *steps, last = write.path
    for step in steps:
        props = props[step]
    props[last] = wire.UNKNOWN_STRING_VALUE if write.value is UNKNOWN else write.value

"""What all workload components have in common: pulumi_kubernetes' resource, with policies and pull Secrets."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar, Optional

import pulumi

from imagepull.errors import InvalidInput, InvalidPullPolicy
from imagepull.images.pull_policy import parse_policy
from imagepull.images.rules import Rules, parse_rules
from imagepull.inputs import to_camel_case
from imagepull.pull_plan.access import PodAccess
from imagepull.pull_plan.explicit import make_explicit
from imagepull.pull_plan.kinds import REQUIRED_FOR, WorkloadKind
from imagepull.pull_plan.manifest import Lifted, read_pod_access

from . import short_form
from .access import Access, check_access
from .arguments import lift
from .plan import describe_images, enforce_rules

__all__ = ["Workload"]

_EITHER_FORM = ("access", "image_pull_secrets", "rules", "metadata")
_SAID_BY_THE_KIND = ("api_version", "apiVersion", "kind")


class Workload(pulumi.CustomResource):
    """A Kubernetes workload whose images all have an explicit pull policy, and whose Pods name their pull Secret.

    Use one of its kinds (`components.kinds`): each is pulumi_kubernetes' own class with this one before it. It is the
    same one resource, of the same type and URN as without us, and takes the same resource options.

    Args:
        name: Name of the Pulumi resource.
        args: See `WorkloadArgs`, or pulumi_kubernetes' args class of the kind.
        fields: The same as keyword arguments.

    Raises:
        pulumi.RunError: an argument does not exist or does not go with another, a policy is none of Kubernetes', or an
            image breaks a rule.
    """

    _kind: ClassVar[WorkloadKind]
    _arguments: ClassVar[type]

    def __init__(
        self,
        name: str,
        args: Any = None,
        opts: Optional[pulumi.ResourceOptions] = None,
        **fields: Any,
    ) -> None:
        self.title = f"{self._kind}/{name}"
        given = {**_list_fields(args), **fields}
        self._refuse_wrong(given)
        self.access: Optional[Access] = given.get("access")
        access = self.access
        rules = self._parse_rules(given.get("rules"))
        explicit = make_explicit(
            {"kind": self._kind, **self._complete(name, given)},
            pull_secrets=access.image_pull_secrets if access else given.get("image_pull_secrets", ()),
            rules=rules,
            name=name,
            lift=lift,
        )
        self.images = explicit.images
        self.manifest = explicit.manifest
        depends_on: list[Any] = [access] if access else []
        if rules:
            depends_on.append(enforce_rules(self.images))
        declare: Any = super().__init__
        declare(
            name,
            metadata=explicit.manifest.get("metadata"),
            spec=explicit.manifest.get("spec"),
            opts=_add_dependencies(opts, depends_on),
        )

    @property
    def resolved_images(self) -> pulumi.Output[list[Mapping[str, object]]]:
        """Each image with its pull policy and the reason."""
        return describe_images(self.images)

    @property
    def pods(self) -> Sequence[Lifted[PodAccess]]:
        """How its Pods get their pull Secrets."""
        return [read_pod_access(self.manifest, name=self._name, lift=lift)]

    def _parse_rules(self, given: object) -> Optional[Rules]:
        """Rules as they are, or from a mapping with Python's names or the schema's."""
        if given is None or isinstance(given, Rules):
            return given
        if not isinstance(given, Mapping):
            raise pulumi.RunError(f"{self.title}: rules are no rules; write imagepull.images.rules.Rules, or a mapping")
        try:
            return parse_rules(_to_camel_case(given))
        except InvalidInput as error:
            raise pulumi.RunError(f"{self.title}: {error}") from None

    def _complete(self, name: str, given: Mapping[str, object]) -> Mapping[str, object]:
        if "image" in given:
            return short_form.manifest(self._kind, name, given)
        return {field: given[field] for field in ("metadata", "spec") if field in given}

    def _refuse_wrong(self, given: Mapping[str, object]) -> None:
        known = self._arguments.__annotations__
        short = [field for field in given if field in known and field not in _EITHER_FORM and field != "spec"]
        wrong = [
            f"no argument {field}{_find_nearest(field, known)}"
            for field in given
            if field not in known and field not in _SAID_BY_THE_KIND
        ]
        if (problem := check_access(given.get("access"))) is not None:
            wrong.append(problem)
        if isinstance(policy := given.get("image_pull_policy"), str) and policy:
            # Refused here, before anything is registered: with an image that is an Output it would be noticed later.
            try:
                parse_policy(policy)
            except InvalidPullPolicy as error:
                wrong.append(str(error))
        if "access" in given and "image_pull_secrets" in given:
            wrong.append("image_pull_secrets beside access, which names the Secret: leave one of them out")
        if "image" not in given and "spec" not in given:
            wrong.append("neither image nor spec: write image for the short form, or the whole spec")
        elif "spec" in given and short:
            wrong.append(
                f"{', '.join(short)} beside spec: write them in the spec, or leave spec out for the short form"
            )
        elif "image" in given and (missing := REQUIRED_FOR.get(self._kind, "image")) not in given:
            wrong.append(f"no {missing}: write when to run, as cron has it: '0 3 * * *'")
        if wrong:
            raise pulumi.RunError(f"{self.title}: {'; '.join(wrong)}")


def _list_fields(args: object) -> dict[str, Any]:
    """The fields of a mapping or of an args class of pulumi_kubernetes."""
    fields = args if isinstance(args, Mapping) else vars(args) if args is not None else {}
    return {name: value for name, value in fields.items() if value is not None}


def _add_dependencies(
    opts: Optional[pulumi.ResourceOptions], depends_on: Sequence[Any]
) -> Optional[pulumi.ResourceOptions]:
    """The options with more to depend on: resources, or Outputs of lists of them."""
    for more in depends_on:
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=more))
    return opts


def _to_camel_case(value: object) -> Any:
    """The value with the keys of all mappings in it so."""
    if isinstance(value, Mapping):
        return {to_camel_case(key): _to_camel_case(each) for key, each in value.items()}
    return [_to_camel_case(each) for each in value] if isinstance(value, list) else value


def _find_nearest(field: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(field, known, n=1)
    return f" (is {near[0]} meant?)" if near else ""

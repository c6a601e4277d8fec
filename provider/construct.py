"""Components for programs in other languages: the engine's Construct, answered by the classes in `components/`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import pulumi
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer

from imagepull import __version__
from imagepull.errors import ImagePullError
from imagepull.inputs import Reader
from imagepull.resource_types import make_type_token

from .schema import COMPONENTS
from .schema_analyzer import ComponentAnalyzer

__all__ = ["Components", "Construction"]

_PREFIX: Final = make_type_token("")


@dataclass(frozen=True, kw_only=True)
class _Names:
    """A component's inputs and outputs: name in the schema to name in Python."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


class Construction(ProviderServicer):
    """Pulumi's own service for components, of which `construct` is used.

    The SDK's newer one (pulumi.provider.experimental) hands the inputs over as values that no component takes, and its
    host for components looks only into lists and mappings that are already there.

    Args:
        args: The plugin's command line.
        engine_address: Address of the engine's gRPC service.
    """

    def __init__(self, args: list[str], engine_address: str) -> None:
        super().__init__(Components(__version__), args, engine_address)

    async def construct(self, request: Any) -> Any:
        """The answer to a ConstructRequest, once all that the component declares is there; raises as Components do."""
        return await self._construct(request, None)

    @staticmethod
    def _construct_options(request: Any) -> pulumi.ResourceOptions:
        options = ProviderServicer._construct_options(request)
        # Left out there, though read (sdk/python/lib/pulumi/provider/server.py).
        timeouts = request.customTimeouts
        options.custom_timeouts = pulumi.CustomTimeouts(
            create=timeouts.create or None, update=timeouts.update or None, delete=timeouts.delete or None
        )
        return options


class Components(Provider):
    """Declares the component that is asked for, from inputs as the schema names them."""

    @cached_property
    def _names(self) -> Mapping[str, _Names]:
        analyzer = ComponentAnalyzer("imagepull")
        return {
            name: _Names(inputs=analyzer.inputs(component.args)[1], outputs=analyzer.outputs(component.outputs)[1])
            for name, component in COMPONENTS.items()
        }

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """The component's URN and outputs.

        Raises:
            ImagePullError: there is no such component, or it has no such input.
            pulumi.RunError: an input of the component is wrong.
        """
        kind = resource_type.removeprefix(_PREFIX)
        if kind not in COMPONENTS:
            raise ImagePullError(f"there is no component {resource_type}; there are {', '.join(COMPONENTS)}")
        names = self._names[kind]
        reader = Reader(values=inputs)
        reader.refuse_others(tuple(names.inputs))
        reader.raise_problems()
        # What is inside an input keeps its names: components take the API's and the schema's as well as Python's.
        component = COMPONENTS[kind].declare(name, {names.inputs[key]: value for key, value in inputs.items()}, options)
        state = {key: getattr(component, attribute) for key, attribute in names.outputs.items()}
        return ConstructResult(component.urn, cast(Any, state))

"""Runs a piece of a Pulumi program without an engine, and tells what it declared."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pulumi
from pulumi.output import UNKNOWN, Unknown
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func

__all__ = ["NOT_KNOWN", "OTHER_STACK", "declared", "list_dependencies", "unknown"]

NOT_KNOWN = "(not known)"
"""Stands in `declared` for what a preview does not know yet."""
OTHER_STACK = {
    "access": {
        "imagePullSecrets": ["registry-access"],
        "namespaces": ["shop"],
        "serviceAccounts": ["default"],
        "hosts": ["123456789012.dkr.ecr.eu-west-1.amazonaws.com"],
    }
}
"""Outputs of every stack that a program refers to."""


class _Recorder(pulumi.runtime.Mocks):
    def __init__(self, resources: dict[tuple[str, str], Any]) -> None:
        self.resources = resources

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources[args.typ, args.name] = _readable(args.inputs)
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {"name": args.name, "outputs": OTHER_STACK, "secretOutputNames": []}
        return f"{args.name}-id", {**args.inputs, "hosts": ["registry.example.com"]}

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise AssertionError(f"the program calls {args.token}")


class _DependencyRecorder(pulumi.runtime.mocks.MockMonitor):
    """Also keeps what each resource depends on, by type and name."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        super().__init__(mocks)
        self.dependencies: dict[tuple[str, str], set[tuple[str, str]]] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.dependencies[request.type, request.name] = {_parse_urn(urn) for urn in request.dependencies}
        return super().RegisterResource(request)  # type: ignore[no-untyped-call] # the SDK's own


def _parse_urn(urn: str) -> tuple[str, str]:
    _, _, types, name = urn.removeprefix("urn:pulumi:").split("::", 3)
    return types.rpartition("$")[2], name


class _Threads(ThreadPoolExecutor):
    """Threads in which the SDK's mocks find an event loop, instead of each leaving one open behind."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        def with_loop() -> Any:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            try:
                return fn(*args, **kwargs)
            finally:
                asyncio.set_event_loop(None)
                loop.close()

        return super().submit(with_loop)


def declared(
    program: Callable[[], Any], *, preview: bool = False, into: dict[tuple[str, str], Any] | None = None
) -> dict[tuple[str, str], Any]:
    """The resources that `program` declares: type and name to inputs, as they go to the engine.

    `into` gets them also when the program fails.
    """
    resources = {} if into is None else into
    _run(program, pulumi.runtime.mocks.MockMonitor(_Recorder(resources)), preview)
    return resources


def list_dependencies(program: Callable[[], Any]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """What each resource that `program` declares depends on: type and name to types and names."""
    monitor = _DependencyRecorder(_Recorder({}))
    _run(program, monitor, preview=False)
    return monitor.dependencies


def _run(program: Callable[[], Any], monitor: pulumi.runtime.mocks.MockMonitor, preview: bool) -> None:
    def declare() -> None:
        program()

    async def run() -> None:
        asyncio.get_running_loop().set_default_executor(_Threads())
        pulumi.runtime.set_mocks(monitor.mocks, preview=preview, monitor=monitor)
        SETTINGS.outputs.clear()  # those of a program that failed
        await run_pulumi_func(declare)

    asyncio.run(run())  # the SDK's settings are context variables: they end with it


def unknown() -> pulumi.Output[Any]:
    """What a preview does not know yet."""
    return pulumi.Output.from_input(UNKNOWN)


def _readable(value: Any) -> Any:
    if isinstance(value, Unknown):
        return NOT_KNOWN
    if isinstance(value, dict):
        return {key: _readable(field) for key, field in value.items()}
    return [_readable(each) for each in value] if isinstance(value, list) else value

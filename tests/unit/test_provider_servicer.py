"""What becomes of a fault of our own: the engine hears its kind and place, never a value."""

import asyncio
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from pulumi.runtime import proto

from provider.plugin import ImagePull
from provider.servicer import Servicer
from provider.wire_values import to_struct
from tests.provider.plugin import SECRET


class Aborted(Exception):
    """In place of gRPC's end of a call."""


class Context:
    """gRPC's context: keeps what the engine would be told."""

    message = ""

    async def abort(self, code: Any, message: str, trailer: Any) -> None:
        self.message = f"{message} {trailer}"
        raise Aborted


class Faulty:
    """A resource whose code has a mistake that quotes a value."""

    def check(self, inputs: Any) -> None:
        raise KeyError(inputs["registries"])

    def preview(self, old: Any, inputs: Any) -> Any:
        return inputs["registries"]["hunter2"]


@pytest.mark.parametrize("method", ["Check", "Create", "Update", "GetSchema", "Cancel", "Construct"])
def test_a_fault_of_our_own_shows_neither_values_nor_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], method: str
) -> None:
    inputs = to_struct({"registries": "hunter2"})
    request = {
        "Check": proto.CheckRequest(urn=SECRET, news=inputs),
        "Create": proto.CreateRequest(urn=SECRET, properties=inputs, preview=True),
        "Update": proto.UpdateRequest(urn=SECRET, news=inputs, preview=True),
        "GetSchema": proto.GetSchemaRequest(),
        "Cancel": Empty(),
        "Construct": proto.ConstructRequest(type="hunter2"),
    }[method]

    def fail(*_: object) -> None:
        raise ValueError(f"hunter2 in {request}")

    async def call() -> str:
        plugin, context = ImagePull(), Context()
        monkeypatch.setattr(plugin, "resource", lambda kind: Faulty())
        monkeypatch.setattr(plugin, "cancel", fail)
        monkeypatch.setattr("provider.schema.make_schema", fail)
        monkeypatch.setattr("provider.construct.Construction.construct", fail)
        with pytest.raises(Aborted):
            await getattr(Servicer([], plugin, "127.0.0.1:1"), method)(request, context)
        return context.message

    message = asyncio.run(call())
    assert "a fault of imagepull itself: " in message
    assert "Error at " in message
    assert "please report it" in message
    assert "hunter2" not in message + "".join(capfd.readouterr())
    assert "Traceback" not in message
    assert "File " not in message

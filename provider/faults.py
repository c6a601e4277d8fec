"""What the engine is told when a call fails: a message for a person, never a traceback or a value.

The stock service puts the traceback into the message, with whatever text the exception has.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, TypeVar

import grpc  # type: ignore[import-untyped]
from pulumi import RunError
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from imagepull.errors import ImagePullError, describe_fault

from .operations import Partial
from .wire_values import to_outputs_struct

__all__ = ["Handler", "Service", "report_errors_of_every_call"]

Handler = TypeVar("Handler", bound=Callable[..., Coroutine[Any, Any, Any]])
Service = TypeVar("Service", bound=type[provider_pb2_grpc.ResourceProviderServicer])

_CALLS: Final = [name for name in vars(provider_pb2_grpc.ResourceProviderServicer) if name[0].isupper()]
"""Every call of the protocol."""
_UNIMPLEMENTED: Final = "List"
"""The stock service says itself, as gRPC has it, that this call is not there."""


def report_errors_of_every_call(service: Service) -> Service:
    """Class decorator: errors of every call, the stock service's too, reach the engine as a message for a person."""
    for name in _CALLS:
        handler = getattr(service, name)
        if handler is not getattr(provider_pb2_grpc.ResourceProviderServicer, name) and name != _UNIMPLEMENTED:
            setattr(service, name, _report_errors(handler))
    return service


def _report_errors(handler: Handler) -> Handler:
    @wraps(handler)
    async def reported(self: Any, request: Any, context: Any) -> Any:
        try:
            return await handler(self, request, context)
        except Partial as error:
            message, details = str(error), _encode_partial(error)
        except (ImagePullError, RunError) as error:
            message, details = str(error), None
        except Exception as error:
            message, details = describe_fault(error), None
        trailer = () if details is None else (("grpc-status-details-bin", details),)
        return await context.abort(grpc.StatusCode.UNKNOWN, message, trailer)

    return reported  # type: ignore[return-value]


def _encode_partial(error: Partial) -> bytes:
    failed = provider_pb2.ErrorResourceInitFailed(
        id=error.state.id,
        properties=to_outputs_struct(error.state.outputs),
        reasons=error.reasons,
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(failed)
    return bytes(status.SerializeToString())

"""Which errors of a driver mean that the device is lost, or what was opened on it."""

from typing import TYPE_CHECKING, Final

from hetsched.errors import BackendError, UnitDownError

if TYPE_CHECKING:
    import pyopencl as cl

GONE: Final = frozenset(
    (
        "DEVICE_NOT_AVAILABLE",
        "INVALID_DEVICE",
        "INVALID_CONTEXT",
        "INVALID_COMMAND_QUEUE",
    )
)
"""Whatever was asked: these were valid once.

Source: OpenCL 3.0 API specification, the errors of each call.
"""

RUNNING: Final = GONE | frozenset(
    (
        "OUT_OF_RESOURCES",
        "INVALID_MEM_OBJECT",
        "INVALID_KERNEL",
        "INVALID_PROGRAM_EXECUTABLE",
        "EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
    )
)
"""Where something is enqueued that was prepared and tried: a bad access on a GPU is told as
OUT_OF_RESOURCES by the next call, and ends its context. Out of memory is another code."""


def driver_error(what: str, error: "cl.Error", *, is_running: bool = False) -> BackendError:
    """A driver's error as a backend's, to be raised.

    Args:
        what: was done, for whom.
        error: the driver's.
        is_running: something was enqueued; else something was made.

    Returns:
        A `UnitDownError` when the device is lost.
    """
    if _name(error) in (RUNNING if is_running else GONE):
        return UnitDownError(f"{what}: {error}: the OpenCL device is lost")
    return BackendError(f"{what}: {error}")


def _name(error: "cl.Error") -> str | None:
    import pyopencl as cl

    code = getattr(error, "code", None)  # an error that pyopencl itself raises has none
    return None if code is None else str(cl.status_code.to_string(code))

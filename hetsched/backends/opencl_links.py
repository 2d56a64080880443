"""Times of an OpenCL device's transfers: write, read, and map for either."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np

from hetsched.errors import BackendError


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An OpenCL device.

    Attributes:
        name: as it says itself.
        platform: its platform's name and version.
        handle: pyopencl's.
        shares_memory: whether it says that its memory is the host's.
    """

    name: str
    platform: str
    handle: object
    shares_memory: bool


def devices() -> tuple[Device, ...]:
    """OpenCL devices of this machine; none where pyopencl or a driver is missing."""
    try:
        import pyopencl as cl
    except ImportError:
        return ()
    try:
        found = [(platform, device) for platform in cl.get_platforms()
                 for device in platform.get_devices()]  # fmt: skip
    except cl.Error:
        return ()
    return tuple(
        Device(
            name=device.name.strip(),
            platform=f"{platform.name.strip()} {platform.version.strip()}",
            handle=device,
            shares_memory=bool(device.host_unified_memory),
        )
        for platform, device in found
    )


class Transfers:
    """Buffers of one size on a device, and what moves them; each call returns its time in ns.

    A map's time has the unmap in it: the data isn't the other side's before that.
    """

    def __init__(self, device: Device, size_bytes: int) -> None:
        """Make the buffers.

        Raises:
            BackendError: when the device refuses.
        """
        import pyopencl as cl

        self._cl = cl
        try:
            context = cl.Context([device.handle])
            self._queue = cl.CommandQueue(context)
            flags = cl.mem_flags.READ_WRITE | cl.mem_flags.ALLOC_HOST_PTR
            self._buffer = cl.Buffer(context, flags, size=size_bytes)
        except cl.Error as error:
            raise BackendError(f"OpenCL device {device.name!r}: {error}") from error
        self._host = np.zeros(size_bytes, np.uint8)

    def actions(self) -> Mapping[str, Callable[[], int]]:
        """By name: `write`, `read`, `map-write`, `map-read`."""
        cl = self._cl
        return {
            "write": lambda: self._time(lambda: self._copy(self._buffer, self._host)),
            "read": lambda: self._time(lambda: self._copy(self._host, self._buffer)),
            "map-write": lambda: self._time(lambda: self._map(cl.map_flags.WRITE)),
            "map-read": lambda: self._time(lambda: self._map(cl.map_flags.READ)),
        }

    def _copy(self, target: object, source: object) -> None:
        self._cl.enqueue_copy(self._queue, target, source, is_blocking=True)

    def _map(self, flags: int) -> None:
        mapped, _ = self._cl.enqueue_map_buffer(
            self._queue, self._buffer, flags, 0, self._host.shape, self._host.dtype,
            is_blocking=True,
        )  # fmt: skip
        mapped.base.release(self._queue)
        self._queue.finish()

    def _time(self, action: Callable[[], None]) -> int:
        begin = perf_counter_ns()
        try:
            action()
        except self._cl.Error as error:
            raise BackendError(f"an OpenCL transfer failed: {error}") from error
        return perf_counter_ns() - begin

"""Memory on the device: given out, given back, and read by the host when it asks."""

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from hetsched.backends.base import HostValue
from hetsched.backends.opencl.loss import driver_error
from hetsched.errors import BackendError, UnitDownError, ValueLostError

if TYPE_CHECKING:
    import pyopencl as cl

    from hetsched.backends.opencl.context import DeviceContext


class Pool:
    """Memory by size. What is given back is given out again: steady runs allocate nothing."""

    def __init__(self, context: "cl.Context") -> None:
        """An empty one."""
        self._context = context
        # Appending and popping are atomic: a lease may end in any thread, even inside `take`.
        self._free: defaultdict[int, deque[cl.Buffer]] = defaultdict(deque)

    def take(self, size_bytes: int) -> "Lease":
        """Memory of that size.

        Raises:
            BackendError: when the device has no more.
        """
        try:
            return Lease(self, self._free[size_bytes].pop(), size_bytes)
        except IndexError:
            return Lease(self, self.own(size_bytes), size_bytes)

    def give(self, memory: "cl.Buffer", size_bytes: int) -> None:
        """Take it back."""
        self._free[size_bytes].append(memory)

    def clear(self) -> None:
        """Give what is free back to the device."""
        self._free = defaultdict(deque)

    def own(self, size_bytes: int) -> "cl.Buffer":
        """Memory that the device gets back, not the pool, when nobody refers to it any more.

        Raises:
            BackendError: when the device has no more.
        """
        import pyopencl as cl

        try:
            return cl.Buffer(self._context, cl.mem_flags.READ_WRITE, size=size_bytes)
        except cl.Error:
            self.clear()  # other sizes may lie idle
        try:
            return cl.Buffer(self._context, cl.mem_flags.READ_WRITE, size=size_bytes)
        except cl.Error as error:
            raise driver_error(f"no {size_bytes} bytes on the OpenCL device", error) from error


class Lease:
    """Memory that goes back to its pool when nobody refers to it any more."""

    __slots__ = ("_pool", "_size_bytes", "memory")

    def __init__(self, pool: Pool, memory: "cl.Buffer", size_bytes: int) -> None:
        """Hold it."""
        self._pool = pool
        self._size_bytes = size_bytes
        self.memory = memory

    def __del__(self) -> None:
        """Give it back."""
        self._pool.give(self.memory, self._size_bytes)


class Stored:
    """Memory that isn't a pool's: a constant's, for all stages that read it, or a stage's own."""

    __slots__ = ("__weakref__", "memory")

    def __init__(self, memory: "cl.Buffer") -> None:
        """Hold it."""
        self.memory = memory


Memory: TypeAlias = Lease | Stored
"""Where a value lies."""


class DeviceBuffer:
    """A value on the device, made by a run that has ended.

    Attributes:
        context: where it can be read without a copy.
        held: its memory.
    """

    __slots__ = ("_array", "_dtype", "_lock", "_shape", "context", "held")

    def __init__(
        self,
        context: "DeviceContext",
        held: Memory,
        shape: tuple[int, ...],
        dtype: np.dtype,
    ) -> None:
        """Wrap it."""
        self.context = context
        self.held = held
        self._shape = shape
        self._dtype = dtype
        self._array: np.ndarray | None = None
        self._lock = threading.Lock()

    def numpy(self) -> np.ndarray:
        """The value in the host's memory: copied when first asked for, the same array afterwards.

        Raises:
            ValueLostError: when it is lost with the device.
            BackendError: when the device fails.
        """
        import pyopencl as cl

        with self._lock:
            if self._array is None:
                array = np.empty(self._shape, self._dtype)
                try:
                    cl.enqueue_copy(self.context.reads, array, self.held.memory, is_blocking=True)
                except cl.Error as error:
                    raise _unreadable(error) from error
                self._array = array
            return self._array

    def host(self) -> HostValue:
        """The same."""
        return self.numpy()


def _unreadable(error: "cl.Error") -> BackendError:
    found = driver_error("the OpenCL device fails to copy", error, is_running=True)
    return ValueLostError(str(found)) if isinstance(found, UnitDownError) else found

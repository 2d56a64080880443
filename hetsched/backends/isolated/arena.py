"""Memory that two processes share: nameless, so that nothing of it can be left behind."""

import fcntl
import mmap
import os
from collections.abc import Sequence

import numpy as np

from hetsched.errors import BackendError

FIRST_BYTES = 64 * 1024
"""Size at the start; it doubles when it is too small."""


def make_file(name: str) -> int:
    """Descriptor of a file that lives in memory as long as somebody has it open or mapped.

    Nobody can make it shorter: reading what is mapped can't fail, whatever the other side does.
    """
    handle = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return handle


class Arena:
    """A growing file in memory, mapped; the side that writes makes it grow.

    Views into it stay good when it has grown, and after it was closed.

    Attributes:
        size: how much of it is mapped here.
    """

    def __init__(self, handle: int) -> None:
        """Take over a descriptor from `make_file`."""
        self._handle = handle
        self.size = 0
        self._map: mmap.mmap | None = None
        self._address = 0

    def grow(self, size: int) -> None:
        """Make sure that it has this size.

        Raises:
            BackendError: when there is no memory for it.
        """
        if size <= self.size:
            return
        wanted = max(FIRST_BYTES, 2 * self.size, -(-size // mmap.PAGESIZE) * mmap.PAGESIZE)
        try:
            # Memory that isn't there is told here, and not by a signal when it is written to.
            os.posix_fallocate(self._handle, self.size, wanted - self.size)
        except OSError as error:
            raise BackendError(f"no {wanted} bytes to share: {error.strerror}") from error
        self._remap(wanted)

    def _remap(self, size: int) -> None:
        self._map = mmap.mmap(self._handle, size)
        self.size = size
        self._address = np.frombuffer(self._map, np.uint8).ctypes.data

    def reach(self, end: int) -> None:
        """Follow the other side's growing.

        Raises:
            BackendError: when it hasn't grown that far.
        """
        if end <= self.size:
            return
        size = os.fstat(self._handle).st_size
        if end > size:
            raise BackendError(f"byte {end} was said to be shared, but only {size} are")
        self._remap(size)

    def view(self, offset: int, dtype: np.dtype, shape: Sequence[int]) -> np.ndarray:
        """An array that is a part of it."""
        assert self._map is not None
        return np.ndarray(shape, dtype, self._map, offset)

    def has(self, array: np.ndarray) -> bool:
        """Whether an array may be in here, as it is mapped now."""
        if self._map is None or not array.nbytes:
            return False
        return bool(np.may_share_memory(array, np.frombuffer(self._map, np.uint8)))

    def lease(
        self, offset: int, dtype: np.dtype, shape: tuple[int, ...], ends: "list[int]"
    ) -> np.ndarray:
        """An array that is a part of it; when nobody has it any more, its offset goes to `ends`."""
        leased = _Lease()
        leased.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": dtype.str,
            "data": (self._address + offset, False),
        }
        leased.memory, leased.ends, leased.offset = self._map, ends, offset
        array = np.asarray(leased)
        return array if array.dtype == dtype else array.view(dtype)

    def close(self) -> None:
        """Give the descriptor back; the memory goes with the last view."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._map = None


class _Lease:
    """What an array of the arena's memory belongs to."""

    __slots__ = ("__array_interface__", "ends", "memory", "offset")
    __array_interface__: dict[str, object]
    memory: mmap.mmap | None
    ends: list[int]
    offset: int

    def __del__(self) -> None:
        self.ends.append(self.offset)  # one step for the interpreter: safe from any thread

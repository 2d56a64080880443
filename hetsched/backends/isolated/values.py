"""Values on their way through shared memory."""

from collections.abc import Callable, Sequence
from functools import cache
from math import prod

import numpy as np

from hetsched.backends.base import Buffer, HostValue
from hetsched.backends.isolated.arena import Arena
from hetsched.backends.isolated.blocks import ALIGN_BYTES
from hetsched.backends.isolated.frames import Absent, Dense, Held, Several, Text, Value
from hetsched.backends.null import numpy_dtype
from hetsched.errors import BackendError

Put = Callable[[int], tuple[int, Arena]]
"""Finds room for some bytes: where in which arena."""

View = Callable[[Dense, np.dtype], np.ndarray]
"""Makes an array of a tensor in shared memory."""

dtype_of = cache(numpy_dtype)

_STRINGS = "OSUT"


@cache
def _name(dtype: np.dtype) -> str:
    """Its name, which NumPy takes 10 us to put together."""
    return dtype.name


class Row:
    """Room for all that goes along with one command, from the arena's start."""

    def __init__(self, arena: Arena) -> None:
        """Fill this arena anew."""
        self._arena = arena
        self._end = 0

    def __call__(self, nbytes: int) -> tuple[int, Arena]:
        """Room behind what was put before."""
        start = self._end
        self._end += -(-nbytes // ALIGN_BYTES) * ALIGN_BYTES
        self._arena.grow(self._end)
        return start, self._arena


def plain(value: Buffer | HostValue) -> HostValue:
    """A value as Python sees it."""
    if value is None or isinstance(value, np.ndarray | list):
        return value
    return value.host()


def write(value: HostValue, put: Put) -> Value:
    """Copy a value into shared memory.

    Raises:
        BackendError: for a value that is no tensor, sequence or empty optional.
    """
    if isinstance(value, np.ndarray):
        return _write_array(value, put)
    if value is None:
        return Absent()
    if isinstance(value, list):
        return Several([_write_array(np.asarray(item), put) for item in value])
    raise BackendError(f"a value of type {type(value).__name__} can't go to another process")


def _write_array(array: np.ndarray, put: Put) -> Dense | Text:
    dtype = array.dtype
    if dtype.kind in _STRINGS:
        return _write_strings(array)
    name, offset = _name(dtype), 0
    if array.nbytes:
        offset, arena = put(array.nbytes)
        # Of this machine's byte order, whatever the array's is.
        arena.view(offset, dtype_of(name), array.shape)[...] = array
    return Dense(name, array.shape, offset)


def _write_strings(array: np.ndarray) -> Text:
    items = array.reshape(-1).tolist()
    wrong = next((item for item in items if not isinstance(item, str | bytes)), None)
    if wrong is not None:
        kind = type(wrong).__name__
        raise BackendError(f"an array of objects may have strings only, not {kind}")
    return Text(array.shape, items)


def read(value: Value, view: View) -> HostValue:
    """A value from shared memory.

    Raises:
        BackendError: for a dtype that doesn't exist, or a value that isn't there.
    """
    if isinstance(value, Dense):
        return _read_dense(value, view)
    if isinstance(value, Text):
        return _read_strings(value)
    if isinstance(value, Several):
        return [
            _read_dense(item, view) if isinstance(item, Dense) else _read_strings(item)
            for item in value.items
        ]
    if isinstance(value, Held):
        raise BackendError(f"value {value.handle} is kept in the other process")
    return None


def _read_dense(value: Dense, view: View) -> np.ndarray:
    dtype = dtype_of(value.dtype)
    if 0 in value.shape:
        return np.empty(value.shape, dtype)
    return view(value, dtype)


def _read_strings(value: Text) -> np.ndarray:
    array = np.empty(len(value.items), dtype=object)
    array[:] = value.items
    return array.reshape(value.shape)


def viewed(arena: Arena) -> View:
    """Arrays that are good until the arena is written to again."""

    def view(value: Dense, dtype: np.dtype) -> np.ndarray:
        arena.reach(value.offset + prod(value.shape) * dtype.itemsize)
        return arena.view(value.offset, dtype, value.shape)

    return view


def leased(arena: Arena, ends: list[int]) -> View:
    """Arrays that are good as long as somebody has them; then their offsets go to `ends`."""

    def view(value: Dense, dtype: np.dtype) -> np.ndarray:
        arena.reach(value.offset + prod(value.shape) * dtype.itemsize)
        return arena.lease(value.offset, dtype, value.shape, ends)

    return view


def offsets(values: Sequence[Value | None]) -> list[int]:
    """Where the blocks of some values are."""
    found: list[int] = []
    for value in values:
        items = value.items if isinstance(value, Several) else [value]
        found.extend(i.offset for i in items if isinstance(i, Dense) and 0 not in i.shape)
    return found

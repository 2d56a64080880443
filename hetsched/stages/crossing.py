"""Values and stages as bytes, so that they can cross to another process and back as they were.

Handled: None, bool, int, float, str, bytes, lists, tuples, dicts, NumPy arrays and scalars, named
tuples, dataclasses and msgspec structs of these, and functions and classes that can be imported.
Refused: anything else; nothing is pickled. A large array leaves only its place in the bytes: its
elements go through memory that both processes see.
"""

import dataclasses
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, Final

import msgspec
import numpy as np

from hetsched.errors import RunError

MAIN: Final = "__main__"
STAND_IN: Final = "__hetsched_main__"
"""What a host process calls the program's main module, so that nothing below its guard runs."""

ALIGNMENT: Final = 64
"""Of an array in shared memory, in bytes: a cache line."""

_LIST, _TUPLE, _DICT, _ARRAY, _SHARED, _SCALAR, _TEXTS, _OBJECT, _PLACE = range(9)
_PLAIN: Final = (type(None), bool, int, float, str, bytes)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


class UnsendableError(RunError):
    """A value that can't cross to another process."""


class Placed(msgspec.Struct, frozen=True):
    """A large array and where in the shared memory it goes, in bytes."""

    array: np.ndarray
    offset: int


def encode(values: Sequence[Any], shared_from_bytes: int) -> tuple[bytes, Sequence[Placed]]:
    """Values as bytes, and their arrays of that size or more beside them.

    Raises:
        UnsendableError: naming what can't be sent, and where in its value it is.
    """
    packer = _Packer(shared_from_bytes)
    try:
        return _encoder.encode([packer.node(value, "") for value in values]), packer.placed
    except (OverflowError, UnicodeEncodeError, RecursionError) as error:
        raise UnsendableError(f"a value can't be sent to a process: {error}") from error


def decode(data: bytes | bytearray, shared: memoryview | None) -> list[Any]:
    """The values again; their arrays are copies, which may be written to.

    Raises:
        RunError: naming a function or class that can't be found.
    """
    return [_unpacked(node, shared) for node in _decoder.decode(data)]


def size_of(placed: Sequence[Placed]) -> int:
    """How much shared memory these take, in bytes."""
    return 0 if not placed else placed[-1].offset + placed[-1].array.nbytes


def copy_in(placed: Sequence[Placed], shared: memoryview) -> None:
    """Write arrays to their places."""
    for one in placed:
        array = one.array
        target: np.ndarray = np.ndarray(array.shape, array.dtype, shared, one.offset)
        np.copyto(target, array)


def place_of(thing: Any) -> tuple[str, str, str | None] | None:
    """Module, qualified name and main file of what can be imported; None for what can't."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module not in sys.modules:
        return None
    if _inside(sys.modules[module], name) is not thing:
        return None  # a lambda, something inside a function, or replaced since
    if module not in (MAIN, STAND_IN):
        return module, name, None
    found = _main_source(sys.modules[module])
    return None if found is None else (MAIN, name, found)


def find(module: str, name: str, main: str | None) -> Any:
    """What `place_of` described, in this process.

    Raises:
        RunError: naming what can't be imported or isn't there, and why.
    """
    try:
        home = importlib.import_module(module) if main is None else _main(main)
    except Exception as error:  # importing runs whatever the module holds
        what = str(error) if isinstance(error, RunError) else f"{type(error).__name__}: {error}"
        raise RunError(f"a host process can't import {main or module!r}: {what}") from error
    found = _inside(home, name)
    if found is None:
        raise RunError(f"module {main or module!r} has no {name!r}")
    return found


class _Packer:
    """Walks a value; what msgpack has goes as it is, all else as a list that begins with a tag."""

    def __init__(self, shared_from_bytes: int) -> None:
        self._shared_from_bytes = shared_from_bytes
        self.placed: list[Placed] = []

    def node(self, value: Any, where: str) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is np.ndarray:
            return self._array(value, where)
        if kind is list or kind is tuple:
            tag = _LIST if kind is list else _TUPLE
            return [tag, *(self.node(item, f"{where}[{i}]") for i, item in enumerate(value))]
        if kind is dict:
            return [_DICT, *self._pairs(value, where)]
        if isinstance(value, np.generic):
            return [_SCALAR, _dtype_text(value.dtype, where), value.tobytes()]
        if (names := _field_names(value)) is not None and (place := place_of(kind)) is not None:
            fields = [self.node(getattr(value, name), f"{where}.{name}") for name in names]
            return [_OBJECT, place, names, fields]
        if callable(value) and (place := place_of(value)) is not None:
            return [_PLACE, place]
        raise _unsendable(value, where)

    def _pairs(self, value: dict[Any, Any], where: str) -> Iterator[Any]:
        for key, item in value.items():
            yield self.node(key, where)
            yield self.node(item, f"{where}[{key!r}]")

    def _array(self, array: np.ndarray, where: str) -> list[Any]:
        if array.dtype.kind == "O":
            return self._texts(array, where)
        dtype = _dtype_text(array.dtype, where)
        if array.nbytes < self._shared_from_bytes:
            return [_ARRAY, dtype, array.shape, array.tobytes()]
        end = size_of(self.placed)
        self.placed.append(Placed(array, -(-end // ALIGNMENT) * ALIGNMENT))
        return [_SHARED, dtype, array.shape, self.placed[-1].offset]

    def _texts(self, array: np.ndarray, where: str) -> list[Any]:
        texts = array.ravel().tolist()
        for text in texts:
            if not isinstance(text, str | bytes):
                raise _unsendable(text, where)
        return [_TEXTS, array.shape, texts]


def _unsendable(value: Any, where: str) -> UnsendableError:
    at = f" at {where}" if where else ""
    return UnsendableError(
        f"a {type(value).__module__}.{type(value).__qualname__}{at} can't be sent to a process: "
        "give arrays, numbers, texts, bytes, None, lists, tuples, dicts, dataclasses or msgspec "
        "structs of these, or run the stage with where='thread'"
    )


def _field_names(value: Any) -> tuple[str, ...] | None:
    """Fields that a value's class takes by name: of dataclasses, named tuples, msgspec structs."""
    if isinstance(value, tuple):
        return getattr(value, "_fields", None)
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple(field.name for field in dataclasses.fields(value) if field.init)
    return None


def _dtype_text(dtype: np.dtype, where: str) -> str:
    """`<f4`; ml_dtypes' own by name."""
    if dtype.kind != "V":
        return dtype.str
    if dtype.fields is None and _is_of_ml_dtypes(dtype):
        return dtype.name
    at = f" at {where}" if where else ""
    raise UnsendableError(f"an array of dtype {dtype}{at} can't be sent to a process")


def _is_of_ml_dtypes(dtype: np.dtype) -> bool:
    return dtype.type.__module__ == "ml_dtypes"


def _dtype(text: str) -> np.dtype:
    if text.isidentifier():
        importlib.import_module("ml_dtypes")  # makes its names known to NumPy
    return np.dtype(text)


def _unpacked(node: Any, shared: memoryview | None) -> Any:
    if not isinstance(node, list):
        return node
    return _UNPACK[node[0]](node, shared)


def _items(node: list[Any], shared: memoryview | None) -> list[Any]:
    return [_unpacked(item, shared) for item in node[1:]]


def _dict(node: list[Any], shared: memoryview | None) -> dict[Any, Any]:
    items = _items(node, shared)
    return dict(zip(items[::2], items[1::2], strict=True))


def _array(node: list[Any], _: memoryview | None) -> np.ndarray:
    return np.frombuffer(node[3], _dtype(node[1])).reshape(node[2]).copy()


def _shared_array(node: list[Any], shared: memoryview | None) -> np.ndarray:
    assert shared is not None, "an array in shared memory that nobody sent"
    seen: np.ndarray = np.ndarray(node[2], _dtype(node[1]), shared, node[3])
    return seen.copy()


def _scalar(node: list[Any], _: memoryview | None) -> np.generic:
    found: np.generic = np.frombuffer(node[2], _dtype(node[1]))[0]
    return found


def _texts(node: list[Any], _: memoryview | None) -> np.ndarray:
    return np.array(node[2], object).reshape(node[1])


def _object(node: list[Any], shared: memoryview | None) -> Any:
    fields = zip(node[2], node[3], strict=True)
    return find(*node[1])(**{name: _unpacked(value, shared) for name, value in fields})


_UNPACK: Final[dict[int, Callable[[list[Any], memoryview | None], Any]]] = {
    _LIST: _items,
    _TUPLE: lambda node, shared: tuple(_items(node, shared)),
    _DICT: _dict,
    _ARRAY: _array,
    _SHARED: _shared_array,
    _SCALAR: _scalar,
    _TEXTS: _texts,
    _OBJECT: _object,
    _PLACE: lambda node, _: find(*node[1]),
}


def _inside(module: ModuleType, qualname: str) -> Any:
    found: Any = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def _main_source(main: ModuleType) -> str | None:
    """Where the program's main module comes from: a module's name, or a file's path."""
    spec = getattr(main, "__spec__", None)
    if main.__name__ == MAIN and spec is not None and spec.name:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return None if file is None else str(file)


def _main(source: str) -> ModuleType:
    """The program's main module: this process's own, or imported under another name."""
    main = sys.modules[MAIN]
    if _main_source(main) == source:
        return main
    if STAND_IN not in sys.modules:
        spec = importlib.util.find_spec(source) if "/" not in source else None
        if spec is None:
            spec = importlib.util.spec_from_file_location(STAND_IN, source)
        if spec is None or spec.loader is None:
            raise ImportError(f"no Python module at {source!r}")
        sys.modules[STAND_IN] = module = importlib.util.module_from_spec(spec)
        module.__name__ = STAND_IN
        spec.loader.exec_module(module)
    return sys.modules[STAND_IN]

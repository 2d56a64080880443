"""Values between ONNX Runtime sessions: `OrtValue` inside, numpy and lists at the edges.

A few kinds of value have no way into an `OrtValue` from Python (strings, sequences, empty
optionals): those stay host values, and a session that reads one is called with host values.
"""

import ctypes
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as native

from hetsched.backends.base import Buffer, HostValue
from hetsched.backends.ort.session import make_session
from hetsched.errors import BackendError
from hetsched.ir.parts import identity_model

NativeValue: TypeAlias = Any
"""`onnxruntime.capi...OrtValue`, which has no type stub."""

_CPU = native.OrtDevice(native.OrtDevice.cpu(), native.OrtDevice.default_memory(), 0)

_SPECIAL: Mapping[str, tuple[int, type, int]] = {
    "bfloat16": (16, ml_dtypes.bfloat16, 16),
    "float8e4m3fn": (17, ml_dtypes.float8_e4m3fn, 8),
    "float8e4m3fnuz": (18, ml_dtypes.float8_e4m3fnuz, 8),
    "float8e5m2": (19, ml_dtypes.float8_e5m2, 8),
    "float8e5m2fnuz": (20, ml_dtypes.float8_e5m2fnuz, 8),
    "uint4": (21, ml_dtypes.uint4, 4),
    "int4": (22, ml_dtypes.int4, 4),
    "float4e2m1": (23, ml_dtypes.float4_e2m1fn, 4),
    "float8e8m0": (24, ml_dtypes.float8_e8m0fnu, 8),
    "uint2": (25, ml_dtypes.uint2, 2),
    "int2": (26, ml_dtypes.int2, 2),
}
"""ONNX Runtime's name: element type number, numpy type, bits per element. Source: onnx.proto3."""


@dataclass(slots=True)  # not frozen: that doubles the time of making one
class OrtBuffer:
    """A value in ONNX Runtime's memory.

    Attributes:
        value: the runtime's own handle.
        kind: its type in ONNX Runtime's words, `tensor(float)`.
        owner: the array whose memory it is, which must live as long; None for ONNX Runtime's own.
        memory: what else must live as long: the packed form of `owner`.
    """

    value: NativeValue
    kind: str
    owner: np.ndarray | None = None
    memory: np.ndarray | None = None

    def numpy(self) -> np.ndarray:
        """A view of the value's memory; strings and packed numbers are copied."""
        found = self.host()
        if not isinstance(found, np.ndarray):
            raise BackendError("the value is a sequence or an empty optional, not a tensor")
        return found

    def host(self) -> HostValue:
        """An array, a list for a sequence, None for an empty optional."""
        if isinstance(self.owner, np.ndarray):
            return self.owner
        value = self.value
        if not value.has_value():
            return None
        if value.is_tensor_sequence():
            return sequence_list(value, self.kind)
        element = element_name(self.kind)
        if element in _SPECIAL:
            return _special_array(value, element, self)
        array: np.ndarray = value.numpy()
        return array


@dataclass(frozen=True, slots=True)
class HostBuffer:
    """A value that ONNX Runtime handed out in Python's form."""

    value: HostValue

    def numpy(self) -> np.ndarray:
        """The array itself."""
        if not isinstance(self.value, np.ndarray):
            raise BackendError("the value is a sequence or an empty optional, not a tensor")
        return self.value

    def host(self) -> HostValue:
        """The value itself."""
        return self.value


def to_ort(value: Buffer | HostValue, kind: str) -> OrtBuffer | HostBuffer:
    """Bring a value into ONNX Runtime's memory, without a copy where its layout allows that.

    Args:
        value: a buffer of any backend, or a host value.
        kind: the type that the session wants, `tensor(float)`.
    """
    if isinstance(value, OrtBuffer | HostBuffer):
        return value
    plain = value if value is None or isinstance(value, np.ndarray | list) else value.host()
    element = element_name(kind)
    if not isinstance(plain, np.ndarray) or plain.dtype.kind in "OSUT" or "seq(" in kind:
        return HostBuffer(plain)
    if element in _SPECIAL:
        return _special_value(plain, element, kind)
    array = np.asarray(plain, order="C")
    return OrtBuffer(native.OrtValue.ortvalue_from_numpy(array, _CPU), kind, array)


def element_name(kind: str) -> str:
    """`optional(tensor(bfloat16))` to `bfloat16`; something with brackets for a sequence."""
    plain = kind.removeprefix("optional(").removesuffix(")") if "optional" in kind else kind
    return plain.removeprefix("tensor(").removesuffix(")")


def sequence_list(value: NativeValue, kind: str) -> list[Any]:
    """The tensors of a sequence. Python has no way into one but through a session's outputs."""
    with _lock:
        if kind not in _identities:
            _identities[kind] = make_session(identity_model(kind), threads=1, optimize=False)
        session = _identities[kind]
    found: list[Any] = session.run(["y"], {"x": ort.OrtValue(value)})[0]
    return found


_identities: dict[str, ort.InferenceSession] = {}
_lock = threading.Lock()


def python_value(buffer: OrtBuffer | HostBuffer) -> object:
    """The form that `InferenceSession.run` takes: its own wrapper, or a host value."""
    if isinstance(buffer, HostBuffer):
        return buffer.value
    return ort.OrtValue(buffer.value)


def _special_value(array: np.ndarray, element: str, kind: str) -> OrtBuffer:
    number, dtype, bits = _SPECIAL[element]
    if array.dtype != dtype:
        wanted = np.dtype(dtype)
        raise BackendError(f"a {element} value must be an array of {wanted}, not of {array.dtype}")
    plain = np.asarray(array, order="C")
    memory = plain if bits >= 8 else _packed_memory(plain, bits)
    value = native.OrtValue.ortvalue_from_numpy_with_onnx_type(memory, number)
    return OrtBuffer(value, kind, plain, memory)


def _packed_memory(array: np.ndarray, bits: int) -> np.ndarray:
    """An array of the same shape and dtype, in whose first bytes the numbers are packed."""
    memory = array.copy()
    packed = _pack(array, bits)
    memory.reshape(-1).view(np.uint8)[: packed.size] = packed
    return memory


def _special_array(value: NativeValue, kind: str, owner: object) -> np.ndarray:
    _, dtype, bits = _SPECIAL[kind]
    shape = tuple(value.shape())
    count = int(np.prod(shape, dtype=np.int64))
    size = (count * bits + 7) // 8
    if size == 0:
        return np.zeros(shape, dtype)
    memory = (ctypes.c_uint8 * size).from_address(value.data_ptr())
    memory._owner = owner  # type: ignore[attr-defined]  # the view must keep the value alive
    raw: np.ndarray = np.frombuffer(memoryview(memory), dtype=np.uint8)
    if bits >= 8:
        found: np.ndarray = raw.view(dtype).reshape(shape)
        return found
    unpacked: np.ndarray = _unpack(raw, bits, count).view(dtype).reshape(shape)
    return unpacked


def _pack(array: np.ndarray, bits: int) -> np.ndarray:
    """Several numbers a byte, the first one in the low bits, as ONNX stores them."""
    per_byte = 8 // bits
    codes = array.reshape(-1).view(np.uint8) & ((1 << bits) - 1)
    padded = np.zeros((-(-codes.size // per_byte), per_byte), np.uint8)
    padded.reshape(-1)[: codes.size] = codes
    shifts = np.arange(per_byte, dtype=np.uint8) * bits
    joined: np.ndarray = np.bitwise_or.reduce(padded << shifts, axis=1).astype(np.uint8)
    return joined


def _unpack(raw: np.ndarray, bits: int, count: int) -> np.ndarray:
    per_byte = 8 // bits
    shifts = np.arange(per_byte, dtype=np.uint8) * bits
    codes = (raw[:, None] >> shifts) & ((1 << bits) - 1)
    return codes.reshape(-1)[:count].astype(np.uint8)

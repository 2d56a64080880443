"""Several outputs packed into one tensor, for targets that allow a single one, and unpacked again.

Each output becomes a segment: a run of elements (form `flat` and `flat-4d`) or of channels (form
`channels`). Dtypes stay separable since a segment is only cast where the packed dtype holds each of
its values exactly; layout stays separable since each segment has its shape, and since in the form
`channels` a target may give channels last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

import numpy as np

from hetsched.errors import ModelError
from hetsched.ir.graph import Graph, Tensor

Form: TypeAlias = Literal["flat", "flat-4d", "channels"]
"""`flat`: (1, elements). `flat-4d`: (1, elements, 1, 1). `channels`: (N, C, H, W), for outputs that
are alike but for their channels: nothing is reshaped."""

FORMS: tuple[Form, ...] = ("channels", "flat", "flat-4d")
"""In the order of trying: fewest ops first."""

EXACT_IN: Mapping[str, frozenset[str]] = {
    "float64": frozenset({"float32", "float16", "bfloat16", "int32", "uint32", "int16", "uint16",
                          "int8", "uint8", "bool"}),
    "float32": frozenset({"float16", "bfloat16", "int16", "uint16", "int8", "uint8", "bool"}),
    "float16": frozenset({"int8", "uint8", "bool"}),
    "int64": frozenset({"int32", "uint32", "int16", "uint16", "int8", "uint8", "bool"}),
    "int32": frozenset({"int16", "uint16", "int8", "uint8", "bool"}),
}  # fmt: skip
"""Packed dtype to the other dtypes each of whose values it holds.

Source: IEEE 754: 53, 24 and 11 bits of significand in float64, float32 and float16.
"""

LARGEST_EXACT: Mapping[str, int] = {"float64": 2**53, "float32": 2**24, "float16": 2**11}
"""Integers up to this one are exact in a float dtype. Source: as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One output inside the packed tensor.

    Attributes:
        name: of the output.
        dtype: of the output.
        shape: of the output.
        start: first element, or channel, of the packed tensor.
        stop: one after the last.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How outputs lie in one tensor.

    Attributes:
        tensor: name of the packed tensor.
        form: see `Form`.
        dtype: of the packed tensor.
        shape: of the packed tensor.
        segments: in its order.
    """

    tensor: str
    form: Form
    dtype: str
    shape: tuple[int, ...]
    segments: tuple[Segment, ...]


def packing(graph: Graph, names: Sequence[str], form: Form, tensor: str = "packed") -> Packing:
    """Lay tensors out in one.

    Args:
        graph: the model's.
        names: tensors that are made at run time, in the order wanted.
        form: see `Form`.
        tensor: name of the packed tensor.

    Raises:
        ModelError: naming a tensor whose shape or dtype keeps it out, and why.
    """
    tensors = [_known(graph, name) for name in names]
    dtype = _common_dtype(graph, tensors)
    if form == "channels":
        _check_channels(tensors)
    segments, start = [], 0
    for tensor_ in tensors:
        shape = tuple(dim or 0 for dim in tensor_.shape or ())
        stop = start + (shape[1] if form == "channels" else prod(shape))
        segments.append(
            Segment(
                name=tensor_.name, dtype=tensor_.dtype or "", shape=shape, start=start, stop=stop
            )
        )
        start = stop
    first = segments[0].shape
    shapes = {
        "flat": (1, start),
        "flat-4d": (1, start, 1, 1),
        "channels": (*first[:1], start, *first[2:]),
    }
    return Packing(
        tensor=tensor, form=form, dtype=dtype, shape=shapes[form], segments=tuple(segments)
    )


def pack(layout: Packing, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the target's one output holds."""
    parts = [arrays[segment.name].astype(layout.dtype) for segment in layout.segments]
    if layout.form == "channels":
        return np.concatenate(parts, axis=1)
    return np.concatenate([part.reshape(-1) for part in parts]).reshape(layout.shape)


def unpack(
    layout: Packing, packed: np.ndarray, *, channels_last: bool = False
) -> dict[str, np.ndarray]:
    """The outputs in their own dtypes and shapes.

    Args:
        layout: how they lie in the packed tensor.
        packed: what the target gave.
        channels_last: the target gave it as (N, H, W, C); only the form `channels` asks.

    Raises:
        ModelError: when `packed` hasn't the layout's number of elements.
    """
    if packed.size != prod(layout.shape):
        raise ModelError(
            f"{layout.tensor!r} has {packed.size} elements: {prod(layout.shape)} are expected"
        )
    if layout.form == "channels":
        whole = np.moveaxis(packed, -1, 1) if channels_last else packed
        cut = (whole[:, s.start : s.stop] for s in layout.segments)
    else:
        flat = packed.reshape(-1)
        cut = (flat[s.start : s.stop].reshape(s.shape) for s in layout.segments)
    pairs = zip(layout.segments, cut, strict=True)
    return {segment.name: part.astype(segment.dtype) for segment, part in pairs}


def _known(graph: Graph, name: str) -> Tensor:
    tensor = graph.tensors[name]
    if not tensor.is_static:
        raise ModelError(f"{name!r} can't be packed: its shape or dtype isn't known")
    return tensor


def _common_dtype(graph: Graph, tensors: Sequence[Tensor]) -> str:
    """The widest float dtype among them, else the widest integer one."""
    dtypes = [tensor.dtype or "" for tensor in tensors]
    wanted = next((dtype for dtype in (*EXACT_IN, *dtypes) if dtype in dtypes), dtypes[0])
    for tensor in tensors:
        if tensor.dtype == wanted or tensor.dtype in EXACT_IN.get(wanted, ()):
            continue
        bound = _largest(graph, tensor.name)
        if bound is None or bound > LARGEST_EXACT.get(wanted, 0):
            raise ModelError(
                f"{tensor.name!r} can't be packed: {wanted} doesn't hold every {tensor.dtype}"
            )
    return wanted


def _largest(graph: Graph, name: str) -> int | None:
    """The largest integer that a tensor can hold, where its op says so: positions along an axis."""
    op = graph.producer.get(name)
    if op is None:
        return None
    if op.op_type in ("ArgMax", "ArgMin") or (op.op_type == "TopK" and name == op.outputs[1]):
        shape = graph.tensors[op.inputs[0]].shape
        return None if shape is None or None in shape else max(filter(None, shape), default=0)
    if op.op_type in ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Identity"):
        return _largest(graph, op.inputs[0])
    return None


def _check_channels(tensors: Sequence[Tensor]) -> None:
    shapes = [tensor.shape or () for tensor in tensors]
    for tensor, shape in zip(tensors, shapes, strict=True):
        if len(shape) != 4:
            raise ModelError(
                f"{tensor.name!r} can't be packed by channels: rank {len(shape)}, not 4"
            )
        if (shape[0], *shape[2:]) != (shapes[0][0], *shapes[0][2:]):
            raise ModelError(
                f"{tensor.name!r} can't be packed by channels: {list(shape)} differs from "
                f"{list(shapes[0])} in more than channels"
            )

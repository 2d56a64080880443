"""Between which numbers an integer tensor lies, as far as its makers tell."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import FLOATS, static_shape, stored

Range: TypeAlias = tuple[int, int]

_DEPTH = 24
"""How many makers are followed up: further ones count as unknown."""

_DTYPES: Mapping[ir.DataType, Range] = {
    ir.DataType.BOOL: (0, 1),
    ir.DataType.INT8: (-(2**7), 2**7 - 1),
    ir.DataType.UINT8: (0, 2**8 - 1),
    ir.DataType.INT16: (-(2**15), 2**15 - 1),
    ir.DataType.UINT16: (0, 2**16 - 1),
    ir.DataType.INT32: (-(2**31), 2**31 - 1),
}
_HANDING_ON = frozenset({
    "Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Gather",
    "Expand", "Tile", "Split", "ReduceMax", "ReduceMin", "Cast",
})  # fmt: skip
_JOINING = frozenset({"Concat", "Max", "Min"})


def _product(a: Range, b: Range) -> Range:
    corners = [x * y for x in a for y in b]
    return min(corners), max(corners)


_ARITHMETIC: Mapping[str, Callable[[Range, Range], Range]] = {
    "Add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "Sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "Mul": _product,
}


def bounds(value: ir.Value, depth: int = _DEPTH) -> Range | None:
    """Least and largest number that an integer tensor may hold; None when nobody tells."""
    if value.dtype in FLOATS:
        return None  # rounding makes 2**31 of 2**31 - 1
    known = stored(value)
    if known is not None:
        if known.dtype.kind not in "biu" or known.size == 0:
            return None
        return int(known.min()), int(known.max())
    if value.dtype is not None and value.dtype in _DTYPES:
        return _DTYPES[value.dtype]
    maker = value.producer()
    if maker is None or depth == 0 or maker.domain != "":
        return None
    return _made(maker, depth - 1)


def _made(maker: ir.Node, depth: int) -> Range | None:
    kind, inputs = maker.op_type, [value for value in maker.inputs if value is not None]
    if kind in ("ArgMax", "ArgMin", "Shape", "Size", "NonZero"):
        shape = static_shape(inputs[0])
        largest = None if shape is None else int(np.prod([max(dim, 1) for dim in shape]))
        return None if largest is None else (0, largest)
    if kind in _HANDING_ON:
        return bounds(inputs[0], depth)
    read = [bounds(value, depth) for value in inputs]
    found = [pair for pair in read if pair is not None]
    if not found or len(found) < len(read):
        return None
    if kind in _JOINING:
        return min(low for low, _ in found), max(high for _, high in found)
    if kind in _ARITHMETIC and len(found) == 2:
        return _ARITHMETIC[kind](found[0], found[1])
    if kind in ("Neg", "Abs"):
        low, high = found[0]
        return (-high, -low) if kind == "Neg" else (0, max(abs(low), abs(high)))
    return None


def fits(value: ir.Value, dtype: ir.DataType = ir.DataType.INT32) -> bool:
    """Whether everything that a tensor may hold fits into a lesser dtype."""
    found, room = bounds(value), _DTYPES[dtype]
    return found is not None and room[0] <= found[0] and found[1] <= room[1]

"""Ops whose form depends on the opset, recorded on a tape."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import known_shape
from hetsched.convert.rules.tape import Tape

SLICE_STEPS = 10
"""Opset since which Slice takes inputs, and has steps. Source: Slice-10 of ONNX."""
_SPLIT_INPUTS = 13
_PAD_INPUTS = 11


def cut(
    tape: Tape,
    value: ir.Value,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int],
    steps: Sequence[int] | None = None,
) -> ir.Value:
    """Slice. Steps need opset 10."""
    if tape.opset < SLICE_STEPS:
        assert steps is None, "Slice has no steps before opset 10"
        return tape.op("Slice", value, starts=list(starts), ends=list(ends), axes=list(axes))
    given = [starts, ends, axes] if steps is None else [starts, ends, axes, steps]
    return tape.op("Slice", value, *(tape.integers(*numbers) for numbers in given))


def cut_axis(tape: Tape, value: ir.Value, axis: int, start: int, end: int) -> ir.Value:
    """Slice along one axis; the value itself where that is all of it."""
    if (start, end) == (0, known_shape(value)[axis]):
        return value
    return cut(tape, value, [start], [end], [axis])


def split(tape: Tape, value: ir.Value, axis: int, parts: Sequence[int]) -> tuple[ir.Value, ...]:
    """Split into parts of these sizes."""
    if len(parts) == 1:
        return (value,)
    if tape.opset < _SPLIT_INPUTS:
        return tape.ops("Split", [value], len(parts), axis=axis, split=list(parts))
    return tape.ops("Split", [value, tape.integers(*parts)], len(parts), axis=axis)


def concat(tape: Tape, values: Sequence[ir.Value], axis: int) -> ir.Value:
    """Concat; the value itself where there is only one."""
    return values[0] if len(values) == 1 else tape.op("Concat", *values, axis=axis)


def pad(tape: Tape, value: ir.Value, pads: Sequence[int], mode: str = "constant") -> ir.Value:
    """Pad, with zeros in mode `constant`; the value itself where all pads are 0."""
    if not any(pads):
        return value
    if tape.opset < _PAD_INPUTS:
        return tape.op("Pad", value, pads=list(pads), mode=mode)
    return tape.op("Pad", value, tape.integers(*pads), mode=mode)


def transpose(tape: Tape, value: ir.Value, order: Sequence[int]) -> ir.Value:
    """Transpose; the value itself where the order stays."""
    if list(order) == sorted(order):
        return value
    return tape.op("Transpose", value, perm=list(order))


def reshape(tape: Tape, value: ir.Value, shape: Sequence[int]) -> ir.Value:
    """Reshape; the value itself where the shape stays."""
    return value if known_shape(value) == tuple(shape) else tape.reshape(value, shape)


def moved(tape: Tape, value: ir.Value, by: float) -> ir.Value:
    """Add of a stored number, nothing for 0."""
    return value if by == 0 else tape.op("Add", value, tape.constant(np.asarray(by), value))


def scaled(tape: Tape, value: ir.Value, by: float) -> ir.Value:
    """Mul by a stored number, nothing for 1."""
    return value if by == 1 else tape.op("Mul", value, tape.constant(np.asarray(by), value))

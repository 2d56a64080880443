"""What normalisations have in common: shared by their rules."""

from collections.abc import Sequence

import onnx_ir as ir

from hetsched.convert.rules.tape import Tape


def deviation(tape: Tape, centred: ir.Value, axes: Sequence[int], epsilon: float) -> ir.Value:
    """sqrt(mean(x^2) + epsilon) over some axes, which are kept."""
    variance = tape.reduce("ReduceMean", tape.op("Mul", centred, centred), axes)
    return tape.op("Sqrt", tape.op("Add", variance, tape.number(epsilon, centred)))


def normalized(tape: Tape, x: ir.Value, axes: Sequence[int], epsilon: float) -> ir.Value:
    """(x - mean) / sqrt(variance + epsilon) over some axes."""
    centred = tape.op("Sub", x, tape.reduce("ReduceMean", x, axes))
    return tape.op("Div", centred, deviation(tape, centred, axes, epsilon))

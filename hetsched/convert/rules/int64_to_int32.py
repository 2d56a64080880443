"""Ops over int64 in int32, where all numbers are proven to fit; the result is cast back.

Stored numbers become int32, others go through Cast. Adjacent Casts there and back are removed by
`void` in turn.

Handled: Add, Sub, Mul, Max, Min, Neg, Abs, Concat, Reshape, Transpose, Squeeze, Unsqueeze, Slice,
Expand, Tile over int64, comparisons of int64, where `ranges` bounds every input and the output;
Gather whose indices are bounded, stored or not.
Refused: everything whose numbers nobody bounds, such as an int64 input of the model.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import ranges
from hetsched.convert.rules.rule import Rule, Site, stored
from hetsched.convert.rules.tape import Tape

_ALL = frozenset({"Add", "Sub", "Mul", "Max", "Min", "Neg", "Abs", "Concat"})
_COMPARING = frozenset({"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"})
_FIRST = frozenset({"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Expand", "Tile"})
_GATHER = "Gather"


def _narrowed(site: Site) -> list[int]:
    """Which inputs become int32."""
    kind, inputs = site.node.op_type, site.node.inputs
    only = {_GATHER: (1,)} | dict.fromkeys(_FIRST, (0,))
    chosen = only.get(kind, tuple(range(len(inputs))))
    return [i for i in chosen if site.input(i).dtype == ir.DataType.INT64]


def check(site: Site) -> str | None:
    """None where it applies."""
    found = _narrowed(site)
    if not found:
        return "it has no int64 that could be int32"
    for index in found:
        if not ranges.fits(site.input(index)):
            return f"nobody tells that {site.input(index).name!r} fits into int32"
    is_int = site.output.dtype == ir.DataType.INT64 and site.node.op_type != _GATHER
    if is_int and not ranges.fits(site.output):
        return "its result may not fit into int32"
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Cast, the op, Cast."""
    found, inputs = _narrowed(site), list(site.node.inputs)
    for index in found:
        inputs[index] = _as_int32(tape, site.input(index))
    value = tape.op(site.node.op_type, *inputs, **site.attributes)
    if site.node.op_type == _GATHER or site.output.dtype != ir.DataType.INT64:
        return value
    return tape.op("Cast", value, to=int(ir.DataType.INT64))


def _as_int32(tape: Tape, value: ir.Value) -> ir.Value:
    known = stored(value)
    if known is not None:
        return tape.constant(known.astype(np.int32))
    return tape.op("Cast", value, to=int(ir.DataType.INT32))


RULE = Rule(
    name="int64-to-int32", ops=(*sorted(_ALL | _COMPARING | _FIRST), _GATHER),
    makes="Cast, the op in int32, Cast", exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip

"""Which rate of a profile a kernel's arithmetic is costed with."""

from collections.abc import Mapping, Sequence

from hetsched.ir.graph import Graph, Op
from hetsched.ir.op_class import CONV_WEIGHT, OpClass

RATE_OF: Mapping[OpClass, str] = {
    OpClass.CONV1X1: "pointwise",
    OpClass.CONV_KXK: "spatial",
    OpClass.DEPTHWISE: "depthwise",
    # No Winograd there: a transposed convolution is a matrix product and a scatter.
    OpClass.CONV_TRANSPOSE: "pointwise",
    OpClass.DENSE: "dense",
    OpClass.MATMUL: "dense",
    OpClass.RECURRENT: "dense",
    OpClass.CONTROL: "dense",
}
LANES = 4
"""Channels that a vector takes: kernels for other numbers of channels fall back to scalars.

Source: 128 bit vectors of float32, the width of Arm's Neon; ncnn packs channels by 4 or 8.
"""
NARROW = 16
"""Below this many channels per group, transforms and idle lanes eat up what Winograd saves."""


def rate_name(graph: Graph, op: Op, op_class: OpClass) -> str | None:
    """The field of `Rates` for an op's arithmetic; None for ops without any."""
    if op_class is OpClass.CONV_KXK:
        return _of_convolution(graph, op)
    return RATE_OF.get(op_class)


def spatial_rate(
    *,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    inputs: int,
    outputs: int,
    groups: int,
) -> str:
    """The rate of a k x k convolution.

    `winograd`: 3 x 3 without stride or dilation, whose channels fill vectors. `grouped`: groups of
    few channels. `spatial`: all others.

    Args:
        kernel: height and width.
        strides: as long.
        dilations: as long.
        inputs: channels per group.
        outputs: channels per group.
        groups: how many.
    """
    if groups > 1 and min(inputs, outputs) < NARROW:
        return "grouped"
    plain = tuple(kernel) == (3, 3) and set(strides) == {1} and set(dilations) == {1}
    filled = min(inputs, outputs) >= NARROW and inputs % LANES == 0 and outputs % LANES == 0
    return "winograd" if plain and filled else "spatial"


def _of_convolution(graph: Graph, op: Op) -> str:
    shape = graph.tensors[op.inputs[CONV_WEIGHT[op.op_type]]].shape
    known = tuple(dim for dim in shape or () if dim is not None)
    if shape is None or len(known) < len(shape):
        return "spatial"
    outputs, inputs, *kernel = known
    ones = [1] * len(kernel)
    groups = max(1, _integers(op, "group", [1])[0])
    return spatial_rate(
        kernel=kernel,
        strides=_integers(op, "strides", ones),
        dilations=_integers(op, "dilations", ones),
        inputs=inputs,
        outputs=outputs // groups,
        groups=groups,
    )


def _integers(op: Op, name: str, default: Sequence[int]) -> Sequence[int]:
    value = op.attributes.get(name)
    if isinstance(value, int):
        return (value,)
    if isinstance(value, tuple):
        return [item for item in value if isinstance(item, int)] or default
    return default

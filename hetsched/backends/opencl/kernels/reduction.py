"""Reductions over some or all axes, global pooling included."""

from hetsched.backends.opencl.kernels.launch import Launch, Lowered
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.strides import axis_of, contiguous, merged

REDUCTIONS = (
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare",
)  # fmt: skip
"""Kernels have the ops' names."""


def reduction(node: Node) -> Lowered:
    """A reduction over the axes of its attribute or its second input."""
    axes = node.option("axes", 1)
    if not axes and node.number("noop_with_empty_axes", 0):
        return Lowered(views={node.output: node.name(0)})
    rank = len(node.shape(0))
    return _launch(node, node.op.op_type, {axis_of(a, rank) for a in axes or range(rank)})


def global_pool(node: Node) -> Lowered:
    """GlobalAveragePool and GlobalMaxPool: over all axes but the first two."""
    kernel = "ReduceMean" if node.op.op_type == "GlobalAveragePool" else "ReduceMax"
    return _launch(node, kernel, set(range(2, len(node.shape(0)))))


def _launch(node: Node, kernel: str, axes: set[int]) -> Lowered:
    shape = node.shape(0)
    strides = contiguous(shape)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    outer = merged([shape[axis] for axis in kept], [strides[axis] for axis in kept])
    inner = merged([shape[a] for a in sorted(axes)], [strides[a] for a in sorted(axes)])
    each = 1
    for dim in inner[0]:
        each *= dim
    launch = Launch(
        source="reduce", kernel=kernel, items=node.items, writes=node.output,
        args=(node.name(0), node.output, (*outer[0], *outer[1], *inner[0], *inner[1]),
              len(outer[0]), len(inner[0]), each),
    )  # fmt: skip
    return Lowered(launches=(launch,))

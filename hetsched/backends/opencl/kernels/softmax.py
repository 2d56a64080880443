"""Softmax and LogSoftmax along any axis."""

from math import prod

from hetsched.backends.opencl.kernels.launch import Launch, Lowered
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.strides import axis_of

_ONE_AXIS_SINCE = 13
"""Before, all axes from the named one on were one. Source: ONNX operator specification."""


def softmax(node: Node) -> Lowered:
    """One item per line along the axis."""
    shape = node.shape(0)
    one_axis = node.opset >= _ONE_AXIS_SINCE
    axis = axis_of(node.number("axis", -1 if one_axis else 1), max(1, len(shape)))
    length = prod(shape[axis : axis + 1] if one_axis else shape[axis:])
    inner = prod(shape[axis + 1 :]) if one_axis else 1
    launch = Launch(
        source="softmax", kernel=node.op.op_type, items=node.items // length, writes=node.output,
        args=(node.name(0), node.output, length, inner),
    )  # fmt: skip
    return Lowered(launches=(launch,))

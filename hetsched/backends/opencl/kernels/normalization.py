"""Normalisation with stored statistics, and over neighbouring channels."""

from math import prod

from hetsched.backends.opencl.kernels.launch import Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import Node


def batch_normalization(node: Node) -> Lowered:
    """BatchNormalization as a trained model has it."""
    node.refuse_attributes(training_mode=0, spatial=1)
    if node.opset < 7:
        node.refuse_attributes(is_test=1)
        if "is_test" not in node.op.attributes:
            raise RefusedError("training mode, which is the default before opset 7")
    channels, inner = _channels(node)
    for index in range(1, 5):
        if node.shape(index) != (channels,):
            raise RefusedError(f"statistics of shape {node.shape(index)} for {channels} channels")
    launch = Launch(
        source="normalize", kernel="batch_normalization", items=node.items, writes=node.output,
        args=(*(node.name(index) for index in range(5)), node.output, channels, inner,
              node.number("epsilon", 1e-5)),
    )  # fmt: skip
    return Lowered(launches=(launch,))


def lrn(node: Node) -> Lowered:
    """LRN."""
    channels, inner = _channels(node)
    size = node.number("size", 0)
    if size < 1:
        raise RefusedError(f"attribute size={size}")
    launch = Launch(
        source="normalize", kernel="local_response", items=node.items, writes=node.output,
        args=(node.name(0), node.output, channels, inner, size, node.number("alpha", 1e-4),
              node.number("beta", 0.75), node.number("bias", 1.0)),
    )  # fmt: skip
    return Lowered(launches=(launch,))


def _channels(node: Node) -> tuple[int, int]:
    """The number of channels, and how many elements each has in a batch's item."""
    shape = node.shape(0)
    return (shape[1], prod(shape[2:])) if len(shape) > 1 else (1, 1)

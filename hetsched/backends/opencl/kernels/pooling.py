"""MaxPool and AveragePool; pooling over everything is a reduction."""

from hetsched.backends.opencl.kernels.launch import Arg, Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.windows import Windows, windows


def max_pool(node: Node) -> Lowered:
    """MaxPool without the places of the maxima."""
    node.refuse_attributes(storage_order=0)
    return _launch(node, "max_pool", ())


def average_pool(node: Node) -> Lowered:
    """AveragePool, with or without the pads in the average."""
    return _launch(node, "average_pool", (int(node.number("count_include_pad", 0) != 0),))


def _refuse_empty_windows(found: Windows) -> None:
    """With ceil_mode, shape inference and ONNX Runtime don't agree on windows behind the input."""
    for count, step, size, pad in zip(found.out, found.stride, found.size, found.pad, strict=True):
        if (count - 1) * step >= size + pad:
            raise RefusedError(f"a window that starts behind the input's {size}")


def _launch(node: Node, kernel: str, more: tuple[Arg, ...]) -> Lowered:
    taps = node.list("kernel_shape")
    if not taps:
        raise RefusedError(f"{node.op.op_type} without kernel_shape")
    found = windows(node, taps)
    _refuse_empty_windows(found)
    table = (
        *found.size, *found.taps, *found.out, *found.stride, *found.dilation, *found.pad,
        *found.end,
    )  # fmt: skip
    launch = Launch(
        source="pool", kernel=kernel, items=node.items, writes=node.output,
        args=(node.name(0), node.output, table, *more),
    )  # fmt: skip
    return Lowered(launches=(launch,))

"""Custom ops: the kernel that was registered with them, as `OpenCLKernel` says."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from hetsched.backends.opencl.kernels.launch import Arg, Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import FLOAT, Node
from hetsched.ir.custom import custom_op
from hetsched.ir.custom_kernel import OpenCLKernel

T = TypeVar("T")


def custom(node: Node) -> Lowered:
    """An op of a domain that isn't ONNX's.

    Raises:
        RefusedError: when no kernel is registered for it, or it isn't as its kernel wants it.
    """
    op = node.op
    what = f"{op.domain}.{op.op_type}"
    known = custom_op(op.domain, op.op_type)
    if known is None:
        raise RefusedError(f"no kernel for {what}")
    if known.opencl is None:
        raise RefusedError(f"no kernel for {what}: it is registered without one (opencl=)")
    if len(op.outputs) != 1:
        raise RefusedError(f"{what} with {len(op.outputs)} outputs: 1")
    _check_dtypes(node, known.opencl)
    launch = Launch(
        source=what,
        kernel=known.opencl.name,
        items=_items(node, known.opencl),
        args=(*op.inputs, node.output, *_numbers(node, known.opencl)),
        writes=node.output,
        text=known.opencl.source,
    )
    return Lowered(launches=(launch,))


def _check_dtypes(node: Node, kernel: OpenCLKernel) -> None:
    tensors = [*(node.tensor(index) for index in range(len(node.op.inputs))), node.tensor_out]
    wanted = kernel.dtypes or (FLOAT,) * len(tensors)
    if len(wanted) != len(tensors):
        raise RefusedError(f"{len(tensors)} inputs and outputs: {kernel.name!r} has {len(wanted)}")
    for index in range(len(node.op.inputs)):
        node.shape(index)  # refuses what isn't static
    for tensor, dtype in zip(tensors, wanted, strict=True):
        if tensor.dtype != dtype:
            raise RefusedError(f"dtype {tensor.dtype or 'unknown'} of {tensor.name!r}: {dtype}")


def _items(node: Node, kernel: OpenCLKernel) -> int:
    elements = node.items
    if kernel.items is None:
        return elements
    count = _asked(node, "items", kernel.items)
    if not isinstance(count, int) or not 0 < count < 2**31:
        raise RefusedError(f"{count!r} items of {kernel.name!r}: 1 to 2^31 - 1")
    return count


def _numbers(node: Node, kernel: OpenCLKernel) -> tuple[Arg, ...]:
    if kernel.numbers is None:
        return ()
    numbers = tuple(_asked(node, "numbers", kernel.numbers))
    for number in numbers:
        if not _fits(number):
            raise RefusedError(f"{number!r} among the numbers of {kernel.name!r}: int, float")
    return numbers


def _fits(number: object) -> bool:
    """Whether OpenCL takes it as an `int`, a `float` or a table of one of them."""
    if isinstance(number, tuple):
        kinds = {type(one) for one in number}
        return len(kinds) == 1 and all(_fits(one) for one in number)
    if isinstance(number, int):
        return bool(np.iinfo(np.int32).min <= number <= np.iinfo(np.int32).max)
    return isinstance(number, float)


def _asked(node: Node, what: str, describe: Callable[..., T]) -> T:
    inputs = [node.tensor(index) for index in range(len(node.op.inputs))]
    try:
        return describe(inputs, node.op.attributes)
    except Exception as error:  # whoever registered the op wrote it: anything may come
        raise RefusedError(
            f"{what} of {node.op.op_type}'s kernel failed: {type(error).__name__}: {error}"
        ) from error

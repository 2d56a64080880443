"""Which op types have a kernel, and what is asked of each before it is lowered."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from hetsched.backends.opencl.kernels import (
    convolution,
    custom,
    elementwise,
    matmul,
    movement,
    normalization,
    picking,
    pooling,
    reduction,
    resize,
    softmax,
)
from hetsched.backends.opencl.kernels.launch import Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import FLOAT, Node
from hetsched.ir.graph import Graph, Op

Lower: TypeAlias = Callable[[Node], Lowered]

ARITHMETIC: Mapping[str, Lower] = {
    "AveragePool": pooling.average_pool,
    "BatchNormalization": normalization.batch_normalization,
    "Clip": elementwise.clip,
    "Conv": convolution.conv,
    "ConvTranspose": convolution.conv_transpose,
    "Gelu": elementwise.gelu,
    "Gemm": matmul.gemm,
    "GlobalAveragePool": reduction.global_pool,
    "GlobalMaxPool": reduction.global_pool,
    "LRN": normalization.lrn,
    "LogSoftmax": softmax.softmax,
    "MatMul": matmul.matmul,
    "MaxPool": pooling.max_pool,
    "Mod": elementwise.mod,
    "PRelu": elementwise.prelu,
    "Resize": resize.resize,
    "Softmax": softmax.softmax,
    "Upsample": resize.resize,
    **dict.fromkeys(elementwise.UNARY, elementwise.unary),
    **dict.fromkeys(elementwise.BINARY, elementwise.binary),
    **dict.fromkeys(elementwise.VARIADIC, elementwise.variadic),
    **dict.fromkeys(reduction.REDUCTIONS, reduction.reduction),
}
"""Ops that compute: float32."""

MOVEMENT: Mapping[str, Lower] = {
    "Concat": movement.concat,
    "DepthToSpace": movement.depth_to_space,
    "Expand": movement.expand,
    "Gather": picking.gather,
    "Pad": picking.pad,
    "Slice": movement.slice_,
    "SpaceToDepth": movement.space_to_depth,
    "Split": movement.split,
    "Tile": picking.tile,
    "Transpose": movement.transpose,
    **dict.fromkeys(movement.VIEWS, movement.view),
}
"""Ops that move or rename: any dtype of whole bytes."""

_OPTIONS: Mapping[str, int] = {"Resize": 1, "Upsample": 1} | dict.fromkeys(reduction.REDUCTIONS, 1)
"""Op type to how many of its inputs are numbers that a kernel computes with; others: all."""

_MANY_OUTPUTS = ("Split",)


def lower(graph: Graph, op: Op) -> Lowered:
    """What an op becomes.

    Raises:
        RefusedError: with the reason why there is no kernel for it.
    """
    node = Node(graph, op)
    if op.domain:
        return custom.custom(node)
    found = ARITHMETIC.get(op.op_type) or MOVEMENT.get(op.op_type)
    if found is None:
        raise RefusedError(f"no kernel for {op.op_type}")
    if len(op.writes) > 1 and op.op_type not in _MANY_OUTPUTS:
        raise RefusedError(f"{op.op_type} with {len(op.writes)} outputs: the first one only")
    if op.op_type in ARITHMETIC:
        _refuse_other_dtypes(node)
    else:
        movement.item_bytes(node)
    node.outputs()
    return found(node)


def _refuse_other_dtypes(node: Node) -> None:
    counted = _OPTIONS.get(node.op.op_type, len(node.op.inputs))
    for index in range(counted):
        if node.has(index) and node.tensor(index).dtype != FLOAT:
            tensor = node.tensor(index)
            raise RefusedError(f"dtype {tensor.dtype or 'unknown'} of {tensor.name!r}: {FLOAT}")


def reason(graph: Graph, op: Op) -> str | None:
    """Why an op can't be run, None when it can."""
    try:
        lower(graph, op)
    except RefusedError as error:
        return str(error)
    return None

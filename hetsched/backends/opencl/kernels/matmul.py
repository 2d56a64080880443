"""MatMul and Gemm."""

from collections.abc import Sequence

from hetsched.backends.opencl.kernels.launch import SHARE, WIDE, Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.strides import broadcast, contiguous


def matmul(node: Node) -> Lowered:
    """MatMul: like `numpy.matmul`, vectors included."""
    left, right = node.shape(0), node.shape(1)
    if not left or not right:
        raise RefusedError("a product with a scalar")
    left = (1, *left) if len(left) == 1 else left
    right = (*right, 1) if len(right) == 1 else right
    if left[-1] != right[-2]:
        raise RefusedError(f"a product of shapes {left} and {right}")
    batch = _broadcast_shape(left[:-2], right[:-2])
    table = (
        left[-2], right[-1], left[-1], left[-1], 1, right[-1], 1, 0, 0, 0,
        *batch, *_batch_strides(left, batch), *_batch_strides(right, batch),
    )  # fmt: skip
    return _launch(node, table, len(batch))


def gemm(node: Node) -> Lowered:
    """Gemm: alpha * A * B + beta * C, each of A and B as it is or transposed."""
    a, b = node.shape(0), node.shape(1)
    if len(a) != 2 or len(b) != 2:
        raise RefusedError(f"a product of shapes {a} and {b}: 2 dimensions each")
    by_m, by_k = contiguous(a)
    if node.number("transA", 0):
        a, by_m, by_k = a[::-1], by_k, by_m
    b_by_k, b_by_n = contiguous(b)
    if node.number("transB", 0):
        b, b_by_k, b_by_n = b[::-1], b_by_n, b_by_k
    if a[1] != b[0]:
        raise RefusedError(f"a product of shapes {a} and {b}")
    has_c = node.has(2)
    c_strides = broadcast(node.shape(2), (a[0], b[1])) if has_c else (0, 0)
    table = (a[0], b[1], a[1], by_m, by_k, b_by_k, b_by_n, *c_strides, int(has_c))
    return _launch(node, table, 0, node.number("alpha", 1.0), node.number("beta", 1.0))


def _launch(
    node: Node, table: tuple[int, ...], rank: int, alpha: float = 1.0, beta: float = 1.0
) -> Lowered:
    added = node.name(2 if table[9] else 1)
    kernel, items = _shape_of_work(node.items, *table[:7])
    launch = Launch(
        source="matmul", kernel=kernel, items=items, writes=node.output,
        args=(node.name(0), node.name(1), added, node.output, table, rank, alpha, beta),
    )  # fmt: skip
    return Lowered(launches=(launch,))


def _shape_of_work(outputs: int, rows: int, columns: int, _: int, *strides: int) -> tuple[str, int]:
    """Which kernel, and how many items it takes for that many outputs."""
    _by_m, by_k, b_by_k, _by_n = strides
    if by_k == b_by_k == 1:
        return "dots", outputs
    each = 1 if rows < SHARE else SHARE
    matrices = outputs // (rows * columns)
    return f"matmul{each}", matrices * -(-rows // each) * -(-columns // WIDE)


def _broadcast_shape(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    rank = max(len(one), len(other))
    left = (1,) * (rank - len(one)) + tuple(one)
    right = (1,) * (rank - len(other)) + tuple(other)
    return tuple(b if a == 1 else a for a, b in zip(left, right, strict=True))


def _batch_strides(shape: Sequence[int], batch: Sequence[int]) -> tuple[int, ...]:
    matrix = shape[-2] * shape[-1]
    return tuple(step * matrix for step in broadcast(shape[:-2], batch))

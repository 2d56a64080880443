"""Ops that only move elements, by strides: any dtype of 1, 2, 4 or 8 bytes."""

from collections.abc import Sequence

from hetsched.backends.opencl.kernels.launch import Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.strides import axis_of, broadcast, contiguous, merged
from hetsched.ir.graph import ITEM_BITS

VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout")
"""Their output is their input's memory."""

_SLICE_INPUTS_SINCE = 10
_DROPOUT_INFERS_SINCE = 7


def item_bytes(node: Node) -> int:
    """Size of an element.

    Raises:
        RefusedError: for a dtype that has no kernel.
    """
    dtype = node.tensor(0).dtype
    bits = ITEM_BITS.get(dtype or "")
    if bits not in (8, 16, 32, 64):
        raise RefusedError(f"dtype {dtype or 'unknown'}")
    return bits // 8


def view(node: Node) -> Lowered:
    """The input's memory, whatever its new shape."""
    if node.op.op_type == "Dropout" and _trains(node):
        raise RefusedError("training mode")
    return Lowered(views={node.output: node.name(0)})


def _trains(dropout: Node) -> bool:
    """Whether it drops anything, or may."""
    if dropout.opset < _DROPOUT_INFERS_SINCE:
        return not dropout.number("is_test", 0)
    return dropout.has(2) and dropout.stored(2) != (0,)


def transpose(node: Node) -> Lowered:
    """Transpose."""
    shape = node.shape(0)
    order = node.list("perm") or tuple(reversed(range(len(shape))))
    strides = contiguous(shape)
    return _from_strides(node, [strides[axis] for axis in order])


def expand(node: Node) -> Lowered:
    """Expand: the output's shape says it all."""
    return _from_strides(node, broadcast(node.shape(0), node.shape_out))


def depth_to_space(node: Node) -> Lowered:
    """DepthToSpace: (N, C, H, W) to (N, C / b^2, H b, W b)."""
    block, mode = node.number("blocksize", 1), node.number("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise RefusedError(f"attribute mode={mode!r}")
    batch, depth, high, wide = _image(node)
    out = depth // block**2
    parts = (block, block, out) if mode == "DCR" else (out, block, block)
    split = contiguous((batch, *parts, high, wide))
    n, one, two, three, h, w = split
    row, column, channel = (one, two, three) if mode == "DCR" else (two, three, one)
    return _moved(
        node,
        (batch, out, high, block, wide, block),
        (n, channel, h, row, w, column),
    )


def space_to_depth(node: Node) -> Lowered:
    """SpaceToDepth: (N, C, H b, W b) to (N, b^2 C, H, W)."""
    block = node.number("blocksize", 1)
    batch, depth, high, wide = _image(node)
    split = (batch, depth, high // block, block, wide // block, block)
    n, c, h, row, w, column = contiguous(split)
    return _moved(
        node,
        (batch, block, block, depth, high // block, wide // block),
        (n, row, column, c, h, w),
    )


def concat(node: Node) -> Lowered:
    """Concat: each input is written to its place."""
    out = node.shape_out
    default = 1 if node.opset < 4 else 0
    axis = axis_of(node.number("axis", default), len(out))
    strides = contiguous(out)
    launches, start = [], 0
    for index in range(len(node.op.inputs)):
        shape = node.shape(index)
        launches.append(
            _copy(node, node.name(index), node.output, shape, contiguous(shape), strides,
                  to_start=start * strides[axis])
        )  # fmt: skip
        start += shape[axis]
    return Lowered(launches=tuple(launches))


def split(node: Node) -> Lowered:
    """Split: each output is read from its place; their shapes are known."""
    shape = node.shape(0)
    axis = axis_of(node.number("axis", 0), len(shape))
    strides = contiguous(shape)
    launches, start = [], 0
    for name, part in node.outputs():
        launches.append(
            _copy(node, node.name(0), name, part, strides, contiguous(part),
                  from_start=start * strides[axis])
        )  # fmt: skip
        start += part[axis]
    return Lowered(launches=tuple(launches))


def slice_(node: Node) -> Lowered:
    """Slice with constant bounds, steps of either sign."""
    shape = node.shape(0)
    starts, axes, steps = _slice_options(node)
    strides = list(contiguous(shape))
    start = 0
    for first, given, step in zip(starts, axes, steps, strict=True):
        axis = axis_of(given, len(shape))
        dim = shape[axis]
        at = first + dim if first < 0 else first
        start += min(max(at, 0), dim - 1 if step < 0 else dim) * strides[axis]
        strides[axis] *= step
    return _from_strides(node, strides, start)


def _slice_options(node: Node) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Starts, axes and steps; the output's shape says where slices end."""
    if node.opset < _SLICE_INPUTS_SINCE:
        starts = node.list("starts") or ()
        return starts, node.list("axes") or tuple(range(len(starts))), (1,) * len(starts)
    starts = node.integers(1, "starts")
    node.integers(2, "ends")
    axes = node.integers(3, "axes") if node.has(3) else tuple(range(len(starts)))
    steps = node.integers(4, "steps") if node.has(4) else (1,) * len(starts)
    return starts, axes, steps


def _image(node: Node) -> tuple[int, int, int, int]:
    shape = node.shape(0)
    if len(shape) != 4:
        raise RefusedError(f"{node.op.op_type} of {len(shape)} dimensions: 4")
    return shape[0], shape[1], shape[2], shape[3]


def _from_strides(node: Node, strides: Sequence[int], start: int = 0) -> Lowered:
    """The output's element at (i, j, ...) is the input's at start + i s0 + j s1 + ..."""
    return _moved(node, node.shape_out, strides, start)


def _moved(node: Node, shape: Sequence[int], strides: Sequence[int], start: int = 0) -> Lowered:
    copy = _copy(
        node, node.name(0), node.output, shape, strides, contiguous(shape), from_start=start
    )
    return Lowered(launches=(copy,))


def _copy(
    node: Node,
    from_: str,
    to: str,
    shape: Sequence[int],
    from_strides: Sequence[int],
    to_strides: Sequence[int],
    *,
    from_start: int = 0,
    to_start: int = 0,
) -> Launch:
    items = 1
    for dim in shape:
        items *= dim
    dims, read, write = merged(shape, from_strides, to_strides)
    return Launch(
        source="copy", kernel=f"copy{item_bytes(node)}", items=items, writes=to,
        args=(from_, to, (*dims, *read, *write), len(dims), from_start, to_start),
    )  # fmt: skip

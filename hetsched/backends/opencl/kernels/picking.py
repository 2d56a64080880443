"""Ops that take elements by a table of places per axis: Gather, Pad, Tile."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from hetsched.backends.opencl.kernels.launch import Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.movement import item_bytes
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.strides import axis_of, contiguous

FILL = -1
"""In a table: nothing of the input goes here."""

_PAD_INPUTS_SINCE = 11
_BITS: Mapping[int, type[np.unsignedinteger[Any]]] = {
    1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64,
}  # fmt: skip


def gather(node: Node) -> Lowered:
    """Gather with constant indices: one axis of the input is replaced by them."""
    shape = node.shape(0)
    axis = axis_of(node.number("axis", 0), len(shape))
    indices = node.integers(1, "indices")
    wrong = [index for index in indices if not -shape[axis] <= index < shape[axis]]
    if wrong:
        raise RefusedError(f"index {wrong[0]} of {shape[axis]}")
    rows: list[Sequence[int]] = [range(dim) for dim in shape]
    rows[axis] = [index % shape[axis] for index in indices]
    return pick(node, rows)


def tile(node: Node) -> Lowered:
    """Tile: the output's shape says how often."""
    shape = node.shape(0)
    rows = [
        [index % dim for index in range(out)]
        for dim, out in zip(shape, node.shape_out, strict=True)
    ]
    return pick(node, rows)


def pad(node: Node) -> Lowered:
    """Pad in every mode, negative pads too."""
    shape = node.shape(0)
    mode = node.number("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise RefusedError(f"attribute mode={mode!r}")
    begins = _begins(node, len(shape))
    rows = [
        [_source(mode, index - begin, dim) for index in range(out)]
        for begin, dim, out in zip(begins, shape, node.shape_out, strict=True)
    ]
    return pick(node, rows, _fill(node))


def _source(mode: str, index: int, dim: int) -> int:
    """Which index of the input goes where the unpadded one would have this index."""
    if 0 <= index < dim:
        return index
    if mode == "constant":
        return FILL
    if mode == "edge":
        return min(max(index, 0), dim - 1)
    if mode == "wrap":
        return index % dim
    period = max(1, 2 * (dim - 1))
    return min(index % period, period - index % period) % dim


def _begins(node: Node, rank: int) -> list[int]:
    """Pads at the begin of every axis."""
    if node.opset < _PAD_INPUTS_SINCE:
        pads = node.list("pads") or node.list("paddings") or ()
        axes: Sequence[int] = range(rank)
    else:
        pads = node.integers(1, "pads")
        axes = node.integers(3, "axes") if node.has(3) else range(rank)
    if len(pads) != 2 * len(axes):
        raise RefusedError(f"{len(pads)} pads for {len(axes)} axes")
    found = [0] * rank
    for position, axis in enumerate(axes):
        found[axis_of(axis, rank)] = pads[position]
    return found


def _fill(node: Node) -> int | float:
    if node.opset < _PAD_INPUTS_SINCE:
        return node.number("value", 0.0)
    if not node.has(2):
        return 0
    found = node.stored(2)
    if not found:
        raise RefusedError(f"a fill that only a run knows ({node.name(2)!r})")
    return found[0]


def pick(node: Node, rows: Sequence[Sequence[int]], fill: int | float = 0) -> Lowered:
    """Per axis of the input, which of its indices each index of the output takes.

    Args:
        node: the op; its output's elements are counted in the order of these axes.
        rows: `FILL` for what isn't the input's.
        fill: what goes there.
    """
    strides = contiguous(node.shape(0))
    tables: list[int] = []
    starts = []
    for row, step in zip(rows, strides, strict=True):
        starts.append(len(tables))
        tables.extend(index * step if index != FILL else FILL for index in row)
    shape = [len(row) for row in rows]
    if prod(shape) != node.items:
        raise RefusedError(f"an output of shape {node.shape_out} instead of {tuple(shape)}")
    launch = Launch(
        source="copy", kernel=f"pick{item_bytes(node)}", items=node.items, writes=node.output,
        args=(node.name(0), node.output, (*shape, *starts), tuple(tables), len(shape),
              _bits(node, fill)),
    )  # fmt: skip
    return Lowered(launches=(launch,))


def _bits(node: Node, fill: int | float) -> np.generic:
    """A number of the input's dtype as the kernel's unsigned integers."""
    size = item_bytes(node)
    if not fill:
        return _BITS[size](0)
    try:
        value = np.array([fill], dtype=node.tensor(0).dtype)
    except (TypeError, OverflowError) as error:
        raise RefusedError(f"a fill of {fill} in {node.tensor(0).dtype}") from error
    found: np.generic = value.view(_BITS[size])[0]
    return found

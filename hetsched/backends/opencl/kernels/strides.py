"""Arithmetic of shapes and strides, in elements."""

from collections.abc import Sequence
from math import prod

from hetsched.backends.opencl.kernels.launch import RefusedError


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of a tensor in C order: `(2, 3, 4)` to `(12, 4, 1)`."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def broadcast(shape: Sequence[int], to: Sequence[int]) -> tuple[int, ...]:
    """Strides with which a tensor is read as one of another shape, aligned at the last axis.

    Raises:
        RefusedError: when the shape can't be broadcast to the other.
    """
    padded = (1,) * (len(to) - len(shape)) + tuple(shape)
    fits = len(shape) <= len(to) and all(
        have in (1, want) for have, want in zip(padded, to, strict=True)
    )
    if not fits:
        raise RefusedError(f"shape {tuple(shape)} isn't broadcast to {tuple(to)}")
    strides = contiguous(padded)
    return tuple(0 if dim == 1 else step for dim, step in zip(padded, strides, strict=True))


def merged(shape: Sequence[int], *strides: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """The same places with as few axes as possible, at least one.

    Neighbouring axes become one where every stride goes on evenly from one to the other.

    Returns:
        The dimensions, then each of the strides.
    """
    rows: list[list[int]] = []  # each: dimension, then its strides
    for axis, dim in enumerate(shape):
        if dim == 1:
            continue
        row = [dim, *(steps[axis] for steps in strides)]
        if rows and all(rows[-1][i] == row[i] * dim for i in range(1, len(row))):
            row[0] *= rows.pop()[0]
        rows.append(row)
    rows = rows or [[1] + [0] * len(strides)]
    return tuple(tuple(column) for column in zip(*rows, strict=True))


def axis_of(axis: int, rank: int) -> int:
    """An axis that may count from the end, as one that counts from the start.

    Raises:
        RefusedError: when there is no such axis.
    """
    if not -rank <= axis < rank:
        raise RefusedError(f"axis {axis} of {rank} dimensions")
    return axis % rank

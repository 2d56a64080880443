"""Random ops that move numbers without changing them."""

import numpy as np
import onnx
from onnx import TensorProto

from tests.unit.convert.rules.drawing import ANY, FLOATS, INTS, WIDE, Draw, Run, draws, model, op


@draws("void")
def _void(d: Draw) -> onnx.ModelProto:
    shape = d.shape()
    rank, dtype = len(shape), d.of(*WIDE)
    x, zero, one = Run(shape, dtype), np.zeros((1,) * rank), np.ones((1,) * rank)
    kind = onnx.helper.tensor_dtype_to_np_dtype(dtype)
    nothing = np.zeros(rank, np.int64)
    whole = [nothing, np.asarray(shape), np.arange(rank)]
    return d.of(
        op("Identity", x),
        op("Dropout", x),
        op("Cast", x, to=dtype),
        op("Transpose", x, perm=list(range(rank))),
        op("Reshape", x, np.asarray(shape)),
        op("Expand", x, np.asarray((1,) * rank)),
        op("Tile", x, np.ones(rank, np.int64)),
        op("Pad", x, np.zeros(2 * rank, np.int64)),
        op("Slice", x, *whole),
        op("Concat", x, axis=0),
        op(d.of("Sum", "Max", "Min", "Mean"), x),
        op(d.of("Add", "Sub"), x, zero.astype(kind)),
        op(d.of("Mul", "Div"), x, one.astype(kind)),
        op("Add", zero.astype(kind), x),
        model([
            ("Cast", [Run(shape, TensorProto.INT32)], {"to": int(TensorProto.INT64)}),
            ("Cast", ["@0"], {"to": int(TensorProto.INT32)}),
        ]),
    )  # fmt: skip


@draws("to-reshape")
def _to_reshape(d: Draw) -> onnx.ModelProto:
    shape, dtype = d.shape(1, 4), d.of(*ANY)
    x, rank = Run(shape, dtype), len(shape)
    kind = d.of("Flatten", "Unsqueeze", "Squeeze")
    if kind == "Flatten":
        return op("Flatten", x, axis=d.count(0, rank))
    if kind == "Unsqueeze":
        return op("Unsqueeze", x, np.asarray([d.count(-rank - 1, rank)]))
    axis = d.count(0, rank)
    single = Run((*shape[:axis], 1, *shape[axis:]), dtype)
    return op("Squeeze", single, np.asarray([axis]))


@draws("transpose-4d")
def _transpose(d: Draw) -> onnx.ModelProto:
    rank = d.count(5, 7)
    shape = tuple(d.count(1, 3) for _ in range(rank))
    return op("Transpose", Run(shape, d.of(*ANY)), perm=d.perm(rank))


@draws("depth-space")
def _depth(d: Draw) -> onnx.ModelProto:
    (n, c, h, w), b = d.image(4), d.count(1, 3)
    dtype = d.of(*WIDE)
    if d.flag():
        return op("SpaceToDepth", Run((n, c, h * b, w * b), dtype), blocksize=b)
    mode = d.of("DCR", "CRD")
    return op("DepthToSpace", Run((n, c * b * b, h, w), dtype), blocksize=b, mode=mode)


@draws("channel-shuffle")
def _shuffle(d: Draw) -> onnx.ModelProto:
    (n, c, h, w), g = d.image(4), d.count(1, 3)
    shape = (n, c * g, h, w)
    split, join = np.asarray((n, g, c, h, w)), np.asarray(shape)
    return model([
        ("Reshape", [Run(shape), split], {}),
        ("Transpose", ["@0"], {"perm": [0, 2, 1, 3, 4]}),
        ("Reshape", ["@1", join], {}),
    ])  # fmt: skip


@draws("split")
def _split(d: Draw) -> onnx.ModelProto:
    parts = [d.count(1, 3) for _ in range(d.count(2, 4))]
    shape = list(d.shape())
    axis = d.count(0, len(shape) - 1)
    shape[axis] = sum(parts)
    x = Run(tuple(shape), d.of(*ANY))
    if d.flag():
        return op("Split", x, opset=11, outputs=len(parts), axis=axis, split=parts)
    return op("Split", x, np.asarray(parts), outputs=len(parts), axis=axis - len(shape))


def _places(d: Draw, size: int) -> range:
    """A slice that picks something, forwards or backwards."""
    step = d.of(1, 2, 3, -1, -2)
    first, count = d.count(0, size - 1), d.count(1, size)
    stop = first + step * count
    return range(first, max(-1, min(stop, size)), step)


def _slice(d: Draw, x: Run, found: dict[int, range]) -> onnx.ModelProto:
    rank = len(x.shape)
    starts = [picked.start - (x.shape[a] if d.flag() else 0) for a, picked in found.items()]
    ends = [p.stop if p.stop >= 0 else -x.shape[a] - 1 for a, p in found.items()]
    axes = [a - (rank if d.flag() else 0) for a in found]
    steps = [picked.step for picked in found.values()]
    numbers = (np.asarray(part, np.int64) for part in (starts, ends, axes, steps))
    return op("Slice", x, *numbers)


@draws("slice-to-gather")
def _sliced(d: Draw) -> onnx.ModelProto:
    shape = d.shape(1, 4, 7)
    axes = sorted({axis % len(shape) for axis in d.subset(len(shape))})
    return _slice(d, Run(shape, d.of(*ANY)), {axis: _places(d, shape[axis]) for axis in axes})


@draws("slice-steps")
def _stepped(d: Draw) -> onnx.ModelProto:
    shape = list(d.shape(1, 3, 5))
    axis = d.count(0, len(shape) - 1)
    shape[axis] = d.count(3, 11)
    step, start = d.count(2, 3), d.count(0, 1)
    stop = d.count(start + step + 1, max(shape[axis], start + step + 1))
    picked = range(start, min(stop, shape[axis]), step)
    if len(picked) < 2:
        picked = range(0, shape[axis], 2)
    return _slice(d, Run(tuple(shape), d.of(*ANY)), {axis: picked})


@draws("slice-to-split")
def _part(d: Draw) -> onnx.ModelProto:
    shape = list(d.shape(1, 4))
    axis = d.count(0, len(shape) - 1)
    shape[axis] = d.count(2, 6)
    start = d.count(0, shape[axis] - 1)
    stop = d.count(start + 1, shape[axis] - (start == 0))
    return _slice(d, Run(tuple(shape), d.of(*ANY)), {axis: range(start, stop)})


@draws("gather-to-slice")
def _neighbours(d: Draw) -> onnx.ModelProto:
    shape = d.shape(1, 4, 6)
    axis = d.count(0, len(shape) - 1)
    first = d.count(0, shape[axis] - 1)
    indices = np.arange(first, d.count(first, shape[axis] - 1) + 1) - (
        shape[axis] if d.flag() else 0
    )
    given = indices[0] if d.flag() else indices
    return op("Gather", Run(shape, d.of(*ANY)), np.asarray(given), axis=axis)


@draws("gather-to-concat")
def _picked(d: Draw) -> onnx.ModelProto:
    shape = tuple(d.count(2, 6) for _ in range(d.count(1, 4)))
    return _gather(d, shape, d.count(0, len(shape) - 1), d.of(*ANY))


@draws("gather-to-matmul")
def _one_hot(d: Draw) -> onnx.ModelProto:
    shape = tuple(d.count(2, 6) for _ in range(d.count(2, 4)))
    return _gather(d, shape, len(shape) - d.count(1, 2), d.of(*FLOATS))


def _gather(d: Draw, shape: tuple[int, ...], axis: int, dtype: int) -> onnx.ModelProto:
    picked = d.of((d.count(2, 8),), (d.count(1, 3), d.count(2, 3)))
    indices = d.rng.integers(-shape[axis], shape[axis], picked)
    kind = d.of(np.int32, np.int64)
    return op("Gather", Run(shape, dtype), indices.astype(kind), axis=axis)


@draws("pad-to-concat")
def _padded(d: Draw) -> onnx.ModelProto:
    shape, dtype = d.shape(1, 4), d.of(*WIDE, *INTS)
    kind = onnx.helper.tensor_dtype_to_np_dtype(dtype)
    value = np.asarray(d.count(-3, 3), kind)
    if d.flag() and dtype == TensorProto.FLOAT:
        pads = _pads(d, shape)
        return op("Pad", Run(shape), opset=10, pads=[int(p) for p in pads], value=float(value))
    if d.flag():
        axis = d.count(0, len(shape) - 1)
        pads = np.asarray([d.count(0, 2), d.count(0, 2)])
        return op("Pad", Run(shape, dtype), pads, value, np.asarray([axis]), opset=18)
    return op("Pad", Run(shape, dtype), _pads(d, shape), *([value] if d.flag() else []))


def _pads(d: Draw, shape: tuple[int, ...]) -> np.ndarray:
    low = [d.count(-1 if size > 2 else 0, 2) for size in shape]
    high = [d.count(-1 if size > 2 else 0, 2) for size in shape]
    return np.asarray(low + high, np.int64)


@draws("pad-to-gather")
def _mirrored(d: Draw) -> onnx.ModelProto:
    mode = d.of("edge", "reflect", "wrap")
    shape = tuple(d.count(3, 5) for _ in range(d.count(1, 4)))
    pads = np.asarray([d.count(0, 2) for _ in range(2 * len(shape))])
    dtype = d.of(*WIDE, *INTS)
    return op(
        "Pad", Run(shape, dtype), pads, mode=mode, opset=19 if mode == "wrap" else d.of(13, 18)
    )


@draws("pad-to-conv")
def _zeros(d: Draw) -> onnx.ModelProto:
    top, left, bottom, right = (d.count(0, 3) for _ in range(4))
    return op("Pad", Run(d.image(5)), np.asarray([0, 0, top, left, 0, 0, bottom, right]))


@draws("expand-to-mul", "expand-to-tile")
def _expand(d: Draw) -> onnx.ModelProto:
    full = d.shape(1, 4)
    shape = d.broadcast(full)
    return op("Expand", Run(shape, d.of(*WIDE, *INTS)), np.asarray(full, np.int64))


@draws("tile-to-concat")
def _tile(d: Draw) -> onnx.ModelProto:
    shape = d.shape(1, 4, 3)
    times = np.asarray([d.count(1, 3) for _ in shape], np.int64)
    times[0] = max(times[0], d.count(1, 2))
    return op("Tile", Run(shape, d.of(*WIDE, *INTS)), times)

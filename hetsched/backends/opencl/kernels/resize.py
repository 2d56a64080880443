"""Resize and Upsample, nearest and linear: the places are worked out here, per axis."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hetsched.backends.opencl.kernels.launch import Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.picking import pick
from hetsched.backends.opencl.kernels.strides import axis_of, contiguous

_ASYMMETRIC, _ALIGNED = "asymmetric", "align_corners"
_HALF, _TORCH_HALF = "half_pixel", "pytorch_half_pixel"
_SYMMETRIC = "half_pixel_symmetric"
_TRANSFORMATIONS = (_ASYMMETRIC, _ALIGNED, _HALF, _TORCH_HALF, _SYMMETRIC)

_ROUND: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda at: np.ceil(at - np.float32(0.5)),
    "round_prefer_ceil": lambda at: np.floor(at + np.float32(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}
_MODES = {"nearest": "nearest", "linear": "linear", "bilinear": "linear"}


def resize(node: Node) -> Lowered:
    """Resize; Upsample is the oldest one, asymmetric and downward."""
    mode = _MODES.get(node.number("mode", "nearest"))
    if mode is None:
        raise RefusedError(f"attribute mode={node.number('mode', '')!r}")
    node.refuse_attributes(antialias=0, exclude_outside=0, keep_aspect_ratio_policy="stretch")
    places = _places(node)
    if mode == "nearest":
        return _nearest(node, places)
    return _linear(node, places)


def _places(node: Node) -> list[np.ndarray | None]:
    """Per axis, where in the input each index of the output lies; None for an axis that stays."""
    how = _ASYMMETRIC
    if node.op.op_type == "Resize" and node.opset > 10:
        how = node.number("coordinate_transformation_mode", _HALF)
    if how not in _TRANSFORMATIONS:
        raise RefusedError(f"attribute coordinate_transformation_mode={how!r}")
    shape, out = node.shape(0), node.shape_out
    scales = _scales(node, shape, out)
    return [
        None if dim == many and scale == 1 else _positions(how, dim, many, scale)
        for dim, many, scale in zip(shape, out, scales, strict=True)
    ]


def _scales(node: Node, shape: Sequence[int], out: Sequence[int]) -> list[np.float32]:
    """Output size by input size, as given, else by the output's known size."""
    found = [np.float32(many) / np.float32(dim) for dim, many in zip(shape, out, strict=True)]
    given: Sequence[float] = ()
    if node.op.op_type == "Upsample" and node.opset < 9:
        given = _float_list(node, "scales")
    else:
        index = 1 if node.op.op_type == "Upsample" or node.opset < 11 else 2
        by_sizes = index == 2 and node.has(3)
        if node.has(index) and not by_sizes:
            stored = node.stored(index)
            if stored is None:
                raise RefusedError(f"scales that only a run knows ({node.name(index)!r})")
            given = stored
    if not given:
        return found
    axes = node.list("axes") or tuple(range(len(shape)))
    for axis, scale in zip(axes, given, strict=True):
        at, exact = axis_of(axis, len(shape)), np.float32(scale)
        if int(np.float32(shape[at]) * exact) != out[at]:  # ONNX Runtime's output is another one
            raise RefusedError(f"a size of {out[at]} out of {shape[at]} scaled by {exact}")
        found[at] = exact
    return found


def _float_list(node: Node, name: str) -> Sequence[float]:
    value = node.op.attributes.get(name, ())
    if not isinstance(value, tuple):
        raise RefusedError(f"attribute {name}={value!r}")
    return [float(item) for item in value]


def _positions(how: str, dim: int, many: int, scale: np.float32) -> np.ndarray:
    """Source: ONNX operator specification of Resize; in float32, as ONNX Runtime does it."""
    half, index = np.float32(0.5), np.arange(many, dtype=np.float32)
    if how == _ASYMMETRIC:
        return index / scale
    if how == _ALIGNED:
        return index * np.float32(dim - 1) / np.float32(max(1, many - 1))
    if how == _TORCH_HALF and many == 1:
        return np.zeros(1, np.float32)
    found: np.ndarray = (index + half) / scale - half
    if how == _SYMMETRIC:
        # The output's centre stays the input's, though its size is rounded.
        adjusted = np.float32(many) / (scale * np.float32(dim))
        found = np.float32(dim / 2) * (1 - adjusted) + found
    return found


def _nearest(node: Node, places: Sequence[np.ndarray | None]) -> Lowered:
    default = "round_prefer_floor"
    if node.op.op_type == "Upsample" or node.opset < 11:
        default = "floor"
    name = node.number("nearest_mode", default)
    if name not in _ROUND:
        raise RefusedError(f"attribute nearest_mode={name!r}")
    rows: list[Sequence[int]] = []
    for dim, at in zip(node.shape(0), places, strict=True):
        if at is None:
            rows.append(range(dim))
        else:
            rows.append([int(i) for i in np.clip(_ROUND[name](at), 0, dim - 1)])
    return pick(node, rows)


def _linear(node: Node, places: Sequence[np.ndarray | None]) -> Lowered:
    lower: list[int] = []
    upper: list[int] = []
    weights: list[float] = []
    starts = []
    shape = node.shape(0)
    for dim, step, at in zip(shape, contiguous(shape), places, strict=True):
        starts.append(len(lower))
        place = np.arange(dim, dtype=np.float32) if at is None else np.clip(at, 0, dim - 1)
        below = np.floor(place).astype(int)
        lower += [int(i) * step for i in below]
        upper += [int(i) * step for i in np.minimum(below + 1, dim - 1)]
        weights += [float(weight) for weight in place - below]
    launch = Launch(
        source="resize", kernel="resize_linear", items=node.items, writes=node.output,
        args=(node.name(0), node.output, (*node.shape_out, *starts), tuple(lower), tuple(upper),
              tuple(weights), len(shape)),
    )  # fmt: skip
    return Lowered(launches=(launch,))

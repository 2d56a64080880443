"""Each kernel that moves elements, against ONNX Runtime: the very same elements."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.backends.opencl.running import EXAMPLES, check_op, normal, pick

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = (np.float32, np.int64, np.int32, np.uint8, np.float16)


def array(rng: np.random.Generator, shape: Any) -> np.ndarray:
    """Values of some dtype."""
    found: np.ndarray = (normal(rng, *shape) * 20).astype(np.int8).astype(pick(rng, DTYPES))
    return found


def shape(rng: np.random.Generator, most: int = 5) -> list[int]:
    return [int(rng.integers(1, 5)) for _ in range(int(rng.integers(1, most + 1)))]


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@EXAMPLES
@given(SEEDS)
def test_transpose(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dims = shape(rng, 6)
    attributes: dict[str, Any] = {}
    if rng.random() < 0.9:
        attributes["perm"] = [int(axis) for axis in rng.permutation(len(dims))]
    check_op("Transpose", {"x": array(rng, dims)}, **attributes)


@EXAMPLES
@given(SEEDS)
def test_concat(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dims = shape(rng)
    axis = int(rng.integers(-len(dims), len(dims)))
    parts = [dims.copy() for _ in range(int(rng.integers(1, 5)))]
    for part in parts:
        part[axis] = int(rng.integers(1, 5))
    dtype = pick(rng, DTYPES)
    arrays = {f"x{i}": array(rng, part).astype(dtype) for i, part in enumerate(parts)}
    check_op("Concat", arrays, axis=axis)


@EXAMPLES
@given(SEEDS)
def test_split(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dims = shape(rng)
    axis = int(rng.integers(-len(dims), len(dims)))
    parts = [int(rng.integers(1, 4)) for _ in range(int(rng.integers(2, 4)))]
    dims[axis] = sum(parts)
    check_op(
        "Split", {"x": array(rng, dims)}, {"parts": ints(*parts)}, outputs=len(parts), axis=axis
    )


@EXAMPLES
@given(SEEDS)
def test_slice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dims = [dim + 1 for dim in shape(rng)]
    axes = [int(axis) for axis in rng.permutation(len(dims))[: int(rng.integers(1, 4))]]
    starts, ends, steps = [], [], []
    for axis in axes:
        step = pick(rng, [1, 1, 2, -1, -2])
        forward = (pick(rng, [0, 1, -dims[axis], -99]), pick(rng, [dims[axis], -1, 99, 2**40]))
        backward = (pick(rng, [-1, dims[axis], 99]), pick(rng, [-99, 0, -(2**40)]))
        start, end = forward if step > 0 else backward
        if (start, end) in ((1, -1), (1, 1)) and dims[axis] == 2:
            start = 0
        starts.append(start)
        ends.append(end)
        steps.append(step)
    named = [axis - len(dims) if rng.random() < 0.3 else axis for axis in axes]
    check_op(
        "Slice",
        {"x": array(rng, dims)},
        {"starts": ints(*starts), "ends": ints(*ends), "axes": ints(*named), "steps": ints(*steps)},
    )


@EXAMPLES
@given(SEEDS)
def test_expand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    out = shape(rng)
    dims = [1 if rng.random() < 0.5 else dim for dim in out][int(rng.integers(0, len(out))) :]
    check_op("Expand", {"x": array(rng, dims)}, {"shape": ints(*out)})


@EXAMPLES
@given(SEEDS)
def test_tile(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dims = shape(rng, 4)
    repeats = ints(*(int(rng.integers(1, 4)) for _ in dims))
    check_op("Tile", {"x": array(rng, dims)}, {"repeats": repeats})


@EXAMPLES
@given(SEEDS)
def test_gather(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dims = shape(rng, 4)
    axis = int(rng.integers(-len(dims), len(dims)))
    indices = rng.integers(-dims[axis], dims[axis], pick(rng, [(), (3,), (2, 2)]))
    check_op("Gather", {"x": array(rng, dims)}, {"i": np.asarray(indices, np.int64)}, axis=axis)


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
@EXAMPLES
@given(SEEDS)
def test_pad(mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dims = [dim + 1 for dim in shape(rng, 4)]
    least = -1 if mode == "constant" else 0
    pads = ints(*(int(rng.integers(least, dim)) for dim in (*dims, *dims)))
    if any(dim + pads[i] + pads[i + len(dims)] < 1 for i, dim in enumerate(dims)):
        pads = abs(pads)
    x = normal(rng, *dims)
    fill = {"fill": np.float32(1.5)} if mode == "constant" and rng.random() < 0.5 else {}
    stored = {name: np.asarray(value) for name, value in fill.items()}
    check_op("Pad", {"x": x}, {"pads": pads, **stored}, opset=19, mode=mode)


@pytest.mark.parametrize("op_type", ["DepthToSpace", "SpaceToDepth"])
@EXAMPLES
@given(SEEDS)
def test_depth_and_space(op_type: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    block, *dims = (int(rng.integers(1, 4)) for _ in range(5))
    mode = {}
    if op_type == "DepthToSpace":
        dims[1] *= block**2
        mode = {"mode": pick(rng, ["DCR", "CRD"])}
    else:
        dims[2:] = [dims[2] * block, dims[3] * block]
    check_op(op_type, {"x": normal(rng, *dims)}, blocksize=block, **mode)


@pytest.mark.parametrize("how", ["asymmetric", "align_corners", "half_pixel", "pytorch_half_pixel"])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
@EXAMPLES
@given(SEEDS)
def test_resize(mode: str, how: str, seed: int) -> None:
    """Nearest: the same elements. Linear: 4 neighbours, whose weights are 1e-6 off at most."""
    rng = np.random.default_rng(seed)
    dims = [int(rng.integers(1, 9)) for _ in range(2)]
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": how}
    if mode == "nearest":
        ways = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
        attributes["nearest_mode"] = pick(rng, ways)
    stored: dict[str, np.ndarray | None] = {"roi": None}
    if rng.random() < 0.5:
        scales = [1, 1, *(pick(rng, [0.5, 2, 3, 1.5, 0.75, 2.5]) for _ in dims)]
        scales[2:] = [s if int(s * d) else 2 for s, d in zip(scales[2:], dims, strict=True)]
        stored["scales"] = np.array(scales, np.float32)
    else:
        stored |= {"scales": None, "sizes": ints(1, 2, *(int(rng.integers(1, 15)) for _ in dims))}
    x = normal(rng, 1, 2, *dims)
    check_op("Resize", {"x": x}, stored, terms=30, scale=3.0, opset=18, **attributes)


@pytest.mark.parametrize(
    ("op_type", "attributes", "stored"),
    [
        ("Reshape", {}, {"shape": ints(4, -1)}),
        ("Flatten", {"axis": 2}, {}),
        ("Squeeze", {}, {"axes": ints(1)}),
        ("Unsqueeze", {}, {"axes": ints(0, 4)}),
        ("Identity", {}, {}),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_views(
    op_type: str, attributes: dict[str, Any], stored: dict[str, np.ndarray], dtype: type
) -> None:
    x: np.ndarray = np.arange(24).reshape(2, 1, 3, 4).astype(dtype)
    check_op(op_type, {"x": x}, stored, **attributes)

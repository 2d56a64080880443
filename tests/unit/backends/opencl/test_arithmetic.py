"""Each kernel that computes, against ONNX Runtime, over random attributes and shapes."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.backends.opencl.kernels.elementwise import PLAIN
from hetsched.backends.opencl.kernels.reduction import REDUCTIONS
from tests.unit.backends.opencl.running import EXAMPLES, check_op, normal, pick

SEEDS = st.integers(0, 2**32 - 1)

DOMAIN = {
    "Acos": (-0.99, 0.99), "Asin": (-0.99, 0.99), "Atanh": (-0.9, 0.9), "Acosh": (1.1, 9.0),
    "Log": (0.1, 9.0), "Sqrt": (0.0, 9.0), "Reciprocal": (0.1, 9.0), "Tan": (-1.4, 1.4),
}  # fmt: skip
"""Where a function is real and doesn't magnify its argument's rounding."""


@pytest.mark.parametrize("op_type", PLAIN)
def test_functions(op_type: str) -> None:
    low, high = DOMAIN.get(op_type, (-6.0, 6.0))
    x = np.linspace(low, high, 701, dtype=np.float32).reshape(1, 701)
    opset = 18 if op_type == "Mish" else 14
    check_op(op_type, {"x": x}, terms=12, scale=1.0, opset=opset)


@pytest.mark.parametrize(
    ("op_type", "attributes"),
    [
        ("Celu", {"alpha": 1.5}), ("Elu", {"alpha": 0.7}), ("HardSigmoid", {}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}), ("LeakyRelu", {}),
        ("LeakyRelu", {"alpha": 0.2}), ("Selu", {}), ("Selu", {"alpha": 2.0, "gamma": 0.5}),
        ("ThresholdedRelu", {"alpha": 1.5}), ("Gelu", {}), ("Gelu", {"approximate": "tanh"}),
    ],
)  # fmt: skip
def test_functions_with_attributes(op_type: str, attributes: dict[str, Any]) -> None:
    x = np.linspace(-6, 6, 700, dtype=np.float32).reshape(7, 1, 100)
    check_op(op_type, {"x": x}, terms=12, scale=6.0, opset=20, **attributes)


@pytest.mark.parametrize("op_type", ["Relu", "Clip", "Abs", "Max", "Min", "Sqrt", "Exp", "Add"])
def test_nan_and_infinity_go_through(op_type: str) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -1.5, 2.0], np.float32)
    every: dict[str, dict[str, Any]] = {
        "Clip": {"low": np.float32(-1), "high": np.float32(1)},
        "Max": {"b": np.array([1, 1, 1, np.nan, 1, 1], np.float32)},
        "Min": {"b": np.array([1, 1, 1, np.nan, 1, 1], np.float32)},
        "Add": {"b": np.array([1, -np.inf, -np.inf, np.nan, 1, 1], np.float32)},
    }
    stored = {name: np.asarray(value) for name, value in every.get(op_type, {}).items()}
    check_op(op_type, {"x": x}, stored)


@pytest.mark.parametrize("opset", [6, 13])
def test_clip_without_bounds_makes_infinity_finite(opset: int) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -1.5, 2.0], np.float32)
    check_op("Clip", {"x": x}, opset=opset)


@EXAMPLES
@given(SEEDS)
def test_clip_within_any_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = pick(rng, [None, np.float32(-0.5), np.float32(2)])
    high = pick(rng, [None, np.float32(0.5), np.float32(-2)])
    bounds = {
        name: None if value is None else np.asarray(value)
        for name, value in (("low", low), ("high", high))
    }
    if rng.random() < 0.5 and low is not None and high is not None:
        given_bounds = {name: value for name, value in bounds.items() if value is not None}
        check_op("Clip", {"x": normal(rng, 3, 5), **given_bounds})
    else:
        check_op("Clip", {"x": normal(rng, 3, 5)}, bounds)


def broadcast_pair(rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Two shapes of up to 5 dimensions that broadcast to one."""
    rank = int(rng.integers(0, 6))
    out = [int(rng.integers(1, 5)) for _ in range(rank)]
    one, other = ([1 if rng.random() < 0.3 else dim for dim in out] for _ in range(2))
    cut = int(rng.integers(0, rank + 1))
    return (one, other[cut:]) if rng.random() < 0.5 else (one[cut:], other)


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Mod"])
@EXAMPLES
@given(SEEDS)
def test_broadcasting(op_type: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = broadcast_pair(rng)
    a, b = normal(rng, *one), normal(rng, *other)
    if op_type in ("Div", "Pow", "Mod"):
        a, b = np.abs(a) + np.float32(0.5), np.abs(b) + np.float32(0.5)
    attributes: dict[str, Any] = {"fmod": 1} if op_type == "Mod" else {}
    check_op(op_type, {"a": np.asarray(a), "b": np.asarray(b)}, terms=12, **attributes)


@pytest.mark.parametrize("op_type", ["Max", "Min", "Sum", "Mean"])
@EXAMPLES
@given(SEEDS)
def test_any_number_of_inputs(op_type: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [pick(rng, [(2, 3, 4), (3, 1), (4,), (1, 1, 1), (2, 1, 4)]) for _ in range(4)]
    count = int(rng.integers(1, 5))
    arrays = {f"x{i}": normal(rng, *shape) for i, shape in enumerate(shapes[:count])}
    check_op(op_type, arrays, terms=count, scale=4.0)


@EXAMPLES
@given(SEEDS)
def test_prelu(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slope = normal(rng, *pick(rng, [(3, 1, 1), (1,), (3, 4, 5), (5,)]))
    check_op("PRelu", {"x": normal(rng, 2, 3, 4, 5)}, {"slope": slope})


def convolution(seed: int, transposed: bool) -> None:
    rng = np.random.default_rng(seed)
    axes, groups = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    channels, maps = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    taps = [int(rng.integers(1, 4)) for _ in range(axes)]
    attributes: dict[str, Any] = {"group": groups}
    dilations = [int(rng.integers(1, 3)) for _ in range(axes)] if rng.random() < 0.5 else None
    if dilations:
        attributes["dilations"] = dilations
    if rng.random() < 0.6:
        attributes["strides"] = [int(rng.integers(1, 4)) for _ in range(axes)]
    if rng.random() < 0.3 and not (transposed or dilations):
        attributes["auto_pad"] = pick(rng, ["SAME_UPPER", "SAME_LOWER", "VALID"])
    elif rng.random() < 0.7:
        attributes["pads"] = [int(rng.integers(0, 3)) for _ in range(2 * axes)]
    if rng.random() < 0.3:
        attributes["kernel_shape"] = taps
    size = [int(rng.integers(5, 9)) for _ in range(axes)]
    x = normal(rng, int(rng.integers(1, 3)), groups * channels, *size)
    if transposed:
        w = normal(rng, groups * channels, maps, *taps)
        strides = attributes.get("strides", [1] * axes)
        if rng.random() < 0.3:
            attributes["output_padding"] = [int(rng.integers(0, step)) for step in strides]
    else:
        w = normal(rng, groups * maps, channels, *taps)
    b = normal(rng, groups * maps) if rng.random() < 0.5 else None
    terms = channels * math.prod(taps) + 1
    check_op(
        "ConvTranspose" if transposed else "Conv", {"x": x}, {"w": w, "b": b},
        terms=terms, scale=float(terms), **attributes,
    )  # fmt: skip


@EXAMPLES
@given(SEEDS)
def test_conv(seed: int) -> None:
    convolution(seed, transposed=False)


@EXAMPLES
@given(SEEDS)
def test_conv_transpose(seed: int) -> None:
    convolution(seed, transposed=True)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (28, 28)])
@pytest.mark.parametrize("taps", [(1, 1), (3, 3), (5, 3)])
@pytest.mark.parametrize(("channels", "maps", "group"), [(16, 24, 1), (12, 12, 12), (3, 17, 1)])
def test_conv_as_models_have_it(
    size: tuple[int, int], taps: tuple[int, int], channels: int, maps: int, group: int
) -> None:
    """Sizes that a work item's share of the output doesn't divide."""
    rng = np.random.default_rng(0)
    for stride in (1, 2):
        terms = channels // group * math.prod(taps) + 1
        check_op(
            "Conv",
            {"x": normal(rng, 2, channels, *size)},
            {"w": normal(rng, maps, channels // group, *taps), "b": normal(rng, maps)},
            terms=terms, scale=float(terms), group=group, strides=[stride, stride],
            pads=[taps[0] // 2, taps[1] // 2] * 2,
        )  # fmt: skip


@EXAMPLES
@given(SEEDS)
def test_matmul(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, k, n = (int(rng.integers(1, 20)) for _ in range(3))
    batch, other = pick(
        rng, [((), ()), ((2,), ()), ((), (3,)), ((2, 1), (3,)), ((2, 3), (2, 3)), ((1,), (4, 2))]
    )
    a = normal(rng, k) if rng.random() < 0.15 else normal(rng, *batch, m, k)
    b = normal(rng, k) if rng.random() < 0.15 else normal(rng, *other, k, n)
    check_op("MatMul", {"a": a, "b": b}, terms=k, scale=2.0 * k)


@EXAMPLES
@given(SEEDS)
def test_gemm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, k, n = (int(rng.integers(1, 20)) for _ in range(3))
    attributes: dict[str, Any] = {}
    if trans_a := rng.random() < 0.5:
        attributes["transA"] = 1
    if trans_b := rng.random() < 0.5:
        attributes["transB"] = 1
    if rng.random() < 0.5:
        attributes |= {"alpha": 0.5, "beta": -1.25}
    a = normal(rng, k, m) if trans_a else normal(rng, m, k)
    b = normal(rng, n, k) if trans_b else normal(rng, k, n)
    c = pick(rng, [None, (n,), (1, n), (m, 1), (m, n), (1,), ()])
    added = {} if c is None else {"c": np.asarray(normal(rng, *c))}
    check_op("Gemm", {"a": a}, {"b": b, **added}, terms=k + 2, scale=2.0 * k, **attributes)


@pytest.mark.parametrize("op_type", ["MaxPool", "AveragePool"])
@EXAMPLES
@given(SEEDS)
def test_pooling(op_type: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axes = int(rng.integers(1, 4))
    taps = [int(rng.integers(1, 4)) for _ in range(axes)]
    attributes: dict[str, Any] = {"kernel_shape": taps}
    if rng.random() < 0.6:
        attributes["strides"] = [int(rng.integers(1, 4)) for _ in range(axes)]
    if rng.random() < 0.3:
        # Larger strides than windows make ONNX Runtime's pads negative, which it refuses.
        steps = zip(attributes.get("strides", [1] * axes), taps, strict=True)
        attributes["strides"] = [min(step, count) for step, count in steps]
        attributes["auto_pad"] = pick(rng, ["SAME_UPPER", "SAME_LOWER", "VALID"])
    else:
        pads = [int(rng.integers(0, count)) for count in taps]
        attributes["pads"] = [*pads, *(int(rng.integers(0, count)) for count in taps)]
        attributes["ceil_mode"] = int(rng.integers(2))
        if rng.random() < 0.3:
            attributes["dilations"] = [2] * axes
    if op_type == "AveragePool":
        attributes["count_include_pad"] = int(rng.integers(2))
    size = [int(rng.integers(6, 10)) for _ in range(axes)]
    if attributes.get("ceil_mode") and starts_behind(size, attributes):
        attributes["ceil_mode"] = 0
    x = normal(rng, 2, 2, *size)
    check_op(op_type, {"x": x}, terms=math.prod(taps), scale=3.0, **attributes)


def starts_behind(size: list[int], attributes: dict[str, Any]) -> bool:
    """Whether rounding up makes a window behind the input and the pads before it.

    Shape inference counts it, ONNX Runtime doesn't: the device refuses (see test_refusals).
    """
    axes = len(size)
    rows = zip(
        size, attributes["pads"][:axes], attributes["pads"][axes:], attributes["kernel_shape"],
        attributes.get("strides", [1] * axes), attributes.get("dilations", [1] * axes),
        strict=True,
    )  # fmt: skip
    return any(
        -(-(dim + begin + end - (taps - 1) * apart - 1) // step) * step >= dim + begin
        for dim, begin, end, taps, step, apart in rows
    )


@pytest.mark.parametrize("op_type", REDUCTIONS)
@EXAMPLES
@given(SEEDS)
def test_reductions(op_type: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = [int(rng.integers(1, 6)) for _ in range(int(rng.integers(1, 6)))]
    x = normal(rng, *shape)
    if op_type in ("ReduceLogSum", "ReduceProd"):
        x = np.abs(x) + np.float32(0.5)
    count = int(rng.integers(1, len(shape) + 1))
    axes = rng.permutation(len(shape))[:count].astype(np.int64)
    if rng.random() < 0.5:
        axes -= len(shape)
    terms = math.prod(shape)
    keep = {"keepdims": int(rng.integers(2))}
    stored = {} if rng.random() < 0.2 else {"axes": axes}
    check_op(op_type, {"x": x}, stored, terms=terms, scale=3.0, opset=18, **keep)


@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 4, 33, 35), (2, 2, 3, 4, 5)])
def test_global_pooling(op_type: str, shape: tuple[int, ...]) -> None:
    x = normal(np.random.default_rng(0), *shape)
    check_op(op_type, {"x": x}, terms=256 + math.prod(shape) // 256)


@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", [11, 13])
@EXAMPLES
@given(SEEDS)
def test_softmax(op_type: str, opset: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = [int(rng.integers(1, 7)) for _ in range(int(rng.integers(1, 5)))]
    axis = int(rng.integers(-len(shape), len(shape)))
    x = normal(rng, *shape) * np.float32(5)
    terms = math.prod(shape)
    check_op(op_type, {"x": x}, terms=terms + 20, scale=1.0, opset=opset, axis=axis)


@EXAMPLES
@given(SEEDS)
def test_batch_normalization(seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 6))
    shape = (2, channels, *(int(rng.integers(1, 5)) for _ in range(int(rng.integers(0, 4)))))
    statistics = {name: normal(rng, channels) for name in ("scale", "bias", "mean")}
    statistics["var"] = np.abs(normal(rng, channels)) + np.float32(0.1)
    check_op(
        "BatchNormalization", {"x": normal(rng, *shape)}, statistics,
        terms=8, scale=10.0, epsilon=pick(rng, [1e-5, 1e-3]),
    )  # fmt: skip


@EXAMPLES
@given(SEEDS)
def test_lrn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    attributes = {"size": pick(rng, [1, 3, 5, 7]), "alpha": 0.1, "beta": 0.6, "bias": 1.5}
    check_op("LRN", {"x": normal(rng, 2, int(rng.integers(1, 9)), 3, 4)}, terms=12, **attributes)

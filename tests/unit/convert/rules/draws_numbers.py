"""Random element-wise ops, activations, reductions and normalisations."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from tests.unit.convert.rules.drawing import (
    ANY,
    FLOAT,
    FLOATS,
    INTS,
    WIDE,
    Draw,
    Run,
    draws,
    model,
    op,
)


def _unary(d: Draw, op_type: str, opset: int = 17, **attributes: Any) -> onnx.ModelProto:
    return op(op_type, Run(d.shape(), d.of(*FLOATS)), opset=opset, **attributes)


def _binary(d: Draw, op_type: str, dtype: int, stored: int | None) -> onnx.ModelProto:
    """Two operands that broadcast; one of them may be stored."""
    shape = d.shape(0, 4)
    shapes = [shape, d.broadcast(shape)]
    if d.flag():
        shapes.reverse()
    inputs: list[Run | np.ndarray] = [Run(each, dtype) for each in shapes]
    if stored is not None:
        inputs[stored] = d.values(*shapes[stored], dtype=dtype)
    return op(op_type, *inputs)


def _either_way(d: Draw, first: Any, second: Any) -> list[Any]:
    return [first, second] if d.flag() else [second, first]


@draws("sum-to-add")
def _sum(d: Draw) -> onnx.ModelProto:
    shape, dtype = d.shape(), d.of(FLOAT, TensorProto.DOUBLE)
    shapes = [shape, *(d.broadcast(shape) for _ in range(d.count(0, 3)))]
    return op("Sum", *(Run(each, dtype) for each in shapes))


@draws("mean-to-sum")
def _mean(d: Draw) -> onnx.ModelProto:
    shape = d.shape()
    return op("Mean", *(Run(each) for each in [shape, *(d.broadcast(shape) for _ in range(2))]))


@draws("variadic")
def _variadic(d: Draw) -> onnx.ModelProto:
    shape, dtype = d.shape(), d.of(*WIDE, *INTS)
    shapes = [shape, *(d.broadcast(shape) for _ in range(d.count(2, 4)))]
    return op(d.of("Max", "Min"), *(Run(each, dtype) for each in shapes))


@draws("sub-to-add")
def _sub(d: Draw) -> onnx.ModelProto:
    return _binary(d, "Sub", d.of(*FLOATS), d.of(None, 1))


@draws("div-to-mul")
def _div_stored(d: Draw) -> onnx.ModelProto:
    return _binary(d, "Div", d.of(*FLOATS), 1)


@draws("div-to-reciprocal")
def _div(d: Draw) -> onnx.ModelProto:
    return _binary(d, "Div", d.of(*WIDE), None)


@draws("stored-operand")
def _stored_operand(d: Draw) -> onnx.ModelProto:
    shape, dtype = d.shape(), d.of(*WIDE)
    stored = d.values(*d.of((), (1,), shape[-1:]), dtype=dtype)
    kind = d.of("Add", "Div", "Max", "Min", "Mul", "Sub")
    return op(kind, *_either_way(d, Run(shape, dtype), stored))


@draws("max-to-relu")
def _max(d: Draw) -> onnx.ModelProto:
    return _binary(d, d.of("Max", "Min"), d.of(*FLOATS), None)


@draws("min-max-to-clip")
def _min_max(d: Draw) -> onnx.ModelProto:
    shape, high = d.shape(), np.asarray(d.number(-2, 6), np.float32)
    if d.flag():
        return op(d.of("Max", "Min"), *_either_way(d, Run(shape), high), opset=d.of(9, 12, 17))
    low = np.asarray(d.number(-2, 2), np.float32)
    first: Any = ("Relu", [Run(shape)], {}) if d.flag() else ("Max", [Run(shape), low], {})
    return model([first, ("Min", _either_way(d, "@0", high), {})])


def _simple(rule: str, *op_types: str, opset: int = 17) -> None:
    @draws(rule)
    def _(d: Draw) -> onnx.ModelProto:
        return _unary(d, d.of(*op_types), opset)


_simple("relu-to-clip", "Relu")
_simple("abs", "Abs")
_simple("neg-to-mul", "Neg")
_simple("softplus", "Softplus")
_simple("softsign", "Softsign")
_simple("sigmoid", "Sigmoid")
_simple("sigmoid-tanh", "Sigmoid", "Tanh")
_simple("hard-swish", "HardSwish")
_simple("mish", "Mish", opset=18)
_simple("reciprocal-to-div", "Reciprocal")
_simple("sqrt-to-pow", "Sqrt", "Reciprocal")


@draws("clip-to-min-max", "clip-to-relu")
def _clip(d: Draw) -> onnx.ModelProto:
    shape, dtype = d.shape(), d.of(FLOAT, TensorProto.DOUBLE)
    low, high = sorted((d.number(-3, 3), d.number(-3, 6)))
    keep_low, keep_high = d.of((True, True), (True, False), (False, True))
    if d.flag():
        limits: dict[str, Any] = {"min": low} if keep_low else {}
        limits |= {"max": high} if keep_high else {}
        return op("Clip", Run(shape), opset=9, **limits)
    kind = np.float32 if dtype == FLOAT else np.float64
    given = [np.asarray(x, kind) if k else None for x, k in ((low, keep_low), (high, keep_high))]
    return op("Clip", Run(shape, dtype), *(given if keep_high else given[:1]))


@draws("leaky-to-prelu")
def _leaky(d: Draw) -> onnx.ModelProto:
    return op("LeakyRelu", Run(d.shape(2, 4), d.of(*WIDE)), alpha=d.number(-1, 1))


@draws("leaky-relu")
def _prelu(d: Draw) -> onnx.ModelProto:
    if d.flag():
        return _unary(d, "LeakyRelu", alpha=d.number(-1, 1))
    shape, dtype = d.shape(), d.of(*WIDE)
    slope = d.broadcast(shape)
    return op("PRelu", Run(shape, dtype), d.of(Run(slope, dtype), d.values(*slope, dtype=dtype)))


@draws("hard-sigmoid")
def _hard_sigmoid(d: Draw) -> onnx.ModelProto:
    return _unary(d, "HardSigmoid", alpha=d.number(0.05, 1), beta=d.number(0, 1))


@draws("erf")
def _erf(d: Draw) -> onnx.ModelProto:
    return op("Erf", Run(d.shape()))


@draws("gelu")
def _gelu(d: Draw) -> onnx.ModelProto:
    return op("Gelu", Run(d.shape()), opset=20, approximate=d.of("none", "tanh"))


@draws("swish")
def _swish(d: Draw) -> onnx.ModelProto:
    return _unary(d, "Swish", opset=24, alpha=d.number(0.1, 2))


@draws("elu-family")
def _elu(d: Draw) -> onnx.ModelProto:
    kind = d.of("Elu", "Selu", "Celu")
    gamma: dict[str, Any] = {"gamma": d.number(0.5, 2)} if kind == "Selu" else {}
    dtype = FLOAT if kind == "Celu" else d.of(*WIDE)
    return op(kind, Run(d.shape(), dtype), alpha=d.number(0.2, 2), **gamma)


@draws("thresholded-relu")
def _thresholded(d: Draw) -> onnx.ModelProto:
    return _unary(d, "ThresholdedRelu", alpha=d.number(-1, 2))


@draws("pow")
def _pow(d: Draw) -> onnx.ModelProto:
    dtype = d.of(*WIDE)
    exponent = np.asarray(d.of(2, 3, 0.5, -1), d.of(np.float32, np.float64))
    return op("Pow", Run(d.shape(), dtype), exponent)


@draws("where-to-mul")
def _where(d: Draw) -> onnx.ModelProto:
    shape, dtype = d.shape(), d.of(*WIDE, *INTS)
    yes, no = (
        d.of(
            Run(d.broadcast(shape), dtype),
            d.values(*d.broadcast(shape), dtype=dtype),
            np.zeros((), onnx.helper.tensor_dtype_to_np_dtype(dtype)),
        )
        for _ in range(2)
    )
    return op("Where", Run(shape, TensorProto.BOOL), yes, no)


_REDUCTIONS = ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum")


def _reduction(
    d: Draw, op_type: str, shape: tuple[int, ...], axes: list[int] | None, dtype: int
) -> onnx.ModelProto:
    keep: dict[str, Any] = {"keepdims": d.of(0, 1)}
    opset = d.of(12, 13, 18)
    since = 13 if op_type == "ReduceSum" else 18
    if axes is None:
        return op(op_type, Run(shape, dtype), opset=opset, **keep)
    if opset < since:
        return op(op_type, Run(shape, dtype), opset=opset, axes=axes, **keep)
    return op(op_type, Run(shape, dtype), np.asarray(axes, np.int64), opset=opset, **keep)


def _axes(d: Draw, rank: int) -> list[int] | None:
    return d.subset(rank) if d.count(0, 4) else None


@draws("reduce-keepdims")
def _dropped(d: Draw) -> onnx.ModelProto:
    shape = d.shape()
    if d.flag():
        kind, axis = d.of("ArgMax", "ArgMin"), d.count(0, len(shape) - 1)
        return op(kind, Run(shape), axis=axis, keepdims=0)
    axes = _axes(d, len(shape))
    extra: dict[str, Any] = {} if axes is None else {"axes": axes}
    return op(d.of(*_REDUCTIONS[:3]), Run(shape), keepdims=0, **extra)


@draws("reduce-norms")
def _norms(d: Draw) -> onnx.ModelProto:
    kind = d.of("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")
    shape = d.shape()
    return _reduction(d, kind, shape, _axes(d, len(shape)), d.of(*WIDE))


@draws("reduce-mean-sum")
def _mean_sum(d: Draw) -> onnx.ModelProto:
    shape = d.shape()
    return _reduction(d, d.of("ReduceMean", "ReduceSum"), shape, _axes(d, len(shape)), d.of(*WIDE))


@draws("reduce-to-pool")
def _to_pool(d: Draw) -> onnx.ModelProto:
    shape = d.shape()
    first = d.count(0, len(shape) - 1)
    axes = list(range(first, d.count(first, len(shape) - 1) + 1))
    return _reduction(d, d.of("ReduceMean", "ReduceSum", "ReduceMax"), shape, axes, FLOAT)


@draws("argmin-to-argmax")
def _argmin(d: Draw) -> onnx.ModelProto:
    return _arg(d, "ArgMin", WIDE, d.of(0, 1))


@draws("argmax-to-topk")
def _argmax_topk(d: Draw) -> onnx.ModelProto:
    return _arg(d, d.of("ArgMax", "ArgMin"), (*WIDE, *INTS), 0)


@draws("argmax-to-reduce")
def _argmax(d: Draw) -> onnx.ModelProto:
    return _arg(d, "ArgMax", (*WIDE, TensorProto.INT32), d.of(0, 1))


def _arg(d: Draw, op_type: str, dtypes: tuple[int, ...], last: int) -> onnx.ModelProto:
    shape = d.shape()
    return op(
        op_type, Run(shape, d.of(*dtypes)), opset=d.of(13, 17, 18), select_last_index=last,
        axis=d.count(-len(shape), len(shape) - 1), keepdims=d.of(0, 1),
    )  # fmt: skip


@draws("softmax", "softmax-axis")
def _softmax(d: Draw) -> onnx.ModelProto:
    shape = d.shape(2, 4)
    axis = d.count(-len(shape), len(shape) - 2)
    return op(d.of("Softmax", "LogSoftmax"), Run(shape, d.of(*WIDE)), axis=axis, opset=d.of(13, 17))


@draws("softmax-flat")
def _softmax_flat(d: Draw) -> onnx.ModelProto:
    shape = tuple(d.count(2, 4) for _ in range(d.count(2, 4)))
    axis = d.count(0, len(shape) - 2)
    return op(d.of("Softmax", "LogSoftmax"), Run(shape), axis=axis, opset=d.of(9, 11, 12))


@draws("batch-norm")
def _batch_norm(d: Draw) -> onnx.ModelProto:
    shape, dtype = (d.count(1, 3), d.count(1, 4), *d.shape(0, 3)), d.of(*WIDE)
    c = shape[1]
    scale, bias, mean = (d.values(c, dtype=dtype) for _ in range(3))
    variance = np.abs(d.values(c, dtype=dtype))
    return op(
        "BatchNormalization", Run(shape, dtype), scale, bias, mean, variance,
        epsilon=d.of(1e-5, 1e-3), opset=d.of(9, 14, 15),
    )  # fmt: skip


@draws("batch-norm-fold")
def _batch_norm_fold(d: Draw) -> onnx.ModelProto:
    shape, made, taps = d.image(least=3), d.count(1, 4), d.count(1, 3)
    group = d.of(1, shape[1])
    made *= group
    weights = d.values(made, shape[1] // group, taps, taps)
    bias = [d.values(made)] if d.flag() else []
    conv = ("Conv", [Run(shape), weights, *bias], {"group": group})
    scale, offset, mean = (d.values(made) for _ in range(3))
    norm = ["@0", scale, offset, mean, np.abs(d.values(made))]
    return model([conv, ("BatchNormalization", norm, {})])


@draws("layer-norm")
def _layer_norm(d: Draw) -> onnx.ModelProto:
    shape = tuple(d.count(2, 5) for _ in range(d.count(1, 4)))
    axis = d.count(0, len(shape) - 1)
    scale = d.values(*shape[axis:])
    if d.flag():
        return op("RMSNormalization", Run(shape), scale, axis=axis, opset=23)
    bias = [d.values(*shape[axis:])] if d.flag() else []
    return op("LayerNormalization", Run(shape), scale, *bias, axis=axis, epsilon=d.of(1e-5, 1e-3))


@draws("instance-norm")
def _instance_norm(d: Draw) -> onnx.ModelProto:
    shape = (d.count(1, 2), d.count(1, 4), d.count(12, 16), *d.shape(0, 2))
    c = shape[1]
    return op(
        "InstanceNormalization", Run(shape), d.values(c), d.values(c), epsilon=d.of(1e-5, 1e-3)
    )


@draws("group-norm", "group-to-instance-norm")
def _group_norm(d: Draw) -> onnx.ModelProto:
    groups, opset = d.count(1, 3), d.of(21, 22)
    shape = (d.count(1, 2), groups * d.count(1, 3), d.count(12, 16), *d.shape(0, 2))
    size = shape[1]
    row = d.of(Run((size,)), d.values(size))
    return op("GroupNormalization", Run(shape), row, d.values(size), num_groups=groups, opset=opset)


@draws("lrn", "lrn-conv")
def _lrn(d: Draw) -> onnx.ModelProto:
    """ONNX Runtime has rank 4 and odd sizes, and loses digits itself where alpha is large."""
    shape = (d.count(1, 2), d.count(1, 6), *d.shape(2, 2))
    return op(
        "LRN", Run(shape), size=d.of(1, 3, 5, 7), alpha=d.of(1e-4, 1e-3),
        beta=d.of(0.5, 0.75, 1.0, 0.6), bias=d.of(1.0, 2.0),
    )  # fmt: skip


@draws("int64-to-int32")
def _int64(d: Draw) -> onnx.ModelProto:
    shape, wide = d.shape(), int(TensorProto.INT64)
    if d.flag():
        indices = d.rng.integers(-shape[0], shape[0], d.shape(0, 2)).astype(np.int64)
        return op("Gather", Run(shape, d.of(*ANY)), indices, axis=0)
    known = d.rng.integers(-1000, 1000, d.broadcast(shape))
    kind = d.of("Add", "Sub", "Mul", "Max", "Min", "Equal", "Less", "Greater", "Reshape")
    if kind == "Reshape":
        known = np.asarray([-1])
    cast = ("Cast", [Run(shape, d.of(TensorProto.INT8, TensorProto.UINT8))], {"to": wide})
    return model([cast, (kind, ["@0", known], {})])

"""Random convolutions, poolings, products, resizes and recurrent layers."""

from typing import Any

import numpy as np
import onnx

from tests.unit.convert.rules.drawing import DOUBLE, FLOAT, WIDE, Draw, Input, Run, draws, op


def _conv(
    d: Draw,
    *,
    rank: int = 4,
    kernel: tuple[int, int] = (1, 3),
    stride: tuple[int, int] = (1, 2),
    dilation: tuple[int, int] = (1, 2),
    group: tuple[int, int] = (1, 3),
    even: bool = False,
) -> onnx.ModelProto:
    """A convolution whose kernel fits into the padded input."""
    spatial = rank - 2
    taps = [d.count(*kernel) for _ in range(spatial)]
    strides = [d.count(*stride)] * spatial if even else [d.count(*stride) for _ in range(spatial)]
    dilations = [d.count(*dilation) for _ in range(spatial)]
    pads = [d.count(0, 2) for _ in range(2 * spatial)]
    reach = [(t - 1) * x + 1 for t, x in zip(taps, dilations, strict=True)]
    sizes = [r + d.count(0, 5) for r in reach]
    groups = d.count(*group)
    taken, made = d.count(1, 2), groups * d.count(1, 2)
    weights = d.values(made, taken, *taps)
    bias = [d.values(made)] if d.flag() else []
    return op(
        "Conv", Run((d.count(1, 2), taken * groups, *sizes)), weights, *bias, group=groups,
        pads=pads, strides=strides, dilations=dilations,
    )  # fmt: skip


@draws("grouped-conv", "grouped-conv-split")
def _grouped(d: Draw) -> onnx.ModelProto:
    return _conv(d, rank=d.count(3, 5), group=(2, 3))


@draws("conv-1d")
def _conv_1d(d: Draw) -> onnx.ModelProto:
    return _conv(d, rank=3)


@draws("dilated-conv")
def _dilated(d: Draw) -> onnx.ModelProto:
    return _conv(d, rank=d.count(3, 5), stride=(1, 1), dilation=(1, 3), kernel=(1, 3))


@draws("dilated-conv-zeros")
def _dilated_zeros(d: Draw) -> onnx.ModelProto:
    return _conv(d, rank=d.count(3, 5), dilation=(1, 3))


@draws("conv-kernel")
def _large_kernel(d: Draw) -> onnx.ModelProto:
    return _conv(d, rank=d.count(3, 4), kernel=(2, 10))


@draws("conv-stride")
def _strided(d: Draw) -> onnx.ModelProto:
    return _conv(d, rank=d.count(3, 4), stride=(1, 4))


@draws("conv-stride-depth")
def _strided_depth(d: Draw) -> onnx.ModelProto:
    return _conv(d, stride=(2, 4), even=True, group=(1, 1))


@draws("conv-to-matmul")
def _pointwise(d: Draw) -> onnx.ModelProto:
    shape, made = d.image(5), d.count(1, 4)
    bias = [d.values(made)] if d.flag() else []
    return op("Conv", Run(shape), d.values(made, shape[1], 1, 1), *bias)


def _conv_transpose(d: Draw, rank: int, groups: int) -> onnx.ModelProto:
    spatial = rank - 2
    taps, strides = ([d.count(1, 4) for _ in range(spatial)] for _ in range(2))
    dilations = [d.count(1, 2) for _ in range(spatial)]
    reach = [(t - 1) * x + 1 for t, x in zip(taps, dilations, strict=True)]
    pads = [d.count(0, (r - 1) // 2) for r in reach]
    extra = [d.count(0, stride - 1) for stride in strides]
    taken, made = d.count(1, 2) * groups, d.count(1, 2)
    bias = [d.values(made * groups)] if d.flag() else []
    sizes = [d.count(2, 5) for _ in range(spatial)]
    return op(
        "ConvTranspose", Run((d.count(1, 2), taken, *sizes)), d.values(taken, made, *taps), *bias,
        group=groups, pads=pads * 2, strides=strides, dilations=dilations, output_padding=extra,
    )  # fmt: skip


@draws("conv-transpose")
def _transposed(d: Draw) -> onnx.ModelProto:
    return _conv_transpose(d, d.count(3, 5), d.count(1, 2))


@draws("conv-transpose-4d")
def _transposed_4d(d: Draw) -> onnx.ModelProto:
    return _conv_transpose(d, 4, d.count(1, 2))


@draws("conv-transpose-depth")
def _transposed_depth(d: Draw) -> onnx.ModelProto:
    stride, taps = d.count(2, 3), d.count(1, 4)
    taken, made = d.count(1, 3), d.count(1, 3)
    return op(
        "ConvTranspose", Run((d.count(1, 2), taken, d.count(2, 4), d.count(2, 4))),
        d.values(taken, made, taps, taps), strides=[stride] * 2, pads=[d.count(0, taps // 2)] * 4,
    )  # fmt: skip


@draws("pool-to-global")
def _to_global(d: Draw) -> onnx.ModelProto:
    shape = d.image(6)
    if d.flag():
        return op("AveragePool", Run(shape), kernel_shape=list(shape[2:]))
    if d.flag():
        axes = np.asarray([2, -1])
        return op("ReduceMean", Run(shape), axes, opset=18, keepdims=d.of(0, 1))
    return op("ReduceMean", Run(shape), axes=[-2, 3], keepdims=d.of(0, 1))


@draws("global-pool-to-reduce")
def _global(d: Draw) -> onnx.ModelProto:
    return op(d.of("GlobalAveragePool", "GlobalMaxPool"), Run(d.image(6, d.count(3, 5))))


@draws("global-pool-to-pool")
def _global_4d(d: Draw) -> onnx.ModelProto:
    return op(d.of("GlobalAveragePool", "GlobalMaxPool"), Run(d.image(6)))


@draws("pool-to-conv")
def _average(d: Draw) -> onnx.ModelProto:
    spatial = d.count(1, 3)
    taps = [d.count(1, 3) for _ in range(spatial)]
    sizes = [t + d.count(0, 4) for t in taps]
    pads: dict[str, Any] = {}
    if d.flag():
        pads = {"pads": [d.count(0, t - 1) for t in taps * 2], "count_include_pad": 1}
    return op(
        "AveragePool", Run((d.count(1, 2), d.count(1, 3), *sizes)), kernel_shape=taps,
        strides=[d.count(1, 3) for _ in taps], **pads,
    )  # fmt: skip


@draws("pool-kernel")
def _large_pool(d: Draw) -> onnx.ModelProto:
    spatial = d.count(1, 2)
    if d.flag():
        taps = [d.of(4, 6, 8, 9, 12) for _ in range(spatial)]
        sizes = [t * d.count(1, 2) + d.count(0, 1) for t in taps]
        shape = (1, d.count(1, 3), *sizes)
        return op("AveragePool", Run(shape), kernel_shape=taps, strides=taps)
    taps = [d.count(4, 12) for _ in range(spatial)]
    sizes = [t + d.count(0, 6) for t in taps]
    return op(
        "MaxPool", Run((1, d.count(1, 3), *sizes)), kernel_shape=taps,
        strides=[d.count(1, 3) for _ in taps], pads=[d.count(0, 2) for _ in taps * 2],
    )  # fmt: skip


@draws("gemm-to-matmul", "product-to-conv")
def _gemm(d: Draw) -> onnx.ModelProto:
    rows, inner, made = d.count(1, 4), d.count(1, 5), d.count(1, 4)
    other = d.of(0, 1)
    weights = d.values(*((made, inner) if other else (inner, made)))
    added = [d.values(made)] if d.flag() else []
    return op(
        "Gemm", Run((rows, inner)), weights, *added, transB=other, alpha=d.number(0.5, 2),
        beta=d.number(0.5, 2),
    )  # fmt: skip


@draws("matmul-to-gemm")
def _matmul(d: Draw) -> onnx.ModelProto:
    shape, dtype = (*d.shape(1, 3), d.count(1, 5)), d.of(FLOAT, DOUBLE)
    return op("MatMul", Run(shape, dtype), d.values(shape[-1], d.count(1, 4), dtype=dtype))


_EQUATIONS = (
    "ij,jk->ik", "bij,bjk->bik", "bhid,bhjd->bhij", "ij->ji", "ij->", "ij->i", "i,j->ij", "ij,ij->",
    "...ij,...jk->...ik", "ij,jk", "abc,cd->abd", "bij,kj->bik", "ijk,jil,kl->il", "a,a,a->a",
    "...->...", "ab...->ba...", "ijk,ik->j",
)  # fmt: skip


@draws("einsum")
def _einsum(d: Draw) -> onnx.ModelProto:
    equation = d.of(*_EQUATIONS)
    sizes = {letter: d.count(1, 4) for letter in "abcdhijkl"}
    leading = d.shape(0, 2)
    shapes = []
    for term in equation.partition("->")[0].split(","):
        named = tuple(sizes[x] for x in term if x.isalpha())
        spelled = leading if "..." in term else ()
        split = term.find("...")
        shapes.append(named[: max(split, 0)] + spelled + named[max(split, 0) :])
    dtype = d.of(*WIDE)
    return op("Einsum", *(Run(shape, dtype) for shape in shapes), equation=equation)


def _scales(d: Draw, *options: float) -> np.ndarray:
    return np.asarray([1, 1, d.of(*options), d.of(*options)], np.float32)


def _resize(d: Draw, scales: np.ndarray, shape: tuple[int, ...], **how: Any) -> onnx.ModelProto:
    if d.flag():
        no_roi = np.zeros(0, np.float32)
        return op("Resize", Run(shape), no_roi, scales, opset=d.of(11, 13, 18), **how)
    sizes = np.asarray([int(np.floor(a * b)) for a, b in zip(shape, scales, strict=True)])
    inputs: list[Input] = [Run(shape), None, None, sizes]
    return op("Resize", *inputs, opset=d.of(13, 19), **how)


_ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
_WAYS = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


@draws("resize-repeat", "resize-copies")
def _repeated(d: Draw) -> onnx.ModelProto:
    how = d.of(
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"coordinate_transformation_mode": d.of("half_pixel", "pytorch_half_pixel")},
    )
    return _resize(d, _scales(d, 2, 3, 4), d.image(5), mode="nearest", **how)


@draws("resize-gather")
def _nearest(d: Draw) -> onnx.ModelProto:
    how = {"coordinate_transformation_mode": d.of(*_WAYS), "nearest_mode": d.of(*_ROUNDINGS)}
    return _resize(
        d, _scales(d, 1, 2, 0.5, 1.3, 0.7, 3), d.image(7, least=2), mode="nearest", **how
    )


@draws("resize-linear")
def _linear(d: Draw) -> onnx.ModelProto:
    if d.count(0, 4) == 0:
        return op("Upsample", Run(d.image(5)), _scales(d, 2, 3), opset=9, mode="linear")
    way = d.of("half_pixel", "pytorch_half_pixel", "asymmetric")
    return _resize(
        d, _scales(d, 2, 3, 4), d.image(5), mode="linear", coordinate_transformation_mode=way
    )


@draws("resize-conv")
def _shrunk(d: Draw) -> onnx.ModelProto:
    n, c, h, w = d.image(3)
    down, right = d.of(2, 4), d.of(2, 4)
    scales = np.asarray([1, 1, 1 / down, 1 / right], np.float32)
    shape = (n, c, h * down, w * right)
    if d.flag():
        way = d.of("asymmetric", "half_pixel")
        return _resize(d, scales, shape, mode="linear", coordinate_transformation_mode=way)
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return _resize(d, scales, shape, mode="nearest", **how)


@draws("resize-matmul")
def _any_resize(d: Draw) -> onnx.ModelProto:
    mode = d.of("nearest", "linear", "cubic")
    how: dict[str, Any] = {"coordinate_transformation_mode": d.of(*_WAYS), "mode": mode}
    if mode == "nearest":
        how["nearest_mode"] = d.of(*_ROUNDINGS)
    if mode == "cubic":
        how["cubic_coeff_a"] = d.of(-0.75, -0.5)
        how["exclude_outside"] = d.of(0, 1)
    return _resize(d, _scales(d, 1, 2, 0.5, 1.3, 0.7, 3), d.image(7, least=2), **how)


def _layer(
    d: Draw, op_type: str, gates: int, states: int, activations: tuple[str, ...], **extra: Any
) -> onnx.ModelProto:
    """A recurrent layer, with what may be left out left out at times."""
    steps, batch, taken, hidden = (d.count(1, 4) for _ in range(4))
    way = d.of("forward", "reverse", "bidirectional")
    count = 2 if way == "bidirectional" else 1
    weights = 0.5 * d.values(count, gates * hidden, taken)
    recurrent = 0.5 * d.values(count, gates * hidden, hidden)
    bias = d.values(count, 2 * gates * hidden) if d.flag() else None
    lengths = np.full(batch, steps, np.int32) if d.flag() else None
    state = [d.of(None, Run((count, batch, hidden))) for _ in range(states)]
    peepholes = [d.values(count, 3 * hidden)] if op_type == "LSTM" and d.flag() else []
    inputs: list[Input] = [Run((steps, batch, taken)), weights, recurrent, bias, lengths]
    attributes = dict(extra) | {"direction": way, "hidden_size": hidden}
    if d.flag():
        attributes["activations"] = list(activations) * count
    return op(
        op_type, *inputs, *state, *peepholes, opset=d.of(13, 14, 22), outputs=1 + states,
        **attributes,
    )  # fmt: skip


@draws("lstm")
def _lstm(d: Draw) -> onnx.ModelProto:
    return _layer(d, "LSTM", 4, 2, (d.of("Sigmoid", "Relu"), d.of("Tanh", "Relu"), "Tanh"))


@draws("gru")
def _gru(d: Draw) -> onnx.ModelProto:
    linear = d.of(0, 1)
    return _layer(d, "GRU", 3, 1, ("Sigmoid", d.of("Tanh", "Relu")), linear_before_reset=linear)


@draws("rnn")
def _rnn(d: Draw) -> onnx.ModelProto:
    return _layer(d, "RNN", 1, 1, (d.of("Tanh", "Relu"),))

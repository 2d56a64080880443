"""What TNN's layers compute, from their parameters as TNN reads them: those that pnnx doesn't read.

Source: Tencent/TNN, source/tnn/device/cpu/acc.
"""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

from .reader import Layer, Net

Arrays = list[np.ndarray]


def run(net: Net, x: np.ndarray) -> dict[str, np.ndarray]:
    """All blobs, from one input."""
    blobs = {**dict.fromkeys(net.inputs, x), **net.constants}
    for layer in net.layers:
        made = LAYERS[layer.type](layer, [blobs[name] for name in layer.inputs])
        blobs.update(zip(layer.outputs, made if isinstance(made, list) else [made], strict=True))
    return blobs


def one(op: str, *arrays: np.ndarray, opset: int = 17, **attributes: object) -> np.ndarray:
    """One ONNX op."""
    names = [f"i{index}" for index in range(len(arrays))]
    kinds = {"float32": 1, "int64": 7}
    graph = helper.make_graph(
        [helper.make_node(op, [n if a.size else "" for n, a in zip(names, arrays, strict=True)],
                          ["o"], **attributes)],
        "g",
        [helper.make_tensor_value_info(n, kinds[str(a.dtype)], a.shape)
         for n, a in zip(names, arrays, strict=True) if a.size],
        [onnx.ValueInfoProto(name="o")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {n: a for n, a in zip(names, arrays, strict=True) if a.size}
    return np.asarray(session.run(["o"], feeds)[0])


def operands(layer: Layer, arrays: Arrays) -> Arrays:
    """Both operands in their order: a stored one goes where the parameter says."""
    if not layer.weights:
        return arrays
    (index,) = layer.ints()
    return [layer.weights[0], *arrays] if index == 0 else [*arrays, layer.weights[0]]


def deconvolution(layer: Layer, arrays: Arrays) -> np.ndarray:
    group, taken, made, *rest = layer.ints()
    kernel, strides, pads, (bias, pad_type), dilations, (activation,) = (
        rest[0:2], rest[2:4], rest[4:6], rest[6:8], rest[8:10], rest[10:11],
    )  # fmt: skip
    assert (pad_type, activation, bias) == (-1, 0, len(layer.weights) - 1)
    assert layer.weights[0].shape == (taken, made // group, *kernel)
    return one("ConvTranspose", *arrays, *layer.weights, group=group, strides=strides,
               pads=[*pads, *pads], dilations=dilations)  # fmt: skip


def prelu(layer: Layer, arrays: Arrays) -> np.ndarray:
    shared, _ = layer.ints()
    slopes = layer.weights[0]
    assert (slopes.size == 1) == bool(shared)
    wide = slopes.reshape(-1, *[1] * (arrays[0].ndim - 2))
    return np.where(arrays[0] > 0, arrays[0], arrays[0] * wide)


def hard_swish(layer: Layer, arrays: Arrays) -> np.ndarray:
    alpha, beta = layer.floats()
    return np.asarray(arrays[0] * np.clip(arrays[0] * alpha + beta, 0, 1))


def selu(layer: Layer, arrays: Arrays) -> np.ndarray:
    alpha, gamma = layer.floats()
    (x,) = arrays
    return np.asarray(gamma * np.where(x > 0, x, alpha * (np.exp(x) - 1)))


def elu(layer: Layer, arrays: Arrays) -> np.ndarray:
    (alpha,) = layer.floats()
    (x,) = arrays
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


def hard_sigmoid(layer: Layer, arrays: Arrays) -> np.ndarray:
    alpha, beta = layer.floats()
    return np.clip(arrays[0] * alpha + beta, 0, 1)


def log_softmax(layer: Layer, arrays: Arrays) -> np.ndarray:
    (axis,) = layer.ints()
    (x,) = arrays
    return np.asarray(x - np.log(np.exp(x).sum(axis, keepdims=True)))


def instance_norm(layer: Layer, arrays: Arrays) -> np.ndarray:
    (x,), (scale, bias) = arrays, layer.weights
    assert int(layer.params[0]) == scale.size
    mean, spread = x.mean((2, 3), keepdims=True), x.var((2, 3), keepdims=True)
    normal = (x - mean) / np.sqrt(spread + float(layer.params[1]))
    return np.asarray(normal * scale.reshape(-1, 1, 1) + bias.reshape(-1, 1, 1))


def layer_norm(layer: Layer, arrays: Arrays) -> np.ndarray:
    x, scale, bias = arrays
    axes = tuple(range(x.ndim - int(layer.params[0]), x.ndim))
    mean, spread = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return np.asarray((x - mean) / np.sqrt(spread + float(layer.params[1])) * scale + bias)


def lrn(layer: Layer, arrays: Arrays) -> np.ndarray:
    alpha, beta, bias, size = layer.floats()
    return one("LRN", *arrays, alpha=alpha, beta=beta, bias=bias, size=int(size))


def reduction(function: Callable[..., np.ndarray]) -> Callable[[Layer, Arrays], np.ndarray]:
    def reduce(layer: Layer, arrays: Arrays) -> np.ndarray:
        keep, *axes = layer.ints()
        return function(arrays[0], axis=tuple(axes), keepdims=bool(keep))

    return reduce


def arg(layer: Layer, arrays: Arrays) -> np.ndarray:
    mode, axis, keep, last = layer.ints()
    assert (keep, last) == (1, 0)
    function = np.argmax if mode == 1 else np.argmin
    return np.asarray(function(arrays[0], axis=axis, keepdims=True))


def squeeze(layer: Layer, arrays: Arrays) -> np.ndarray:
    count, *axes = layer.ints()
    assert len(axes) == count
    return np.squeeze(arrays[0], tuple(axes))


def upsample(layer: Layer, arrays: Arrays) -> np.ndarray:
    mode, high, wide, aligned, height, width = layer.floats()
    (x,) = arrays
    assert (height, width) == (x.shape[2] * high, x.shape[3] * wide)
    sizes = np.array([*x.shape[:2], height, width], np.int64)
    none = np.zeros(0, np.float32)
    if mode == 1:  # nearest: the source's index is rounded down
        rows = (np.arange(int(height)) / high).astype(int)
        columns = (np.arange(int(width)) / wide).astype(int)
        return x[:, :, rows][:, :, :, columns]
    where = "align_corners" if aligned else "half_pixel"
    return one("Resize", x, none, none, sizes, mode="linear", coordinate_transformation_mode=where)


def reorg(layer: Layer, arrays: Arrays) -> np.ndarray:
    size, forward, _, mode = layer.ints()
    assert mode == 0
    op = "DepthToSpace" if forward else "SpaceToDepth"
    return one(op, *arrays, blocksize=size)


def pixel_shuffle(layer: Layer, arrays: Arrays) -> np.ndarray:
    (size,) = layer.ints()
    return one("DepthToSpace", *arrays, blocksize=size, mode="CRD")


def split(layer: Layer, arrays: Arrays) -> Arrays:
    axis, count, *sizes, given = layer.ints()
    assert (len(sizes), given) == (count, 1)
    return np.split(arrays[0], np.cumsum(sizes)[:-1], axis)


def unary(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Layer, Arrays], np.ndarray]:
    return lambda _, arrays: function(arrays[0])


def binary(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[Layer, Arrays], np.ndarray]:
    return lambda layer, arrays: function(*operands(layer, arrays))


LAYERS: dict[str, Callable[[Layer, Arrays], np.ndarray | Arrays]] = {
    "Deconvolution": deconvolution, "PReLU": prelu, "HardSwish": hard_swish, "Selu": selu,
    "Elu": elu, "HardSigmoid": hard_sigmoid, "LogSoftmax": log_softmax,
    "InstBatchNormCxx": instance_norm, "LayerNorm": layer_norm, "LRN": lrn, "ArgMaxOrMin": arg,
    "Squeeze": squeeze, "Upsample": upsample, "Reorg": reorg, "PixelShuffle": pixel_shuffle,
    "SplitV": split,
    "Maximum": binary(np.maximum), "Minimum": binary(np.minimum), "Sub": binary(np.subtract),
    "Div": binary(np.divide),
    "ReduceMin": reduction(np.min), "ReduceProd": reduction(np.prod),
    "ReduceL1": reduction(lambda x, **k: np.abs(x).sum(**k)),
    "ReduceLogSumExp": reduction(lambda x, **k: np.log(np.exp(x).sum(**k))),
    "ReduceSumSquare": reduction(lambda x, **k: (x * x).sum(**k)),
    "Sigmoid": unary(lambda x: 1 / (1 + np.exp(-x))),
    "Softplus": unary(lambda x: np.log1p(np.exp(x))),
    "Abs": unary(np.abs), "Neg": unary(np.negative), "Exp": unary(np.exp),
    "Reciprocal": unary(np.reciprocal), "Floor": unary(np.floor), "Ceil": unary(np.ceil),
    "Sign": unary(np.sign), "Sin": unary(np.sin), "Cos": unary(np.cos), "Atan": unary(np.arctan),
    "Softsign": unary(lambda x: x / (1 + np.abs(x))),
}  # fmt: skip

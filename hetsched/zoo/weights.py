"""Seeded weights for models whose file has constants in place of them.

Weights are uniform, He-scaled draws; batch statistics and biases come from calibrated numbers that
travel with the package (statistics.npz, made by scripts/calibrate_zoo.py): badly scaled weights
give one-hot or constant outputs, and a comparison of those proves nothing. Everything is built
from raw generator bits with single correctly rounded float32 operations, so that the bytes, and
the pinned sha256, are the same on every machine.

Source: He et al., Delving Deep into Rectifiers, 2015, eq. 10: variance 2 / fan-in before a ReLU.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import onnx
from onnx import numpy_helper

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Role: TypeAlias = Literal["weight", "bias", "mean", "var", "gamma", "beta", "one", "zero"]

CENTRE_STEP = 1 / 16
"""Calibrated centres are stored as int8 in this many standard deviations: +-8 of them, to 1/32."""
LOGIT_STD = 2.0
"""Spread of the last layer: with 1000 classes the softmax is neither one-hot nor uniform."""
_AFFINE_SPREAD = 0.25
_CHUNK = 2**16  # even: each 64-bit draw gives two values
_IR_VERSION = 8  # 4 and later: a weight needn't be listed among the graph's inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Calibrated numbers of one model's layers, in the graph's order.

    Attributes:
        scale: standard deviation of the layer's raw values, (layers,) float32.
        centre: per layer and channel: mean over the layer's scale, in steps of CENTRE_STEP, int8.
    """

    scale: tuple[float, ...]
    centre: tuple[np.ndarray[tuple[int], np.dtype[np.int8]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A tensor to be filled.

    Attributes:
        name: of the tensor.
        shape: as the file has it.
        role: what its layer uses it for.
        layer: index of the calibrated layer it belongs to, None for no calibration.
        fan_in: of a weight.
        gain: wanted standard deviation of a calibrated layer's values.
    """

    name: str
    shape: tuple[int, ...]
    role: Role
    layer: int | None = None
    fan_in: int = 1
    gain: float = 1.0


class Skeleton:
    """The parameters of a light model, by the ops that read them."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
        self._stored = {init.name: init for init in model.graph.initializer}
        self._made = {
            node.output[0]: node.input[0]
            for node in model.graph.node
            if node.op_type == "ConstantOfShape"
        }
        self._producer = {name: node for node in model.graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    @cached_property
    def layers(self) -> tuple[onnx.NodeProto, ...]:
        """Nodes whose values are calibrated: each normalisation, and what isn't followed by one."""
        return tuple(node for node in self.nodes if self._is_layer(node))

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every float tensor that the ops read as weights, in the graph's order."""
        index = {node.output[0]: place for place, node in enumerate(self.layers)}
        return tuple(
            parameter
            for node in self.nodes
            for parameter in self._parameters(node, index.get(node.output[0]))
        )

    def _is_layer(self, node: onnx.NodeProto) -> bool:
        if node.op_type == "BatchNormalization":
            return True
        return (
            node.op_type in ("Conv", "Gemm") and len(node.input) > 2 and not self._normalised(node)
        )

    def _normalised(self, node: onnx.NodeProto) -> bool:
        readers = self._readers.get(node.output[0], [])
        return any(reader.op_type == "BatchNormalization" for reader in readers)

    def _parameters(self, node: onnx.NodeProto, layer: int | None) -> Iterator[Parameter]:
        if node.op_type in ("Conv", "Gemm"):
            yield from self._linear(node, layer)
        elif node.op_type == "BatchNormalization":
            scaled = any(r.op_type == "Mul" for r in self._readers.get(node.output[0], []))
            roles: tuple[Role, ...] = ("one", "zero") if scaled else ("gamma", "beta")
            for name, role in zip(node.input[1:], (*roles, "mean", "var"), strict=True):
                yield self._parameter(name, role, layer=layer)
        elif node.op_type in ("Mul", "Add"):
            constant = [name for name in node.input if self._root(name) is not None]
            for name in constant:
                yield self._parameter(name, "gamma" if node.op_type == "Mul" else "beta")

    def _linear(self, node: onnx.NodeProto, layer: int | None) -> Iterator[Parameter]:
        gain = LOGIT_STD if layer == len(self.layers) - 1 else 1.0
        shape = self._shape(node.input[1])
        fan_in = math.prod(shape[1:]) if node.op_type == "Conv" else shape[-1]
        yield self._parameter(node.input[1], "weight", layer=layer, fan_in=fan_in, gain=gain)
        if len(node.input) > 2:
            role: Role = "zero" if layer is None else "bias"
            yield self._parameter(node.input[2], role, layer=layer, gain=gain)

    def _parameter(
        self, name: str, role: Role, *, layer: int | None = None, fan_in: int = 1, gain: float = 1.0
    ) -> Parameter:
        root = self._root(name)
        assert root is not None, f"{name!r} isn't a constant"
        return Parameter(
            name=root, shape=self._shape(root), role=role, layer=layer, fan_in=fan_in, gain=gain
        )

    def _root(self, name: str) -> str | None:
        """The stored tensor behind Reshape and Unsqueeze; None for what is computed from inputs."""
        while name not in self._made and name not in self._stored:
            node = self._producer.get(name)
            if node is None or node.op_type not in ("Reshape", "Unsqueeze"):
                return None
            name = node.input[0]
        return name

    def _shape(self, name: str) -> tuple[int, ...]:
        root = self._root(name)
        if root in self._made:
            return tuple(int(n) for n in numpy_helper.to_array(self._stored[self._made[root]]))
        return tuple(self._stored[root].dims) if root in self._stored else ()


def uniform(seed: str, shape: tuple[int, ...]) -> Floats:
    """Multiples of 2**-23 in [-1, 1), the same for the same seed everywhere."""
    values = np.empty(math.prod(shape), np.float32)
    generator = np.random.PCG64(
        int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], "little")
    )
    for start in range(0, values.size, _CHUNK):
        part = values[start : start + _CHUNK]
        bits = generator.random_raw((part.size + 1) // 2).astype("<u8", copy=False)
        part[:] = (bits.view("<u4")[: part.size] >> 8).astype(np.int32) - 2**23
    values *= np.float32(2.0**-23)
    return values.reshape(shape)


def value(model: str, parameter: Parameter, statistics: Statistics) -> Floats:
    """What to fill a parameter with."""
    shape, layer = parameter.shape, parameter.layer
    scale = np.float32(1.0 if layer is None else statistics.scale[layer])
    gain = np.float32(parameter.gain)

    def centre() -> Floats:
        assert layer is not None
        return statistics.centre[layer].astype(np.float32) * np.float32(CENTRE_STEP)

    def spread() -> Floats:
        return uniform(f"{model}/{parameter.name}", shape) * np.float32(_AFFINE_SPREAD)

    match parameter.role:
        case "weight":
            bound = np.float32(math.sqrt(6 / parameter.fan_in)) * (gain / scale)
            weights = uniform(f"{model}/{parameter.name}", shape)
            weights *= bound
            return weights
        case "bias":
            return (spread() - centre()) * gain
        case "mean":
            return centre() * scale
        case "var":
            return np.full(shape, scale * scale, np.float32)
        case "gamma":
            return spread() + np.float32(1)
        case "beta":
            return spread()
        case "one":
            return np.ones(shape, np.float32)
        case "zero":
            return np.zeros(shape, np.float32)


def load_statistics() -> Mapping[str, Statistics]:
    """The calibrated numbers of all models."""
    with np.load(Path(__file__).with_name("statistics.npz"), allow_pickle=False) as stored:
        names = [key.removesuffix(".scale") for key in stored.files if key.endswith(".scale")]
        return {
            name: Statistics(
                scale=tuple(float(s) for s in stored[f"{name}.scale"]),
                centre=tuple(
                    np.split(stored[f"{name}.centre"], np.cumsum(stored[f"{name}.channels"])[:-1])
                ),
            )
            for name in names
        }


def seeded(name: str, light: bytes) -> bytes:
    """The model with its constants replaced.

    Args:
        name: of the model in the catalog; decides the draws.
        light: the file as its package has it.

    Returns:
        An ONNX file whose weights are initializers.
    """
    statistics = load_statistics()[name]
    return bytes(fill(name, onnx.load_model_from_string(light), statistics).SerializeToString())


def fill(name: str, model: onnx.ModelProto, statistics: Statistics) -> onnx.ModelProto:
    """The model with weights as initializers, and without the ops that made constants of them."""
    skeleton, graph = Skeleton(model), model.graph
    read = {tensor for node in skeleton.nodes for tensor in node.input}
    filled = {parameter.name for parameter in skeleton.parameters}
    stored = {init.name for init in graph.initializer}
    kept = [init for init in graph.initializer if init.name in read - filled]
    inputs = [info for info in graph.input if info.name not in stored]
    whole = onnx.helper.make_graph(skeleton.nodes, name, inputs, graph.output, kept)
    result = onnx.helper.make_model(
        whole, opset_imports=model.opset_import, ir_version=_IR_VERSION, producer_name="hetsched"
    )
    for parameter in skeleton.parameters:  # in place: copies of half a gigabyte take their time
        tensor = result.graph.initializer.add()
        tensor.name, tensor.data_type = parameter.name, onnx.TensorProto.FLOAT
        tensor.dims.extend(parameter.shape)
        tensor.raw_data = value(name, parameter, statistics).astype("<f4", copy=False).tobytes()
    return result

"""An ONNX file as a PyTorch module whose parameters are the file's weights, and back.

It knows the ops of the examples. An op it doesn't know is an error that names it.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as PyTorch's users know it


class TorchGraph(nn.Module):  # type: ignore[misc] # PyTorch is not installed where types are checked
    """Runs the nodes of an ONNX file, in order; float constants are parameters."""

    def __init__(self, path: Path) -> None:
        """Read the file."""
        super().__init__()
        self.model = onnx.load(path)
        self.constants: dict[str, Tensor] = {}
        self.weights = nn.ParameterDict()
        for stored in self.model.graph.initializer:
            array = torch.from_numpy(numpy_helper.to_array(stored).copy())
            if array.is_floating_point():
                self.weights[_key(stored.name)] = nn.Parameter(array)
            else:
                self.constants[stored.name] = array

    def forward(self, x: Tensor) -> Tensor:
        """The first output of the graph for its first input, for any batch size."""
        graph = self.model.graph
        values: dict[str, Tensor] = {graph.input[0].name: x, **self.constants}
        for stored in graph.initializer:
            if _key(stored.name) in self.weights:
                values[stored.name] = self.weights[_key(stored.name)]
        for node in graph.node:
            if node.op_type not in OPS:
                raise NotImplementedError(f"{node.name}: no PyTorch form of {node.op_type} here")
            given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            inputs = [values[name] for name in node.input if name]
            values[node.output[0]] = OPS[node.op_type](inputs, given)
        return values[graph.output[0].name]

    def restart(self, seed: int, only: tuple[str, ...] = ()) -> None:
        """Forget what was learnt: He's initialisation of all weights, or of those in some ops."""
        rng = torch.Generator().manual_seed(seed)
        for node in self.model.graph.node:
            if only and node.name not in only:
                continue
            for name in node.input:
                if _key(name) in self.weights:
                    weight = self.weights[_key(name)].data
                    fan = weight[0].numel() if weight.dim() > 1 else 0
                    scale = (2 / fan) ** 0.5 if fan else 0.0
                    weight.copy_(torch.randn(weight.shape, generator=rng) * scale)

    def save(self, path: Path) -> None:
        """Write the file again with the weights as they are now."""
        for stored in self.model.graph.initializer:
            if _key(stored.name) in self.weights:
                array = self.weights[_key(stored.name)].detach().numpy()
                stored.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), stored.name))
        onnx.save(self.model, path)


def _key(name: str) -> str:
    return name.replace(".", "_")


def _sides(given: dict[str, list[int]]) -> list[int]:
    """Pads of ONNX (all begins, all ends) as PyTorch's: last axis first, begin and end."""
    pads = given.get("pads", [0, 0, 0, 0])
    return [pads[1], pads[3], pads[0], pads[2]]


def _conv(inputs: list[Tensor], given: dict[str, list[int]]) -> Tensor:
    padded = F.pad(inputs[0], _sides(given))
    return F.conv2d(padded, *inputs[1:], stride=given.get("strides", [1, 1]))


def _conv_transpose(inputs: list[Tensor], given: dict[str, list[int]]) -> Tensor:
    made = F.conv_transpose2d(*inputs, stride=given.get("strides", [1, 1]))
    return F.pad(made, [-side for side in _sides(given)])


def _reshape(inputs: list[Tensor], _: dict[str, list[int]]) -> Tensor:
    shape = inputs[1].tolist()
    return inputs[0].reshape(-1, *shape[1:])  # the batch size was frozen in the file


def _slice(inputs: list[Tensor], _: dict[str, list[int]]) -> Tensor:
    data, starts, ends, axes = inputs
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist(), strict=True):
        data = data.narrow(axis, start, min(end, data.shape[axis]) - start)
    return data


OPS: dict[str, Callable[[list[Tensor], dict[str, list[int]]], Tensor]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Relu": lambda inputs, _: F.relu(inputs[0]),
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Reshape": _reshape,
    "Transpose": lambda inputs, given: inputs[0].permute(*given["perm"]),
    "Slice": _slice,
    "Flatten": lambda inputs, _: inputs[0].flatten(1),
    "GlobalAveragePool": lambda inputs, _: inputs[0].mean((2, 3), keepdim=True),
    "Gemm": lambda inputs, _: inputs[0] @ inputs[1].T + inputs[2],
}
"""ONNX op type to its PyTorch form; a Gemm has transB=1 here."""

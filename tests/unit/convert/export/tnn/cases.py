"""Models of one op, each with the layers that it must become."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, helper

from tests.unit.convert.export.models import write

RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


IMAGE = (1, 4, 6, 8)


@dataclass(kw_only=True)
class Case:
    """An op of inputs `x` and constants; `lines` are the layers' types and parameters."""

    op: str
    lines: tuple[str, ...]
    shape: tuple[int, ...] = IMAGE
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)
    inputs: tuple[str, ...] = ("x",)
    outputs: int = 1
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 17
    positive: bool = False

    @property
    def id(self) -> str:
        return f"{self.op}-{' + '.join(self.lines)}"[:70]

    def save(self, path: Path) -> Path:
        names = [f"y{index}" for index in range(self.outputs)]
        source = "x"
        nodes: list[NodeProto] = []
        if self.positive:  # what a logarithm reads is made positive
            nodes.append(helper.make_node("Sigmoid", ["x"], ["above"], "before"))
            source = "above"
        inputs = [source if name == "x" else name for name in self.inputs]
        nodes.append(helper.make_node(self.op, inputs, names, "op", **self.attributes))
        return write(
            path, nodes, inputs={"x": self.shape}, outputs=names,
            constants=self.constants, opset=self.opset,
        )  # fmt: skip


def plain(op: str, kind: str, positive: bool = False, opset: int = 17) -> Case:
    return Case(op=op, lines=(kind,), positive=positive, opset=opset)


CASES = [
    Case(op="Conv", constants={"w": normal(6, 4, 3, 3), "b": normal(6)}, inputs=("x", "w", "b"),
         attributes={"strides": [2, 1], "pads": [1, 0, 1, 0], "dilations": [1, 2]},
         lines=("Convolution 1 4 6 3 3 2 1 1 0 1 -1 1 2 0",)),
    Case(op="Conv", constants={"w": normal(4, 1, 3, 3)}, inputs=("x", "w"),
         attributes={"group": 4, "pads": [0, 0, 2, 1]},
         lines=("PadV2 4 0 0 0 0 0 0 2 1 0 0.0", "Convolution 4 4 4 3 3 1 1 0 0 0 -1 1 1 0")),
    Case(op="Conv", shape=(1, 4, 9), constants={"w": normal(6, 4, 3)}, inputs=("x", "w"),
         attributes={"pads": [1, 1]}, lines=("Convolution1D 1 4 6 3 1 1 0 -1 1 0",)),
    Case(op="ConvTranspose", constants={"w": normal(4, 3, 4, 4), "b": normal(3)},
         inputs=("x", "w", "b"), attributes={"strides": [2, 2], "pads": [1, 1, 1, 1]},
         lines=("Deconvolution 1 4 3 4 4 2 2 1 1 1 -1 1 1 0",)),
    Case(op="MaxPool", attributes={"kernel_shape": [3, 2], "strides": [2, 2]},
         lines=("Pooling 0 3 2 2 2 0 0 -1 -1 -1 0 0 -1 -1",)),
    Case(op="MaxPool", attributes={"kernel_shape": [3, 3], "strides": [2, 2],
                                   "pads": [0, 0, 1, 1]},
         lines=("PadV2 4 0 0 0 0 0 0 1 1 0 -3.4028235e+38",
                "Pooling 0 3 3 2 2 0 0 -1 -1 -1 0 0 -1 -1")),
    Case(op="AveragePool", attributes={"kernel_shape": [2, 2], "strides": [2, 2],
                                       "ceil_mode": 1}, shape=(1, 4, 5, 7),
         lines=("Pooling 1 2 2 2 2 0 0 -1 -1 -1 1 0 -1 -1",)),
    Case(op="AveragePool", attributes={"kernel_shape": [3, 3], "pads": [1, 1, 1, 1],
                                       "count_include_pad": 1},
         lines=("PadV2 4 0 0 1 1 0 0 1 1 0 0.0", "Pooling 1 3 3 1 1 0 0 -1 -1 -1 0 0 -1 -1")),
    Case(op="GlobalAveragePool", lines=("Pooling 1 0 0 1 1 0 0 -1 -1 -1 0 0 -1 -1",)),
    Case(op="GlobalMaxPool", lines=("Pooling 0 0 0 1 1 0 0 -1 -1 -1 0 0 -1 -1",)),
    Case(op="Gemm", shape=(1, 8), constants={"w": normal(8, 5), "b": normal(5)},
         inputs=("x", "w", "b"), attributes={"alpha": 2.0, "beta": 0.5},
         lines=("InnerProduct 5 1 0 1",)),
    Case(op="Gemm", shape=(3, 8), constants={"w": normal(5, 8)}, inputs=("x", "w"),
         attributes={"transB": 1}, lines=("InnerProduct 5 1 0 1",)),
    Case(op="MatMul", constants={"w": normal(8, 3)}, inputs=("x", "w"), lines=("MatMul 1",)),
    Case(op="MatMul", constants={"w": normal(3, 6)}, inputs=("w", "x"), lines=("MatMul 0",)),
    Case(op="Add", constants={"w": normal(4, 1, 1)}, inputs=("x", "w"), lines=("Add 1",)),
    Case(op="Sub", constants={"w": normal(8)}, inputs=("w", "x"), lines=("Sub 0",)),
    Case(op="Mul", inputs=("x", "x"), lines=("Mul -1",)),
    Case(op="Div", constants={"w": normal(1) + 3}, inputs=("x", "w"), lines=("Div 1",)),
    Case(op="Max", constants={"w": normal(8)}, inputs=("x", "w"), lines=("Maximum 1",)),
    Case(op="Min", constants={"w": normal(8)}, inputs=("x", "w"), lines=("Minimum 1",)),
    Case(op="Sum", inputs=("x", "x", "x"), lines=("Add -1", "Add -1")),
    Case(op="PRelu", constants={"w": normal(4, 1, 1)}, inputs=("x", "w"), lines=("PReLU 0 0",)),
    Case(op="LeakyRelu", attributes={"alpha": 0.125}, lines=("PReLU 1 0",)),
    Case(op="Pow", constants={"w": np.array(2.0, np.float32)}, inputs=("x", "w"),
         lines=("Power 2.0 1.0 0.0",)),
    plain("Relu", "ReLU"), plain("Sigmoid", "Sigmoid"), plain("Tanh", "Tanh"),
    plain("Softplus", "Softplus"), plain("Abs", "Abs"), plain("Neg", "Neg"), plain("Exp", "Exp"),
    plain("Log", "Log", positive=True), plain("Sqrt", "Sqrt", positive=True),
    plain("Reciprocal", "Reciprocal", positive=True), plain("Floor", "Floor"),
    plain("Ceil", "Ceil"), plain("Erf", "Erf"), plain("Sign", "Sign"), plain("Sin", "Sin"),
    plain("Cos", "Cos"), plain("Atan", "Atan"), plain("Softsign", "Softsign"),
    Case(op="Clip", constants={"low": np.array(0, np.float32), "high": np.array(6, np.float32)},
         inputs=("x", "low", "high"), lines=("ReLU6",)),
    Case(op="Clip", constants={"high": np.array(0.5, np.float32)}, inputs=("x", "", "high"),
         lines=("Clip -3.4028235e+38 0.5",)),
    Case(op="Clip", attributes={"min": -0.25}, opset=10, lines=("Clip -0.25 3.4028235e+38",)),
    Case(op="Elu", attributes={"alpha": 0.5}, lines=("Elu 0.5",)),
    Case(op="Selu", lines=("Selu 1.6732632 1.050701",)),
    Case(op="HardSigmoid", lines=("HardSigmoid 0.2 0.5",)),
    Case(op="HardSwish", lines=("HardSwish 0.16666667 0.5",)),
    Case(op="Softmax", attributes={"axis": -1}, lines=("SoftmaxCaffe 3",)),
    Case(op="LogSoftmax", attributes={"axis": 1}, lines=("LogSoftmax 1",)),
    Case(op="BatchNormalization", constants={"s": normal(4), "b": normal(4), "m": normal(4),
                                             "v": normal(4) ** 2 + 1},
         inputs=("x", "s", "b", "m", "v"), lines=("BatchNormCxx",)),
    Case(op="InstanceNormalization", constants={"s": normal(4), "b": normal(4)},
         inputs=("x", "s", "b"), lines=("InstBatchNormCxx 4 1e-05",)),
    Case(op="LayerNormalization", constants={"s": normal(8), "b": normal(8)},
         inputs=("x", "s", "b"), lines=("LayerNorm 1 1e-05",)),
    Case(op="LRN", attributes={"size": 3}, lines=("LRN 1e-04 0.75 1.0 3",)),
    Case(op="ReduceMean", attributes={"axes": [2, -1], "keepdims": 0},
         lines=("ReduceMean 0 2 3",)),
    Case(op="ReduceSum", constants={"a": ints(1)}, inputs=("x", "a"), lines=("ReduceSum 1 1",)),
    Case(op="ReduceMax", attributes={"axes": [1]}, lines=("ReduceMax 1 1",)),
    Case(op="ReduceMin", lines=("ReduceMin 1 0 1 2 3",)),
    Case(op="ReduceL2", attributes={"axes": [3]}, lines=("ReduceL2 1 3",)),
    Case(op="ReduceProd", attributes={"axes": [3]}, lines=("ReduceProd 1 3",)),
    Case(op="ReduceL1", attributes={"axes": [3]}, lines=("ReduceL1 1 3",)),
    Case(op="ReduceLogSumExp", attributes={"axes": [3]}, lines=("ReduceLogSumExp 1 3",)),
    Case(op="ReduceSumSquare", attributes={"axes": [3]}, lines=("ReduceSumSquare 1 3",)),
    Case(op="Resize", constants={"s": np.array([1, 1, 2, 2], np.float32)}, inputs=("x", "", "s"),
         attributes={"mode": "nearest", "coordinate_transformation_mode": "asymmetric",
                     "nearest_mode": "floor"}, lines=("Upsample 1 2.0 2.0 0 12 16",)),
    Case(op="Resize", constants={"s": ints(1, 4, 9, 16)}, inputs=("x", "", "", "s"),
         attributes={"mode": "linear"}, lines=("Upsample 2 1.5 2.0 0 9 16",)),
    Case(op="Resize", constants={"s": ints(1, 4, 9, 16)}, inputs=("x", "", "", "s"),
         attributes={"mode": "linear", "coordinate_transformation_mode": "align_corners"},
         lines=("Upsample 2 1.5 2.0 1 9 16",)),
    Case(op="DepthToSpace", attributes={"blocksize": 2}, lines=("Reorg 2 1 0 0",)),
    Case(op="DepthToSpace", attributes={"blocksize": 2, "mode": "CRD"}, lines=("PixelShuffle 2",)),
    Case(op="SpaceToDepth", attributes={"blocksize": 2}, lines=("Reorg 2 0 0 0",)),
    Case(op="Reshape", constants={"s": ints(1, -1, 12)}, inputs=("x", "s"),
         lines=("Reshape 0 -1 3 1 16 12 0",)),
    Case(op="Flatten", lines=("Flatten 1",)),
    Case(op="Flatten", attributes={"axis": 2}, lines=("Reshape 0 -1 2 4 48 0",)),
    Case(op="Transpose", attributes={"perm": [0, 2, 3, 1]}, lines=("Permute 4 0 2 3 1",)),
    Case(op="Squeeze", constants={"a": ints(0)}, inputs=("x", "a"), lines=("Squeeze 1 0",)),
    Case(op="Unsqueeze", constants={"a": ints(-1)}, inputs=("x", "a"), lines=("Unsqueeze 1 4",)),
    Case(op="Concat", inputs=("x", "x"), attributes={"axis": -3}, lines=("Concat 1",)),
    Case(op="Concat", constants={"w": normal(1, 2, 6, 8)}, inputs=("x", "w"),
         attributes={"axis": 1}, lines=("Concat 1",)),
    Case(op="Split", constants={"s": ints(1, 3)}, inputs=("x", "s"), outputs=2,
         attributes={"axis": 1}, lines=("SplitV 1 2 1 3 1",)),
    Case(op="Slice", constants={"b": ints(1, -5), "e": ints(3, 10**9), "a": ints(1, 3),
                                "t": ints(1, 2)}, inputs=("x", "b", "e", "a", "t"),
         lines=("StridedSliceV2 2 1 3 2 3 8 2 1 3 2 1 2",)),
    Case(op="Pad", constants={"p": ints(0, 0, 1, 2, 0, 0, 3, 0),
                              "v": np.array(0.5, np.float32)}, inputs=("x", "p", "v"),
         lines=("PadV2 4 0 0 1 2 0 0 3 0 0 0.5",)),
    Case(op="Pad", constants={"p": ints(0, 0, 1, 2, 0, 0, 3, 0)}, inputs=("x", "p"),
         attributes={"mode": "reflect"}, lines=("PadV2 4 0 0 1 2 0 0 3 0 1 0.0",)),
    Case(op="Gather", constants={"i": ints(3, -4)}, inputs=("x", "i"), attributes={"axis": 1},
         lines=("Gather 1 0 1",)),
    Case(op="ArgMax", attributes={"axis": 1, "keepdims": 0},
         lines=("ArgMaxOrMin 1 1 1 0", "Squeeze 1 1")),
]  # fmt: skip

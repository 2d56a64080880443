"""ONNX ops that have the shapes of ONNX Runtime's own ops, for shape inference only.

The ops of com.microsoft have no inference in onnx's library. Most of those that quantisation tools
write have an ONNX op with the same rule for shapes; it takes their place while shapes are inferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import onnx


@dataclass(frozen=True, slots=True)
class _StandIn:
    """An op of ai.onnx, which inputs of the original it reads, and which attributes it keeps."""

    op_type: str
    inputs: tuple[int, ...] = (0,)
    keep: tuple[str, ...] = ()


_POOL = ("ceil_mode", "pads", "auto_pad", "strides", "kernel_shape", "count_include_pad")
_CONV = ("group", "pads", "strides", "dilations", "kernel_shape", "auto_pad")
_SAME = _StandIn("Identity")

_STAND_INS: Mapping[str, _StandIn] = {
    "BiasAdd": _SAME,
    "BiasGelu": _SAME,
    "BiasSoftmax": _SAME,
    "DequantizeLinear": _StandIn("DequantizeLinear", (0, 1, 2), ("axis",)),
    "DynamicQuantizeMatMul": _StandIn("MatMul", (0, 1)),
    "FastGelu": _SAME,
    "FusedConv": _StandIn("Conv", (0, 1, 2), _CONV),
    "FusedGemm": _StandIn("Gemm", (0, 1, 2), ("transA", "transB")),
    "Gelu": _SAME,
    "QGemm": _StandIn("Gemm", (0, 3), ("transA", "transB")),
    "QLinearAdd": _StandIn("Add", (0, 3)),
    "QLinearAveragePool": _StandIn("AveragePool", (0,), _POOL),
    "QLinearConcat": _StandIn("Concat", (), ("axis",)),
    "QLinearGlobalAveragePool": _StandIn("GlobalAveragePool"),
    "QLinearLeakyRelu": _SAME,
    "QLinearMul": _StandIn("Mul", (0, 3)),
    "QLinearSigmoid": _SAME,
    "QLinearSoftmax": _SAME,
    "QuantizeLinear": _StandIn("QuantizeLinear", (0, 1, 2), ("axis",)),
    "QuickGelu": _SAME,
    "SkipLayerNormalization": _SAME,
    "SkipSimplifiedLayerNormalization": _SAME,
}
"""Source of input positions and attributes: the operator schemas of onnxruntime 1.31.1."""

_UNINFERRED: Mapping[str, _StandIn] = {"GroupNormalization": _SAME}
"""Ops of ai.onnx for which onnx 1.23's library infers nothing."""

_TABLES = {"": _UNINFERRED, "com.microsoft": _STAND_INS}


def stand_in(node: onnx.NodeProto) -> onnx.NodeProto:
    """The node that inference shall see in place of `node`; itself where it has no stand-in."""
    found = _TABLES.get(node.domain, {}).get(node.op_type)
    if found is None or _is_unusual(node):
        return node
    made = onnx.NodeProto(op_type=found.op_type, name=node.name)
    chosen = found.inputs or range(2, len(node.input), 3)
    made.input.extend(node.input[index] for index in chosen if index < len(node.input))
    made.output.extend(node.output[:1])
    made.attribute.extend(entry for entry in node.attribute if entry.name in found.keep)
    return made


def _is_unusual(node: onnx.NodeProto) -> bool:
    """Layouts and types that the stand-in's rule isn't for: channels last, QGemm to float."""
    channels_last = any(entry.name == "channels_last" and entry.i for entry in node.attribute)
    return channels_last or (node.op_type == "QGemm" and len(node.input) < 8)

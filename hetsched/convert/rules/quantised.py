"""Quantised ops, which rules leave alone.

A rule would compute in float what the model computes in integers: between DequantizeLinear and
QuantizeLinear the new ops would be the float ones that integer-only units don't run, and the scales
are those of the old op.
"""

import onnx_ir as ir

_TO_FLOAT = frozenset({"DequantizeLinear"})
_TO_INTEGERS = frozenset({"QuantizeLinear", "DynamicQuantizeLinear"})
_MARKS = ("QLinear", "QGemm", "QAttention", "QMoE", "QEmbed", "DynamicQuantize")
_INTEGER = "Integer"


def is_quantised_type(op_type: str) -> bool:
    """Whether an op type quantises, dequantises or computes on quantised tensors."""
    if op_type in _TO_FLOAT or op_type in _TO_INTEGERS:
        return True
    return op_type.startswith(_MARKS) or _INTEGER in op_type


def reason(node: ir.Node) -> str | None:
    """Why an op is left alone as quantised, None where it isn't."""
    if is_quantised_type(node.op_type):
        return "a quantised op, which no rule knows: left alone"
    for value in node.inputs:
        maker = None if value is None else value.producer()
        if maker is not None and maker.op_type in _TO_FLOAT:
            return f"quantised: {maker.name!r} ({maker.op_type}) makes its input: left alone"
    for value in node.outputs:
        for reader in value.consumers():
            if reader.op_type in _TO_INTEGERS:
                return f"quantised: {reader.name!r} ({reader.op_type}) reads it: left alone"
    return None

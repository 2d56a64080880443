"""Recording the ops that replace another one, with their shapes."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import onnx
import onnx_ir as ir

Attribute: TypeAlias = int | float | str | Sequence[int] | Sequence[float]

_SMALL_BYTES = 1024
"""Constants of up to this size may be shapes or axes: inference must see their values."""


class Tape:
    """Makes nodes and constants that belong to no graph yet.

    Attributes:
        opset: version of ai.onnx that the nodes are for.
        nodes: in the order of computation.
        constants: stored values that the nodes read.
    """

    def __init__(self, opset: int, fresh: Callable[[str], str]) -> None:
        """Start with nothing recorded.

        Args:
            opset: version of ai.onnx.
            fresh: makes a name unique.
        """
        self.opset = opset
        self.nodes: list[ir.Node] = []
        self.constants: list[ir.Value] = []
        self._fresh = fresh

    def op(self, op_type: str, *inputs: ir.Value | None, **attributes: Attribute) -> ir.Value:
        """Record an op with one output."""
        return self.ops(op_type, inputs, 1, **attributes)[0]

    def ops(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        outputs: int,
        **attributes: Attribute,
    ) -> tuple[ir.Value, ...]:
        """Record an op; its outputs have the dtypes and shapes that onnx infers."""
        given = ir.convenience.convert_attributes(attributes)
        node = ir.Node("", op_type, inputs, given, num_outputs=outputs, name=self._fresh(op_type))
        for value in node.outputs:
            value.name = self._fresh(f"{op_type}_out")
        _infer(node, self.opset)
        self.nodes.append(node)
        return tuple(node.outputs)

    def constant(self, array: np.ndarray, like: ir.Value | None = None) -> ir.Value:
        """A stored value, in the dtype of `like` where given."""
        if like is not None and like.dtype is not None:
            array = np.asarray(array).astype(like.dtype.numpy())
        tensor = ir.tensor(np.ascontiguousarray(array).reshape(np.shape(array)))
        value = ir.Value(
            name=self._fresh("constant"),
            shape=ir.Shape(np.shape(array)),
            type=ir.TensorType(tensor.dtype),
            const_value=tensor,
        )
        self.constants.append(value)
        return value

    def number(self, number: float, like: ir.Value) -> ir.Value:
        """A stored scalar of the dtype of `like`."""
        return self.constant(np.asarray(number), like)

    def integers(self, *numbers: int) -> ir.Value:
        """A stored list of int64: a shape, axes."""
        return self.constant(np.asarray(numbers, np.int64))

    def reshape(self, value: ir.Value, shape: Sequence[int]) -> ir.Value:
        """The same elements in another shape."""
        return self.op("Reshape", value, self.integers(*shape))

    def clip(self, value: ir.Value, low: float | None, high: float | None) -> ir.Value:
        """Limits from below and above, in the form of the opset."""
        if self.opset < 11:  # limits are attributes
            limits = {"min": low, "max": high}
            return self.op("Clip", value, **{k: v for k, v in limits.items() if v is not None})
        bounds = [None if x is None else self.number(x, value) for x in (low, high)]
        return self.op("Clip", value, *(bounds if high is not None else bounds[:1]))

    def reduce(self, op_type: str, value: ir.Value, axes: Sequence[int]) -> ir.Value:
        """A reduction that keeps its dimensions, in the form of the opset."""
        since = 13 if op_type == "ReduceSum" else 18
        if self.opset < since:
            return self.op(op_type, value, axes=list(axes), keepdims=1)
        return self.op(op_type, value, self.integers(*axes), keepdims=1)

    def discard(self) -> None:
        """Forget the nodes: values no longer count them among their readers."""
        for node in self.nodes:
            detach(node)
        self.nodes.clear()


def inline(tensor: ir.TensorProtocol) -> onnx.TensorProto:
    """A stored value with its bytes, wherever it is kept."""
    if isinstance(tensor, ir.ExternalTensor):
        tensor = ir.tensor(tensor.numpy(), dtype=tensor.dtype)
    return ir.serde.serialize_tensor(tensor)


def detach(node: ir.Node) -> None:
    """Make a node read nothing, so that it no longer counts among its inputs' readers."""
    for index in range(len(node.inputs)):
        node.replace_input_with(index, None)


def _infer(node: ir.Node, opset: int) -> None:
    proto = ir.serde.serialize_node(node)
    types, data = {}, {}
    for value in node.inputs:
        if value is None or value.name is None:
            continue
        info = ir.serde.serialize_value(value)
        types[value.name] = info.type
        stored = value.const_value
        if stored is not None and stored.nbytes <= _SMALL_BYTES:
            data[value.name] = inline(stored)
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    imports = [onnx.helper.make_opsetid("", opset)]
    found = onnx.shape_inference.infer_node_outputs(
        schema, proto, types, data, opset_imports=imports
    )
    for value in node.outputs:
        if value.name in found:
            value.type = ir.serde.deserialize_type_proto_for_type(found[value.name])
            value.shape = ir.serde.deserialize_type_proto_for_shape(found[value.name])

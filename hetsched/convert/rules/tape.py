"""Recording the ops that replace another one, with their shapes."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import onnx
import onnx_ir as ir

Attribute: TypeAlias = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]

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
        given = [_attribute(name, value) for name, value in attributes.items()]
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
        tensor = ir.Tensor(np.ascontiguousarray(array).reshape(np.shape(array)))
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


def _attribute(name: str, value: Attribute) -> ir.Attr:
    """An attribute of the type that its value has.

    The library's own conversion does the same, twenty times slower, by looking at protocols.
    """
    if isinstance(value, str):
        return ir.AttrString(name, value)
    if isinstance(value, int | np.integer):
        return ir.AttrInt64(name, int(value))
    if isinstance(value, float | np.floating):
        return ir.AttrFloat32(name, float(value))
    if all(isinstance(item, int | np.integer) for item in value):
        return ir.AttrInt64s(name, [int(item) for item in value])
    if all(isinstance(item, str) for item in value):
        return ir.AttrStrings(name, [str(item) for item in value])
    return ir.AttrFloat32s(name, [float(item) for item in value])


def _infer(node: ir.Node, opset: int) -> None:
    proto = ir.serde.serialize_node(node)
    types, data = {}, {}
    for value in node.inputs:
        if value is None or value.name is None or value.name in types:
            continue
        types[value.name] = _type_proto(value)
        stored = value.const_value
        if stored is not None and stored.nbytes <= _SMALL_BYTES:
            data[value.name] = _tensor_proto(stored)
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    imports = [onnx.helper.make_opsetid("", opset)]
    found = onnx.shape_inference.infer_node_outputs(
        schema, proto, types, data, opset_imports=imports
    )
    for value in node.outputs:
        if value.name in found:
            value.type = ir.serde.deserialize_type_proto_for_type(found[value.name])
            value.shape = ir.serde.deserialize_type_proto_for_shape(found[value.name])


def _type_proto(value: ir.Value) -> onnx.TypeProto:
    if not isinstance(value.type, ir.TensorType):
        return ir.serde.serialize_value(value).type
    proto = onnx.TypeProto()
    kind = proto.tensor_type
    kind.elem_type = int(value.type.dtype)
    if value.shape is None:
        return proto
    kind.shape.SetInParent()
    for dim in value.shape:
        made = kind.shape.dim.add()
        if isinstance(dim, int):
            made.dim_value = dim
    return proto


def _tensor_proto(tensor: ir.TensorProtocol) -> onnx.TensorProto:
    array = tensor.numpy()
    if array.dtype.kind not in "biuf" or array.dtype.itemsize < 1:
        return inline(tensor)
    return onnx.TensorProto(
        dims=array.shape, data_type=int(tensor.dtype), raw_data=tensor.tobytes()
    )

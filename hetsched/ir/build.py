"""From the prepared ONNX graph to plain data (`Graph`)."""

from collections.abc import Iterable, Sequence

import numpy as np
import onnx_ir as ir

from hetsched.ir.bodies import bodies, free_values
from hetsched.ir.body_graph import prepared_copy
from hetsched.ir.dtypes import dtype_name
from hetsched.ir.graph import Attribute, Graph, Op, Scalar, Tensor
from hetsched.ir.shapes import INFERRED

MAX_VALUE_ELEMENTS = 1024
"""Constants of up to this many elements travel with the graph (contract of `Graph.values`)."""

_LISTS = (ir.AttributeType.INTS, ir.AttributeType.FLOATS, ir.AttributeType.STRINGS)
_SCALARS = (ir.AttributeType.INT, ir.AttributeType.FLOAT, ir.AttributeType.STRING)


def build_graph(model: ir.Model) -> Graph:
    """Describe a prepared model: topologically sorted, every op and value named uniquely."""
    return _graph(model.graph, model.opset_imports, ())


def describe_nodes(
    nodes: Sequence[ir.Node], outputs: Sequence[ir.Value], opsets: dict[str, int]
) -> Graph:
    """Describe nodes that belong to no graph yet; every value of theirs is named.

    Values with a stored value are constants, other values that no node makes are inputs.
    """
    made = {value: None for node in nodes for value in node.outputs}
    read = {value: None for node in nodes for value in node.inputs if value is not None}
    given = [value for value in read if value not in made]
    stored = {_name(value): value for value in given if value.const_value is not None}
    return Graph(
        ops=tuple(_op(node, opsets) for node in nodes),
        tensors={_name(value): _tensor(value) for value in (*given, *made) if value.name},
        inputs=tuple(_name(value) for value in given if value.name not in stored),
        outputs=tuple(_name(value) for value in outputs),
        constants=frozenset(stored),
        values={name: small for name, value in stored.items() if (small := _small(value))},
    )


def _graph(graph: ir.Graph, opsets: dict[str, int], outer: Sequence[ir.Value]) -> Graph:
    """A graph or a body; `outer` are the values that a body reads from outside of it."""
    stored = {_name(value): value for value in (*outer, *graph.initializers.values())}
    stored = {name: value for name, value in stored.items() if value.const_value is not None}
    values = [*graph.inputs, *outer, *graph.initializers.values()]
    values.extend(value for node in graph for value in node.outputs)
    return Graph(
        ops=tuple(_op(node, opsets) for node in graph),
        tensors={_name(value): _tensor(value) for value in values if value.name},
        inputs=tuple(_name(value) for value in graph.inputs if value.name not in stored),
        outputs=tuple(_name(value) for value in graph.outputs),
        constants=frozenset(stored),
        values={name: small for name, value in stored.items() if (small := _small(value))},
    )


def captures(node: ir.Node) -> tuple[str, ...]:
    """Names of the outer values that a node's bodies read, in order of first use."""
    found: dict[str, None] = {}
    for _, body in bodies(node):
        found.update(dict.fromkeys(_name(value) for value in free_values(body)))
    return tuple(found)


def _op(node: ir.Node, opsets: dict[str, int]) -> Op:
    return Op(
        name=node.name or "",
        op_type=node.op_type,
        domain=node.domain,
        opset=opsets.get(node.domain, 1),
        inputs=_names(node.inputs),
        outputs=_names(node.outputs),
        attributes={
            name: value
            for name, attribute in sorted(node.attributes.items())
            if (value := _attribute(attribute)) is not None
        },
        captures=captures(node),
        bodies={name: _body(body, opsets) for name, body in bodies(node)},
    )


def _body(body: ir.Graph, opsets: dict[str, int]) -> Graph:
    outer = list(dict.fromkeys(free_values(body)))
    copy = prepared_copy(body, outer, opsets)
    return _graph(body, opsets, outer) if copy is None else build_graph(copy)


def _names(values: Iterable[ir.Value | None]) -> tuple[str, ...]:
    return tuple("" if value is None else value.name or "" for value in values)


def _name(value: ir.Value) -> str:
    return value.name or ""


def _attribute(attribute: ir.Attr) -> Attribute | None:
    if attribute.type in _LISTS:
        return tuple(attribute.value)
    if attribute.type in _SCALARS:
        value: Attribute = attribute.value
        return value
    return None


def _tensor(value: ir.Value) -> Tensor:
    name = _name(value)
    if value.const_value is not None and value.is_initializer():
        stored = value.const_value
        shape = tuple(int(dim) for dim in stored.shape.numpy())
        return Tensor(name=name, dtype=dtype_name(stored.dtype), shape=shape)
    kind, dims = value.type, value.shape
    if kind is None and INFERRED in value.meta:
        kind = ir.serde.deserialize_type_proto_for_type(value.meta[INFERRED])
        dims = ir.serde.deserialize_type_proto_for_shape(value.meta[INFERRED])
    if not isinstance(kind, ir.TensorType):
        return Tensor(name=name, dtype=None, shape=None)
    return Tensor(name=name, dtype=dtype_name(kind.dtype), shape=static_dims(dims))


def static_dims(shape: ir.Shape | None) -> tuple[int | None, ...] | None:
    """Dimensions: None where one isn't a number of elements, None as a whole without a rank."""
    if shape is None:
        return None
    return tuple(dim if isinstance(dim, int) and dim >= 0 else None for dim in shape)


def _small(value: ir.Value) -> tuple[Scalar, ...]:
    stored = value.const_value
    if stored is None or not 0 < stored.size <= MAX_VALUE_ELEMENTS:
        return ()
    if stored.dtype == ir.DataType.STRING:
        return tuple(_text(item) for item in stored.numpy().reshape(-1).tolist())
    array = stored.numpy().reshape(-1)
    if array.dtype.kind in "biuf":
        return tuple(array.tolist())
    if array.dtype.kind == "c":
        return ()
    return tuple(array.astype(np.float32).tolist())


def _text(item: bytes | str) -> str:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else item

"""Shape inference by onnx's own library, over what the frozen inputs say."""

from collections.abc import Iterator, Mapping

import onnx
import onnx_ir as ir

from hetsched.ir.custom_shapes import infer_custom
from hetsched.ir.dtypes import dtype_name
from hetsched.ir.stand_ins import stand_in

INFERRED = "hetsched.inferred"
"""Key of the inferred type in a body value's notes (`meta`), which are never written to a file."""

_SMALL_BYTES = 1024
"""Constants of up to this size may be shapes or axes: inference must see their values."""


def forget_shapes(model: ir.Model) -> dict[str, ir.Shape]:
    """Forget what the file declares of values that ops make, in place.

    It may be stale once shapes are frozen (a symbolic batch, an output exported for another size),
    and some files declare what was never right, which ONNX Runtime only warns of. So inference and
    constant folding come first, and the declaration only fills what they leave open.

    Returns:
        The declared shapes by name, for `fill_shapes`.
    """
    declared = {}
    for node in model.graph:
        for value in node.outputs:
            if value.name and value.shape is not None and not value.is_initializer():
                declared[value.name] = value.shape
                value.shape = None
    return declared


def fill_shapes(model: ir.Model, declared: Mapping[str, ir.Shape]) -> bool:
    """Fill dimensions that are still open from the file's declarations; whether any was."""
    changed = False
    for node in model.graph:
        for value in node.outputs:
            shape = declared.get(value.name or "")
            if shape is None or not isinstance(value.type, ir.TensorType):
                continue
            merged = _merged(value.shape, shape)
            if merged is not None and merged != value.shape:
                value.shape = merged
                changed = True
    return changed


def run_inference(model: ir.Model) -> None:
    """The library's inference, in place; values that it can't infer stay open.

    Where registered custom ops get their shapes, it runs again for what follows them.
    """
    _run_once(model)
    while infer_custom(model.graph):
        _run_once(model)


def _run_once(model: ir.Model) -> None:
    inferred = onnx.shape_inference.infer_shapes(
        _without_weights(model), check_type=False, strict_mode=False, data_prop=True
    )
    _apply(model.graph, inferred.graph)


def _without_weights(model: ir.Model) -> onnx.ModelProto:
    """The model with its large constants turned into inputs, so that it stays small."""
    proto = onnx.ModelProto(ir_version=model.ir_version)
    for domain, version in model.opset_imports.items():
        proto.opset_import.add(domain=domain, version=version)
    graph = model.graph
    proto.graph.name = "graph"
    proto.graph.node.extend(stand_in(ir.serde.serialize_node(node)) for node in graph)
    proto.graph.input.extend(ir.serde.serialize_value(value) for value in graph.inputs)
    proto.graph.output.extend(ir.serde.serialize_value(value) for value in graph.outputs)
    for name, value in graph.initializers.items():
        stored = value.const_value
        if stored is None:
            continue
        if stored.nbytes <= _SMALL_BYTES:
            tensor = ir.serde.serialize_tensor(stored)
            tensor.name = name
            proto.graph.initializer.append(tensor)
        else:
            shape = [int(dim) for dim in stored.shape.numpy()]
            made = onnx.helper.make_tensor_value_info(name, int(stored.dtype), shape)
            proto.graph.input.append(made)
    outputs = {value.name for value in graph.outputs}
    proto.graph.value_info.extend(
        ir.serde.serialize_value(value)
        for node in graph
        for value in node.outputs
        if value.name and value.name not in outputs and value.type is not None
    )
    return proto


def _apply(graph: ir.Graph, inferred: onnx.GraphProto) -> None:
    """Take over types and shapes; in bodies only as a note, since bodies stay as the file has them.

    A declared shape in a body is not harmless: ONNX Runtime merges it with its own inference.
    """
    for value, proto in _found(graph, inferred):
        _take(value, proto)
    for body, body_proto in _body_pairs(graph, inferred):
        _note(body, body_proto)


def _note(body: ir.Graph, inferred: onnx.GraphProto) -> None:
    for value, proto in _found(body, inferred):
        value.meta[INFERRED] = proto
    for inner, inner_proto in _body_pairs(body, inferred):
        _note(inner, inner_proto)


def _found(graph: ir.Graph, inferred: onnx.GraphProto) -> Iterator[tuple[ir.Value, onnx.TypeProto]]:
    infos = (*inferred.value_info, *inferred.output)
    types = {info.name: info.type for info in infos if info.type.WhichOneof("value")}
    for node in graph:
        for value in node.outputs:
            if value.name in types:
                yield value, types[value.name]


def _body_pairs(
    graph: ir.Graph, inferred: onnx.GraphProto
) -> Iterator[tuple[ir.Graph, onnx.GraphProto]]:
    for node, proto in zip(graph, inferred.node, strict=True):
        found = {a.name: a.g for a in proto.attribute if a.HasField("g")}
        for name, attribute in node.attributes.items():
            if name in found and attribute.type == ir.AttributeType.GRAPH:
                yield attribute.as_graph(), found[name]


def _take(value: ir.Value, proto: onnx.TypeProto) -> None:
    if proto.HasField("tensor_type") and dtype_name(proto.tensor_type.elem_type) is None:
        return
    made = ir.serde.deserialize_type_proto_for_type(proto)
    if made is not None:
        value.type = made
        shape = ir.serde.deserialize_type_proto_for_shape(proto)
        value.shape = value.shape if shape is None else shape


def _merged(inferred: ir.Shape | None, declared: ir.Shape) -> ir.Shape | None:
    fixed = [dim if isinstance(dim, int) and dim >= 0 else None for dim in declared]
    if inferred is None:
        return ir.Shape(fixed)
    if len(inferred) != len(fixed):
        return None
    pairs = zip(inferred, fixed, strict=True)
    return ir.Shape([old if isinstance(old, int) else new for old, new in pairs])

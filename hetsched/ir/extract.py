"""Parts of a prepared model as ONNX files of their own."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import onnx
import onnx_ir as ir

from hetsched.errors import ModelError
from hetsched.ir.bodies import bodies
from hetsched.ir.graph import Graph
from hetsched.ir.hollow import HOLES_SUFFIX, make_holes
from hetsched.ir.model import Model
from hetsched.ir.wire import Weight, Where, placed, write_beside, write_model

EXTERNAL_FROM_BYTES = 2**30
"""Weights of this size and more go to a file beside the model: a protobuf ends at 2 GiB."""

INLINE_BELOW_BYTES = 1024
"""Smaller constants stay in the model: shape inference doesn't look into external ones."""


def part_inputs(graph: Graph, ops: Sequence[str]) -> tuple[str, ...]:
    """Tensors that some ops read from outside and that are no constants, in the graph's order.

    Raises:
        ModelError: naming an op that the graph doesn't have.
    """
    chosen = _chosen(graph, ops)
    made = {name for op in graph.ops if op.name in chosen for name in op.writes}
    read = {name for op in graph.ops if op.name in chosen for name in op.reads}
    wanted = read - made - graph.constants
    return tuple(name for name in graph.tensors if name in wanted)


def save_part(
    model: Model,
    ops: Sequence[str],
    outputs: Sequence[str],
    path: Path,
    *,
    external: bool = False,
    hollow: Collection[str] = (),
) -> None:
    """Write some ops of a model as an ONNX file.

    Its inputs are `part_inputs(model.graph, ops)`; only constants that the ops read go along. A
    constant may be an output too.

    Args:
        model: a loaded model.
        ops: names of ops, in any order.
        outputs: names of tensors that the ops make, in the order wanted.
        path: the file; weights that don't fit go to `<path>.data` beside it.
        external: put the weights into `<path>.data` whatever their size.
        hollow: constants whose values don't matter: zeros, all read from one file of holes beside
            the model.

    Raises:
        ModelError: naming an op or tensor that isn't there, or a file that can't be written.
    """
    graph = model.graph
    chosen = _chosen(graph, ops)
    made = {name for op in graph.ops if op.name in chosen for name in op.writes}
    for name in outputs:
        if name not in made and name not in graph.constants:
            raise ModelError(f"tensor {name!r} can't be an output: none of the part's ops makes it")
    nodes = [node for node in model.onnx().graph if node.name in chosen]
    read = {name for op in graph.ops if op.name in chosen for name in op.reads}
    constants = [name for name in graph.tensors if name in graph.constants & (read | set(outputs))]
    _save(
        model,
        nodes,
        part_inputs(graph, ops),
        outputs,
        constants,
        path,
        external=external,
        hollow=hollow,
    )


def save_whole(model: Model, path: Path, *, external: bool = False, typed: bool = False) -> None:
    """Write the whole prepared model, with its own inputs and outputs.

    Args:
        model: a loaded model.
        path: the file; weights that don't fit go to `<path>.data` beside it.
        external: put the weights into `<path>.data` whatever their size.
        typed: write the dtypes and shapes of all values too: it can be read back as it is.

    Raises:
        ModelError: when the file can't be written.
    """
    graph = model.graph
    constants = [name for name in graph.tensors if name in graph.constants]
    nodes = list(model.onnx().graph)
    _save(
        model, nodes, graph.inputs, graph.outputs, constants, path, external=external, typed=typed
    )


def _chosen(graph: Graph, ops: Iterable[str]) -> set[str]:
    chosen = set(ops)
    unknown = sorted(chosen - graph.op.keys())
    if unknown:
        raise ModelError(f"the model has no op {unknown[0]!r}")
    return chosen


def _save(
    model: Model,
    nodes: Sequence[ir.Node],
    inputs: Sequence[str],
    outputs: Sequence[str],
    constants: Sequence[str],
    path: Path,
    *,
    external: bool,
    typed: bool = False,
    hollow: Collection[str] = (),
) -> None:
    if path.resolve() == model.path.resolve():
        raise ModelError(f"{path} is the model itself, whose weights are still needed")
    source = model.onnx()
    values = _values(source.graph)
    stored = [(name, source.graph.initializers[name].const_value) for name in constants]
    tensors = [(name, tensor) for name, tensor in stored if tensor is not None]
    proto = onnx.ModelProto(ir_version=source.ir_version, producer_name="hetsched")
    domains = _domains(nodes)
    for domain, version in source.opset_imports.items():
        if domain in domains:
            proto.opset_import.add(domain=domain, version=version)
    proto.graph.name = source.graph.name or "graph"
    proto.graph.node.extend(ir.serde.serialize_node(node) for node in nodes)
    has_bodies = any(True for node in nodes for _ in bodies(node))
    proto.graph.input.extend(_input(values[name], shaped=not has_bodies) for name in inputs)
    proto.graph.output.extend(ir.serde.serialize_value(values[name]) for name in outputs)
    if typed:
        proto.graph.value_info.extend(
            ir.serde.serialize_value(value)
            for node in nodes
            for value in node.outputs
            if value.name and value.name not in outputs and value.type is not None
        )
    weights, holes = [], []
    for name, tensor in tensors:
        if name in hollow and tensor.nbytes >= INLINE_BELOW_BYTES:
            holes.append(tensor.nbytes)
            proto.graph.initializer.append(_hole(path, name, tensor))
        elif tensor.dtype == ir.DataType.STRING or tensor.nbytes < INLINE_BELOW_BYTES:
            proto.graph.initializer.append(_inline(name, tensor))
        else:
            weights.append(_weight(name, tensor))
    try:
        if external or sum(weight.nbytes for weight in weights) >= EXTERNAL_FROM_BYTES:
            beside = path.with_name(path.name + ".data")
            proto.graph.initializer.extend(write_beside(beside, weights))
            weights = []
        if holes:
            make_holes(path.with_name(path.name + HOLES_SUFFIX), max(holes))
        write_model(path, proto, weights)
    except OSError as error:
        raise ModelError(f"can't write {path}: {error.strerror or error}") from error


def _input(value: ir.Value, *, shaped: bool) -> onnx.ValueInfoProto:
    """An input, without its shape where an If may have a branch for inputs of another shape.

    Such a branch never runs, but ONNX Runtime infers shapes in it and would refuse the part.
    """
    proto: onnx.ValueInfoProto = ir.serde.serialize_value(value)
    if not shaped and proto.type.HasField("tensor_type"):
        proto.type.tensor_type.ClearField("shape")
    return proto


def _values(graph: ir.Graph) -> dict[str, ir.Value]:
    values = [*graph.inputs, *graph.initializers.values()]
    values.extend(value for node in graph for value in node.outputs)
    return {value.name: value for value in values if value.name}


def _domains(nodes: Iterable[ir.Node]) -> set[str]:
    found = {""}
    for node in nodes:
        found.add(node.domain)
        for _, body in bodies(node):
            found |= _domains(body)
    return found


def _described(name: str, tensor: ir.TensorProtocol) -> onnx.TensorProto:
    proto = onnx.TensorProto(name=name, data_type=int(tensor.dtype))
    proto.dims.extend(int(dim) for dim in tensor.shape.numpy())
    return proto


def _inline(name: str, tensor: ir.TensorProtocol) -> onnx.TensorProto:
    proto = _described(name, tensor)
    if tensor.dtype == ir.DataType.STRING:
        proto.string_data.extend(tensor.string_data())  # type: ignore[attr-defined]  # text has it
    else:
        proto.raw_data = tensor.tobytes()
    return proto


def _hole(path: Path, name: str, tensor: ir.TensorProtocol) -> onnx.TensorProto:
    beside = path.name + HOLES_SUFFIX
    where: Where = {"location": beside, "offset": 0, "length": tensor.nbytes}
    return placed(_described(name, tensor), where)


def _weight(name: str, tensor: ir.TensorProtocol) -> Weight:
    def write(file: BinaryIO) -> None:
        to_file = getattr(tensor, "tofile", None)
        if to_file is None:
            file.write(tensor.tobytes())
        else:
            to_file(file)

    return Weight(_described(name, tensor), tensor.nbytes, write)

"""ONNX files taken apart by node, without looking at their weights.

This is for files that a runtime has optimised: their nodes may be of domains that ONNX doesn't
know, their values may have no declared type. Parts of a loaded `Model` are made by
`hetsched.ir.extract`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hetsched.errors import ModelError

if TYPE_CHECKING:
    import onnx  # heavy: a stage that was compiled before is loaded without it

IDENTITY_OPSET = 23
IDENTITY_IR_VERSION = 10
_OPTIONAL = "optional("
_SEQUENCE = "seq("
_TENSOR = "tensor("


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a file.

    Attributes:
        name: as in the file, `""` where it has none.
        op_type: as in the file.
        domain: as in the file.
        inputs: names, `""` for an omitted one.
        outputs: names, `""` for an unused one.
        reads: every outer value it needs, the captures of its bodies included, each once.
    """

    name: str
    op_type: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of a part.

    Attributes:
        name: of the value.
        kind: its type in ONNX Runtime's words (`tensor(float)`), None to leave it open.
        shape: None to leave it open.
    """

    name: str
    kind: str | None = None
    shape: tuple[int | None, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class NodeFile:
    """An ONNX file, read without its external weights.

    Attributes:
        nodes: in the file's order.
        inputs: names of the graph's inputs that aren't initializers.
        outputs: names of the graph's outputs.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    _proto: "onnx.ModelProto" = field(repr=False)

    @cached_property
    def initializers(self) -> frozenset[str]:
        """Names of the stored values."""
        graph = self._proto.graph
        dense = (tensor.name for tensor in graph.initializer)
        return frozenset([*dense, *(sparse.values.name for sparse in graph.sparse_initializer)])

    @cached_property
    def _dims(self) -> Mapping[str, tuple[int, ...]]:
        return {tensor.name: tuple(tensor.dims) for tensor in self._proto.graph.initializer}

    def dims(self, name: str) -> tuple[int, ...] | None:
        """Shape of a dense stored value, None of any other."""
        return self._dims.get(name)

    def number(self, node: int, attribute: str) -> int:
        """An integer attribute of a node, 0 where it has none of that name."""
        found = self._proto.graph.node[node].attribute
        return next((int(entry.i) for entry in found if entry.name == attribute), 0)

    @cached_property
    def has_bodies(self) -> bool:
        """Whether some node is an If, Loop or Scan."""
        import onnx

        kinds = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
        return any(
            entry.type in kinds for node in self._proto.graph.node for entry in node.attribute
        )

    def save_part(
        self,
        nodes: Iterable[int],
        inputs: Sequence[Port],
        outputs: Sequence[Port],
        path: Path,
        copied: Sequence[str] = (),
    ) -> None:
        """Write some nodes as a file of their own, with only the initializers that they read.

        External weights stay where they are: `path` must be in the folder of the file read.

        Args:
            nodes: indices into `nodes`.
            inputs: what comes from outside; a type is required.
            outputs: what is made, or an initializer.
            path: the file.
            copied: inputs that an Identity copies first: outside they are called by
                `fed_name`, and those nodes are the file's first.

        Raises:
            ModelError: when the file can't be written.
        """
        import onnx

        chosen = sorted(nodes)
        source = self._proto
        part = onnx.ModelProto(ir_version=source.ir_version, producer_name="hetsched")
        part.opset_import.extend(source.opset_import)
        part.functions.extend(source.functions)
        part.graph.name = source.graph.name or "graph"
        part.graph.node.extend(
            onnx.helper.make_node("Identity", [fed_name(name)], [name]) for name in copied
        )
        part.graph.node.extend(source.graph.node[index] for index in chosen)
        part.graph.input.extend(
            _value_info(replace(port, name=fed_name(port.name)) if port.name in copied else port)
            for port in inputs
        )
        part.graph.output.extend(_value_info(port) for port in outputs)
        needed = {name for index in chosen for name in self.nodes[index].reads}
        needed.update(port.name for port in outputs)
        graph = source.graph
        part.graph.initializer.extend(t for t in graph.initializer if t.name in needed)
        part.graph.sparse_initializer.extend(
            sparse for sparse in graph.sparse_initializer if sparse.values.name in needed
        )
        try:
            path.write_bytes(part.SerializeToString())
        except OSError as error:
            raise ModelError(f"can't write {path}: {error.strerror or error}") from error


def read_nodes(path: Path) -> NodeFile:
    """Read an ONNX file's nodes; external weights stay on disk.

    Raises:
        ModelError: when the file can't be read or isn't ONNX.
    """
    import onnx
    from google.protobuf.message import DecodeError

    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror or error}") from error
    except DecodeError as error:
        raise ModelError(f"{path} is no ONNX model: {error}") from error
    graph = proto.graph
    stored = {tensor.name for tensor in graph.initializer}
    return NodeFile(
        nodes=tuple(_node(node) for node in graph.node),
        inputs=tuple(value.name for value in graph.input if value.name not in stored),
        outputs=tuple(value.name for value in graph.output),
        _proto=proto,
    )


def fed_name(name: str) -> str:
    """What a copied input of a part is called outside."""
    return f"{name}:fed"


def identity_model(kind: str) -> bytes:
    """A model of one Identity node from `x` to `y`, both of a type such as `seq(tensor(float))`.

    Raises:
        ModelError: when the type isn't known.
    """
    import onnx

    opset = onnx.helper.make_opsetid("", IDENTITY_OPSET)
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    ports = [_value_info(Port(name=name, kind=kind)) for name in ("x", "y")]
    graph = onnx.helper.make_graph([node], "identity", ports[:1], ports[1:])
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=IDENTITY_IR_VERSION)
    return bytes(model.SerializeToString())


def _node(node: "onnx.NodeProto") -> Node:
    return Node(
        name=node.name,
        op_type=node.op_type,
        domain=node.domain,
        inputs=tuple(node.input),
        outputs=tuple(node.output),
        reads=tuple(dict.fromkeys(_reads(node))),
    )


def _reads(node: "onnx.NodeProto") -> Iterable[str]:
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            yield from _free(body)


def _free(body: "onnx.GraphProto") -> Iterable[str]:
    own = {value.name for value in body.input} | {tensor.name for tensor in body.initializer}
    own.update(sparse.values.name for sparse in body.sparse_initializer)
    own.update(name for node in body.node for name in node.output)
    read = [name for node in body.node for name in _reads(node)]
    read.extend(value.name for value in body.output)
    return [name for name in read if name not in own]


def _value_info(port: Port) -> "onnx.ValueInfoProto":
    import onnx

    info = onnx.ValueInfoProto(name=port.name)
    if port.kind is not None:
        info.type.CopyFrom(_type(port.kind, port.shape))
    return info


def _type(kind: str, shape: tuple[int | None, ...] | None) -> "onnx.TypeProto":
    import onnx

    made = onnx.TypeProto()
    inner = kind[:-1]
    if kind.startswith(_OPTIONAL):
        made.optional_type.elem_type.CopyFrom(_type(inner.removeprefix(_OPTIONAL), shape))
    elif kind.startswith(_SEQUENCE):
        made.sequence_type.elem_type.CopyFrom(_type(inner.removeprefix(_SEQUENCE), None))
    elif kind.startswith(_TENSOR):
        made.tensor_type.elem_type = _element(inner.removeprefix(_TENSOR))
        if shape is not None:
            for dim in shape:
                made.tensor_type.shape.dim.add(**({} if dim is None else {"dim_value": dim}))
            made.tensor_type.shape.SetInParent()
    else:
        raise ModelError(f"{kind!r} is no type of tensors, sequences or optionals")
    return made


def _element(name: str) -> int:
    import onnx

    try:
        return int(onnx.TensorProto.DataType.Value(name.upper()))
    except ValueError as error:
        raise ModelError(f"dtype {name!r} isn't one of ONNX") from error

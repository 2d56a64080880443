"""Running a piece of a graph before and after its rewrite, each as a model of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir

from hetsched.convert.certify import Certificate, compare, input_sets
from hetsched.convert.rules.rule import Exactness, static_shape
from hetsched.convert.rules.tape import inline
from hetsched.errors import BackendError, ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some nodes between values.

    Attributes:
        nodes: in the order of computation.
        inputs: what they read and don't make, but for stored values.
        outputs: what they make; an input where it is just handed on.
    """

    nodes: Sequence[ir.Node]
    inputs: Sequence[ir.Value]
    outputs: Sequence[ir.Value]


def piece_before(node: ir.Node, boundary: Sequence[ir.Value], outputs: Sequence[ir.Value]) -> Piece:
    """What a rewrite of `node` replaces: everything from the boundary to the node."""
    found: dict[ir.Node, None] = {}

    def visit(one: ir.Node) -> None:
        for value in one.inputs:
            maker = None if value is None or value in boundary else value.producer()
            if maker is not None and maker not in found and one is not maker:
                visit(maker)
        found[one] = None

    visit(node)
    return Piece(nodes=list(found), inputs=boundary, outputs=outputs)


def boundary(
    node: ir.Node, new_nodes: Sequence[ir.Node], outputs: Sequence[ir.Value]
) -> list[ir.Value]:
    """Values made at run time that the replacement, or else the op, reads from outside."""
    made = {value for one in new_nodes for value in one.outputs}
    read = [value for one in new_nodes for value in one.inputs if value is not None]
    read += [value for value in outputs if value not in made]
    if not new_nodes:
        read += [value for value in node.inputs if value is not None]
    outside = (v for v in read if v not in made and v.const_value is None)
    return list(dict.fromkeys(outside))


class Trials:
    """Certifies rewrites; each different one is run once."""

    def __init__(self, opset: int, ir_version: int) -> None:
        """Start without any.

        Args:
            opset: version of ai.onnx.
            ir_version: of the model.
        """
        self._opset = opset
        self._ir_version = ir_version
        self._known: dict[tuple[bytes, bytes, Exactness], Certificate] = {}

    def certify(
        self,
        before: Piece,
        after: Piece,
        exactness: Exactness,
        data: Sequence[Sequence[np.ndarray]] = (),
    ) -> Certificate:
        """Run both on the same seeded inputs, and on data, and compare.

        Args:
            before: what is replaced.
            after: by what.
            exactness: of the rule.
            data: what the inputs were in a few runs on calibration data.

        Raises:
            ModelError: naming an input whose shape isn't known, or that no data can be made up for.
            BackendError: when one of them can't be run.
        """
        pair = (self._serialized(before), self._serialized(after))
        key = (*pair, exactness)
        if key not in self._known:
            kinds = {f"i{index}": _kind(value) for index, value in enumerate(before.inputs)}
            self._known[key] = _run(pair, input_sets(kinds, exactness), exactness)
        if not data:
            return self._known[key]
        sets = ({f"i{index}": array for index, array in enumerate(row)} for row in data)
        return self._known[key].with_data(_run(pair, sets, exactness))

    def _serialized(self, piece: Piece) -> bytes:
        """The piece as a model with names that depend on its structure alone."""
        names = {value: f"i{index}" for index, value in enumerate(piece.inputs)}
        graph = onnx.GraphProto(name="piece")
        for node in piece.nodes:
            proto = ir.serde.serialize_node(node)
            self._rename(proto, node, names, graph)
            graph.node.append(proto)
        for value in piece.inputs:
            graph.input.append(_info(value, names[value]))
        for index, value in enumerate(piece.outputs):
            graph.node.add(op_type="Identity", input=[names[value]], output=[f"o{index}"])
            graph.output.append(onnx.ValueInfoProto(name=f"o{index}"))
        imports = [onnx.helper.make_opsetid("", self._opset)]
        proto = onnx.helper.make_model(graph, opset_imports=imports, ir_version=self._ir_version)
        data: bytes = proto.SerializeToString(deterministic=True)
        return data

    def _rename(
        self,
        proto: onnx.NodeProto,
        node: ir.Node,
        names: dict[ir.Value, str],
        graph: onnx.GraphProto,
    ) -> None:
        proto.name = ""
        for index, value in enumerate(node.inputs):
            if value is None:
                continue
            if value not in names:
                names[value] = f"c{len(names)}"
                if value.const_value is not None:
                    tensor = inline(value.const_value)
                    tensor.name = names[value]
                    graph.initializer.append(tensor)
            proto.input[index] = names[value]
        for index, value in enumerate(node.outputs):
            if value.name:
                names[value] = f"v{len(names)}"
                proto.output[index] = names[value]


def _run(
    pair: tuple[bytes, bytes], sets: Iterable[dict[str, np.ndarray]], exactness: Exactness
) -> Certificate:
    from hetsched.backends.ort.session import ORT_ERRORS, make_session, reason  # heavy

    first, second = (make_session(proto, threads=1, optimize=False) for proto in pair)
    try:
        runs = [(first.run(None, one), second.run(None, one)) for one in sets]
    except ORT_ERRORS as error:
        raise BackendError(reason(error)) from error
    return compare(runs, exactness)


def _kind(value: ir.Value) -> tuple[tuple[int, ...], np.dtype]:
    shape = static_shape(value)
    if shape is None or value.dtype is None:
        raise ModelError(f"the shape of {value.name!r} isn't known")
    dtype = np.dtype(value.dtype.numpy())
    if dtype.kind not in "biuf":
        raise ModelError(f"no data can be made up for {value.name!r} of {value.dtype}")
    return shape, dtype


def _info(value: ir.Value, name: str) -> onnx.ValueInfoProto:
    shape, _ = _kind(value)
    assert value.dtype is not None
    return onnx.helper.make_tensor_value_info(name, int(value.dtype), list(shape))

"""What the body of an If, Loop or Scan will compute, once the shapes around it are known.

A body runs as the file has it. Exporters fill bodies with shape arithmetic, and with Ifs on shapes
whose other branch could not even be inferred; so a body is described from a prepared copy.
"""

from collections.abc import Mapping, Sequence

import onnx
import onnx_ir as ir

from hetsched.ir.quiet import LIBRARY_ERRORS, quiet
from hetsched.ir.steps import prepare


def prepared_copy(
    body: ir.Graph, outer: Sequence[ir.Value], opsets: Mapping[str, int]
) -> ir.Model | None:
    """A body as a prepared model of its own; None where the libraries can't prepare it.

    Args:
        body: the body; it isn't changed.
        outer: values that it reads from outside, each once.
        opsets: versions by domain.
    """
    try:
        with quiet():
            model = ir.serde.deserialize_model(_standalone(body, outer, opsets))
            prepare(model, keep_ifs=False)
    except LIBRARY_ERRORS:
        return None
    return model


def _standalone(
    body: ir.Graph, outer: Sequence[ir.Value], opsets: Mapping[str, int]
) -> onnx.ModelProto:
    proto = onnx.ModelProto(ir_version=onnx.IR_VERSION)
    for domain, version in opsets.items():
        proto.opset_import.add(domain=domain, version=version)
    graph = proto.graph
    graph.name = "body"
    graph.node.extend(ir.serde.serialize_node(node) for node in body)
    graph.output.extend(ir.serde.serialize_value(value) for value in body.outputs)
    for value in (*body.inputs, *outer, *body.initializers.values()):
        if value.const_value is None:
            graph.input.append(ir.serde.serialize_value(value))
        else:
            tensor = ir.serde.serialize_tensor(value.const_value)
            tensor.name = value.name or ""
            graph.initializer.append(tensor)
    return proto

"""Is a model file sound? Versions, ops and names, before anything is built from it."""

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import onnx

from hetsched.errors import ModelError
from hetsched.ir.contrib import CONTRIB_OPS
from hetsched.ir.custom import custom_op
from hetsched.ir.limits import (
    LEGACY_OPS,
    RUNTIME_DOMAINS,
    newest_ir_version,
    newest_opset,
    normal_domain,
    runtime_is_covered,
)

_MANY = 1000


def check_model(proto: onnx.ModelProto, path: Path) -> None:
    """Check versions, that every op is known, and that the graph is acyclic and complete.

    Raises:
        ModelError: naming the file, the op or tensor, and what would be accepted.
    """
    if proto.ir_version > newest_ir_version():
        raise ModelError(
            f"{path} is of ONNX IR version {proto.ir_version}; "
            f"versions up to {newest_ir_version()} can be read: export it with an older one"
        )
    opsets = _opsets(proto, path)
    functions = {(normal_domain(f.domain), f.name) for f in proto.functions}
    for function in proto.functions:
        own = {normal_domain(entry.domain): entry.version for entry in function.opset_import}
        for node in _all_nodes(function.node):
            _check_op(node, {**opsets, **own}, functions, path)
    for node in _all_nodes(proto.graph.node):
        _check_op(node, opsets, functions, path)
    _check_names(proto.graph, frozenset(), path)


def _opsets(proto: onnx.ModelProto, path: Path) -> dict[str, int]:
    opsets = {normal_domain(entry.domain): entry.version for entry in proto.opset_import}
    for domain, asked in opsets.items():
        newest = newest_opset(domain)
        if asked < 1 or (newest is not None and asked > newest):
            raise ModelError(
                f"{path} needs opset {asked} of {domain or 'ai.onnx'}; 1 to {newest} can be read: "
                f"export it with an older opset"
            )
    return opsets


def _all_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for body in _bodies(node):
            yield from _all_nodes(body.node)


def _bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _check_op(
    node: onnx.NodeProto, opsets: dict[str, int], functions: set[tuple[str, str]], path: Path
) -> None:
    domain = normal_domain(node.domain)
    if (domain, node.op_type) in functions:
        return
    what = f"op {node.op_type!r} (node {describe(node)}) of {path}"
    if domain in RUNTIME_DOMAINS:
        if domain == "com.microsoft" and runtime_is_covered() and node.op_type not in CONTRIB_OPS:
            raise ModelError(f"{what} is none of ONNX Runtime's ops in com.microsoft")
        return
    if domain not in ("", "ai.onnx.ml"):
        _check_custom(node, domain, opsets, what)
        return
    if domain not in opsets:
        raise ModelError(f"{what} is of a domain that the model imports no opset for")
    if domain == "" and node.op_type in LEGACY_OPS:
        return
    _check_schema(node, domain, opsets[domain], what)


def _check_custom(node: onnx.NodeProto, domain: str, opsets: dict[str, int], what: str) -> None:
    op = custom_op(domain, node.op_type)
    if op is None:
        raise ModelError(
            f"{what} is a custom op of domain {domain!r} that isn't registered: "
            f"hetsched.ir.custom.register in Python, or hetsched --ops FILE.py, makes it known"
        )
    if opsets.get(domain, 1) > op.version:
        raise ModelError(
            f"{what} is of version {opsets[domain]} of {domain}: it is registered for {op.version}"
        )


def _check_schema(node: onnx.NodeProto, domain: str, opset: int, what: str) -> None:
    name = domain or "ai.onnx"
    if not onnx.defs.has(node.op_type, domain):
        raise ModelError(f"{what} isn't an op of {name}")
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, domain)
    except onnx.defs.SchemaError:
        since = onnx.defs.get_schema(node.op_type, domain).since_version
        raise ModelError(f"{what} isn't in opset {opset} of {name}: it came with {since}") from None
    if schema.deprecated:
        raise ModelError(f"{what} was taken out of {name} in opset {schema.since_version}")
    _check_signature(node, schema, what)


def _check_signature(node: onnx.NodeProto, schema: onnx.defs.OpSchema, what: str) -> None:
    for kind, found, least, most in (
        ("inputs", len(node.input), schema.min_input, schema.max_input),
        ("outputs", len(node.output), schema.min_output, schema.max_output),
    ):
        if not least <= found <= most:
            raise ModelError(f"{what} has {found} {kind}; {_range(least, most)} are accepted")
    known = schema.attributes
    given = {attribute.name for attribute in node.attribute}
    unknown = sorted(given - known.keys())
    if unknown:
        raise ModelError(
            f"{what} has no attribute {unknown[0]!r}: it has {', '.join(sorted(known)) or 'none'}"
        )
    missing = sorted(name for name in known.keys() - given if known[name].required)
    if missing:
        raise ModelError(f"{what} lacks its attribute {missing[0]!r}")


def _range(least: int, most: int) -> str:
    if least == most:
        return str(least)
    return f"{least} or more" if most > _MANY else f"{least} to {most}"


def describe(node: onnx.NodeProto) -> str:
    """The node's name, or else what it makes."""
    return repr(node.name) if node.name else f"that makes {', '.join(map(repr, node.output))}"


def _check_names(graph: onnx.GraphProto, outer: frozenset[str], path: Path) -> None:
    """Every tensor is made once, before it is read; a body may read what is outside of it."""
    given = {value.name for value in graph.input} | {t.name for t in graph.initializer}
    given |= {t.values.name for t in graph.sparse_initializer}
    maker: dict[str, int] = {}
    for index, node in enumerate(graph.node):
        for name in filter(None, node.output):
            if name in maker or name in given:
                raise ModelError(f"tensor {name!r} of {path} is made twice, by {describe(node)}")
            maker[name] = index
    known = outer | given | maker.keys()
    for node in graph.node:
        for name in filter(None, node.input):
            if name not in known:
                raise ModelError(
                    f"node {describe(node)} of {path} reads {name!r}, which nobody makes"
                )
        for body in _bodies(node):
            _check_names(body, frozenset(known), path)
    for output in graph.output:
        if output.name not in known:
            raise ModelError(f"output {output.name!r} of {path} is made by nobody")
    _check_order(graph, maker, path)


def _check_order(graph: onnx.GraphProto, maker: dict[str, int], path: Path) -> None:
    before = {
        index: {maker[name] for name in _reads(node) if name in maker}
        for index, node in enumerate(graph.node)
    }
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        cycle = " -> ".join(describe(graph.node[index]) for index in error.args[1][:6])
        raise ModelError(f"{path} has a cycle: {cycle}") from None


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for body in _bodies(node):
        for inner in _all_nodes(body.node):
            yield from inner.input
        yield from (value.name for value in body.output)

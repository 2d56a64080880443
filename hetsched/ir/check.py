"""Is a model file sound? Versions, ops and types, before anything is built from it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx

from hetsched.errors import ModelError
from hetsched.ir.check_names import bodies_of, check_names, describe
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
    _check_types(proto.graph, path)
    check_names(proto.graph, path)


def _check_types(graph: onnx.GraphProto, path: Path) -> None:
    for what, values in (("input", graph.input), ("output", graph.output)):
        for value in values:
            if _has_map(value.type):
                raise ModelError(
                    f"{what} {value.name!r} of {path} is or holds a map: tensors, sequences and "
                    f"optionals are accepted; scikit-learn's exporters leave the map (ZipMap) out "
                    f"with zipmap=False"
                )
            if value.type.WhichOneof("value") == "sparse_tensor_type":
                raise ModelError(
                    f"{what} {value.name!r} of {path} is a sparse tensor: dense ones are accepted"
                )


def _has_map(kind: onnx.TypeProto) -> bool:
    which = kind.WhichOneof("value")
    if which in ("sequence_type", "optional_type"):
        return _has_map(getattr(kind, which).elem_type)
    return bool(which == "map_type")


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
        for body in bodies_of(node):
            yield from _all_nodes(body.node)


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

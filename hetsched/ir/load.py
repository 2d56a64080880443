"""Loading a model: from `zoo:NAME` or an ONNX file to a `Model`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx_ir as ir
import onnx_ir.passes.common as passes

from hetsched.errors import ModelError
from hetsched.ir.build import build_graph
from hetsched.ir.digest import file_sha256, prepared_sha256
from hetsched.ir.freeze import freeze
from hetsched.ir.model import Model
from hetsched.ir.names import name_everything
from hetsched.ir.quiet import LIBRARY_ERRORS, one_line, quiet
from hetsched.ir.read import read
from hetsched.ir.shapes import infer_shapes, run_inference
from hetsched.ir.simplify import inline_functions, lift_constants, simplify

ZOO = "zoo:"


def load(source: str | Path, *, shapes: Mapping[str, Sequence[int]] | None = None) -> Model:
    """Load an ONNX model, freeze its input shapes and simplify it.

    Args:
        source: a path, or `zoo:NAME`.
        shapes: a shape per input; needed for inputs with symbolic dimensions. Zoo models have
            defaults.

    Raises:
        ModelError: when the file can't be used: what is wrong and what would be accepted.
        ZooError: when the zoo has no such model, or it can't be fetched.
    """
    ref = str(source)
    name, path, known = _resolve(ref)
    model = read(path)
    passes.RemoveInitializersFromInputsPass()(model)
    frozen = freeze(model, {**known, **(shapes or {})})
    try:
        with quiet():
            prepare(model)
        graph = build_graph(model)
        prepared = prepared_sha256(model, graph)
    except LIBRARY_ERRORS as error:
        raise ModelError(f"{path} can't be prepared: {one_line(error)}") from error
    return Model(
        name=name,
        ref=ref,
        sha256=file_sha256(path, model),
        shapes=frozen,
        graph=graph,
        prepared_sha256=prepared,
        path=path,
        onnx=model,
    )


def prepare(model: ir.Model) -> None:
    """Infer shapes, simplify, sort and name, in place."""
    inline_functions(model)
    passes.TopologicalSortPass()(model)
    name_everything(model)
    lift_constants(model)
    infer_shapes(model)
    simplify(model)
    run_inference(model)
    name_everything(model)


def _resolve(ref: str) -> tuple[str, Path, dict[str, tuple[int, ...]]]:
    if not ref.startswith(ZOO):
        return Path(ref).stem, Path(ref), {}
    from hetsched.zoo.catalog import entry
    from hetsched.zoo.fetch import fetch

    name = ref.removeprefix(ZOO)
    return name, fetch(name), dict(entry(name).shapes)

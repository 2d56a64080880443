"""Doing to a model once more what was done to it before: no search, no certificates."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hetsched.convert.edit import Editor
from hetsched.convert.repair import Step
from hetsched.ir.build import build_graph
from hetsched.ir.digest import prepared_sha256
from hetsched.ir.model import Model


def repeat(model: Model, rewrites: Iterable[tuple[str, Sequence[Step]]]) -> Model:
    """Rewrite a model as a search found it, in the same order; the model itself stays as it is.

    Whether the result is what the search had, its digest tells.

    Args:
        model: as it was loaded.
        rewrites: op names, each with the steps of its replacement.

    Raises:
        ModelError: naming an op or rule that isn't there, or a rule that doesn't apply.
    """
    onnx = model.onnx().clone()
    editor = Editor(onnx)
    for name, steps in rewrites:
        editor.repeat(name, steps)
    editor.finish()
    graph = build_graph(onnx)
    return replace(
        model, graph=graph, prepared_sha256=prepared_sha256(onnx, graph), onnx=lambda: onnx
    )

"""Values inside a model, by running it in ONNX Runtime."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hetsched.convert.refit_data import Samples
from hetsched.errors import BackendError, ModelError
from hetsched.ir.extract import save_part
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model


def tensor_values(
    model: Model, tensors: Sequence[str], data: Samples
) -> Iterator[list[np.ndarray]]:
    """Tensors' values, run by run; only the ops that they need are run.

    Raises:
        ModelError: when ONNX Runtime can't run the model up to there.
    """
    from hetsched.backends.ort.session import ORT_ERRORS, make_session, reason  # heavy

    graph = model.graph
    if tensors[0] in graph.inputs:
        yield from ([one[tensors[0]]] for one in data)
        return
    with tempfile.TemporaryDirectory(prefix="hetsched-") as folder:
        path = Path(folder) / "part.onnx"
        save_part(model, _needed(graph, tensors), tensors, path)
        try:
            session = make_session(path, threads=1, optimize=True)
        except BackendError as error:
            raise ModelError(f"{model.name} can't be run: {error}") from error
    names = [given.name for given in session.get_inputs()]
    for one in data:
        try:
            yield session.run(list(tensors), {name: one[name] for name in names})
        except ORT_ERRORS as error:
            raise ModelError(f"{model.name} can't be run: {reason(error)}") from error


def _needed(graph: Graph, tensors: Sequence[str]) -> list[str]:
    wanted = set(tensors)
    found = []
    for op in reversed(graph.ops):
        if wanted.intersection(op.writes):
            wanted.update(op.reads)
            found.append(op.name)
    return found[::-1]

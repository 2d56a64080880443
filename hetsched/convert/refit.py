"""Scenario 2: other layers with other parameters, fitted to calibration data layer by layer.

Each replaced layer is fitted to what the original makes there, from the inputs that the changed
model gives it: later layers make up for what earlier ones lost. NumPy and ONNX Runtime do it all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import onnx_ir as ir
import onnx_ir.passes.common as passes

from hetsched.convert.names import Names
from hetsched.convert.refit_data import Samples
from hetsched.convert.refit_forms import Emit, Replacement, chosen
from hetsched.convert.rules.rule import Site
from hetsched.convert.rules.tape import Tape
from hetsched.convert.values import tensor_values
from hetsched.errors import ModelError
from hetsched.ir.build import build_graph
from hetsched.ir.digest import prepared_sha256
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model

MOST_BYTES = 2**28
"""Of one layer's inputs and outputs that a fit looks at; the first runs that fit in."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One layer that was replaced.

    Attributes:
        op: its name.
        op_type: of the op.
        replacement: as it was asked for.
        made: op types of the replacement.
        unfitted_error: root mean square of the difference over that of the layer's output, before
            fitting, on the calibration data.
        fitted_error: likewise after fitting.
        runs: how many runs of calibration data it was fitted to.
    """

    op: str
    op_type: str
    replacement: str
    made: tuple[str, ...]
    unfitted_error: float
    fitted_error: float
    runs: int


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """How good a model is on data that nothing was fitted to.

    Attributes:
        error: root mean square of the difference to the original's outputs over that of the
            outputs; of several outputs the worst.
        agreement: share of samples with the original's highest score; None where no output is
            (samples, scores).
        accuracy: share of samples whose highest score is their label's; None without labels.
    """

    error: float
    agreement: float | None = None
    accuracy: float | None = None


class Refit(msgspec.Struct, frozen=True, kw_only=True):
    """What a refit did, as it is stored beside the model.

    Attributes:
        model: name.
        sha256: of the original's file.
        layers: in the order of the graph.
        fitted_runs: calibration runs.
        judged_runs: runs that accuracy is told on.
        original: the original on them.
        unfitted: with the layers replaced and nothing fitted.
        fitted: with the layers fitted.
    """

    schema: int = 1
    model: str
    sha256: str
    layers: tuple[Layer, ...]
    fitted_runs: int
    judged_runs: int
    original: Accuracy
    unfitted: Accuracy
    fitted: Accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a refit makes.

    Attributes:
        model: refitted.
        unfitted: with the same layers, and nothing fitted.
        report: on both.
    """

    model: Model
    unfitted: Model
    report: Refit


def refit(model: Model, replacements: Sequence[Replacement], samples: Samples) -> Outcome:
    """Replace layers and fit the new ones.

    Args:
        model: loaded.
        replacements: the first one that applies to an op is taken.
        samples: a part is held out to judge by.

    Raises:
        ModelError: when nothing applies, or a layer has no such form.
    """
    names = [n.name or "" for n in model.onnx().graph if chosen(replacements, n) is not None]
    if not names:
        wanted = ", ".join(each.text for each in replacements)
        raise ModelError(f"{model.name} has no op that {wanted} applies to")
    fitting, judging = samples.divided()
    unfitted, fitted = _Work(model), _Work(model)
    layers = []
    for name in names:
        replacement = chosen(replacements, fitted.node(name))
        assert replacement is not None
        unfitted.put(name, replacement.unfitted(unfitted.site(name)))
        layers.append(_fit(model, unfitted.model(), fitted, name, replacement, fitting))
    return Outcome(
        model=fitted.model(),
        unfitted=unfitted.model(),
        report=Refit(
            model=model.name,
            sha256=model.sha256,
            layers=tuple(layers),
            fitted_runs=len(fitting),
            judged_runs=len(judging),
            original=judge(model, model, judging),
            unfitted=judge(unfitted.model(), model, judging),
            fitted=judge(fitted.model(), model, judging),
        ),
    )


def _fit(
    model: Model, unfitted: Model, fitted: "_Work", name: str, by: Replacement, data: Samples
) -> Layer:
    node = fitted.node(name)
    source, target = node.inputs[0], node.outputs[0]
    assert source is not None
    assert source.name is not None
    assert target.name is not None
    few = _few(model.graph, data, source.name, target.name)
    x = stacked(fitted.model(), source.name, few)
    y = stacked(model, target.name, few)
    made = fitted.put(name, by.fitted(fitted.site(name), x, y))
    return Layer(
        op=name,
        op_type=by.op_type,
        replacement=by.text,
        made=made,
        unfitted_error=relative(y, stacked(unfitted, target.name, few)),
        fitted_error=relative(y, stacked(fitted.model(), target.name, few)),
        runs=len(few),
    )


def _few(graph: Graph, data: Samples, *names: str) -> Samples:
    size = sum(graph.tensors[name].nbytes() or 0 for name in names)
    return data.part(0, max(1, min(len(data), MOST_BYTES // max(1, size))))


class _Work:
    """A copy of the model in which layers are replaced one by one."""

    def __init__(self, model: Model) -> None:
        self._source = model
        self._onnx = model.onnx().clone()
        self._names = Names({n.name or "" for n in self._onnx.graph} | set(model.graph.tensors))
        self._model: Model | None = model

    def node(self, name: str) -> ir.Node:
        """An op by its name."""
        return next(node for node in self._onnx.graph if node.name == name)

    def site(self, name: str) -> Site:
        """An op as rules see it."""
        return Site(self.node(name), self._onnx.opset_imports.get("", 0))

    def put(self, name: str, emit: Emit) -> tuple[str, ...]:
        """Replace an op; op types of what took its place."""
        site = self.site(name)
        tape = Tape(site.opset, lambda kind: self._names.fresh(f"{name}/{kind}"))
        made = emit(site, tape)
        for value in tape.constants:
            self._onnx.graph.initializers.add(value)
        ir.convenience.replace_nodes_and_values(
            self._onnx.graph, site.node, [site.node], tape.nodes, [site.output], [made]
        )
        passes.RemoveUnusedNodesPass()(self._onnx)  # weights that nobody reads any more
        self._model = None
        return tuple(node.op_type for node in tape.nodes)

    def model(self) -> Model:
        """The model as it is now."""
        if self._model is None:
            onnx = self._onnx.clone()
            graph = build_graph(onnx)
            self._model = replace(
                self._source,
                graph=graph,
                prepared_sha256=prepared_sha256(onnx, graph),
                onnx=lambda: onnx,
            )
        return self._model


def stacked(model: Model, tensor: str, data: Samples) -> np.ndarray:
    """A tensor over runs: (runs, *its shape).

    Raises:
        ModelError: when ONNX Runtime can't run the model up to there.
    """
    return np.stack([made[0] for made in tensor_values(model, [tensor], data)])


def relative(expected: np.ndarray, actual: np.ndarray) -> float:
    """Root mean square of the difference over that of what was expected."""
    wide = expected.astype(np.float64)
    size = float(np.sqrt(np.mean(wide**2)))
    error = float(np.sqrt(np.mean((wide - actual.astype(np.float64)) ** 2)))
    return error / size if size else (0.0 if error == 0 else float("inf"))


def judge(model: Model, original: Model, data: Samples) -> Accuracy:
    """How near a model's outputs are to the original's, and to the labels."""
    names = [name for name in original.graph.outputs if name not in original.graph.inputs]
    expected = [np.stack(each) for each in zip(*tensor_values(original, names, data), strict=True)]
    actual = [np.stack(each) for each in zip(*tensor_values(model, names, data), strict=True)]
    floats = [i for i, each in enumerate(expected) if each.dtype.kind == "f"]
    error = max((relative(expected[i], actual[i]) for i in floats), default=0.0)
    scores = next((i for i in floats if expected[i].ndim == 3 and expected[i].shape[2] > 1), None)
    if scores is None:
        return Accuracy(error=error)
    best, wanted = actual[scores].argmax(-1), expected[scores].argmax(-1)
    fits = data.labels is not None and data.labels.shape == best.shape
    return Accuracy(
        error=error,
        agreement=float((best == wanted).mean()),
        accuracy=float((best == data.labels).mean()) if fits else None,
    )

"""One rule applied to one op, without a target or search: the model before and after."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir
import onnx_ir.passes.common as passes
import onnxruntime as ort

from hetsched.backends.ort.session import make_session
from hetsched.convert.certify import Certificate, compare
from hetsched.convert.rules import RULES
from hetsched.convert.rules.rule import Exactness, Rule, Site, static_shape
from hetsched.convert.rules.tape import Tape

Kinds = dict[str, tuple[tuple[int, ...], np.dtype]]

_EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 3.0, -3.0, 6.0, 1e-6, -1e-6, 20.0, -20.0)
_SCALES = (0.1, 1.0, 10.0, 50.0)


def rewritten(rule: Rule, proto: onnx.ModelProto, op: str = "op") -> onnx.ModelProto | str:
    """The model with one op replaced by a rule, or why the rule declines."""
    model = ir.from_proto(onnx.shape_inference.infer_shapes(proto, data_prop=True))
    opset = model.opset_imports[""]
    node = next(node for node in model.graph if node.name == op)
    site = Site(node, opset)
    if (why := rule.check(site)) is not None:
        return why
    numbers = itertools.count()
    tape = Tape(opset, lambda kind: f"new/{kind}_{next(numbers)}")
    made = rule.rewrite(site, tape)
    outputs = [made] if isinstance(made, ir.Value) else list(made)
    _put(model.graph, node, tape, outputs)
    passes.RemoveUnusedNodesPass()(model)
    return ir.to_proto(model)


def _put(graph: ir.Graph, node: ir.Node, tape: Tape, outputs: list[ir.Value]) -> None:
    pairs = list(zip(node.outputs, outputs, strict=False))
    named = [(old, new) for old, new in pairs if old.name]
    olds, outputs = [old for old, _ in named], [new for _, new in named]
    for old, new in named:
        assert old.dtype == new.dtype, f"{new} in place of {old}"
        shapes = {static_shape(old), static_shape(new)} - {None}
        assert len(shapes) < 2, f"{new} in place of {old}"
    made = {value for one in tape.nodes for value in one.outputs}
    outputs = [new if new in made else tape.op("Identity", new) for new in outputs]
    for value in tape.constants:
        graph.initializers.add(value)
    ir.convenience.replace_nodes_and_values(graph, node, [node], tape.nodes, olds, outputs)


@dataclass(frozen=True, slots=True)
class Pair:
    """Sessions of the model before and after."""

    before: ort.InferenceSession
    after: ort.InferenceSession
    kinds: Kinds

    @classmethod
    def of(cls, before: onnx.ModelProto, after: onnx.ModelProto) -> "Pair":
        """Sessions without any optimisation.

        Raises:
            BackendError: when ONNX Runtime refuses one of them.
        """
        kinds = {}
        for value in before.graph.input:
            kind = value.type.tensor_type
            dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
            kinds[value.name] = (tuple(dim.dim_value for dim in kind.shape.dim), dtype)
        sessions = [
            make_session(each.SerializeToString(), threads=1, optimize=False)
            for each in (before, after)
        ]
        return cls(sessions[0], sessions[1], kinds)

    def compare(self, rng: np.random.Generator, count: int, exactness: Exactness) -> Certificate:
        """Both on several random inputs of one scale; errors relative to the range of all."""
        scale, befores, afters = rng.choice(_SCALES), [], []
        for _ in range(count):
            feeds = {
                name: random_input(rng, *kind, scale, exactness)
                for name, kind in self.kinds.items()
            }
            befores.append(self.before.run(None, feeds))
            afters.append(self.after.run(None, feeds))
        return compare([(_joined(befores), _joined(afters))], exactness)


def _joined(runs: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Each output of all runs as one array."""
    return [np.stack(each) for each in zip(*runs, strict=True)]


def random_input(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    dtype: np.dtype,
    scale: float,
    exactness: Exactness,
) -> np.ndarray:
    """Normal numbers of a scale, one in ten an edge value; for exact rules infinity too."""
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -100, 100, shape).astype(dtype)
    values = np.asarray(rng.standard_normal(shape) * scale)
    edges = np.where(rng.random(shape) < 0.1, rng.choice(_EDGES, shape), values)
    if exactness == "exact":
        odd = rng.choice([np.inf, -np.inf], shape)
        edges = np.where(rng.random(shape) < 0.03, odd, edges)
    return np.asarray(edges).astype(dtype)


def replaced(name: str, proto: onnx.ModelProto) -> list[str]:
    """What a rule makes of the op `op`: op types with the shapes that they make; run and compared.

    Raises:
        AssertionError: when the rule declines, or the outputs differ.
    """
    rule = _rule(name)
    after = rewritten(rule, proto)
    assert not isinstance(after, str), after
    certificate = Pair.of(proto, after).compare(np.random.default_rng(0), 4, rule.exactness)
    assert certificate.passed, certificate
    graph = ir.from_proto(onnx.shape_inference.infer_shapes(after, data_prop=True)).graph
    return [_text(node) for node in graph]


def declined(name: str, proto: onnx.ModelProto) -> str:
    """Why a rule leaves the op `op` alone."""
    why = rewritten(_rule(name), proto)
    assert isinstance(why, str)
    return why


def _rule(name: str) -> Rule:
    return next(rule for rule in RULES if rule.name == name)


def _text(node: ir.Node) -> str:
    shape = static_shape(node.outputs[0])
    if shape is None:
        return node.op_type
    return f"{node.op_type} {'x'.join(map(str, shape)) or 'scalar'}"

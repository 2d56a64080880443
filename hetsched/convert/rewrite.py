"""Replacing the ops that a target doesn't run by ops that it runs.

Only ops that block are touched. Each is replaced by a rule whose ops the target runs, or whose ops
other rules can replace in turn: of several ways, the cheapest. Every replacement is run against
what it replaces and is taken only when its certificate holds. An op made by a rule is never given
to the same rule again, so that every line of replacements ends.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import onnx_ir as ir

from hetsched.convert.certify import Certificate
from hetsched.convert.edit import Editor
from hetsched.convert.observed import Observed, observe
from hetsched.convert.price import Price, work
from hetsched.convert.refit_data import Samples
from hetsched.convert.repair import Repair, Step, apply_steps
from hetsched.convert.rules import BY_OP, quantised
from hetsched.convert.rules.rule import Exactness
from hetsched.convert.search import Candidate, Search
from hetsched.convert.target import Target
from hetsched.convert.trial import Piece, Trials, boundary, piece_before
from hetsched.errors import BackendError, ModelError
from hetsched.ir.build import build_graph
from hetsched.ir.digest import prepared_sha256
from hetsched.ir.graph import Op
from hetsched.ir.model import Model

UNTRIED = Certificate(max_abs_error=(), max_rel_error=(), bound=0.0, inputs=0)
"""Of a replacement that wasn't run."""

OLDEST_OPSET = 7
"""Before it, broadcasting was an attribute. Source: Add-7 of ONNX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """One op that was replaced.

    Attributes:
        op: its name.
        op_type: of the op.
        steps: how to make the replacement again, see `hetsched.convert.repair.Step`.
        made: op types of the replacement.
        exactness: the weakest of the rules'.
        scenario: 1, replaced by supported ops.
        certificate: how far the replacement was from the op.
        cost: of the replacement, by the price asked for.
    """

    op: str
    op_type: str
    steps: tuple[Step, ...]
    made: tuple[str, ...]
    exactness: Exactness
    scenario: int = 1
    certificate: Certificate
    cost: float = 0.0

    @property
    def rules(self) -> tuple[str, ...]:
        """In the order in which they were applied."""
        return tuple(rule for _, rule in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """An op that still blocks.

    Attributes:
        op: its name.
        op_type: of the op.
        reason: why the target doesn't run it.
        tried: rules for it and why each didn't help.
    """

    op: str
    op_type: str
    reason: str
    tried: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A converted model.

    Attributes:
        model: the model after all rewrites.
        rewrites: in the order of doing.
        remaining: what still blocks.
        blocked: how many ops blocked at first.
    """

    model: Model
    rewrites: tuple[Rewrite, ...]
    remaining: tuple[Remaining, ...]
    blocked: int


def rules_for(op_type: str) -> tuple[str, ...]:
    """Names of the rules that may replace an op type, in the order of trying."""
    return tuple(rule.name for rule in BY_OP.get(op_type, ()))


def convert(
    model: Model,
    target: Target,
    *,
    price: Price = work,
    leave: Collection[str] = (),
    certified: bool = True,
    data: Samples | None = None,
) -> Outcome:
    """Replace what a target doesn't run, as far as rules go; the model itself stays as it is.

    Args:
        model: to convert.
        target: what has to run it.
        price: the cheapest replacement by it is taken.
        leave: names of ops to leave alone.
        certified: run each replacement against what it replaces; without, for a first look only,
            certificates say that no input was tried.
        data: calibration inputs: each replacement is run on what its op reads then, too.

    Raises:
        ModelError: when ONNX Runtime can't run the model on the data.
    """
    engine = _Engine(model, target, price, frozenset(leave), certified)
    waiting = engine.blocked()
    blocked = len(waiting)
    if data is not None and certified:
        known = [name for name in waiting if name in model.graph.op]
        engine.observed = observe(model, known, data)
    while engine.round():
        pass
    return engine.outcome(blocked)


class _Engine:
    """The model in work."""

    def __init__(
        self,
        model: Model,
        target: Target,
        price: Price,
        leave: frozenset[str],
        is_certified: bool,
    ) -> None:
        self._source = model
        self._onnx = model.onnx().clone()
        self._editor = Editor(self._onnx)
        self._target = target
        self._leave = leave
        self._is_certified = is_certified
        self._opset = self._onnx.opset_imports.get("", 0)
        self._used: dict[str, frozenset[str]] = {}
        self._tried: dict[str, tuple[tuple[str, str], ...]] = {}
        self._search = Search(target, self._opset, self._editor.draft, price)
        self._trials = Trials(self._opset, self._onnx.ir_version)
        self._rewrites: list[Rewrite] = []
        self.observed = Observed()

    def blocked(self) -> dict[str, str]:
        """Op name to reason."""
        return dict(self._target.blocked(build_graph(self._onnx)))

    def round(self) -> bool:
        """Try every op that blocks once; whether anything changed."""
        waiting = self.blocked()
        before = len(self._rewrites)
        for node in list(self._onnx.graph):
            if node.name not in waiting or node.name in self._leave:
                continue
            if node.domain == "" and node.graph is not None:
                self._try(node)
        return len(self._rewrites) > before

    def _try(self, node: ir.Node) -> None:
        name = node.name or ""
        if self._opset < OLDEST_OPSET:
            why = f"rules need opset {OLDEST_OPSET} or later, this is {self._opset}"
            self._tried[name] = tuple((rule, why) for rule in rules_for(node.op_type))
            return
        if (why_not := quantised.reason(node)) is not None:
            self._tried[name] = (("every rule", why_not),)
            return
        used = self._used.get(name, frozenset())
        candidates, failed = self._search.candidates(node, used)
        taken = False
        for candidate in candidates:
            rule = candidate.steps[0][1]
            problem = "another one was taken" if taken else self._take(node, candidate)
            if problem is None:
                taken = True
            else:
                failed.append((rule, problem))
        self._tried[name] = tuple(failed)

    def _take(self, node: ir.Node, candidate: Candidate) -> str | None:
        """Certify a replacement and put it into the graph; why not, if it isn't taken."""
        repair = apply_steps(candidate.steps, node, self._opset, self._editor.draft)
        if repair is None:
            return "one of its ops isn't what it was taken for"
        olds, news = repair.replaced(node)
        problem, certificate = self._certified(node, repair, olds, news)
        if certificate is None:
            repair.discard()
            return problem
        record = _record(node, repair, certificate)
        self._rewrites.append(replace(record, cost=candidate.cost))
        used = self._used.get(node.name or "", frozenset()) | set(repair.rules)
        self._editor.put(node, repair)
        self._used.update((made.name or "", used) for made in repair.nodes)
        return None

    def _certified(
        self, node: ir.Node, repair: Repair, olds: list[ir.Value], news: list[ir.Value]
    ) -> tuple[str, Certificate | None]:
        if any(value.is_graph_output() for value in olds) and not repair.makes_all:
            return "its output is the model's, and nothing would make it", None
        if not self._is_certified:
            return "", UNTRIED
        edge = boundary(node, repair.nodes, news)
        after = Piece(nodes=repair.nodes, inputs=edge, outputs=news)
        try:
            before = piece_before(node, edge, olds)
            data = self.observed.sets([value.name for value in edge])
            certificate = self._trials.certify(before, after, repair.exactness, data)
        except (ModelError, BackendError) as error:
            return f"it can't be certified: {error}", None
        if not certificate.passed:
            return f"its certificate failed: {_failure(certificate)}", None
        return "", certificate

    def outcome(self, blocked: int) -> Outcome:
        """What came of it."""
        self._editor.finish()
        graph = build_graph(self._onnx)
        left = self._target.blocked(graph)
        model = replace(
            self._source,
            graph=graph,
            prepared_sha256=prepared_sha256(self._onnx, graph),
            onnx=lambda: self._onnx,
        )
        return Outcome(
            model=model,
            rewrites=tuple(self._rewrites),
            remaining=tuple(self._remaining(graph.ops, left)),
            blocked=blocked,
        )

    def _remaining(self, ops: Iterable[Op], left: Mapping[str, str]) -> Iterator[Remaining]:
        for op in ops:
            if op.name in left:
                yield Remaining(
                    op=op.name,
                    op_type=op.op_type,
                    reason=left[op.name],
                    tried=self._tried.get(op.name, ()),
                )


def _record(node: ir.Node, repair: Repair, certificate: Certificate) -> Rewrite:
    return Rewrite(
        op=node.name or "",
        op_type=node.op_type,
        steps=repair.steps,
        made=tuple(made.op_type for made in repair.nodes),
        exactness=repair.exactness,
        certificate=certificate,
    )


def _failure(certificate: Certificate) -> str:
    worst = max(certificate.max_rel_error, default=0.0)
    return certificate.problem or f"relative error {worst:.3g}, bound {certificate.bound:g}"

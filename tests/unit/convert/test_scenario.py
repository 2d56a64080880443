from dataclasses import replace
from pathlib import Path

from hetsched.convert.capability_finding import Finding, Kind
from hetsched.convert.rules import BY_OP
from hetsched.convert.rules.rule import Rule
from hetsched.convert.scenario import Remedies, rules_of
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from tests.unit.cli.models import write_model
from tests.unit.cost.nets import GraphBuilder

SHAPE = (1, 8, 4, 4)


def graph() -> Graph:
    """A head (Erf0), a convolution (Conv1), a middle (Erf2), another one (Conv3), and a tail with
    a skip connection: Erf4 and Erf6 read the convolution, Concat5 both Erf4 and it."""
    builder = GraphBuilder()
    head = builder.op("Erf", (builder.input("x", *SHAPE),), SHAPE)
    middle = builder.op("Erf", (builder.conv(head, 8, 1),), SHAPE)
    body = builder.conv(middle, 8, 1)
    left = builder.op("Erf", (body,), SHAPE)
    joined = builder.op("Concat", (left, body), (1, 16, 4, 4))
    other = builder.op("Erf", (body,), SHAPE)
    return builder.graph(joined, other)


def remedy(
    name: str, kind: Kind = "blocked", backend: str = "apu", *rules: Rule
) -> tuple[int, str] | None:
    tested = graph()
    found = Finding(framework="mace", backend=backend, kind=kind, reason="no")
    result = Remedies(tested, lambda _: rules).find(tested.op[name], found)
    return None if result is None else (result.scenario, result.how)


def test_ops_at_the_ends_are_for_the_host() -> None:
    tail, head = "in the tail: host post-processing", "in the head: host pre-processing"
    assert remedy("Erf4") == (3, tail)
    assert remedy("Concat5") == (3, tail)
    assert remedy("Erf6") == (3, tail)
    assert remedy("Erf0") == (3, head)


def test_ops_between_convolutions_need_an_implementation() -> None:
    assert remedy("Erf2") == (4, "in the middle: custom op or host stage")
    # A convolution is at no end: cutting it off would move the model's work to the host.
    assert remedy("Conv1") == (4, "in the middle: custom op or host stage")
    assert remedy("Conv3") == (4, "in the middle: custom op or host stage")


def test_rules_come_first() -> None:
    rules = BY_OP["HardSigmoid"]
    assert remedy("Erf4", "blocked", "apu", *rules) == (1, "rules: hard-sigmoid")
    # What a rule makes has the same dtype.
    assert remedy("Erf4", "dtype", "apu", *rules) == (3, "in the tail: host post-processing")


def test_nothing_is_proposed_where_nobody_knows() -> None:
    assert remedy("Erf4", kind="unknown") is None
    # No table was asked: the framework doesn't reach the unit.
    assert remedy("Erf4", backend="") is None


def test_only_rules_that_apply_count(tmp_path: Path) -> None:
    model = load(write_model(tmp_path / "m.onnx", "HardSigmoid", "Softplus", "Erf"))
    rules = rules_of(model)
    found = {op.op_type: {rule.name for rule in rules(op)} for op in model.graph.ops}
    assert "hard-sigmoid" in found["HardSigmoid"]
    assert "softplus" in found["Softplus"]
    # Its convolution has one group.
    assert "grouped-conv" in {rule.name for rule in BY_OP["Conv"]}
    assert "grouped-conv" not in found["Conv"]


def test_other_domains_have_no_rules(tmp_path: Path) -> None:
    model = load(write_model(tmp_path / "m.onnx", "HardSigmoid"))
    rules = rules_of(model)
    (op,) = (op for op in model.graph.ops if op.op_type == "HardSigmoid")
    assert rules(op) != ()
    assert rules(replace(op, domain="my.ops")) == ()

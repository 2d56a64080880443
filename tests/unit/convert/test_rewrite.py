"""The engine: what it replaces, what it leaves, and that it ends."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from hetsched.backends.reference import reference_outputs
from hetsched.convert.rewrite import convert, rules_for
from hetsched.convert.rules import BY_OP, RULES, sum_to_add
from hetsched.convert.rules.rule import Site
from hetsched.convert.rules.tape import Tape
from hetsched.convert.target import framework_target
from hetsched.ir.extract import save_whole
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from hetsched.ir.sample import samples
from tests.unit.convert.rules.harness import Without, converted, finished, one, values

X = (1, 4, 5, 6)


def test_rules_have_names_of_their_own_and_scenario_1() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {rule.scenario for rule in RULES} == {1}


def test_rules_for_an_op_type() -> None:
    assert rules_for("Sum") == ("void", "sum-to-add")
    transposed = ("conv-transpose-depth", "conv-transpose", "conv-transpose-4d")
    assert rules_for("ConvTranspose") == transposed
    assert rules_for("NonZero") == ()


def test_what_is_supported_stays(tmp_path: Path) -> None:
    outcome = converted(tmp_path, one("Sum", X, X), "Mul")
    assert (outcome.blocked, outcome.rewrites, outcome.remaining) == (0, (), ())


def test_the_loaded_model_isnt_changed(tmp_path: Path) -> None:
    onnx.save(one("Sum", X, X), tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    before = model.prepared_sha256
    changed = convert(model, Without("Sum")).model
    assert [node.op_type for node in model.onnx().graph] == ["Sum"]
    assert [node.op_type for node in changed.onnx().graph] == ["Add"]
    assert changed.prepared_sha256 != before == model.prepared_sha256
    assert changed.graph.outputs == model.graph.outputs


def test_rules_replace_what_rules_made(tmp_path: Path) -> None:
    outcome = converted(tmp_path, one("HardSwish", X), "HardSwish", "Clip", "Max")
    (rewrite,) = outcome.rewrites
    assert rewrite.rules[0] == "hard-swish"
    assert "clip-to-relu" in rewrite.rules
    assert not {"HardSwish", "Clip", "Max"} & set(rewrite.made)
    assert rewrite.exactness == "rounding"
    assert outcome.remaining == ()


def test_fewest_ops_win(tmp_path: Path) -> None:
    # Reciprocal would take sqrt-to-pow (one op) or reciprocal-to-div (Div blocks, two ops).
    outcome = converted(tmp_path, one("Reciprocal", X), "Reciprocal", "Div")
    assert outcome.rewrites[0].made == ("Pow",)


def test_it_ends_where_rules_lead_in_circles(tmp_path: Path) -> None:
    # Gemm -> MatMul -> Gemm ..., Reciprocal -> Div -> Reciprocal ...
    for proto, missing in (
        (one("Gemm", (3, 8), values(8, 6)), ("Gemm", "MatMul", "Conv")),
        (one("Reciprocal", X), ("Reciprocal", "Div", "Pow")),
        (one("Clip", X, np.array(0, np.float32)), ("Clip", "Relu", "Max")),
    ):
        outcome = converted(tmp_path, proto, *missing)
        assert outcome.rewrites == ()
        assert len(outcome.remaining) == 1


class Blocking(Without):
    """Blocks every op of a whole model, but nothing of a replacement by itself."""

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        return {op.name: "blocks" for op in graph.ops} if "y" in graph.outputs else {}


def test_it_ends_where_replacements_block_again(tmp_path: Path) -> None:
    proto = one("Sub", X, X)
    proto.graph.node[0].output[0] = proto.graph.output[0].name = "y"
    onnx.save(proto, tmp_path / "model.onnx")
    outcome = convert(load(tmp_path / "model.onnx"), Blocking())
    # x - y = x + (-y); -y = y * -1; the -1 is spelled out; each rule only once in a line.
    assert [rewrite.rules for rewrite in outcome.rewrites] == [
        ("sub-to-add",),
        ("neg-to-mul",),
        ("stored-operand",),
    ]
    assert [left.op_type for left in outcome.remaining] == ["Mul", "Add"]


def test_a_failed_certificate_keeps_the_op(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(site: Site, tape: Tape) -> ir.Value:
        return tape.op("Mul", site.input(0), site.input(1))

    rule = replace(sum_to_add.RULE, rewrite=wrong)
    monkeypatch.setitem(BY_OP, "Sum", (rule,))
    (left,) = converted(tmp_path, one("Sum", X, X), "Sum").remaining
    assert left.tried[0][1].startswith("its certificate failed: ")


def test_old_opsets_are_left_alone(tmp_path: Path) -> None:
    outcome = converted(tmp_path, one("Sum", X, X, opset=6), "Sum")
    (left,) = outcome.remaining
    assert dict(left.tried)["sum-to-add"] == "rules need opset 7 or later, this is 6"


def test_contrib_ops_are_left_alone(tmp_path: Path) -> None:
    node = helper.make_node("QuickGelu", ["x"], ["y"], "op", domain="com.microsoft")
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, X)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, X)],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    outcome = convert(load(tmp_path / "m.onnx"), Without("QuickGelu"))
    assert outcome.rewrites == ()
    assert outcome.remaining[0].op == "op"


def test_shufflenet_for_nnapi() -> None:
    outcome = convert(load("zoo:shufflenet"), framework_target("onnxruntime", "nnapi"))
    assert outcome.blocked == 13
    assert [rewrite.rules for rewrite in outcome.rewrites] == [("sum-to-add",)] * 13
    assert {rewrite.certificate.max_abs_error for rewrite in outcome.rewrites} == {(0.0,)}
    assert outcome.remaining == ()


UNARY = (
    "Abs", "Celu", "Elu", "Exp", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Mish", "Neg",
    "Relu", "Selu", "Sigmoid", "Softmax", "Softplus",
)  # fmt: skip
BINARY = ("Add", "Div", "Max", "Min", "Mul", "Sub", "Sum")


@st.composite
def graphs(draw: st.DrawFn) -> onnx.ModelProto:
    """Up to six ops, each over earlier tensors, binary ones also over a constant."""
    nodes, stored, made = [], {}, ["x"]
    for index in range(draw(st.integers(1, 6))):
        op_type = draw(st.sampled_from((*UNARY, *BINARY)))
        inputs = [draw(st.sampled_from(made))]
        if op_type in BINARY:
            shape = draw(st.sampled_from([(), (1,), (4, 1, 1), (1, 4, 1, 1), (6,), None]))
            if shape is None and op_type != "Div":
                inputs.append(draw(st.sampled_from(made)))
            else:
                stored[f"c{index}"] = values(*(shape or ()))
                inputs.append(f"c{index}")
        nodes.append(helper.make_node(op_type, inputs, [f"t{index}"], f"n{index}"))
        made.append(f"t{index}")
    return finished(
        helper.make_graph(
            nodes,
            "random",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, X)],
            [onnx.ValueInfoProto(name=made[-1])],
            [numpy_helper.from_array(value, name) for name, value in stored.items()],
        ),
        opset=18,
    )


@given(proto=graphs(), missing=st.sets(st.sampled_from((*UNARY, *BINARY)), max_size=6))
def test_random_graphs_stay_equal(
    tmp_path_factory: pytest.TempPathFactory, proto: onnx.ModelProto, missing: set[str]
) -> None:
    """Within 1e-4 of the output's range, the promise for a whole model in float32."""
    folder = tmp_path_factory.mktemp("random")
    onnx.save(proto, folder / "before.onnx")
    model = load(folder / "before.onnx")
    outcome = convert(model, Without(*missing))
    left = {op.op_type for op in outcome.model.graph.ops} & missing
    assert left == {one.op_type for one in outcome.remaining}
    save_whole(outcome.model, folder / "after.onnx")
    inputs = samples(model.graph)
    (before,) = reference_outputs(folder / "before.onnx", inputs).values()
    (after,) = reference_outputs(folder / "after.onnx", inputs).values()
    assert isinstance(before, np.ndarray)
    assert isinstance(after, np.ndarray)
    finite = np.isfinite(before)
    assert np.array_equal(finite, np.isfinite(after))
    largest = float(np.abs(before[finite]).max(initial=0))
    np.testing.assert_allclose(after[finite], before[finite], rtol=0, atol=1e-4 * largest)

import pytest

from hetsched.convert.capability import refusals
from hetsched.convert.capability_rows import backends, index
from hetsched.convert.check import (
    Blocker,
    blockers,
    check_backend,
    check_everything,
    check_framework,
    check_profile,
    check_unit,
    opset_notes,
    without_ways_in,
)
from hetsched.convert.rules import RULES
from hetsched.convert.rules.rule import Rule
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Graph, Op
from tests.unit.cost.nets import GraphBuilder, mobilenet_v1
from tests.unit.soc.samples import three_units

SOC = three_units()
SHAPE = (1, 8, 4, 4)


def rules(op: Op) -> tuple[Rule, ...]:
    """Rules by op type; whether they apply is tested with the scenarios."""
    return tuple(rule for rule in RULES if op.op_type in rule.ops)


def chain(*op_types: str, dtype: str = "float32") -> Graph:
    builder = GraphBuilder(17)
    value = builder.input("x", *SHAPE, dtype=dtype)
    for op_type in op_types:
        value = builder.op(op_type, (value,), SHAPE, dtype=dtype)
    return builder.graph(value)


def test_a_newer_op_set_than_the_tables_is_told() -> None:
    graph = chain("Relu")  # of opset 17
    (note,) = opset_notes(graph, "coreml", "mil")
    assert note == (
        "coreml converter-ios13 reads opset 10 at most, and the model has 17: export it with "
        "opset 10 or older"
    )
    assert opset_notes(graph, "mace", "apu") == ()


def test_counts_and_reasons() -> None:
    # MACE's APU: Relu runs, HardSigmoid's row says none, LRN has no row in a closed world.
    graph = chain("Relu", "HardSigmoid", "LRN", "HardSigmoid")
    verdict = check_backend(graph, "mace", "apu")
    assert (verdict.runs, verdict.blocked, verdict.unknown) == (1, 3, 0)
    assert verdict.dtype is None
    assert verdict.blocking == {"HardSigmoid": 2, "LRN": 1}
    assert list(verdict.findings) == ["HardSigmoid1", "LRN2", "HardSigmoid3"]
    found = blockers(graph, [verdict], rules)
    assert found[0] == Blocker(
        op="HardSigmoid1",
        op_type="HardSigmoid",
        kind="blocked",
        reason="MACE apu: activation HARDSIGMOID rejected",
        scenario=1,
        remedy="rules: hard-sigmoid",
    )
    # The converter is asked first: an op that doesn't get in doesn't get to the APU.
    assert found[1].reason == "MACE converter: LRN not supported"


def test_incomplete_tables_and_unchecked_conditions_are_unknown() -> None:
    # SNPE's page was cut off after Expand; Vulkan's rows come from file names.
    graph = chain("Relu")
    for framework, backend, why in (
        ("snpe", "converter", "SNPE converter: Relu unknown: its table is incomplete"),
        (
            "pytorch_mobile",
            "gpu-vulkan",
            "PyTorch Mobile gpu-vulkan: Relu works only under a condition not checked: ",
        ),
    ):
        verdict = check_backend(graph, framework, backend)
        assert (verdict.runs, verdict.blocked, verdict.unknown) == (0, 0, 1)
        assert verdict.blocking == {}
        (found,) = blockers(graph, [verdict], rules)
        assert found.reason.startswith(why)
        assert (found.kind, found.scenario, found.remedy) == ("unknown", None, "")


def test_a_float_model_counts_as_converted_where_that_lets_more_ops_run() -> None:
    # QNN's HTP takes float16 and integers; float16 loses least.
    assert check_backend(chain("Relu"), "onnxruntime", "qnn-htp").dtype == "float16"
    assert check_backend(chain("Relu"), "onnxruntime", "qnn-htp").runs == 1
    # Integers aren't converted.
    verdict = check_backend(chain("Relu", dtype="int64"), "onnxruntime", "qnn-htp")
    assert (verdict.dtype, verdict.runs, verdict.blocked) == (None, 0, 1)
    assert blockers(chain("Relu", dtype="int64"), [verdict], rules)[0].kind == "dtype"


def test_everything_is_every_backend_of_every_framework() -> None:
    graph = chain("Relu", "Erf", "NonZero")
    verdicts = check_everything(graph)
    names = [(framework, backend) for framework in index() for backend in backends(framework)]
    assert [(v.framework, v.backend) for v in verdicts] == names
    assert all(v.runs + v.blocked + v.unknown == v.ops == 3 for v in verdicts)


def test_a_framework_runs_what_one_of_its_backends_runs() -> None:
    # The APU lacks some ops of it; the CPU has them all.
    graph = mobilenet_v1()
    verdicts = check_framework(graph, "mace")
    assert [v.backend for v in verdicts] == list(backends("mace"))
    assert any(v.findings for v in verdicts)
    assert blockers(graph, without_ways_in(verdicts), rules) == ()


def test_converters_alone_run_nothing_but_where_there_is_nothing_else() -> None:
    graph = chain("Relu")
    mace = without_ways_in(check_framework(graph, "mace"))
    assert "converter" not in [v.backend for v in mace]
    assert [v.backend for v in without_ways_in(check_framework(graph, "tensorflow"))] == [
        "converter"
    ]


def test_unknown_on_one_backend_outweighs_blocked_on_another() -> None:
    # SNPE's table stops before HardSigmoid in the alphabet.
    graph = chain("HardSigmoid")
    certain = check_backend(graph, "mace", "apu")
    unsure = check_backend(graph, "snpe", "converter")
    assert blockers(graph, [certain], rules)[0].kind == "blocked"
    assert blockers(graph, [certain, unsure], rules)[0].kind == "unknown"
    assert blockers(graph, [], rules) == ()


def test_units_are_judged_as_plans_judge_them() -> None:
    graph = chain("Relu", "HardSigmoid", "LRN")
    for framework, backend in ((None, None), ("tnn", None), ("tflite", "gpu-opencl")):
        verdicts = check_profile(graph, SOC, framework, backend)
        found = {
            (op, verdict.unit): why.text
            for verdict in verdicts
            for op, why in verdict.findings.items()
        }
        assert found == refusals(graph, SOC, framework, backend)
        for unit in SOC.units:
            one = check_unit(graph, SOC, unit.name, framework, backend)
            assert one == next(v for v in verdicts if v.unit == unit.name)


def test_a_units_dtype_is_told_where_the_model_has_another() -> None:
    by_unit = {v.unit: v.dtype for v in check_profile(chain("Relu"), SOC)}
    assert by_unit == {"cpu": None, "gpu": "float16", "apu": "int8"}
    assert check_profile(chain("Relu", dtype="int64"), SOC)[2].dtype is None


def test_a_framework_that_does_not_reach_a_unit_offers_no_remedy() -> None:
    # No TensorRT backend reaches MediaTek's APU.
    graph = chain("Relu")
    (found,) = blockers(graph, [check_unit(graph, SOC, "apu", "tensorrt")], rules)
    assert found.reason.startswith("TensorRT doesn't reach this unit")
    assert found.scenario is None


def test_wrong_names_are_refused() -> None:
    graph = chain("Relu")
    with pytest.raises(CapabilityError, match="unknown framework 'tenorrt': did you mean"):
        check_framework(graph, "tenorrt")
    with pytest.raises(CapabilityError, match=r"'mace' has no backend 'npu': .*it has converter"):
        check_backend(graph, "mace", "npu")
    with pytest.raises(CapabilityError, match=r"no unit 'gpx': did you mean 'gpu'\? it has cpu"):
        check_unit(graph, SOC, "gpx")
    with pytest.raises(CapabilityError, match="backend 'apu' needs a framework too"):
        check_profile(graph, SOC, None, "apu")

"""Layers replaced by others, fitted layer by layer to what the original makes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, helper

from hetsched.convert.refit import MOST_BYTES, Outcome, refit, relative, stacked
from hetsched.convert.refit_choice import choose
from hetsched.convert.refit_data import Samples, arranged
from hetsched.convert.refit_forms import parse
from hetsched.convert.target import framework_target
from hetsched.errors import ModelError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from tests.unit.convert.export.models import write
from tests.unit.convert.rules.harness import Without

RNG = np.random.default_rng(5)


def network(path: Path, *nodes: NodeProto, constants: Mapping[str, np.ndarray]) -> Model:
    """x -> conv 3x3 -> a -> nodes -> b -> conv 1x1 -> y."""
    first = helper.make_node("Conv", ["x", "w1"], ["a"], "first", pads=[1, 1, 1, 1])
    last = helper.make_node("Conv", ["b", "w2"], ["y"], "last")
    stored = {
        "w1": (RNG.standard_normal((6, 2, 3, 3)) / 2).astype(np.float32),
        "w2": (RNG.standard_normal((3, 6, 1, 1)) / 2).astype(np.float32),
        **constants,
    }
    file = write(
        path, [first, *nodes, last], inputs={"x": (1, 2, 6, 6)}, outputs=["y"],
        constants=stored, opset=20,
    )  # fmt: skip
    return load(file)


def activation(path: Path, op_type: str, **attributes: Any) -> Model:
    return network(path, helper.make_node(op_type, ["a"], ["b"], "act", **attributes), constants={})


def kernel(path: Path, size: int, pads: int, **attributes: Any) -> Model:
    weights = (RNG.standard_normal((6, 6, size, size)) / size).astype(np.float32)
    node = helper.make_node(
        "Conv", ["a", "k"], ["b"], "big", pads=[pads] * 4, kernel_shape=[size, size], **attributes
    )
    return network(path, node, constants={"k": weights})


def data(model: Model, count: int = 24) -> Samples:
    return arranged(
        {"x": RNG.standard_normal((count, 2, 6, 6)).astype(np.float32)}, model.graph, "here"
    )


def refitted(model: Model, *texts: str, count: int = 24) -> Outcome:
    return refit(model, [parse(text) for text in texts], data(model, count))


@pytest.mark.parametrize(
    ("op_type", "by", "most"),
    [
        ("HardSwish", "Relu", 0.06), ("HardSwish", "Clip", 0.06), ("HardSwish", "Sigmoid", 0.05),
        ("Gelu", "Sigmoid", 0.02), ("Mish", "Sigmoid", 0.05), ("Elu", "Relu", 0.04),
        ("HardSigmoid", "Clip", 0.02), ("Softplus", "Relu", 0.03), ("Erf", "Tanh", 0.02),
    ],
)  # fmt: skip
def test_an_activation_is_fitted(op_type: str, by: str, most: float, tmp_path: Path) -> None:
    outcome = refitted(activation(tmp_path / "m.onnx", op_type), f"{op_type}={by}")
    (layer,) = outcome.report.layers
    assert layer.fitted_error < min(most, layer.unfitted_error)
    assert outcome.report.fitted.error < outcome.report.unfitted.error
    assert by in layer.made
    assert op_type not in {op.op_type for op in outcome.model.graph.ops} - set(layer.made)


def test_a_sigmoid_is_a_tanh_exactly(tmp_path: Path) -> None:
    """sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: only rounding is left of it."""
    outcome = refitted(activation(tmp_path / "m.onnx", "Sigmoid"), "Sigmoid=Tanh")
    assert outcome.report.layers[0].fitted_error < 1e-6
    numbers = [
        value
        for op in outcome.model.graph.ops
        for name in op.inputs
        for value in outcome.model.graph.values.get(name, ())
        if op.name.startswith("act/")
    ]
    assert sorted(round(float(value), 3) for value in numbers)[-1] == 0.5


def test_a_relu_that_fits_takes_one_op(tmp_path: Path) -> None:
    """Clip(x, 0) is one Relu: the unfitted form has nothing else."""
    outcome = refitted(activation(tmp_path / "m.onnx", "HardSwish"), "HardSwish=Relu")
    assert outcome.report.unfitted.error > outcome.report.fitted.error


def test_a_smaller_kernel_is_the_best_of_its_size(tmp_path: Path) -> None:
    model = kernel(tmp_path / "m.onnx", 5, 2)
    outcome = refitted(model, "Conv5x5=Conv3x3", count=80)
    (layer,) = outcome.report.layers
    assert layer.made == ("Conv",)
    assert layer.fitted_error < layer.unfitted_error < 1
    made = next(op for op in outcome.model.graph.ops if op.name.startswith("big/"))
    assert outcome.model.graph.tensors[made.inputs[1]].shape == (6, 6, 3, 3)
    assert made.attributes["pads"] == (1, 1, 1, 1)


@pytest.mark.parametrize(("group", "stride"), [(1, 2), (2, 1), (6, 1)])
def test_a_kernel_that_was_padded_with_zeros_is_found_again(
    group: int, stride: int, tmp_path: Path
) -> None:
    """A 5x5 kernel whose border is 0 is a 3x3 one: nothing is lost, whatever groups and strides."""
    weights = np.zeros((6, 6 // group, 5, 5), np.float32)
    weights[:, :, 1:4, 1:4] = RNG.standard_normal((6, 6 // group, 3, 3))
    bias = RNG.standard_normal(6).astype(np.float32)
    node = helper.make_node(
        "Conv", ["a", "k", "c"], ["b"], "big", pads=[2] * 4, group=group, strides=[stride] * 2
    )
    model = network(tmp_path / "m.onnx", node, constants={"k": weights, "c": bias})
    (layer,) = refitted(model, "Conv5x5=Conv3x3", count=40).report.layers
    assert layer.unfitted_error < 1e-6
    assert layer.fitted_error < 1e-4


def test_a_dilated_kernel_reaches_as_far(tmp_path: Path) -> None:
    weights = np.zeros((6, 6, 5, 5), np.float32)
    weights[:, :, ::2, ::2] = RNG.standard_normal((6, 6, 3, 3))
    node = helper.make_node("Conv", ["a", "k"], ["b"], "big", pads=[2] * 4)
    model = network(tmp_path / "m.onnx", node, constants={"k": weights})
    assert refitted(model, "Conv5x5=Conv3x3d2", count=40).report.layers[0].fitted_error < 1e-4


@pytest.mark.parametrize(
    ("size", "stride", "pads", "group"),
    [(2, 2, [0, 0, 0, 0], 1), (4, 2, [1, 1, 1, 1], 1), (4, 2, [0, 0, 2, 2], 1),
     (5, 3, [1, 1, 1, 1], 2), (3, 1, [1, 1, 1, 1], 3)],
)  # fmt: skip
def test_a_transposed_convolution_is_found_from_data(
    size: int, stride: int, pads: list[int], group: int, tmp_path: Path
) -> None:
    """Its taps lie within 3x3 of every phase, so the fit is exact and so is the unfitted form."""
    weights = RNG.standard_normal((6, 6 // group, size, size)).astype(np.float32)
    bias = RNG.standard_normal(6).astype(np.float32)
    node = helper.make_node(
        "ConvTranspose", ["a", "k", "c"], ["b"], "up", strides=[stride] * 2, pads=pads, group=group
    )
    model = network(tmp_path / "m.onnx", node, constants={"k": weights, "c": bias})
    outcome = refitted(model, "ConvTranspose=Conv3x3", count=40)
    (layer,) = outcome.report.layers
    assert layer.made == ("Conv", "Reshape", "Transpose", "Reshape")
    assert layer.unfitted_error < 1e-6
    assert layer.fitted_error < 1e-4


def test_later_layers_make_up_for_earlier_ones(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("HardSwish", ["a"], ["t"], "one"),
        helper.make_node("Conv", ["t", "k"], ["u"], "between", pads=[2] * 4),
        helper.make_node("HardSwish", ["u"], ["b"], "two"),
    ]
    weights = (RNG.standard_normal((6, 6, 5, 5)) / 5).astype(np.float32)
    model = network(tmp_path / "m.onnx", *nodes, constants={"k": weights})
    outcome = refitted(model, "HardSwish=Relu", "Conv5x5=Conv3x3", count=60)
    assert [layer.op for layer in outcome.report.layers] == ["one", "between", "two"]
    assert outcome.report.fitted.error < outcome.report.unfitted.error


def test_the_original_stays_as_it_is(tmp_path: Path) -> None:
    model = activation(tmp_path / "m.onnx", "Gelu")
    before = model.graph.ops
    refitted(model, "Gelu=Sigmoid")
    assert model.graph.ops == before
    assert [node.op_type for node in model.onnx().graph] == ["Conv", "Gelu", "Conv"]


def test_a_fit_looks_at_no_more_than_fits_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hetsched.convert.refit.MOST_BYTES", 2 * 6 * 36 * 4 * 5)
    assert MOST_BYTES == 2**28
    (layer,) = refitted(activation(tmp_path / "m.onnx", "Gelu"), "Gelu=Sigmoid").report.layers
    assert layer.runs == 5  # an input and an output of 6 x 6 x 6 float32 each a run


def test_accuracy_is_told_on_runs_held_out(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("HardSwish", ["x"], ["a"], "act"),
        helper.make_node("Gemm", ["a", "w"], ["y"], "score"),
    ]
    weights = RNG.standard_normal((8, 4)).astype(np.float32)
    path = write(
        tmp_path / "m.onnx", nodes, inputs={"x": (1, 8)}, outputs=["y"], constants={"w": weights}
    )
    model = load(path)
    x = RNG.standard_normal((40, 8)).astype(np.float32) * 2
    labels = stacked(model, "y", arranged({"x": x}, model.graph, "x"))[:, 0].argmax(-1)
    samples = arranged({"x": x, "labels": labels}, model.graph, "x")
    report = refit(model, [parse("HardSwish=Relu")], samples).report
    assert (report.fitted_runs, report.judged_runs) == (30, 10)  # a quarter of 40
    assert (report.original.accuracy, report.original.agreement) == (1.0, 1.0)
    assert report.fitted.accuracy == report.fitted.agreement


def test_relative_is_a_root_mean_square() -> None:
    assert relative(np.array([3.0, 4.0]), np.array([3.0, 3.0])) == pytest.approx(0.2)  # 1 of 5
    assert relative(np.zeros(2), np.zeros(2)) == 0
    assert relative(np.zeros(2), np.ones(2)) == float("inf")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("HardSwish", r"'HardSwish' isn't OP=OP: try HardSwish=Relu"),
        ("HardSwich=Relu", r"no form for HardSwich: did you mean HardSwish\?"),
        ("Gelu=Softmax", r"Gelu can become Relu, Clip, Sigmoid, Tanh"),
        ("Conv5x5=Relu", r"Conv can become Conv with a kernel size: Conv3x3, Conv3x3d2"),
        ("Conv=Conv3x3", r"say which kernel size"),
        ("Conv5x5=Conv0x3", r"sizes and dilations are 1 or more"),
        ("ConvTranspose=Conv3x3d2", r"can become Conv with a kernel size: Conv3x3$"),
    ],
)
def test_wrong_replacements_say_what_there_is(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("by", "pads", "message"),
    [
        ("Conv3x3", 0, r"a kernel of \(3, 3\) has no place in one of \(5, 5\) with pads"),
        ("Conv4x4", 2, r"a kernel of \(4, 4\) has no place"),
        ("Conv3", 2, r"its kernel has 2 axes, not 1"),
    ],
)
def test_kernels_without_a_place_are_refused(
    by: str, pads: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=message):
        refitted(kernel(tmp_path / "m.onnx", 5, pads), f"Conv5x5={by}")


def test_an_output_of_another_size_is_refused(tmp_path: Path) -> None:
    weights = RNG.standard_normal((6, 6, 3, 3)).astype(np.float32)
    node = helper.make_node("ConvTranspose", ["a", "k"], ["b"], "up", strides=[2, 2])
    model = network(tmp_path / "m.onnx", node, constants={"k": weights})
    with pytest.raises(ModelError, match=r"not stride times its input.*hetsched convert"):
        refitted(model, "ConvTranspose=Conv3x3")


def test_nothing_to_replace_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="m has no op that Gelu=Relu, Mish=Relu applies to"):
        refitted(activation(tmp_path / "m.onnx", "Elu"), "Gelu=Relu", "Mish=Relu")


def test_a_target_chooses_what_it_runs(tmp_path: Path) -> None:
    model = activation(tmp_path / "m.onnx", "Mish")
    found = choose(model, Without("Mish"))
    assert [each.text for each in found] == ["Mish=Sigmoid"]
    found = choose(model, Without("Mish", "Sigmoid"))
    assert [each.text for each in found] == ["Mish=Relu"]


def test_a_target_that_needs_nothing_is_said(tmp_path: Path) -> None:
    model = activation(tmp_path / "m.onnx", "Relu")
    with pytest.raises(ModelError, match="runs all of m, converted: nothing to refit"):
        choose(model, framework_target("tnn", "naive-cpu"))


def test_what_nothing_is_near_to_is_said(tmp_path: Path) -> None:
    model = activation(tmp_path / "m.onnx", "Sin")
    with pytest.raises(ModelError, match=r"doesn't run Sin as act: no Sin; nothing near is known"):
        choose(model, Without("Sin"))

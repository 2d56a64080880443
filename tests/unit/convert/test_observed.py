"""What ops read on calibration data, and certificates that were run on it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.convert.observed import MOST_RUNS, observe
from hetsched.convert.refit_data import Samples
from hetsched.convert.rewrite import convert
from hetsched.convert.target import framework_target
from hetsched.errors import ModelError
from hetsched.ir.load import load
from hetsched.ir.model import Model

SHAPE = (1, 2)


def model(folder: Path, *nodes: onnx.NodeProto) -> Model:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, SHAPE)],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), folder / "m.onnx")
    return load(folder / "m.onnx")


def relu_sum(folder: Path) -> Model:
    """y = relu(x) + x, by a Sum that NNAPI doesn't take."""
    return model(
        folder,
        helper.make_node("Relu", ["x"], ["r"], "relu"),
        helper.make_node("Sum", ["r", "x"], ["y"], "sum"),
    )


def data(*rows: tuple[float, float]) -> Samples:
    return Samples(inputs={"x": np.array(rows, np.float32).reshape(-1, *SHAPE)})


def test_values_made_and_given_are_seen_run_by_run(tmp_path: Path) -> None:
    found = observe(relu_sum(tmp_path), ["sum"], data((1, -2), (-3, 4)))
    first, second = found.sets(["r", "x"])
    assert [array.tolist() for array in first] == [[[1, 0]], [[1, -2]]]
    assert [array.tolist() for array in second] == [[[0, 4]], [[-3, 4]]]
    assert found.sets(["r", "y"]) == []  # y wasn't looked at
    assert found.sets([]) == []


def test_few_runs_are_looked_at(tmp_path: Path) -> None:
    found = observe(relu_sum(tmp_path), ["relu"], data(*[(1, 1)] * (MOST_RUNS + 3)))
    assert len(found.sets(["x"])) == MOST_RUNS


def test_certificates_say_that_data_was_tried(tmp_path: Path) -> None:
    target = framework_target("onnxruntime", "nnapi")
    (seeded,) = convert(relu_sum(tmp_path), target).rewrites
    (tried,) = convert(relu_sum(tmp_path), target, data=data((1, -2), (-3, 4))).rewrites
    assert (seeded.certificate.calibration, tried.certificate.calibration) == (0, 2)
    assert tried.certificate.inputs == seeded.certificate.inputs + 2
    assert tried.certificate.passed


def test_data_on_which_the_model_fails_is_refused(tmp_path: Path) -> None:
    wrong = Samples(inputs={"x": np.ones((2, 1, 3), np.float32)})
    with pytest.raises(ModelError, match="can't be run"):
        convert(relu_sum(tmp_path), framework_target("onnxruntime", "nnapi"), data=wrong)

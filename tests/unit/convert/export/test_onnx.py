"""ONNX parts and their runner, run in a process of its own as its user would."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from hetsched.convert.export.frame import export
from hetsched.convert.export.part import make_part
from hetsched.convert.export.target import find
from hetsched.errors import ExportError
from hetsched.ir.load import load

from .models import two_branches, write


def exported(tmp_path: Path) -> Path:
    model = load(two_branches(tmp_path / "m.onnx"))
    parts = [
        make_part(model.graph, "s0", ["conv"], ["c"], "apu"),
        make_part(model.graph, "s1", ["left", "right", "add"], ["y", "r"], "cpu"),
    ]
    report = export(model, find("onnx"), tmp_path / "out", parts=parts)
    assert report.proof is not None
    assert report.proof.method == "run and compared"
    assert report.proof.max_rel_error is not None
    assert report.proof.max_rel_error < 1e-6  # float32: two roundings of sums of three
    return tmp_path / "out"


def run(folder: Path, *words: str) -> str:
    """`-I`: no path but Python's own, and no hetsched needed."""
    command = [sys.executable, "-I", "run.py", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_parts_are_onnx_models(tmp_path: Path) -> None:
    folder = exported(tmp_path)
    for name in ("s0", "s1"):
        onnx.checker.check_model(onnx.load(folder / f"{name}.onnx"), full_check=True)
    assert "hetsched" not in (folder / "run.py").read_text()


def test_the_runner_checks_itself_on_the_sample(tmp_path: Path) -> None:
    lines = run(exported(tmp_path)).splitlines()
    assert lines[0] == "y float32 (1, 4, 8, 8)"
    assert float(lines[1].rpartition(" ")[2]) < 1e-5
    assert lines[2] == "r float32 (1, 4, 8, 8)"


def test_the_runner_takes_other_inputs(tmp_path: Path) -> None:
    folder = exported(tmp_path)
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 8, 8), np.float32))
    run(folder, f"x={tmp_path / 'x.npy'}", "-o", str(tmp_path / "made.npz"))
    with np.load(tmp_path / "made.npz") as made:
        # a convolution of zeros without bias is 0: relu(0) + sigmoid(0) = 0.5
        assert np.array_equal(made["o0"], np.full((1, 4, 8, 8), 0.5, np.float32))


@pytest.mark.parametrize("name", ["README.md", "report.json", "sample.npz", "run.py"])
def test_everything_that_a_user_needs_goes_along(tmp_path: Path, name: str) -> None:
    assert (exported(tmp_path) / name).is_file()


def found_ones(path: Path) -> Path:
    """x -> NonZero -> Cast -> y: as many columns as there are values that aren't 0."""
    nodes = [
        helper.make_node("NonZero", ["x"], ["where"], "find"),
        helper.make_node("Cast", ["where"], ["y"], "cast", to=1),
    ]
    return write(path, nodes, inputs={"x": (3, 4)}, outputs=["y"])


def test_shapes_may_depend_on_the_data(tmp_path: Path) -> None:
    model = load(found_ones(tmp_path / "m.onnx"))
    parts = [
        make_part(model.graph, "s0", ["find"], ["where"], "cpu"),
        make_part(model.graph, "s1", ["cast"], ["y"], "gpu"),
    ]
    report = export(model, find("onnx"), tmp_path / "out", parts=parts)
    assert report.outputs[0].shape == (2, None)
    assert "| y | float32 | 2x? |" in (tmp_path / "out" / "README.md").read_text()
    np.save(tmp_path / "x.npy", np.eye(3, 4, dtype=np.float32))
    # ones at (0, 0), (1, 1), (2, 2)
    assert run(tmp_path / "out", f"x={tmp_path / 'x.npy'}") == "y float32 (2, 3)\n"


def test_other_targets_take_fixed_shapes_only(tmp_path: Path) -> None:
    model = load(found_ones(tmp_path / "m.onnx"))
    with pytest.raises(ExportError, match=r"'y' is 2x\?: its shape depends on the data"):
        export(model, find("tflite"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_ranks_may_depend_on_the_data(tmp_path: Path) -> None:
    def branch(name: str, node: onnx.NodeProto) -> onnx.GraphProto:
        return helper.make_graph([node], name, [], [onnx.ValueInfoProto(name=node.output[0])])

    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], "sum", keepdims=0),
        helper.make_node("Cast", ["sum"], ["any"], "any", to=onnx.TensorProto.BOOL),
        helper.make_node(
            "If", ["any"], ["kept"], "choose",
            then_branch=branch("then", helper.make_node("Relu", ["x"], ["same"])),
            else_branch=branch("else", helper.make_node("Flatten", ["x"], ["flat"], axis=0)),
        ),
        helper.make_node("Relu", ["kept"], ["y"], "relu"),
    ]  # fmt: skip
    model = load(write(tmp_path / "m.onnx", nodes, inputs={"x": (3, 4, 5)}, outputs=["y"]))
    parts = [
        make_part(model.graph, "s0", ["sum", "any", "choose"], ["kept"], "cpu"),
        make_part(model.graph, "s1", ["relu"], ["y"], "gpu"),
    ]
    report = export(model, find("onnx"), tmp_path / "out", parts=parts)
    assert report.outputs[0].shape is None
    np.save(tmp_path / "x.npy", np.zeros((3, 4, 5), np.float32))
    # their sum is 0: flattened to one row of 3 * 4 * 5
    assert run(tmp_path / "out", f"x={tmp_path / 'x.npy'}") == "y float32 (1, 60)\n"

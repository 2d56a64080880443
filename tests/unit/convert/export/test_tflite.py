"""TensorFlow Lite: names, layouts and order, with a stand-in for onnx2tf; the real one in full."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

from hetsched.backends.reference import reference_outputs
from hetsched.convert.export import tflite_tool as tool
from hetsched.convert.export.frame import export
from hetsched.convert.export.target import find
from hetsched.convert.export.tools import Kit, Tools
from hetsched.errors import ExportError
from hetsched.ir.load import load

from .models import two_branches


def test_names_are_plain_and_unique() -> None:
    assert tool.plain_names(["x", "a/b:0", "a_b_0", "0", "a/b:0"]) == {
        "x": "x",
        "a/b:0": "a_b_0",
        "a_b_0": "a_b_0_2",
        "0": "x_0",
    }


def test_a_renamed_file_computes_the_same(tmp_path: Path) -> None:
    source = two_branches(tmp_path / "m.onnx")
    made = tool.renamed(source, tmp_path, ["x"], ["y", "r"])
    onnx.checker.check_model(onnx.load(made.path), full_check=True)
    x = {"x": np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)}
    before, after = reference_outputs(source, x), reference_outputs(made.path, x)
    assert np.array_equal(np.asarray(before["y"]), np.asarray(after["y"]))
    assert (made.inputs, made.outputs) == ({"x": "x"}, {"y": "y", "r": "r"})


def test_an_output_is_turned_back() -> None:
    wanted = np.arange(24.0).reshape(1, 2, 3, 4)
    made, order = tool.turned(wanted.transpose(0, 2, 3, 1), wanted)
    assert np.array_equal(made, wanted)
    assert order == (0, 2, 3, 1)  # the file's dimensions are the model's 0, 2, 3 and 1


def test_of_two_layouts_the_nearer_one_is_it() -> None:
    wanted = np.random.default_rng(0).standard_normal((1, 3, 3, 3))
    assert tool.turned(wanted, wanted)[1] is None
    assert tool.turned(wanted.transpose(0, 2, 3, 1), wanted)[1] == (0, 2, 3, 1)


def test_outputs_are_matched_by_name_or_else_by_value() -> None:
    a, b = np.ones((1, 2)), np.zeros((1, 2))
    assert tool.matched({"b": b, "a": a}, {"a": a, "b": b}) == {"a": "a", "b": "b"}
    found = {"Identity": b + 1e-6, "Identity_1": a}
    assert tool.matched(found, {"a": a, "b": b}) == {"a": "Identity_1", "b": "Identity"}
    with pytest.raises(ExportError, match="onnx2tf made 1 outputs, Identity, of 2"):
        tool.matched({"Identity": a}, {"a": a, "b": b})


class StandIn:
    """Makes a copy of the ONNX file for onnx2tf, and runs it channels-last for LiteRT."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: float = 0.0) -> None:
        self.error, self.kept = error, ["nothing yet"]
        monkeypatch.setattr(Tools, "python", lambda _self, _kit: Path("python"))
        monkeypatch.setattr(tool, "convert", self.convert)
        monkeypatch.setattr(tool, "run", self.run)

    def convert(self, part: tool.Renamed, kept: Sequence[str], _tools: Tools) -> Path:
        self.kept = list(kept)
        made = part.path.with_suffix(".tflite")
        made.write_bytes(part.path.read_bytes())
        return made

    def run(
        self, path: Path, inputs: Mapping[str, np.ndarray], _folder: Path, _tools: Tools
    ) -> dict[str, np.ndarray]:
        made = reference_outputs(path, dict(inputs))
        arrays = {name: np.asarray(made[name]) for name in reversed(made)}
        return {
            name: array.transpose(0, 2, 3, 1) + self.error if array.ndim == 4 else array
            for name, array in arrays.items()
        }


def test_layout_and_order_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = StandIn(monkeypatch)
    model = load(two_branches(tmp_path / "m.onnx"))
    report = export(model, find("tflite"), tmp_path / "out")
    (part,) = report.parts
    assert part.files == ("model.tflite",)
    assert [port.name for port in part.outputs] == ["r", "y"]  # the file's order
    assert part.inputs[0].target_shape == (1, 8, 8, 3)
    assert part.outputs[0].order == (0, 2, 3, 1)
    assert stand_in.kept == []
    assert part.proof is not None
    assert part.proof.method == "run and compared"
    assert "x: float32 [1, 8, 8, 3]" in (tmp_path / "out" / "README.md").read_text()


def test_wrong_numbers_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn(monkeypatch, error=0.1)
    model = load(two_branches(tmp_path / "m.onnx"))
    with pytest.raises(ExportError, match=r"nothing was written: part model by LiteRT .* differs"):
        export(model, find("tflite"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_tool_is_said_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = load(two_branches(tmp_path / "m.onnx"))
    with pytest.raises(ExportError, match=r"onnx2tf isn't installed: .*2\.6 GB"):
        export(model, find("tflite"), tmp_path / "out", tools=Tools(make=False))
    assert not (tmp_path / "out").exists()


def test_a_failing_tool_keeps_its_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Tools, kit: Kit, arguments: Sequence[str | Path], folder: Path) -> str:
        raise ExportError("onnx2tf failed with exit code 1: op Foo is odd")

    monkeypatch.setattr(Tools, "python", lambda _self, _kit: Path("python"))
    monkeypatch.setattr(Tools, "run", fails)
    model = load(two_branches(tmp_path / "m.onnx"))
    with pytest.raises(ExportError, match="exit code 1: op Foo is odd"):
        export(model, find("tflite"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_a_tool_that_makes_no_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tools, "run", lambda *_: "working\nstill working\n")
    part = tool.renamed(two_branches(tmp_path / "m.onnx"), tmp_path, ["x"], ["y", "r"])
    with pytest.raises(ExportError, match=r"made no file: working \| still working"):
        tool.convert(part, [], Tools())


@pytest.mark.full
def test_onnx2tf_and_litert_agree(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    report = export(model, find("tflite"), tmp_path / "out", tools=Tools())
    assert report.parts[0].proof is not None
    assert report.parts[0].proof.max_rel_error is not None
    assert report.parts[0].proof.max_rel_error < 1e-5

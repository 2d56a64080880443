"""`hetsched convert`, called as a function."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.cli import main
from hetsched.cli.convert_text import _made

NNAPI = ("--framework", "onnxruntime", "--backend", "nnapi")


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in argv])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def saved(path: Path, *op_types: str) -> Path:
    """`x -> op -> op -> ... -> y`; a Sum has x as its second input."""
    names = ["x", *(f"t{index}" for index in range(len(op_types) - 1)), "y"]
    nodes = []
    for index, op_type in enumerate(op_types):
        inputs = [names[index], "x"] if op_type == "Sum" else [names[index]]
        nodes.append(helper.make_node(op_type, inputs, [names[index + 1]], f"n{index}"))
    shape = [1, 4, 8, 8]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "m.onnx", "Relu", "Sum", "HardSigmoid")


def test_a_model_is_written_and_verified(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.onnx"
    code, text, err = run(capsys, "convert", model, *NNAPI, "-o", out, "--verify")
    assert (code, err) == (0, "")
    assert text.startswith("m for onnxruntime nnapi: 2 ops blocked\n")
    assert (
        "  1 Sum became Add  (rules: sum-to-add)\n    exact; certified: max absolute error 0\n"
        in text
    )
    assert "nothing blocks any more\nverified: max relative error " in text
    assert [node.op_type for node in onnx.load(out).graph.node] == [
        "Relu",
        "Add",
        "Mul",
        "Add",
        "Clip",
    ]


def test_replacements_are_certified_on_calibration_data(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "calib.npz", x=np.ones((3, 4, 8, 8), np.float32))
    words = ("convert", model, *NNAPI, "--data", tmp_path / "calib.npz")
    code, text, _ = run(capsys, *words)
    assert code == 0
    assert "exact; certified (all on calibration data too): max absolute error 0\n" in text
    code, text, _ = run(capsys, *words, "--json")
    assert {one["calibration_inputs"] for one in json.loads(text)["rewrites"]} == {3}


def test_data_that_doesnt_fit_is_refused_before_the_work(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "calib.npz", z=np.ones((3, 4, 8, 8), np.float32))
    code, text, err = run(capsys, "convert", model, *NNAPI, "--data", tmp_path / "calib.npz")
    assert (code, text) == (1, "")
    assert "has no array 'x': it has z" in err


def test_what_still_blocks_makes_the_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / "m.onnx", "Sum", "Asinh")
    code, text, _ = run(capsys, "convert", path, *NNAPI, "--no-host")
    assert code == 3
    assert text.endswith(
        "1 ops still block:\n"
        "  1 Asinh, as n1: ONNX Runtime nnapi: Asinh not supported\n"
        "    no rule replaces it\n"
        "    scenario 4, for a human: write a custom op, or run it on the host in the\n"
        "      middle of the model\n"
    )
    assert list(tmp_path.iterdir()) == [path]


def test_long_names_are_wrapped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path / "m.onnx", "Sum", "Asinh")
    proto = onnx.load(path)
    proto.graph.node[1].name = "scope/" * 30 + "asinh"  # 185 characters
    onnx.save(proto, path)
    code, text, _ = run(capsys, "convert", path, *NNAPI, "--no-host")
    assert code == 3
    assert max(map(len, text.splitlines())) <= 80
    assert proto.graph.node[1].name in text.replace("\n    ", "")


def test_the_host_does_an_unsupported_tail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = saved(tmp_path / "m.onnx", "Sum", "Asinh"), tmp_path / "out.onnx"
    code, text, err = run(capsys, "convert", path, *NNAPI, "-o", out, "--verify")
    assert code == 0, err
    assert "the host does the tail after it: Asinh 1\n" in text
    assert "nothing blocks any more; the host has its part\n" in text
    # NumPy has no erf: ONNX Runtime runs the tail.
    names = ["out.onnx", "out.tail.onnx", "out_host.py"]
    assert [line.split("/")[-1] for line in text.splitlines()[-3:]] == names
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.onnx", *names]
    code, text, _ = run(capsys, "convert", path, *NNAPI, "--json")
    host = json.loads(text)["host"]
    assert host["tail"] == ["n1"]
    assert host["main_outputs"] == ["t0"]
    code, _, err = run(capsys, "convert", path, *NNAPI, "-o", tmp_path / "x.onnx")
    (tmp_path / "x.onnx").unlink()
    code, _, err = run(capsys, "convert", path, *NNAPI, "-o", tmp_path / "x.onnx")
    assert code == 1
    assert "x.tail.onnx exists: give another name" in err
    assert not (tmp_path / "x.onnx").exists()


def test_json(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text, _ = run(capsys, "convert", model, *NNAPI, "--json", "--verify")
    found = json.loads(text)
    assert code == 0
    assert (found["blocked"], found["remaining"], found["output"]) == (2, [], None)
    assert found["verified"]["passed"] is True
    assert found["rewrites"][0] == {
        "op": "n1", "op_type": "Sum", "rules": ["sum-to-add"], "scenario": 1, "made": ["Add"],
        "exactness": "exact", "max_abs_error": [0.0], "max_rel_error": [0.0], "bound": 0.0,
        "inputs": 4, "calibration_inputs": 0,
    }  # fmt: skip


def test_nothing_to_convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path / "m.onnx", "Relu")
    code, text, _ = run(capsys, "convert", path, "--profile", "helio-g90", "--unit", "apu")
    assert (code, text) == (0, "m for helio-g90's apu: 0 ops blocked\nnothing to convert\n")


def test_files_are_never_overwritten_unasked(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = model.read_bytes()
    code, _, err = run(capsys, "convert", model, *NNAPI, "-o", model, "--force")
    assert (code, err) == (1, f"error: {model} is the model itself: give another name\n")
    other = tmp_path / "other.onnx"
    other.write_text("mine")
    code, _, err = run(capsys, "convert", model, *NNAPI, "-o", other)
    assert (code, other.read_text()) == (1, "mine")
    assert "exists: give another name, or --force to replace it" in err
    assert run(capsys, "convert", model, *NNAPI, "-o", other, "--force")[0] == 0
    assert onnx.load(other).graph.node
    code, _, err = run(capsys, "convert", model, *NNAPI, "-o", tmp_path / "no" / "out.onnx")
    assert (code, "there is no folder" in err) == (1, True)
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give --framework or --profile"),
        (("--framework", "tnn", "--profile", "helio-g90"), "give --framework or --profile"),
        (("--profile", "helio-g90", "--backend", "apu"), "--backend apu needs --framework"),
        (("--framework", "tnn", "--unit", "gpu"), "--unit gpu needs --profile"),
    ],
)
def test_usage_errors(
    model: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    code, _, err = run(capsys, "convert", model, *options)
    assert code == 2
    assert words in " ".join(err.replace("│", " ").split())


def test_unknown_names(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "convert", model, "--framework", "onnxrt")
    assert code == 1
    assert err.startswith("error: unknown framework 'onnxrt': ")
    code, _, err = run(capsys, "convert", model, "--profile", "helio-g90", "--unit", "npu")
    assert code == 1
    assert err.startswith("error: profile 'helio-g90' has no unit 'npu': did you mean ")


def test_many_ops_are_counted() -> None:
    made = ("MatMul", *("Mul", "Add", "Mul") * 5)
    assert _made(made) == "16 ops: 10 Mul, 5 Add, 1 MatMul"
    assert _made(made[:3]) == "MatMul, Mul, Add"
    assert _made(()) == "nothing"

"""`hetsched run`, called as a function."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.cli import main
from hetsched.ir.load import load
from hetsched.plan.files import save_plan
from tests.unit.runtime.plans import plan_of


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """y = relu(x) + -x over two units, two stages on each."""
    graph = helper.make_graph(
        [
            helper.make_node("Relu", ["x"], ["a"], name="relu"),
            helper.make_node("Neg", ["x"], ["b"], name="neg"),
            helper.make_node("Add", ["a", "b"], ["y"], name="add"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "m.onnx")
    loaded = load(tmp_path / "m.onnx")
    parts = [("big", ["relu"]), ("npu", ["neg"]), ("big", ["add"])]
    save_plan(plan_of(loaded, parts), tmp_path / "m.plan.json")
    return tmp_path / "m.plan.json"


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["run", *map(str, argv)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_json_holds_what_is_promised_and_nothing_else_is_on_stdout(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.array([[1, -2], [3, -4]], np.float32)
    np.save(tmp_path / "x.npy", x)
    code, out, err = run(capsys, plan, "--input", f"x={tmp_path / 'x.npy'}", "--verify", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    y = np.array([[0, 2], [0, 4]], np.float32)  # relu(x) - x
    digest = hashlib.sha256(y.tobytes()).hexdigest()
    assert found["outputs"] == [
        {"name": "y", "shape": [2, 2], "dtype": "float32", "sha256": digest}
    ]
    assert found["predicted_ns"] == 3000
    assert found["latency_ns"] >= max(stage["latency_ns"] for stage in found["stages"])
    assert [(s["id"], s["unit"], s["backend"]) for s in found["stages"]] == [
        ("s0", "big", "ort"),
        ("s1", "npu", "ort"),
        ("s2", "big", "ort"),
    ]
    assert found["mapping"]["npu"]["backend"] == "ort"
    assert found["verified"] == {
        "max_abs_error": 0.0,
        "max_rel_error": 0.0,
        "bound": 1e-4,
        "passed": True,
        "dtype": "float32",
        "output": "y",
    }
    assert (found["runs"], found["made_up"]) == (1, [])


def test_without_verify_nothing_is_claimed(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, plan, "--json", "--repeat", 3)
    found = json.loads(out)
    assert (code, found["verified"], found["runs"], found["made_up"]) == (0, None, 3, ["x"])


def test_the_same_seed_gives_the_same_numbers(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = [
        json.loads(run(capsys, plan, "--json", "--seed", seed)[1])["outputs"][0]["sha256"]
        for seed in (1, 1, 2)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_text_names_mapping_random_data_and_verdict(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, plan, "--verify")
    assert code == 0
    assert "  npu -> cpu" in out
    assert "  random data (seed 0) for input x" in out
    assert "verified: max relative error 0, bound 0.0001" in out
    assert "by-hand's own arithmetic isn't checked" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_null_unit_computes_nothing_and_fails_verification(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, plan, "--map", "big=null", "--verify")
    assert code == 1
    assert "  big -> null-big (null: computes nothing, gives zeros)" in out
    assert "verified" not in out
    assert err.startswith("error: these aren't the unsplit model's numbers: max relative error 1")
    code, out, err = run(capsys, plan, "--map", "big=null", "--verify", "--json")
    assert code == 1
    assert json.loads(out)["verified"]["passed"] is False
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["--map", "gpu=ort"], 1, "error: the plan has no unit 'gpu': it has big, npu"),
        (
            ["--map", "big=cuda"],
            1,
            "error: unit 'big' is mapped to 'cuda': take ort, openvino, qnn, opencl or null",
        ),
        (["--map", "big"], 2, "'big' isn't UNIT=BACKEND"),
        (["--on", "moon"], 2, "'moon' isn't known: take host"),
        (["--repeat", "0"], 2, "Invalid value for '--repeat'"),
        (
            ["--input", "x=nowhere.npy"],
            1,
            "error: input 'x': nowhere.npy can't be read: No such file",
        ),
        (["--model", "nowhere.onnx"], 1, "error: "),
    ],
)
def test_wrong_options_are_one_clear_line(
    plan: Path,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    code: int,
    message: str,
) -> None:
    ended, out, err = run(capsys, plan, "--json", *argv)
    assert (ended, out) == (code, "")
    assert message in err
    assert code == 2 or len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("z", np.zeros((2, 2), np.float32), "error: the model has no input 'z': it has x"),
        ("x", np.zeros((2, 2)), "error: input 'x' is float64 of shape (2, 2): give float32 of"),
        ("x", np.zeros(3, np.float32), "error: input 'x' is float32 of shape (3,): give float32"),
    ],
)
def test_wrong_arrays_are_named(
    plan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    array: np.ndarray,
    message: str,
) -> None:
    np.save(tmp_path / "v.npy", array)
    code, _, err = run(capsys, plan, "--input", f"{name}={tmp_path / 'v.npy'}")
    assert code == 1
    assert err.startswith(message)


def test_another_file_is_not_an_array(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "v.npy").write_text("no array")
    code, _, err = run(capsys, plan, "--input", f"x={tmp_path / 'v.npy'}")
    assert code == 1
    assert "v.npy is not a .npy file: `numpy.save` writes one" in err


def test_an_archive_is_not_an_array(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "v.npz", x=np.zeros(1))
    code, _, err = run(capsys, plan, "--input", f"x={tmp_path / 'v.npz'}")
    assert code == 1
    assert "holds several arrays" in err


def test_another_model_is_refused_with_both_digests(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.onnx"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    model = onnx.load(path)
    model.graph.node[0].op_type = "Abs"
    onnx.save(model, path)
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    code, _, err = run(capsys, plan)
    assert code == 1
    assert before in err
    assert after in err


def test_a_moved_model_is_found_by_option(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.onnx").rename(tmp_path / "moved.onnx")
    assert run(capsys, plan)[0] == 1
    assert run(capsys, plan, "--model", tmp_path / "moved.onnx", "--verify")[0] == 0


@pytest.mark.parametrize(
    ("engine", "shown", "dtype", "bound"),
    [
        ("openvino", "openvino", "float32", 1e-4),
        ("qnn", "qnn (emulated)", "float16", 1e-2),
        ("opencl", "opencl", "float32", 1e-4),
    ],
)
def test_a_unit_can_be_mapped_to_any_engine(
    plan: Path,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    shown: str,
    dtype: str,
    bound: float,
) -> None:
    """The bound goes by the lowest arithmetic of the engines that took part."""
    code, out, _ = run(capsys, plan, "--map", f"npu={engine}", "--verify", "--json")
    assert code == 0
    found = json.loads(out)
    assert [stage["backend"] for stage in found["stages"]] == ["ort", shown, "ort"]
    assert found["mapping"]["npu"] == {
        "backend": shown,
        "on": engine,
        "emulated": engine == "qnn",
    }
    assert (found["verified"]["dtype"], found["verified"]["bound"]) == (dtype, bound)
    assert found["verified"]["passed"]


def test_the_mapping_is_printed(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, plan, "--map", "npu=qnn")
    assert code == 0
    assert "  npu -> qnn (qnn (emulated): Qualcomm's HTP (Hexagon NPU), through ONNX" in out
    assert "times of an emulated unit say nothing of its hardware" in out

"""`hetsched refit`, called as a function."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from hetsched.cli import main

from .models import write_model


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in argv])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "m.onnx", "HardSwish")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    x = np.random.default_rng(1).standard_normal((12, 3, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x)
    return tmp_path / "d.npz"


def test_accuracy_before_and_after_is_printed_and_stored(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.onnx"
    words = ("--replace", "HardSwish=Relu", "--data", data, "-o", out, "--verify")
    code, text, err = run(capsys, "refit", model, *words)
    assert (code, err) == (0, "")
    lines = text.splitlines()
    assert lines[0] == "m: 1 layer replaced, fitted to 9 runs, judged on 3 others"
    assert lines[1].startswith("  hardswish: HardSwish became Add, Relu, Mul, ")
    assert [line[:14].strip() for line in lines[4:7]] == [
        "original",
        "before fitting",
        "after fitting",
    ]
    assert "HardSwish" not in [node.op_type for node in onnx.load(out).graph.node]
    stored = json.loads((tmp_path / "out.refit.json").read_text())
    assert 0 < stored["fitted"]["error"] < stored["unfitted"]["error"]
    assert stored["original"]["error"] == 0


def test_json_is_one_object(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.onnx"
    words = ("--replace", "HardSwish=Sigmoid", "--data", data, "-o", out, "--json")
    code, text, _ = run(capsys, "refit", model, *words)
    assert code == 0
    assert json.loads(text)["layers"][0]["op_type"] == "HardSwish"


def test_a_fit_that_is_too_far_off_is_refused(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--replace", "HardSwish=Tanh", "--data", data, "-o", tmp_path / "out.onnx")
    code, text, err = run(capsys, "refit", model, *words, "--verify", "--bound", "1e-4")
    assert (code, text) == (1, "")
    assert "error: nothing was written: the refitted outputs differ by" in err
    assert sorted(tmp_path.iterdir()) == [data, model]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "give --replace or --framework, one of them"),
        (("--replace", "A=B", "--backend", "nnapi"), 2, "--backend nnapi needs --framework"),
        (("--replace", "HardSwish=Gelu"), 1, "HardSwish can become Relu, Clip, Sigmoid, Tanh"),
        (("--replace", "Mish=Relu"), 1, "m has no op that Mish=Relu applies to"),
        (("--framework", "tnnn"), 1, "unknown framework 'tnnn': did you mean 'tnn'?"),
    ],
)
def test_bad_input_writes_nothing(
    model: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    out = tmp_path / "out.onnx"
    found, _, err = run(capsys, "refit", model, *words, "--data", data, "-o", out)
    assert found == code
    assert message in " ".join(err.replace("│", " ").split())
    assert sorted(tmp_path.iterdir()) == [data, model]


def test_existing_files_stay(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out.refit.json").write_text("mine")
    words = ("--replace", "HardSwish=Relu", "--data", data, "-o", tmp_path / "out.onnx")
    code, _, err = run(capsys, "refit", model, *words)
    assert code == 1
    assert "out.refit.json exists: give another name, or --force" in err
    code, _, err = run(capsys, "refit", model, *words[:-1], model)
    assert "is the model itself" in err


def test_a_framework_gets_what_it_runs(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """MACE's APU has no Softsign and no exact form of one; Tanh it has."""
    model = write_model(tmp_path / "soft.onnx", "Softsign")
    words = ("--framework", "mace", "--backend", "apu", "--data", data)
    code, text, err = run(capsys, "refit", model, *words, "-o", tmp_path / "out.onnx", "--json")
    found = json.loads(text)
    assert err == ""
    assert found["layers"][0]["replacement"] == "Softsign=Tanh"
    assert (code, found["remaining"]) == (0, {})


def test_what_still_blocks_is_listed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_model(tmp_path / "soft.onnx", "Softsign", "Sin")
    words = ("--framework", "mace", "--backend", "apu", "--data", data)
    code, text, _ = run(capsys, "refit", model, *words, "-o", tmp_path / "out.onnx")
    assert code == 3
    assert "ops still block:\n" in text
    assert "  sin: MACE converter: " in text

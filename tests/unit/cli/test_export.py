"""`hetsched export`, called as a function."""

import json
import subprocess
import sys
from pathlib import Path

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
    return write_model(tmp_path / "m.onnx", "Relu", "Sigmoid")


def test_a_model_becomes_a_folder(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code, text, err = run(capsys, "export", model, "--to", "onnx", "-o", out)
    assert (code, err) == (0, "")
    assert text.startswith(f"m for onnx: 1 part, 1 file in {out}\n  proven: the whole, part by ")
    done = subprocess.run(
        [sys.executable, "-I", out / "run.py"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("t2 float32 (1, 8, 16, 16)\n")


def test_a_plan_becomes_its_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_model(tmp_path / "two.onnx", "Relu", "Softmax", "Sigmoid")
    plan = tmp_path / "two.plan.json"
    pins = ("--pin", "conv=apu", "--pin", "softmax=cpu-big")
    assert run(capsys, "plan", model, "--profile", "helio-g90", *pins, "-o", plan)[0] == 0
    stored = json.loads(plan.read_text())
    code, text, _ = run(capsys, "export", plan, "--to", "onnx", "-o", tmp_path / "out", "--json")
    assert code == 0
    report = json.loads(text)
    assert [(p["name"], p["unit"]) for p in report["parts"]] == [
        (s["id"], s["unit"]) for s in stored["subgraphs"]
    ]
    assert len(report["parts"]) > 1
    assert report["proof"]["max_rel_error"] <= report["proof"]["bound"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("m.onnx", "--to", "onx"), 1, "error: unknown target 'onx': did you mean 'onnx'? known"),
        (("gone.onnx", "--to", "onnx"), 1, "error: "),
        (("m.onnx", "--to", "onnx", "--model", "x.onnx"), 2, "--model is for plans"),
        (("m.onnx", "--to", "onnx", "--no-tools", "--prove"), 2, "contradict each other"),
        (("p.json", "--to", "onnx", "--shape", "x=1"), 2, "--shape is for models"),
    ],
)
def test_bad_input_writes_nothing(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found, out, err = run(capsys, "export", *words, "-o", "out")
    assert (found, out) == (code, "")
    assert message in " ".join(err.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == [model]


def test_an_existing_folder_is_refused_before_the_work(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    code, _, err = run(capsys, "export", "gone.onnx", "--to", "onnx", "-o", tmp_path / "out")
    assert code == 1
    assert "out exists: give another name, or --force" in err

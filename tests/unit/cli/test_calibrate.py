import importlib
import json
from pathlib import Path

import pytest

from hetsched.cli import main
from hetsched.data import data_dir
from hetsched.soc.catalog import profile
from tests.unit.cli.models import write_model

ROOT = data_dir("profiles").parent


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(words)
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_errors_are_printed_and_the_file_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "out.toml"
    code, out, _ = run(capsys, "calibrate", "raspberry-pi-4b", "-o", str(target), "--check")
    assert code == 0
    assert out.startswith("unit        dtype    models   median     90% held out   tau  verdict")
    assert max(len(line) for line in out.splitlines()) <= 80
    assert profile(str(target)).sha256 == profile("raspberry-pi-4b").sha256
    code, _, err = run(capsys, "calibrate", "raspberry-pi-4b", "-o", str(target))
    assert (code, err) == (
        1,
        f"error: {target} exists: give another name, or --force to replace it\n",
    )


def test_a_stale_profile_fails_the_check(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (data_dir("profiles") / "raspberry-pi-4b.toml").read_text(encoding="utf-8")
    pointwise = profile("raspberry-pi-4b").unit("cpu").rates["float32"].pointwise.value
    stale = tmp_path / "stale.toml"
    stale.write_text(
        text.replace(f"pointwise = {{ value = {pointwise:g},", "pointwise = { value = 1,")
    )
    code, _, err = run(capsys, "calibrate", str(stale), "--check")
    assert code == 1
    assert err.startswith("error: profile raspberry-pi-4b is out of date: cpu float32 pointwise: 1")
    assert err.count("\n") == 1


def test_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "calibrate", "raspberry-pi-4b", "--json")
    found = json.loads(out)
    assert found["profile"] == "raspberry-pi-4b"
    assert found["units"][0]["calibration"]["models"] == 25


def test_own_rows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    soc, rows = tmp_path / "my-soc.toml", tmp_path / "my.csv"
    assert run(capsys, "profiles", "new", "my-soc", "-o", str(soc))[0] == 0
    text = soc.read_text(encoding="utf-8")
    soc.write_text(text.replace("# rows = [{", "rows = [{"), encoding="utf-8")
    rows.write_text(
        "soc,unit,dtype,model,input_shape,ms\n"
        "my-soc,cpu:big,fp32,mobilenet_v1,1x3x224x224,40\n"
        "my-soc,cpu:big,fp32,resnet50,1x3x224x224,250\n"
    )
    code, out, _ = run(
        capsys, "calibrate", str(soc), "--rows", str(rows), "-o", str(soc), "--force"
    )
    assert code == 0
    assert "not validated, 2 models, 8 are needed: cpu float32" in out
    assert profile(str(soc)).unit("cpu").calibration["float32"].models == 2
    assert "# The memory that all units share." in soc.read_text(encoding="utf-8")


def test_new_refuses_to_overwrite_and_odd_names(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "my-soc.toml"
    target.write_text("mine")
    code, _, err = run(capsys, "profiles", "new", "my-soc", "-o", str(target))
    assert (code, target.read_text()) == (1, "mine")
    assert "exists: give another name, or --force" in err
    assert run(capsys, "profiles", "new", "my-soc", "-o", str(target), "--force")[0] == 0
    assert profile(str(target)).name == "my-soc"
    code, _, err = run(capsys, "profiles", "new", "My SoC", "-o", str(target), "--force")
    assert (code, err.count("\n")) == (1, 1)


def test_show_says_what_is_reproduced(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "profiles", "show", "rk3588", "--rows")
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "cpu-big float16, all rows:" in out
    assert "  vgg16 1x3x224x224" in out


def test_the_documented_errors_are_todays(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/calibration.md holds the output of `hetsched profiles errors`, and two more tables."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    script = importlib.import_module("profile_errors")
    text = script.DOC.read_text(encoding="utf-8")
    assert script.updated(text) == text


def test_rows_of_a_model_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A row may name an .onnx file: its features are computed; its shape must be the model's."""
    model = write_model(tmp_path / "tiny.onnx", "Relu")
    soc, rows = tmp_path / "my-soc.toml", tmp_path / "my.csv"
    run(capsys, "profiles", "new", "my-soc", "-o", str(soc))
    text = soc.read_text(encoding="utf-8")
    soc.write_text(text.replace("# rows = [{", "rows = [{"), encoding="utf-8")
    row = f"soc,unit,dtype,model,input_shape,ms\nmy-soc,cpu:big,fp32,{model},1x3x16x16,0.2\n"
    rows.write_text(row, encoding="utf-8")
    code, out, _ = run(capsys, "calibrate", str(soc), "--rows", str(rows))
    assert code == 0
    assert "not validated, 1 model, 8 are needed: cpu float32" in out
    rows.write_text(row.replace("16x16", "8x8"), encoding="utf-8")
    code, _, err = run(capsys, "calibrate", str(soc), "--rows", str(rows))
    assert (code, err.count("\n")) == (1, 1)
    assert "my.csv:2: input_shape 1x3x8x8" in err
    assert "should be 1x3x16x16" in err


def test_a_time_beyond_the_peak_changes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """ResNet-50 in 0.01 ms, as when seconds were taken for milliseconds."""
    soc, rows = tmp_path / "my-soc.toml", tmp_path / "my.csv"
    run(capsys, "profiles", "new", "my-soc", "-o", str(soc))
    text = soc.read_text(encoding="utf-8").replace("# rows = [{", "rows = [{")
    soc.write_text(text, encoding="utf-8")
    rows.write_text(
        "soc,unit,dtype,model,input_shape,ms\nmy-soc,cpu:big,fp32,resnet50,1x3x224x224,0.01\n"
    )
    code, _, err = run(
        capsys, "calibrate", str(soc), "--rows", str(rows), "-o", str(soc), "--force"
    )
    assert (code, err.count("\n")) == (1, 1)
    assert "my.csv:2: resnet50 in 0.01 ms is beyond the physical peak of 32 GMAC/s" in err
    assert soc.read_text(encoding="utf-8") == text

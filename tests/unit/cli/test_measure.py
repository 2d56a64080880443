"""`hetsched measure`: what it prints, keeps and writes, and how it refuses."""

import json
from pathlib import Path

import pytest

from hetsched.cost.store import CostStore
from hetsched.soc.catalog import read

from .models import write_model
from .test_plan import run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny.onnx", "Relu", "Softmax")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Few runs; the store's path."""
    monkeypatch.setattr("hetsched.cost.measure_model.EMPTY_RUNS", 5)
    monkeypatch.setattr("hetsched.cost.measure_model.HAND_OFF_RUNS", 5)
    monkeypatch.setattr("hetsched.cost.links.SIZES", (1024, 4096))
    monkeypatch.setattr("hetsched.cost.measure.BLOCK_NS", 0)
    return tmp_path / "costs.sqlite"


def test_a_model_is_measured_kept_and_found_again(
    model: Path, quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("measure", model, "--budget", "100ms", "--store", quick, "--no-links", "--json")
    assert run(*words) == 0
    body = json.loads(capsys.readouterr().out)
    (row,) = body["models"]
    assert (row["model"], row["threads"], row["dtype"]) == ("tiny", 1, "float32")
    assert (row["reused"], row["load"]["runs"] > 0) == (0, True)
    assert 0 < row["low_ns"] <= row["latency_ns"] <= row["high_ns"]
    assert (body["interrupted"], body["links"], body["power"]) == (False, [], [])
    kinds = {record.kind for record in CostStore(quick).records()}
    assert kinds >= {"group", "model", "dispatch"}
    assert run(*words) == 0
    again = json.loads(capsys.readouterr().out)["models"][0]
    assert (again["latency_ns"], again["pieces"]) == (row["latency_ns"], None)


def test_the_text_fits_80_columns(
    model: Path, quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("measure", model, "--budget", "50ms", "--store", quick) == 0
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if str(quick) not in line]
    assert lines[0].split()[:4] == ["model", "units", "latency", "known"]
    assert lines[1].startswith("tiny ")
    assert any(line.startswith("power") for line in lines)
    assert max(map(len, lines)) <= 80


def test_the_profile_that_is_written_costs_any_model(
    model: Path, quick: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "desk.toml"
    words = ("measure", model, "--budget", "50ms", "--store", quick, "--no-links")
    assert run(*words, "--profile-out", out) == 0
    profile = read(out)
    assert profile.name == "desk"
    assert profile.units[0].rates["float32"].pointwise.origin == "calibrated"
    # Only a 1x1 convolution was measured: the rest is assumed from it, and says so.
    assert profile.units[0].rates["float32"].depthwise.origin == "assumed"
    capsys.readouterr()
    other = write_model(tmp_path / "other.onnx", "Sigmoid", "Softmax")
    assert run("plan", other, "--profile", out, "--store", quick, "--json") == 0
    assert json.loads(capsys.readouterr().out)["profile"]["name"] == "desk"
    assert run(*words, "--profile-out", out) == 1
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--threads", "0"), "--threads 0: give counts from 1 on"),
        (("--threads", "1,x"), "--threads 1,x"),
        (("--threads", "999"), "999 threads: "),
        (("--budget", "soon"), "--budget: 'soon' is not a duration"),
        (("--units", "npu7"), "unit 'npu7' isn't on this machine"),
        (("--profile-out", "x.json"), "must end in .toml"),
        (("--profile-out", "none/x.toml"), "there is no folder none"),
    ],
)
def test_wrong_options_are_refused(
    model: Path,
    quick: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    assert run("measure", model, "--store", quick, *words) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_ctrl_c_keeps_what_was_measured(
    model: Path, quick: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hetsched.cost.measured import costs_on

    calls = iter(range(9))

    def press(*args: object, **options: object) -> object:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return costs_on(*args, **options)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr("hetsched.cost.measure_session.costs_on", press)
    other = write_model(model.with_name("other.onnx"), "Sigmoid", "Softmax")
    words = ("measure", model, other, "--budget", "50ms", "--store", quick)
    assert run(*words) == 130
    out = capsys.readouterr().out
    assert "tiny" in out
    assert "interrupted: what was measured is in" in out
    kept = {record.model for record in CostStore(quick).records()}
    assert "tiny" in kept
    assert "other" not in kept

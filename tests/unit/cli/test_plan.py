"""`hetsched plan`: what it prints and writes, and how it refuses."""

import json
from pathlib import Path

import pytest

from hetsched.cli import main
from hetsched.plan.files import load_plan

from .models import write_model

PROMISED = {
    "schema", "model", "profile", "status", "gap", "solve_s", "objective", "baselines",
    "latency_ns", "latency_low_ns", "latency_high_ns", "throughput_rps", "energy_uj",
    "peak_memory_bytes", "accuracy", "subgraphs", "transfers", "host_stages", "rewrites",
}  # fmt: skip


def run(*words: str | Path) -> int:
    """The exit code of a command."""
    try:
        main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny.onnx", "Relu", "HardSigmoid")


def test_json_holds_every_promised_key_and_nothing_else_on_stdout(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("plan", model, "--profile", "helio-g90", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert set(body) >= PROMISED
    assert body["model"] | {"sha256": "", "prepared_sha256": "", "ref": ""} == {
        "name": "tiny", "ref": "", "sha256": "", "ops": 3, "shapes": {"x": [1, 3, 16, 16]},
        "prepared_sha256": "",
    }  # fmt: skip
    assert set(body["baselines"]) == {"cpu", "best-single-unit", "first-fit", "heft"}
    assert body["objective"]["value"] == body["latency_ns"]
    assert {op for part in body["subgraphs"] for op in part["ops"]} == {
        "conv",
        "relu",
        "hardsigmoid",
    }


def test_the_same_seed_and_options_give_the_same_file(model: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    assert run("plan", model, "--profile", "helio-g90", "-o", first) == 0
    assert run("plan", model, "--profile", "helio-g90", "-o", second) == 0
    assert first.read_bytes() == second.read_bytes()


def test_a_pin_is_kept_and_the_gap_is_told(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.json"
    code = run("plan", model, "--profile", "helio-g90", "--pin", "hardsigmoid=gpu", "-o", out)
    assert code == 0
    plan = load_plan(out)
    assert {part.unit for part in plan.subgraphs if "hardsigmoid" in part.ops} == {"gpu"}
    assert plan.options.pins == {"hardsigmoid": "gpu"}


def test_long_stages_are_cut(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.json"
    assert run("plan", model, "--profile", "helio-g90", "--max-stage", "1us", "-o", out) == 0
    assert len(load_plan(out).subgraphs) >= 2


def test_an_int8_unit_says_that_accuracy_is_not_checked(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("plan", model, "--profile", "helio-g90", "--pin", "conv=apu") == 0
    assert "apu: needs int8, accuracy not checked" in capsys.readouterr().out


def test_an_existing_output_is_left_alone_without_force(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p.json"
    out.write_text("precious")
    assert run("plan", model, "--profile", "helio-g90", "-o", out) == 1
    assert out.read_text() == "precious"
    assert "--force" in capsys.readouterr().err
    assert run("plan", model, "--profile", "helio-g90", "-o", out, "--force") == 0


def test_the_model_is_never_replaced_by_its_plan(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = model.read_bytes()
    assert run("plan", model, "--profile", "helio-g90", "-o", model, "--force") == 1
    assert "is the model itself" in capsys.readouterr().err
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--profile", "helio-g9O"), 1, "helio-g90"),
        (("--profile", "helio-g90", "--objective", "speed"), 1, "latency, throughput, energy"),
        (("--profile", "helio-g90", "--pin", "nope=gpu"), 1, "no op 'nope'"),
        (("--profile", "helio-g90", "--pin", "relu=tpu"), 1, "no unit 'tpu'"),
        (("--profile", "helio-g90", "--pin", "relu"), 2, "OP=UNIT"),
        (("--profile", "helio-g90", "--pin", "hardsigmoid=apu"), 1, "HARDSIGMOID"),
        (("--profile", "helio-g90", "--max-subgraphs", "gpu=x"), 2, "UNIT=N"),
        (("--profile", "helio-g90", "--max-subgraphs", "tpu=1"), 1, "no unit 'tpu'"),
        (("--profile", "helio-g90", "--max-stage", "5"), 1, "--max-stage: '5' is not a duration"),
        (("--profile", "helio-g90", "-o", "no/folder/p.json"), 1, "no folder no/folder"),
        (("--profile", "helio-g90", "--time-limit", "0s"), 1, "out of range"),
        (("--profile", "helio-g90", "--gap", "2"), 1, "gap"),
        (("--profile", "helio-g90", "--shape", "x=1,3,32"), 1, "x"),
        (("--profile", "helio-g90", "--shape", "y=1,3,16,16"), 1, "y"),
        (("--profile", "helio-g90", "--shape", "x=a,b"), 2, "NAME=1,3,480,640"),
        (("--profile", "helio-g90", "--framework", "nope"), 1, "nope"),
        ((), 2, "--profile"),
    ],
)
def test_wrong_options_are_refused_in_one_line(
    model: Path, words: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("plan", model, *words) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    if code == 1:
        assert captured.err.startswith("error: ")
        assert len(captured.err.splitlines()) == 1


def test_an_op_that_no_unit_runs_is_named_with_each_units_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_model(tmp_path / "m.onnx", "Relu")
    code = run("plan", model, "--profile", "helio-g90", "--max-subgraphs", "cpu-big=0",
               "--max-subgraphs", "cpu-little=0", "--max-subgraphs", "gpu=0",
               "--max-subgraphs", "apu=0")  # fmt: skip
    assert code == 1
    assert "max" in capsys.readouterr().err


def test_an_infeasible_problem_says_so_as_json_too(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caps = [f"--max-subgraphs={unit}=0" for unit in ("cpu-big", "cpu-little", "gpu", "apu")]
    assert run("plan", model, "--profile", "helio-g90", "--json", *caps) == 1
    said = capsys.readouterr()
    body = json.loads(said.out)
    assert set(body) == {"schema", "status", "reason"}
    assert (body["schema"], body["status"]) == (1, "infeasible")
    assert "may run no subgraph" in body["reason"]
    assert body["reason"] in said.err.replace("\n", " ")

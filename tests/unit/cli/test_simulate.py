"""`hetsched simulate` and `hetsched sweep`: figures, files, refusals."""

import json
from pathlib import Path

import pytest

from hetsched.cli import main

LAYERS = """model,layer,type,N,K,C,Y,X,R,S,stride_y,stride_x
m,a,CONV,1,32,3,64,64,3,3,,
"""
TEXT = """
name = "tiny"
duration = "1s"
[[apps]]
name = "one"
chain = { file = "layers.csv", model = "m" }
rate = 50
deadline = "20ms"
"""
APP = {
    "name", "requests", "completed", "missed", "dropped", "cancelled", "failed", "in_flight",
    "p50_ns", "p95_ns", "p99_ns", "energy_uj",
}  # fmt: skip


def run(*words: str | Path) -> int:
    """The exit code of a command."""
    try:
        main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layers.csv").write_text(LAYERS)
    path = tmp_path / "w.toml"
    path.write_text(TEXT)
    return path


def test_json_has_what_is_promised(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", file, "--profile", "helio-g90", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert set(body) >= {"apps", "units", "events", "wall_s", "xrbench_score", "series"}
    assert set(body["apps"][0]) >= APP
    assert set(body["units"][0]) >= {"name", "utilization", "energy_uj"}
    assert body["apps"][0]["requests"] == 50
    assert len(body["series"]["time_ns"]) == 100
    assert body["plans"][0]["gap"] is not None


def test_same_seed_same_bytes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def once() -> str:
        assert run("simulate", file, "--profile", "helio-g90", "--seed", "3", "--json") == 0
        body = json.loads(capsys.readouterr().out)
        body.pop("wall_s")
        return json.dumps(body)

    assert once() == once()


def test_people_read_it_in_80_columns(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run("simulate", file, "--profile", "helio-g90", "--find-max-load") == 0
    shown = capsys.readouterr().out
    assert "tiny on helio-g90: simulated, nothing was measured" in shown
    assert "largest load" in shown
    assert "temperature    unknown" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_trace_and_object_are_written_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("simulate", file, "--profile", "helio-g90", "--trace", "t.trace", "-o", "o.json")
    assert run(*words) == 0
    from hetsched.trace import load_trace

    assert len(load_trace("t.trace").events) > 100
    assert json.loads(Path("o.json").read_text())["schema"] == 1
    assert run(*words) == 1
    assert "t.trace exists: give another name, or --force" in capsys.readouterr().err
    assert run(*words, "--force") == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rate = 50", "rate = -1", "rate -1.0 must be above 0"),
        ('"20ms"', '"1us"', "app 'one': deadline 1.000 us is"),
        ("rate = 50", 'after = { app = "two" }', "after app 'two', which isn't there"),
        ('"m"', '"n"', "has no model 'n': it has m"),
    ],
)
def test_bad_workloads_get_one_line(
    file: Path, old: str, new: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(TEXT.replace(old, new))
    assert run("simulate", file, "--profile", "helio-g90") == 1
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.startswith("error: ")
    assert said in seen.err
    assert seen.err.count("\n") == 1


def test_a_sweep_is_one_table_and_goes_on(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sweep", file, "--profiles", "helio-g90,kirin-990", "--policies", "edf", "--jobs", "1")
    assert run(*words, "--scale", "1", "-o", "s") == 0
    assert len(Path("s.csv").read_text().splitlines()) == 3
    assert Path("s.svg").read_text().startswith("<svg")
    assert "helio-g90" in capsys.readouterr().out
    assert run(*words, "--scale", "1,2", "-o", "s", "--json") == 0
    seen = capsys.readouterr()
    assert "2 of 4 points were done before" in seen.err
    rows = json.loads(seen.out)["rows"]
    assert [(row["profile"], row["scale"]) for row in rows] == [
        ("helio-g90", 1.0), ("helio-g90", 2.0), ("kirin-990", 1.0), ("kirin-990", 2.0),
    ]  # fmt: skip


def test_a_half_written_sweep_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sweep", file, "--profiles", "helio-g90", "--jobs", "1", "-o", "s")
    assert run(*words) == 0
    whole = Path("s.sqlite").read_bytes()
    Path("s.sqlite").write_bytes(whole[: len(whole) // 2])
    capsys.readouterr()
    assert run(*words) == 1
    assert "error: s.sqlite is damaged or half-written" in capsys.readouterr().err


def test_others_files_are_not_replaced(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.csv").write_text("mine")
    assert run("sweep", file, "--profiles", "helio-g90", "-o", "s") == 1
    assert "s.csv exists" in capsys.readouterr().err
    assert Path("s.csv").read_text() == "mine"


@pytest.mark.parametrize(
    "words",
    [
        ("--profiles", "helio-g90", "--scale", "0"),
        ("--profiles", "helio-g90", "--scale", "x"),
        ("--profiles", "helio-g90", "--seeds", "4..1"),
        ("--profiles", "helio-g90", "--policies", "edff"),
        ("--profiles", "helio-g90", "--objectives", "speed"),
        ("--profiles", ","),
        ("--profiles", "helio-g90,helio-g90"),
    ],
)
def test_wrong_options_are_usage_errors(file: Path, words: tuple[str, ...]) -> None:
    assert run("sweep", file, *words) == 2
    assert not list(Path().glob("*.sqlite"))

"""`hetsched costs`: looking into the store, out of it and into it."""

import json
import sqlite3
from pathlib import Path

import pytest

from hetsched.cost.store import CostStore
from hetsched.cost.store_records import MODEL, Entry, Facts, Measurement
from hetsched.quantity import Origin

from .test_plan import run

HOST: Facts = {"model name": "A core", "runtime": "onnxruntime 1.2", "threads": 1}


def entry(signature: str, model: str = "net", when: str = "2026-01-02T03:04:05Z") -> Entry:
    return Entry(
        signature=signature,
        dtype="float32",
        what=f"Conv {signature}",
        model=model,
        measured_at=when,
        origin=Origin.MEASURED,
        runs=7,
        latency_ns=1000,
        low_ns=900,
        high_ns=1500,
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    made = CostStore(tmp_path / "costs.sqlite")
    made.put_entries([entry("s0"), entry("s1"), entry("s2", "other", "2020-01-01T00:00:00Z")], HOST)
    made.put_entries([entry("s0")], {**HOST, "threads": 2})
    made.put(
        Measurement(
            kind=MODEL, digest="d", measured_at="2026-01-02T03:04:05Z", origin=Origin.MEASURED,
            dtype="float32", runs=5, latency_ns=5000, low_ns=5000, high_ns=5000, title="net",
        ),
        HOST,
    )  # fmt: skip
    return made.path


def listed(capsys: pytest.CaptureFixture[str], store: Path, *words: str) -> list[str]:
    """Digests of the records that are listed."""
    capsys.readouterr()
    assert run("costs", "list", "--store", store, "--json", *words) == 0
    return [record["digest"] for record in json.loads(capsys.readouterr().out)["records"]]


def test_list_shows_units_medians_and_spread(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("costs", "list", "--store", store, "--limit", "2") == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:6] == [
        "A core, onnxruntime 1.2, 1 thread",
        "  what                                   median    spread    runs  date",
        "  model net                            5.000 us     -0+0%       5  2026-01-02",
        "  Conv s0                              1.000 us   -10+50%       7  2026-01-02",
        "  Conv s1                              1.000 us   -10+50%       7  2026-01-02",
        "  ...  (1 more)",
    ]
    assert f"5 records in {store}" in out
    assert max(map(len, out.splitlines()[:-1])) <= 80


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["s0", "s1", "s2", "s0", "d"]),
        (("--model", "other"), ["s2"]),
        (("--model", "zoo:net"), ["s0", "s1", "s0", "d"]),
        (("--unit", "2 threads"), ["s0"]),
        (("--origin", "calibrated"), []),
        (("--older-than", "1000d", "--model", "other"), ["s2"]),
        (("--newer-than", "1min"), []),
    ],
)
def test_filters(
    store: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    expected: list[str],
) -> None:
    assert listed(capsys, store, *words) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--origin", "guessed"), "--origin guessed: take one of measured"),
        (("--older-than", "soon"), "--older-than soon: give a number and d, h or min"),
    ],
)
def test_wrong_filters_are_refused(
    store: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert run("costs", "list", "--store", store, *words) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.csv", "out.json"])
@pytest.mark.parametrize("back", ["import", "merge"])
def test_what_is_exported_comes_back(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, back: str
) -> None:
    out, other = tmp_path / name, tmp_path / "other.sqlite"
    assert run("costs", "export", out, "--store", store, "--model", "net") == 0
    assert "4 records written" in capsys.readouterr().out
    assert run("costs", "export", out, "--store", store) == 1
    assert "--force" in capsys.readouterr().err
    assert run("costs", back, out, "--store", other) == 0
    assert "4 of them new or newer" in capsys.readouterr().out
    assert CostStore(other).get_entries(["s0"], HOST) == (entry("s0"),)


def test_merge_takes_another_store(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.sqlite"
    assert run("costs", "merge", store, "--store", other, "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["read"], body["taken"]) == (5, 5)
    assert listed(capsys, other) == listed(capsys, store)


def test_merge_takes_nothing_when_one_source_is_wrong(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, other = tmp_path / "wrong.csv", tmp_path / "other.sqlite"
    wrong.write_text("what,ms\nconv,3\n")
    assert run("costs", "merge", store, wrong, "--store", other) == 1
    assert "neither a cost store nor" in capsys.readouterr().err
    assert not other.exists()


def test_drop_asks_first(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("costs", "drop", "--store", store) == 1
    assert "say what" in capsys.readouterr().err
    assert run("costs", "drop", "--store", store, "--model", "other") == 1
    assert "1 record" in capsys.readouterr().err
    assert len(listed(capsys, store)) == 5
    assert run("costs", "drop", "--store", store, "--model", "other", "--force") == 0
    assert listed(capsys, store) == ["s0", "s1", "s0", "d"]
    assert run("costs", "drop", "--store", store, "--all", "--force") == 0
    assert listed(capsys, store) == []


@pytest.mark.parametrize("command", ["list", "export", "drop"])
def test_a_store_that_isnt_there_isnt_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = tmp_path / "none.sqlite"
    out = str(tmp_path / "out.csv")
    words: tuple[str, ...] = {"list": (), "export": (out,), "drop": ("--all", "--force")}[command]
    assert run("costs", command, *words, "--store", path) == 1
    assert "there is no cost store" in capsys.readouterr().err
    assert not path.exists()


def test_a_store_that_cant_be_used_gives_one_line(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    torn = tmp_path / "torn.sqlite"
    torn.write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    for path, message in ((store, "upgrade hetsched"), (torn, "move it away to start anew")):
        assert run("costs", "list", "--store", path) == 1
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1

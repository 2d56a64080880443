"""`hetsched simulate` in a warm room, with another cooler, in another power mode."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.test_simulate import LAYERS, run
from tests.unit.soc.test_heat import PHONE

BUSY = """
name = "busy"
duration = "200s"
[[apps]]
name = "one"
chain = { file = "layers.csv", model = "m" }
arrivals = { kind = "closed", clients = 1 }
timeout = "1s"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "layers.csv").write_text(LAYERS)
    (tmp_path / "w.toml").write_text(BUSY)
    return tmp_path / "w.toml"


def body(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    assert run("simulate", *words, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_warm_room_throttles_a_board(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cool = body(capsys, file, "--profile", "raspberry-pi-4b")
    assert cool["units"][0]["throttled_at_ns"] is None
    assert cool["temperatures"][0]["highest_c"] < 66.1
    warm = body(capsys, file, "--profile", "raspberry-pi-4b", "--rest", "65")
    assert 60e9 < warm["units"][0]["throttled_at_ns"] < 180e9
    assert warm["units"][0]["throttled_ns"] > 0
    assert warm["apps"][0]["completed"] < cool["apps"][0]["completed"]
    assert 80 <= warm["temperatures"][0]["highest_c"] < 81


def test_it_is_said_in_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", file, "--profile", "raspberry-pi-4b", "--rest", "70") == 0
    said = capsys.readouterr().out
    assert "cpu throttled from" in said
    assert max(map(len, said.splitlines())) <= 80


def test_a_network_of_ones_own(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """PHONE: 150 J/K behind 9 K/W at 30 C: 2.5 W lead to 52 C in the end, not within 200 s."""
    heat = file.parent / "heat.toml"
    heat.write_text(PHONE)
    found = body(capsys, file, "--profile", "raspberry-pi-4b", "--thermal", heat)
    assert [node["name"] for node in found["temperatures"]] == ["die", "case"]
    assert 40 < found["temperatures"][0]["highest_c"] < 52


def test_a_mode_takes_longer(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = body(capsys, file, "--profile", "jetson-agx-xavier", "--duration", "1s")
    mode = ("--mode", "MaxQ:cpu=2", "--duration", "1s")
    slow = body(capsys, file, "--profile", "jetson-agx-xavier", *mode)
    assert slow["apps"][0]["p50_ns"] > 1.1 * plain["apps"][0]["p50_ns"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("helio-g90", "--rest", "40"), "knows no heat network, so that 40 C would have no effect"),
        (("helio-g90", "--thermal", "none.toml"), "none.toml can't be read"),
        (
            ("jetson-agx-xavier", "--mode", "MaxQ"),
            "give factors of your own, as --mode MaxQ:cpu=1.5",
        ),
    ],
)
def test_what_is_unknown_is_refused(
    file: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("simulate", file, "--profile", *words) == 1
    assert said in capsys.readouterr().err

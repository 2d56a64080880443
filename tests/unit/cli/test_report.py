"""`hetsched report` and `hetsched top`, as they are typed."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hetsched.cli import main
from hetsched.cli.top_text import screen
from hetsched.plan.files import save_plan
from hetsched.runtime.runtime import Runtime
from hetsched.runtime.snapshot import AppSnapshot, Snapshot, UnitSnapshot
from hetsched.runtime.units import RuntimeUnit
from hetsched.trace.files import save_trace
from hetsched.trace.histogram import distribution
from tests.unit.plan.samples import sample_plan
from tests.unit.runtime.fakes import DIAMOND, FakeBackend
from tests.unit.runtime.plans import plan_of
from tests.unit.trace.samples import ONE_REQUEST, trace_of


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def test_a_trace_becomes_a_page_and_perfettos_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, page, rows = (tmp_path / name for name in ("x.trace", "x.html", "x.json"))
    save_trace(trace_of(ONE_REQUEST), trace)
    assert call("report", trace, "-o", page, "--perfetto", rows, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "origin": "run",
        "events": 7,
        "lost": 0,
        "is_complete": True,
        "span_ns": 3000,
        "units": ["big", "npu"],
        "apps": {
            "ocr": {
                "requests": 1, "completed": 1, "missed": 0, "dropped": 0, "cancelled": 0,
                "failed": 0, "in_flight": 0,
            },
            "vad": {
                "requests": 0, "completed": 0, "missed": 0, "dropped": 0, "cancelled": 0,
                "failed": 0, "in_flight": 0,
            },
        },
        "written": [str(page), str(rows)],
    }  # fmt: skip
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert json.loads(rows.read_text())["displayTimeUnit"] == "ns"


def test_what_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace, page = tmp_path / "x.trace", tmp_path / "x.html"
    save_trace(trace_of(ONE_REQUEST), trace)
    page.write_text("mine")
    assert call("report", trace, "-o", page) == 1
    assert "x.html exists" in capsys.readouterr().err
    assert page.read_text() == "mine"
    assert call("report", trace, "-o", page, "--force") == 0


def test_an_interrupted_trace_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "x.trace"
    save_trace(trace_of(ONE_REQUEST), trace)
    trace.write_bytes(trace.read_bytes()[:-60])
    assert call("report", trace) == 0
    assert "interrupted: what came last is missing" in capsys.readouterr().out


def test_a_plan_becomes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, page = tmp_path / "x.plan.json", tmp_path / "x.html"
    save_plan(sample_plan(), plan)
    assert call("report", plan, "-o", page) == 0
    assert "<svg" in page.read_text()
    assert call("report", plan, "--perfetto", tmp_path / "x.json") == 2


@pytest.mark.parametrize("window", ["1s", "2s,1s", "a,b"])
def test_a_wrong_window_is_refused(
    tmp_path: Path, window: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save_trace(trace_of(ONE_REQUEST), tmp_path / "x.trace")
    assert call("report", tmp_path / "x.trace", "--window", window) == 2


def test_what_is_no_trace_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_text("hello")
    assert call("report", tmp_path / "x.txt") == 1
    assert "x.txt is not a trace" in capsys.readouterr().err


# ---- top ----


def test_the_screen_fits_80_columns_and_says_what_was_since_the_last_look() -> None:
    def unit(busy_ns: int, stages: int) -> UnitSnapshot:
        return UnitSnapshot(
            name="a-unit-with-a-long-name", backend="openvino", status="up",
            running="text-recognition s12", busy_ns=busy_ns, stages=stages, failures=3, queued=12,
        )  # fmt: skip

    def app(requests: int, times_ms: list[int]) -> AppSnapshot:
        return AppSnapshot(
            name="text-recognition-of-pages", requests=requests, completed=len(times_ms) - 1,
            missed=1, dropped=0, cancelled=0, failed=0, in_flight=123, waiting=100,
            latency=distribution([each * 1_000_000 for each in times_ms]),
        )  # fmt: skip

    before = Snapshot(
        time_ns=10**9, started_ns=0, policy="weighted-fair", apps=(app(10, [900, 900]),),
        units=(unit(0, 100),), pid=1234567,
    )  # fmt: skip
    now = Snapshot(
        time_ns=3 * 10**9, started_ns=0, policy="weighted-fair",
        apps=(app(50, [900, 900, 100, 200, 300]),), units=(unit(10**9, 160),), pid=1234567,
    )  # fmt: skip
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(screen(now, before))
    lines = console.export_text().splitlines()
    console.file.close()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("hetsched, pid 1234567, policy weighted-fair, up 3.000 s")
    # Busy for 1 s of 2; 60 stages in 2 s.
    assert "#####.....  50%" in lines[2]
    assert lines[2].split()[-3:] == ["12", "30.0", "3"]
    # 40 requests in 2 s; of 100, 200 and 300 ms the middle one, within 1/128.
    words = lines[4].split()
    assert words[1:4] == ["20.0", "123", "100"]
    assert float(words[4]) == pytest.approx(200, rel=1 / 128)
    assert words[-2:] == ["0%", "0%"]


@pytest.fixture
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.mark.usefixtures("_own_folder")
def test_without_a_runtime_top_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("top", "--once") == 1
    assert "no runtime publishes here: start it with Runtime" in capsys.readouterr().err
    assert call("top", "4711", "--once") == 1
    assert "no runtime of process 4711 publishes" in capsys.readouterr().err


@pytest.mark.asyncio
@pytest.mark.usefixtures("_own_folder")
async def test_top_shows_a_runtime_and_asks_which_of_several(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = plan_of(DIAMOND, [("a", ["head", "left", "right", "tail"])])
    units = [RuntimeUnit(name="a", backend=FakeBackend())]
    async with Runtime(units, publish=True) as runtime:
        app = await runtime.deploy(plan, name="ocr", model=DIAMOND)
        await app({"x": np.zeros(4, np.float32)})
        assert await asyncio.to_thread(call, "top", "--once", "--json") == 0
        seen = json.loads(capsys.readouterr().out)
        assert (seen["apps"][0]["completed"], seen["units"][0]["stages"]) == (1, 1)
        assert seen["apps"][0]["p50_ns"] > 0
        assert 0 < seen["units"][0]["utilization"] <= 1
        async with Runtime(units, publish=True):
            assert await asyncio.to_thread(call, "top", "--once") == 1
            assert "2 runtimes publish: name one, " in (told := capsys.readouterr().err)
            assert "(ocr)" in told
            assert "(no app yet)" in told
        assert await asyncio.to_thread(call, "top", "--once") == 0
        assert "ocr" in capsys.readouterr().out

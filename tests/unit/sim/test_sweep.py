"""A sweep's points, file, table and picture; what is done isn't done again."""

import csv
import io
import sqlite3
import xml.etree.ElementTree as ET
from itertools import islice
from pathlib import Path

import msgspec
import pytest

import hetsched
from hetsched.errors import WorkloadError
from hetsched.sim.sweep import rows, run_task, tasks, what_is_left
from hetsched.sim.sweep_plot import sweep_svg
from hetsched.sim.sweep_points import Point, Row, point_key, points, rows_csv
from hetsched.sim.sweep_store import SweepStore
from hetsched.workload.files import load_workload
from hetsched.workload.model import Workload

LAYERS = """model,layer,type,N,K,C,Y,X,R,S,stride_y,stride_x
m,a,CONV,1,32,3,64,64,3,3,,
"""
TEXT = """
name = "w"
[[apps]]
name = "one"
chain = { file = "layers.csv", model = "m" }
rate = 50
deadline = "20ms"
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    (tmp_path / "layers.csv").write_text(LAYERS)
    (tmp_path / "w.toml").write_text(TEXT)
    return load_workload(tmp_path / "w.toml")


def test_points_are_every_combination_once() -> None:
    found = points(["a", "b"], ["latency"], ["fifo", "edf"], [1.0, 2.0, 1.0], [0])
    assert len(found) == len(set(found)) == 8
    assert found[0] == Point(profile="a", plans="latency", policy="fifo", scale=1.0, seed=0)
    assert [point.profile for point in found] == ["a"] * 4 + ["b"] * 4  # plans are made once each


def test_a_key_covers_everything_that_counts() -> None:
    point = Point(profile="a", plans="latency", policy="fifo", scale=1.0, seed=0)
    keys = {
        point_key(point, "w", "p", 1),
        point_key(msgspec.structs.replace(point, seed=1), "w", "p", 1),
        point_key(msgspec.structs.replace(point, plans="joint"), "w", "p", 1),
        point_key(point, "other", "p", 1),
        point_key(point, "w", "other", 1),
        point_key(point, "w", "p", 2),
    }
    assert len(keys) == 6
    assert point_key(point, "w", "p", 1) in keys


def test_a_sweep_goes_on_where_it_was_stopped(workload: Workload, tmp_path: Path) -> None:
    socs = [hetsched.profile("helio-g90"), hetsched.profile("kirin-990")]
    names = [soc.name for soc in socs]
    asked = points(names, ["latency", "whole", "band"], ["edf"], [1.0, 4.0], [0])
    store = SweepStore(tmp_path / "s.sqlite")
    left = what_is_left(workload, socs, asked, 10**9, store)
    assert len(left.todo) == 12
    for task in islice(tasks(workload, socs, left.todo, 10**9), 5):  # interrupted
        store.add(*run_task(task))
    again = what_is_left(workload, socs, asked, 10**9, SweepStore(tmp_path / "s.sqlite"))
    assert len(again.done) == 5
    assert [key for key, _ in again.todo] == [key for key, _ in left.todo[5:]]
    for task in tasks(workload, socs, again.todo, 10**9):
        store.add(*run_task(task))
    found = rows(again, store)
    assert [(row.profile, row.plans, row.scale) for row in found] == [
        (point.profile, point.plans, point.scale) for point in asked
    ]
    assert all(row.requests == round(50 * row.scale) for row in found)
    assert what_is_left(workload, socs, asked, 10**9, store).todo == []


def test_a_soc_that_can_not_is_told_and_the_others_go_on(workload: Workload) -> None:
    socs = [hetsched.profile("helio-g90")]
    short = msgspec.structs.replace(
        workload, apps=(msgspec.structs.replace(workload.apps[0], deadline_ns=1000),)
    )
    (point,) = points([socs[0].name], ["latency"], ["edf"], [1.0], [0])
    told: list[str] = []
    todo = [("key", point)]
    assert list(tasks(short, socs, todo, 10**9, refused=lambda _p, why: told.append(why))) == []
    assert "deadline 1.000 us is" in told[0]
    with pytest.raises(WorkloadError, match="helio-g90, latency plans: app 'one': deadline"):
        list(tasks(short, socs, todo, 10**9))


def test_files_that_are_no_sweep_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = SweepStore(path)
    store.add("a", "{}")
    store.add("a", "other")
    assert store.done() == {"a": "{}"}
    whole = path.read_bytes()
    for size in (100, 4096, len(whole) - 1000):
        path.write_bytes(whole[:size])  # half-written
        with pytest.raises(WorkloadError, match=r"is damaged or half-written .*: delete it"):
            SweepStore(path).done()
    path.write_text("profile,policy\n")
    with pytest.raises(WorkloadError, match="is damaged or half-written"):
        SweepStore(path)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as file:
        file.execute("CREATE TABLE t (x)")
    file.close()
    with pytest.raises(WorkloadError, match="is not a sweep's file"):
        SweepStore(other)
    newer = tmp_path / "newer.sqlite"
    SweepStore(newer)
    with sqlite3.connect(newer) as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(WorkloadError, match="has schema 99: this version reads 1"):
        SweepStore(newer)


def row(profile: str, policy: str, scale: float, lost: int) -> Row:
    return Row(
        profile=profile, plans="latency", policy=policy, scale=scale, seed=0, requests=100,
        judged=100, lost=lost, dropped=lost, miss_rate=lost / 100, p99_ns=None, busiest=0.5,
        energy_uj=None, xrbench_score=None, score_without_energy=None, hottest_c=None, gap=0.0,
        events=1,
    )  # fmt: skip


def test_table_and_picture() -> None:
    found = [
        row(profile, policy, scale, lost)
        for profile in ("a", "b<c")
        for policy in ("fifo", "edf")
        for scale, lost in ((0.5, 0), (1.0, 50), (2.0, 100))
    ]
    read = list(csv.DictReader(io.StringIO(rows_csv(found))))
    assert [each["miss_rate"] for each in read[:3]] == ["0.0", "0.5", "1.0"]
    assert read[0]["p99_ns"] == ""  # unknown
    picture = ET.fromstring(sweep_svg(found, "x & y"))
    lines = picture.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 4  # two policies in two panels
    heights = [float(point.split(",")[1]) for point in lines[0].attrib["points"].split()]
    assert heights[0] > heights[1] > heights[2]  # more missed is higher up
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2])

"""The cost store: what comes back, what is refused, and that no writer loses anything."""

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetsched.cost.store import CostStore, default_path
from hetsched.cost.store_records import MODEL, Facts, Measurement, Part, fingerprint
from hetsched.cost.store_schema import SCHEMA
from hetsched.errors import CostError
from hetsched.quantity import Origin

FACTS: Facts = {"cpu": "a core", "onnxruntime": "1.31.1", "threads": 1}


def measurement(digest: str = "d0", latency_ns: int = 30, parts: int = 2) -> Measurement:
    return Measurement(
        kind=MODEL,
        digest=digest,
        measured_at="2026-01-02T03:04:05Z",
        origin=Origin.MEASURED,
        dtype="float32",
        runs=7,
        latency_ns=latency_ns,
        low_ns=latency_ns - 1,
        high_ns=latency_ns + 5,
        scale=0.97,
        parts=tuple(
            Part(name=f"g{i}", ops=(f"a{i}", f"b{i}"), latency_ns=i, low_ns=i, high_ns=i + 1)
            for i in range(parts)
        ),
    )


def test_what_is_put_comes_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "costs.sqlite"
    CostStore(path).put(measurement(), FACTS)
    assert CostStore(path).get(MODEL, "d0", FACTS) == measurement()


@pytest.mark.parametrize(
    ("kind", "digest", "facts"),
    [
        ("dispatch", "d0", FACTS),
        (MODEL, "d1", FACTS),
        (MODEL, "d0", {**FACTS, "threads": 2}),
        (MODEL, "d0", {**FACTS, "onnxruntime": "1.32.0"}),
    ],
)
def test_another_kind_subject_or_unit_is_a_miss(
    tmp_path: Path, kind: str, digest: str, facts: Facts
) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    store.put(measurement(), FACTS)
    assert store.get(kind, digest, facts) is None


def test_a_newer_measurement_replaces_the_older_with_all_its_parts(tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    store.put(measurement(parts=5), FACTS)
    store.put(measurement(latency_ns=99, parts=1), FACTS)
    assert store.get(MODEL, "d0", FACTS) == measurement(latency_ns=99, parts=1)
    with sqlite3.connect(store.path) as connection:
        (parts,) = connection.execute("SELECT count(*) FROM part").fetchone()
    connection.close()
    assert parts == 1


@settings(derandomize=True, max_examples=50)
@given(facts=st.dictionaries(st.text(), st.integers() | st.text()))
def test_a_fingerprint_doesnt_depend_on_order(facts: dict[str, str | int]) -> None:
    assert fingerprint(dict(reversed(facts.items()))) == fingerprint(facts)


def test_the_path_is_the_named_one_else_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    monkeypatch.delenv("HETSCHED_STORE", raising=False)
    assert default_path() == Path("/c/hetsched/costs.sqlite")
    monkeypatch.setenv("HETSCHED_STORE", "/s/mine.sqlite")
    assert default_path() == Path("/s/mine.sqlite")
    monkeypatch.delenv("HETSCHED_STORE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_path() == Path.home() / ".cache/hetsched/costs.sqlite"


def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    CostStore(path).put(measurement(), FACTS)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    with pytest.raises(CostError, match=rf"costs\.sqlite has schema {SCHEMA + 1}.*upgrade"):
        CostStore(path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    path.write_bytes(b"these are not costs" * 100)
    with pytest.raises(CostError, match=r"costs\.sqlite is damaged or no SQLite file"):
        CostStore(path)
    assert path.read_bytes() == b"these are not costs" * 100


def test_a_truncated_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    CostStore(path).put(measurement(parts=400), FACTS)
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(CostError, match=r"costs\.sqlite is damaged"):
        CostStore(path).get(MODEL, "d0", FACTS)


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    with pytest.raises(CostError, match="something else, not a cost store"):
        CostStore(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CostError, match="can't be used"):
        CostStore(tmp_path)


def test_a_folder_that_cant_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CostError, match="its folder can't be made"):
        CostStore(tmp_path / "file" / "costs.sqlite")


def test_a_value_from_elsewhere_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    store.put(measurement(), FACTS)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE measurement SET origin = 'guessed'")
    connection.close()
    with pytest.raises(CostError, match=r"makes no sense.*guessed"):
        store.get(MODEL, "d0", FACTS)


def test_a_store_that_stays_locked_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    monkeypatch.setattr("hetsched.cost.store.BUSY_TIMEOUT_S", 0.05)
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(CostError, match=r"was locked by another process for 0\.05 s"):
        store.put(measurement(), FACTS)
    holder.close()
    store.put(measurement(), FACTS)


def _write_some(path: Path, writer: int) -> None:
    for number in range(10):
        CostStore(path).put(measurement(f"{writer}-{number}"), FACTS)


def _write_until_killed(path: Path, started: "multiprocessing.synchronize.Event") -> None:
    store = CostStore(path)
    number = 0
    while True:
        store.put(measurement(f"k{number}", parts=50), FACTS)
        started.set()
        number += 1


def test_concurrent_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_some, args=(path, writer)) for writer in range(4)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0] * 4
    store = CostStore(path)
    for writer in range(4):
        for number in range(10):
            digest = f"{writer}-{number}"
            assert store.get(MODEL, digest, FACTS) == measurement(digest)


def test_a_killed_writer_leaves_whole_measurements_only(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=_write_until_killed, args=(path, started))
    process.start()
    assert started.wait(60)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    store = CostStore(path)
    with sqlite3.connect(path) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM measurement").fetchone()
    connection.close()
    assert kept >= 1
    for number in range(kept):
        assert store.get(MODEL, f"k{number}", FACTS) == measurement(f"k{number}", parts=50)
    store.put(measurement("after"), FACTS)
    assert store.get(MODEL, "after", FACTS) == measurement("after")

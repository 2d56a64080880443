"""What goes out of a store comes back the same: exports, merges, drops."""

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from hetsched.cost.store import CostStore
from hetsched.cost.store_contents import GROUP, Record, unit_title
from hetsched.cost.store_files import is_export, read_any, write_export
from hetsched.cost.store_records import MODEL, Entry, Facts, Measurement, Part
from hetsched.errors import CostError, OutputExistsError
from hetsched.quantity import Origin

HOST: Facts = {"model name": "A core", "runtime": "onnxruntime 1.2", "threads": 1}
PHONE: Facts = {"profile": "helio-g90", "unit": "gpu", "framework": "tflite", "threads": 0}


def entry(signature: str = "s0", when: str = "2026-01-02T03:04:05Z", latency_ns: int = 90) -> Entry:
    return Entry(
        signature=signature,
        form="Conv:nchwc",
        dtype="float32",
        what='Conv, "quoted" 1x3',
        model="net",
        measured_at=when,
        origin=Origin.MEASURED,
        runs=7,
        latency_ns=latency_ns,
        low_ns=80,
        high_ns=120,
    )


def whole(when: str = "2026-01-02T03:04:05Z") -> Measurement:
    return Measurement(
        kind=MODEL,
        digest="d0",
        measured_at=when,
        origin=Origin.MEASURED,
        dtype="float32",
        runs=9,
        latency_ns=200,
        low_ns=190,
        high_ns=230,
        scale=0.97,
        title="net",
        parts=(
            Part(name="a", ops=("a", "b,c"), latency_ns=90, low_ns=80, high_ns=120),
            Part(name="d", ops=("d",), latency_ns=100, low_ns=100, high_ns=100),
        ),
    )


@pytest.fixture
def store(tmp_path: Path) -> CostStore:
    """Two groups and a model on the host, a group on a phone."""
    made = CostStore(tmp_path / "costs.sqlite")
    made.put_entries([entry("s0"), entry("s1")], HOST)
    made.put(whole(), HOST)
    imported = replace(entry("s0"), origin=Origin.CALIBRATED, source="phone.csv", runs=0)
    made.put_entries([imported], PHONE)
    return made


def test_records_hold_everything_that_was_put(store: CostStore) -> None:
    records = store.records()
    assert [(r.kind, r.digest, r.unit) for r in records] == [
        (GROUP, "s0", HOST), (GROUP, "s1", HOST), (GROUP, "s0", PHONE), (MODEL, "d0", HOST),
    ]  # fmt: skip
    assert records[2].source == "phone.csv"
    assert (records[3].model, records[3].scale) == ("net", 0.97)
    assert records[3].parts[0].ops == ("a", "b,c")


@pytest.mark.parametrize("name", ["out.json", "out.csv"])
def test_an_export_comes_back_equal(store: CostStore, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_export(store.records(), path, force=False)
    assert is_export(path)
    other = CostStore(tmp_path / "other.sqlite")
    assert other.put_records(read_any(path)) == 4
    assert sorted(other.records(), key=repr) == sorted(store.records(), key=repr)
    assert other.get(MODEL, "d0", HOST) == whole()
    assert other.get_entries(["s0"], HOST) == (entry("s0"),)
    assert other.put_records(read_any(path)) == 0  # nothing is newer


def test_another_store_is_read_as_it_is(store: CostStore) -> None:
    assert is_export(store.path)
    assert list(read_any(store.path)) == store.records()


def test_of_the_same_subject_the_newest_stays(store: CostStore, tmp_path: Path) -> None:
    other = CostStore(tmp_path / "other.sqlite")
    other.put_entries([entry("s0", when="2027-01-01T00:00:00Z", latency_ns=99)], HOST)
    other.put_entries([entry("s1", when="2025-01-01T00:00:00Z", latency_ns=99)], HOST)
    other.put(whole(when="2025-01-01T00:00:00Z"), HOST)
    assert store.put_records(other.records()) == 1
    found = {one.signature: one.latency_ns for one in store.get_entries(["s0", "s1"], HOST)}
    assert found == {"s0": 99, "s1": 90}
    assert store.get(MODEL, "d0", HOST) == whole()


def test_dropping_takes_what_is_wanted_and_units_that_are_empty_then(store: CostStore) -> None:
    assert store.drop(lambda record: record.origin == "calibrated") == 1
    assert store.units() == (HOST,)
    assert store.drop(lambda record: record.kind == MODEL) == 1
    assert store.get(MODEL, "d0", HOST) is None
    assert len(store.records()) == 2
    assert store.drop(lambda _: True) == 2
    assert store.units() == ()


def test_an_export_needs_a_known_ending_and_doesnt_overwrite(
    store: CostStore, tmp_path: Path
) -> None:
    with pytest.raises(CostError, match=r"must end in \.json or \.csv"):
        write_export(store.records(), tmp_path / "out.txt", force=False)
    (tmp_path / "out.csv").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"out\.csv exists"):
        write_export(store.records(), tmp_path / "out.csv", force=False)
    assert (tmp_path / "out.csv").read_text() == "mine"
    with pytest.raises(CostError, match="can't be written"):
        write_export(store.records(), tmp_path / "none" / "out.csv", force=False)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"runs": 7', '"runs": -7', "runs -7 must be zero"),
        ('"low_ns": 80', '"low_ns": 95', "low_ns 95, latency_ns 90"),
        ('"origin": "measured"', '"origin": "guessed"', "'guessed'.*not one of measured"),
        ('"runs": 7', '"runs": "many"', "Expected `int`"),
        ('"form"', '"farm"', "unknown key 'farm'"),
        ('"schema": 1', '"schema": 9', "schema 9, this hetsched reads 1"),
        ('"schema": 1,', '"schema": 1', "is not JSON"),
    ],
)
def test_a_spoilt_json_export_is_refused(
    store: CostStore, tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "out.json"
    write_export(store.records(), path, force=False)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CostError, match=message):
        read_any(path)


def test_a_spoilt_csv_row_is_named(store: CostStore, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_export(store.records(), path, force=False)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], lines[2].replace(",90,", ",ninety,"), *lines[3:]]))
    with pytest.raises(CostError, match=r"out\.csv:3: .*nothing was taken"):
        read_any(path)
    path.write_text("\n".join([lines[0], "group,s0"]))
    with pytest.raises(CostError, match=r"out\.csv:2: no value for 'unit'"):
        read_any(path)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("times: fast")
    assert not is_export(path)
    with pytest.raises(CostError, match="neither a cost store nor"):
        read_any(path)
    with pytest.raises(CostError, match="can't be read"):
        read_any(tmp_path / "none.json")


def test_units_have_titles() -> None:
    assert unit_title(HOST) == "A core, onnxruntime 1.2, 1 thread"
    assert unit_title({**HOST, "threads": 2}) == "A core, onnxruntime 1.2, 2 threads"
    assert unit_title(PHONE) == "helio-g90 gpu, tflite"


def test_a_record_that_makes_no_sense_cant_be_made() -> None:
    with pytest.raises(ValueError, match="runs -1"):
        msgspec.structs.replace(_record(), runs=-1)


def _record() -> Record:
    return Record(
        kind=GROUP, digest="s", unit={}, dtype="float32", measured_at="2026", runs=1,
        origin=Origin.MEASURED, latency_ns=1, low_ns=1, high_ns=1,
    )  # fmt: skip


def _merge_until_killed(
    path: Path, writer: int, started: "multiprocessing.synchronize.Event"
) -> None:
    store, number = CostStore(path), 0
    while True:
        store.put_records(
            msgspec.structs.replace(_record(), digest=f"{writer}-{number}-{at}") for at in range(20)
        )
        started.set()
        number += 1


def test_killed_writers_leave_whole_batches_beside_each_other(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    context = multiprocessing.get_context("spawn")
    signs = [context.Event() for _ in range(2)]
    writers = [
        context.Process(target=_merge_until_killed, args=(path, at, sign))
        for at, sign in enumerate(signs)
    ]
    for process in writers:
        process.start()
    for sign in signs:
        assert sign.wait(60)
    for process in writers:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    batches: dict[str, int] = {}
    for record in CostStore(path).records():
        batch = record.digest.rpartition("-")[0]
        batches[batch] = batches.get(batch, 0) + 1
    assert {batch[0] for batch in batches} == {"0", "1"}
    assert set(batches.values()) == {20}
    for writer in "01":  # none is missing between the first and the last
        count = sum(batch.startswith(writer) for batch in batches)
        assert {f"{writer}-{number}" for number in range(count)} <= batches.keys()

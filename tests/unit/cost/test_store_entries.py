"""Entries of the cost store: groups of ops by signature, unit, form and dtype."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hetsched.cost.store import CostStore
from hetsched.cost.store_records import MODEL, Entry, Facts
from hetsched.cost.store_schema import _WHOLES, SCHEMA
from hetsched.errors import CostError
from hetsched.quantity import Origin

FACTS: Facts = {"cpu": "a core", "threads": 1}


def entry(signature: str = "s0", latency_ns: int = 100, **changed: Any) -> Entry:
    made = Entry(
        signature=signature,
        form="Conv:nchwc",
        dtype="float32",
        what="Conv 1x3x8x8 -> 1x4x8x8",
        model="net",
        source="",
        measured_at="2026-01-02T03:04:05Z",
        origin=Origin.MEASURED,
        runs=7,
        latency_ns=latency_ns,
        low_ns=latency_ns - 10,
        high_ns=latency_ns + 20,
    )
    return replace(made, **changed)


def test_what_is_put_comes_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    entries = (entry("s0"), entry("s1", form=""), entry("s1", dtype="int8"))
    assert CostStore(path).put_entries(entries, FACTS) == 3
    assert CostStore(path).get_entries({"s0", "s1", "s2"}, FACTS) == entries


def test_another_unit_is_a_miss(tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    store.put_entries([entry()], FACTS)
    assert store.get_entries(["s0"], {**FACTS, "threads": 2}) == ()


def test_the_newest_stays_whichever_comes_first(tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    old = entry(latency_ns=50, measured_at="2025-01-01T00:00:00Z")
    store.put_entries([old], FACTS)
    assert store.put_entries([entry()], FACTS) == 1
    assert store.put_entries([old], FACTS) == 0
    assert store.get_entries(["s0"], FACTS) == (entry(),)


def test_many_signatures_are_found_at_once(tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    entries = [entry(f"s{index}") for index in range(1200)]
    store.put_entries(entries, FACTS)
    assert len(store.get_entries([each.signature for each in entries], FACTS)) == 1200


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"low_ns": -1}, "must be zero or more and ascend"),
        ({"high_ns": 99}, r"latency_ns 100, high_ns 99"),
        ({"runs": -1}, "runs -1 must be zero"),
        ({"signature": ""}, "signature is empty"),
    ],
)
def test_an_entry_that_makes_no_sense_cant_be_made(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        entry(**changed)


def test_an_entry_from_elsewhere_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    store.put_entries([entry()], FACTS)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE entry SET low_ns = 500")
    connection.close()
    with pytest.raises(CostError, match=r"holds an entry that makes no sense \(low_ns 500"):
        store.get_entries(["s0"], FACTS)


def test_a_store_of_the_first_version_is_kept_and_extended(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    with sqlite3.connect(path) as connection:
        for statement in _WHOLES.split(";"):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO subject (kind, digest) VALUES ('model', 'd0')")
    connection.close()
    store = CostStore(path)
    assert store.get(MODEL, "d0", FACTS) is None
    store.put_entries([entry()], FACTS)
    assert store.get_entries(["s0"], FACTS) == (entry(),)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        assert connection.execute("SELECT digest, title FROM subject").fetchall() == [("d0", "")]
    connection.close()

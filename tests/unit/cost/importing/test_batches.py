"""What importing needs of the cost store: several units in one transaction, and their list."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from hetsched.cost.store import CostStore
from hetsched.cost.store_records import Entry, Facts
from hetsched.errors import CostError
from hetsched.quantity import Origin

GPU: Facts = {"profile": "p", "unit": "gpu"}
CPU: Facts = {"profile": "p", "unit": "cpu", "threads": 2}
ENTRY = Entry(
    signature="s0", dtype="float16", measured_at="2026-11-22", origin=Origin.MEASURED,
    runs=1, latency_ns=100, low_ns=90, high_ns=110,
)  # fmt: skip


def test_batches_of_several_units_are_kept_together(tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    kept = store.put_batches([([ENTRY], GPU), ([ENTRY, replace(ENTRY, signature="s1")], CPU)])
    assert kept == 3
    assert store.get_entries(["s0", "s1"], GPU) == (ENTRY,)
    assert len(store.get_entries(["s0", "s1"], CPU)) == 2


def test_a_batch_that_fails_takes_the_others_with_it(tmp_path: Path) -> None:
    path = tmp_path / "costs.sqlite"
    store = CostStore(path)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON entry WHEN NEW.signature = 's9'"
            " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    connection.close()
    with pytest.raises(CostError, match="disk is full"):
        store.put_batches([([ENTRY], GPU), ([ENTRY, replace(ENTRY, signature="s9")], CPU)])
    assert store.get_entries(["s0"], GPU) == ()
    assert store.units() == ()


def test_units_are_listed_in_the_order_of_coming(tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    assert store.units() == ()
    store.put_batches([([ENTRY], GPU), ([ENTRY], CPU)])
    store.put_entries([ENTRY], GPU)
    assert store.units() == (GPU, CPU)

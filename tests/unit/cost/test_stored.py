"""Stored costs of a unit that isn't at hand take the place of estimates, where signatures match."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from hetsched.convert.capability import refusals
from hetsched.cost.analytic import cost_table
from hetsched.cost.importing.target import foreign_facts
from hetsched.cost.signature import signature
from hetsched.cost.store import CostStore
from hetsched.cost.store_records import Entry, Facts
from hetsched.cost.stored import measured_units, whole_mark, with_stored
from hetsched.cost.table import CostTable
from hetsched.errors import CostError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.quantity import Origin
from hetsched.soc.catalog import profile

from .importing.samples import write_net

SOC = profile("helio-g90")
GPU = SOC.unit("gpu")
FACTS = foreign_facts(SOC, GPU, "tflite", "gpu", "float16", None)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load(write_net(tmp_path / "net.onnx"))


@pytest.fixture
def store(tmp_path: Path) -> CostStore:
    return CostStore(tmp_path / "costs.sqlite")


def estimates(model: Model) -> CostTable:
    return cost_table(model.graph, SOC, refusals(model.graph, SOC, None, None))


def entry(model: Model, *ops: str, latency_ns: int = 1000, **changed: object) -> Entry:
    made = Entry(
        signature=signature(model.graph, ops), dtype="float16", measured_at="2026-11-22",
        origin=Origin.MEASURED, runs=5, latency_ns=latency_ns, low_ns=latency_ns - 100,
        high_ns=latency_ns + 300,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]  # any of its fields


def test_a_stored_group_replaces_the_estimate_on_that_unit_only(
    model: Model, store: CostStore
) -> None:
    before = estimates(model)
    store.put_entries([entry(model, "conv", "relu")], FACTS)
    after, (used,) = with_stored(model, SOC, before, store)
    cost = after.costs["conv", "gpu"]
    assert (cost.latency_ns, cost.low_ns, cost.high_ns) == (1000, 900, 1300)
    assert (cost.origin, cost.dtype) == (Origin.MEASURED, "float16")
    assert (used.unit, used.facts, used.groups, used.whole) == ("gpu", FACTS, 1, None)
    changed = {key for key, cost in after.costs.items() if cost != before.costs[key]}
    assert changed == {("conv", "gpu")}


def test_a_group_may_be_stored_in_parts(model: Model, store: CostStore) -> None:
    parts = [entry(model, "conv"), entry(model, "relu", latency_ns=500)]
    store.put_entries(parts, FACTS)
    after, _ = with_stored(model, SOC, estimates(model), store)
    cost = after.costs["conv", "gpu"]
    assert (cost.latency_ns, cost.low_ns, cost.high_ns) == (1500, 900 + 400, 1300 + 800)


def test_half_of_a_group_is_not_enough(model: Model, store: CostStore) -> None:
    before = estimates(model)
    store.put_entries([entry(model, "relu")], FACTS)
    after, used = with_stored(model, SOC, before, store)
    assert (after.costs, used) == (before.costs, ())


@pytest.mark.parametrize(
    "changed", [{"profile": "helio-p90"}, {"unit": "vpu"}, {"unit": "cpu-big"}]
)
def test_other_units_measurements_are_not_taken(
    model: Model, store: CostStore, changed: Facts
) -> None:
    before = estimates(model)
    store.put_entries([entry(model, "conv", "relu")], {**FACTS, **changed})
    after, _ = with_stored(model, SOC, before, store)
    assert after.costs["conv", "gpu"] == before.costs["conv", "gpu"]


def test_another_dtype_is_not_taken(model: Model, store: CostStore) -> None:
    before = estimates(model)
    store.put_entries([entry(model, "conv", "relu", dtype="float32")], FACTS)
    assert with_stored(model, SOC, before, store)[0].costs == before.costs


def test_one_tool_per_unit_the_one_that_knows_most(model: Model, store: CostStore) -> None:
    other = foreign_facts(SOC, GPU, "mnn", "opencl", "float16", None)
    store.put_entries([entry(model, "conv", "relu"), entry(model, "dw")], FACTS)
    store.put_entries([entry(model, "pw", measured_at="2026-11-23")], other)
    after, (used,) = with_stored(model, SOC, estimates(model), store)
    assert (used.facts, used.groups, used.others) == (FACTS, 2, (other,))
    assert after.costs["pw", "gpu"].origin is not Origin.MEASURED


def test_of_equals_the_newest_is_taken(model: Model, store: CostStore) -> None:
    other = foreign_facts(SOC, GPU, "mnn", "opencl", "float16", None)
    store.put_entries([entry(model, "conv", "relu")], FACTS)
    newer = entry(model, "conv", "relu", latency_ns=777, measured_at="2026-11-23")
    store.put_entries([newer], other)
    after, (used,) = with_stored(model, SOC, estimates(model), store)
    assert (used.facts, after.costs["conv", "gpu"].latency_ns) == (other, 777)


def test_the_whole_model_is_found_for_comparison(model: Model, store: CostStore) -> None:
    whole = entry(model, "conv", signature=whole_mark(model), latency_ns=9000)
    store.put_entries([whole], FACTS)
    _, (used,) = with_stored(model, SOC, estimates(model), store)
    assert (used.groups, used.whole) == (0, whole)


def test_a_unit_without_rates_runs_what_was_measured_there_and_nothing_else(
    model: Model, store: CostStore
) -> None:
    bare = msgspec.structs.replace(GPU, rates={})
    soc = msgspec.structs.replace(
        SOC, units=tuple(bare if unit is GPU else unit for unit in SOC.units)
    )
    refused = refusals(model.graph, soc, None, None)
    assert measured_units(soc, store) == frozenset()
    with pytest.raises(CostError, match=r"state \[units.rates.float16\], or bring measurements"):
        cost_table(model.graph, soc, refused)
    store.put_entries([entry(model, "conv", "relu")], FACTS)
    assert measured_units(soc, store) == {"gpu"}
    before = cost_table(model.graph, soc, refused, measured_units(soc, store))
    after, (used,) = with_stored(model, soc, before, store)
    assert {group for group, unit in after.costs if unit == "gpu"} == {"conv"}
    assert used.groups == 1
    assert after.refusals["dw", "gpu"] == (
        "it wasn't measured, and the profile has no rates to estimate it"
    )
    assert ("conv", "gpu") not in after.refusals


def test_an_empty_store_changes_nothing(model: Model, store: CostStore) -> None:
    before = estimates(model)
    assert with_stored(model, SOC, before, store) == (before, ())

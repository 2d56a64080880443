"""What a plan says its costs rest on."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from hetsched.cost.importing.target import foreign_facts
from hetsched.cost.store_records import Entry
from hetsched.cost.stored import Used
from hetsched.plan.basis import by, cost_basis, stored_notes
from hetsched.quantity import Origin
from hetsched.soc.calibration import Like, Recipe, Record
from hetsched.soc.catalog import profile
from hetsched.soc.profile import Profile
from hetsched.testing import make_problem

from .samples import sample_plan

BASE = profile("helio-g90")
PARTS = sample_plan().subgraphs  # on npu and cpu


def soc(**changed: Any) -> Profile:
    """Two units, cpu and npu, the second with something changed."""
    cpu, npu = (
        msgspec.structs.replace(BASE.units[0], name=name, calibrate={}, calibration={})
        for name in ("cpu", "npu")
    )
    link = msgspec.structs.replace(BASE.links[0], between=("cpu", "npu"))
    units = (cpu, msgspec.structs.replace(npu, **changed))
    return msgspec.structs.replace(BASE, home="cpu", units=units, links=(link,))


def record(validated: bool, models: int = 26) -> Record:
    return Record(
        rows_sha256="0", models=models, loo_median=0.137, loo_p90=0.284, validated=validated
    )


def used(groups: int = 3, of: int = 3) -> Used:
    facts = foreign_facts(BASE, BASE.units[0], "tflite", "gpu", "float32", 1)
    return Used(unit="npu", facts=facts, groups=groups, of=of, whole=None)


DTYPE = BASE.units[0].dtype
LIKE = Recipe(like=Like(profile="rk3588", unit="gpu", dtype="float16"))


@pytest.mark.parametrize(
    ("changed", "basis"),
    [
        ({}, "the error stated with each number of the profile; not validated"),
        (
            {"calibration": {DTYPE: record(True)}},
            "fit to 26 networks, each left out in turn: median error 14%, 9 of 10 within 28%",
        ),
        (
            {"calibration": {DTYPE: record(False, 1)}},
            "fit to 1 network, each left out in turn: median error 14%, 9 of 10 within 28%; "
            "not validated",
        ),
        ({"calibrate": {DTYPE: LIKE}}, "scaled from rk3588 gpu, its error widened; not validated"),
        (
            {"calibrate": {DTYPE: Recipe()}},
            "typical rates of its kind, good for a factor; not validated",
        ),
        ({"rates": {}}, "measured here: 10th to 90th percentile of the runs"),
    ],
)
def test_estimates_say_how_their_error_was_found(changed: dict[str, Any], basis: str) -> None:
    found = {each.unit: each.basis for each in cost_basis(soc(**changed), PARTS, ())}
    assert found["npu"] == basis
    assert list(found) == ["cpu", "npu"]  # the profile's order


def test_stored_costs_say_what_measured_them_and_how_much() -> None:
    (_, npu) = cost_basis(soc(), PARTS, [used()])
    assert npu.basis == "3 of 3 groups measured with tflite gpu, 1 thread: spread of those runs"
    (_, npu) = cost_basis(soc(), PARTS, [used(2)])
    assert npu.basis == (
        "2 of 3 groups measured with tflite gpu, 1 thread: spread of those runs; others: the error "
        "stated with each number of the profile; not validated"
    )


def test_without_rates_nothing_else_runs_there() -> None:
    (_, npu) = cost_basis(soc(rates={}), PARTS, [used(2)])
    assert npu.basis.endswith("; others don't run there: the profile has no rates")


def test_a_units_band_is_that_of_its_subgraphs_together() -> None:
    npu, cpu = PARTS  # 2 ms and 1 ms
    other = msgspec.structs.replace(cpu, unit="npu", low_ns=500_000, high_ns=2_000_000)
    parts = (msgspec.structs.replace(npu, low_ns=1_000_000, high_ns=4_000_000), other)
    # 1.5 ms to 6 ms around 3 ms.
    assert [(each.low, each.high) for each in cost_basis(soc(), parts, ())] == [(0.5, 2.0)]


def test_a_unit_without_a_subgraph_is_left_out() -> None:
    assert [each.unit for each in cost_basis(soc(), PARTS[:1], ())] == ["npu"]


def test_the_whole_model_is_compared_with_dispatch_and_groups() -> None:
    problem = make_problem([[100, 200], [100, 300]], [(None, [0]), (0, [1])], dispatch_ns=40)
    problem = replace(problem, units=("cpu", "npu"))
    whole = Entry(
        signature="s", dtype="int8", measured_at="2026-11-22", origin=Origin.MEASURED, runs=1,
        latency_ns=600, low_ns=500, high_ns=700,
    )  # fmt: skip
    # 40 + 200 + 300 = 540, 10% less than 600.
    assert stored_notes(problem, [replace(used(), whole=whole)]) == (
        "npu: the whole model was measured at 600.0 ns there, these costs say 540.0 ns (-10%)",
    )
    partly = replace(problem, cost_ns=((100, None), (100, 300)))
    assert stored_notes(partly, [replace(used(), whole=whole)]) == ()


def test_what_was_not_taken_is_named() -> None:
    problem = replace(make_problem([[1, 1]], [(None, [0])]), units=("cpu", "npu"))
    other = foreign_facts(BASE, BASE.units[0], "mnn", "", "float32", None)
    assert by(replace(used(), facts=other)) == "mnn"
    assert stored_notes(problem, [replace(used(), others=(other,))]) == (
        "npu: costs as measured with tflite gpu, 1 thread, not those with mnn",
    )

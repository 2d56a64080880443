"""What error bands leave open, with numbers derived by hand."""

from dataclasses import replace

import msgspec

from hetsched.cost.table import Cost, CostTable, Group
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import ENERGY, LATENCY, THROUGHPUT, Problem
from hetsched.plan.doubt import Errors, alike, doubts
from hetsched.quantity import Origin
from hetsched.soc.catalog import profile
from hetsched.testing import make_problem

ALL = (0, 1)


def chain(costs: list[list[int | None]], dispatch: list[int], copy_ns: int = 0) -> Problem:
    """g0 -> g1 on units u0 (home) and u1; the input comes from u0."""
    return make_problem(
        costs, [(None, [0]), (0, [1])], copy_ns=copy_ns, dispatch_ns=dispatch, home=0
    )


def errors(
    middle: Problem, low: Problem, high: Problem, stages: list[Stage], objective: str = LATENCY
) -> tuple[Errors, Schedule]:
    schedule = evaluate(middle, stages)
    return Errors(middle, low, high, schedule, objective), schedule


def one(unit: int) -> list[Stage]:
    return [Stage(unit=unit, groups=ALL)]


def test_one_units_error_moves_all_its_costs_together() -> None:
    # On u0 100 + 100, known to 10%; on u1 90 + 90, known to 20%. Dispatch nil, copies nil.
    middle = chain([[100, 90], [100, 90]], [0, 0])
    low = chain([[90, 72], [90, 72]], [0, 0])
    high = chain([[110, 108], [110, 108]], [0, 0])
    found, _ = errors(middle, low, high, one(1))
    # Advantage 200 - 180 = 20. u0 at its low end: 180 - 180 = 0, so an effect of 20.
    # u1 at its high end: 200 - 216 = -16, an effect of 36. Root of 400 + 1296 = 41.18.
    assert found.compare(one(0)) == (20, 41)


def test_what_both_placements_share_cancels() -> None:
    # Both run g0 on u1; they differ in g1: 100 on u1, 130 on u0.
    middle = chain([[None, 1000], [130, 100]], [0, 0])
    low = chain([[None, 500], [117, 50]], [0, 0])
    high = chain([[None, 1500], [143, 150]], [0, 0])
    found, _ = errors(middle, low, high, one(1))
    other = [Stage(unit=1, groups=(0,)), Stage(unit=0, groups=(1,))]
    # Advantage 30. u1 at its high end: g0 takes 1500 in both, g1 150 instead of 100, so
    # 130 - 150 = -20: an effect of 50, not of 550. u0 at its low end: 117 - 100 = 17, 13.
    # Root of 2500 + 169 = 51.66.
    assert found.compare(other) == (30, 52)


def test_dispatch_belongs_to_its_unit_and_copies_are_a_source_of_their_own() -> None:
    middle = chain([[100, 50], [100, 50]], [10, 20], copy_ns=30)
    low = chain([[100, 50], [100, 50]], [4, 20], copy_ns=10)
    high = chain([[100, 50], [100, 50]], [16, 20], copy_ns=90)
    found, _ = errors(middle, low, high, one(1))
    # Plan: 20 + 30 (the input's copy) + 100 = 150. On u0: 10 + 200 = 210. Advantage 60.
    # u0's dispatch at 4: 54, an effect of 6. Copies at 90: 210 - 210 = 0, an effect of 60.
    # Root of 36 + 3600 = 60.299.
    assert found.compare(one(0)) == (60, 60)


def test_a_choice_that_the_bands_settle_leaves_no_doubt() -> None:
    middle = chain([[100, 40], [100, 40]], [0, 0])
    low = chain([[90, 30], [90, 30]], [0, 0])
    high = chain([[110, 50], [110, 50]], [0, 0])
    found, schedule = errors(middle, low, high, one(1))
    # Advantage 120; effects 20 (u0 low) and 20 (u1 high): 28 is less.
    assert found.compare(one(0)) == (120, 28)
    assert doubts(found, middle, schedule, {"cpu": evaluate(middle, one(0))}) == ()


def test_baselines_and_subgraphs_in_doubt_are_named_with_numbers() -> None:
    middle = chain([[100, 90], [100, 90]], [0, 0])
    low = chain([[90, 72], [90, 72]], [0, 0])
    high = chain([[110, 108], [110, 108]], [0, 0])
    found, schedule = errors(middle, low, high, one(1))
    other = evaluate(middle, one(0))
    baselines = {"cpu": other, "best-single-unit": other, "first-fit": None, "heft": schedule}
    against, moved = doubts(found, middle, schedule, baselines)
    assert (against.kind, against.subject, against.unit, against.other) == (
        "baseline", "cpu", None, None,
    )  # fmt: skip
    assert (against.advantage, against.band, against.measure) == (20, 41, "ns")
    assert against.message == (
        "CPU only / best single unit (200.0 ns) is within the error band of this plan "
        "(180.0 ns): 20.00 ns apart, known to within 41.00 ns"
    )
    assert (moved.kind, moved.subject, moved.unit, moved.other) == ("subgraph", "s0", "u1", "u0")
    assert (moved.advantage, moved.band) == (20, 41)
    assert moved.message == (
        "s0 on u0 is within the error band of s0 on u1: 20.00 ns apart, known to within 41.00 ns"
    )


def test_units_that_cannot_run_a_subgraph_or_have_no_room_are_no_choice() -> None:
    middle = chain([[None, 90], [100, 90]], [0, 0])
    found, schedule = errors(middle, middle, middle, one(1))
    assert doubts(found, middle, schedule, {}) == ()
    wide = chain([[100, 90], [100, 90]], [0, 0])
    high = chain([[100, 190], [100, 190]], [0, 0])
    full = replace(wide, max_stages=(0, None))
    found, schedule = errors(full, wide, high, one(1))
    assert doubts(found, full, schedule, {}) == ()
    found, schedule = errors(wide, wide, high, one(1))
    assert len(doubts(found, wide, schedule, {})) == 1


def test_equal_units_have_one_error_together() -> None:
    # Two cores that were measured once: whatever the truth, it is the same for both.
    middle = chain([[100, 100], [100, 100]], [10, 10], copy_ns=7)
    low = chain([[50, 50], [50, 50]], [5, 5], copy_ns=7)
    high = chain([[300, 300], [300, 300]], [30, 30], copy_ns=7)
    schedule = evaluate(middle, one(0))
    apart = Errors(middle, low, high, schedule, LATENCY)
    # On u1 the input's copy comes on top: 217 against 210. u0 at its high end takes 630, an
    # effect of 7 + 413; u1 at its low end 112, one of 7 + 98.
    assert apart.compare(one(1)) == (7, round((420**2 + 105**2) ** 0.5))
    together = Errors(middle, low, high, schedule, LATENCY, [frozenset({0, 1})])
    assert together.compare(one(1)) == (7, 0)
    assert doubts(together, middle, schedule, {}) == ()


def test_units_are_alike_when_all_their_costs_are() -> None:
    soc = profile("helio-g90")
    big = soc.units[0]
    twin = msgspec.structs.replace(big, name="twin")
    slow = msgspec.structs.replace(
        big, name="slow", dispatch=msgspec.structs.replace(big.dispatch, high=99.0)
    )
    cost = Cost(latency_ns=9, low_ns=8, high_ns=11, origin=Origin.MEASURED, dtype="float32")
    other = replace(cost, high_ns=12)
    costs = CostTable(
        groups=(Group(name="a", ops=("a",)),),
        costs={("a", name): cost for name in (big.name, "twin", "slow")} | {("a", "odd"): other},
    )
    odd = msgspec.structs.replace(big, name="odd")
    units = (big, odd, twin, slow)
    links = tuple(
        msgspec.structs.replace(soc.links[0], between=(a.name, b.name))
        for at, a in enumerate(units)
        for b in units[at + 1 :]
    )
    made = msgspec.structs.replace(soc, home=big.name, units=units, links=links)
    assert alike(made, costs) == [frozenset({0, 2}), frozenset({1}), frozenset({3})]


def test_throughput_is_compared_by_the_busiest_unit() -> None:
    # Split over both units: busiest 100. All on u1: 180. Band of u0 up to 150, of u1 up to 99.
    middle = chain([[100, 90], [100, 90]], [0, 0])
    high = chain([[150, 99], [150, 99]], [0, 0])
    split = [Stage(unit=0, groups=(0,)), Stage(unit=1, groups=(1,))]
    found, _ = errors(middle, middle, high, split, THROUGHPUT)
    # Advantage 80. u0 high: 180 - 150 = 30, an effect of 50. u1 high: 198 - 100 = 98, none.
    assert found.compare(one(1)) == (80, 50)


def test_power_is_off_with_its_unit() -> None:
    # 1000 us at 2000 mW on u0 are 2 mJ, at 500 mW on u1 0.5 mJ.
    middle = chain([[500_000, 500_000], [500_000, 500_000]], [0, 0])
    middle = replace(middle, power_mw=(2000.0, 500.0))
    low = replace(middle, power_mw=(1000.0, 400.0))
    high = replace(middle, power_mw=(2200.0, 1100.0))
    found, _ = errors(middle, low, high, one(1), ENERGY)
    # Advantage 1500 uJ. u0 at its low end: 1000 - 500, an effect of 1000. u1 at its high end:
    # 2000 - 1100 = 900, one of 600. Root of 1000000 + 360000 = 1166.2.
    assert found.compare(one(0)) == (1500, 1166)

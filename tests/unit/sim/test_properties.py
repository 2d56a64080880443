"""What holds for every workload."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.sim import Closed, SimResult, simulate
from hetsched.trace import Kind
from tests.unit.sim.running import rows
from tests.unit.sim.workloads import workload

NUMBERS = st.integers(10_000, 10**9)
DURATION_NS = 1500


def run(number: int, *, seed: int = 0, drain: bool = False) -> SimResult:
    apps, soc, policy = workload(number)
    return simulate(
        apps,
        soc,
        policy=policy,
        duration_ns=DURATION_NS,
        seed=seed,
        drain=drain,
        trace=True,
        keep_requests=True,
        snapshots=7,
    )


@given(NUMBERS)
def test_no_unit_runs_two_stages_and_none_while_it_is_down(number: int) -> None:
    result = run(number, drain=True)
    assert result.trace is not None
    running: dict[int, tuple[int, int]] = {}
    down: set[int] = set()
    busy: dict[int, int] = defaultdict(int)
    for time, kind, unit, request, _, stage, _ in rows(result.trace.events):
        if kind == Kind.STARTED:
            assert unit not in running
            assert unit not in down
            running[unit] = (request, stage)
            busy[unit] -= time
        elif kind in (Kind.ENDED, Kind.FAILED):
            assert running.pop(unit) == (request, stage)
            busy[unit] += time
        elif kind == Kind.UNIT_DOWN:
            down.add(unit)
        elif kind == Kind.UNIT_UP:
            down.remove(unit)
    for unit in running:
        busy[unit] += result.end_ns
    assert [each.busy_ns for each in result.units] == [
        busy[unit] for unit in range(len(result.units))
    ]


@given(NUMBERS)
def test_every_request_is_counted_once(number: int) -> None:
    result = run(number)
    assert result.requests is not None
    for index, app in enumerate(result.apps):
        ended = app.completed + app.missed + app.dropped + app.cancelled + app.failed
        assert app.requests == ended + app.in_flight
        assert app.in_flight >= 0
        mine = result.requests[result.requests["app"] == index]
        assert np.bincount(mine["status"], minlength=5).tolist() == [
            app.completed,
            app.missed,
            app.dropped,
            app.cancelled,
            app.failed,
        ]
        late = mine["end_ns"] > mine["deadline_ns"]
        timed = mine["deadline_ns"] >= 0
        assert not (late & timed & (mine["status"] == 0)).any()
        assert (late & timed)[mine["status"] == 1].all()


@given(NUMBERS)
def test_energy_is_at_least_that_of_idling_and_what_apps_took(number: int) -> None:
    apps, soc, _ = workload(number)
    result = run(number)
    for unit, found in zip(soc.units, result.units, strict=True):
        draws = [unit.power_mw or 0.0, *(level.power_mw or 0.0 for level in unit.levels)]
        own = [w.power_mw for app in apps for works in app.works for w in works]
        lowest = min([*draws, *(each for each in own if each is not None)])
        if unit.outages or found.energy_uj is None or lowest < (unit.idle_mw or 0.0):
            continue
        idle_uj = (unit.idle_mw or 0.0) * result.end_ns / 1e6
        assert found.energy_uj >= round(idle_uj) - 1
    spent = [app.energy_uj for app in result.apps if app.energy_uj is not None]
    if result.energy_uj is not None:  # each is rounded to a whole microjoule
        assert sum(spent) <= result.energy_uj + len(spent) + len(soc.units)


@given(NUMBERS)
def test_the_same_seed_gives_the_same_bytes(number: int) -> None:
    first, second, other = run(number), run(number), run(number, seed=1)
    assert first.trace is not None
    assert second.trace is not None
    assert other.trace is not None
    assert first.trace.events.tobytes() == second.trace.events.tobytes()
    assert {**first.to_dict(), "wall_s": 0} == {**second.to_dict(), "wall_s": 0}


def test_another_seed_gives_others() -> None:
    def trace(number: int, seed: int) -> bytes:
        result = run(number, seed=seed)
        assert result.trace is not None
        return result.trace.events.tobytes()

    differ = sum(trace(number, 0) != trace(number, 1) for number in range(40))
    assert differ > 20


@given(NUMBERS)
def test_recording_changes_nothing(number: int) -> None:
    """Neither a trace nor snapshots nor a look at progress: energies are equal to the bit."""
    apps, soc, policy = workload(number)
    plain = simulate(apps, soc, policy=policy, duration_ns=DURATION_NS)
    full = run(number)
    assert plain.apps == full.apps
    assert plain.units == full.units


@pytest.mark.parametrize("number", range(25))
def test_a_faster_memory_never_makes_one_stage_alone_slower(number: int) -> None:
    """For one request at a time this is true; with queues it isn't: Graham's anomalies."""
    apps, soc, policy = workload(number)
    one = replace(apps[0], arrivals=Closed(think_ns=10**9), triggers=(), load=(), active=())
    one = replace(one, terms=replace(one.terms, deadline_ns=None))
    units = tuple(replace(unit, outages=()) for unit in soc.units)
    took = []
    for bandwidth in (1e9, 4e9):
        at = replace(soc, units=units, memory_bytes_per_s=bandwidth, thermal=None)
        result = simulate([one], at, policy=policy, duration_ns=10**6, drain=True)
        took.append(result.apps[0].max_ns or 0)
    assert took[1] <= took[0]

"""The simulator does what the slow reference does: the same events, the same energy, to the bit."""

import pytest

from hetsched._core import Simulation
from hetsched.dispatch import STATUSES, RequestStatus
from hetsched.sim.native import build
from tests.conftest import FULL
from tests.unit.sim.reference import World
from tests.unit.sim.running import events_of, run_native
from tests.unit.sim.workloads import workload

COUNT = 4000 if FULL else 400
BLOCKS = 8
DURATION_NS = 400


def both(number: int) -> tuple[World, Simulation]:
    """A workload in the reference and in the simulator."""
    apps, soc, policy = workload(number)
    drain, contention = number % 3 == 0, number % 5 != 0
    world = World(
        apps,
        soc,
        policy=policy,
        duration_ns=DURATION_NS,
        seed=number,
        drain=drain,
        contention=contention,
    ).run()
    native = build(
        apps,
        soc,
        policy=policy,
        duration_ns=DURATION_NS,
        seed=number,
        drain=drain,
        contention=contention,
        traces=True,
        keeps_requests=False,
        ticks=0,
    )
    run_native(native)
    return world, native


@pytest.mark.parametrize("block", range(BLOCKS))
def test_it_does_what_the_reference_does(block: int) -> None:
    for number in range(block, COUNT, BLOCKS):
        world, native = both(number)
        where = f"workload {number}"
        assert events_of(native) == world.trace, where
        used = [native.unit(unit)[:2] for unit in range(len(world.soc.units))]
        assert used == list(zip(world.busy, world.energy, strict=True)), where
        spent = [native.app(index)["energy_pj"] for index in range(len(world.apps))]
        assert spent == world.app_energy, where


def test_random_workloads_reach_every_kind_of_event() -> None:
    """Else the comparison above would say less than it seems to."""
    worlds = [both(number)[0] for number in range(60)]
    assert {event[1] for world in worlds for event in world.trace} == {*range(10), 11}
    cancelled = STATUSES.index(RequestStatus.CANCELLED)
    gone = [any(e[1] == 3 and e[6] == cancelled for e in world.trace) for world in worlds]
    assert sum(gone) > 5
    throttled = [any(e[1] == 8 and e[0] > 0 for e in world.trace) for world in worlds]
    assert sum(throttled) > 5


def test_contention_changes_what_random_workloads_do() -> None:
    changed = 0
    for number in range(0, 100):
        apps, soc, policy = workload(number)
        traces = [
            World(
                apps, soc, policy=policy, duration_ns=DURATION_NS, seed=0, drain=True, contention=on
            ).run().trace
            for on in (False, True)
        ]  # fmt: skip
        changed += traces[0] != traces[1]
    assert changed > 10

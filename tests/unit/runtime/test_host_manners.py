"""How host processes share cores with units and with whoever else wakes up."""

import os
from typing import Any

import pytest

from hetsched.errors import RunError
from hetsched.runtime import HostCall, Runtime
from hetsched.stages import manners
from tests.unit.runtime import host_functions as functions
from tests.unit.runtime.fakes import DIAMOND
from tests.unit.runtime.hosted import PLAN, X, units

HERE = os.getpriority(os.PRIO_PROCESS, 0)


async def manners_of(where: str, **options: Any) -> tuple[int, int]:
    """Niceness and slice of a host stage's process or thread."""
    post = HostCall(call=functions.manners, where=where)  # type: ignore[arg-type]  # one of three
    async with Runtime(units(), host_processes=1, **options) as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, post=post)
        found: tuple[int, int] = await app({"x": X})
        return found


@pytest.mark.asyncio
async def test_host_processes_let_others_go_first() -> None:
    nice, slice_ns = await manners_of("process")
    assert nice == min(19, HERE + 5)
    assert slice_ns in (manners.SLICE_NS, 0)  # Linux before 6.12 has none of its own: 0


@pytest.mark.asyncio
async def test_their_share_is_kept_where_that_is_asked_for() -> None:
    nice, slice_ns = await manners_of("process", host_nice=0)
    assert nice == HERE
    assert slice_ns in (manners.SLICE_NS, 0)


@pytest.mark.asyncio
async def test_the_program_itself_stays_as_it_was() -> None:
    before = manners.slice_ns()
    assert await manners_of("thread") == (HERE, before)


@pytest.mark.parametrize("nice", [-1, 20])
def test_niceness_has_its_bounds(nice: int) -> None:
    with pytest.raises(RunError, match=f"host_nice is {nice}: give 0 to 19"):
        Runtime(units(), host_nice=nice)


def test_who_was_given_another_policy_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_FIFO)
    manners.step_aside(5)
    assert os.getpriority(os.PRIO_PROCESS, 0) == HERE


def test_a_machine_whose_calls_are_unknown_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "mips")
    before = manners.slice_ns()
    manners.step_aside(0)
    assert (before, os.getpriority(os.PRIO_PROCESS, 0)) == (0, HERE)

"""A unit in a process of its own dies in every phase, hangs and fails: nobody's answer suffers."""

import asyncio
import gc
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hetsched.backends.faulty import Fault, FaultyBackend
from hetsched.backends.recipe import Recipe
from hetsched.runtime import App, Runtime, RuntimeUnit
from hetsched.runtime.faults import Faults, UnitStatus
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, diamond
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
TWO = plan_of(DIAMOND, [("risky", ["head", "left"]), ("risky", ["right", "tail"])])
ONE = plan_of(DIAMOND, [("risky", ["head", "left", "right", "tail"])])
NUMPY = Recipe(factory="tests.unit.runtime.fakes:FakeBackend")
ONCE = (
    ("kill", "running"),
    ("kill", "loading"),
    ("crash", "writing back"),
    ("hang", "running"),
    ("exit", "running"),
    ("raise", "running"),
    ("short", "running"),
)
"""What happens, each once, one after the other; the second one while the unit is brought back."""

DEADLY = 5
"""So many of them can be survived by running the stage again on the same unit."""

FAULTS = Faults(wait_ns=1_000_000)
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(autouse=True)
def _no_child_stays() -> Iterator[None]:
    before = children()
    yield
    gc.collect()
    assert children() <= before


def risky(folder: Path, count: int) -> RuntimeUnit:
    marks = [str(folder / f"{number}") for number in range(count)]
    rows = zip(ONCE, marks, [None, *marks], strict=False)
    faults = [
        Fault(kind=kind, phase=phase, mark=mark, after=before)  # type: ignore[arg-type]  # literals
        for (kind, phase), mark, before in rows
    ]
    return RuntimeUnit(name="risky", backend=FaultyBackend(NUMPY, faults), isolation="process")


async def ask(app: App, number: int) -> None:
    outputs = await app({"x": X * number})
    for name, array in diamond(X * number).items():
        np.testing.assert_array_equal(outputs[name], array)


async def until_all_happened(app: App, folder: Path, count: int) -> int:
    """Requests, some at a time, until everything has gone wrong; how many."""
    asked = 0
    while len(list(folder.iterdir())) < count:
        await asyncio.gather(*(ask(app, asked + i) for i in range(4)))
        asked += 4
    return asked


@pytest.mark.asyncio
@pytest.mark.parametrize("alone", [False, True], ids=["with-another-unit", "alone"])
async def test_every_way_of_failing_leaves_the_answers_right(tmp_path: Path, alone: bool) -> None:
    count = DEADLY if alone else len(ONCE)
    units = [risky(tmp_path, count)]
    if not alone:
        units.append(RuntimeUnit(name="safe", backend=FakeBackend()))
    told: Counter[str] = Counter()
    async with Runtime(
        units, faults=FAULTS, watchdog="500ms", on_fault=lambda event: told.update([event.kind])
    ) as runtime:
        kwargs: dict[str, Any] = {} if alone else {"alternatives": "all"}
        app = await runtime.deploy(ONE if alone else TWO, name="a", model=DIAMOND, **kwargs)
        asked = await until_all_happened(app, tmp_path, count)
        tally, state = app.tally, runtime.units_state()["risky"]
    assert (tally.requests, tally.completed, tally.failed, tally.dropped) == (asked, asked, 0, 0)
    assert told["unit-hung"] == 1
    assert told["unit-given-up"] == 0
    # Killed while running, while writing back, when it hung, and by itself; not while loading:
    # then it was down already.
    assert state.deaths + state.hangs == 4
    assert state.status is not UnitStatus.GIVEN_UP


@pytest.mark.full
@pytest.mark.parametrize(
    "counts", [["--kills", "100", "--failures", "0"], ["--kills", "0", "--failures", "100"]]
)
def test_the_whole_count(counts: list[str]) -> None:
    script = [sys.executable, str(BENCHMARKS / "fault_injection.py"), *counts]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

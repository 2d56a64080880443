"""Host stages that fail, die, hang, or are cancelled."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from hetsched.errors import RunError
from hetsched.runtime import HostCall
from tests.unit.runtime import host_functions as functions
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, Gate, diamond
from tests.unit.runtime.hosted import PLAN, X, make_runtime, until


@pytest.mark.asyncio
@pytest.mark.parametrize("where", ["process", "thread", "loop"])
async def test_an_error_names_app_stage_and_cause(where: Any) -> None:
    async with make_runtime() as runtime:
        call = HostCall(call=functions.raises, where=where)
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=[call])
        message = "host stage 'pre0:raises' of app 'a' failed: ValueError: no 7 here"
        with pytest.raises(RunError, match=message):
            await app(7)
    assert (app.tally.requests, app.tally.failed, app.tally.in_flight) == (1, 1, 0)


@pytest.mark.asyncio
async def test_a_result_or_value_that_cannot_cross_fails_its_request_only() -> None:
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, post=functions.gives_a_set)
        with pytest.raises(
            RunError, match=r"it returned what can't cross: a builtins.set can't be"
        ):
            await app({"x": X})
        echo: Any = await runtime.deploy(PLAN, name="b", model=DIAMOND, pre=functions.same)
        with pytest.raises(RunError, match=r"pre0:same.*a builtins.object at \['x'\] can't be"):
            await echo({"x": object()})
        assert list(await echo({"x": X})) == ["y", "b"]
        with pytest.raises(RunError, match="gave a int: the model takes arrays by input name"):
            await echo(3)
        with pytest.raises(RunError, match="has no input 'z'"):
            await echo({"z": X})


@pytest.mark.asyncio
async def test_what_a_process_changes_in_place_is_its_own_copy() -> None:
    """Large enough for shared memory, and twice, so that the memory is used again."""
    async with make_runtime() as runtime:
        pre = [HostCall(call=functions.doubles_in_place), HostCall(call=first_four, where="loop")]
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=pre)
        large = np.ones(1_000_000, np.float32)
        outputs = await asyncio.gather(*(app(large * i) for i in (1, 2, 3)))
    assert large.max() == 1
    assert [out["y"][0] for out in outputs] == [2, 4, 6]  # relu(-x) + |x| = x, doubled


def first_four(array: np.ndarray) -> dict[str, np.ndarray]:
    return {"x": array[:4].copy()}


@pytest.mark.asyncio
async def test_a_process_that_dies_is_replaced_and_its_request_run_again(tmp_path: Path) -> None:
    async with make_runtime() as runtime:
        pre = [functions.dies_once, HostCall(call=lambda _: {"x": X}, where="loop")]
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=pre)
        assert (await app(str(tmp_path / "mark")))["y"].tolist() == diamond(X)["y"].tolist()
    assert (app.tally.completed, app.tally.failed) == (1, 0)


@pytest.mark.asyncio
async def test_one_that_dies_every_time_fails_with_its_end() -> None:
    async with make_runtime() as runtime:
        bad: Any = await runtime.deploy(PLAN, name="bad", model=DIAMOND, post=functions.dies)
        good: Any = await runtime.deploy(PLAN, name="good", model=DIAMOND, post=functions.largest)
        for _ in range(2):
            with pytest.raises(RunError, match=r"post0:dies.*host process .* exit code 3"):
                await bad({"x": X})
            assert await good({"x": X}) == 8


@pytest.mark.asyncio
async def test_a_timeout_ends_a_hanging_process_stage_and_frees_its_process() -> None:
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=functions.sleep)
        good: Any = await runtime.deploy(PLAN, name="b", model=DIAMOND, post=functions.largest)
        with pytest.raises(TimeoutError, match="app 'a' gave no answer in 10"):
            await app(3600.0, timeout="10ms")
        assert app.tally.cancelled == 1
        assert await good({"x": X}) == 8  # it had to wait for the process's end


@pytest.mark.asyncio
async def test_cancelling_the_caller_cancels_the_request_in_each_phase() -> None:
    gate = Gate("s0")
    async with make_runtime(FakeBackend(before=gate)) as runtime:
        hung = asyncio.Event()

        async def hang(value: Any) -> Any:
            hung.set()
            await asyncio.Event().wait()
            return value

        before: Any = await runtime.deploy(PLAN, name="pre", model=DIAMOND, pre=hang)
        task = asyncio.create_task(before({"x": X}))
        await hung.wait()
        inside: Any = await runtime.deploy(PLAN, name="in", model=DIAMOND, post=functions.largest)
        other = asyncio.create_task(inside({"x": X}))
        await until(gate.reached.is_set)
        for one in (task, other):
            one.cancel()
            with pytest.raises(asyncio.CancelledError):
                await one
        gate.open()
    assert (before.tally.cancelled, inside.tally.cancelled) == (1, 1)
    assert (before.tally.in_flight, inside.tally.in_flight) == (0, 0)


PARENT = """
import asyncio
import numpy as np
from hetsched.runtime import Runtime
from tests.unit.runtime import host_functions as functions
from tests.unit.runtime.fakes import DIAMOND
from tests.unit.runtime.hosted import PLAN, units

async def main():
    async with Runtime(units(), host_processes=1) as runtime:
        pid = await runtime.deploy(PLAN, name="p", model=DIAMOND, post=functions.pid)
        print(await pid({"x": np.zeros(4, np.float32)}), flush=True)
        hang = await runtime.deploy(PLAN, name="h", model=DIAMOND, pre=functions.spins)
        await hang(None)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_host_process_dies_with_its_program(tmp_path: Path) -> None:
    """Killed while the process computes: nobody can tell it to end."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).parents[3])
    command = [sys.executable, str(script)]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
    assert not psutil.wait_procs([child], timeout=60)[1]

"""A sweep on a real Dask scheduler with two workers, one of which is killed in the midst of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hetsched.dispatch import StageNode
from hetsched.errors import WorkloadError
from hetsched.sim.arrivals import Poisson
from hetsched.sim.model import SimApp
from hetsched.sim.scenario import Ready
from hetsched.sim.soc import SimSoc, SimUnit
from hetsched.sim.sweep import Task, run_task
from hetsched.sim.sweep_points import Point
from hetsched.sim.sweep_pool import run_local, run_on_cluster
from hetsched.workload.files import parse_workload

PATIENCE_S = 60


def tasks(count: int) -> list[Task]:
    """A unit that is 80% busy, under as many seeds; half a second of work each."""
    raw = {"name": "w", "apps": [{"name": "a", "model": "zoo:none", "rate": 800.0}]}
    node = StageNode(units=((0, 1_000_000),), after=())
    ready = Ready(
        workload=parse_workload(raw, "w.toml"),
        apps=(SimApp(name="a", nodes=(node,), arrivals=Poisson(rate=800)),),
        soc=SimSoc(units=(SimUnit(name="cpu"),)),
    )
    return [
        Task(
            key=f"point-{seed}",
            point=Point(profile="p", plans="latency", policy="fifo", scale=1.0, seed=seed),
            ready=ready,
            gap=None,
            duration_ns=100_000_000_000,
        )
        for seed in range(count)
    ]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler's address, and two workers' processes."""
    file = tmp_path / "scheduler.json"
    where = ["--scheduler-file", str(file)]
    dask = [sys.executable, "-m", "dask"]
    begun = [
        _begin([*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *where])
    ]
    try:
        _wait(file.exists, begun[0])
        for _ in range(2):
            worker = [*dask, "worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", *where]
            local = ["--local-directory", str(tmp_path), "--host", "127.0.0.1"]
            begun.append(_begin([*worker, *local]))
        yield json.loads(file.read_text())["address"], begun[1:]
    finally:
        for process in begun:
            process.kill()
        for process in begun:
            process.wait()


def _begin(words: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait(until: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """For something that comes soon, or never."""
    for _ in range(PATIENCE_S * 20):
        if until():
            return
        assert process.poll() is None, "the scheduler ended"
        time.sleep(0.05)
    raise AssertionError("the scheduler didn't come up")


def test_a_killed_workers_points_are_done_by_the_other(
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    address, workers = cluster
    todo = tasks(12)
    _wait_for_workers(address, 2)
    found: dict[str, object] = {}
    for key, result in run_on_cluster(todo, address):
        if not found:
            os.kill(workers[0].pid, signal.SIGKILL)
        assert key not in found
        found[key] = result
    assert workers[0].wait() == -signal.SIGKILL
    assert found == dict(run_task(task) for task in todo)


def _wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, timeout=PATIENCE_S, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(count, timeout=PATIENCE_S)


def test_a_scheduler_that_is_not_there_is_told() -> None:
    with pytest.raises(WorkloadError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        list(run_on_cluster(tasks(1), "tcp://127.0.0.1:1", timeout_s=1))


def test_local_processes_give_the_same(tmp_path: Path) -> None:
    todo = tasks(3)
    assert dict(run_local(todo, 2)) == dict(run_local(todo, 1)) == dict(map(run_task, todo))

"""The native core in the hands of several threads; `make sanitize-threads` would see races.

What holds the GIL throughout can't race from Python: native/checks/threads.cpp drives that.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hetsched import _core
from hetsched.dispatch import FINISH, START, Action, Terms, deploy, make_dispatcher
from hetsched.place.native import native_problem
from hetsched.sim import Periodic, simulate
from hetsched.sim.native import build
from hetsched.testing import random_problem
from tests.unit.runtime.dispatching import FORK
from tests.unit.sim.running import one_stage, plain_soc
from tests.unit.sim.workloads import workload

THREADS = 4


def at_once(work: Callable[[], Any]) -> list[Any]:
    """What it gives in each of some threads that begin together."""
    together = threading.Barrier(THREADS)

    def begin() -> Any:
        together.wait(60)
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return [each.result(60) for each in [pool.submit(begin) for _ in range(THREADS)]]


class Engine:
    """A dispatcher under a lock, and a thread per unit: the runtime's engine at its smallest."""

    def __init__(self, units: int) -> None:
        self.lock = threading.Lock()
        self.core = make_dispatcher(units, "fifo")
        self.mail: list[queue.SimpleQueue[Action | None]] = [
            queue.SimpleQueue() for _ in range(units)
        ]
        self.now = 0
        self.ended: list[int] = []
        self.asked: list[int] = []
        deploy(self.core, FORK, Terms())

    def work(self, unit: int) -> None:
        while (task := self.mail[unit].get()) is not None:
            _, _, request, stage = task
            with self.lock:
                self.follow(self.core.stage_done(self.tick(), unit, request, stage))

    def submit(self, count: int) -> None:
        for number in range(count):
            with self.lock:
                request, actions = self.core.submit(self.tick(), 0, -1)
                self.asked.append(request)
                self.follow(actions)
            if number % 5 == 0:
                with self.lock:
                    self.follow(self.core.cancel(self.tick(), request))

    def tick(self) -> int:
        self.now += 1
        return self.now

    def follow(self, actions: list[Action]) -> None:
        for action in actions:
            if action[0] == START:
                self.mail[action[1]].put(action)
            elif action[0] == FINISH:
                self.ended.append(action[2])


def test_one_dispatcher_under_a_lock_ends_every_request_once() -> None:
    engine = Engine(2)
    workers = [threading.Thread(target=engine.work, args=(unit,)) for unit in range(2)]
    for worker in workers:
        worker.start()
    at_once(lambda: engine.submit(100))
    while not engine.core.is_idle:
        threading.Event().wait(0.001)
    for mailbox, worker in zip(engine.mail, workers, strict=True):
        mailbox.put(None)
        worker.join(60)
    assert len(engine.asked) == THREADS * 100
    assert sorted(engine.ended) == sorted(engine.asked)


SEARCHES: dict[str, Callable[[_core.Problem], Any]] = {
    # With two threads of its own each.
    "chain": lambda p: _core.solve_chain(p, seed=0, gap=0.0, max_nodes=2000, iterations=2000),
    "exact": lambda p: _core.solve_exact(p, known=2**62, max_nodes=3000),
    "frontier": lambda p: _core.frontier(p, price=[1, 1, 1], upper=2**40, states=500),
    "pack": lambda p: _core.pack_bound(p, rounds=20, resolution=50, width=2, upper=2**40, gap=0.0),
    "balance": lambda p: _core.Balance(p, states=500, whole=True, upper=2**40).search(
        labels=200, grain=100, upper=2**40
    ),
}


@pytest.mark.parametrize("search", SEARCHES)
def test_searches_share_a_problem(search: str) -> None:
    """They let the GIL go, and only look at the problem: each finds what it finds alone."""
    problem = native_problem(random_problem(7, 14, 3))
    alone = SEARCHES[search](problem)
    assert at_once(lambda: SEARCHES[search](problem)) == [alone] * THREADS


def test_simulations_share_nothing() -> None:
    apps, soc, policy = workload(17)

    def run() -> bytes:
        found = simulate(apps, soc, policy=policy, duration_ns=1500, seed=3, trace=True)
        assert found.trace is not None
        return found.trace.events.tobytes()

    assert at_once(run) == [run()] * THREADS


def test_a_simulation_refuses_whoever_comes_in_the_middle_of_a_step() -> None:
    """A policy in Python is in the middle of one; without the GIL any thread could be."""
    refused: list[str] = []

    def choose(unit: int, now_ns: int, rows: Any) -> int:
        for what in (lambda: native.step(1), lambda: native.now_ns, native.take_trace):
            with pytest.raises(RuntimeError) as found:
                what()
            refused.append(str(found.value))
        return 0

    native = build(
        [one_stage("a", 10, Periodic(rate=1e7))],
        plain_soc(),
        policy=choose,
        duration_ns=1000,
        seed=0,
        drain=False,
        traces=True,
        keeps_requests=False,
        ticks=0,
        contention=False,
    )
    native.step(1000)
    assert refused
    assert set(refused) == {"the simulation is at work on another call"}


def test_a_graph_of_states_is_searched_by_one_at_a_time() -> None:
    """Its searches change it: a second one at the same time is refused, and does no harm."""
    problem = native_problem(random_problem(7, 14, 3))
    graph = _core.Balance(problem, states=2000, whole=True, upper=2**40)

    def search() -> str:
        try:
            graph.search(labels=2000, grain=400, upper=2**40)
        except RuntimeError as error:
            return str(error)
        return "found"

    said = [word for _ in range(10) for word in at_once(search)]
    assert set(said) <= {"found", "the graph of states is at work on another call"}
    assert "found" in said

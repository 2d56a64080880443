"""How many decisions the dispatcher makes per second: stages started on units.

python benchmarks/dispatcher.py [--rounds 5] [--starts 1000000]

Natively: a small C++ loop in virtual time (`native/core/drive.cpp`) keeps apps' requests going and
feeds the dispatcher its events; the loop's own work is in the figure. From Python: the same calls
one by one, each returning a list of tuples, as the runtime makes them. Per round every row once, in
turns; medians, and from the lowest to the highest. A second is one of processor time: other
programs share the machine's cores. Allocations are the dispatcher's own after a warm-up of a tenth
of the starts.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

from hetsched._core import Dispatcher, drive_dispatcher
from hetsched.dispatch import (
    FINISH,
    POLICIES,
    START,
    Policy,
    StageNode,
    StaticOrder,
    Terms,
    deploy,
    make_dispatcher,
)

APPS, DEPTH, STAGES, UNITS = 5, 4, 4, 4
LONGEST_NS = 2000
GOAL = 1e6


def deployed(policy: Policy, alternatives: int) -> Dispatcher:
    """Five apps of four stages in a chain, over four units, with deadlines and late-drop."""
    core = make_dispatcher(UNITS, policy)
    for app in range(APPS):
        nodes = [
            StageNode(
                units=tuple(((app + s + k) % UNITS, 1000 + 100 * k) for k in range(alternatives)),
                after=(s - 1,) if s else (),
            )
            for s in range(STAGES)
        ]
        terms = Terms(deadline_ns=50_000, priority=app, weight=1.0 + app)
        deploy(core, nodes, terms, turn=app)
    return core


def native(policy: Policy, alternatives: int, starts: int) -> tuple[float, int]:
    """Decisions per second, and how often memory was asked for."""
    core = deployed(policy, alternatives)

    def drive(count: int) -> int:
        return drive_dispatcher(core, apps=APPS, depth=DEPTH, starts=count, longest_ns=LONGEST_NS)[
            3
        ]

    drive(starts // 10)
    start = time.thread_time()
    taken = drive(starts)
    return starts / (time.thread_time() - start), taken


def from_python(policy: Policy, starts: int) -> float:
    """Decisions per second of one chain after the other, each event a call."""
    core = deployed(policy, 1)
    now_ns = made = 0
    submitted, actions = core.submit(now_ns, 0)
    begin = time.thread_time()
    while made < starts:
        for kind, unit, request, what in actions:
            if kind == START:
                made += 1
                now_ns += 1
                actions = core.stage_done(now_ns, unit, request, what)
                break
            if kind == FINISH:
                submitted, actions = core.submit(now_ns, made % APPS)
                break
    assert submitted >= 0
    return made / (time.thread_time() - begin)


def rows(starts: int) -> dict[str, Callable[[], tuple[float, int | None]]]:
    """What is measured, by its name."""
    found: dict[str, Callable[[], tuple[float, int | None]]] = {}
    policies: Sequence[tuple[str, Policy]] = [
        *((name, name) for name in POLICIES),
        ("static", StaticOrder(tuple("abcde"))),
    ]
    for name, policy in policies:
        found[f"{name}, native"] = partial(native, policy, 1, starts)
    found["edf, two units a stage, native"] = partial(native, "edf", 2, starts)
    found["fifo, from Python"] = lambda: (from_python("fifo", starts // 10), None)
    found["function, from Python"] = lambda: (from_python(lambda *_: 0, starts // 20), None)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Decisions per second of the dispatcher.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=1_000_000)
    given = parser.parse_args()
    ways = rows(given.starts)
    results: dict[str, list[tuple[float, int | None]]] = {name: [] for name in ways}
    for _ in range(given.rounds):
        for name, way in ways.items():
            results[name].append(way())
    print(
        f"{APPS} apps of {STAGES} stages on {UNITS} units, {APPS * DEPTH} requests at a time, "
        f"{given.rounds} rounds, load average {os.getloadavg()[0]:.1f}"
    )
    for name, found in results.items():
        rates = sorted(rate / 1e6 for rate, _ in found)
        more = found[0][1]
        memory = "" if more is None else f"   {more} allocations"
        print(
            f"  {name:<34} {statistics.median(rates):6.3f} M/s "
            f"({rates[0]:.3f} to {rates[-1]:.3f}){memory}"
        )
    print(f"  goal {GOAL / 1e6:.0f} M/s natively")


if __name__ == "__main__":
    main()

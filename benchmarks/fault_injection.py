"""A unit in a process of its own dies, hangs and fails at random, under load.

    python benchmarks/fault_injection.py [--kills 100] [--failures 100] [--seed 0] [--limit 3600]

Four apps (squeezenet in three stages, ppocr-cls, silero-vad, and squeezenet's first layer alone,
with answers of 3 MB, so that writing back takes its share of the time) are asked in closed loops,
several requests of each in flight. Their plans are for a unit that runs ONNX Runtime in a child
process; a second unit, in this process, is the alternative of every stage.

First the child is killed (SIGKILL) 0 to 500 ms after each of its starts, drawn evenly, until as
many kills as asked for have hit it while it was loading, while it ran a stage, and while it wrote
back what that made. Where it was hit it says itself, in a word of shared memory that outlives it.
A start is, drawn evenly too, that of the process, that of its loading, or that of its service: to
come to the next one takes it some 200 ms, and a second on a busy machine. The runtime is told never
to give the unit up, and to wait 20 ms at most before it brings it back.

Then its stages raise, make too few values, hang, or crash the process, each at random, until the
runtime has seen as many failures, hangs and crashes as asked for.

Every answer is compared bit by bit with what the same stages give one after the other without a
runtime. Printed are how many requests were answered, and how many were lost (refused, failed, or
without an end), answered wrongly, or answered twice: anything but 0 in these is an error. A count
that isn't reached within the limit (seconds for each half) is one too.
"""

import argparse
import asyncio
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from splitting import chain_plan, specs

import hetsched as hs
from hetsched.backends.base import Backend, HostValue
from hetsched.backends.faulty import Fault, FaultyBackend
from hetsched.backends.isolated.backend import IsolatedBackend
from hetsched.backends.isolated.status import PHASES
from hetsched.backends.ort import OrtBackend
from hetsched.errors import HetschedError
from hetsched.ir.extract import save_part
from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.runtime import App, Runtime, RuntimeUnit
from hetsched.runtime.faults import Faults
from hetsched.runtime.trial import fill_inputs

PARTS: Mapping[str, int] = {"squeezenet": 3, "ppocr-cls": 1, "silero-vad": 1}
"""Models of the zoo, and into how many stages they are cut."""

HEAD = ("squeezenet", 2)
"""A model of the zoo, and how many of its first ops make a model of their own."""

WANTED = ("loading", "running", "writing back")
STARTS = ((), PHASES[:3], PHASES[:4])
"""What a child does before each of its starts: of the process, of loading, of service."""

WINDOW_S = 0.5
WAIT_NS = 20_000_000
WATCHDOG = "1s"
IN_FLIGHT = 4
"""Requests of each app at a time: enough for neither unit to wait for one."""
HEADS = 3
"""So many times more of what takes long to write back: it is the rarest to be hit."""

INPUTS = 8

Answer = dict[str, np.ndarray]


@dataclass(slots=True)
class Case:
    """A model with inputs whose answers are known."""

    name: str
    model: Model
    plan: Plan
    inputs: Sequence[Mapping[str, HostValue]]
    answers: list[Answer]

    def is_right(self, number: int, outputs: Mapping[str, HostValue]) -> bool:
        """Whether these are the outputs of one of its inputs, bit by bit."""
        want = self.answers[number]
        return outputs.keys() == want.keys() and all(
            isinstance(got := outputs[name], np.ndarray)
            and (got.dtype, got.shape) == (array.dtype, array.shape)
            and np.array_equal(got.reshape(-1).view(np.uint8), array.reshape(-1).view(np.uint8))
            for name, array in want.items()
        )


@dataclass(slots=True)
class Count:
    """What became of the requests."""

    answered: int = 0
    wrong: int = 0
    twice: int = 0
    lost: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.answered} answered, {len(self.lost)} lost, {self.wrong} wrong, "
            f"{self.twice} duplicated"
        )

    @property
    def is_clean(self) -> bool:
        """Whether every request had its answer, once."""
        return self.answered > 0 and not (self.lost or self.wrong or self.twice)


def head(folder: Path) -> Model:
    """A few large tensors and little to compute."""
    name, count = HEAD
    model = hs.load(f"zoo:{name}")
    ops = model.graph.ops[:count]
    save_part(model, [op.name for op in ops], ops[-1].writes, folder / "head.onnx")
    return hs.load(folder / "head.onnx")


def known(name: str, model: Model, parts: int) -> Case:
    """A case, with what its stages answer one after the other."""
    plan = chain_plan(model, parts)
    backend = OrtBackend(threads=1)
    stages = [backend.compile(model, [spec])[0] for spec in specs(plan)]
    inputs = [fill_inputs(model.graph, {}, seed)[0] for seed in range(INPUTS)]
    answers = []
    for given in inputs:
        values = dict(given)
        for stage in stages:
            made = stage.run(values)
            values |= {n: b.host() for n, b in zip(stage.outputs, made, strict=True)}
        answers.append({name: np.asarray(values[name]).copy() for name in model.graph.outputs})
    case = Case(name, model, plan, inputs, answers)
    for number in range(INPUTS):  # else an answer to another request would go unnoticed
        assert not case.is_right(number, answers[number - 1]), f"{name} says always the same"
    return case


@dataclass(slots=True)
class Killer:
    """Kills a unit's child 0 to 500 ms after each of its starts; notes what it was doing."""

    backend: IsolatedBackend
    draw: random.Random
    hits: Counter[str] = field(default_factory=Counter)
    done: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Kill until it is done."""
        known = None
        while not self.done.wait(0.001):
            child = self.backend.pid
            if child is None or child == known:
                continue
            known = child
            if not self.waited(child, self.draw.choice(STARTS)):
                continue
            before = self.backend.last_death
            if self.done.wait(self.draw.uniform(0, WINDOW_S)):
                return
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            while (death := self.backend.last_death) is before or death is None:
                if self.done.wait(0.001):  # nobody has noticed: a kill that hit nothing
                    return
            self.hits[death.phase] += 1

    def waited(self, child: int, phases: Collection[str]) -> bool:
        """Wait while the child is in one of these; whether it is still there."""
        while self.backend.pid == child and not self.done.is_set():
            if self.backend.phase not in phases:
                return True
            time.sleep(0.001)
        return False

    def has(self, kills: int) -> bool:
        """Whether it has hit every phase that counts so often."""
        return all(self.hits[phase] >= kills for phase in WANTED)


async def ask(
    app: App, case: Case, draw: random.Random, count: Count, until: asyncio.Event
) -> None:
    """Requests one after the other."""
    while not until.is_set():
        number = draw.randrange(INPUTS)
        try:
            outputs = await app(case.inputs[number])
        except HetschedError as error:
            count.lost.append(f"{case.name}: {error}")
            continue
        count.answered += 1
        count.wrong += not case.is_right(number, outputs)


async def deploy(runtime: Runtime, cases: Sequence[Case], watchdog: str) -> list[App]:
    """Every stage is planned for the unit that fails, and may run on the other one."""
    return [
        await runtime.deploy(
            case.plan,
            name=case.name,
            model=case.model,
            mapping=dict.fromkeys((part.unit for part in case.plan.subgraphs), "risky"),
            alternatives="all",
            watchdog=watchdog,
        )
        for case in cases
    ]


async def under_load(
    apps: Sequence[App],
    cases: Sequence[Case],
    is_done: Callable[[], bool],
    progress: Callable[[], str],
    options: argparse.Namespace,
) -> Count:
    """Keep the runtime busy until it is done; what became of the requests."""
    count, until = Count(), asyncio.Event()
    asked = [
        asyncio.ensure_future(ask(app, case, random.Random(f"{options.seed} {i}"), count, until))
        for app, case in zip(apps, cases, strict=True)
        for i in range(IN_FLIGHT * (HEADS if case.name == "head" else 1))
    ]
    end, shown = time.monotonic() + options.limit, time.monotonic()
    try:
        while not is_done() and time.monotonic() < end:
            await asyncio.sleep(0.05)
            if time.monotonic() > shown + 10:
                shown = time.monotonic()
                print(f"  {progress()}; {count}", file=sys.stderr, flush=True)
    finally:
        until.set()  # also when it is interrupted
    _, stuck = await asyncio.wait(asked, timeout=60)
    count.lost.extend("a request had no end" for _ in stuck)
    for task in stuck:
        task.cancel()
    audit(apps, count)
    return count


def audit(apps: Sequence[App], count: Count) -> None:
    """What the runtime says of its requests: none is left over, none was answered twice."""
    answered = sum(app.tally.completed + app.tally.missed for app in apps)
    count.twice += max(0, answered - count.answered)
    for app in apps:
        if app.tally.in_flight:
            count.lost.append(f"{app.tally.in_flight} requests of {app.name} are left over")


def units(backend: Backend) -> tuple[RuntimeUnit, IsolatedBackend, RuntimeUnit]:
    """The one that fails, what is behind it, and the one that doesn't."""
    risky = RuntimeUnit(name="risky", backend=backend, isolation="process")
    assert isinstance(risky.backend, IsolatedBackend)
    return risky, risky.backend, RuntimeUnit(name="safe", backend=OrtBackend(threads=1))


def listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items())) or "nothing"


def is_clean(what: str, counts: Mapping[str, int], count: Count) -> bool:
    """Print what was injected and what came of it."""
    print(f"{what}: {listed(counts)}")
    print(f"  {count}")
    for message in count.lost[:5]:
        print(f"  lost: {message}")
    return count.is_clean


async def kills(cases: Sequence[Case], options: argparse.Namespace) -> bool:
    """The child is killed from outside."""
    risky, backend, safe = units(OrtBackend(threads=1))
    killer = Killer(backend, random.Random(options.seed))
    thread = threading.Thread(target=killer.work, name="killer")
    faults = Faults(revivals=10**9, wait_ns=WAIT_NS, longest_wait_ns=WAIT_NS)
    try:
        async with hs.Runtime([risky, safe], faults=faults) as runtime:
            apps = await deploy(runtime, cases, "off")
            thread.start()
            done = partial(killer.has, options.kills)
            count = await under_load(apps, cases, done, lambda: listed(killer.hits), options)
            killer.done.set()
    finally:
        killer.done.set()
        if thread.ident is not None:
            thread.join()
        backend.release()
    clean = is_clean(f"killed {killer.hits.total()} times, in phase", killer.hits, count)
    return clean and killer.has(options.kills)


async def failures(cases: Sequence[Case], options: argparse.Namespace) -> bool:
    """Stages raise, make too little, hang and crash at random."""
    injected = [
        Fault(kind="raise", probability=0.01),
        Fault(kind="short", probability=0.005),
        Fault(kind="hang", probability=0.006),
        Fault(kind="crash", probability=0.008),
    ]
    recipe = OrtBackend(threads=1).recipe()
    risky, backend, safe = units(FaultyBackend(recipe, injected, options.seed))
    faults = Faults(revivals=10**9, wait_ns=WAIT_NS, longest_wait_ns=WAIT_NS)
    seen: Counter[str] = Counter()
    try:
        async with hs.Runtime(
            [risky, safe], faults=faults, on_fault=lambda event: seen.update([event.kind])
        ) as runtime:
            apps = await deploy(runtime, cases, WATCHDOG)

            def counts() -> Counter[str]:
                state = runtime.units_state()["risky"]
                failed = state.failures - state.deaths - state.hangs
                return Counter(failures=failed, crashes=state.deaths, hangs=state.hangs)

            def done() -> bool:
                return all(number >= options.failures for number in counts().values())

            count = await under_load(apps, cases, done, lambda: listed(counts()), options)
            found = counts()
            is_reached = done()
    finally:
        backend.release()
    print(f"told by the runtime: {listed(seen)}")
    return is_clean("failing at random", found, count) and is_reached


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of each phase")
    parser.add_argument("--failures", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=3600.0, help="seconds for each half")
    options = parser.parse_args()
    logging.getLogger("hetsched").setLevel(logging.ERROR)  # it tells of every fault
    with tempfile.TemporaryDirectory() as folder:
        cases = [known(name, hs.load(f"zoo:{name}"), parts) for name, parts in PARTS.items()]
        cases.append(known("head", head(Path(folder)), 1))
        print(", ".join(f"{case.name} in {len(case.plan.subgraphs)}" for case in cases) + " stages")
        is_good = not options.kills or await kills(cases, options)
        is_good &= not options.failures or await failures(cases, options)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""A unit in a process of its own dies, hangs and fails at random, under load; every answer is looked at.

    python benchmarks/fault_injection.py [--kills 100] [--failures 100] [--seed 0] [--limit 3600]

Three apps (squeezenet and ppocr-cls in several stages, silero-vad in one) are asked in closed loops, two
requests of each in flight. Their plans are for a unit that runs ONNX Runtime in a child process; a
second unit, in this process, is the alternative of every stage.

First the child is killed (SIGKILL) 0 to 500 ms after each of its starts, drawn evenly, until as
many kills as asked for have hit it while it was loading, while it ran a stage, and while it wrote
back what that made. What it was doing it says itself, in a byte of shared memory that outlives it.
Kills that hit it while Python started or while it waited for a request are counted too.

Then its stages raise, make too few values, hang, or kill the process, each at random, until as many
of each as asked for were seen by the runtime.

Every answer is compared bit by bit with what the same stages give one after the other without a
runtime. Printed are how many requests were answered, and how many were lost (refused, failed,
or without an end), answered wrongly, or answered twice. Anything but 0 in these is an error.
"""

import argparse
import asyncio
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from splitting import chain_plan, specs

import hetsched as hs
from hetsched.backends.base import HostValue
from hetsched.backends.isolated.backend import IsolatedBackend
from hetsched.backends.ort import OrtBackend
from hetsched.errors import HetschedError
from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.runtime import App, Runtime, RuntimeUnit
from hetsched.runtime.trial import fill_inputs

PARTS: Mapping[str, int] = {"squeezenet": 6, "ppocr-cls": 3, "silero-vad": 1}
"""Models of the zoo, and into how many stages they are cut."""

PHASES = ("loading", "running", "writing back")
WINDOW_S = 0.5
IN_FLIGHT = 2
INPUTS = 8

Answer = dict[str, np.ndarray]


@dataclass(slots=True)
class Case:
    """A model with inputs whose answers are known."""

    name: str
    model: Model
    plan: Plan
    inputs: list[Mapping[str, HostValue]]
    answers: list[Answer]

    def is_right(self, number: int, outputs: Mapping[str, HostValue]) -> bool:
        """Whether these are the outputs of one of its inputs, bit by bit."""
        want = self.answers[number]
        return outputs.keys() == want.keys() and all(
            isinstance(got := outputs[name], np.ndarray)
            and (got.dtype, got.shape) == (array.dtype, array.shape)
            and got.tobytes() == array.tobytes()
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
        return self.answered > 0 and not (self.lost or self.wrong or self.twice)


def load(name: str, parts: int) -> Case:
    model = hs.load(f"zoo:{name}")
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


class Killer(threading.Thread):
    """Kills a unit's child 0 to 500 ms after each of its starts; notes what it was doing."""

    def __init__(self, backend: IsolatedBackend, seed: int) -> None:
        super().__init__(name="killer", daemon=True)
        self.hits: Counter[str] = Counter()
        self.done = threading.Event()
        self._backend, self._random = backend, random.Random(seed)

    def run(self) -> None:
        known = None
        while not self.done.wait(0.001):
            child = self._backend.pid
            if child is None or child == known:
                continue
            known, before = child, self._backend.last_death
            if self.done.wait(self._random.uniform(0, WINDOW_S)):
                return
            self._backend.kill()
            while self._backend.last_death is before:
                if self.done.wait(0.001):
                    return
            death = self._backend.last_death
            assert death is not None
            self.hits[death.phase] += 1


async def ask(app: App, case: Case, seed: int, count: Count, done: asyncio.Event) -> None:
    draw = random.Random(seed)
    while not done.is_set():
        number = draw.randrange(INPUTS)
        try:
            outputs = await app(case.inputs[number])
        except HetschedError as error:
            count.lost.append(f"{case.name}: {error}")
            continue
        count.answered += 1
        count.wrong += not case.is_right(number, outputs)


def told(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def under_load(runtime: Runtime, cases: list[Case], seed: int, count: Count, until) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    pass

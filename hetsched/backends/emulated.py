"""A unit of a SoC that isn't here: the numbers are the host's, the pace is the SoC's.

Another backend of this machine computes; each stage then waits until it would have ended on the
SoC, with what runs there at the same time taken into account. Where the host is slower than that,
nothing can be paced: it is announced once a stage, and counted.

Times of such a unit say nothing of this machine and nothing new of the SoC: `emulated` keeps them
out of every cost store.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from hetsched.backends.base import (
    Backend,
    Buffer,
    Executable,
    HostValue,
    StageSpec,
    arithmetic,
    computes,
)
from hetsched.backends.emulated_pace import Expected, Pacer
from hetsched.ir.model import Model

_log = logging.getLogger(__name__)

Expect: TypeAlias = Callable[[Model, StageSpec, str], Expected]
"""Model, stage and unit to what the stage takes there; raises BackendError where unknown."""


@runtime_checkable
class Expecting(Protocol):
    """A backend that wants to see a plan before it compiles its stages."""

    def expect(self, plan: Any, model: Model) -> None:
        """A plan whose stages may be compiled next.

        Raises:
            BackendError: when it can't be run there.
        """
        ...


class EmulatedBackend:
    """One unit of a SoC, emulated on the host.

    Args:
        unit: its name in the profile.
        soc: the profile's name.
        inner: what computes.
        pacer: shared by all units of the SoC.
        expect: what stages take.
        told: is given each plan before its stages are compiled, see `expect`.
    """

    name = "emulated"
    emulated = True

    def __init__(
        self,
        unit: str,
        soc: str,
        *,
        inner: Backend,
        pacer: Pacer,
        expect: Expect,
        told: Callable[[Any, Model], None],
    ) -> None:
        self.unit = unit
        self.soc = soc
        self._inner = inner
        self._pacer = pacer
        self._expect = expect
        self._told = told
        self.arithmetic, self.computes = arithmetic(inner), computes(inner)
        self._made: list[EmulatedExecutable] = []

    @property
    def late_stages(self) -> tuple[str, ...]:
        """Ids of stages for which the host has taken longer than the SoC would have."""
        return tuple(dict.fromkeys(made.stage for made in self._made if made.late_runs))

    def expect(self, plan: Any, model: Model) -> None:
        """A plan whose stages will be compiled: it says what they take on the SoC.

        Raises:
            BackendError: when it is for another SoC.
        """
        self._told(plan, model)

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence["EmulatedExecutable"]:
        """Have the inner backend compile them, and look up what they take on the SoC.

        Raises:
            BackendError: when it can't take an op, or nothing is known of a stage's time.
        """
        expected = [self._expect(model, stage, self.unit) for stage in stages]
        made = self._inner.compile(model, stages)
        units = f"{self.soc}'s {self.unit}"
        found = [
            EmulatedExecutable(stage.id, units, one, each, self._pacer)
            for stage, one, each in zip(stages, made, expected, strict=True)
        ]
        self._made += found
        return found


class EmulatedExecutable:
    """One stage of an emulated unit.

    Args:
        stage: its id.
        unit: the SoC's, for messages.
        inner: computes it.
        expected: what it takes on an idle SoC.
        pacer: shared by all units of the SoC.
    """

    def __init__(
        self, stage: str, unit: str, inner: Executable, expected: Expected, pacer: Pacer
    ) -> None:
        self.stage = stage
        self.inputs = inner.inputs
        self.outputs = inner.outputs
        self.expected = expected
        self._unit = unit
        self._inner = inner
        self._pacer = pacer
        self._lock = threading.Lock()
        self._late = 0

    @property
    def late_runs(self) -> int:
        """How often the host took longer than the SoC would have."""
        with self._lock:
            return self._late

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """Compute on the calling thread, and return when the SoC would have.

        Raises:
            BackendError: when the inner backend does.
        """
        began_ns = time.perf_counter_ns()
        stage = self._pacer.start(self.expected)
        try:
            made = self._inner.run(values)
        except BaseException:
            self._pacer.abandon(stage)
            raise
        self._look_at(time.perf_counter_ns() - began_ns)
        self._pacer.finish(stage)
        return made

    def _look_at(self, host_ns: int) -> None:
        if host_ns <= self.expected.alone_ns:
            return
        with self._lock:
            self._late += 1
            is_first = self._late == 1
        if is_first:
            _log.warning(
                "stage %r on %s: this host is too slow to keep pace: %.3g ms here, %.3g ms there",
                self.stage,
                self._unit,
                host_ns / 1e6,
                self.expected.alone_ns / 1e6,
            )

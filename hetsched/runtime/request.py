"""One request under way."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from hetsched.backends.base import Buffer, HostValue
from hetsched.dispatch import RequestStatus
from hetsched.errors import BackendError, DroppedError, HetschedError, RunError
from hetsched.runtime.program import Program
from hetsched.runtime.result import Result, StageTime
from hetsched.runtime.steps import plain


class Ran(NamedTuple):
    """What running a stage gave, before the request takes it.

    Attributes:
        made: values in the order of its outputs.
        leaving: what the caller gets of it, by name.
        start_ns: when it began.
        end_ns: when it had ended.
    """

    made: Sequence[Buffer]
    leaving: dict[str, HostValue]
    start_ns: int
    end_ns: int


class Failure(NamedTuple):
    """A stage of a request didn't end well on a unit; `has_died` when the unit neither did."""

    stage: int
    unit: int
    has_died: bool
    error: RunError


class Request:
    """The values of one request, and when its stages ran.

    All is called under the runtime's lock but `execute`, which changes nothing: what a stage reads
    is complete before it starts and isn't let go before it has ended.
    """

    __slots__ = (
        "_inputs",
        "_leaving",
        "_left",
        "_on_end",
        "_slots",
        "_times",
        "deadline_ns",
        "failures",
        "finished_ns",
        "is_lost",
        "is_told",
        "number",
        "program",
        "restarts",
        "status",
        "submitted_ns",
    )

    def __init__(
        self,
        program: Program,
        inputs: Mapping[str, HostValue],
        on_end: Callable[["Request"], None] | None,
        deadline_ns: int = -1,
    ) -> None:
        self.program = program
        self.number = -1  # given on submission
        self.deadline_ns = deadline_ns  # since submission; negative for the app's own
        self.status: RequestStatus | None = None
        self.failures: tuple[Failure, ...] = ()
        self.is_lost = False  # it starts anew when none of its stages runs any more
        self.is_told = False  # who waits knows that it has ended
        self.restarts = 0
        self._on_end = on_end
        self._inputs = inputs
        self._prepare()
        self.finished_ns = -1  # once it has ended
        self.submitted_ns = time.perf_counter_ns()

    def _prepare(self) -> None:
        blank, inputs = self.program.blank, self._inputs
        self._leaving: dict[str, HostValue] = {}
        self._slots: list[Buffer | HostValue] = [inputs[name] for name in blank.inputs]
        self._slots += blank.empty
        self._left = list(blank.readers) if blank.are_shared else []
        self._times = list(blank.times)

    def start_anew(self) -> None:
        """Forget all that was computed; none of its stages runs now."""
        self._prepare()
        self.is_lost = False
        self.restarts += 1

    def left_ns(self, now_ns: int) -> int:
        """Until its deadline, at least 1; -1 for none."""
        given_ns = self.program.deadline_ns if self.deadline_ns < 0 else self.deadline_ns
        return -1 if given_ns is None else max(1, given_ns - (now_ns - self.submitted_ns))

    def execute(self, stage: int, unit: int) -> Ran:
        """Run a stage on the calling thread, for a unit.

        Raises:
            RunError: naming the stage, its unit and backend, when it fails or what it makes for the
                caller isn't what the model promises.
        """
        calls, reads, makes, leaving, _, _, _ = self.program.steps[stage]
        slots = self._slots
        start_ns = time.perf_counter_ns()
        self._times[stage] = (start_ns, start_ns, unit)
        try:
            made = calls[unit]([slots[slot] for slot in reads])
            end_ns = time.perf_counter_ns()
            outputs = self.program.blank.outputs
            if outputs is not None and (left := outputs.named(made)) is not None:
                return Ran(made, left, start_ns, end_ns)
            if len(made) != makes:
                raise BackendError(f"it made {len(made)} values instead of {makes}")
            left = {}
            for position, name, dtype, shape in leaving:
                value: Buffer | np.ndarray = made[position]
                if type(value) is ndarray and value.dtype is dtype and value.shape == shape:
                    left[name] = value
                else:
                    left[name] = plain(self.program.graph, name, value)
        except HetschedError as error:
            raise RunError(f"{self.where(stage, unit)} failed: {error}") from error
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise RunError(f"{self.where(stage, unit)} failed: {what}") from error
        return Ran(made, left, start_ns, time.perf_counter_ns())

    def take(self, stage: int, unit: int, ran: Ran) -> None:
        """Keep what a stage made, and let go of what nobody reads after it."""
        made, leaving, start_ns, end_ns = ran
        _, _, _, _, writes, drops, shared = self.program.steps[stage]
        self._times[stage] = (start_ns, end_ns, unit)
        if self.program.blank.gives_all:  # nothing else is looked at any more
            self._leaving = leaving
            return
        self._leaving.update(leaving)
        slots = self._slots
        for slot, value in zip(writes, made, strict=False):  # none where all of it leaves
            slots[slot] = value
        for slot in drops:
            slots[slot] = None
        for slot in shared:
            self._left[slot] -= 1
            if not self._left[slot]:
                slots[slot] = None

    def where(self, stage: int, unit: int) -> str:
        """A stage on a unit, in words."""
        compiled = self.program.wired.stages[stage]
        name = self.program.unit_names[unit]
        return f"stage {compiled.id!r} on unit {name!r} (backend {compiled.backend_on(unit)})"

    def fail(self, error: RunError, stage: int, unit: int, *, has_died: bool) -> None:
        """Note why a stage didn't end well, unless the request has ended."""
        if self.status is None:
            self.failures += (Failure(stage, unit, has_died, error),)

    def deaths(self, stage: int) -> int:
        """How often a stage has taken its unit down."""
        return sum(failure.has_died for failure in self.failures if failure.stage == stage)

    def blamed(self, stage: int, last: int) -> set[int]:
        """Units on which a stage failed before it did on the last one, and that stayed up."""
        return {
            failure.unit
            for failure in self.failures
            if failure.stage == stage and failure.unit != last and not failure.has_died
        }

    @property
    def error(self) -> RunError:
        """Why it failed: the last reason, with those before it."""
        if not self.failures:
            return RunError(f"a request of app {self.program.name!r} failed")
        last = self.failures[-1].error
        if len(self.failures) == 1:
            return last
        earlier = "; ".join(str(failure.error) for failure in self.failures[:-1])
        error = RunError(f"{last}; before that: {earlier}")
        error.__cause__ = last
        return error

    def span_ns(self, stage: int) -> tuple[int, int]:
        """When a stage started and ended; twice its start until it has ended."""
        return self._times[stage][:2]

    def end(self, status: RequestStatus) -> None:
        """Note how it ended."""
        self.finished_ns = time.perf_counter_ns()
        self.program.tally.count_as(status, self.finished_ns - self.submitted_ns)
        self.status = status

    def notify(self) -> None:
        """Tell who waits for it; called once, outside the lock."""
        self.is_told = True
        if (on_end := self._on_end) is not None:
            on_end(self)

    def tell(self, on_end: Callable[["Request"], None]) -> bool:
        """Tell somebody when it has ended; False when it's too late for that: it has."""
        self._on_end = on_end
        return not self.is_told

    def outputs(self) -> dict[str, Any]:
        """Outputs of a completed or missed request, in the model's order.

        Raises:
            DroppedError: when it was dropped.
            RunError: when it failed or was cancelled.
        """
        if self.status is RequestStatus.COMPLETED or self.status is RequestStatus.MISSED:
            if self.program.blank.gives_all:
                return self._leaving
            pairs = self.program.wired.output_slots
            return {name: self._output(name, slot) for name, slot in pairs}
        name = self.program.name
        if self.status is RequestStatus.FAILED:
            raise self.error
        if self.status is RequestStatus.DROPPED:
            raise DroppedError(
                f"a request of app {name!r} was dropped: it couldn't meet its deadline any more, "
                "or there was no room for it"
            )
        raise RunError(f"a request of app {name!r} was cancelled: it has no result")

    def result(self) -> Result:
        """Outputs and times of a completed or missed request.

        Raises:
            DroppedError: when it was dropped.
            RunError: when it failed or was cancelled.
        """
        outputs = self.outputs()
        assert self.status is not None
        return Result(
            outputs=outputs,
            status=self.status,
            latency_ns=self.finished_ns - self.submitted_ns,
            stages=tuple(
                StageTime(
                    id=stage.id,
                    planned_unit=stage.planned_unit,
                    unit=self.program.unit_names[unit],
                    backend=stage.backend_on(unit),
                    start_ns=start_ns - self.submitted_ns,
                    end_ns=end_ns - self.submitted_ns,
                )
                for stage, (start_ns, end_ns, unit) in zip(
                    self.program.wired.stages, self._times, strict=True
                )
            ),
        )

    def _output(self, name: str, slot: int | None) -> HostValue:
        if name in self._leaving:
            return self._leaving[name]
        if slot is None:
            return self.program.constants[name].copy()
        passed_through = self._slots[slot]
        assert passed_through is None or isinstance(passed_through, np.ndarray | list)
        return passed_through.copy() if isinstance(passed_through, np.ndarray) else passed_through

"""What an engine shows of itself: counters per unit, and a trace while one is recorded.

Everything is called under the engine's lock. Without a trace `recorder` is None, and the engine
asks for no more than that. A stage's start is recorded together with its end: one call, two events.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from hetsched._core import Dispatcher, Meter, Recorder
from hetsched.dispatch import STATUSES
from hetsched.errors import RunError
from hetsched.runtime.faults import FaultEvent, UnitState
from hetsched.runtime.snapshot import UnitSnapshot
from hetsched.runtime.units import RuntimeUnit
from hetsched.trace.events import NONE, Kind
from hetsched.trace.model import TraceApp
from hetsched.trace.recording import Recording

if TYPE_CHECKING:
    from hetsched.runtime.program import Program
    from hetsched.runtime.request import Request

_SUBMITTED, _STARTED = int(Kind.SUBMITTED), int(Kind.STARTED)
_FINISHED, _FAILED = int(Kind.FINISHED), int(Kind.FAILED)
_OF_UNIT = {
    "unit-down": Kind.UNIT_DOWN,
    "unit-quarantined": Kind.UNIT_DOWN,
    "unit-hung": Kind.UNIT_DOWN,
    "unit-up": Kind.UNIT_UP,
}
_NUMBER = {status: number for number, status in enumerate(STATUSES)}


HostRun: TypeAlias = tuple[int, int, int, bool]
"""Number of a host stage, its start and end in ns, and whether it failed."""


class Seen:
    """Counters and trace of one engine.

    Args:
        units: their names.

    Attributes:
        meters: per unit.
        apps: every app that was deployed, by the dispatcher's number.
        recorder: of the trace that is being recorded, None for none.
    """

    def __init__(self, units: Sequence[str]) -> None:
        self.meters = tuple(Meter() for _ in units)
        self._units = {name: number for number, name in enumerate(units)}
        self.apps: dict[int, TraceApp] = {}
        self.recorder: Recorder | None = None
        self._recording: Recording | None = None
        self._deadlines: dict[int, int] = {}

    def refuse_second(self) -> None:
        """There is one recording at a time.

        Raises:
            RunError: naming the file that is being recorded into.
        """
        if self._recording is not None:
            raise RunError(f"this runtime is being traced into {self._recording.path} already")

    def record(self, recording: Recording) -> None:
        """Record into a file from now on.

        Raises:
            RunError: naming the file that is being recorded into already.
        """
        self.refuse_second()
        for app in self.apps.values():
            recording.name_app(app)
        self._recording, self.recorder = recording, recording.recorder

    def stop(self) -> Recording | None:
        """Record no more; the recording must be closed then, outside the lock."""
        recording, self._recording, self.recorder = self._recording, None, None
        return recording

    def units(
        self,
        units: Sequence[RuntimeUnit],
        dispatcher: Dispatcher,
        running_now: Sequence[tuple[int, "Request", int] | None],
        states: Sequence[UnitState],
    ) -> tuple[UnitSnapshot, ...]:
        """The units as they are now."""
        now_ns = time.perf_counter_ns()
        found = []
        for number, (unit, meter) in enumerate(zip(units, self.meters, strict=True)):
            running, busy_ns = "", meter.busy_ns
            if (task := running_now[number]) is not None:
                _, request, stage = task
                running = f"{request.program.name} {request.program.wired.stages[stage].id}"
                busy_ns += now_ns - (request.span_ns(stage)[0] or now_ns)
            found.append(
                UnitSnapshot(
                    name=unit.name,
                    backend=unit.backend.name,
                    status=str(states[number].status),
                    running=running,
                    busy_ns=busy_ns,
                    stages=meter.stages,
                    failures=meter.failures,
                    queued=dispatcher.queued(number),
                )
            )
        return tuple(found)

    def host_stages(self, program: "Program", number: int, ran: Sequence[HostRun]) -> None:
        """What the host did for a request of that number, -1 when its model was never asked."""
        if (recorder := self.recorder) is None:
            return
        for stage, start_ns, end_ns, has_failed in ran:
            where = (NONE, program.app, number, stage)
            recorder.at(start_ns, int(Kind.HOST_STARTED), *where, NONE)
            recorder.at(end_ns, int(Kind.HOST_ENDED), *where, int(has_failed))

    def deployed(self, program: "Program", deadline_ns: int | None) -> None:
        """An app's program takes requests from now on."""
        stages = tuple(stage.id for stage in program.wired.stages)
        app = TraceApp(
            number=program.app,
            name=program.name,
            stages=stages,
            host_stages=program.host_stages,
        )
        self.apps[program.app] = app
        self._deadlines[program.app] = NONE if deadline_ns is None else deadline_ns
        if self._recording is not None:
            self._recording.name_app(app)
            now_ns, number = time.perf_counter_ns(), program.app
            self._recording.recorder.at(
                now_ns, int(Kind.DEPLOYED), NONE, number, NONE, NONE, number
            )

    def submitted(self, request: "Request") -> None:
        """A request has got its number."""
        if (recorder := self.recorder) is not None:
            program = request.program
            recorder.at(
                request.submitted_ns, _SUBMITTED, NONE, program.app, request.number, NONE,
                request.deadline_ns if request.deadline_ns >= 0 else self._deadlines[program.app],
            )  # fmt: skip

    def restarted(self, now_ns: int, before: int, request: "Request") -> None:
        """A request is computed anew under another number."""
        if (recorder := self.recorder) is not None:
            app, kind = request.program.app, int(Kind.RESTARTED)
            recorder.at(now_ns, kind, NONE, app, before, NONE, request.number)
            self.submitted(request)

    def began(self, task: tuple[int, "Request", int]) -> None:
        """The start of a stage that doesn't run to its end."""
        unit, request, stage = task
        start_ns = request.span_ns(stage)[0]
        if (recorder := self.recorder) is not None and start_ns:
            number = request.number
            recorder.at(start_ns, _STARTED, unit, request.program.app, number, stage, NONE)

    def failed(self, now_ns: int, task: tuple[int, "Request", int], *, is_retried: bool) -> None:
        """A stage has failed."""
        unit, request, stage = task
        self.meters[unit].failures += 1
        if (recorder := self.recorder) is not None:
            self.began(task)
            app, value = request.program.app, int(is_retried)
            recorder.at(now_ns, _FAILED, unit, app, request.number, stage, value)

    def finished(self, request: "Request") -> None:
        """A request has ended."""
        if (recorder := self.recorder) is not None and request.status is not None:
            recorder.at(
                request.finished_ns, _FINISHED, NONE, request.program.app, request.number, NONE,
                _NUMBER[request.status],
            )  # fmt: skip

    def fault(self, event: FaultEvent) -> None:
        """A unit went down or came up."""
        kind = _OF_UNIT.get(event.kind)
        if (recorder := self.recorder) is not None and kind is not None:
            unit = self._units[event.unit]
            recorder.at(event.time_ns, int(kind), unit, NONE, NONE, NONE, NONE)

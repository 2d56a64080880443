"""A deployed plan: what an application calls."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from hetsched.backends.base import HostValue
from hetsched.errors import RunError
from hetsched.ir.model import Model
from hetsched.logs import fields
from hetsched.plan.model import Plan
from hetsched.quantity import format_ns, parse_duration_ns
from hetsched.runtime.engine import Engine
from hetsched.runtime.feedback import stage_costs
from hetsched.runtime.following import RetiredError
from hetsched.runtime.learning import StageCost
from hetsched.runtime.places import StagePlace, stage_places
from hetsched.runtime.program import Program
from hetsched.runtime.request import Request
from hetsched.runtime.result import Result
from hetsched.runtime.snapshot import AppSnapshot
from hetsched.runtime.state_stream import StateStream
from hetsched.runtime.stream import in_order
from hetsched.runtime.tally import Tally

_log = logging.getLogger(__name__)

Inputs: TypeAlias = Mapping[str, HostValue]
Duration: TypeAlias = str | int | None
"""A text such as `"33ms"`, or ns; None for none."""
Loaded: TypeAlias = tuple[Program, Plan, dict[str, str]]
Load: TypeAlias = Callable[
    [Plan, Model | None, Mapping[str, str] | None], Coroutine[Any, Any, Loaded]
]


class App:
    """A deployed plan. Call it with inputs; requests may overlap, of one app and of several.

    A deadline is since the call and replaces the app's own. When a timeout is over, nobody waits
    any more and the request is cancelled.

    Attributes:
        name: as deployed.
        plan: what it runs.
        mapping: the plan's units to the runtime's.
    """

    def __init__(self, engine: Engine, loaded: Loaded, load: Load) -> None:
        self._engine = engine
        self._load = load
        self._program, self.plan, self.mapping = loaded
        self.name = self._program.name

    @property
    def tally(self) -> Tally:
        """How many requests came, and how those that ended did so."""
        return self._program.tally

    @property
    def notes(self) -> tuple[str, ...]:
        """What didn't go as planned when it was loaded, one line each."""
        return self._program.notes

    def snapshot(self) -> AppSnapshot:
        """Counts and latencies up to now."""
        waiting = self._engine.waiting(self._program)
        return AppSnapshot.of(self.name, self.tally, waiting, self.alternatives())

    def alternatives(self) -> tuple[StagePlace, ...]:
        """Per stage the units that may run it, the planned one first.

        Each with what it is expected to take, and whether that was learned, planned or assumed.
        """
        return stage_places(self._program, self.plan, self.mapping, self._engine.units)

    def learned(self) -> tuple[StageCost, ...]:
        """What each stage took of late on each unit, with its band and what the plan says.

        Nothing where no decision depends on it, unless the app was deployed with `learn=True`.
        """
        return stage_costs(self._program, self._engine.units)

    def expected_ns(self) -> dict[str, int]:
        """How long a request keeps each unit busy, as planned or as learnt; 0 where unknown."""
        busy: dict[str, int] = {}
        learned = self._program.learned
        for number, stage in enumerate(self._program.wired.stages):
            unit, planned_ns = stage.units[0]
            seen_ns = None if learned is None else learned.average_ns(number, unit)
            name = stage.unit_name
            busy[name] = busy.get(name, 0) + (planned_ns if seen_ns is None else seen_ns)
        return busy

    async def __call__(
        self,
        inputs: Inputs,
        *,
        deadline: Duration = None,
        timeout: Duration = None,
    ) -> dict[str, Any]:
        """The model's outputs by name, in its order.

        Raises:
            DroppedError: when it couldn't meet its deadline any more, or there was no room for it.
            TimeoutError: when the timeout is over.
            RunError: naming the input that is wrong, or the stage, unit and backend that failed.
        """
        return (await self._awaited(inputs, deadline, timeout)).outputs()

    async def request(
        self,
        inputs: Inputs,
        *,
        deadline: Duration = None,
        timeout: Duration = None,
    ) -> Result:
        """Outputs with the time of every stage, and whether the deadline was met.

        Raises:
            DroppedError: when it couldn't meet its deadline any more, or there was no room for it.
            TimeoutError: when the timeout is over.
            RunError: naming the input that is wrong, or the stage, unit and backend that failed.
        """
        return (await self._awaited(inputs, deadline, timeout)).result()

    def new_stream(
        self,
        initial: Mapping[str, np.ndarray] | None = None,  # noqa: ARG002 - a HostedApp's, see there
    ) -> StateStream:
        """State of its own for requests that belong together, where the app was deployed with any.

        Args:
            initial: values before the first request by input; zeros for those left out.

        Raises:
            RunError: when the app has no state, or an initial value doesn't fit it.
        """
        raise RunError(
            f"app {self.name!r} has no state: declare it, deploy(..., state={{'output': 'input'}})"
        )

    def stream(
        self,
        source: Iterable[Inputs] | AsyncIterable[Inputs],
        *,
        max_in_flight: int = 2,
        drop: Literal["latest"] | None = None,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Outputs for what a source gives, in its order.

        Requests that are dropped, for their deadline or for want of room, are passed over; one that
        fails ends the stream. Leaving the loop early cancels what is in flight once the generator
        is closed: at once inside `contextlib.aclosing`.

        Args:
            source: of inputs. One that isn't asynchronous is read on the loop and must not block.
            max_in_flight: how many requests there may be at once.
            drop: with None the source waits while as many are in flight; with `latest` it goes on,
                and of what comes meanwhile only the latest is kept.

        Raises:
            RunError: when an argument isn't one of these, and as calling does.
        """
        if max_in_flight < 1:
            raise RunError(f"max_in_flight is {max_in_flight}: give 1 or more")
        if drop not in (None, "latest"):
            raise RunError(f"drop is {drop!r}: give None or 'latest'")
        return in_order(self, source, max_in_flight, keeps_latest=drop is not None)

    def run(
        self, inputs: Inputs, *, deadline: Duration = None, timeout: Duration = None
    ) -> dict[str, Any]:
        """The same without a loop: blocks, and runs on the calling thread where a unit is idle.

        With a timeout the units' workers run it all: what runs on one's own thread can't be left.

        Raises:
            DroppedError: when it couldn't meet its deadline any more, or there was no room for it.
            TimeoutError: when the timeout is over.
            RunError: naming the input that is wrong, or the stage, unit and backend that failed.
        """
        return self._ended(inputs, deadline, timeout).outputs()

    def run_timed(
        self, inputs: Inputs, *, deadline: Duration = None, timeout: Duration = None
    ) -> Result:
        """`run` with the time of every stage, and whether the deadline was met.

        Raises:
            DroppedError: when it couldn't meet its deadline any more, or there was no room for it.
            TimeoutError: when the timeout is over.
            RunError: naming the input that is wrong, or the stage, unit and backend that failed.
        """
        return self._ended(inputs, deadline, timeout).result()

    async def redeploy(
        self,
        plan: Plan,
        *,
        model: Model | None = None,
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        """Run another plan from now on, on the same terms; requests in flight end on the old one.

        When loading it fails the old one stays.

        Raises:
            RunError: for a wrong mapping, or when the runtime isn't open.
            PlanError: when the model isn't the plan's.
            BackendError: when a backend can't take a stage.
        """
        loaded = await self._load(plan, model, mapping)
        old = self._program
        self._program, self.plan, self.mapping = loaded
        self._engine.retire(old)
        log_deployed("redeployed", self._program)

    async def _awaited(self, inputs: Inputs, deadline: Duration, timeout: Duration) -> Request:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        timeout_ns = duration_ns("timeout", timeout)
        request = self._admitted(inputs, deadline, lambda _: wake(loop, done), self._engine.submit)
        try:
            if timeout_ns is None:
                await done
            else:
                async with asyncio.timeout(timeout_ns / 1e9):
                    await done
        except TimeoutError as error:
            self._engine.cancel(request)
            raise self._too_slow(timeout_ns) from error
        except asyncio.CancelledError:
            self._engine.cancel(request)
            raise
        return request

    def _ended(self, inputs: Inputs, deadline: Duration, timeout: Duration) -> Request:
        if timeout is not None:
            return self._ended_within(inputs, deadline, duration_ns("timeout", timeout))
        request = self._admitted(inputs, deadline, None, self._engine.run)
        if not request.is_told:
            self._wait(request, -1)
        return request

    def _ended_within(self, inputs: Inputs, deadline: Duration, timeout_ns: int | None) -> Request:
        request = self._admitted(inputs, deadline, None, self._engine.submit)
        if not self._wait(request, -1 if timeout_ns is None else timeout_ns / 1e9):
            raise self._too_slow(timeout_ns)
        return request

    def _wait(self, request: Request, timeout_s: float) -> bool:
        """Until it has ended; False when that took too long."""
        running = threading.Lock()  # an Event takes 2 us
        running.acquire()
        try:
            in_time = not request.tell(lambda _: running.release()) or running.acquire(
                timeout=timeout_s
            )
        finally:
            if request.status is None:  # too late, or interrupted
                self._engine.cancel(request)
        return in_time

    def _admitted(
        self,
        inputs: Inputs,
        deadline: Duration,
        on_end: Callable[[Request], None] | None,
        hand_over: Callable[[Request], None],
    ) -> Request:
        deadline_ns = -1 if deadline is None else duration_ns("deadline", deadline) or -1
        while True:
            program = self._program
            request = Request(program, program.entry(inputs), on_end, deadline_ns)
            try:
                hand_over(request)
            except RetiredError:
                continue  # redeployed meanwhile: the new program takes it
            except BaseException:
                if request.number >= 0:
                    self._engine.cancel(request)
                raise
            return request

    def _too_slow(self, timeout_ns: int | None) -> TimeoutError:
        return TimeoutError(f"app {self.name!r} gave no answer in {format_ns(timeout_ns or 0)}")


def log_deployed(event: str, program: Program) -> None:
    """An app runs a plan from now on."""
    units = list(dict.fromkeys(stage.unit_name for stage in program.wired.stages))
    stages = len(program.wired.stages)
    told = fields(event, app=program.name, number=program.app, stages=stages, units=units)
    _log.debug("app %s %s: %d stages", program.name, event, stages, extra=told)


def duration_ns(name: str, value: Duration) -> int | None:
    """A duration as the runtime's callers give it.

    Raises:
        RunError: naming what it is, when it isn't positive or not a duration.
    """
    if value is None:
        return None
    found = parse_duration_ns(value) if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, int) or found <= 0:
        raise RunError(f"{name} is {value!r}: give a text such as '33ms', or ns, above 0")
    return found


def wake(loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]") -> None:
    """Resolve a future from another thread."""
    loop.call_soon_threadsafe(_resolve, done)


def _resolve(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)

"""The asyncio face of the runtime: deploy plans, await their outputs."""

import asyncio
import dataclasses
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self

from hetsched.backends.base import Releasing
from hetsched.dispatch import Admission, Full, Policy, StaticOrder, Terms
from hetsched.errors import RunError
from hetsched.ir.model import Model
from hetsched.logs import fields
from hetsched.plan.model import Plan
from hetsched.runtime.app import App, Duration, Load, Loaded, duration_ns, log_deployed, wake
from hetsched.runtime.compiling import OnCompileFailure, StruckError
from hetsched.runtime.drift import Planner, check_bound, watch
from hetsched.runtime.engine import Engine
from hetsched.runtime.faults import DEFAULTS, FaultEvent, Faults, UnitState
from hetsched.runtime.feedback import Saved, plan_again, save
from hetsched.runtime.host_app import HostedApp
from hetsched.runtime.host_stage import Declared
from hetsched.runtime.hosting import Hosting
from hetsched.runtime.inbox import Inbox
from hetsched.runtime.learning import Learned
from hetsched.runtime.loading import Loading, load_model, make_program
from hetsched.runtime.publish import Publisher, is_wanted
from hetsched.runtime.replanning import (
    left_out,
    mapped_again,
    plan_around,
    planned_names,
    units_of,
)
from hetsched.runtime.snapshot import Snapshot, policy_name
from hetsched.runtime.standins import SAME, Alternatives
from hetsched.runtime.tail import may_have_tail
from hetsched.runtime.tally import Tally
from hetsched.runtime.tracing import begin as begin_trace
from hetsched.runtime.tracing import end as end_trace
from hetsched.runtime.units import RuntimeUnit, map_units
from hetsched.runtime.watch import Watchdog
from hetsched.stages.manners import NICE

if TYPE_CHECKING:
    from hetsched.cost.store import CostStore

_log = logging.getLogger(__name__)

GRACE: Final = "10s"
"""What closing gives stages and threads to end that nobody waits for. A choice."""


class Runtime:
    """Runs plans on units, one stage at a time on each, several requests and apps in flight.

    Use it as `async with Runtime(host_units()) as runtime`. Leaving the block waits for what was
    submitted; when an exception leaves it, requests are cancelled.

    Args:
        units: what to run on; `hetsched.host_units()` for this machine.
        policy: which ready stage a free unit takes: one of `POLICIES`, a `StaticOrder`, or a
            function that chooses.
        host_processes: how many processes compute host stages; by default one a core, at most 4.
            They are started with the first app that needs them.
        host_nice: how much nicer than this program they are (0 to 19) to units that compute on the
            same cores. Whoever has little to do goes first in any case.
        watchdog: when a stage hangs, unless its app says otherwise: `auto` takes a multiple of
            what is known of its times (nothing hangs of which nothing is known), `off` never, a
            duration after so long.
        faults: how failing units are dealt with; see `Faults`.
        on_fault: called with each `FaultEvent`, on any thread; see also `events`.
        trace: a file that everything is recorded into, from the beginning to the end; see
            `tracing`. It must not be there yet.
        publish: let this user's `hetsched top` look in; by default when the environment has
            HETSCHED_TOP=1.

    Raises:
        RunError: when there is no unit, two have the same name, or the policy doesn't exist.
    """

    def __init__(
        self,
        units: Sequence[RuntimeUnit],
        *,
        policy: Policy = "fifo",
        host_processes: int | None = None,
        host_nice: int = NICE,
        watchdog: Duration = "auto",
        faults: Faults = DEFAULTS,
        on_fault: Callable[[FaultEvent], None] | None = None,
        trace: str | Path | None = None,
        publish: bool | None = None,
    ) -> None:
        names = [unit.name for unit in units]
        if not names:
            raise RunError("a runtime needs at least one unit")
        for name in names:
            if names.count(name) > 1:
                raise RunError(f"two units are named {name!r}: names must differ")
        self.units = tuple(units)
        self._policy = policy
        self._engine = Engine(units, policy, faults)
        self._watchdog = _watchdog(watchdog)
        if on_fault is not None:
            self._engine.listeners.append(on_fault)
        self._hosting = Hosting(host_processes, host_nice)
        self._trace = trace
        self._is_published = is_wanted(publish)
        self._publisher: Publisher | None = None
        self._started_ns = 0
        self._apps: set[str] = set()
        self._deployed: dict[str, App] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._rates: dict[str, tuple[App, float]] = {}
        self._inboxes: list[Inbox] = []
        self._state = "new"

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise RunError(f"this runtime is {self._state}: make a new one")
        if self._trace is not None:
            begin_trace(self._engine, policy_name(self._policy), self._trace)
        self._started_ns = time.perf_counter_ns()
        self._engine.start()
        self._state = "open"
        if self._is_published:
            try:
                self._publisher = Publisher(self.snapshot)
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close(cancel=error is not None)

    async def close(
        self, *, cancel: bool = False, timeout: Duration = None, grace: Duration = GRACE
    ) -> tuple[str, ...]:
        """Take no more requests, wait until nothing runs, end the workers.

        A stage that doesn't come back is told (`unit-hung`) and left to itself: its thread ends
        when it does, or with the process.

        Args:
            cancel: end requests in flight as cancelled, after the stages that run just now.
            timeout: when it is over, do that with those that are left.
            grace: how long those stages may take, and threads may take to end; with neither, how
                long any stage may take from now on of which the watchdog `auto` knows nothing. None
                for ever.

        Returns:
            The units whose threads hang still.
        """
        timeout_ns = duration_ns("timeout", timeout)
        grace_ns = duration_ns("grace", grace)
        if self._state != "open":
            return ()
        self._state = "closed"
        start_ns = time.perf_counter_ns()
        if grace_ns is not None and timeout_ns is None and not cancel:
            self._engine.limit_unknown(grace_ns)
        try:
            await self._stop_watching()
            await self._hosting.drain(self._engine, cancel=cancel, timeout_ns=timeout_ns)
            if timeout_ns is not None:
                timeout_ns = max(1, timeout_ns - (time.perf_counter_ns() - start_ns))
        finally:
            stuck = await self._close_engine(cancel, timeout_ns, grace_ns)
            await asyncio.to_thread(self._hosting.close)
            for inbox in self._inboxes:
                inbox.shut()
            if self._publisher is not None:
                await asyncio.to_thread(self._publisher.close)
            await asyncio.to_thread(end_trace, self._engine)
        return stuck

    @asynccontextmanager
    async def tracing(self, path: str | Path, *, force: bool = False) -> AsyncGenerator[None, None]:
        """Record what happens in this block into a trace's file.

        What was recorded survives a crash: such a file is read up to its last whole event.

        Args:
            path: of the file; `hetsched report` makes a picture of it.
            force: replace a file that is there.

        Raises:
            RunError: when a trace is being recorded already.
            OutputExistsError: when the file exists and `force` isn't set.
            TraceError: when it can't be written, at the latest at the block's end.
        """
        begin_trace(self._engine, policy_name(self._policy), path, force=force)
        try:
            yield
        finally:
            await asyncio.to_thread(end_trace, self._engine)

    def snapshot(self) -> Snapshot:
        """Counts, latencies, queues and utilisation up to now; takes some microseconds."""
        return Snapshot(
            time_ns=time.perf_counter_ns(),
            started_ns=self._started_ns,
            policy=policy_name(self._policy),
            apps=tuple(app.snapshot() for app in list(self._deployed.values())),
            units=self._engine.snapshot(),
        )

    async def _close_engine(
        self, cancel: bool, timeout_ns: int | None, grace_ns: int | None
    ) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        idle: asyncio.Future[None] = loop.create_future()
        self._engine.close(lambda: wake(loop, idle))
        if cancel:
            self._engine.cancel_all()
        try:
            if timeout_ns is not None:
                await asyncio.wait([idle], timeout=timeout_ns / 1e9)
                self._engine.cancel_all()
            if cancel or timeout_ns is not None:
                await asyncio.wait([idle], timeout=_seconds(grace_ns))
                self._engine.leave_running()
            await idle
        except asyncio.CancelledError:
            self._engine.cancel_all()
            raise
        finally:
            self._engine.stop()
            stuck = await asyncio.to_thread(self._engine.join, _seconds(grace_ns))
            await asyncio.to_thread(self._end_children)
        return stuck

    def _end_children(self) -> None:
        """Units in processes of their own: another runtime starts them anew."""
        for unit in self.units:
            if unit.isolation is not None and isinstance(unit.backend, Releasing):
                unit.backend.release()

    def units_state(self) -> dict[str, UnitState]:
        """How each unit is, by name."""
        return {state.name: state for state in self._engine.states()}

    def retry(self, unit: str) -> None:
        """Try a unit once more that was given up.

        Raises:
            RunError: when there is no such unit, or its thread is still in the stage it hung in.
        """
        names = [each.name for each in self.units]
        if unit not in names:
            raise RunError(f"there is no unit {unit!r}: take one of {', '.join(names)}")
        self._engine.retry(names.index(unit))

    async def replan(
        self, app: App, *, without: Sequence[str] | None = None, model: Model | None = None
    ) -> Plan:
        """Plan again for an app without some units, and run that from now on.

        Requests in flight end on the old plan, none is lost.

        Args:
            app: of this runtime.
            without: its units that the new plan does without; by default those that hang or were
                given up.
            model: the plan's, when it is loaded already.

        Raises:
            RunError: naming a unit that isn't there, or when there is none to do without.
            PlacementError: when no placement is left.
            BackendError: when a backend can't take a stage.
        """
        out = left_out(self._engine.states(), without)
        model = await load_model(app.plan, model)
        units = planned_names(app.mapping, out)
        plan = await asyncio.to_thread(plan_around, app.plan, model, {}, units)
        mapping = mapped_again(plan, self.units, app.mapping, out)
        await app.redeploy(plan, model=model, mapping=mapping)
        self._tell_replaced(app.name, f"it does without {', '.join(out)}")
        return plan

    def _tell_replaced(self, app: str, reason: str) -> None:
        now_ns = time.perf_counter_ns()
        event = FaultEvent(kind="plan-replaced", time_ns=now_ns, app=app, reason=reason)
        self._engine.tell(event)

    async def events(self, most: int = 1000) -> AsyncGenerator[FaultEvent, None]:
        """Faults as they happen, from the first `anext` until the runtime is closed.

        Args:
            most: how many are kept for a slow reader; the oldest go first.
        """
        inbox = Inbox(asyncio.get_running_loop(), most)
        self._inboxes.append(inbox)
        self._engine.listeners.append(inbox.put)
        try:
            while (event := await inbox.get()) is not None:
                yield event
        finally:
            self._engine.listeners.remove(inbox.put)
            self._inboxes.remove(inbox)

    async def deploy(
        self,
        plan: Plan,
        *,
        name: str,
        model: Model | None = None,
        mapping: Mapping[str, str] | None = None,
        deadline: Duration = None,
        late: Literal["drop", "run"] = "drop",
        priority: int = 0,
        weight: float = 1.0,
        rate: float | None = None,
        capacity: int | None = None,
        full: Full = "reject",
        admission: Admission = "all",
        alternatives: Alternatives = SAME,
        on_compile_failure: OnCompileFailure = "refuse",
        watchdog: Duration = None,
        learn: bool = False,
        replan_beyond: float | None = None,
        planner: Planner | None = None,
        pre: Declared = (),
        post: Declared = (),
        state: Mapping[str, str] | None = None,
    ) -> App:
        """Load a plan on the units; it is ready to be called when this returns.

        Args:
            plan: made by `hetsched.plan` or loaded from a file.
            name: of the app, unique in this runtime.
            model: the plan's model when it is loaded already; by default the plan's reference is
                loaded.
            mapping: the plan's units to this runtime's. By default a unit of the same name, else
                the runtime's units in turn.
            deadline: of each request since its arrival, `"33ms"` or ns.
            late: `drop` what can't meet its deadline any more at once, or `run` it all the same.
            priority: for the policy `priority`; higher first.
            weight: for the policy `weighted-fair`: the app's share of each unit.
            rate: requests per second that are to be expected; see `load`.
            capacity: how many requests may wait for their first stage; None for any number.
            full: what happens to a new one when they are that many: it is dropped (`reject`), the
                one that waits longest is (`drop-oldest`), or all that wait are (`latest-only`).
            admission: let in `all` requests, those that could meet their deadline on idle units
                (`own`), or that can behind what would be served before them (`backlog`).
            alternatives: which units may run a stage beside its own: those of the plan's
                alternatives that share its backend here (`same-backend`), those and every unit
                whose backend takes it (`all`), or those that are named for a unit of the plan.
            on_compile_failure: when a backend can't take a stage: `refuse` the plan, give the stage
                to a unit that can (`alternative`), or plan again around it (`replan`).
            watchdog: when one of its stages hangs; by default as the runtime has it.
            learn: learn what its stages take even where no decision depends on it; see
                `App.learned` and `save_costs`.
            replan_beyond: plan again in the background, and run the new plan, when a unit's stages
                take so much more or less than the plan says: 0.3 for 30%. Only for plans of this
                machine. By default never.
            planner: what makes the new plan, given the old one and what its stages took; by default
                as `hetsched.plan` does, for the same objective.
            pre: host stages before the model, one or several: functions, ready-made ones of
                `hetsched.stages`, ONNX files, each with a `HostCall` around it or not.
            post: host stages after the model; a call gives what the last of them returned.
            state: the model's outputs that are state, each with the input that takes it at the
                next request of the same stream; see `App.new_stream`.

        Raises:
            RunError: for a wrong name, mapping, term, host stage or state, or when the runtime
                isn't open.
            PlanError: when the model isn't the plan's.
            BackendError: when a backend can't take a stage.
        """
        terms = Terms(
            deadline_ns=duration_ns("deadline", deadline),
            late=late,
            priority=priority,
            weight=weight,
            capacity=capacity,
            full=full,
            admission=admission,
        )
        self._refuse_unless_open()
        if name in self._apps:
            raise RunError(f"an app named {name!r} is deployed already")
        if replan_beyond is not None:
            check_bound(replan_beyond, plan)
        if rate is not None and not 0 < rate < math.inf:
            raise RunError(f"rate is {rate!r}: give requests per second, above 0")
        has_tail = may_have_tail(plan)
        around = self._hosting.around(name, pre, post, state or {}, terms, has_tail=has_tail)
        learns = learn or replan_beyond is not None
        loading = Loading(
            alternatives=alternatives,
            on_compile_failure=on_compile_failure,
            watchdog=self._watchdog if watchdog is None else _watchdog(watchdog),
            host_stages=() if around is None else around.host_stages,
            has_pool=around is not None,
        )
        load: Load = partial(self._load, name, terms, Tally(), loading, learns)
        if around is not None:
            load = self._hosting.checked(load, around, self._engine, name)
        self._apps.add(name)
        try:
            if around is not None:
                await self._hosting.prepare(around)
            loaded = await load(plan, model, mapping)
        except BaseException:
            self._apps.discard(name)
            raise
        if around is None:
            app = App(self._engine, loaded, load)
        else:
            app = HostedApp(self._engine, loaded, load, around)
        self._deployed[name] = app
        log_deployed("deployed", loaded[0])
        if replan_beyond is not None:
            self._watch_drift(app, model, replan_beyond, planner)
        if rate is not None:
            self._rates[name] = (app, rate)
            self._warn_of_overload()
        return app

    async def save_costs(self, store: "CostStore | Path | None" = None) -> Saved:
        """Correct the cost store's measurements of this machine by what stages took here.

        Only stages of apps that learn count (see `deploy`), on units that aren't emulated and run
        ONNX Runtime on the CPU.

        Args:
            store: the cost store or its path; by default the user's.

        Raises:
            CostError: when the store can't be used.
        """
        learned = [(app.plan, app.learned()) for app in self._deployed.values()]
        return await asyncio.to_thread(save, learned, self.units, store)

    def _watch_drift(
        self, app: App, model: Model | None, bound: float, planner: Planner | None
    ) -> None:
        async def replace(plan: Plan, why: str) -> None:
            await app.redeploy(plan, model=model)
            now_ns = time.perf_counter_ns()
            self._engine.tell(
                FaultEvent(kind="plan-replaced", time_ns=now_ns, app=app.name, reason=why)
            )

        plans = planner or partial(plan_again, model)
        self._watchers.append(asyncio.create_task(watch(app, bound, plans, replace)))

    async def _stop_watching(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    def load(self) -> dict[str, float]:
        """The share of each unit's time that the apps with a `rate` ask for, 1.0 for all of it.

        Stages count where they were planned, with what they were seen to take here, else with what
        a plan for this machine predicts; stages of which neither is known count nothing.
        """
        shares = dict.fromkeys((unit.name for unit in self.units), 0.0)
        for app, rate in self._rates.values():
            for unit, busy_ns in app.expected_ns().items():
                shares[unit] += rate * busy_ns / 1e9
        return shares

    def _warn_of_overload(self) -> None:
        for unit, share in self.load().items():
            if share > 1:
                asked, told = f"{share:.0%} of its time", fields("overload", unit=unit, share=share)
                _log.warning(
                    "unit %s is asked for %s by the declared rates", unit, asked, extra=told
                )

    def _refuse_unless_open(self) -> None:
        if self._state != "open":
            raise RunError(f"this runtime is {self._state}: deploy inside `async with`")

    async def _load(
        self,
        name: str,
        terms: Terms,
        tally: Tally,
        loading: Loading,
        learns: bool,
        plan: Plan,
        model: Model | None,
        mapping: Mapping[str, str] | None,
    ) -> Loaded:
        self._refuse_unless_open()
        chosen = map_units(units_of(plan), self.units, mapping)
        refused: dict[tuple[str, str], str] = {}
        while True:
            try:
                program = await make_program(
                    self._engine,
                    plan,
                    model,
                    chosen,
                    name=name,
                    terms=terms,
                    turn=self._policy.turn(name) if isinstance(self._policy, StaticOrder) else -1,
                    tally=tally,
                    loading=loading,
                )
                break
            except StruckError as error:
                if error.refused.keys() <= refused.keys():  # the new plan has it there again
                    raise
                refused.update(error.refused)
                model = await load_model(plan, model)
                plan = await asyncio.to_thread(plan_around, plan, model, refused)
                chosen = mapped_again(plan, self.units, chosen)
                self._tell_replaced(name, str(error))
        if learns and program.learned is None:
            # No decision depends on it, so nobody needs to be told.
            program = dataclasses.replace(program, learned=Learned(lambda *_: None))
        return program, plan, chosen


def _watchdog(value: Duration) -> Watchdog:
    if value == "auto":
        return "auto"
    found = None if value == "off" else duration_ns("watchdog", value)
    return "off" if found is None else found


def _seconds(duration: int | None) -> float | None:
    return None if duration is None else duration / 1e9

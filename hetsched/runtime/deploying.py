"""A runtime's apps: plans are loaded, terms are checked, rates are added up."""

import asyncio
import dataclasses
import logging
import math
from collections.abc import Mapping
from functools import partial
from typing import Literal

from hetsched.dispatch import Admission, Full, Policy, StaticOrder, Terms
from hetsched.errors import RunError
from hetsched.ir.model import Model
from hetsched.logs import fields
from hetsched.plan.model import Plan
from hetsched.runtime.app import App, Duration, Load, Loaded, duration_ns, log_deployed
from hetsched.runtime.compiling import OnCompileFailure, StruckError
from hetsched.runtime.drift import Planner, check_bound
from hetsched.runtime.host_app import HostedApp
from hetsched.runtime.host_stage import Declared
from hetsched.runtime.hosting import Hosting
from hetsched.runtime.learning import Learned
from hetsched.runtime.loading import Loading, load_model, make_program
from hetsched.runtime.renewing import Renewing
from hetsched.runtime.replanning import mapped_again, plan_around, units_of
from hetsched.runtime.standins import SAME, Alternatives
from hetsched.runtime.tail import may_have_tail
from hetsched.runtime.tally import Tally
from hetsched.runtime.units import map_units
from hetsched.runtime.watch import Watchdog

_log = logging.getLogger(__name__)


class Deploying(Renewing):
    """A part of `Runtime`; what it shares with the rest is declared here and made there."""

    _policy: Policy
    _watchdog: Watchdog
    _hosting: Hosting
    _apps: set[str]
    _deployed: dict[str, App]
    _rates: dict[str, tuple[App, float]]
    _state: str

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
            watchdog=self._watchdog if watchdog is None else watchdog_of(watchdog),
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


def watchdog_of(value: Duration) -> Watchdog:
    """As `Runtime` and `deploy` take it.

    Raises:
        RunError: when it isn't a duration.
    """
    if value == "auto":
        return "auto"
    found = None if value == "off" else duration_ns("watchdog", value)
    return "off" if found is None else found

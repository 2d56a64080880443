"""New plans for apps that run: without units that are lost, or for times that have drifted."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.runtime.app import App
from hetsched.runtime.drift import Planner, watch
from hetsched.runtime.engine import Engine
from hetsched.runtime.faults import FaultEvent
from hetsched.runtime.feedback import plan_again
from hetsched.runtime.loading import load_model
from hetsched.runtime.replanning import left_out, mapped_again, plan_around, planned_names
from hetsched.runtime.units import RuntimeUnit


class Renewing:
    """A part of `Runtime`; what it shares with the rest is declared here and made there.

    Attributes:
        units: what there is to run on.
    """

    units: tuple[RuntimeUnit, ...]
    _engine: Engine
    _watchers: list[asyncio.Task[None]]

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

    def _watch_drift(
        self, app: App, model: Model | None, bound: float, planner: Planner | None
    ) -> None:
        async def replace(plan: Plan, why: str) -> None:
            await app.redeploy(plan, model=model)
            self._tell_replaced(app.name, why)

        plans = planner or partial(plan_again, model)
        self._watchers.append(asyncio.create_task(watch(app, bound, plans, replace)))

    async def _stop_watching(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

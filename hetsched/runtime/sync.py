"""The runtime for programs without an event loop."""

import asyncio
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from hetsched.dispatch import Policy
from hetsched.errors import RunError
from hetsched.plan.model import Plan
from hetsched.runtime.app import App
from hetsched.runtime.faults import UnitState
from hetsched.runtime.runtime import GRACE, Runtime
from hetsched.runtime.snapshot import Snapshot
from hetsched.runtime.units import RuntimeUnit

T = TypeVar("T")


class SyncRuntime:
    """`Runtime` without `await`: deploy here, then call `app.run`, from any thread.

    Use it as `with SyncRuntime(host_units()) as runtime`. Leaving the block waits for what was
    submitted; when an exception leaves it, requests are cancelled. No thread but the units' workers
    is started: a call runs on the caller's thread where a unit is idle.

    Args:
        units: what to run on.
        policy: which ready stage a free unit takes.
        options: any others of `Runtime`.

    Raises:
        RunError: when there is no unit, two have the same name, or the policy doesn't exist.
    """

    def __init__(
        self, units: Sequence[RuntimeUnit], *, policy: Policy = "fifo", **options: Any
    ) -> None:
        self._runtime = Runtime(units, policy=policy, **options)
        self._runner = asyncio.Runner()  # its loop is made when it is first used
        self._is_over = False

    def __enter__(self) -> Self:
        self._run(self._runtime.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close(cancel=error is not None)
        finally:
            self._is_over = True
            self._runner.close()

    def deploy(self, plan: Plan, *, name: str, **terms: Any) -> App:
        """Load a plan on the units; arguments and errors are those of `Runtime.deploy`.

        Raises:
            RunError: for `replan_beyond`, too: nothing here could wait for a drift.
        """
        if terms.get("replan_beyond") is not None:
            raise RunError("replan_beyond needs an event loop that runs: use Runtime")
        return self._run(self._runtime.deploy(plan, name=name, **terms))

    def redeploy(self, app: App, plan: Plan, **loading: Any) -> None:
        """Run another plan from now on; arguments and errors are those of `App.redeploy`."""
        self._run(app.redeploy(plan, **loading))

    def snapshot(self) -> Snapshot:
        """Counts, latencies, queues and utilisation up to now."""
        return self._runtime.snapshot()

    def replan(self, app: App, **how: Any) -> Plan:
        """Plan again without some units; arguments and errors are those of `Runtime.replan`."""
        return self._run(self._runtime.replan(app, **how))

    def units_state(self) -> dict[str, UnitState]:
        """How each unit is, by name."""
        return self._runtime.units_state()

    def retry(self, unit: str) -> None:
        """Try a unit once more that was given up; errors are those of `Runtime.retry`."""
        self._runtime.retry(unit)

    def close(
        self,
        *,
        cancel: bool = False,
        timeout: str | int | None = None,
        grace: str | int | None = GRACE,
    ) -> tuple[str, ...]:
        """Take no more requests, wait until nothing runs, end the workers; see `Runtime.close`."""
        return self._run(self._runtime.close(cancel=cancel, timeout=timeout, grace=grace))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        why = self._refusal()
        if why is not None:
            work.close()
            raise RunError(why)
        return self._runner.run(work)

    def _refusal(self) -> str | None:
        if self._is_over:
            return "this runtime is closed: make a new one"
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return None
        return "an event loop runs in this thread: use Runtime instead of SyncRuntime"

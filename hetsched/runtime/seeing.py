"""What a runtime lets others see: snapshots, faults, traces, and what was learnt."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hetsched.dispatch import Policy
from hetsched.runtime.app import App
from hetsched.runtime.engine import Engine
from hetsched.runtime.faults import FaultEvent, UnitState
from hetsched.runtime.feedback import Saved, save
from hetsched.runtime.inbox import Inbox
from hetsched.runtime.snapshot import Snapshot, policy_name
from hetsched.runtime.tracing import begin as begin_trace
from hetsched.runtime.tracing import end as end_trace
from hetsched.runtime.units import RuntimeUnit

if TYPE_CHECKING:
    from hetsched.cost.store import CostStore


class Seeing:
    """A part of `Runtime`; what it shares with the rest is declared here and made there.

    Attributes:
        units: what there is to run on.
    """

    units: tuple[RuntimeUnit, ...]
    _policy: Policy
    _engine: Engine
    _started_ns: int
    _deployed: dict[str, App]
    _inboxes: list[Inbox]

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

    def units_state(self) -> dict[str, UnitState]:
        """How each unit is, by name."""
        return {state.name: state for state in self._engine.states()}

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

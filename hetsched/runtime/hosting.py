"""A runtime's host side: its pool and the requests in it, from the first app that has any."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future

from hetsched.dispatch import Terms
from hetsched.errors import RunError
from hetsched.runtime.app import Load, Loaded, wake
from hetsched.runtime.engine import Engine
from hetsched.runtime.host_flow import Around
from hetsched.runtime.host_gate import Gate
from hetsched.runtime.host_job import Done, StageError
from hetsched.runtime.host_pool import HostPool, default_processes, refuse_inside
from hetsched.runtime.host_process import ProcessDiedError
from hetsched.runtime.host_stage import Declared, HostStage, host_stages
from hetsched.runtime.state import StateSpec
from hetsched.stages.manners import NICE

THREADS = 2
"""For host stages that release the GIL or must share it."""


class Hosting:
    """Pool and gate.

    Args:
        processes: how many processes for host stages; None for one a core, at most 4.
        nice: see `hetsched.stages.manners`.

    Raises:
        RunError: when there can't be so many, or none can be so nice.
    """

    def __init__(self, processes: int | None, nice: int = NICE) -> None:
        if processes is not None and processes < 1:
            raise RunError(f"host_processes is {processes}: give 1 or more")
        if not 0 <= nice <= 19:
            raise RunError(f"host_nice is {nice}: give 0 to 19")
        count = default_processes() if processes is None else processes
        self._pool = HostPool(count, THREADS, nice)
        self._gate = Gate()

    def around(
        self,
        name: str,
        pre: Declared,
        post: Declared,
        state: Mapping[str, str],
        terms: Terms,
        *,
        has_tail: bool = False,
    ) -> Around | None:
        """What an app has around its model; None when that is nothing, and the model has no tail.

        Raises:
            RunError: naming the host stage that can't be one.
        """
        if not (pre or post or state or has_tail):
            return None
        refuse_inside()
        before = host_stages(pre, "pre", name)
        return Around(
            pool=self._pool,
            gate=self._gate,
            pre=before,
            post=host_stages(post, "post", name, first=len(before)),
            state=StateSpec(feeds=dict(state)),
            terms=terms,
        )

    def checked(self, load: Load, around: Around, engine: Engine, name: str) -> Load:
        """Loading that refuses a plan whose model doesn't have the declared state."""

        async def load_and_check(*what: object) -> Loaded:
            loaded = await load(*what)  # type: ignore[arg-type]  # passed on as they came
            try:
                around.state.check(loaded[0].graph, name)
            except RunError:
                engine.retire(loaded[0])
                raise
            return loaded

        return load_and_check

    async def prepare(self, around: Around) -> None:
        """Have the pool's threads and processes make an app's host stages ready.

        Raises:
            RunError: naming the stage that a process can't import.
        """
        for stage in (*around.pre, *around.post):
            if stage.where != "loop":
                for ready in around.pool.lane(stage.where).load(stage.key, stage.call):
                    await _prepared(stage, ready)

    async def drain(self, engine: Engine, *, cancel: bool, timeout_ns: int | None) -> None:
        """Refuse new requests and wait until none is under way; see `Runtime.close`."""
        loop = asyncio.get_running_loop()
        empty: asyncio.Future[None] = loop.create_future()
        self._gate.shut(lambda: wake(loop, empty))
        if cancel:
            self._cancel(engine)
        try:
            if timeout_ns is not None:
                await asyncio.wait([empty], timeout=timeout_ns / 1e9)
                self._cancel(engine)
            await empty
        except asyncio.CancelledError:
            self._cancel(engine)
            raise

    def _cancel(self, engine: Engine) -> None:
        self._gate.cancel()
        engine.cancel_all()

    def close(self) -> None:
        """End the threads and processes."""
        self._pool.close()


async def _prepared(stage: HostStage, ready: "Future[Done]") -> None:
    try:
        await asyncio.wrap_future(ready)
    except (StageError, ProcessDiedError) as error:
        raise RunError(f"{stage} can't be made ready: {error}") from error

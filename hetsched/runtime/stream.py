"""Requests for what a source gives, several in flight, answers in the source's order."""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Iterable,
    Mapping,
)
from typing import Any, Protocol

from hetsched.backends.base import HostValue
from hetsched.errors import DroppedError


class Answers(Protocol):
    """What answers requests: an app."""

    def __call__(self, inputs: Mapping[str, HostValue]) -> Awaitable[dict[str, Any]]:
        """The outputs for some inputs."""
        ...


async def in_order(
    app: Answers,
    source: Iterable[Mapping[str, HostValue]] | AsyncIterable[Mapping[str, HostValue]],
    max_in_flight: int,
    *,
    keeps_latest: bool,
) -> AsyncGenerator[dict[str, Any], None]:
    """Outputs in the source's order; what is dropped is passed over.

    Args:
        app: answers.
        source: of inputs.
        max_in_flight: how many requests there may be at once.
        keeps_latest: whether the source goes on while as many are in flight; the latest is kept.
    """
    flight = _Flight(app, max_in_flight, keeps_latest=keeps_latest)
    reader = asyncio.create_task(flight.read(source))
    try:
        while (answer := await flight.next()) is not None:
            try:
                outputs = await answer
            except DroppedError:
                continue
            yield outputs
        await reader  # raises what the source raised
    finally:
        await flight.end(reader)


class _Flight:
    """Requests in flight, oldest first, and the one that waits for room."""

    def __init__(self, app: Answers, limit: int, *, keeps_latest: bool) -> None:
        self._app = app
        self._limit = limit
        self._keeps_latest = keeps_latest
        self._answers: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._running: set[asyncio.Future[dict[str, Any]]] = set()
        self._latest: Mapping[str, HostValue] | None = None
        self._is_over = False
        self._changed = asyncio.Event()

    async def read(
        self, source: Iterable[Mapping[str, HostValue]] | AsyncIterable[Mapping[str, HostValue]]
    ) -> None:
        """Start a request for each item of the source that there is room for."""
        try:
            async for inputs in _each(source):
                if self._keeps_latest and len(self._running) >= self._limit:
                    self._latest = inputs
                    continue
                while len(self._running) >= self._limit:
                    await self._change()
                self._start(inputs)
            while self._latest is not None:
                await self._change()
        finally:
            self._is_over = True
            self._changed.set()

    async def next(self) -> "asyncio.Future[dict[str, Any]] | None":
        """The oldest request that hasn't been asked for; None when there will be no more."""
        while not self._answers:
            if self._is_over:
                return None
            await self._change()
        return self._answers.popleft()

    async def end(self, reader: "asyncio.Task[None]") -> None:
        """Leave nothing running."""
        reader.cancel()
        for task in self._running:
            task.cancel()
        await asyncio.gather(reader, *self._running, *self._answers, return_exceptions=True)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _start(self, inputs: Mapping[str, HostValue]) -> None:
        task = asyncio.ensure_future(self._app(inputs))
        self._answers.append(task)
        self._running.add(task)
        task.add_done_callback(self._ended)
        self._changed.set()

    def _ended(self, task: "asyncio.Future[dict[str, Any]]") -> None:
        self._running.discard(task)
        if self._latest is not None and not task.cancelled():
            inputs, self._latest = self._latest, None
            self._start(inputs)
        self._changed.set()


async def _each(
    source: Iterable[Mapping[str, HostValue]] | AsyncIterable[Mapping[str, HostValue]],
) -> AsyncIterator[Mapping[str, HostValue]]:
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield item
        return
    for item in source:
        yield item
        await asyncio.sleep(0)  # others' turn

"""Events from any thread to one reader on a loop."""

import asyncio
import contextlib
from collections import deque

from hetsched.runtime.faults import FaultEvent


class Inbox:
    """Keeps the latest events until they are read.

    Args:
        loop: the reader's.
        most: how many are kept; the oldest go first.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self._loop = loop
        self._kept: deque[FaultEvent] = deque(maxlen=most)
        self._has_news = asyncio.Event()
        self._is_shut = False

    def put(self, event: FaultEvent) -> None:
        """Keep an event; from any thread."""
        self._kept.append(event)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._has_news.set)

    def shut(self) -> None:
        """Nothing comes any more; on the loop."""
        self._is_shut = True
        self._has_news.set()

    async def get(self) -> FaultEvent | None:
        """The oldest event that is kept; None when nothing comes any more."""
        while not self._kept:
            if self._is_shut:
                return None
            self._has_news.clear()
            await self._has_news.wait()
        return self._kept.popleft()

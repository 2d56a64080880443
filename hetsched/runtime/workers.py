"""The threads: one per unit, each with a mailbox of stages to run and other things to do."""

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

from hetsched.runtime.units import RuntimeUnit
from hetsched.runtime.ward import Task

T = TypeVar("T")


class Job:
    """Something to do between two stages.

    Args:
        work: what to do.
    """

    __slots__ = ("future", "work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.future: Future[Any] = Future()

    def do(self) -> None:
        """Do it, and tell who waits."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.work())
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
            self.future.set_exception(error)

    def refuse(self, error: Exception) -> None:
        """It won't be done."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


Item: TypeAlias = Task | Job | None


class Workers:
    """The threads.

    They are daemons: one that hangs in a driver can't keep the program from ending.

    Args:
        units: one thread for each.
        follow: runs a stage, and what follows from it on the unit.

    Attributes:
        mailboxes: per unit.
        has_job: per unit, whether its thread does something else than stages.
    """

    def __init__(self, units: Sequence[RuntimeUnit], follow: Callable[[Task, int], None]) -> None:
        self._units = tuple(units)
        self._follow = follow
        self.mailboxes: list[queue.SimpleQueue[Item]] = [queue.SimpleQueue() for _ in units]
        self.has_job = [False] * len(units)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads."""
        for index, unit in enumerate(self._units):
            name = f"hetsched-{unit.name}"
            thread = threading.Thread(target=self._work, args=(index,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Let each thread end after what it has been given."""
        for mailbox in self.mailboxes:
            mailbox.put(None)

    def join(self, grace_s: float | None) -> tuple[str, ...]:
        """Wait for the threads to end, so long together at most; who didn't is named."""
        until = None if grace_s is None else time.monotonic() + grace_s
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        stuck = [index for index, thread in enumerate(self._threads) if thread.is_alive()]
        self._threads.clear()
        return tuple(self._units[index].name for index in stuck)

    def take_jobs(self, unit: int) -> list[Job]:
        """What a thread that hangs was to do between stages, which it won't."""
        items: list[Item] = []
        while True:
            try:
                items.append(self.mailboxes[unit].get_nowait())
            except queue.Empty:
                break
        for item in items:
            if not isinstance(item, Job):
                self.mailboxes[unit].put(item)
        return [item for item in items if isinstance(item, Job)]

    def _work(self, unit: int) -> None:
        """What the mailbox brings, and what follows from it on the same unit."""
        cores = self._units[unit].cores
        if cores is not None:
            os.sched_setaffinity(0, cores)  # of this thread
        while (item := self.mailboxes[unit].get()) is not None:
            if isinstance(item, tuple):
                self._follow(item, unit)
            else:
                self.has_job[unit] = True
                item.do()
                self.has_job[unit] = False
            del item

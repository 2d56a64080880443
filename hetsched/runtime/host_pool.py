"""Who runs host stages: a few threads that compute, and a few that have a process each for it.

Stages that wait are served by deadline, those without one after those with one, equals by age.
"""

import heapq
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from hetsched.errors import RunError
from hetsched.runtime.host_job import Done, Job, StageError
from hetsched.runtime.host_process import HostProcess, ProcessDiedError
from hetsched.stages.manners import NICE
from hetsched.stages.worker import MARK, prepare


class HostPool:
    """Threads and processes for host stages, started when they are first needed.

    Args:
        processes: how many processes.
        threads: how many threads.
        nice: how much nicer than this process they are to others that compute.
    """

    def __init__(self, processes: int, threads: int, nice: int = NICE) -> None:
        self.processes = Lane("process", processes, partial(_ProcessHands, nice))
        self.threads = Lane("thread", threads, _ThreadHands)

    def lane(self, where: str) -> "Lane":
        """Where `process` or `thread` stages wait."""
        return self.processes if where == "process" else self.threads

    def close(self) -> None:
        """End them all; what waits still fails, what runs and nobody waits for ends."""
        for lane in (self.processes, self.threads):
            lane.close()
        for lane in (self.processes, self.threads):
            lane.join()


class _ThreadHands:
    """Calls stages right here."""

    def load(self, job: Job) -> None:
        """A thread has every stage; some want to be told."""
        try:
            prepare(job.call)
        except BaseException as error:
            raise StageError.of(error) from error

    def do(self, job: Job) -> Any:
        """Call a stage."""
        try:
            return job.call(job.value)
        except BaseException as error:
            raise StageError.of(error) from error

    def stop(self) -> None:
        """Nothing to let go of."""


class _ProcessHands:
    """Has stages called in a process, which is started when it is needed, again when it died."""

    def __init__(self, nice: int) -> None:
        self._nice = nice
        self._process: HostProcess | None = None

    def load(self, job: Job) -> None:
        """Send a stage ahead."""
        self._on_process(lambda process: process.load(job.key, job.call, job.is_wanted))

    def do(self, job: Job) -> Any:
        """Call a stage; once more in a new process when the process dies."""
        call = (job.key, job.call, job.value, job.is_wanted)
        try:
            return self._on_process(lambda process: process.call(*call))
        except ProcessDiedError:
            if not job.is_wanted():
                raise
        return self._on_process(lambda process: process.call(*call))

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _on_process(self, ask: Callable[[HostProcess], Any]) -> Any:
        if self._process is None:
            self._process = HostProcess(self._nice)
        try:
            return ask(self._process)
        except ProcessDiedError:
            self._process = None
            raise


class Lane:
    """A queue of jobs and the threads that serve it.

    Args:
        kind: for the threads' names.
        size: how many threads.
        hands: makes what a thread does its jobs with.
    """

    def __init__(
        self, kind: str, size: int, hands: Callable[[], _ThreadHands | _ProcessHands]
    ) -> None:
        self._kind = kind
        self._size = size
        self._hands = hands
        self._changed = threading.Condition()
        # Everything below is touched under it only.
        self._queue: list[tuple[int, int, Job]] = []
        self._number = itertools.count()
        self._own: list[deque[Job]] = []
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    def submit(self, job: Job) -> None:
        """Have a job done.

        Raises:
            RunError: when it is closed.
        """
        with self._changed:
            self._start()
            heapq.heappush(self._queue, (job.deadline_ns, next(self._number), job))
            self._changed.notify()

    def load(self, key: int, call: Any) -> "list[Future[Done]]":
        """Have every thread make a stage ready.

        Raises:
            RunError: when it is closed.
        """
        jobs = [Job(key, call, None, None) for _ in range(self._size)]
        with self._changed:
            self._start()
            for own, job in zip(self._own, jobs, strict=True):
                own.append(job)
            self._changed.notify_all()
        return [job.future for job in jobs]

    def close(self) -> None:
        """Take no more jobs; what waits fails."""
        with self._changed:
            self._is_closed = True
            waiting = [job for _, _, job in self._queue] + [job for own in self._own for job in own]
            self._queue.clear()
            for own in self._own:
                own.clear()
            self._changed.notify_all()
        for job in waiting:
            job.fail(RunError("the runtime is closed"))

    def join(self) -> None:
        """Wait for the threads to end."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start(self) -> None:
        if self._is_closed:
            raise RunError("the runtime is closed: it runs no more host stages")
        while len(self._threads) < self._size:
            index = len(self._threads)
            self._own.append(deque())
            name = f"hetsched-host-{self._kind}-{index}"
            self._threads.append(threading.Thread(target=self._serve, args=(index,), name=name))
            self._threads[-1].start()

    def _serve(self, index: int) -> None:
        hands = self._hands()
        try:
            while (found := self._next(index)) is not None:
                _perform(hands, *found)
                del found
        finally:
            hands.stop()

    def _next(self, index: int) -> tuple[Job, bool] | None:
        """The next job for a thread, and whether it is only to be made ready."""
        with self._changed:
            while True:
                if self._own[index]:
                    return self._own[index].popleft(), True
                while self._queue:
                    job = heapq.heappop(self._queue)[-1]
                    if job.is_wanted():
                        job.has_started = True
                        return job, False
                if self._is_closed:
                    return None
                self._changed.wait()


def _perform(hands: _ThreadHands | _ProcessHands, job: Job, is_load: bool) -> None:
    start_ns = time.perf_counter_ns()
    try:
        value = hands.load(job) if is_load else hands.do(job)
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the job
        job.fail(error)
    else:
        job.finish(Done(value, start_ns, time.perf_counter_ns()))


def default_processes() -> int:
    """As many as the machine has cores for this program, at least 1 and at most 4."""
    return max(1, min(4, len(os.sched_getaffinity(0))))


def refuse_inside() -> None:
    """A host process has imported the program's main module: it must not start a runtime there.

    Raises:
        RunError: saying what the main module lacks.
    """
    if os.environ.get(MARK):
        raise RunError(
            "a host process imports this program's main module for a stage that is defined there: "
            "put what the program does under `if __name__ == '__main__':`"
        )

"""A process of its own for Python that computes: its calls hold no lock of this one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from hetsched.errors import RunError
from hetsched.runtime.host_job import StageError
from hetsched.stages import worker
from hetsched.stages.channel import Channel

PATIENCE_S: Final = 1.0
"""How long a call goes on that nobody waits for any more, before its process is ended."""

_LOOK_S: Final = 0.25
"""How often a long call is asked whether anybody still waits for it."""

_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Libraries that would start a thread per core in each process; what a user sets stays."""


class ProcessDiedError(RunError):
    """A host process ended in the midst of a call."""


class HostProcess:
    """One process that runs stages, one at a time; made and used by one thread, and ends with it.

    Args:
        nice: how much nicer than this process it is to others that compute.

    Raises:
        RunError: when it can't be started.
    """

    def __init__(self, nice: int) -> None:
        ours, theirs = socket.socketpair()
        numbers = (theirs.fileno(), os.getpid(), nice)
        command = [sys.executable, "-m", worker.__name__, *map(str, numbers)]
        environment = dict.fromkeys(_ONE_THREAD, "1") | dict(os.environ) | {worker.MARK: "1"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        try:
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL
            )
        except OSError as error:
            ours.close()
            raise RunError(f"can't start a host process: {error}") from error
        finally:
            theirs.close()
        self._channel = Channel(ours)
        self._loaded: set[int] = set()
        self._channel.send(worker.PATHS, sys.path)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def call(self, key: int, stage: Any, value: Any, is_wanted: Callable[[], bool]) -> Any:
        """Call a stage with a value.

        Args:
            key: of the stage; the same for the same stage.
            stage: sent when it is called for the first time.
            value: sent.
            is_wanted: whether anybody waits for it still.

        Raises:
            StageError: when the stage failed.
            UnsendableError: when the value can't be sent.
            ProcessDiedError: when the process ended meanwhile.
        """
        self.load(key, stage, is_wanted)
        return self._ask((worker.CALL, key, value), is_wanted)

    def load(self, key: int, stage: Any, is_wanted: Callable[[], bool]) -> None:
        """Send a stage ahead of its first call; the errors are those of `call`."""
        if key not in self._loaded:
            self._ask((worker.LOAD, key, stage), is_wanted)
            self._loaded.add(key)

    def stop(self) -> None:
        """End it, at once when it is in the midst of a call, and wait until it is gone."""
        self._channel.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, message: tuple[Any, ...], is_wanted: Callable[[], bool]) -> Any:
        try:
            self._channel.send(*message)
            self._await_answer(is_wanted)
            kind, *rest = self._channel.receive()
        except (OSError, EOFError) as error:
            raise ProcessDiedError(self._end()) from error
        if kind == worker.FAILED:
            raise StageError(*rest)
        return rest[0]

    def _await_answer(self, is_wanted: Callable[[], bool]) -> None:
        unwanted_since_s = None
        while not self._channel.is_there(_LOOK_S):
            if is_wanted():
                continue
            now_s = time.monotonic()
            unwanted_since_s = now_s if unwanted_since_s is None else unwanted_since_s
            if now_s - unwanted_since_s >= PATIENCE_S:
                self._process.kill()

    def _end(self) -> str:
        """How it ended."""
        self._channel.close()
        try:
            code = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        how = f"with exit code {code}" if code >= 0 else f"by {_signal_name(-code)}"
        return f"its host process (pid {self._process.pid}) ended {how}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

"""The program of a host process: `python -m hetsched.stages.worker DESCRIPTOR PARENT NICE`.

It loads stages and calls them, one at a time, as the runtime that started it says; it ends with it.
"""

import ctypes
import os
import signal
import socket
import sys
import traceback
from typing import Any, Final

from hetsched.errors import HetschedError, RunError
from hetsched.stages.channel import Channel
from hetsched.stages.crossing import UnsendableError
from hetsched.stages.manners import step_aside

LOAD: Final = "load"
"""(LOAD, key, stage): keep a stage. The answer is (MADE, None) or (FAILED, ...)."""
CALL: Final = "call"
"""(CALL, key, value): the answer is (MADE, result) or (FAILED, type, message, traceback)."""
PATHS: Final = "paths"
"""(PATHS, sys.path): where modules are found. No answer."""
MADE: Final = "made"
FAILED: Final = "failed"

MARK: Final = "HETSCHED_HOST_PROCESS"
"""Set in the environment of a host process."""

_PR_SET_PDEATHSIG: Final = 1
"""Source: <linux/prctl.h>."""


def main(descriptor: int, parent: int, nice: int) -> None:
    """Serve until the other end is closed."""
    _end_with(parent)
    step_aside(nice)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; we are told
    channel = Channel(socket.socket(fileno=descriptor))
    stages: dict[int, Any] = {}
    while True:
        try:
            answer = _answer(channel, stages)
        except EOFError:
            return
        if answer is not None:
            _reply(channel, *answer)


def prepare(stage: Any) -> None:
    """Let a stage that has a `prepare` do what would make its first call slow."""
    if (ready := getattr(stage, "prepare", None)) is not None:
        ready()


def _answer(channel: Channel, stages: dict[int, Any]) -> tuple[Any, ...] | None:
    try:
        kind, *rest = channel.receive()
        if kind == PATHS:
            sys.path[:] = rest[0]
            return None
        key, value = rest
        if kind == LOAD:
            prepare(value)
            stages[key] = value
            return MADE, None
        return MADE, stages[key](value)
    except EOFError:
        raise
    except HetschedError as error:
        return FAILED, RunError.__name__, str(error), ""
    except BaseException as error:  # noqa: BLE001 - whatever it is, its request must hear of it
        return FAILED, type(error).__name__, str(error), traceback.format_exc()


def _reply(channel: Channel, *answer: Any) -> None:
    try:
        channel.send(*answer)
    except UnsendableError as error:
        channel.send(FAILED, RunError.__name__, f"it returned what can't cross: {error}", "")


def _end_with(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before that call
        sys.exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

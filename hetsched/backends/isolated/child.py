"""The child's side: `python -m hetsched.backends.isolated.child`, started by `process.py` only."""

import fcntl
import os
import signal
import socket
import sys

from hetsched.backends.isolated.arena import Arena
from hetsched.backends.isolated.channel import Channel, GoneError
from hetsched.backends.isolated.server import Server
from hetsched.backends.isolated.status import Status


def main() -> None:
    """Serve the application until it goes."""
    lifeline, end, status, given, made = map(int, sys.argv[1:])
    _die_with_parent(lifeline)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # interrupts are for the application
    incoming = Arena(given)
    channel = Channel(socket.socket(fileno=end), incoming)
    server = Server(channel, Status(status), incoming, Arena(made))
    try:
        server.serve()
    except GoneError:
        server.release()
    # Nothing may keep it: neither a driver's threads nor what it does at exit.
    os._exit(0)


def _die_with_parent(lifeline: int) -> None:
    """Have the kernel end this process when the application is gone, whatever hangs in here.

    A signal for the parent's death would come when the *thread* that started this process ends. So
    the application holds the writing end of a pipe; the reading end signals when that is closed,
    and nobody handles this signal, so that it kills.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)


if __name__ == "__main__":
    main()

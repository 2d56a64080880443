"""A running runtime's snapshots for other processes of the same user: `hetsched top`.

A Unix socket that only its user may open; who connects gets one snapshot as a line of JSON. A
thread of its own answers, so that the runtime never waits for anybody.
"""

import contextlib
import itertools
import os
import selectors
import socket
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from hetsched.errors import RunError
from hetsched.runtime.snapshot import Snapshot

VARIABLE: Final = "HETSCHED_TOP"
"""Set to 1, it makes every runtime publish that doesn't say otherwise."""

TIMEOUT_S: Final = 2.0
"""How long a reader may take; then it is left alone."""

_numbers = itertools.count()


def is_wanted(publish: bool | None) -> bool:
    """What was asked for, else what the environment says."""
    return publish if publish is not None else os.environ.get(VARIABLE, "") not in ("", "0")


def folder() -> Path:
    """Where the sockets of this user's runtimes are."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given:
        return Path(given) / "hetsched"
    return Path(tempfile.gettempdir()) / f"hetsched-{os.getuid()}"


class Publisher:
    """Answers whoever connects, until it is closed.

    Args:
        snapshot: taken for each of them, on this object's thread.

    Raises:
        RunError: when the socket can't be made.
    """

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self.path = folder() / f"{os.getpid()}-{next(_numbers)}.sock"
        try:
            _make_private(self.path.parent)
            self.path.unlink(missing_ok=True)  # of a process that had this number before
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.bind(str(self.path))
            self.path.chmod(0o600)
            self._socket.listen(8)
        except OSError as error:
            raise RunError(f"{self.path} can't be published on: {error.strerror}") from error
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="hetsched-publish")
        self._thread.start()

    def close(self) -> None:
        """Answer no more; the socket goes away."""
        self._stop.send(b"x")
        self._thread.join()
        for each in (self._stop, self._stopped, self._socket):
            each.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            while not any(key.fileobj is self._stopped for key, _ in selector.select()):
                with contextlib.suppress(OSError):  # who asked is gone, or is too slow
                    reader, _ = self._socket.accept()
                    with reader:
                        reader.settimeout(TIMEOUT_S)
                        reader.sendall(msgspec.json.encode(self._snapshot()) + b"\n")


def _make_private(path: Path) -> None:
    """A folder that nobody else may look into.

    Raises:
        PermissionError: when it is somebody else's, or open to others.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(1, "its folder belongs to, or is open to, other users")


def published() -> list[Path]:
    """Sockets of this user's runtimes, the oldest first; those of processes that died are not."""
    found = []
    for path in folder().glob("*.sock"):
        with contextlib.suppress(OSError), _connected(path):
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]


def read_snapshot(path: Path) -> Snapshot:
    """What the runtime behind a socket says of itself now.

    Raises:
        RunError: when nothing answers there, or something else.
    """
    try:
        with _connected(path) as reader, reader.makefile("rb") as lines:
            line = lines.readline()
    except OSError as error:
        raise RunError(f"no runtime answers at {path}: {error.strerror or error}") from error
    try:
        return msgspec.json.decode(line, type=Snapshot)
    except msgspec.DecodeError as error:
        raise RunError(f"what answers at {path} is no runtime of this version: {error}") from error


def _connected(path: Path) -> socket.socket:
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        reader.settimeout(TIMEOUT_S)
        reader.connect(str(path))
    except BaseException:
        reader.close()
        raise
    return reader

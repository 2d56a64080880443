"""The child as a process: started with what it inherits, ended without a trace left."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from hetsched.errors import BackendError

GRACE_S = 1.0
"""How long a child that is to end may take before it is killed."""

SAID_BYTES = 2000
"""How much is kept of what a child wrote to its standard output and error."""

LOG_BYTES = 2**20
"""Of what a child writes there, more than this is forgotten."""


class Process:
    """A running child.

    It dies when its lifeline is cut: a pipe whose writing end only this process holds.

    Attributes:
        pid: process id.
    """

    def __init__(self, handles: tuple[int, ...]) -> None:
        """Start one.

        Args:
            handles: descriptors that it inherits, and finds in its arguments.

        Raises:
            BackendError: when none can be started.
        """
        watched, self._lifeline = os.pipe()
        self._log = os.memfd_create("hetsched-log", os.MFD_CLOEXEC)
        fcntl.fcntl(self._log, fcntl.F_SETFL, os.O_APPEND)  # so that it can be made empty
        try:
            self._child = _spawn((watched, *handles), self._log)
        except OSError as error:
            os.close(self._lifeline)
            os.close(self._log)
            raise BackendError(f"no process can be started: {error.strerror}") from error
        finally:
            os.close(watched)
        self.pid = self._child.pid

    def kill(self) -> None:
        """End it at once; from any thread, and also when it has ended."""
        self._child.kill()

    def end(self) -> int:
        """Wait for its end, not for long; its exit code, or minus the signal that killed it."""
        try:
            return self._child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()

    def trim(self) -> None:
        """Forget what it wrote, if that has become much."""
        if os.fstat(self._log).st_size > LOG_BYTES:
            os.ftruncate(self._log, 0)

    def said(self) -> str:
        """The end of what it wrote to its standard output and error."""
        size = os.fstat(self._log).st_size
        data = os.pread(self._log, SAID_BYTES, max(0, size - SAID_BYTES))
        return data.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Give back what belonged to it, when it has ended."""
        os.close(self._lifeline)
        os.close(self._log)


def _spawn(handles: tuple[int, ...], log: int) -> subprocess.Popen[bytes]:
    environment = dict(os.environ)
    # What the application can import, the child can: also what it has added to its path.
    environment["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's pool: nobody needs it there
    module = "hetsched.backends.isolated.child"
    return subprocess.Popen(
        [sys.executable, "-P", "-X", "faulthandler", "-m", module, *map(str, handles)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=handles,
        env=environment,
        process_group=0,  # an interrupt from the keyboard is for the application
    )

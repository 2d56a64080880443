"""A trace's file while it grows: threads record into a bounded ring, one thread writes it."""

import logging
import threading
from collections import deque
from pathlib import Path
from typing import BinaryIO, Final

from hetsched._core import Recorder
from hetsched.errors import TraceError
from hetsched.logs import fields
from hetsched.trace.events import EVENT
from hetsched.trace.files import app_line, end_line, events_line, header_line, refuse_existing
from hetsched.trace.model import TraceApp, TraceHeader

_log = logging.getLogger(__name__)

CAPACITY: Final = 1 << 16
"""Events in memory at most: 3 MiB; what comes when they are full is lost, and counted."""

PERIOD_S: Final = 0.05
"""How long events wait in memory at most. Full in that time is over a million events a second."""


class Recording:
    """Writes a trace as it happens; what has been written survives a crash.

    Record with `recorder.at` and `recorder.now`, from any thread. Name an app before its events.

    Args:
        path: of the file.
        header: of the trace.
        force: replace a file that is there.
        capacity: how many events may wait to be written, a power of two.

    Raises:
        OutputExistsError: when the file exists and `force` isn't set.
        TraceError: when it can't be written.
    """

    def __init__(
        self, path: Path, header: TraceHeader, *, force: bool = False, capacity: int = CAPACITY
    ) -> None:
        refuse_existing(path, force=force)
        self.path = path
        self.recorder = Recorder(capacity)
        self.events = 0
        self.lost = 0
        self._apps: deque[TraceApp] = deque()
        self._error: OSError | None = None
        self._is_over = threading.Event()
        file = None
        try:
            file = path.open("wb", buffering=0)
            _write_all(file, header_line(header))
        except OSError as error:
            if file is not None:
                file.close()
            raise self._unwritable(error) from error
        self._thread = threading.Thread(target=self._write, args=(file,), name="hetsched-trace")
        self._thread.start()

    def name_app(self, app: TraceApp) -> None:
        """An app, or a new plan of one: its events may come from now on."""
        self._apps.append(app)

    def close(self) -> None:
        """Write what is left, and the end.

        Raises:
            TraceError: when not everything could be written; what could is in the file.
        """
        self._is_over.set()
        self._thread.join()
        if self.lost:
            _log.warning(
                "trace %s lacks %d events: they came faster than they were written",
                self.path,
                self.lost,
                extra=fields("trace-lost", path=str(self.path), lost=self.lost),
            )
        if self._error is not None:
            raise self._unwritable(self._error) from self._error

    def _unwritable(self, error: OSError) -> TraceError:
        return TraceError(f"{self.path} can't be written: {error.strerror}")

    def _write(self, file: BinaryIO) -> None:
        with file:
            try:
                while not self._is_over.wait(PERIOD_S):
                    self._flush(file)
                self._flush(file)
                _write_all(file, end_line(self.events))
            except OSError as error:  # the disk is full: the application goes on
                self._error = error
                _log.error(
                    "trace %s ends here: %s",
                    self.path,
                    error.strerror,
                    extra=fields("trace-failed", path=str(self.path), reason=error.strerror),
                )

    def _flush(self, file: BinaryIO) -> None:
        events, lost = self.recorder.drain()
        # Taken after the events: an app's name is there before its first event is.
        lines = b"".join(app_line(self._apps.popleft()) for _ in range(len(self._apps)))
        count = len(events) // EVENT.itemsize
        self.lost += lost
        if count or lost:
            lines += events_line(count, lost)
        if lines:
            _write_all(file, lines + events)
            self.events += count


def _write_all(file: BinaryIO, data: bytes) -> None:
    """An unbuffered file may take less than it is given."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]

"""One page that says what the child is doing, also when it can't say it any more."""

import mmap
import os
import signal
from dataclasses import dataclass

PHASES = ("starting", "making the backend", "idle", "loading", "running", "writing back")
"""What a child does; it is starting until its interpreter stands."""

STARTING, MAKING, IDLE, LOADING, RUNNING, WRITING = range(len(PHASES))

STATUS_BYTES = mmap.PAGESIZE
_PHASE, _COMPLETED, _BEGUN = 0, 1, 2


class Status:
    """The page, mapped; the child writes, the application reads."""

    def __init__(self, handle: int) -> None:
        """Map a descriptor from `make_file`, which may be closed then."""
        if os.fstat(handle).st_size < STATUS_BYTES:
            os.ftruncate(handle, STATUS_BYTES)
        self._words = memoryview(mmap.mmap(handle, STATUS_BYTES)).cast("Q")

    @property
    def phase(self) -> int:
        """Index into PHASES."""
        return self._words[_PHASE]

    @phase.setter
    def phase(self, phase: int) -> None:
        self._words[_PHASE] = phase

    @property
    def completed(self) -> int:
        """Number of the last request all of whose answer is in shared memory."""
        return self._words[_COMPLETED]

    @completed.setter
    def completed(self, number: int) -> None:
        self._words[_COMPLETED] = number

    @property
    def begun(self) -> int:
        """Number of the last request that was read."""
        return self._words[_BEGUN]

    @begun.setter
    def begun(self, number: int) -> None:
        self._words[_BEGUN] = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a child ended.

    Attributes:
        phase: what it was doing, one of PHASES.
        code: its exit code; minus the signal that killed it.
        said: the end of what it wrote to its standard output and error.
    """

    phase: str
    code: int
    said: str

    @property
    def reason(self) -> str:
        """The code in words."""
        if self.code >= 0:
            return f"it ended with exit code {self.code}"
        try:
            name = signal.Signals(-self.code).name
        except ValueError:
            return f"it was killed by signal {-self.code}"
        return f"it was killed by signal {-self.code} ({name})"

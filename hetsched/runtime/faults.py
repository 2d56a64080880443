"""What a unit's failures mean: when it is taken down, for how long, and when it is given up.

Decisions only: times come in as arguments, nothing here waits, locks or starts anything.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from hetsched.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How failures are dealt with. Every number is a choice, none is measured.

    Attributes:
        failures: a unit that failed so often ...
        window: ... among so many of its last stages is quarantined.
        deaths: a stage that has taken its unit down so often in one request isn't run again.
        revivals: a unit that couldn't be brought back so many times in a row is given up.
        wait_ns: before a unit is tried again that failed twice in a row, or was quarantined; each
            further time in a row doubles it.
        longest_wait_ns: the most that doubling leads to.
        patience_ns: a unit that hangs, or is being brought back, for so long is given up.
        multiple: without a limit of its own, a stage hangs when it takes so many times the longest
            that is known of it.
        floor_ns: and at least so long.
    """

    failures: int = 5
    window: int = 20
    deaths: int = 5
    revivals: int = 8
    wait_ns: int = 100_000_000
    longest_wait_ns: int = 30_000_000_000
    patience_ns: int = 30_000_000_000
    multiple: int = 20
    floor_ns: int = 5_000_000_000

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise RunError(f"faults: {name} is {value!r}: give a whole number from 1")
        if self.failures > self.window:
            raise RunError(
                f"faults: failures is {self.failures}: give at most the window, {self.window}"
            )

    def back_off_ns(self, setbacks: int) -> int:
        """How long a unit stays down that has gone down so many times before without a success."""
        if setbacks == 0:
            return 0
        doublings = min(setbacks - 1, 62)
        return min(self.wait_ns << doublings, self.longest_wait_ns)


DEFAULTS: Final = Faults()


class UnitStatus(StrEnum):
    """What can be said of a unit."""

    UP = "up"
    DOWN = "down"
    """It died; it will be brought back."""
    QUARANTINED = "quarantined"
    """It failed too often; it will be tried again."""
    HUNG = "hung"
    """It didn't come back from a stage in time; it is up again when it does."""
    GIVEN_UP = "given-up"
    """Nothing is left to try: what only it could run fails at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """A unit, as it is now.

    Attributes:
        name: of the unit.
        status: what can be said of it.
        reason: why it isn't up; empty when it is.
        since_ns: `time.perf_counter_ns()` of the last change.
        failures: stages that failed on it so far.
        deaths: how often it went down in the midst of a stage.
        hangs: how often it didn't come back in time.
        revivals: how often it was brought back.
    """

    name: str
    status: UnitStatus
    reason: str
    since_ns: int
    failures: int
    deaths: int
    hangs: int
    revivals: int


FaultKind: TypeAlias = Literal[
    "stage-failed",
    "stage-retried",
    "unit-down",
    "unit-up",
    "unit-quarantined",
    "unit-hung",
    "unit-given-up",
    "late-result",
    "plan-replaced",
    "drop-storm",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEvent:
    """Something went wrong, or is well again.

    Attributes:
        kind: what.
        time_ns: `time.perf_counter_ns()` of it.
        reason: in words; empty where there is nothing to say.
        unit: name of the unit, empty for none.
        app: name of the app, empty for none.
        request: the runtime's number of the request, -1 for none.
        stage: the plan's id of the stage, empty for none.
    """

    kind: FaultKind
    time_ns: int
    reason: str = ""
    unit: str = ""
    app: str = ""
    request: int = -1
    stage: str = ""


class Health:
    """What is known of one unit.

    Attributes:
        status: what can be said of it now.
        reason: why it isn't up.
        since_ns: when that began.
        due_ns: when something must be done about it; None for nothing.
        needs_revival: whether its backend must be brought back first.
        is_doubted: whether it failed of late: only then successes are counted.
    """

    def __init__(self, faults: Faults) -> None:
        self.status = UnitStatus.UP
        self.reason = ""
        self.since_ns = 0
        self.due_ns: int | None = None
        self.needs_revival = False
        self.is_doubted = False
        self.failures = self.deaths = self.hangs = self.revivals = 0
        self._faults = faults
        self._failed: deque[bool] = deque(maxlen=faults.window)
        self._setbacks = 0  # times that it went down since its last success
        self._attempts = 0  # to bring it back since it went down
        self._is_on_probation = False

    def succeeded(self) -> None:
        """A stage has ended well there."""
        self._failed.append(False)
        self._setbacks = 0
        self._is_on_probation = False
        self.is_doubted = any(self._failed)

    def failed(self) -> bool:
        """A stage has failed, by the unit's fault as far as is known: must it be quarantined?"""
        self._blame()
        return self._is_on_probation or sum(self._failed) >= self._faults.failures

    def forgive(self) -> None:
        """A failure that was counted wasn't the unit's fault."""
        if True in self._failed:
            self._failed.remove(True)

    def quarantine(self, now_ns: int, reason: str) -> None:
        """Take it down for a while."""
        self._setbacks = max(1, self._setbacks)
        self._go(UnitStatus.QUARANTINED, now_ns, reason)
        self._wait(now_ns)

    def die(self, now_ns: int, reason: str) -> None:
        """It went down in the midst of a stage."""
        self._blame()
        self.deaths += 1
        self.needs_revival = True
        if sum(self._failed) >= self._faults.failures:
            self.quarantine(now_ns, reason)
            return
        self._go(UnitStatus.DOWN, now_ns, reason)
        self._wait(now_ns)

    def hang(self, now_ns: int, reason: str) -> None:
        """It didn't come back from a stage in time."""
        self._blame()
        self.hangs += 1
        self._go(UnitStatus.HUNG, now_ns, reason)
        self.due_ns = now_ns + self._faults.patience_ns

    def come_back(self, now_ns: int, *, has_died: bool) -> None:
        """It did so after all; it is up again when the time it must wait is over."""
        self.needs_revival = has_died
        self._go(UnitStatus.DOWN, now_ns, self.reason)
        self._wait(now_ns)

    def begin_revival(self, now_ns: int) -> None:
        """It is being brought back."""
        self.due_ns = now_ns + self._faults.patience_ns

    def revival_failed(self, now_ns: int, reason: str) -> bool:
        """Bringing it back failed; whether it is to be given up."""
        self._attempts += 1
        self.reason = reason
        self._wait(now_ns)
        return self._attempts >= self._faults.revivals

    def give_up(self, now_ns: int) -> None:
        """Nothing is left to try."""
        self._go(UnitStatus.GIVEN_UP, now_ns, self.reason)
        self.due_ns = None

    def retry(self, now_ns: int) -> None:
        """Somebody wants a unit that was given up to be tried once more."""
        self._attempts = self._setbacks = 0
        self._go(UnitStatus.DOWN, now_ns, self.reason)
        self._wait(now_ns)

    def rise(self, now_ns: int) -> None:
        """It is up again; its next failure takes it down at once."""
        if self.needs_revival:
            self.revivals += 1
        self.needs_revival = False
        self._attempts = 0
        self._is_on_probation = True
        self.is_doubted = True
        self._go(UnitStatus.UP, now_ns, "")
        self.due_ns = None

    def state(self, name: str) -> UnitState:
        """All of that, for people."""
        return UnitState(
            name=name,
            status=self.status,
            reason=self.reason,
            since_ns=self.since_ns,
            failures=self.failures,
            deaths=self.deaths,
            hangs=self.hangs,
            revivals=self.revivals,
        )

    def _blame(self) -> None:
        self._failed.append(True)
        self.is_doubted = True

    def _go(self, status: UnitStatus, now_ns: int, reason: str) -> None:
        self.status, self.since_ns, self.reason = status, now_ns, reason

    def _wait(self, now_ns: int) -> None:
        self.due_ns = now_ns + self._faults.back_off_ns(self._setbacks)
        self._setbacks += 1

"""Which stages hang: what runs is looked at from time to time, so that running costs nothing."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from hetsched.runtime.faults import Faults

Watchdog: TypeAlias = Literal["auto", "off"] | int
"""When a stage hangs: by what is known of its times, never, or after so many ns."""

OFTEN: Final = 4
"""Looks per limit: a stage is found to hang a quarter of its limit too late at most. A choice."""

LONGEST_NS: Final = 250_000_000
"""The longest time between two looks while something runs. A choice."""

SHORTEST_NS: Final = 1_000_000
"""The shortest. A choice."""


def limit_ns(watchdog: Watchdog, faults: Faults, known_ns: int) -> int | None:
    """How long a stage may take of which `known_ns` is the longest time known, 0 for none.

    None when it is never said to hang.
    """
    if watchdog == "off" or (watchdog == "auto" and known_ns == 0):
        return None
    if watchdog == "auto":
        return max(faults.floor_ns, faults.multiple * known_ns)
    return int(watchdog)


class Watch:
    """How long each unit has been seen in the same stage.

    Time in which nobody looked (the process was stopped, the machine slept) counts for no more
    than two looks.

    Args:
        units: how many there are.
    """

    def __init__(self, units: int) -> None:
        self._seen: list[tuple[object, int]] = [(None, 0)] * units
        self._last_ns = 0
        self._period_ns = 0

    def look(
        self, now_ns: int, running: Sequence[tuple[object, int | None]]
    ) -> tuple[list[int], int | None]:
        """The units that hang, and when to look again; None when there is nothing to look at.

        Args:
            now_ns: the time.
            running: per unit, what it is in, the same object at every look (None for nothing), and
                how long that may take.
        """
        step_ns = min(now_ns - self._last_ns, 2 * self._period_ns)
        hung: list[int] = []
        limits: list[int] = []
        for unit, (what, limit) in enumerate(running):
            seen, spent_ns = self._seen[unit]
            spent_ns = spent_ns + step_ns if what is seen and what is not None else 0
            self._seen[unit] = (what, spent_ns)
            if what is None or limit is None:
                continue
            if spent_ns >= limit:
                hung.append(unit)
            else:
                limits.append(limit)
        self._last_ns = now_ns
        if not limits:
            self._period_ns = 0
            return hung, None
        self._period_ns = min(max(min(limits) // OFTEN, SHORTEST_NS), LONGEST_NS)
        return hung, now_ns + self._period_ns

"""Requests that are dropped in numbers: told once, not each time."""

from typing import Final

SPAN_NS: Final = 1_000_000_000
"""Drops are counted over so long. A choice."""

MANY: Final = 20
"""So many of them in that time are a storm. A choice."""

QUIET_NS: Final = 10_000_000_000
"""A storm is told again after so long at the earliest. A choice."""


class Storm:
    """Drops of one app."""

    __slots__ = ("_count", "_since_ns", "_told_ns")

    def __init__(self) -> None:
        self._count = 0
        self._since_ns = 0
        self._told_ns: int | None = None

    def dropped(self, now_ns: int) -> bool:
        """One more request was dropped: is that to be told as a storm?"""
        if now_ns - self._since_ns > SPAN_NS:
            self._since_ns, self._count = now_ns, 0
        self._count += 1
        if self._count < MANY:
            return False
        if self._told_ns is not None and now_ns - self._told_ns < QUIET_NS:
            return False
        self._told_ns = now_ns
        return True

"""What stages really take here: a robust average per stage and unit, told to the dispatcher."""

from collections.abc import Callable

SHARE = 8
"""A new time counts for one in so many; 20 times make up nine tenths of the average."""

OUTLIER = 4
"""A time of more than so many times the average counts as so many times it."""

TOLERANCE = 16
"""The dispatcher is told when the average has moved by more than one in so many."""


class Learned:
    """Averages of one app's stages.

    Args:
        told: called with stage, unit and ns when an average has moved.
    """

    def __init__(self, told: Callable[[int, int, int], None]) -> None:
        self._told = told
        self._average_ns: dict[tuple[int, int], int] = {}
        self._told_ns: dict[tuple[int, int], int] = {}

    def add(self, stage: int, unit: int, took_ns: int) -> None:
        """A stage took that long on a unit."""
        place = (stage, unit)
        old = self._average_ns.get(place)
        new = took_ns if old is None else old + (min(took_ns, OUTLIER * old) - old) // SHARE
        self._average_ns[place] = new
        told = self._told_ns.get(place)
        if told is None or abs(new - told) * TOLERANCE > told:
            self._told_ns[place] = new
            self._told(stage, unit, new)

    def average_ns(self, stage: int, unit: int) -> int | None:
        """What a stage takes on a unit; None when it hasn't run there yet."""
        return self._average_ns.get((stage, unit))

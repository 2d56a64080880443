"""The largest load that is sustained: all rates times a multiplier, until deadlines are missed.

Source: the multiplier of all request rates is Puzzle's measure ("saturation multiplier").
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One multiplier with what came of it."""

    scale: float
    miss_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxLoad:
    """What the search found.

    Attributes:
        scale: the largest multiplier tried below which, and at which, none was over the limit; 0
            where even the smallest one was.
        miss_rate: there; None where `scale` is 0.
        above: the smallest multiplier tried that was over the limit; None where none was.
        limit: of the miss rate.
        tolerance: `above` is at most (1 + tolerance) x `scale`.
        tried: in the order of trying.
    """

    scale: float
    miss_rate: float | None
    above: float | None
    limit: float
    tolerance: float
    tried: tuple[Tried, ...]


LOWEST, HIGHEST = 2.0**-10, 2.0**10
"""No multiplier outside is tried."""


def find_max_load(
    miss_rate: Callable[[float], float], *, limit: float = 0.01, tolerance: float = 0.02
) -> MaxLoad:
    """Double or halve until the limit lies between two multipliers, then bisect by ratio.

    Missing grows with load as a rule and not always: what is found is an edge of what was tried,
    between one multiplier that holds and one at most `tolerance` above it that doesn't.

    Args:
        miss_rate: of a multiplier; called with each one once.
        limit: largest miss rate that counts as sustained.
        tolerance: when to stop.
    """
    tried: list[Tried] = []

    def holds(scale: float) -> bool:
        tried.append(Tried(scale=scale, miss_rate=miss_rate(scale)))
        return tried[-1].miss_rate <= limit

    good, bad = (1.0, None) if holds(1.0) else (0.0, 1.0)
    while bad is None and good < HIGHEST:
        good, bad = (good * 2, None) if holds(good * 2) else (good, good * 2)
    while good == 0.0 and bad is not None and bad > LOWEST:
        good, bad = (bad / 2, bad) if holds(bad / 2) else (0.0, bad / 2)
    while good and bad is not None and bad > good * (1 + tolerance):
        middle = (good * bad) ** 0.5
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    at = [each.miss_rate for each in tried if each.scale == good]
    return MaxLoad(
        scale=good,
        miss_rate=at[0] if at else None,
        above=bad,
        limit=limit,
        tolerance=tolerance,
        tried=tuple(tried),
    )

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

PROBES = 4
"""How many multipliers below the edge are tried, down to half of it: rates that happen to fit
together can hold above others that don't."""


def find_max_load(
    miss_rate: Callable[[float], float], *, limit: float = 0.01, tolerance: float = 0.02
) -> MaxLoad:
    """Double or halve until the limit lies between two multipliers, then bisect by ratio.

    Missing grows with load as a rule and not always. So some multipliers below the edge are tried
    too, and the search goes on below the smallest of them that is over the limit.

    Args:
        miss_rate: of a multiplier; called with each one once.
        limit: largest miss rate that counts as sustained.
        tolerance: when to stop.
    """
    tried: dict[float, float] = {}

    def holds(scale: float) -> bool:
        if scale not in tried:
            tried[scale] = miss_rate(scale)
        return tried[scale] <= limit

    good, bad = _bracket(holds)
    while good and bad is not None:
        good, bad = _bisected(holds, good, bad, tolerance)
        probes = [good * 2 ** (-step / PROBES) for step in range(PROBES, 0, -1)]
        over = next((scale for scale in probes if not holds(scale)), None)
        if over is None:
            break
        good, bad = _below(holds, over)
    return MaxLoad(
        scale=good,
        miss_rate=tried.get(good),
        above=bad,
        limit=limit,
        tolerance=tolerance,
        tried=tuple(Tried(scale=scale, miss_rate=rate) for scale, rate in tried.items()),
    )


def _bracket(holds: Callable[[float], bool]) -> tuple[float, float | None]:
    """The largest multiplier that holds and the smallest that doesn't, among powers of two."""
    if not holds(1.0):
        return _below(holds, 1.0) if holds(LOWEST) else (0.0, LOWEST)
    good = 1.0
    while good < HIGHEST:
        if not holds(good * 2):
            return good, good * 2
        good *= 2
    return good, None


def _below(holds: Callable[[float], bool], bad: float) -> tuple[float, float]:
    """Halve until it holds."""
    while bad > LOWEST:
        if holds(bad / 2):
            return bad / 2, bad
        bad /= 2
    return 0.0, bad


def _bisected(
    holds: Callable[[float], bool], good: float, bad: float, tolerance: float
) -> tuple[float, float]:
    while bad > good * (1 + tolerance):
        middle = (good * bad) ** 0.5
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good, bad

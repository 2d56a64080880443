"""The whole network's time in what TFLite's and LiteRT's benchmark tools print.

TFLite: `Inference timings in us: Init: ..., Inference (avg): 1039.66`. LiteRT's tools, in C++ and
Python: `Inference (avg): 0.46 ms (2112 runs)`, with lines for (min) and (max). Where a line
`count=... min=... max=... avg=...` precedes, it has the same in microseconds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hetsched.cost.importing.numbers import time_ns
from hetsched.cost.importing.record import Text, spread

NUMBER = r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf)"
_STATS = re.compile(
    rf"count=(\d{{1,12}}) .*min=({NUMBER}) max=({NUMBER}) avg=({NUMBER})(?: |$)", re.IGNORECASE
)
_IN_US = re.compile(
    r"inference timings in us:.*(?:Inference \(avg\)|no stats): ([^\s,]+)", re.IGNORECASE
)
_IN_MS = re.compile(r"Inference \(avg\):\s+(\S+) ms(?: \((\d{1,12}) runs\))?")
_ENDS = {
    end: re.compile(rf"Inference \({end}\):\s+({NUMBER}) ms", re.IGNORECASE)
    for end in ("min", "max")
}
_MS_TICK_NS = 10_000
_US_TICK_NS = 1000


@dataclass(frozen=True, slots=True)
class Ratio:
    """Spread of a whole run around its mean, and how many runs."""

    low: float
    high: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A network's time."""

    line: int
    latency_ns: int
    low_ns: int
    high_ns: int
    runs: int
    tick_ns: int


def has_total(text: Text) -> bool:
    """Whether the time of a whole network is there."""
    return any(_IN_US.search(line) or _IN_MS.search(line) for line in text.lines)


def ratio_of(lines: Sequence[str]) -> Ratio | None:
    """Spread in the first line that tells one, None where none does."""
    match = next((found for line in lines if (found := _STATS.search(line))), None)
    if match is None:
        return None
    least, most, mean = (float(match[at]) for at in (2, 3, 4))
    if not 0 < least <= mean <= most < float("inf"):
        return None
    return Ratio(least / mean, most / mean, int(match[1]))


def total(text: Text) -> Whole | None:
    """The last one in the file, None where there is none.

    Raises:
        CostError: naming line, field and remedy.
    """
    for at in reversed(range(len(text.lines))):
        in_us, in_ms = _IN_US.search(text.lines[at]), _IN_MS.search(text.lines[at])
        before = tuple(reversed(text.lines[:at]))
        if in_us:
            ns = time_ns(text, at + 1, "Inference (avg)", in_us[1], 1e3)
            return _whole(at + 1, ns, ratio_of(before), _US_TICK_NS)
        if in_ms:
            return _of_litert(text, at, in_ms, before)
    return None


def _of_litert(text: Text, at: int, match: re.Match[str], before: Sequence[str]) -> Whole:
    """LiteRT rounds to 10 us: the line before with all digits is better where it is there."""
    ns = time_ns(text, at + 1, "Inference (avg)", match[1], 1e6)
    exact = next((found for line in before if (found := _STATS.search(line))), None)
    if exact is not None:
        finer = time_ns(text, at + 1, "avg", exact[4], 1e3)
        if abs(finer - ns) <= _MS_TICK_NS:
            return _whole(at + 1, finer, ratio_of(before), _US_TICK_NS)
    ends = [
        next((found[1] for line in text.lines[at:] if (found := _ENDS[end].search(line))), None)
        for end in ("min", "max")
    ]
    runs = int(match[2] or 0)
    if None not in ends and ns:
        low, high = (time_ns(text, at + 1, "Inference", str(end), 1e6) / ns for end in ends)
        if 0 < low <= 1 <= high:
            return _whole(at + 1, ns, Ratio(low, high, runs), _MS_TICK_NS)
    return _whole(at + 1, ns, None, _MS_TICK_NS, runs)


def _whole(line: int, ns: int, ratio: Ratio | None, tick_ns: int, runs: int = 0) -> Whole:
    low, high = spread(ns) if ratio is None else (round(ns * ratio.low), round(ns * ratio.high))
    return Whole(
        line=line,
        latency_ns=ns,
        low_ns=low,
        high_ns=high,
        runs=ratio.runs if ratio is not None else runs,
        tick_ns=tick_ns,
    )

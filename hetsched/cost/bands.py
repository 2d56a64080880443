"""From raw run times to costs with a band: pure arithmetic, no clock.

A profiled run charges each kernel a few microseconds for writing its event. What it adds is known
from plain runs of the same graph, taken in turns with the profiled ones:

    overhead per kernel = (sum of the kernels' typical times - plain time) / number of kernels

Source: the profiler writes one event per kernel, so the overhead is per kernel; measured at about
4 us on x86-64 (ppocr-cls: 2426 instead of 1569 us). It is kept within what is possible: no more
than what the smallest kernels take altogether, no less than `-TICK_NS`, by which the profiler cuts
durations down. What is left of the difference is spread in proportion.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LOW_PERCENTILE = 10.0
HIGH_PERCENTILE = 90.0
TYPICAL_PERCENTILE = 25.0
"""Of profiled runs, whose kernels can't be told from what disturbed them: load only adds time."""

SMALLEST_PERCENTILE = 5.0
TICK_NS = 1000
"""The profiler counts whole microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A measured time with its spread.

    Attributes:
        latency_ns: median of the runs.
        low_ns: 10th percentile of the runs.
        high_ns: 90th percentile of the runs.
        runs: how many runs.
    """

    latency_ns: int
    low_ns: int
    high_ns: int
    runs: int


def band(samples_ns: Sequence[int] | npt.NDArray[np.int64]) -> Band:
    """Median and 10th to 90th percentile of some runs.

    Raises:
        ValueError: without any run.
    """
    if len(samples_ns) == 0:
        raise ValueError("no runs to summarise")
    low, middle, high = np.percentile(samples_ns, (LOW_PERCENTILE, 50.0, HIGH_PERCENTILE))
    return Band(
        latency_ns=round(middle), low_ns=round(low), high_ns=round(high), runs=len(samples_ns)
    )


def relative_error(samples_ns: Sequence[int]) -> float:
    """Half the 95% confidence interval of the median, relative to the median; 1.0 below 5 runs.

    Source: distribution-free interval from the order statistics at ranks n/2 -+ 1.96 sqrt(n)/2
    (normal approximation of the binomial distribution).
    """
    count = len(samples_ns)
    if count < 5:
        return 1.0
    ordered = sorted(samples_ns)
    reach = 1.96 * count**0.5 / 2
    low = ordered[max(0, int(count / 2 - reach))]
    high = ordered[min(count - 1, int(count / 2 + reach))]
    middle = float(np.median(ordered))
    return (high - low) / 2 / middle if middle else 0.0


def overhead_ns(
    typical_ns: npt.NDArray[np.float64], kernels: npt.NDArray[np.int64], plain_ns: int
) -> float:
    """What the profiler adds to each kernel.

    Args:
        typical_ns: profiled time per group.
        kernels: number of kernels per group.
        plain_ns: time of all groups together without the profiler.
    """
    total = int(kernels.sum())
    if total == 0:
        return 0.0
    each = typical_ns[kernels > 0] / kernels[kernels > 0]
    most = float(np.percentile(each, SMALLEST_PERCENTILE))
    difference = (float(typical_ns.sum()) - plain_ns) / total
    return min(max(difference, -TICK_NS), most)


def split_whole(weights: Sequence[float], whole_ns: int) -> tuple[int, ...]:
    """Whole nanoseconds in proportion to some weights, whose sum is exactly `whole_ns`.

    Each share is the difference of two rounded running sums, so none is off by more than 1 ns.
    Equal shares when no weight is positive.
    """
    if not weights:
        return ()
    positive = np.maximum(np.asarray(weights, dtype=np.float64), 0.0)
    if not positive.sum():
        positive = np.ones(len(weights))
    marks = np.rint(np.cumsum(positive) / positive.sum() * whole_ns).astype(np.int64)
    return tuple(int(share) for share in np.diff(marks, prepend=0))


@dataclass(frozen=True, kw_only=True)
class GroupTimes:
    """Measured times of a model's groups, whose sum is the plain time of the whole.

    Attributes:
        groups: one band per group, in the given order; the medians add up to the whole's median.
        overhead_ns: what the profiler added to each kernel, and was taken off.
        scale: plain time / sum of the corrected group times, before the groups were scaled by it.
    """

    groups: tuple[Band, ...]
    overhead_ns: float
    scale: float


def group_times(
    kernel_ns: npt.NDArray[np.int64],
    group_of: Sequence[int],
    groups: int,
    whole_ns: int,
) -> GroupTimes:
    """Sum kernels into groups, take the profiler's overhead off, scale to the plain time.

    A group's band is the spread of its profiled runs around their median, applied to its time.

    Args:
        kernel_ns: `[run, kernel]` profiled durations.
        group_of: the group of each kernel.
        groups: number of groups; one without a kernel costs nothing (its ops were folded away).
        whole_ns: time of all kernels together without the profiler.

    Raises:
        ValueError: without any run, or when a kernel has no group.
    """
    runs, kernels = kernel_ns.shape
    if runs == 0 or len(group_of) != kernels:
        raise ValueError(f"{runs} runs of {kernels} kernels for {len(group_of)} group numbers")
    raw = np.zeros((runs, groups))
    members = np.zeros(groups, dtype=np.int64)
    for kernel, group in enumerate(group_of):
        raw[:, group] += kernel_ns[:, kernel]
        members[group] += 1
    low, typical, middle, high = np.percentile(
        raw, (LOW_PERCENTILE, TYPICAL_PERCENTILE, 50.0, HIGH_PERCENTILE), axis=0
    )
    overhead = overhead_ns(typical, members, whole_ns)
    corrected = np.maximum(typical - members * overhead, 0.0)
    shares = split_whole(corrected.tolist(), whole_ns)
    total = float(corrected.sum())
    bands = tuple(
        _around(share, low[group], middle[group], high[group], runs)
        for group, share in enumerate(shares)
    )
    return GroupTimes(groups=bands, overhead_ns=overhead, scale=whole_ns / total if total else 1.0)


def _around(latency_ns: int, low: float, middle: float, high: float, runs: int) -> Band:
    if not middle:
        return Band(latency_ns=latency_ns, low_ns=latency_ns, high_ns=latency_ns, runs=runs)
    return Band(
        latency_ns=latency_ns,
        low_ns=round(latency_ns * low / middle),
        high_ns=round(latency_ns * high / middle),
        runs=runs,
    )

"""Counts of durations in buckets that grow with them: small, mergeable, quantiles within 0.8%.

A bucket's index is the position of a value's highest bit, and the next 6 bits: below 128 ns every
value has its own bucket, above that a bucket is at most 1/64 of its values wide. A quantile is the
middle of the bucket that holds it, so it is off by at most 1/128 of the value itself.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from hetsched import _core

BITS: Final = 6
ERROR: Final = 1 / 128
"""A quantile is within this share of the value of that rank."""


def bucket_of(value_ns: int) -> int:
    """Index of the bucket that a value from 0 belongs to."""
    shift = value_ns.bit_length() - BITS - 1
    return value_ns if shift <= 0 else (shift << BITS) + (value_ns >> shift)


def middle_ns(bucket: int) -> int:
    """The value in the middle of a bucket."""
    shift = (bucket >> BITS) - 1
    if shift <= 0:
        return bucket
    return ((bucket - (shift << BITS)) << shift) + (1 << shift - 1)


class Distribution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A histogram as it was at some time; adds up, and tells what came since an older one.

    Attributes:
        count: of all values.
        total_ns: their sum.
        buckets: (index, count) of those that aren't empty, in ascending order.
    """

    count: int = 0
    total_ns: int = 0
    buckets: tuple[tuple[int, int], ...] = ()

    @property
    def mean_ns(self) -> int | None:
        """None without values."""
        return self.total_ns // self.count if self.count else None

    def quantile_ns(self, share: float) -> int | None:
        """The value that has so large a share of all values at or below it, from 0 to 1.

        That is the one of rank ceil(share x count), counted from 1, within `ERROR` of itself; None
        without values.
        """
        if not self.count:
            return None
        rank = max(1, math.ceil(share * self.count - 1e-9))  # 0.07 x 100 is 7.000000000000001
        for bucket, count in self.buckets:
            rank -= count
            if rank <= 0:
                return middle_ns(bucket)
        return middle_ns(self.buckets[-1][0])

    def __add__(self, other: "Distribution") -> "Distribution":
        return self._with(other, 1)

    def since(self, older: "Distribution") -> "Distribution":
        """What came after an older state of the same histogram."""
        return self._with(other=older, sign=-1)

    def _with(self, other: "Distribution", sign: int) -> "Distribution":
        counts = dict(self.buckets)
        for bucket, count in other.buckets:
            counts[bucket] = counts.get(bucket, 0) + sign * count
        return Distribution(
            count=self.count + sign * other.count,
            total_ns=self.total_ns + sign * other.total_ns,
            buckets=_filled(counts),
        )


def _filled(counts: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((bucket, count) for bucket, count in counts.items() if count))


class Histogram(_core.Histogram):
    """Takes durations in, one at a time; not for several threads at once."""

    def state(self) -> Distribution:
        """What it holds now."""
        return state_of(self)


def state_of(histogram: _core.Histogram) -> Distribution:
    """What a native histogram holds now."""
    rows = tuple(histogram.rows())
    count = sum(each for _, each in rows)
    return Distribution(count=count, total_ns=histogram.total_ns, buckets=rows)


def distribution(values_ns: Iterable[int]) -> Distribution:
    """The distribution of some values."""
    histogram = Histogram()
    for value_ns in values_ns:
        histogram.add(value_ns)
    return histogram.state()

"""How units that share a memory slow each other down.

A stage's time is arithmetic and traffic. While stages on several units together ask for no more
than the memory gives, each runs as if alone. When they ask for more, traffic takes longer, by the
same factor f for all, until what they get adds up to what there is:

    sum over stages of bytes / (arithmetic + f * traffic) = usable bandwidth

Source: the roofline model, applied to the sum of demands. That units collide: single convolutions
on Jetson AGX Xavier take 24 to 89% of the memory's bandwidth (HaX-CoNN's measurements). That they
need not: three YOLOv5s on RK3588's three NPU cores take 18.8 ms each, about as long as one alone.
The usable bandwidth is `memory.usable` of a profile; where it isn't known, neither is the slowdown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hetsched.cost.analytic_work import Work
from hetsched.soc.unit import Unit

_ENOUGH = 1e-9
_LONGEST = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a stage asks of the memory.

    Attributes:
        nbytes: read and written.
        traffic_ns: time that this takes alone.
        arithmetic_ns: the rest of the stage's time.
    """

    nbytes: float
    traffic_ns: float
    arithmetic_ns: float

    @property
    def alone_ns(self) -> float:
        """Time of the stage when nothing else runs."""
        return self.traffic_ns + self.arithmetic_ns

    @property
    def bytes_per_s(self) -> float:
        """Of the stage when nothing else runs."""
        return self.nbytes / self.alone_ns * 1e9 if self.alone_ns else 0.0


def demand(works: Iterable[Work], unit: Unit, dtype: str, alone_ns: float) -> Demand:
    """Of a stage's groups on a unit.

    Args:
        works: of the stage's groups.
        unit: that runs it.
        dtype: that it computes in.
        alone_ns: time of the stage alone.
    """
    rates = unit.rates[dtype]
    kernels = [kernel for work in works for kernel in work.kernels if not kernel.is_view]
    moved = sum(kernel.traffic.nbytes(dtype) for kernel in kernels)
    stored = sum(kernel.weights.nbytes(dtype) for kernel in kernels)
    traffic_ns = moved / rates.activations.base("bandwidth") * 1e9
    traffic_ns += stored / rates.weights.base("bandwidth") * 1e9
    traffic_ns = min(traffic_ns, alone_ns)
    return Demand(nbytes=moved + stored, traffic_ns=traffic_ns, arithmetic_ns=alone_ns - traffic_ns)


def slowdowns(
    demands: Sequence[Demand], usable_bytes_per_s: float | None
) -> tuple[float, ...] | None:
    """How many times as long each stage takes while all of them run.

    Args:
        demands: of stages on different units at the same time.
        usable_bytes_per_s: what the memory gives to all; None where unknown.

    Returns:
        At least 1 each; None where the bandwidth isn't known.

    Raises:
        ValueError: for a bandwidth of zero or below.
    """
    if usable_bytes_per_s is None:
        return None
    if usable_bytes_per_s <= 0:
        raise ValueError(f"usable bandwidth {usable_bytes_per_s:g} must be above zero")
    factor = _factor(demands, usable_bytes_per_s)
    return tuple(
        (each.arithmetic_ns + factor * each.traffic_ns) / each.alone_ns if each.alone_ns else 1.0
        for each in demands
    )


def _factor(demands: Sequence[Demand], usable: float) -> float:
    """How much longer traffic takes: 1 where there is enough for all."""
    low, high = 1.0, _LONGEST
    if _taken(demands, low) <= usable:
        return low
    while high - low > _ENOUGH * high:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _taken(demands, middle) > usable else (low, middle)
    return high


def _taken(demands: Sequence[Demand], factor: float) -> float:
    return sum(
        each.nbytes / (each.arithmetic_ns + factor * each.traffic_ns) * 1e9
        for each in demands
        if each.traffic_ns
    )

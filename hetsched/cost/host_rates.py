"""Rates of this machine's units from measured groups, so that a profile file can cost any model.

For groups that do the same kind of work, rate = amount / time, both summed over the groups, so that
the large ones count most. What a kernel costs beside its work, and how fast elementwise kernels
move activations, come first and are taken off the others. The band is the 10th to the 90th
percentile of measured over predicted time, weighted by time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hetsched.cost.analytic_class import RATE_OF
from hetsched.cost.analytic_work import Kernel, group_work
from hetsched.cost.table import CostTable, Group
from hetsched.errors import CostError
from hetsched.ir.graph import Graph
from hetsched.quantity import Origin
from hetsched.soc.figure import Figure
from hetsched.soc.unit import Rates

DTYPE = "float32"
RATES = ("pointwise", "spatial", "depthwise", "dense")
_UNSEEN = 3.0
"""How far a rate may be off that no measured group shows: it is taken from the nearest other."""

_LEAST_SHARE = 0.3
"""Of a group's time, what is left for its arithmetic at least, after all else is taken off."""

_SMALL_BYTES = 16 * 1024
_GUESSED = (0.5, 2.0)
_PER_OP_NS = 520.0
"""Where no small group was measured.

Source: 401 Neg of one element less 1 of them, over 400, ONNX Runtime 1.31 on x86-64, one thread:
median 506 to 517 ns over five times 300 runs in turns.
"""

_NEAREST = {
    "pointwise": ("dense", "spatial", "depthwise"),
    "spatial": ("pointwise", "dense", "depthwise"),
    "depthwise": ("spatial", "pointwise", "dense"),
    "dense": ("pointwise", "spatial", "depthwise"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A measured group of one kernel.

    Attributes:
        rate: field of `Rates` that its arithmetic goes by, None for what only moves data.
        macs: multiply-accumulates.
        moved_bytes: activations read and written.
        weights_bytes: constants.
        latency_ns: measured.
    """

    rate: str | None
    macs: int
    moved_bytes: int
    weights_bytes: int
    latency_ns: int


def samples(graph: Graph, costs: CostTable, unit: str) -> list[Sample]:
    """What can be learnt from a measured model: its groups of one kernel that take any time."""
    found = []
    for group in costs.groups:
        cost = costs.costs.get((group.name, unit))
        kernel = _only_kernel(graph, group)
        if cost is not None and cost.latency_ns > 0 and kernel is not None:
            rate = RATE_OF.get(kernel.op_class)
            found.append(
                Sample(
                    rate=rate if kernel.macs else None,
                    macs=kernel.macs,
                    moved_bytes=kernel.traffic.nbytes(DTYPE),
                    weights_bytes=kernel.weights.nbytes(DTYPE),
                    latency_ns=cost.latency_ns,
                )
            )
    return found


def host_rates(found: Sequence[Sample], source: str) -> Rates:
    """Rates that reproduce measured groups.

    Args:
        found: from one or more models.
        source: where they were measured, for people.

    Raises:
        CostError: when no group with arithmetic was measured.
    """
    if not any(sample.rate for sample in found):
        raise CostError(
            "no convolution and no matrix product was measured: give a model that has some"
        )
    per_op = _per_op(found)
    per_op_ns = _PER_OP_NS if per_op is None else per_op
    light = [sample for sample in found if sample.rate is None and sample.moved_bytes]
    moving = _moving(light or found, per_op_ns)
    fit = _Fit(per_op_ns=per_op_ns, bytes_per_ns=moving)
    speeds = {name: speed for name in RATES if (speed := fit.speed(found, name)) is not None}
    return Rates(
        **{name: _rate(name, speeds, fit, found, source) for name in RATES},
        activations=_figure(moving, "GB/s", _band([(s, fit.rest_ns(s)) for s in light]), source),
        weights=_weights(found, fit, source),
        per_op=_per_op_figure(per_op, source),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    per_op_ns: float
    bytes_per_ns: float

    def rest_ns(self, sample: Sample) -> float:
        """All but arithmetic."""
        return self.per_op_ns + sample.moved_bytes / self.bytes_per_ns

    def arithmetic_ns(self, sample: Sample) -> float:
        """What is left of a measured time for arithmetic."""
        return max(sample.latency_ns - self.rest_ns(sample), _LEAST_SHARE * sample.latency_ns)

    def speed(self, found: Iterable[Sample], name: str) -> float | None:
        """MACs per ns of one kind; None where none was measured."""
        own = [sample for sample in found if sample.rate == name]
        if not own:
            return None
        return sum(s.macs for s in own) / sum(self.arithmetic_ns(s) for s in own)


def _only_kernel(graph: Graph, group: Group) -> Kernel | None:
    """The kernel of a group that has one that does something."""
    kernels = [kernel for kernel in group_work(graph, group).kernels if not kernel.is_view]
    return kernels[0] if len(kernels) == 1 and kernels[0].known else None


def _per_op_figure(measured_ns: float | None, source: str) -> Figure:
    if measured_ns is None:
        why = "no small group was measured: an elementwise kernel of ONNX Runtime on x86-64"
        return _figure(_PER_OP_NS / 1e3, "us", (1 / _UNSEEN, _UNSEEN), why, Origin.ASSUMED)
    return _figure(measured_ns / 1e3, "us", _GUESSED, f"{source}: their fastest small groups")


def _per_op(found: Iterable[Sample]) -> float | None:
    """Of the groups that move next to nothing, what the fast ones take, in ns; None without any."""
    small = [s.latency_ns for s in found if s.rate is None and s.moved_bytes <= _SMALL_BYTES]
    return float(np.percentile(small, 25.0)) if small else None


def _moving(light: Sequence[Sample], per_op_ns: float) -> float:
    """Bytes per ns of kernels that mostly move data."""
    spent = sum(max(s.latency_ns - per_op_ns, _LEAST_SHARE * s.latency_ns) for s in light)
    return sum(s.moved_bytes for s in light) / spent or 1.0


def _rate(
    name: str, speeds: Mapping[str, float], fit: _Fit, found: Sequence[Sample], source: str
) -> Figure:
    if name not in speeds:
        near = next(other for other in _NEAREST[name] if other in speeds)
        why = f"none was measured: as {near}"
        return _figure(speeds[near], "GMAC/s", (1 / _UNSEEN, _UNSEEN), why, Origin.ASSUMED)
    own = [(s, fit.rest_ns(s) + s.macs / speeds[name]) for s in found if s.rate == name]
    return _figure(speeds[name], "GMAC/s", _band(own), source)


def _weights(found: Sequence[Sample], fit: _Fit, source: str) -> Figure:
    """The fastest that any matrix product got its weights: it was limited by them at most."""
    dense = [s for s in found if s.rate == "dense" and s.weights_bytes]
    if not dense:
        why = "no matrix product was measured: as activations"
        return _figure(fit.bytes_per_ns, "GB/s", (1 / _UNSEEN, _UNSEEN), why, Origin.ASSUMED)
    fastest = max(s.weights_bytes / fit.arithmetic_ns(s) for s in dense)
    return _figure(fastest, "GB/s", _GUESSED, f"{source}: the fastest matrix product")


def _band(pairs: Sequence[tuple[Sample, float]]) -> tuple[float, float]:
    """Measured over predicted time, 10th to 90th percentile by time, with 1 inside."""
    if not pairs:
        return 1 / _UNSEEN, _UNSEEN
    ratios = sorted((s.latency_ns / predicted, s.latency_ns) for s, predicted in pairs)
    marks = np.cumsum([weight for _, weight in ratios])
    low, high = (ratios[int(np.searchsorted(marks, share * marks[-1]))][0] for share in (0.1, 0.9))
    return min(low, 1.0), max(high, 1.0)


def _figure(
    value: float,
    unit: str,
    times: tuple[float, float],
    source: str,
    origin: Origin = Origin.CALIBRATED,
) -> Figure:
    """A figure whose times lie in a band; a rate is fast where its time is short."""
    low, high = times if unit == "us" else (1 / times[1], 1 / times[0])
    return Figure(
        value=float(f"{max(value, 1e-6):.4g}"),
        unit=unit,
        origin=origin,
        source=source,
        low=min(1.0, float(f"{low:.3g}")),
        high=max(1.0, float(f"{high:.3g}")),
    )

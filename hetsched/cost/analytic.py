"""The analytic cost model: what each group takes on each unit, from the unit's rates.

time of a kernel = MACs / rate(class, dtype) + bytes read and written / activations + per_op

A matrix product with stored weights takes max(MACs / dense, weight bytes / weights) in place of
the first term. Ops that are fused into a convolution or matrix product cost nothing of their own.

What a class is stands in `analytic_class`. Rates for Winograd, for groups of few channels and for
the traffic of elementwise kernels are used where a profile states them.

Source: a model with six coefficients per unit (1x1, k x k, depthwise, activation traffic, weight
traffic of fully connected layers, per-op cost) reproduces 20 to 26 published networks per unit of
ncnn's benchmark table to a median error of 6 to 14% on one CPU thread, 11 to 25% on several, 10 to
30% on mobile GPUs; with the three further rates it is better, see docs/calibration.md. The maximum
with `dense` is added for products with more than one row.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hetsched.cost.analytic_work import Kernel, Work, group_work
from hetsched.cost.fusion import groups as fuse
from hetsched.cost.table import Cost, CostTable
from hetsched.errors import CostError
from hetsched.ir.graph import Graph
from hetsched.ir.op_class import OpClass
from hetsched.quantity import Origin
from hetsched.soc.figure import Dimension, Figure
from hetsched.soc.profile import Profile, Rates, Unit

_ORIGINS = tuple(Origin)
_RANK = {origin: rank for rank, origin in enumerate(_ORIGINS)}
_READS_WEIGHTS = frozenset({OpClass.DENSE, OpClass.RECURRENT})


def cost_table(
    graph: Graph,
    profile: Profile,
    refusals: Mapping[tuple[str, str], str],
    measured: Collection[str] = (),
) -> CostTable:
    """Costs of all fused groups on all units that run them.

    Args:
        graph: the model's.
        profile: the SoC.
        refusals: (op, unit) to the reason why the unit doesn't run the op.
        measured: units whose costs come from elsewhere: without rates they get none here.

    Raises:
        CostError: when another unit of the profile has no rates.
    """
    fused = fuse(graph, refusals, [unit.name for unit in profile.units])
    work = {group.name: group_work(graph, group) for group in fused}
    costs: dict[tuple[str, str], Cost] = {}
    for unit in profile.units:
        if not unit.rates and unit.name in measured:
            continue
        if not unit.rates:
            raise CostError(
                f"unit {unit.name!r} of profile {profile.name} has no rates: its costs can't be "
                f"computed, only measured; state [units.rates.{unit.dtype}], or bring measurements "
                f"with `hetsched costs import`"
            )
        known: dict[Work, Cost] = {}
        for group in fused:
            if any((op, unit.name) in refusals for op in group.ops):
                continue
            what = work[group.name]
            if what not in known:
                known[what] = _cost(what, unit)
            costs[group.name, unit.name] = known[what]
    return CostTable(groups=fused, costs=costs, refusals=dict(refusals))


@dataclass(slots=True)
class _Sum:
    """Time with its band, and the rank of the weakest origin so far."""

    ns: float = 0.0
    low_ns: float = 0.0
    high_ns: float = 0.0
    rank: int = 0

    def add_fixed(self, figure: Figure, times: int = 1) -> None:
        """A duration, so many times."""
        ns = figure.base("time") * times
        self._add(ns, ns * figure.low, ns * figure.high, figure)

    def add_amount(self, amount: int, figure: Figure, dimension: Dimension) -> None:
        """An amount of work at a rate: fast at the upper end of the rate's band."""
        if amount:
            ns = amount / figure.base(dimension) * 1e9
            self._add(ns, ns / figure.high, ns / figure.low, figure)

    def add_longer(self, first: "_Sum", second: "_Sum") -> None:
        """Two things that happen at the same time."""
        longer = first if first.ns >= second.ns else second
        self.ns += longer.ns
        self.low_ns += max(first.low_ns, second.low_ns)
        self.high_ns += max(first.high_ns, second.high_ns)
        self.rank = max(self.rank, longer.rank)

    def _add(self, ns: float, low_ns: float, high_ns: float, figure: Figure) -> None:
        self.ns += ns
        self.low_ns += low_ns
        self.high_ns += high_ns
        self.rank = max(self.rank, _RANK[figure.origin])


def _cost(work: Work, unit: Unit) -> Cost:
    dtype = "int8" if work.quantized and "int8" in unit.rates else unit.dtype
    rates = unit.rates[dtype]
    total = _Sum()
    for kernel in work.kernels:
        _add_kernel(total, kernel, rates, unit, dtype)
    return Cost(
        latency_ns=max(1, round(total.ns)),
        low_ns=max(1, round(total.low_ns)),
        high_ns=max(1, round(total.high_ns)),
        origin=_ORIGINS[total.rank],
        dtype=dtype,
    )


def _add_kernel(total: _Sum, kernel: Kernel, rates: Rates, unit: Unit, dtype: str) -> None:
    if kernel.rate is not None:
        arithmetic, weights = _Sum(), _Sum()
        arithmetic.add_amount(kernel.macs, rates.figure(kernel.rate), "rate")
        if kernel.op_class in _READS_WEIGHTS:
            weights.add_amount(kernel.weights.nbytes(dtype), rates.weights, "bandwidth")
        total.add_longer(arithmetic, weights)
    if not (kernel.is_view and unit.kind == "cpu"):
        traffic = "elementwise" if kernel.op_class is OpClass.ELEMENTWISE else "activations"
        total.add_amount(kernel.traffic.nbytes(dtype), rates.figure(traffic), "bandwidth")
    total.add_fixed(rates.per_op)
    if not kernel.known:
        total.rank = max(total.rank, _RANK[Origin.ASSUMED])

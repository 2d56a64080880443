"""The analytic cost model: what each group takes on each unit, from the unit's rates.

time of a kernel = MACs / rate(class, dtype) + bytes read and written / activations + per_op

A matrix product with stored weights takes max(MACs / dense, weight bytes / weights) in place of
the first term. Ops that are fused into a convolution or matrix product cost nothing of their own.

Source: the model with six coefficients per unit (1x1, k x k, depthwise, activation traffic, weight
traffic of fully connected layers, per-op cost) that reproduces 20 to 26 published networks per unit
of ncnn's benchmark table to a median error of 6 to 14% on one CPU thread, 11 to 25% on several, 10
to 30% on mobile GPUs. The maximum with `dense` is added for products with more than one row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hetsched.cost.fusion import groups as fuse
from hetsched.cost.fusion_rules import HEAVY
from hetsched.cost.table import Cost, CostTable, Group
from hetsched.errors import CostError
from hetsched.ir.features import OpFeatures, op_features
from hetsched.ir.graph import ITEM_BITS, Graph, Op
from hetsched.ir.op_class import OpClass
from hetsched.quantity import Origin, weakest
from hetsched.soc.figure import Dimension, Figure
from hetsched.soc.profile import Profile, Rates, Unit

_RATE_OF: Mapping[OpClass, str] = {
    OpClass.CONV1X1: "pointwise",
    OpClass.CONV_KXK: "spatial",
    OpClass.DEPTHWISE: "depthwise",
    # No Winograd there: a transposed convolution is a matrix product and a scatter.
    OpClass.CONV_TRANSPOSE: "pointwise",
    OpClass.DENSE: "dense",
    OpClass.MATMUL: "dense",
    OpClass.RECURRENT: "dense",
    OpClass.CONTROL: "dense",
}
_READS_WEIGHTS = frozenset({OpClass.DENSE, OpClass.RECURRENT})
# They change the shape that a buffer is seen with, not the buffer. Source: ONNX Runtime's CPU
# kernels alias input 0 as output 0 in their definitions.
_VIEWS = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"})
# They read no more than they write.
_PICKS = frozenset({"Gather", "GatherElements", "GatherND", "Slice"})
_DESCRIBES = frozenset({"Shape", "Size"})
_QUANTIZERS = frozenset({"DequantizeLinear", "QuantizeLinear"})
_QUANTIZED = ("QLinear", "ConvInteger", "MatMulInteger", "DynamicQuantize", "QGemm", "QAttention")


def cost_table(
    graph: Graph, profile: Profile, refusals: Mapping[tuple[str, str], str]
) -> CostTable:
    """Costs of all fused groups on all units that run them.

    Raises:
        CostError: when a unit of the profile has no rates.
    """
    fused = fuse(graph, refusals, [unit.name for unit in profile.units])
    work = {group.name: _work(graph, group) for group in fused}
    costs: dict[tuple[str, str], Cost] = {}
    for unit in profile.units:
        if not unit.rates:
            raise CostError(
                f"unit {unit.name!r} of profile {profile.name} has no rates: "
                f"its costs can't be computed, only measured"
            )
        for group in fused:
            if not any((op, unit.name) in refusals for op in group.ops):
                costs[group.name, unit.name] = _cost(work[group.name], unit)
    return CostTable(groups=fused, costs=costs, refusals=dict(refusals))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tensors:
    """Elements by dtype: what a kernel moves, before it is known in which dtype it is stored.

    Attributes:
        float_elements: of float tensors, stored in the unit's dtype.
        other_bytes: of all others, stored as they are.
    """

    float_elements: int
    other_bytes: int

    def nbytes(self, dtype: str) -> int:
        return (self.float_elements * ITEM_BITS[dtype] + 7) // 8 + self.other_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kernel:
    """One launch: an op with all that is fused into it."""

    op_class: OpClass
    macs: int
    traffic: _Tensors
    weights: _Tensors
    is_view: bool
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A group's kernels, and whether it computes on quantised numbers."""

    kernels: tuple[_Kernel, ...]
    quantized: bool


def _work(graph: Graph, group: Group) -> _Work:
    ops = [graph.op[name] for name in group.ops]
    features = {op.name: op_features(graph, op) for op in ops}
    head = features[group.name]
    quantized = graph.op[group.name].op_type.startswith(_QUANTIZED) or (
        len(ops) > 1 and any(op.op_type == "DequantizeLinear" for op in ops)
    )
    if head.op_class in HEAVY:
        fused = [op for op in ops if _is_fused(op, features[op.name])]
    else:
        fused = [op for op in ops if len(ops) > 1 and op.op_type in _QUANTIZERS]
    names = {op.name for op in fused} | {group.name}
    kernels = [_head_kernel(graph, [op for op in ops if op.name in names], group.name, features)]
    kernels += [_head_kernel(graph, [op], op.name, features) for op in ops if op.name not in names]
    return _Work(kernels=tuple(kernels), quantized=quantized)


def _is_fused(op: Op, features: OpFeatures) -> bool:
    return (
        features.op_class in (OpClass.ELEMENTWISE, OpClass.NORMALIZATION)
        or op.op_type in _QUANTIZERS
    )


def _head_kernel(
    graph: Graph, ops: Sequence[Op], head: str, features: Mapping[str, OpFeatures]
) -> _Kernel:
    """One kernel of some ops: what goes in and out of all of them together is moved."""
    op = graph.op[head]
    inside = {name for member in ops for name in member.writes}
    stored = {n for member in ops for n in member.reads if n in graph.constants}
    read = {n for member in ops for n in member.reads if n not in inside and n not in stored}
    written = {n for n in inside if _leaves(graph, n, ops)}
    reads, writes = _tensors(graph, sorted(read)), _tensors(graph, sorted(written))
    if op.op_type in _DESCRIBES:
        reads = _Tensors(float_elements=0, other_bytes=0)
    elif op.op_type in _PICKS:
        reads = writes
    return _Kernel(
        op_class=features[head].op_class,
        macs=sum(features[member.name].macs for member in ops),
        traffic=_Tensors(
            float_elements=reads.float_elements + writes.float_elements,
            other_bytes=reads.other_bytes + writes.other_bytes,
        ),
        weights=_tensors(graph, sorted(stored)),
        is_view=op.op_type in _VIEWS,
        known=all(features[member.name].known for member in ops),
    )


def _leaves(graph: Graph, name: str, ops: Sequence[Op]) -> bool:
    names = {op.name for op in ops}
    readers = graph.consumers.get(name, ())
    return name in graph.outputs or any(reader.name not in names for reader in readers)


def _tensors(graph: Graph, names: Iterable[str]) -> _Tensors:
    floats = other = 0
    for name in names:
        tensor = graph.tensors[name]
        if tensor.dtype in ("float32", "float16", "bfloat16"):
            floats += tensor.elements or 0
        else:
            other += tensor.nbytes() or 0
    return _Tensors(float_elements=floats, other_bytes=other)


@dataclass(slots=True)
class _Sum:
    """Time with its band, and the weakest origin so far."""

    ns: float = 0.0
    low_ns: float = 0.0
    high_ns: float = 0.0
    origin: Origin = Origin.MEASURED

    def add_fixed(self, figure: Figure) -> None:
        """A duration."""
        ns = figure.base("time")
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
        self.origin = weakest(self.origin, longer.origin)

    def _add(self, ns: float, low_ns: float, high_ns: float, figure: Figure) -> None:
        self.ns += ns
        self.low_ns += low_ns
        self.high_ns += high_ns
        self.origin = weakest(self.origin, figure.origin)


def _cost(work: _Work, unit: Unit) -> Cost:
    dtype = "int8" if work.quantized and "int8" in unit.rates else unit.dtype
    rates = unit.rates[dtype]
    total = _Sum()
    for kernel in work.kernels:
        _add_kernel(total, kernel, rates, unit, dtype)
    return Cost(
        latency_ns=max(1, round(total.ns)),
        low_ns=max(1, round(total.low_ns)),
        high_ns=max(1, round(total.high_ns)),
        origin=total.origin,
        dtype=dtype,
    )


def _add_kernel(total: _Sum, kernel: _Kernel, rates: Rates, unit: Unit, dtype: str) -> None:
    rate = _RATE_OF.get(kernel.op_class)
    if rate is not None:
        arithmetic, weights = _Sum(), _Sum()
        arithmetic.add_amount(kernel.macs, getattr(rates, rate), "rate")
        if kernel.op_class in _READS_WEIGHTS:
            weights.add_amount(kernel.weights.nbytes(dtype), rates.weights, "bandwidth")
        total.add_longer(arithmetic, weights)
    if not (kernel.is_view and unit.kind == "cpu"):
        total.add_amount(kernel.traffic.nbytes(dtype), rates.activations, "bandwidth")
    total.add_fixed(rates.per_op)
    if not kernel.known:
        total.origin = weakest(total.origin, Origin.ASSUMED)

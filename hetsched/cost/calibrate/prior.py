"""Where a fit starts, and what no unit can exceed."""

from dataclasses import dataclass

import numpy as np

from hetsched.cost.calibrate.features import FIELDS
from hetsched.cost.calibrate.fit import Vector
from hetsched.cost.calibrate.rows import WINOGRAD
from hetsched.errors import CostError
from hetsched.ir.graph import ITEM_BITS
from hetsched.soc.figure import Dimension
from hetsched.soc.profile import Profile, Unit
from hetsched.soc.unit import Kind

DIMENSIONS: dict[str, Dimension] = {
    "pointwise": "rate",
    "spatial": "rate",
    "depthwise": "rate",
    "weights": "bandwidth",
    "activations": "bandwidth",
    "per_op": "time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Typical rates of a kind of unit, relative to its peak.

    Attributes:
        pointwise: of peak.
        spatial: of peak; above 1 with Winograd.
        depthwise: of peak.
        elements: activation elements read or written in the time of one MAC at peak.
        weights: bytes per second.
        per_op: seconds.
        factor: how far a unit of this kind may be from these.
    """

    pointwise: float
    spatial: float
    depthwise: float
    elements: float
    weights: float
    per_op: float
    factor: float


# Source: fits to ncnn's benchmark table and TVM's TopHub logs. CPU: 1x1 at 0.5 to 0.93 of peak,
# k x k at 0.9 to 2.25 with Winograd, 0.35 to 0.7 for int8, fully connected weights at 1 to 9 GB/s,
# 0 to 30 us per op. GPU: Mali-G610 0.19 and 0.47, Adreno 0.07 and more with other backends, 4 to
# 90 us per op. NPU: networks of depthwise convolutions reach 0.04 to 0.15 of peak, dense ones 0.3
# to 0.45 (RK3588, MT8168, A311D).
_CPU = Shares(
    pointwise=0.7, spatial=1.5, depthwise=0.3, elements=0.05, weights=5e9, per_op=5e-6, factor=2
)
_CPU_INT8 = Shares(
    pointwise=0.5, spatial=0.5, depthwise=0.1, elements=0.05, weights=5e9, per_op=5e-6, factor=2
)
_GPU = Shares(
    pointwise=0.15, spatial=0.3, depthwise=0.03, elements=0.01, weights=6e9, per_op=4e-5, factor=3
)
_NPU = Shares(
    pointwise=0.35, spatial=0.4, depthwise=0.02, elements=0.01, weights=6e9, per_op=1e-5, factor=4
)


def shares(kind: Kind, dtype: str) -> Shares:
    """Of a kind of unit."""
    if kind == "cpu":
        return _CPU_INT8 if dtype == "int8" else _CPU
    return _GPU if kind == "gpu" else _NPU


def peak_macs(unit: Unit, dtype: str) -> float:
    """MAC/s in a dtype: the recipe's, else the unit's in its own dtype.

    Raises:
        CostError: when neither is stated.
    """
    recipe = unit.calibrate.get(dtype)
    figure = recipe.peak if recipe is not None and recipe.peak is not None else None
    if figure is None and dtype == unit.dtype:
        figure = unit.peak
    if figure is None:
        raise CostError(
            f"unit {unit.name!r} has no peak for {dtype}: state it as `peak` of the unit (its own "
            f"dtype) or of units.calibrate.{dtype}"
        )
    return figure.base("rate")


def typical(unit: Unit, dtype: str) -> Vector:
    """Coefficients (ns per MAC, byte or kernel) of a typical unit of this kind and peak."""
    peak, typical_shares = peak_macs(unit, dtype), shares(unit.kind, dtype)
    return np.array(
        [
            1e9 / (typical_shares.pointwise * peak),
            1e9 / (typical_shares.spatial * peak),
            1e9 / (typical_shares.depthwise * peak),
            1e9 / typical_shares.weights,
            1e9 / (typical_shares.elements * peak * ITEM_BITS[dtype] / 8),
            1e9 * typical_shares.per_op,
        ]
    )


def limits(profile: Profile, unit: Unit, dtype: str) -> Vector:
    """Least coefficients: no unit computes above its peak or reads weights faster than the DRAM.

    A k x k convolution may do without most of its MACs (Winograd); of activations no more than one
    operand per MAC is moved, as the units for arithmetic and loading are about as many.
    """
    peak = peak_macs(unit, dtype)
    memory = profile.memory.bandwidth if profile.memory is not None else None
    pins = memory.base("bandwidth") * memory.high if memory is not None else np.inf
    operand = peak * ITEM_BITS[dtype] / 8
    most = np.array([peak, WINOGRAD * peak, peak, min(pins, operand), operand, 1e9])
    return np.asarray(1e9 / most, dtype=np.float64)


def transferred(
    profile: Profile, unit: Unit, source_profile: Profile, source: Unit, dtype: str
) -> Vector:
    """Coefficients of the same core in another SoC, scaled by clock and bandwidth.

    Arithmetic and per-kernel costs go with the clock; bytes with the clock or the DRAM's bandwidth,
    whichever has less to offer.

    Source: one core in five SoCs (Cortex-A76 single-thread rows) follows the clock within 15%.

    Raises:
        CostError: when clocks or rates are missing, or the number of cores differs.
    """
    where = f"unit {unit.name!r}: transfer from {source_profile.name} {source.name}"
    if dtype not in source.rates:
        raise CostError(f"{where}: it has no {dtype} rates, only {', '.join(source.rates)}")
    if source.cores != unit.cores:
        raise CostError(f"{where}: {source.cores} cores there, {unit.cores} here, must be as many")
    if source.frequency is None or unit.frequency is None:
        raise CostError(f"{where}: `frequency` of both units is needed")
    clock = unit.frequency.base("frequency") / source.frequency.base("frequency")
    slower = min(clock, _bandwidth_ratio(profile, source_profile, clock))
    factors = np.array([clock, clock, clock, slower, slower, clock])
    return np.asarray(coefficients(source, dtype) / factors, dtype=np.float64)


def _bandwidth_ratio(profile: Profile, source: Profile, unknown: float) -> float:
    here = profile.memory.bandwidth if profile.memory is not None else None
    there = source.memory.bandwidth if source.memory is not None else None
    if here is None or there is None:
        return unknown
    return here.base("bandwidth") / there.base("bandwidth")


def coefficients(unit: Unit, dtype: str) -> Vector:
    """A unit's rates as ns per MAC, byte or kernel, in the order of `FIELDS`."""
    rates = unit.rates[dtype]
    values = []
    for field in FIELDS:
        figure, dimension = getattr(rates, field), DIMENSIONS[field]
        base = figure.base(dimension)
        values.append(base if dimension == "time" else 1e9 / base)
    return np.asarray(np.maximum(np.array(values), 1e-9), dtype=np.float64)

"""Where a fit starts, and what no unit can exceed."""

from dataclasses import dataclass

import numpy as np

from hetsched.cost.calibrate.features import FIELDS
from hetsched.cost.calibrate.fit import Vector
from hetsched.cost.calibrate.rows import WINOGRAD
from hetsched.cost.calibrate.shapes import ASSUMED_SPREAD, FRAMEWORK, Shape, published, stiffness
from hetsched.errors import CostError
from hetsched.ir.graph import ITEM_BITS
from hetsched.soc.figure import Dimension
from hetsched.soc.profile import Profile, Unit
from hetsched.soc.unit import Kind

DIMENSIONS: dict[str, Dimension] = {
    "pointwise": "rate",
    "winograd": "rate",
    "spatial": "rate",
    "grouped": "rate",
    "depthwise": "rate",
    "weights": "bandwidth",
    "activations": "bandwidth",
    "elementwise": "bandwidth",
    "per_op": "time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Typical rates of a kind of unit, relative to its peak.

    Attributes:
        pointwise: of peak.
        winograd: of peak; above 1 for what the method saves.
        spatial: of peak.
        grouped: of peak.
        depthwise: of peak.
        elements: activation elements read or written in the time of one MAC at peak.
        elementwise: the same, for elementwise kernels.
        weights: bytes per second.
        per_op: seconds.
        factor: how far a unit of this kind may be from these.
    """

    pointwise: float
    winograd: float
    spatial: float
    grouped: float
    depthwise: float
    elements: float
    elementwise: float
    weights: float
    per_op: float
    factor: float


# Source: medians of the fits to ncnn's benchmark table, over 87 runs on CPUs (float16 and float32),
# 86 (int8) and 8 on GPUs whose peak is known. NPU: networks of depthwise convolutions reach 0.04 to
# 0.15 of peak, dense ones 0.3 to 0.45 (RK3588, MT8168, A311D).
_CPU = Shares(
    pointwise=0.6,
    winograd=1.5,
    spatial=0.27,
    grouped=0.15,
    depthwise=0.35,
    elements=0.04,
    elementwise=0.063,
    weights=1e10,
    per_op=6e-6,
    factor=2,
)
_CPU_INT8 = Shares(
    pointwise=0.45,
    winograd=0.7,
    spatial=0.2,
    grouped=0.1,
    depthwise=0.15,
    elements=0.03,
    elementwise=0.05,
    weights=5e9,
    per_op=6.6e-6,
    factor=2,
)
_GPU = Shares(
    pointwise=0.15,
    winograd=0.3,
    spatial=0.05,
    grouped=0.04,
    depthwise=0.04,
    elements=0.0045,
    elementwise=0.01,
    weights=1.4e10,
    per_op=3.4e-5,
    factor=3,
)
_NPU = Shares(
    pointwise=0.35,
    winograd=0.4,
    spatial=0.4,
    grouped=0.05,
    depthwise=0.02,
    elements=0.01,
    elementwise=0.01,
    weights=6e9,
    per_op=1e-5,
    factor=4,
)
_SHAPES: dict[Kind, str] = {"cpu": "cpu-big", "gpu": "gpu"}
"""Kinds of shapes, where a recipe doesn't name one."""


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


def shape(unit: Unit, dtype: str) -> Shape | None:
    """What units of this kind have in common in this dtype; None where too few are known.

    Raises:
        CostError: when the recipe names a kind that isn't known.
    """
    recipe = unit.calibrate.get(dtype)
    named = recipe.shape if recipe is not None else ""
    kind = named or _SHAPES.get(unit.kind, unit.kind)
    if unit.kind == "cpu" and unit.cores == 1:
        kind += "-core"
    found = published().get(f"{kind} {'int8' if dtype == 'int8' else 'float'}")
    if found is None and named:
        known = sorted({name.split()[0].removesuffix("-core") for name in published()})
        raise CostError(
            f"unit {unit.name!r}, units.calibrate.{dtype}: shape {named!r} is not one of "
            f"{', '.join(known)}"
        )
    return found


def held(unit: Unit, dtype: str) -> Vector:
    """The stiffness of a fit of this unit.

    Other frameworks' kernels differ from those that the shapes were learnt from, so that their rows
    count for more.
    """
    found = shape(unit, dtype)
    frameworks = {select.framework for select in unit.calibrate[dtype].rows}
    if found is None or frameworks != {FRAMEWORK}:
        return stiffness(ASSUMED_SPREAD)
    return found.stiffness


def start(unit: Unit, dtype: str, without: str = "") -> Vector:
    """Where a fit of this unit starts: the shape of its kind at the speed that its peak promises.

    Args:
        unit: whose coefficients are sought.
        dtype: of them.
        without: a model that the shape must not have seen.
    """
    promised = typical(unit, dtype)
    found = shape(unit, dtype)
    if found is None:
        return promised
    return found.start(float(promised[0]), peak_macs(unit, dtype) / 1e9, without)


def typical(unit: Unit, dtype: str) -> Vector:
    """Coefficients (ns per MAC, byte or kernel) of a typical unit of this kind and peak."""
    peak, common = peak_macs(unit, dtype), shares(unit.kind, dtype)
    item = ITEM_BITS[dtype] / 8
    per_second = {
        "pointwise": common.pointwise * peak,
        "winograd": common.winograd * peak,
        "spatial": common.spatial * peak,
        "grouped": common.grouped * peak,
        "depthwise": common.depthwise * peak,
        "weights": common.weights,
        "activations": common.elements * peak * item,
        "elementwise": common.elementwise * peak * item,
        "per_op": 1 / common.per_op,
    }
    return np.array([1e9 / per_second[field] for field in FIELDS])


def limits(profile: Profile, unit: Unit, dtype: str) -> Vector:
    """Least coefficients: no unit computes above its peak or reads weights faster than the DRAM.

    A 3 x 3 convolution may do without most of its MACs (Winograd); of activations no more than one
    operand per MAC is moved, as the units for arithmetic and loading are about as many.
    """
    peak = peak_macs(unit, dtype)
    memory = profile.memory.bandwidth if profile.memory is not None else None
    pins = memory.base("bandwidth") * memory.high if memory is not None else np.inf
    operand = peak * ITEM_BITS[dtype] / 8
    most = dict.fromkeys(FIELDS, peak)
    most |= {"winograd": WINOGRAD * peak, "weights": min(pins, operand)}
    most |= {"activations": operand, "elementwise": operand, "per_op": 1e9}
    return np.array([1e9 / most[field] for field in FIELDS])


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
    factors = np.array([slower if DIMENSIONS[field] == "bandwidth" else clock for field in FIELDS])
    return np.asarray(coefficients(source, dtype) / factors, dtype=np.float64)


def _bandwidth_ratio(profile: Profile, source: Profile, unknown: float) -> float:
    """Of what all units get, where both chips' is known, else of the pins."""
    if profile.memory is None or source.memory is None:
        return unknown
    for here, there in (
        (profile.memory.usable, source.memory.usable),
        (profile.memory.bandwidth, source.memory.bandwidth),
    ):
        if here is not None and there is not None:
            return here.base("bandwidth") / there.base("bandwidth")
    return unknown


def knows_bandwidths(profile: Profile, source: Profile) -> bool:
    """Whether a transfer can go by the two chips' memories."""
    return _bandwidth_ratio(profile, source, 0.0) > 0


def coefficients(unit: Unit, dtype: str) -> Vector:
    """A unit's rates as ns per MAC, byte or kernel, in the order of `FIELDS`."""
    rates = unit.rates[dtype]
    values = []
    for field in FIELDS:
        figure, dimension = rates.figure(field), DIMENSIONS[field]
        base = figure.base(dimension)
        values.append(base if dimension == "time" else 1e9 / base)
    return np.asarray(np.maximum(np.array(values), 1e-9), dtype=np.float64)

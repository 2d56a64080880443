"""Coefficients as the figures of a profile, each with band and source."""

from collections.abc import Sequence
from dataclasses import dataclass

from hetsched.cost.calibrate.features import FIELDS
from hetsched.cost.calibrate.fit import Vector
from hetsched.cost.calibrate.prior import DIMENSIONS
from hetsched.ir.graph import ITEM_BITS
from hetsched.quantity import Origin
from hetsched.soc.figure import FACTORS, Figure
from hetsched.soc.unit import Rates

_UNITS = {"rate": "GMAC/s", "bandwidth": "GB/s", "time": "us"}
_UNSEEN = 2.0  # What rows can't tell apart may be this much further off.


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Where the true time lies, relative to the predicted one.

    Attributes:
        low: at most 1.
        high: at least 1.
    """

    low: float
    high: float


def rates(
    found: Vector,
    *,
    dtype: str,
    peak: float,
    band: Band,
    seen: Sequence[bool],
    how: str,
    assumed: bool,
) -> Rates:
    """The rates of one dtype.

    A band is for times; a rate is fast where the time is short, so that a whole network's time has
    the band of the networks it was fitted to.

    Args:
        found: ns per MAC, byte or kernel, in the order of `FIELDS`.
        dtype: of the rates.
        peak: MAC/s.
        band: of times.
        seen: whether the rows tell a coefficient apart from the others.
        how: it was found, for people.
        assumed: whether no measurement stands behind it.
    """
    made: dict[str, Figure] = {}
    for field, value, visible in zip(FIELDS, found.tolist(), seen, strict=True):
        dimension = DIMENSIONS[field]
        base = value if dimension == "time" else 1e9 / value
        source = how if visible else f"{how}: hardly visible in their times"
        if dimension == "rate":
            source += f"; {base / peak:.2g} of peak"
        unseen = 1.0 if visible else _UNSEEN
        low, high = band.low / unseen, band.high * unseen
        made[field] = Figure(
            value=float(f"{base / FACTORS[dimension][_UNITS[dimension]]:.4g}"),
            unit=_UNITS[dimension],
            origin=Origin.ASSUMED if assumed else Origin.CALIBRATED,
            source=source,
            low=_at_most_one(low if dimension == "time" else 1 / high),
            high=max(1.0, float(f"{high if dimension == 'time' else 1 / low:.3g}")),
        )
    return Rates(dense=_dense(made, dtype), **made)


def _dense(made: dict[str, Figure], dtype: str) -> Figure:
    """As pointwise, and never what limits the layers that `weights` was fitted to."""
    pointwise, weights = made["pointwise"], made["weights"]
    least = weights.value * 8 / ITEM_BITS[dtype]
    return Figure(
        value=max(pointwise.value, float(f"{least:.4g}")),
        unit="GMAC/s",
        origin=pointwise.origin,
        source="as pointwise: the same matrix product",
        low=pointwise.low,
        high=pointwise.high,
    )


def _at_most_one(value: float) -> float:
    return min(1.0, float(f"{value:.3g}"))

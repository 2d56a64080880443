"""A number of a profile: value, unit, where it comes from and how far it may be off."""

from math import isfinite
from typing import Literal, TypeAlias

import msgspec

from hetsched.quantity import End, Origin

Dimension: TypeAlias = Literal[
    "time",
    "bandwidth",
    "rate",
    "power",
    "frequency",
    "size",
    "temperature",
    "heat capacity",
    "heat resistance",
]

# Factor from the written unit to the one used inside: ns, bytes/s, MAC/s, mW, Hz, bytes, degrees,
# joules per degree, degrees per watt.
FACTORS: dict[Dimension, dict[str, float]] = {
    "time": {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9},
    "bandwidth": {"MB/s": 1e6, "GB/s": 1e9},
    "rate": {"MMAC/s": 1e6, "GMAC/s": 1e9, "TMAC/s": 1e12},
    "power": {"mW": 1.0, "W": 1e3},
    "frequency": {"MHz": 1e6, "GHz": 1e9},
    "size": {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    "temperature": {"C": 1.0},
    "heat capacity": {"J/K": 1.0},
    "heat resistance": {"K/W": 1.0},
}


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything in a profile file: strict, immutable."""


class Figure(Struct, frozen=True, kw_only=True):
    """One number.

    Attributes:
        value: zero or more, in `unit`.
        unit: of measure, `GMAC/s` for example.
        origin: where it comes from.
        source: what was read or how it was derived, for people.
        low: the true value is at least `value * low`.
        high: the true value is at most `value * high`.
    """

    value: float
    unit: str
    origin: Origin
    source: str
    low: float = 1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        """Reject numbers that no quantity has.

        Raises:
            ValueError: naming the field, its value and what would be accepted.
        """
        if not isfinite(self.value) or self.value < 0:
            raise ValueError(f"value {self.value:g} must be a number of zero or more")
        if not 0 < self.low <= 1:
            raise ValueError(f"low {self.low:g} must be above 0 and at most 1")
        if not isfinite(self.high) or self.high < 1:
            raise ValueError(f"high {self.high:g} must be a number of at least 1")
        if not self.source.strip():
            raise ValueError("source is empty: say where the number comes from")

    def base(self, dimension: Dimension) -> float:
        """The value in ns, bytes/s, MAC/s, mW, Hz, bytes, degrees, J/K or K/W.

        Raises:
            KeyError: when `unit` isn't one of that dimension; `check` prevents that.
        """
        return self.value * FACTORS[dimension][self.unit]

    def fixed_ns(self, end: End = End.ESTIMATE) -> float:
        """A duration, or an end of its band."""
        return self.base("time") * {End.ESTIMATE: 1.0, End.LOW: self.low, End.HIGH: self.high}[end]

    def amount_ns(self, amount: int, dimension: Dimension, end: End = End.ESTIMATE) -> float:
        """Time for an amount of work at this rate: short at the upper end of the rate's band."""
        slower = {End.ESTIMATE: 1.0, End.LOW: self.high, End.HIGH: self.low}[end]
        return amount / (self.base(dimension) * slower) * 1e9

    @property
    def text(self) -> str:
        """`"13.8 GMAC/s"`."""
        return f"{self.value:g} {self.unit}"

    @property
    def band(self) -> str:
        """`"-20% +30%"`, empty where no error is stated."""
        if self.low == 1.0 and self.high == 1.0:
            return ""
        return f"-{(1 - self.low) * 100:.0f}% +{(self.high - 1) * 100:.0f}%"


def check(
    figure: Figure | None, field: str, dimension: Dimension, *, positive: bool = False
) -> None:
    """See that a figure is of the right kind.

    Args:
        figure: None passes: nothing is known.
        field: its name in the file, for the message.
        dimension: what it must measure.
        positive: reject zero too (a divisor).

    Raises:
        ValueError: naming the field, the unit or value seen, and what would be accepted.
    """
    if figure is None:
        return
    if figure.unit not in FACTORS[dimension]:
        accepted = ", ".join(FACTORS[dimension])
        raise ValueError(f"{field}: unit {figure.unit!r} is not one of {accepted}")
    if positive and figure.value == 0:
        raise ValueError(f"{field}: value 0 must be above zero")

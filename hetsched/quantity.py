"""Durations, sizes and energies: integers inside, text at the doors.

Inside hetsched a duration is an `int` of nanoseconds (`_ns`), a size an `int` of bytes (`_bytes`)
and an energy an `int` of microjoules (`_uj`). Only this module turns them into text and back.
"""

import re
from enum import StrEnum

from hetsched.errors import HetschedError


class Origin(StrEnum):
    """Where a number comes from, most trustworthy first."""

    MEASURED = "measured"
    CALIBRATED = "calibrated"
    DATASHEET = "datasheet"
    ASSUMED = "assumed"
    EMULATED = "emulated"

    @property
    def rank(self) -> int:
        """0 for the most trustworthy origin."""
        return list(Origin).index(self)


class End(StrEnum):
    """Which value of an uncertain number is meant."""

    ESTIMATE = "estimate"
    LOW = "low"
    HIGH = "high"


def weakest(*origins: Origin) -> Origin:
    """The least trustworthy of some origins: a result is no better than its worst input.

    Raises:
        ValueError: without any origin.
    """
    return max(origins, key=lambda origin: origin.rank)


_NS_PER = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}
_NUMBER = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-zµ]+)\s*")


def parse_duration_ns(text: str) -> int:
    """`"5ms"` to 5_000_000.

    Raises:
        HetschedError: when the text isn't a number with a unit of time.
    """
    match = _NUMBER.fullmatch(text)
    if match is None or match[2] not in _NS_PER:
        units = ", ".join(_NS_PER)
        raise HetschedError(
            f"{text!r} is not a duration: give a number and one of {units}, as '5ms'"
        )
    return round(float(match[1]) * _NS_PER[match[2]])


def _scaled(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    for factor, unit in steps:
        if abs(value) >= factor:
            scaled = value / factor
            digits = 3 if scaled < 10 else 2 if scaled < 100 else 1
            return f"{scaled:.{digits}f} {unit}"
    return f"{value:g} {steps[-1][1]}"


def format_ns(ns: float) -> str:
    """1_234_567 to `"1.235 ms"`."""
    return _scaled(ns, ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")))


def format_bytes(size: float) -> str:
    """2_097_152 to `"2.000 MiB"`."""
    return _scaled(size, ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B")))


def format_uj(energy_uj: float) -> str:
    """12_345 to `"12.35 mJ"`."""
    return _scaled(energy_uj, ((1e6, "J"), (1e3, "mJ"), (1.0, "uJ")))

"""A SoC in one of its board's power modes: another profile, whose plans are its own."""

from typing import NamedTuple

import msgspec

from hetsched.errors import ProfileError
from hetsched.quantity import Origin
from hetsched.soc.figure import Figure
from hetsched.soc.power import Mode
from hetsched.soc.profile import Profile
from hetsched.soc.unit import Rates, Unit


class _Slower(NamedTuple):
    """What a mode does to a unit.

    Attributes:
        factor: how many times as long everything takes.
        mode: its name.
        is_own: whether the factor is the user's, of which nobody knows where it comes from.
    """

    factor: float
    mode: str
    is_own: bool

    def made(self, figure: Figure, *, is_time: bool = True) -> Figure:
        """A time or rate of the unit in that mode."""
        factor = self.factor if is_time else 1 / self.factor
        is_assumed = self.is_own or figure.origin is Origin.ASSUMED
        whose = ", a factor of the user's own" if self.is_own else ""
        return msgspec.structs.replace(
            figure,
            value=figure.value * factor,
            origin=Origin.ASSUMED if is_assumed else Origin.CALIBRATED,
            source=f"{figure.source}; x {factor:.3g} in mode {self.mode}{whose}",
        )


def in_mode(profile: Profile, asked: str) -> Profile:
    """The SoC in a power mode: every unit takes so many times as long.

    What clocks and powers of units are then isn't known, so that there are none: such a profile
    can't be planned for energy, and throttles nothing.

    Args:
        profile: in the mode that its figures are for.
        asked: a mode's name, and for units that nothing is known of in it a factor of your own:
            `MaxQ:cpu=1.5`.

    Raises:
        ProfileError: naming the modes that there are, or the units whose slowdown isn't known.
    """
    name, *given = (part.strip() for part in asked.split(":"))
    mode = _find(profile, name)
    own = _own(profile, asked, given)
    slowdown = {
        **{unit: _Slower(factor, name, is_own=False) for unit, factor in mode.slowdown.items()},
        **{unit: _Slower(factor, name, is_own=True) for unit, factor in own.items()},
    }
    missing = [unit.name for unit in profile.units if unit.name not in slowdown]
    if missing:
        known = ", ".join(f"{unit} {factor:g} x" for unit, factor in mode.slowdown.items())
        example = ":".join([name, *(f"{unit}=1.5" for unit in missing)])
        raise ProfileError(
            f"mode {name} of {profile.name}: how much slower {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} in it isn't known (known: {known or 'none'}); "
            f"give factors of your own, as --mode {example}"
        )
    return msgspec.structs.replace(
        profile,
        name=f"{profile.name}@{asked}",
        title=f"{profile.title}, mode {name}",
        units=tuple(_slower(unit, slowdown[unit.name]) for unit in profile.units),
        modes=(),
    )


def _find(profile: Profile, name: str) -> Mode:
    for mode in profile.modes:
        if mode.name == name:
            return mode
    names = ", ".join(mode.name for mode in profile.modes)
    raise ProfileError(f"{profile.name} has no mode {name!r}: it has {names or 'none'}")


def _own(profile: Profile, asked: str, given: list[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in given:
        unit, _, text = part.partition("=")
        try:
            factor = float(text)
        except ValueError:
            factor = 0.0
        if not 0 < factor < 1000:
            raise ProfileError(f"mode {asked!r}: {part!r} is not UNIT=FACTOR, as cpu=1.5")
        found[profile.unit(unit).name] = factor
    return found


def _slower(unit: Unit, slower: _Slower) -> Unit:
    return msgspec.structs.replace(
        unit,
        dispatch=slower.made(unit.dispatch),
        rates={dtype: _slower_rates(rates, slower) for dtype, rates in unit.rates.items()},
        frequency=None,
        peak=None,
        power=None,
        levels=None,
        calibrate={},
        calibration={},
    )


def _slower_rates(rates: Rates, slower: _Slower) -> Rates:
    stated = rates.stated()
    changed = {
        field: slower.made(figure, is_time=field == "per_op") for field, figure in stated.items()
    }
    return msgspec.structs.replace(rates, **changed)

"""Clocks, power and sleep of a unit, and power modes of a board: what is known besides speed.

No cost of a plan is computed from these, so that they are no part of a profile's digest. What isn't
known is left out.
"""

import msgspec

from hetsched.quantity import Origin
from hetsched.soc.figure import Figure, Struct, check


class Levels(Struct, frozen=True, kw_only=True):
    """The clocks that a unit can run at, highest first.

    Attributes:
        mhz: clocks.
        mw: power at each, under load; empty where unknown.
        origin: where they come from.
        source: what was read.
    """

    mhz: tuple[float, ...]
    mw: tuple[float, ...] = ()
    origin: Origin
    source: str

    def __post_init__(self) -> None:
        """Check order and lengths.

        Raises:
            ValueError: naming the list and the value.
        """
        if not self.mhz or min(self.mhz) <= 0:
            raise ValueError("levels.mhz must be a list of clocks above zero")
        if list(self.mhz) != sorted(set(self.mhz), reverse=True):
            raise ValueError("levels.mhz must fall from the highest clock to the lowest")
        if self.mw and len(self.mw) != len(self.mhz):
            raise ValueError(f"levels.mw has {len(self.mw)} numbers for {len(self.mhz)} clocks")
        if any(power < 0 for power in self.mw):
            raise ValueError(f"levels.mw {min(self.mw):g} must be zero or more")
        if not self.source.strip():
            raise ValueError("levels.source is empty: say where they come from")


class Idle(Struct, frozen=True, kw_only=True):
    """What happens to a unit that nothing is asked of.

    Attributes:
        keep: stays awake so long after its last stage; may sleep at once where left out.
        wake: what the first stage after that pays on top; unknown where left out.
        power: drawn while it is awake and nothing runs; unknown where left out.
        sleep: drawn while it sleeps; unknown where left out.
    """

    keep: Figure | None = None
    wake: Figure | None = None
    power: Figure | None = None
    sleep: Figure | None = None

    def __post_init__(self) -> None:
        """Check the units of measure.

        Raises:
            ValueError: naming the field.
        """
        check(self.keep, "idle.keep", "time")
        check(self.wake, "idle.wake", "time")
        check(self.power, "idle.power", "power")
        check(self.sleep, "idle.sleep", "power")


class Mode(Struct, frozen=True, kw_only=True):
    """A power mode that the board can be set to.

    Attributes:
        name: as its tool calls it.
        power: measured or budgeted.
        slowdown: unit name to how many times as long it takes as in the profile's own mode.
        source: what was read.
    """

    name: str
    power: Figure | None = None
    slowdown: dict[str, float] = msgspec.field(default_factory=dict)
    source: str

    def __post_init__(self) -> None:
        """Check numbers.

        Raises:
            ValueError: naming the mode and the field.
        """
        check(self.power, f"mode {self.name!r}: power", "power")
        for unit, factor in self.slowdown.items():
            if not 0 < factor < 1000:
                raise ValueError(f"mode {self.name!r}: slowdown.{unit} {factor:g} is no factor")

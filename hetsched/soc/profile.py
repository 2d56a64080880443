"""What a SoC is: units, links between their memories, and what each number rests on.

The structs are the layout of `profiles/*.toml`, key for key; profiles/README.md explains them.
"""

from functools import cached_property
from typing import Literal

from hetsched.errors import ProfileError
from hetsched.soc.digest import digest
from hetsched.soc.figure import Figure, Struct, check
from hetsched.soc.heat import Thermal
from hetsched.soc.power import Mode
from hetsched.soc.unit import Dtype, Kind, Rates, Unit

__all__ = ["SCHEMA", "Dtype", "Kind", "Link", "Memory", "Profile", "Rates", "Unit"]

SCHEMA = 1


class Link(Struct, frozen=True, kw_only=True):
    """How a tensor gets from one unit's memory to another's.

    One copy of `n` bytes (in the model's dtype) takes `latency` + n / `bandwidth`, and for float
    tensors between units of different dtype n / `conversion` on top.

    Attributes:
        between: two units; the link is the same both ways.
        latency: fixed part: map, flush, launch of a layout kernel.
        bandwidth: of the copy or change of layout; absent where the memory is simply shared.
        conversion: of the change of dtype; absent where it costs nothing.
    """

    between: tuple[str, str]
    latency: Figure
    bandwidth: Figure | None = None
    conversion: Figure | None = None

    def __post_init__(self) -> None:
        """Check each figure's unit of measure.

        Raises:
            ValueError: naming the link and the field.
        """
        try:
            check(self.latency, "latency", "time")
            check(self.bandwidth, "bandwidth", "bandwidth", positive=True)
            check(self.conversion, "conversion", "bandwidth", positive=True)
        except ValueError as error:
            raise ValueError(f"link {' - '.join(self.between)}: {error}") from None

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All that are stated."""
        return tuple(f for f in (self.latency, self.bandwidth, self.conversion) if f is not None)


class Memory(Struct, frozen=True, kw_only=True):
    """The memory that all units share.

    Attributes:
        kind: `LPDDR4X-2133`.
        bandwidth: of the pins, as specified; what a unit gets of it is in its rates.
        capacity: absent where it differs from device to device.
        usable: what all units together get of it; absent where unknown.
    """

    kind: str
    bandwidth: Figure | None = None
    capacity: Figure | None = None
    usable: Figure | None = None

    def __post_init__(self) -> None:
        """Check each figure's unit of measure.

        Raises:
            ValueError: naming the field.
        """
        check(self.bandwidth, "memory.bandwidth", "bandwidth", positive=True)
        check(self.capacity, "memory.capacity", "size", positive=True)
        check(self.usable, "memory.usable", "bandwidth", positive=True)


class Profile(Struct, frozen=True, kw_only=True, dict=True):
    """A SoC.

    Attributes:
        schema: version of this layout.
        name: what `--profile` takes.
        title: for people.
        home: the unit whose memory holds requests and results.
        requests: `home`, or `anywhere` where every unit reads requests and leaves results in place.
        memory: shared by all units; absent where unknown.
        units: at least one.
        links: one for each pair of units.
        thermal: heat and board power; absent where nothing is known.
        modes: power modes of the board, beside the one that the figures are for.
        unknown: what isn't known about the SoC, in words.
    """

    schema: int = SCHEMA
    name: str
    title: str = ""
    home: str
    requests: Literal["home", "anywhere"] = "home"
    memory: Memory | None = None
    units: tuple[Unit, ...]
    links: tuple[Link, ...] = ()
    thermal: Thermal | None = None
    modes: tuple[Mode, ...] = ()
    unknown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that names fit together.

        Raises:
            ValueError: naming what is missing or twice.
        """
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema} is not {SCHEMA}, the one this version reads")
        if not self.name.strip():
            raise ValueError("name is empty: say what --profile takes, as name = 'my-soc'")
        names = [unit.name for unit in self.units]
        if "" in (name.strip() for name in names):
            raise ValueError("a unit's name is empty: give it one, as name = 'cpu'")
        if not names:
            raise ValueError("units is empty: a profile needs at least one")
        if len(set(names)) < len(names):
            raise ValueError(f"two units have the same name: {', '.join(names)}")
        if self.home not in names:
            raise ValueError(f"home {self.home!r} is not one of the units {', '.join(names)}")
        _check_links(self.links, names)
        if self.thermal is not None:
            self.thermal.check_units(names)
        for mode in self.modes:
            strangers = sorted(set(mode.slowdown) - set(names))
            if strangers:
                raise ValueError(
                    f"mode {mode.name!r} slows unknown unit {strangers[0]!r}: "
                    f"units are {', '.join(names)}"
                )

    @cached_property
    def sha256(self) -> str:
        """Digest of the content, see `hetsched.soc.digest`."""
        return digest(self)

    def unit(self, name: str) -> Unit:
        """The unit of that name.

        Raises:
            ProfileError: naming the units that there are.
        """
        for unit in self.units:
            if unit.name == name:
                return unit
        names = ", ".join(unit.name for unit in self.units)
        raise ProfileError(f"profile {self.name} has no unit {name!r}: it has {names}")

    def link(self, source: str, target: str) -> Link | None:
        """The link between two units; None between a unit and itself.

        Raises:
            ProfileError: when there is no such unit.
        """
        try:
            return self._links[source, target]
        except KeyError:
            stranger = source if (source, source) not in self._links else target
            self.unit(stranger)
            raise

    @cached_property
    def _links(self) -> dict[tuple[str, str], Link | None]:
        found: dict[tuple[str, str], Link | None] = {}
        for link in self.links:
            first, second = link.between
            found[first, second] = found[second, first] = link
        return {**found, **{(unit.name, unit.name): None for unit in self.units}}


def _check_links(links: tuple[Link, ...], names: list[str]) -> None:
    seen: set[frozenset[str]] = set()
    for link in links:
        pair = frozenset(link.between)
        unknown = sorted(pair - set(names))
        if unknown:
            raise ValueError(f"link to unknown unit {unknown[0]!r}: units are {', '.join(names)}")
        if len(pair) < 2:
            raise ValueError(f"link from {link.between[0]!r} to itself: leave it out")
        if pair in seen:
            raise ValueError(f"link {' - '.join(link.between)} is there twice")
        seen.add(pair)
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            if frozenset((first, second)) not in seen:
                raise ValueError(f"no link between {first!r} and {second!r}: add one to links")

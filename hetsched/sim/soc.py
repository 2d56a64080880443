"""The SoC as the simulator takes it: units, links, memory, heat.

What isn't known is None and has no effect; the result says so.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from hetsched.sim.refuse import check_number, refuse_unless


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A clock that a unit can run at.

    Attributes:
        hz: the clock.
        power_mw: while a stage runs; None where unknown.
    """

    hz: float
    power_mw: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SimError: naming what is wrong.
        """
        check_number(self.hz, "a level's hz", positive=True)
        check_number(self.power_mw, "a level's power_mw")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimUnit:
    """Something that runs one stage at a time.

    Attributes:
        name: unique.
        power_mw: while a stage runs, at `reference_hz`; None where unknown.
        idle_mw: while none does; None where unknown.
        sleep_mw: once `keep_ns` is over; None where unknown: then it draws as much as idle.
        levels: clocks, highest first; empty where unknown: then it always runs as stages say.
        level: index of the clock that it runs at; throttling goes further down from there.
        reference_hz: the clock that stages' times and powers are for; the first level's where None.
        keep_ns: awake for so long after a stage.
        wake_ns: what the first stage after that pays on top; None where unknown.
        outages: (down ns, up ns), rising; None for a unit that doesn't come back.
        memory_bytes: limit of what apps may hold there; None for no limit of its own.
    """

    name: str
    power_mw: float | None = None
    idle_mw: float | None = None
    sleep_mw: float | None = None
    levels: tuple[Level, ...] = ()
    level: int = 0
    reference_hz: float | None = None
    keep_ns: int = 0
    wake_ns: int | None = None
    outages: tuple[tuple[int, int | None], ...] = ()
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SimError: naming the unit and what is wrong.
        """
        where = f"unit {self.name!r}: "
        for name in ("power_mw", "idle_mw", "sleep_mw", "keep_ns", "wake_ns", "memory_bytes"):
            check_number(getattr(self, name), where + name)
        check_number(self.reference_hz, where + "reference_hz", positive=True)
        clocks = [level.hz for level in self.levels]
        falls = all(high > low for high, low in pairwise(clocks))
        refuse_unless(falls, f"{where}levels must fall from the highest clock to the lowest")
        fits = 0 <= self.level < max(len(clocks), 1)
        refuse_unless(fits, f"{where}level is {self.level} of {len(clocks)}")
        times = [time for outage in self.outages for time in outage]
        last = times.pop() if times else None
        fits = None not in times and all(a < b for a, b in pairwise([-1, *_known(times)]))
        fits = fits and (last is None or not times or last > _known(times)[-1])
        refuse_unless(fits, f"{where}outages must rise and not overlap: {self.outages}")


def _known(times: list[int | None]) -> list[int]:
    return [time for time in times if time is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimLink:
    """A transfer path, shared by all copies that go over it at the same time.

    Attributes:
        name: for people.
        bytes_per_s: None where memory is simply shared: then only latency counts.
    """

    name: str
    bytes_per_s: float | None = None

    def __post_init__(self) -> None:
        """Check the bandwidth.

        Raises:
            SimError: naming the link.
        """
        check_number(self.bytes_per_s, f"link {self.name!r}: bytes_per_s", positive=True)

    def shared_ns(self, nbytes: int) -> int:
        """How long a copy has the bandwidth for itself."""
        return 0 if self.bytes_per_s is None else round(nbytes / self.bytes_per_s * 1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatNode:
    """A part of the device that warms up as a whole: die, board, case.

    Attributes:
        name: for people.
        capacity_j_per_k: heat that warms it by a degree.
        to_air_w_per_k: what it gives to the air per degree of difference.
        units: names of the units that heat it.
    """

    name: str
    capacity_j_per_k: float
    to_air_w_per_k: float = 0.0
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatEdge:
    """Heat that two nodes exchange per degree of difference."""

    first: str
    second: str
    w_per_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalZone:
    """Throttling by steps with hysteresis, as Linux's `step_wise` governor does it.

    Attributes:
        node: whose temperature counts.
        trip_c: from there on, at every look, its units go one level down.
        hysteresis_c: so much below `trip_c`, they go one level up.
        units: names.
    """

    node: str
    trip_c: float
    hysteresis_c: float
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thermal:
    """Heat as a network of capacities and conductances; who gives it says where it is from.

    Attributes:
        nodes: at least one.
        edges: between them.
        zones: that throttle.
        ambient_c: of the air.
        initial_c: of all nodes; the air's where None.
        period_ns: how often zones look at temperatures.
        source: where the numbers come from.
    """

    nodes: tuple[HeatNode, ...]
    edges: tuple[HeatEdge, ...] = ()
    zones: tuple[ThermalZone, ...] = ()
    ambient_c: float = 25.0
    initial_c: float | None = None
    period_ns: int = 100_000_000
    source: str

    def __post_init__(self) -> None:
        """Check numbers and names.

        Raises:
            SimError: naming the node, edge or zone and what is wrong.
        """
        names = [node.name for node in self.nodes]
        refuse_unless(bool(names) and len(set(names)) == len(names), "heat nodes need own names")
        refuse_unless(
            self.period_ns > 0, f"thermal period is {self.period_ns} ns: give more than 0"
        )
        degrees = (self.ambient_c, self.initial_c or 0.0, *(zone.trip_c for zone in self.zones))
        refuse_unless(all(map(isfinite, degrees)), f"temperatures must be numbers: {degrees}")
        for node in self.nodes:
            check_number(node.capacity_j_per_k, f"node {node.name!r}: capacity", positive=True)
            check_number(node.to_air_w_per_k, f"node {node.name!r}: to_air")
        for edge in self.edges:
            check_number(edge.w_per_k, f"edge {edge.first} - {edge.second}: w_per_k")
            known = edge.first in names and edge.second in names and edge.first != edge.second
            refuse_unless(known, f"edge {edge.first} - {edge.second}: nodes are {', '.join(names)}")
        for zone in self.zones:
            check_number(zone.hysteresis_c, f"zone of {zone.node!r}: hysteresis")
            known = zone.node in names
            refuse_unless(known, f"zone of {zone.node!r}: nodes are {', '.join(names)}")
        for name in names:
            refuse_unless(self._reaches_air(name), f"node {name!r} gives its heat to nobody")

    def _reaches_air(self, name: str) -> bool:
        seen, left = set(), [name]
        to_air = {node.name for node in self.nodes if node.to_air_w_per_k > 0}
        while left:
            at = left.pop()
            if at in to_air:
                return True
            seen.add(at)
            for edge in self.edges:
                if edge.w_per_k > 0 and at in (edge.first, edge.second):
                    other = edge.second if at == edge.first else edge.first
                    left += [other] if other not in seen else []
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class SimSoc:
    """Everything that apps run on.

    Attributes:
        name: for people.
        units: at least one.
        links: that stages' transfers name by index.
        memory_bytes_per_s: what all units together get of the memory; None where unknown.
        memory_bytes: limit of what apps may hold on all units together; None where unknown.
        thermal: None where unknown.
        sustained_mw: what all units together may draw for ever; None where unknown. It throttles
            nothing: the result says when more was drawn.
    """

    name: str = "soc"
    units: tuple[SimUnit, ...]
    links: tuple[SimLink, ...] = ()
    memory_bytes_per_s: float | None = None
    memory_bytes: int | None = None
    thermal: Thermal | None = None
    sustained_mw: float | None = None

    def __post_init__(self) -> None:
        """Check names and numbers.

        Raises:
            SimError: naming what is wrong.
        """
        names = [unit.name for unit in self.units]
        refuse_unless(1 <= len(names) <= 64, f"from 1 to 64 units, not {len(names)}")
        refuse_unless(len(set(names)) == len(names), f"two units have one name: {names}")
        check_number(self.memory_bytes_per_s, "memory_bytes_per_s", positive=True)
        check_number(self.memory_bytes, "memory_bytes")
        check_number(self.sustained_mw, "sustained_mw", positive=True)
        if self.thermal is None:
            return
        heated = [name for node in self.thermal.nodes for name in node.units]
        refuse_unless(len(set(heated)) == len(heated), "a unit heats one node, not two")
        for name in [*heated, *(name for zone in self.thermal.zones for name in zone.units)]:
            refuse_unless(
                name in names, f"thermal names unit {name!r}: units are {', '.join(names)}"
            )

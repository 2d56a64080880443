"""Heat of a SoC: how much it gets rid of, how warm it becomes, and from where on it is throttled.

The network is a tree: each node gives its heat to one other node, or to the air. Temperatures are
those above what the board has when nothing runs, `rest`, because units' powers are counted from
there, too.
"""

from collections.abc import Mapping

import msgspec

from hetsched.soc.figure import Figure, Struct, check

AIR = "air"
"""Where heat goes in the end."""


class HeatNode(Struct, frozen=True, kw_only=True):
    """A part of the device that warms up as a whole: die, board, case.

    Attributes:
        name: unique.
        capacity: heat that warms it by a degree.
        resistance: degrees between it and `to` per watt that goes there.
        to: another node, or the air.
        units: units that heat it.
    """

    name: str
    capacity: Figure
    resistance: Figure
    to: str = AIR
    units: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the units of measure.

        Raises:
            ValueError: naming the node and the field.
        """
        check(self.capacity, f"node {self.name!r}: capacity", "heat capacity", positive=True)
        check(self.resistance, f"node {self.name!r}: resistance", "heat resistance", positive=True)


class HeatZone(Struct, frozen=True, kw_only=True):
    """Where clocks are lowered when it gets too hot.

    Attributes:
        node: whose temperature counts.
        trip: from there on its units go one level down at every look.
        hysteresis: so much below `trip`, they go one level up.
        units: that are throttled.
    """

    node: str
    trip: Figure
    hysteresis: Figure
    units: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the units of measure.

        Raises:
            ValueError: naming the zone and the field.
        """
        check(self.trip, f"zone of {self.node!r}: trip", "temperature")
        check(self.hysteresis, f"zone of {self.node!r}: hysteresis", "temperature")


class Thermal(Struct, frozen=True, kw_only=True):
    """How much heat a SoC gets rid of.

    Attributes:
        sustained: power that all units together may draw for ever; unknown where left out.
        idle: power of the whole board when nothing runs.
        stress: power of the whole board when all CPU cores work.
        rest: temperature of all nodes when nothing runs.
        nodes: the network; empty where unknown.
        zones: that throttle.
        period: how often temperatures are looked at.
        notes: what was seen, in words, each with its source.
    """

    sustained: Figure | None = None
    idle: Figure | None = None
    stress: Figure | None = None
    rest: Figure | None = None
    nodes: tuple[HeatNode, ...] = ()
    zones: tuple[HeatZone, ...] = ()
    period: Figure | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check units of measure, and that heat gets away from everywhere.

        Raises:
            ValueError: naming the field or node and what would be accepted.
        """
        for field in ("sustained", "idle", "stress"):
            check(getattr(self, field), f"thermal.{field}", "power")
        check(self.rest, "thermal.rest", "temperature")
        check(self.period, "thermal.period", "time", positive=True)
        names = [node.name for node in self.nodes]
        if len({*names, AIR}) <= len(names):
            raise ValueError(f"thermal.nodes: names must differ, and from {AIR!r}: {names}")
        if self.nodes and self.rest is None:
            raise ValueError("thermal.nodes need thermal.rest: the temperature when nothing runs")
        if self.nodes and self.period is None:
            raise ValueError("thermal.nodes need thermal.period: how often clocks are looked at")
        for node in self.nodes:
            _check_way(node, {each.name: each for each in self.nodes})
        for zone in self.zones:
            if zone.node not in names:
                raise ValueError(f"thermal.zones: no node {zone.node!r}: {_listed(names)}")

    def check_units(self, names: list[str]) -> None:
        """See that it names units of a profile, each of which heats one node at most.

        Raises:
            ValueError: naming the stranger.
        """
        heating = [unit for node in self.nodes for unit in node.units]
        for unit in [*heating, *(unit for zone in self.zones for unit in zone.units)]:
            if unit not in names:
                raise ValueError(f"thermal names unknown unit {unit!r}: {_listed(names)}")
        for unit in heating:
            if heating.count(unit) > 1:
                raise ValueError(f"thermal.nodes: unit {unit!r} heats two nodes, give it one")


def _check_way(node: HeatNode, nodes: Mapping[str, HeatNode]) -> None:
    seen = [node.name]
    while (to := nodes[seen[-1]].to) != AIR:
        if to not in nodes:
            raise ValueError(
                f"node {seen[-1]!r} gives its heat to {to!r}: {_listed([*nodes, AIR])}"
            )
        if to in seen:
            raise ValueError(f"heat of node {node.name!r} goes round in a circle, never to the air")
        seen.append(to)


def _listed(names: list[str]) -> str:
    return f"there are {', '.join(names)}" if names else "there are none"


class ThermalFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that holds nothing but a `[thermal]` table.

    Attributes:
        thermal: the table.
    """

    thermal: Thermal

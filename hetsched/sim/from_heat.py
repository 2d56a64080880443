"""From a profile's heat to the simulator's words, and from a file that takes its place."""

import tomllib
from pathlib import Path

import msgspec

from hetsched.errors import ProfileError
from hetsched.sim.soc import HeatEdge, HeatNode, Thermal, ThermalZone
from hetsched.soc.heat import AIR, HeatZone, ThermalFile
from hetsched.soc.heat import HeatNode as ProfileNode
from hetsched.soc.heat import Thermal as ProfileThermal
from hetsched.soc.keys import explain
from hetsched.soc.profile import Profile


def from_heat(thermal: ProfileThermal | None) -> Thermal | None:
    """The network, None where it isn't known.

    Units' powers count from the idle board, which is as warm as `rest`: in a linear network that
    temperature stands for the air's, and the power of the idle board for nothing.
    """
    if thermal is None or not thermal.nodes or thermal.rest is None or thermal.period is None:
        return None
    return Thermal(
        nodes=tuple(_node(node) for node in thermal.nodes),
        edges=tuple(
            HeatEdge(first=node.name, second=node.to, w_per_k=_conductance(node))
            for node in thermal.nodes
            if node.to != AIR
        ),
        zones=tuple(_zone(zone) for zone in thermal.zones),
        ambient_c=thermal.rest.base("temperature"),
        period_ns=round(thermal.period.base("time")),
        source="; ".join(dict.fromkeys(node.resistance.source for node in thermal.nodes)),
    )


def _node(node: ProfileNode) -> HeatNode:
    return HeatNode(
        name=node.name,
        capacity_j_per_k=node.capacity.base("heat capacity"),
        to_air_w_per_k=_conductance(node) if node.to == AIR else 0.0,
        units=node.units,
    )


def _conductance(node: ProfileNode) -> float:
    return 1.0 / node.resistance.base("heat resistance")


def _zone(zone: HeatZone) -> ThermalZone:
    return ThermalZone(
        node=zone.node,
        trip_c=zone.trip.base("temperature"),
        hysteresis_c=zone.hysteresis.base("temperature"),
        units=zone.units,
    )


def load_thermal(path: str | Path) -> ProfileThermal:
    """Read a file with a `[thermal]` table as profiles have it.

    Raises:
        ProfileError: naming the file, the key and what would be accepted.
    """
    source = Path(path)
    try:
        raw = tomllib.loads(source.read_text(encoding="utf-8"))
        return msgspec.convert(raw, ThermalFile).thermal
    except OSError as error:
        raise ProfileError(f"thermal file {source} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"thermal file {source} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise ProfileError(f"thermal file {source}: {explain(ThermalFile, str(error))}") from error


def with_thermal(profile: Profile, thermal: ProfileThermal) -> Profile:
    """The SoC in another case, with another cooler, in warmer air: what it computes is the same.

    Raises:
        ProfileError: naming a unit that the profile hasn't.
    """
    old = profile.thermal
    if old is not None and thermal.sustained is None and not thermal.nodes:
        thermal = msgspec.structs.replace(thermal, sustained=old.sustained)
    try:
        return msgspec.structs.replace(profile, thermal=thermal)
    except ValueError as error:
        raise ProfileError(f"profile {profile.name}: {error}") from error


def at_rest(profile: Profile, rest_c: float) -> Profile:
    """The SoC where it is another temperature when nothing runs: warmer air, a closed case.

    Raises:
        ProfileError: where its heat isn't known.
    """
    thermal = profile.thermal
    if thermal is None or not thermal.nodes or thermal.rest is None:
        raise ProfileError(
            f"profile {profile.name} knows no heat network, so that {rest_c:g} C would have no "
            "effect: give one as --thermal FILE"
        )
    rest = msgspec.structs.replace(
        thermal.rest, value=rest_c, origin="assumed", source="asked for", low=1.0, high=1.0
    )
    return msgspec.structs.replace(profile, thermal=msgspec.structs.replace(thermal, rest=rest))

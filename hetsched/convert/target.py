"""What a model is converted for: a framework and backend, or a unit of a SoC."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hetsched.convert.capability import table_refusals
from hetsched.convert.capability_rows import backends, near, table
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Graph
from hetsched.soc.profile import Profile

Rows: TypeAlias = tuple[tuple[str, str], ...]
"""(framework, backend) tables that an op must all pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where ops have to run.

    Attributes:
        name: for people.
        ways: an op is supported where one of them supports it.
    """

    name: str
    ways: tuple[Rows, ...]

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        """Ops that no way supports, each with the reason of the first way."""
        found = [table_refusals(graph, *rows) for rows in self.ways]
        common = set(found[0]).intersection(*found[1:])
        return {op: reason for op, reason in found[0].items() if op in common}


def framework_target(framework: str, backend: str | None = None) -> Target:
    """A framework: its converter's rows where it has one, and a backend's.

    Without a backend, an op is supported where one of the framework's backends runs it.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    there = backends(framework)
    doors = [name for name in there if name.startswith("converter")]
    runs = [name for name in there if name not in doors]
    if backend is not None:
        table(framework, backend)  # it says what there is
    first = tuple((framework, door) for door in doors[:1])
    chosen = [backend] if backend is not None else runs or doors[:1]
    ways = tuple(tuple(dict.fromkeys((*first, (framework, name)))) for name in chosen)
    return Target(name=f"{framework} {backend}" if backend else framework, ways=ways)


def profile_target(profile: Profile, unit: str | None = None) -> Target:
    """A unit of a SoC; without one, an op is supported where one of the accelerators runs it.

    Raises:
        CapabilityError: when the profile has no such unit, naming those that it has.
    """
    if unit is None:
        chosen = [u for u in profile.units if u.kind != "cpu"] or list(profile.units)
        name = f"{profile.name}'s {', '.join(u.name for u in chosen)}"
    else:
        chosen = [u for u in profile.units if u.name == unit]
        name = f"{profile.name}'s {unit}"
    if not chosen:
        known = [u.name for u in profile.units]
        raise CapabilityError(
            f"profile {profile.name!r} has no unit {unit!r}: {near(unit or '', known)}"
            f"it has {', '.join(known)}"
        )
    ways = dict.fromkeys(((u.framework, u.backend),) for u in chosen)
    return Target(name=name, ways=tuple(ways))

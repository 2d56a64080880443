"""What a model is converted for: a framework and backend, or a unit of a SoC."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hetsched.convert.capability import table_refusals, tables
from hetsched.convert.capability_limits import limits_of
from hetsched.convert.capability_rows import backends, near, table
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Graph
from hetsched.soc.profile import Profile, Unit

Rows: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to run an op.

    Attributes:
        rows: (framework, backend) tables that the op must all pass.
        computes: what float tensors are converted to before, None when they stay.
    """

    rows: Rows
    computes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where ops have to run.

    Attributes:
        name: for people.
        ways: an op is supported where one of them supports it.
    """

    name: str
    ways: tuple[Way, ...]

    @property
    def single_output(self) -> bool:
        """Whether every way allows a graph one output only."""
        return bool(self.ways) and all(
            any(limits_of(*row).single_output for row in way.rows) for way in self.ways
        )

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        """Ops that no way supports, each with the reason of the first way."""
        found = [table_refusals(graph, *way.rows, computes=way.computes) for way in self.ways]
        common = set(found[0]).intersection(*found[1:])
        return {op: reason for op, reason in found[0].items() if op in common}


def framework_target(
    framework: str, backend: str | None = None, dtypes: Mapping[str, str | None] | None = None
) -> Target:
    """A framework: its converter's rows where it has one, and a backend's.

    Without a backend, an op is supported where one of the framework's backends runs it.

    Args:
        framework: as in index.csv.
        backend: of the framework.
        dtypes: by backend, what float tensors are converted to there, where they can't stay.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    known = dtypes or {}
    ways = tuple(
        Way(rows=_rows(framework, name), computes=known.get(name))
        for name in chosen_backends(framework, backend)
    )
    if backend is None:
        return Target(name=framework, ways=ways)
    changed = f" in {known[backend]}" if known.get(backend) else ""
    return Target(name=f"{framework} {backend}{changed}", ways=ways)


def chosen_backends(framework: str, backend: str | None = None) -> tuple[str, ...]:
    """The backend that is asked for, else all that run ops, else the framework's converter.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    if backend is not None:
        table(framework, backend)  # it says what there is
        return (backend,)
    there = backends(framework)
    return tuple(name for name in there if not name.startswith("converter")) or there[:1]


def _rows(framework: str, backend: str) -> Rows:
    return tuple((each.framework, each.backend) for each in tables(framework, backend))


def accelerators(profile: Profile) -> tuple[Unit, ...]:
    """A SoC's units that aren't CPUs; all of them where there are only CPUs."""
    return tuple(unit for unit in profile.units if unit.kind != "cpu") or profile.units


def profile_target(profile: Profile, unit: str | None = None) -> Target:
    """A unit of a SoC; without one, an op is supported where one of the accelerators runs it.

    Raises:
        CapabilityError: when the profile has no such unit, naming those that it has.
    """
    if unit is None:
        chosen = list(accelerators(profile))
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
    ways = (Way(rows=((u.framework, u.backend),), computes=u.dtype) for u in chosen)
    return Target(name=name, ways=tuple(dict.fromkeys(ways)))

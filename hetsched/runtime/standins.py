"""Which units of this machine may run a stage, and what each of them is expected to take."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from hetsched.backends.base import computes, is_emulated
from hetsched.errors import RunError
from hetsched.plan.model import Plan, Subgraph
from hetsched.runtime.units import RuntimeUnit

Alternatives: TypeAlias = Literal["same-backend", "all"] | Mapping[str, Sequence[str]]
"""Who stands in for a stage's unit: the units of the plan's alternatives that share its backend
here; those and all other units whose backend takes the stage; or units named for units of the
plan."""

HERE: Final = "host"
"""Name of this machine's profile: only what such a plan predicts is true here."""

SAME: Final = "same-backend"
ALL: Final = "all"


def check_alternatives(plan: Plan, units: Sequence[RuntimeUnit], wanted: Alternatives) -> None:
    """Refuse what isn't one of them.

    Raises:
        RunError: naming the word or the unit, and what would be accepted.
    """
    if isinstance(wanted, str):
        if wanted not in (SAME, ALL):
            raise RunError(
                f"alternatives is {wanted!r}: give {SAME}, {ALL}, or the plan's units with those "
                "that may stand in for each"
            )
        return
    planned = list(dict.fromkeys(part.unit for part in plan.subgraphs))
    names = [unit.name for unit in units]
    for unit, others in wanted.items():
        if unit not in planned:
            raise RunError(
                f"alternatives name {unit!r}: the plan has {', '.join(planned) or 'no unit'}"
            )
        for other in others:
            if other not in names:
                raise RunError(
                    f"alternatives of {unit!r} name {other!r}: take some of {', '.join(names)}"
                )


def able_units(
    plan: Plan,
    part: Subgraph,
    units: Sequence[RuntimeUnit],
    mapping: Mapping[str, str],
    wanted: Alternatives = SAME,
) -> tuple[tuple[int, int], ...]:
    """(index, expected ns) of the units here that may run a subgraph, the planned one's first.

    The times of a plan for another machine say nothing here, so they are 0 until they have been
    measured. On this machine, a unit of which the plan says nothing counts like the planned one
    until it has run the stage: it is tried when that one is busy or down.
    """
    index_of = {unit.name: index for index, unit in enumerate(units)}
    is_here = plan.profile.name == HERE
    first = index_of[mapping[part.unit]]
    planned_ns = part.end_ns - part.start_ns if is_here else 0
    told: dict[int, int] = {}
    for other in part.alternatives:
        index = index_of.get(mapping.get(other.unit, other.unit))
        if index is not None:
            told.setdefault(index, other.cost_ns if is_here else 0)
    found = {first: planned_ns}
    for index in _others(part, units, first, tuple(told), index_of, wanted):
        found.setdefault(index, told.get(index, planned_ns))
    return tuple(found.items())


def _others(
    part: Subgraph,
    units: Sequence[RuntimeUnit],
    first: int,
    told: Sequence[int],
    index_of: Mapping[str, int],
    wanted: Alternatives,
) -> Sequence[int]:
    if not isinstance(wanted, str) and part.unit in wanted:
        return [index_of[name] for name in wanted[part.unit]]
    if wanted == ALL:  # but an emulated unit is never taken unless it is named
        found = (*told, *(i for i, unit in enumerate(units) if not is_emulated(unit.backend)))
        return [
            i for i in found if computes(units[i].backend) or not computes(units[first].backend)
        ]
    return [index for index in told if units[index].backend is units[first].backend]

"""Another plan for an app, when units or their backends don't do what was planned."""

from collections.abc import Collection, Mapping, Sequence

from hetsched.errors import RunError
from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.runtime.faults import UnitState, UnitStatus
from hetsched.runtime.units import RuntimeUnit, map_units


def plan_around(
    plan: Plan,
    model: Model,
    refused: Mapping[tuple[str, str], str],
    units: Collection[str] = (),
) -> Plan:
    """As `hetsched.plan.again.plan_without`, which is heavy: it solves."""
    from hetsched.plan.again import plan_without

    return plan_without(plan, model, refused, units)


def units_of(plan: Plan) -> list[str]:
    """The plan's units that have something to do, in its order."""
    return list(dict.fromkeys(part.unit for part in plan.subgraphs))


def left_out(states: Sequence[UnitState], without: Sequence[str] | None) -> tuple[str, ...]:
    """The runtime's units that a new plan does without: those named, else those that are lost.

    Raises:
        RunError: naming one that isn't there, or when nothing or everything would be left out.
    """
    names = [state.name for state in states]
    for name in without or ():
        if name not in names:
            raise RunError(f"there is no unit {name!r}: take some of {', '.join(names)}")
    lost = (UnitStatus.GIVEN_UP, UnitStatus.HUNG)
    found = [s.name for s in states if (s.status in lost if without is None else s.name in without)]
    if not found:
        raise RunError("no unit hangs or was given up: name those that the plan is to do without")
    if len(found) == len(names):
        raise RunError("a plan can't do without every unit")
    return tuple(found)


def planned_names(mapping: Mapping[str, str], out: Collection[str]) -> set[str]:
    """What a plan calls the runtime's units that are left out."""
    mapped = {planned for planned, unit in mapping.items() if unit in out}
    return mapped | {name for name in out if name not in mapping}


def mapped_again(
    plan: Plan, units: Sequence[RuntimeUnit], mapping: Mapping[str, str], out: Collection[str] = ()
) -> dict[str, str]:
    """A new plan's units to the runtime's, as the old one's were, without those left out.

    Raises:
        RunError: naming a unit that must be mapped.
    """
    planned = units_of(plan)
    kept = {unit: on for unit, on in mapping.items() if unit in planned and on not in out}
    return map_units(planned, [unit for unit in units if unit.name not in out], kept)

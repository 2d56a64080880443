"""Where the stages of a deployed app may run, what that is expected to take, and who says so."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from hetsched.plan.model import Plan, Subgraph
from hetsched.quantity import Origin
from hetsched.runtime.feedback import origin_on
from hetsched.runtime.program import Program
from hetsched.runtime.standins import HERE
from hetsched.runtime.units import RuntimeUnit


class StagePlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit that may run a stage.

    Attributes:
        stage: the plan's id.
        unit: the runtime's unit.
        backend: what executes it there.
        is_planned: the plan has it there; else the unit is an alternative.
        expected_ns: what the dispatcher takes it to last; None while nothing is known.
        source: `learned` from the runs here; `planned`: the plan predicts it for that unit;
            `assumed`: the plan says nothing of that unit, so that it counts like the planned one.
            None while nothing is known: the plan is for another machine.
        origin: of what was learned or planned; None for others.
        runs: how many runs it was learned from.
    """

    stage: str
    unit: str
    backend: str
    is_planned: bool
    expected_ns: int | None
    source: Literal["learned", "planned", "assumed"] | None
    origin: Origin | None
    runs: int = 0


def stage_places(
    program: Program, plan: Plan, mapping: Mapping[str, str], units: Sequence[RuntimeUnit]
) -> tuple[StagePlace, ...]:
    """Per stage its units, the planned one first."""
    learned = {} if program.learned is None else program.learned.places()
    parts = {part.id: part for part in plan.subgraphs}
    found = []
    for number, stage in enumerate(program.wired.stages):
        part = parts.get(stage.id)  # None while an app is redeployed just now
        origins = {} if part is None or plan.profile.name != HERE else _origins(part, mapping)
        for at, (unit, planned_ns) in enumerate(stage.units):
            name = units[unit].name
            average_ns, runs, _ = learned.get((number, unit), (None, 0, ()))
            source, origin = _planned(planned_ns, origins.get(name))
            if average_ns is not None:
                source, origin = "learned", origin_on(units[unit])
            found.append(
                StagePlace(
                    stage=stage.id,
                    unit=name,
                    backend=stage.backend_on(unit),
                    is_planned=at == 0,
                    expected_ns=(planned_ns or None) if average_ns is None else average_ns,
                    source=source,
                    origin=origin,
                    runs=runs,
                )
            )
    return tuple(found)


def _planned(
    planned_ns: int, origin: Origin | None
) -> tuple[Literal["learned", "planned", "assumed"] | None, Origin | None]:
    if not planned_ns:
        return None, None
    return ("assumed", None) if origin is None else ("planned", origin)


def _origins(part: Subgraph, mapping: Mapping[str, str]) -> dict[str, Origin]:
    """By the runtime's unit, where the plan's prediction comes from; `able_units` has the times."""
    found = {mapping.get(part.unit, part.unit): part.cost_origin}
    for other in part.alternatives:
        found.setdefault(mapping.get(other.unit, other.unit), other.origin)
    return found

"""From a plan to a program that requests can run: load the model, compile, wire."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from hetsched.backends.base import StageSpec
from hetsched.dispatch import Terms
from hetsched.ir.model import Model
from hetsched.plan.model import Plan, Subgraph
from hetsched.runtime.engine import Engine
from hetsched.runtime.entry import Entry
from hetsched.runtime.request import Program, Tally
from hetsched.runtime.steps import make_steps
from hetsched.runtime.units import RuntimeUnit
from hetsched.runtime.wiring import Compiled, wire

HERE = "host"
"""Name of this machine's profile: only what such a plan predicts is true here."""


async def make_program(
    engine: Engine,
    plan: Plan,
    model: Model | None,
    mapping: Mapping[str, str],
    *,
    name: str,
    terms: Terms,
    turn: int,
    tally: Tally,
) -> Program:
    """Load a plan on an engine's units; its stages are known to the dispatcher afterwards.

    Args:
        engine: started.
        plan: what to load.
        model: the plan's, when it is loaded already.
        mapping: each of the plan's units to one of the engine's.
        name: of the app.
        terms: of its requests.
        turn: what a static order calls it.
        tally: where its requests are counted.

    Raises:
        RunError: when the engine is closed, or the plan's stages don't fit together.
        PlanError: when the model isn't the plan's.
        BackendError: when a backend can't take a stage.
    """
    if model is None:
        model = await asyncio.to_thread(_load, plan)
    model = await asyncio.to_thread(_as_planned, plan, model)
    wired = wire(model.graph, await _compile(engine, plan, model, mapping))
    app = engine.deploy(wired.nodes, terms, turn)
    return Program(
        app=app,
        name=name,
        graph=model.graph,
        wired=wired,
        constants=_constants(model),
        steps=make_steps(model.graph, wired),
        unit_names=tuple(unit.name for unit in engine.units),
        tally=tally,
        learned=engine.learner(app, wired.nodes, terms),
        entry=Entry(model.graph),
    )


async def _compile(
    engine: Engine, plan: Plan, model: Model, mapping: Mapping[str, str]
) -> list[Compiled]:
    """Each backend compiles all that was mapped to it at once, on one of its workers."""
    index_of = {unit.name: index for index, unit in enumerate(engine.units)}
    by_backend: dict[int, list[tuple[int, Subgraph]]] = {}
    for position, part in enumerate(plan.subgraphs):
        backend = engine.units[index_of[mapping[part.unit]]].backend
        by_backend.setdefault(id(backend), []).append((position, part))
    compiled: list[Compiled | None] = [None] * len(plan.subgraphs)
    for space, parts in enumerate(by_backend.values()):
        first = index_of[mapping[parts[0][1].unit]]
        backend = engine.units[first].backend
        specs = [StageSpec(id=p.id, ops=p.ops, outputs=p.outputs) for _, p in parts]
        work = engine.on_worker(first, partial(backend.compile, model, specs))
        executables = await asyncio.wrap_future(work)
        for (position, part), executable in zip(parts, executables, strict=True):
            units = able_units(plan, part, engine.units, mapping)
            compiled[position] = Compiled(
                id=part.id,
                planned_unit=part.unit,
                unit=units[0][0],
                unit_name=engine.units[units[0][0]].name,
                backend=backend.name,
                space=space,
                executable=executable,
                units=units,
            )
    return [stage for stage in compiled if stage is not None]


def able_units(
    plan: Plan, part: Subgraph, units: Sequence[RuntimeUnit], mapping: Mapping[str, str]
) -> tuple[tuple[int, int], ...]:
    """(index, expected ns) of the units here that can run a subgraph, the planned one's first.

    Others are those that stand in for units of its alternatives and share the planned one's
    backend: what was compiled for one of them runs on all. The times of a plan for another machine
    say nothing here, so they are 0 until they have been measured.
    """
    index_of = {unit.name: index for index, unit in enumerate(units)}
    is_here = plan.profile.name == HERE
    first = index_of[mapping[part.unit]]
    found = {first: part.end_ns - part.start_ns if is_here else 0}
    for other in part.alternatives:
        index = index_of.get(mapping.get(other.unit, other.unit))
        if index is not None and units[index].backend is units[first].backend:
            found.setdefault(index, other.cost_ns if is_here else 0)
    return tuple(found.items())


def _as_planned(plan: Plan, model: Model) -> Model:
    from hetsched.plan.files import as_planned  # heavy: it can load models

    return as_planned(plan, model)


def _load(plan: Plan) -> Model:
    from hetsched.ir.load import load  # heavy

    return load(plan.model.ref, shapes=plan.model.shapes)


def _constants(model: Model) -> dict[str, np.ndarray]:
    """Values of the model's outputs that no op makes."""
    names = [name for name in model.graph.outputs if name in model.graph.constants]
    if not names:
        return {}
    from hetsched.ir.constants import constant  # heavy

    return {name: constant(model, name) for name in names}

"""From a plan to a program that requests can run: load the model, compile, wire."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from hetsched.backends.emulated import Expecting
from hetsched.dispatch import Terms
from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.runtime.compiling import Compiler, OnCompileFailure, check_on_failure
from hetsched.runtime.engine import Engine
from hetsched.runtime.entry import Entry
from hetsched.runtime.host_stage import HostStage
from hetsched.runtime.program import Program
from hetsched.runtime.standins import ALL, HERE, SAME, Alternatives, able_units, check_alternatives
from hetsched.runtime.steps import make_steps
from hetsched.runtime.tail import Cut, home_of, make_stage, may_leave
from hetsched.runtime.tail import cut as cut_off
from hetsched.runtime.tally import Tally
from hetsched.runtime.watch import Watchdog
from hetsched.runtime.wiring import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How an app's plans are loaded, the first and those that replace it.

    Attributes:
        alternatives: which units may run a stage beside its own.
        on_compile_failure: what to do with a stage that its unit's backend can't take.
        watchdog: when one of its stages hangs.
        host_stages: ids of what the host does around the model, for traces.
        has_pool: the plan's own host stages at the model's end run on the host's pool.
    """

    alternatives: Alternatives = SAME
    on_compile_failure: OnCompileFailure = "refuse"
    watchdog: Watchdog = "auto"
    host_stages: tuple[str, ...] = ()
    has_pool: bool = False

    def __post_init__(self) -> None:
        check_on_failure(self.on_compile_failure)


_AS_USUAL: Final = Loading()


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
    loading: Loading = _AS_USUAL,
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
        loading: who may stand in for whom, and what to do when a backend can't take a stage.

    Raises:
        RunError: when the engine is closed, the plan's stages don't fit together, or an argument
            isn't one of those.
        PlanError: when the model isn't the plan's.
        BackendError: when a backend can't take a stage.
        StruckError: likewise, when it is to be planned again.
    """
    check_alternatives(plan, engine.units, loading.alternatives)
    model = await asyncio.to_thread(_as_planned, plan, await load_model(plan, model))
    for unit in engine.units:
        if isinstance(unit.backend, Expecting):
            await asyncio.to_thread(unit.backend.expect, plan, model)
    cut = _cut(plan, model, engine, mapping) if loading.has_pool else None
    tail = None if cut is None else await asyncio.to_thread(_tail, cut, model, name, loading)
    plan = plan if cut is None else cut.head
    wanted = [
        able_units(plan, p, engine.units, mapping, loading.alternatives) for p in plan.subgraphs
    ]
    others = [able_units(plan, p, engine.units, mapping, ALL) for p in plan.subgraphs]
    compiler = Compiler(engine, plan, model, wanted, others, loading.on_compile_failure)
    wired = wire(model.graph, await compiler.run(), None if cut is None else cut.values)
    app = engine.deploy(wired.nodes, terms, turn)
    program = Program(
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
        longest_ns=tuple(_planned_ns(plan, number) for number in range(len(plan.subgraphs))),
        deadline_ns=terms.deadline_ns,
        watchdog=loading.watchdog,
        notes=tuple(compiler.notes),
        host_stages=loading.host_stages if tail is None else (*loading.host_stages, tail.id),
        tail=tail,
    )
    engine.deployed(program, terms)
    return program


async def load_model(plan: Plan, model: Model | None) -> Model:
    """A plan's model, loaded unless it is given.

    Raises:
        ModelError: when it can't be loaded.
    """
    return await asyncio.to_thread(_load, plan) if model is None else model


def _cut(plan: Plan, model: Model, engine: Engine, mapping: Mapping[str, str]) -> Cut | None:
    """What the pool may take off the units."""
    unit = mapping.get(home_of(plan) or "")
    backends = [each.backend for each in engine.units if each.name == unit]
    return cut_off(plan, model.graph) if all(map(may_leave, backends)) else None


def _tail(cut: Cut, model: Model, name: str, loading: Loading) -> HostStage:
    return make_stage(model, cut.tail, app=name, number=len(loading.host_stages))


def _planned_ns(plan: Plan, number: int) -> int:
    """How long a stage takes here, as far as the plan knows; 0 for another machine's."""
    part = plan.subgraphs[number]
    return part.end_ns - part.start_ns if plan.profile.name == HERE else 0


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

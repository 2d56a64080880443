"""The asyncio face of the runtime: deploy plans, await their outputs."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np

from hetsched.backends.base import HostValue, StageSpec
from hetsched.errors import RunError
from hetsched.ir.model import Model
from hetsched.plan.model import Plan, Subgraph
from hetsched.runtime.dispatch import Terms
from hetsched.runtime.engine import Engine
from hetsched.runtime.inputs import check_inputs
from hetsched.runtime.request import Program, Request, Result
from hetsched.runtime.steps import make_steps
from hetsched.runtime.units import RuntimeUnit, map_units
from hetsched.runtime.wiring import Compiled, wire


class App:
    """A deployed plan. Call it with inputs; requests may overlap, of one app and of several.

    Attributes:
        name: as deployed.
        plan: what it runs.
        mapping: the plan's units to the runtime's.
    """

    def __init__(
        self, engine: Engine, program: Program, plan: Plan, mapping: dict[str, str]
    ) -> None:
        self._engine = engine
        self._program = program
        self.name = program.name
        self.plan = plan
        self.mapping = mapping

    async def __call__(self, inputs: Mapping[str, HostValue]) -> dict[str, Any]:
        """The model's outputs by name, in its order.

        Raises:
            RunError: naming the input that is wrong, or the stage, unit and backend that failed.
        """
        return (await self._awaited(inputs)).outputs()

    async def request(self, inputs: Mapping[str, HostValue]) -> Result:
        """Outputs with the time of every stage.

        Raises:
            RunError: naming the input that is wrong, or the stage, unit and backend that failed.
        """
        return (await self._awaited(inputs)).result()

    async def _awaited(self, inputs: Mapping[str, HostValue]) -> Request:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        request = Request(
            self._program,
            check_inputs(self._program.graph, inputs),
            lambda _: _wake(loop, done),
        )
        self._engine.submit(request)
        try:
            await done
        except asyncio.CancelledError:
            self._engine.cancel(request)
            raise
        return request

    def run(self, inputs: Mapping[str, HostValue]) -> dict[str, Any]:
        """The same without a loop: blocks, and runs on the calling thread where a unit is idle.

        Raises:
            RunError: naming the input that is wrong, or the stage, unit and backend that failed.
        """
        return self._ended(inputs).outputs()

    def run_timed(self, inputs: Mapping[str, HostValue]) -> Result:
        """`run` with the time of every stage.

        Raises:
            RunError: naming the input that is wrong, or the stage, unit and backend that failed.
        """
        return self._ended(inputs).result()

    def _ended(self, inputs: Mapping[str, HostValue]) -> Request:
        running = threading.Lock()  # an Event takes 2 us
        running.acquire()
        request = Request(
            self._program, check_inputs(self._program.graph, inputs), lambda _: running.release()
        )
        try:
            self._engine.run(request)
            running.acquire()
        except BaseException:
            if request.number >= 0:
                self._engine.cancel(request)
            raise
        return request


def _wake(loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]") -> None:
    """Resolve a future from another thread."""
    loop.call_soon_threadsafe(_resolve, done)


def _resolve(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


class Runtime:
    """Runs plans on units, one stage at a time on each, several requests and apps in flight.

    Use it as `async with Runtime(host_units()) as runtime`. Leaving the block waits for what was
    submitted; when an exception leaves it, requests are cancelled.

    Args:
        units: what to run on; `hetsched.host_units()` for this machine.

    Raises:
        RunError: when there is no unit, or two have the same name.
    """

    def __init__(self, units: Sequence[RuntimeUnit]) -> None:
        names = [unit.name for unit in units]
        if not names:
            raise RunError("a runtime needs at least one unit")
        for name in names:
            if names.count(name) > 1:
                raise RunError(f"two units are named {name!r}: names must differ")
        self.units = tuple(units)
        self._engine = Engine(units)
        self._apps: set[str] = set()
        self._state = "new"

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise RunError(f"this runtime is {self._state}: make a new one")
        self._engine.start()
        self._state = "open"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close(cancel=error is not None)

    async def close(self, *, cancel: bool = False) -> None:
        """Take no more requests, wait until nothing runs, end the workers.

        Args:
            cancel: end requests in flight as cancelled, after the stages that run just now.
        """
        if self._state != "open":
            return
        self._state = "closed"
        loop = asyncio.get_running_loop()
        idle: asyncio.Future[None] = loop.create_future()
        self._engine.close(lambda: _wake(loop, idle))
        if cancel:
            self._engine.cancel_all()
        try:
            await idle
        except asyncio.CancelledError:
            self._engine.cancel_all()
            raise
        finally:
            self._engine.stop()
            await asyncio.to_thread(self._engine.join)

    async def deploy(
        self,
        plan: Plan,
        *,
        name: str,
        model: Model | None = None,
        mapping: Mapping[str, str] | None = None,
    ) -> App:
        """Load a plan on the units; it is ready to be called when this returns.

        Args:
            plan: made by `hetsched.plan` or loaded from a file.
            name: of the app, unique in this runtime.
            model: the plan's model when it is loaded already; by default the plan's reference is
                loaded.
            mapping: the plan's units to this runtime's. By default a unit of the same name, else
                the runtime's units in turn.

        Raises:
            RunError: for a wrong name or mapping, or when the runtime isn't open.
            PlanError: when the model isn't the plan's.
            BackendError: when a backend can't take a stage.
        """
        if self._state != "open":
            raise RunError(f"this runtime is {self._state}: deploy inside `async with`")
        if name in self._apps:
            raise RunError(f"an app named {name!r} is deployed already")
        chosen = map_units(
            list(dict.fromkeys(part.unit for part in plan.subgraphs)), self.units, mapping
        )
        self._apps.add(name)
        try:
            if model is None:
                model = await asyncio.to_thread(_load, plan)
            _check_model(plan, model)
            wired = wire(model.graph, await self._compile(plan, model, chosen))
        except BaseException:
            self._apps.discard(name)
            raise
        program = Program(
            app=self._engine.deploy(wired.nodes, Terms()),
            name=name,
            graph=model.graph,
            wired=wired,
            constants=_constants(model),
            steps=make_steps(model.graph, wired),
            unit_names=tuple(unit.name for unit in self.units),
        )
        return App(self._engine, program, plan, chosen)

    async def _compile(
        self, plan: Plan, model: Model, mapping: Mapping[str, str]
    ) -> list[Compiled]:
        """Each backend compiles all that was mapped to it at once, on one of its workers."""
        index_of = {unit.name: index for index, unit in enumerate(self.units)}
        by_backend: dict[int, list[tuple[int, Subgraph]]] = {}
        for position, part in enumerate(plan.subgraphs):
            backend = self.units[index_of[mapping[part.unit]]].backend
            by_backend.setdefault(id(backend), []).append((position, part))
        compiled: list[Compiled | None] = [None] * len(plan.subgraphs)
        for space, parts in enumerate(by_backend.values()):
            first = index_of[mapping[parts[0][1].unit]]
            backend = self.units[first].backend
            specs = [StageSpec(id=p.id, ops=p.ops, outputs=p.outputs) for _, p in parts]
            work = self._engine.on_worker(first, partial(backend.compile, model, specs))
            executables = await asyncio.wrap_future(work)
            for (position, part), executable in zip(parts, executables, strict=True):
                unit = index_of[mapping[part.unit]]
                compiled[position] = Compiled(
                    id=part.id,
                    planned_unit=part.unit,
                    unit=unit,
                    unit_name=self.units[unit].name,
                    backend=backend.name,
                    space=space,
                    executable=executable,
                    units=((unit, part.end_ns - part.start_ns),),
                )
        return [stage for stage in compiled if stage is not None]


def _check_model(plan: Plan, model: Model) -> None:
    from hetsched.plan.files import check_model  # heavy: it can load models

    check_model(plan, model)


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

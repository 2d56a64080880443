"""Have backends compile a plan's stages; what one of them refuses goes to another, when asked to.

Stages that run on units of one backend only are compiled with the others of that backend, so that
it may optimise across their boundaries. A stage with units of several backends is compiled alone
by each: what it reads and makes must mean the same everywhere.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, TypeAlias

from hetsched.backends.base import Backend, Executable, StageSpec
from hetsched.errors import BackendError, RunError, UnitDownError
from hetsched.ir.model import Model
from hetsched.plan.model import Plan, Subgraph
from hetsched.runtime.engine import Engine
from hetsched.runtime.wiring import Compiled, Variant

_log = logging.getLogger(__name__)

OnCompileFailure: TypeAlias = Literal["refuse", "alternative", "replan"]
"""When the backend of a planned unit can't take a stage: refuse the plan, give the stage to a unit
that can, or plan again without those ops on that unit."""

ON_FAILURE: Final = ("refuse", "alternative", "replan")

DEATHS: Final = 5
"""Times that a unit may go down while it compiles the same stages: then they aren't for it. A
choice: chance deaths aren't as many in a row."""

Seats: TypeAlias = tuple[tuple[int, int], ...]
"""(unit, expected ns) of the units that may run a stage, the planned one's first."""


class StruckError(BackendError):
    """A backend can't take stages that were planned for its units.

    Attributes:
        refused: (op, the plan's unit) to the reason.
    """

    def __init__(self, message: str, refused: dict[tuple[str, str], str]) -> None:
        super().__init__(message)
        self.refused = refused


def check_on_failure(word: str) -> None:
    """Refuse what isn't one of them.

    Raises:
        RunError: with what would be accepted.
    """
    if word not in ON_FAILURE:
        raise RunError(f"on_compile_failure is {word!r}: give {' or '.join(ON_FAILURE)}")


class Compiler:
    """Compiles one plan for one engine.

    Args:
        engine: on whose workers it is done.
        plan: what to compile.
        model: the plan's, with its rewrites applied.
        seats: per subgraph.
        fallbacks: per subgraph, who may take it when none of them can and `on_failure` says so.
        on_failure: what to do with a stage that its planned unit's backend can't take.

    Attributes:
        notes: what didn't go as planned, in words.
    """

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        model: Model,
        seats: Sequence[Seats],
        fallbacks: Sequence[Seats] = (),
        on_failure: OnCompileFailure = "refuse",
    ) -> None:
        self.notes: list[str] = []
        self._engine = engine
        self._parts = plan.subgraphs
        self._model = model
        self._wanted = list(seats)
        self._fallbacks = list(fallbacks)
        self._on_failure = on_failure
        self._strikes: dict[tuple[int, int], str] = {}  # (subgraph, id of the backend): why
        self._done: dict[tuple[int, tuple[int, ...]], Sequence[Executable]] = {}

    async def run(self) -> list[Compiled]:
        """The stages in the plan's order.

        Raises:
            BackendError: when no backend takes a stage that may, naming stage and unit.
            StruckError: when it is to be planned again.
        """
        while True:
            seats = [self._seats(position) for position in range(len(self._parts))]
            known = len(self._strikes)
            for position, row in enumerate(seats):
                for backend in self._backends(row) if self._is_spread(row) else ():
                    await self._try_alone(backend, position)
            if len(self._strikes) > known:
                continue
            groups = self._groups(seats)
            for backend_id, members in groups.items():
                await self._try_group(backend_id, members)
            if len(self._strikes) == known:
                return [self._compiled(at, row, groups) for at, row in enumerate(seats)]

    # ---- who may still take what ----

    def _seats(self, position: int) -> Seats:
        wanted = self._wanted[position]
        left = tuple(seat for seat in wanted if not self._is_struck(position, seat[0]))
        if self._is_struck(position, wanted[0][0]):
            why = self._strikes[position, id(self._backend(wanted[0][0]))]
            if self._on_failure == "refuse":
                raise BackendError(why)
            if self._on_failure == "replan":
                raise self._struck(why)
            if not left:
                others = (
                    s for s in self._fallbacks[position] if not self._is_struck(position, s[0])
                )
                left = tuple(others)[:1]
        if not left:
            whys = dict.fromkeys(why for (at, _), why in self._strikes.items() if at == position)
            raise BackendError(f"no unit here takes it: {'; '.join(whys)}")
        return left

    def _struck(self, why: str) -> StruckError:
        refused = {
            (op, self._parts[at].unit): reason
            for (at, backend), reason in self._strikes.items()
            if backend == id(self._backend(self._wanted[at][0][0]))
            for op in self._parts[at].ops
        }
        return StruckError(why, refused)

    def _is_struck(self, position: int, unit: int) -> bool:
        return (position, id(self._backend(unit))) in self._strikes

    def _backend(self, unit: int) -> Backend:
        return self._engine.units[unit].backend

    def _backends(self, seats: Seats) -> list[Backend]:
        found = {id(self._backend(unit)): self._backend(unit) for unit, _ in seats}
        return list(found.values())

    def _is_spread(self, seats: Seats) -> bool:
        return len(self._backends(seats)) > 1

    def _groups(self, seats: Sequence[Seats]) -> dict[int, tuple[int, ...]]:
        """Per backend, by its id: the subgraphs that only it runs."""
        groups: dict[int, tuple[int, ...]] = {}
        for position, row in enumerate(seats):
            if not self._is_spread(row):
                key = id(self._backend(row[0][0]))
                groups[key] = (*groups.get(key, ()), position)
        return groups

    # ---- compiling ----

    async def _try_group(self, backend_id: int, members: tuple[int, ...]) -> None:
        backend = next(u.backend for u in self._engine.units if id(u.backend) == backend_id)
        try:
            await self._compile(backend, members)
        except BackendError as error:
            if self._on_failure == "refuse":
                raise
            known = len(self._strikes)
            for position in members:
                await self._try_alone(backend, position)
            if len(self._strikes) == known:  # each alone is fine, so nobody can be blamed
                raise BackendError(f"stages that are fine alone fail together: {error}") from error

    async def _try_alone(self, backend: Backend, position: int) -> None:
        part = self._parts[position]
        try:
            (made,) = await self._compile(backend, (position,))
        except BackendError as error:
            self._strike(backend, position, str(error))
            return
        if self._is_spread(self._wanted[position]) and set(made.outputs) != set(part.outputs):
            self._strike(backend, position, f"it makes {made.outputs}, not {part.outputs}")

    async def _compile(self, backend: Backend, members: tuple[int, ...]) -> Sequence[Executable]:
        key = (id(backend), members)
        if key not in self._done:
            parts = [self._parts[position] for position in members]
            work = partial(_compiled, backend, self._model, [_spec(part) for part in parts])
            self._done[key] = await asyncio.wrap_future(
                self._engine.on_worker(self._worker(backend, members[0]), work)
            )
        return self._done[key]

    def _worker(self, backend: Backend, position: int) -> int:
        """One of a backend's units compiles for all of them: the first that may run the stage."""
        fallbacks = self._fallbacks[position] if self._fallbacks else ()
        seats = (*self._wanted[position], *fallbacks)
        return next(unit for unit, _ in seats if self._backend(unit) is backend)

    def _strike(self, backend: Backend, position: int, why: str) -> None:
        part = self._parts[position]
        names = [unit.name for unit in self._engine.units if unit.backend is backend]
        where = f"stage {part.id!r} on unit {', '.join(names)} (backend {backend.name})"
        self._strikes[position, id(backend)] = f"{where} can't be compiled: {why}"
        self.notes.append(self._strikes[position, id(backend)])
        _log.warning("%s", self.notes[-1])

    # ---- the result ----

    def _compiled(self, at: int, seats: Seats, groups: dict[int, tuple[int, ...]]) -> Compiled:
        part, unit = self._parts[at], seats[0][0]
        backend = self._backend(unit)
        is_spread = self._is_spread(seats)
        members = (at,) if is_spread else groups[id(backend)]
        # A stage compiled alone shares no private names with anybody.
        space = len(groups) + at if is_spread else list(groups).index(id(backend))
        return Compiled(
            id=part.id,
            planned_unit=part.unit,
            unit=unit,
            unit_name=self._engine.units[unit].name,
            backend=backend.name,
            space=space,
            executable=self._done[id(backend), members][members.index(at)],
            units=seats,
            variants=self._variants(at, seats),
        )

    def _variants(self, at: int, seats: Seats) -> tuple[Variant, ...]:
        return tuple(
            Variant(
                units=tuple(unit for unit, _ in seats if self._backend(unit) is backend),
                backend=backend.name,
                executable=self._done[id(backend), (at,)][0],
            )
            for backend in self._backends(seats)[1:]
        )


def _compiled(backend: Backend, model: Model, specs: Sequence[StageSpec]) -> Sequence[Executable]:
    """On a worker: a unit that dies of something else than the stages may compile them yet."""
    revive = getattr(backend, "revive", None)
    if revive is None:
        return backend.compile(model, specs)
    for _ in range(DEATHS - 1):
        try:
            return backend.compile(model, specs)
        except UnitDownError as error:
            _log.warning("compiling is tried again: %s", error)
            revive()
    return backend.compile(model, specs)


def _spec(part: Subgraph) -> StageSpec:
    return StageSpec(id=part.id, ops=part.ops, outputs=part.outputs)

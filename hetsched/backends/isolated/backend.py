"""A backend whose work is done in a child process."""

import logging
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hetsched.backends.base import Buffer, HostValue, StageSpec, Traits
from hetsched.backends.isolated.channel import GoneError
from hetsched.backends.isolated.executable import IsolatedExecutable, IsolatedValue
from hetsched.backends.isolated.frames import (
    Command,
    Compile,
    Done,
    Failed,
    File,
    Held,
    Loaded,
    Ready,
    Reply,
    Run,
    Start,
    Value,
)
from hetsched.backends.isolated.link import Link
from hetsched.backends.isolated.process import GRACE_S
from hetsched.backends.isolated.status import Death
from hetsched.backends.isolated.values import Row, plain, read, write
from hetsched.backends.recipe import Recipe
from hetsched.errors import BackendError, ModelError, UnitDownError, ValueLostError
from hetsched.ir.carry import pack_model, save_for_carrying
from hetsched.ir.model import Model

_log = logging.getLogger(__name__)


class Program:
    """Stages that were compiled in one call.

    Attributes:
        number: what the child knows them by.
        model: theirs.
        stages: in the order of the call.
        ports: (inputs, outputs) of each, once they were compiled.
    """

    def __init__(self, number: int, model: Model, stages: Sequence[StageSpec]) -> None:
        """Not compiled yet."""
        self.number, self.model, self.stages = number, model, tuple(stages)
        self.ports: list[tuple[list[str], list[str]]] = []


class IsolatedBackend:
    """Runs another backend in a child process: what crashes there leaves this process alone.

    Attributes:
        name: shown in mappings and reports.
        unit: whose it is.
        cores: that the child is pinned to; None leaves it free.
        emulated: as the backend in the child says, once there was one.
        arithmetic: likewise.
        computes: likewise.
        last_death: how the last child ended that wasn't told to; None if none did.
    """

    def __init__(
        self, recipe: Recipe, *, name: str, unit: str, cores: Sequence[int] | None = None
    ) -> None:
        """Describe a backend; the child starts when there is something to compile."""
        self.name, self.unit = name, unit
        self.cores = None if cores is None else tuple(cores)
        self.take(Traits())
        self.last_death: Death | None = None
        self._recipe = recipe
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._finalizer: weakref.finalize[..., IsolatedBackend] | None = None
        self._programs: weakref.WeakValueDictionary[int, Program] = weakref.WeakValueDictionary()
        self._unloaded: list[int] = []
        self._numbers = 0

    def recipe(self) -> Recipe:
        """What makes the backend that runs in the child."""
        return self._recipe

    def take(self, traits: Traits) -> None:
        """Have the traits of the backend in the child."""
        self.emulated, self.arithmetic = traits.emulated, traits.arithmetic
        self.computes = traits.computes

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence[IsolatedExecutable]:
        """Compile in the child, which is started if there is none.

        Raises:
            BackendError: naming the op that the backend can't take and why.
            UnitDownError: when the child ends meanwhile.
        """
        with self._lock:
            self._started()
            self._numbers += 1
            program = Program(self._numbers, model, stages)
            program.ports = self._load(program)
            self._programs[program.number] = program
            weakref.finalize(program, self._unloaded.append, program.number)
        return [
            IsolatedExecutable(self, program, position, ports)
            for position, ports in enumerate(program.ports)
        ]

    def revive(self) -> None:
        """Start a new child and compile there what the old one had; ends one that still runs.

        Raises:
            UnitDownError: when the new child ends meanwhile.
            BackendError: when the backend can't be made, or compiles the stages differently.
        """
        self.kill()
        with self._lock:
            self._end()
            self._start()

    def kill(self) -> None:
        """End the child at once, from any thread: whoever waits for it gets a `UnitDownError`."""
        link = self._link
        if link is not None:
            link.process.kill()

    def release(self) -> None:
        """End the child, after what it is doing unless that hangs; compiling starts a new one."""
        if not self._lock.acquire(timeout=GRACE_S):
            self.kill()
            self._lock.acquire()
        try:
            self._end()
        finally:
            self._lock.release()

    @property
    def pid(self) -> int | None:
        """Process id of the child, None when there is none."""
        link = self._link
        return None if link is None else link.process.pid

    @property
    def phase(self) -> str | None:
        """What the child is doing, one of `PHASES`; None when there is none."""
        link = self._link
        return None if link is None else link.phase

    def run(
        self, stage: IsolatedExecutable, values: Sequence[Buffer | HostValue]
    ) -> Sequence[Buffer]:
        """Run a stage in the child.

        Raises:
            UnitDownError: when the child has ended, before or meanwhile.
            ValueLostError: when a value was only in a child that has ended.
            BackendError: naming the stage, when the backend fails.
        """
        with self._lock:
            link = self._alive()
            row = link.row()
            command = Run(
                stage.program.number,
                stage.position,
                [self._given(link, value, row) for value in values],
                _emptied(link.freed),
                _emptied(link.dropped),
                _emptied(self._unloaded),
            )
            reply = self._ask(link, command, row, f"stage {stage.stage!r}")
        if not isinstance(reply, Done) or len(reply.values) != len(stage.outputs):
            raise BackendError(f"stage {stage.stage!r}: the child's answer isn't one of a stage")
        return [
            IsolatedValue(link, handle, _taken(link, value), is_here=value is not None)
            for value, handle in zip(reply.values, reply.held, strict=True)
        ]

    def ask(self, command: Command, what: str) -> Reply:
        """Have the child answer a question, without a model; it is started if there is none.

        Raises:
            UnitDownError: when the child ends meanwhile.
            BackendError: when the backend fails.
        """
        with self._lock:
            link = self._started()
            return self._ask(link, command, link.row(), what)

    def ask_about(self, model: Model, command: Command) -> Reply:
        """Likewise, with the model's ONNX graph where the child needs that.

        Raises:
            UnitDownError: when the child ends meanwhile.
            BackendError: when the backend fails.
        """
        with self._lock:
            self._started()
            return self._ask_with_file(model, command)

    def _given(self, link: Link, value: Buffer | HostValue, row: Row) -> Value:
        if isinstance(value, IsolatedValue) and value.handle is not None:
            if value.link is link:
                return Held(value.handle)
            if not value.is_here:
                raise ValueLostError(
                    f"unit {self.unit!r} (backend {self.name}) was started anew: a value that only "
                    f"its process had is lost"
                )
        return write(plain(value), row)

    def _alive(self) -> Link:
        if self._link is None:
            raise UnitDownError(f"unit {self.unit!r} (backend {self.name}) is down", unit=self.unit)
        return self._link

    def _started(self) -> Link:
        if self._link is None:
            self._start()
        return self._alive()

    def _start(self) -> None:
        self._link = link = Link()
        self._finalizer = weakref.finalize(self, link.end)
        try:
            cores = None if self.cores is None else list(self.cores)
            ready = self._ask(link, Start(self._recipe, cores), link.row(), "its start")
            assert isinstance(ready, Ready)
            self.take(ready.traits)
            self._unloaded.clear()
            for program in list(self._programs.values()):
                self._load_again(program)
        except BaseException:
            self._end()
            raise

    def _load_again(self, program: Program) -> None:
        if self._load(program) != program.ports:
            raise BackendError(
                f"unit {self.unit!r} (backend {self.name}): model {program.model.name} was "
                f"compiled into other stages than before"
            )

    def _load(self, program: Program) -> list[tuple[list[str], list[str]]]:
        stages = [(s.id, list(s.ops), list(s.outputs)) for s in program.stages]
        command = Compile(program.number, pack_model(program.model), stages)
        reply = self._ask_with_file(program.model, command)
        assert isinstance(reply, Loaded)
        return reply.ports

    def _ask_with_file(self, model: Model, command: Command) -> Reply:
        link = self._alive()
        with tempfile.TemporaryDirectory(prefix="hetsched-") as folder:
            file = partial(_file, model, Path(folder))
            return self._ask(link, command, link.row(), f"model {model.name}", file)

    def _ask(
        self,
        link: Link,
        command: Command,
        row: Row,
        what: str,
        file: Callable[[], Command] | None = None,
    ) -> Reply:
        try:
            reply = link.ask(command, row, file)
        except GoneError as error:
            _log.debug("unit %r: %s", self.unit, error)
            raise self._died(what) from error
        if isinstance(reply, Failed):
            raise BackendError(reply.message if reply.is_backends else f"{what}: {reply.message}")
        return reply

    def _died(self, what: str) -> UnitDownError:
        death = self._end()
        assert death is not None
        self.last_death = death
        if death.said:
            _log.warning("unit %r (backend %s) said: %s", self.unit, self.name, death.said)
        return UnitDownError(
            f"unit {self.unit!r} (backend {self.name}) went down in phase {death.phase!r} of "
            f"{what}: {death.reason}",
            unit=self.unit,
        )

    def _end(self) -> Death | None:
        link, self._link = self._link, None
        if link is None:
            return None
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None
        return link.end()


def _file(model: Model, folder: Path) -> File:
    path = folder / "model.onnx"
    try:
        save_for_carrying(model, path)
    except ModelError as error:
        return File("", str(error))
    return File(str(path))


def _taken(link: Link, value: Value | None) -> HostValue:
    return None if value is None else read(value, link.view)


def _emptied(numbers: list[int]) -> list[int]:
    """What is in a list, which is emptied; others may append meanwhile."""
    found = numbers[:]
    del numbers[: len(found)]
    return found

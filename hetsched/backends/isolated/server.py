"""What the child does: makes the backend, compiles, runs; one command after the other."""

import os
from collections.abc import Callable
from pathlib import Path

from hetsched.backends.base import (
    Backend,
    Probing,
    Querying,
    StageSpec,
    traits,
)
from hetsched.backends.isolated.arena import Arena
from hetsched.backends.isolated.blocks import Blocks
from hetsched.backends.isolated.channel import Channel, GoneError
from hetsched.backends.isolated.frames import (
    Command,
    Compile,
    Done,
    Failed,
    File,
    Loaded,
    Look,
    Looked,
    NeedsFile,
    Queried,
    Query,
    Ready,
    Reply,
    Run,
    Start,
    decode_command,
    encode,
)
from hetsched.backends.isolated.stages import Kept, Stages, taken
from hetsched.backends.isolated.status import IDLE, LOADING, MAKING, RUNNING, WRITING, Status
from hetsched.backends.recipe import make
from hetsched.errors import BackendError, HetschedError, ModelError
from hetsched.ir.carry import unpack_model


class Server:
    """The commands, and the state that they work on."""

    def __init__(self, channel: Channel, status: Status, given: Arena, made: Arena) -> None:
        """Start with nothing made."""
        self._channel, self._status = channel, status
        self._blocks, self._made = Blocks(), made
        self._given, self._kept = given, Kept()
        self._programs: dict[int, Stages] = {}
        self._backend: Backend | None = None
        self._number = 0

    def serve(self) -> None:
        """Answer commands.

        Raises:
            GoneError: when the application is gone.
        """
        while True:
            command = self._next()
            self._say(self._answered(command))
            self._status.phase = IDLE

    def release(self) -> None:
        """Let the backend put its things away."""
        release: Callable[[], None] | None = getattr(self._backend, "release", None)
        if release is not None:
            release()

    def _next(self) -> Command:
        message = self._channel.receive()
        self._number = self._status.begun = message.number
        try:
            return decode_command(message.body)
        except ValueError as error:
            raise GoneError(f"it sent what is no command: {error}") from error

    def _say(self, body: bytes) -> None:
        self._status.completed = self._number
        self._channel.send(self._number, body, self._room)

    def _room(self, nbytes: int) -> tuple[int, Arena]:
        offset = self._blocks.take(nbytes)
        self._made.grow(self._blocks.size)
        return offset, self._made

    def _answered(self, command: Command) -> bytes:
        try:
            return encode(self._do(command))
        except GoneError:
            raise
        except HetschedError as error:
            return encode(Failed(str(error), True))
        except Exception as error:  # noqa: BLE001 - the application is to hear whatever a driver raises
            return encode(Failed(f"{type(error).__name__}: {error}", False))

    def _do(self, command: Command) -> Reply:
        if isinstance(command, Run):
            return self._run(command)
        if isinstance(command, Compile):
            return self._compile(command)
        if isinstance(command, Start):
            return self._start(command)
        if isinstance(command, Look):
            return self._look()
        if isinstance(command, Query):
            return self._query(command)
        raise GoneError("it sent a file that nobody had asked for")

    def _start(self, command: Start) -> Reply:
        self._status.phase = MAKING
        if command.cores is not None:
            os.sched_setaffinity(0, command.cores)
        self._backend = made = make(command.recipe)
        return Ready(traits(made))

    def _look(self) -> Reply:
        backend: object = self._backend
        if not isinstance(backend, Probing):
            raise BackendError("the backend doesn't say whether it is here")
        return Looked(backend.probe())

    def _query(self, command: Query) -> Reply:
        self._status.phase = LOADING  # a driver may well try and compile
        backend: object = self._backend
        if not isinstance(backend, Querying):
            raise BackendError("the backend doesn't say which ops it takes")
        model = unpack_model(command.model, self._file)
        return Queried(dict(backend.supports(model)))

    def _compile(self, command: Compile) -> Reply:
        self._status.phase = LOADING
        assert self._backend is not None
        specs = [
            StageSpec(id=name, ops=tuple(ops), outputs=tuple(outputs))
            for name, ops, outputs in command.stages
        ]
        model = unpack_model(command.model, self._file)
        stages = Stages(self._backend.compile(model, specs))
        self._programs[command.program] = stages
        return Loaded(stages.ports)

    def _file(self) -> Path:
        """The model's ONNX graph, from the application, in the midst of compiling."""
        self._say(encode(NeedsFile()))
        found = self._next()
        if not isinstance(found, File):
            raise GoneError("it sent something else than the file that it was asked for")
        if found.problem:
            raise ModelError(found.problem)
        return Path(found.path)

    def _run(self, command: Run) -> Reply:
        self._status.phase = RUNNING
        self._put_away(command)
        stages = self._programs[command.program]
        made = stages.run(command.stage, taken(command.values, self._given, self._kept))
        self._status.phase = WRITING
        wanted = len(stages.ports[command.stage][1])
        if len(made) != wanted:
            raise BackendError(f"it made {len(made)} values instead of {wanted}")
        values = stages.hand_out(command.stage, made, self._room)
        return Done(values, stages.keep(command.stage, made, self._kept, self._given))

    def _put_away(self, command: Run) -> None:
        for offset in command.freed:
            self._blocks.free(offset)
        self._kept.drop(command.dropped)
        for program in command.unloaded:
            self._programs.pop(program, None)

"""The child's stages, and the values that it keeps for them."""

from collections.abc import Sequence

import numpy as np

from hetsched.backends.base import Buffer, Executable, HostValue
from hetsched.backends.isolated.arena import Arena
from hetsched.backends.isolated.frames import Held, Value
from hetsched.backends.isolated.values import Put, read, viewed, write
from hetsched.errors import BackendError


class Kept:
    """Values that stay here between two stages, by handle."""

    def __init__(self) -> None:
        """Start with none."""
        self._values: dict[int, Buffer | HostValue] = {}
        self._handles = 0

    def __getitem__(self, handle: int) -> Buffer | HostValue:
        """A value that is kept."""
        return self._values[handle]

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._values)

    def add(self, value: Buffer | HostValue) -> int:
        """Keep a value; its handle."""
        self._handles += 1
        self._values[self._handles] = value
        return self._handles

    def drop(self, handles: Sequence[int]) -> None:
        """Let values go."""
        for handle in handles:
            self._values.pop(handle, None)


class Stages:
    """What one call of `compile` made.

    Attributes:
        ports: (inputs, outputs) of each stage.
    """

    def __init__(self, executables: Sequence[Executable]) -> None:
        """Find out which values stages here read."""
        self.ports = [(list(e.inputs), list(e.outputs)) for e in executables]
        self._executables = executables
        read_here = {name for executable in executables for name in executable.inputs}
        self._keeps = [[name in read_here for name in e.outputs] for e in executables]
        # Outputs that turned out to be in the memory that the next command is written to.
        self._borrows: dict[int, list[bool]] = {}

    def run(self, stage: int, values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        """Run a stage, with values in the order of its inputs."""
        executable = self._executables[stage]
        call = getattr(executable, "call", None)
        if call is not None:
            made: Sequence[Buffer] = call(values)
            return made
        return executable.run(dict(zip(executable.inputs, values, strict=True)))

    def hand_out(self, stage: int, made: Sequence[Buffer], put: Put) -> list[Value | None]:
        """Per output, its copy in shared memory, which outlives this process.

        None for what can't be looked into, and is only for other stages here.
        """
        keeps = self._keeps[stage]
        return [_handed_out(b, put, is_kept=k) for b, k in zip(made, keeps, strict=True)]

    def keep(
        self, stage: int, made: Sequence[Buffer], kept: Kept, given: Arena
    ) -> list[int | None]:
        """Per output, its handle if stages here read it."""
        keeps = self._keeps[stage]
        if not any(keeps):
            return [None] * len(made)
        borrows = self._borrows.get(stage)
        if borrows is None:  # which doesn't change from run to run
            borrows = [keep and _borrows(b, given) for b, keep in zip(made, keeps, strict=True)]
            self._borrows[stage] = borrows
        return [
            kept.add(_copied(buffer) if borrowed else buffer) if keep else None
            for buffer, keep, borrowed in zip(made, keeps, borrows, strict=True)
        ]


def taken(values: Sequence[Value], given: Arena, kept: Kept) -> list[Buffer | HostValue]:
    """A command's values: views of shared memory, and what is kept here."""
    view = viewed(given)
    return [kept[v.handle] if isinstance(v, Held) else read(v, view) for v in values]


def _handed_out(buffer: Buffer, put: Put, *, is_kept: bool) -> Value | None:
    try:
        return write(buffer.host(), put)
    except BackendError:
        if not is_kept:
            raise
        return None


def _arrays(buffer: Buffer) -> list[np.ndarray]:
    value = buffer.host()
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, np.ndarray)]


def _borrows(buffer: Buffer, given: Arena) -> bool:
    return any(given.has(array) for array in _arrays(buffer))


def _copied(buffer: Buffer) -> HostValue:
    value = buffer.host()
    if isinstance(value, list):
        return [np.array(item) for item in value]
    return None if value is None else np.array(value)

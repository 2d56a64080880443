"""A backend around another one that fails where it is told to: for trying out what stands above.

It is never chosen as a substitute for another.
"""

import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

import msgspec
import numpy as np

from hetsched.backends.base import Backend, Buffer, Executable, HostValue, StageSpec, traits
from hetsched.backends.recipe import Recipe, make
from hetsched.errors import BackendError
from hetsched.ir.model import Model

HANG_S = 3600.0


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong.

    Attributes:
        kind: the stage raises; hangs; takes `slow_ns` longer; makes too few values; the process is
            killed, crashes by a bad access, or exits.
        phase: while stages are compiled, while one runs, or while what it made is looked at.
        probability: of happening, each time.
        mark: a file: it happens only while that doesn't exist, and makes it. None for every time.
        after: a file: it happens only once that exists.
        slow_ns: of `slow`.
    """

    kind: Literal["raise", "hang", "slow", "short", "kill", "crash", "exit"]
    phase: Literal["loading", "running", "writing back"] = "running"
    probability: float = 1.0
    mark: str | None = None
    after: str | None = None
    slow_ns: int = 0


class FaultyBackend:
    """Another backend, and its faults.

    Attributes:
        name: shown in mappings and reports.
        emulated: as the inner backend says.
        arithmetic: likewise.
        computes: likewise.
    """

    def __init__(
        self,
        inner: Recipe | Mapping[str, Any],
        faults: Sequence[Fault | Mapping[str, Any]] = (),
        seed: int = 0,
    ) -> None:
        """Make the inner backend.

        Args:
            inner: what makes it, or the fields of that.
            faults: or their fields.
            seed: of what happens with a probability; another process draws otherwise.
        """
        self._recipe = msgspec.convert(inner, Recipe, from_attributes=True)
        self._faults = tuple(msgspec.convert(f, Fault, from_attributes=True) for f in faults)
        self._seed = seed
        self._random = random.Random(f"{seed} {os.getpid()}")
        self._backend: Backend = make(self._recipe)
        self.name = f"faulty {self._backend.name}"
        found = traits(self._backend)
        self.emulated, self.arithmetic = found.emulated, found.arithmetic
        self.computes = found.computes

    def recipe(self) -> Recipe:
        """What makes another one like it."""
        options = {
            "inner": msgspec.to_builtins(self._recipe),
            "faults": [msgspec.to_builtins(fault) for fault in self._faults],
            "seed": self._seed,
        }
        return Recipe(factory="hetsched.backends.faulty:FaultyBackend", options=options)

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence["FaultyExecutable"]:
        """Compile, unless a fault of `loading` happens.

        Raises:
            BackendError: when it is one that raises, or the inner backend refuses.
        """
        self.strike("loading")
        return [FaultyExecutable(self, one) for one in self._backend.compile(model, stages)]

    def strike(self, phase: str) -> bool:
        """Let the faults of a phase happen; whether too few values shall be made.

        Raises:
            BackendError: for one that raises.
        """
        for fault in self._faults:
            if fault.phase == phase and self._happens(fault):
                if fault.kind == "short":
                    return True
                if fault.kind != "slow":
                    _happen(fault)
                time.sleep(fault.slow_ns / 1e9)
        return False

    def _happens(self, fault: Fault) -> bool:
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        if fault.after is not None and not Path(fault.after).exists():
            return False
        if fault.mark is None:
            return True
        try:
            Path(fault.mark).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _happen(fault: Fault) -> NoReturn:
    if fault.kind == "hang":
        time.sleep(HANG_S)
    elif fault.kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault.kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif fault.kind == "exit":
        os._exit(3)
    raise BackendError(f"a fault of kind {fault.kind!r} happens in phase {fault.phase!r}")


class FaultyBuffer:
    """A value; looking at it is what `writing back` is."""

    def __init__(self, backend: FaultyBackend, buffer: Buffer) -> None:
        """Wrap a value of the inner backend."""
        self._backend, self.buffer = backend, buffer

    def numpy(self) -> np.ndarray:
        """See the inner value."""
        self._backend.strike("writing back")
        return self.buffer.numpy()

    def host(self) -> HostValue:
        """See the inner value."""
        self._backend.strike("writing back")
        return self.buffer.host()


class FaultyExecutable:
    """A stage of the inner backend.

    Attributes:
        inputs: names of the values it reads.
        outputs: names of the values it makes.
    """

    def __init__(self, backend: FaultyBackend, inner: Executable) -> None:
        """Wrap a stage."""
        self._backend, self._inner = backend, inner
        self.inputs, self.outputs = inner.inputs, inner.outputs

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """Run, unless a fault of `running` happens.

        Raises:
            BackendError: when it is one that raises, or the inner stage fails.
        """
        is_short = self._backend.strike("running")
        made = self._inner.run({name: _inner(value) for name, value in values.items()})
        found = [FaultyBuffer(self._backend, buffer) for buffer in made]
        return found[1:] if is_short else found


def _inner(value: Buffer | HostValue) -> Buffer | HostValue:
    return value.buffer if isinstance(value, FaultyBuffer) else value

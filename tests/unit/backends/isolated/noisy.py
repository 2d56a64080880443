"""A backend that prints what it likes."""

import os
from collections.abc import Sequence

from hetsched.backends.base import StageSpec
from hetsched.ir.model import Model
from tests.unit.runtime.fakes import FakeBackend, FakeExecutable


class NoisyBackend(FakeBackend):
    """As drivers do: on the descriptors, past everything that Python may have redirected."""

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence[FakeExecutable]:
        os.write(1, b"on stdout\n")
        os.write(2, b"on stderr\n")
        return super().compile(model, stages)

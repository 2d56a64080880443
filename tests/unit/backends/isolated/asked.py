"""A backend that has every optional member, and notes where it was asked."""

import os
from collections.abc import Mapping
from pathlib import Path

from hetsched.backends.base import Probe
from hetsched.backends.recipe import Recipe
from hetsched.errors import BackendError
from hetsched.ir.model import Model
from tests.unit.runtime.fakes import FakeBackend


class AskedBackend(FakeBackend):
    emulated = True
    arithmetic = "float16"
    computes = False

    def __init__(self, released: str, crashes: bool = False) -> None:
        super().__init__()
        self.released, self.crashes = released, crashes

    def recipe(self) -> Recipe:
        return Recipe(
            factory="tests.unit.backends.isolated.asked:AskedBackend",
            options={"released": self.released, "crashes": self.crashes},
        )

    def probe(self) -> Probe:
        return Probe(
            name="asked", here=True, version=str(os.getpid()), dtypes=("float16",), notes=("a", "b")
        )

    def supports(self, model: Model) -> Mapping[str, str | None]:
        if self.crashes:
            os.abort()
        if model.name == "bad":
            raise BackendError("no driver")
        return {op.name: "not here" if op.op_type == "Abs" else None for op in model.graph.ops}

    def release(self) -> None:
        Path(self.released).write_text(str(os.getpid()))

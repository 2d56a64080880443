"""What the figures share: a target that lacks some ops, and running a model."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hetsched.backends.reference import reference_outputs
from hetsched.convert.target import Target
from hetsched.ir.extract import save_whole
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model


class Lacking(Target):
    """A framework that runs everything but a few op types."""

    def __init__(self, *op_types: str) -> None:
        """Name what it lacks."""
        super().__init__(name=f"a framework without {' and '.join(op_types)}", ways=())
        object.__setattr__(self, "op_types", op_types)

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        """Ops of those types."""
        missing: tuple[str, ...] = getattr(self, "op_types")  # noqa: B009 - frozen elsewhere
        return {op.name: f"no {op.op_type}" for op in graph.ops if op.op_type in missing}


def op_list(model: Model) -> str:
    """`Conv, Relu, ...`."""
    return ", ".join(op.op_type for op in model.graph.ops)


def outputs(model: Model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What ONNX Runtime makes of it, op by op."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        save_whole(model, path)
        made = reference_outputs(path, dict(inputs), optimize=False)
    return {name: np.asarray(value) for name, value in made.items()}


def within(error: float, bound: float) -> str:
    """An error is stored as a bound that it keeps: its last digits are the machine's."""
    if error == 0:
        return "0"
    if error > bound:
        sys.exit(f"an error of {error} is over {bound}")
    return f"under {bound:g}"

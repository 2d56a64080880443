"""What flows through a model on calibration inputs: replacements are certified on that too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from hetsched.convert.refit_data import Samples
from hetsched.convert.values import tensor_values
from hetsched.ir.model import Model

MOST_RUNS = 4
"""Runs of the data that are looked at: their values are kept in memory, for every replaced op."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Values by tensor name, one of each a run.

    Attributes:
        runs: at most `MOST_RUNS`.
    """

    runs: Sequence[Mapping[str, np.ndarray]] = ()

    def sets(self, names: Sequence[str | None]) -> list[list[np.ndarray]]:
        """The tensors' values run by run; none where one of them wasn't looked at."""
        if not names or not all(name in run for run in self.runs for name in names):
            return []
        return [[run[name] for name in names if name is not None] for run in self.runs]


def observe(model: Model, ops: Sequence[str], data: Samples) -> Observed:
    """Run the model on calibration inputs and keep what some of its ops read.

    Args:
        model: as it is before any rewrite.
        ops: names of ops that will be replaced.
        data: calibration inputs.

    Raises:
        ModelError: when ONNX Runtime can't run the model on them.
    """
    graph = model.graph
    read = dict.fromkeys(name for op in ops for name in graph.op[op].reads)
    made = [name for name in read if name in graph.producer]
    given = [name for name in read if name in graph.inputs]
    few = data.part(0, min(len(data), MOST_RUNS))
    values = tensor_values(model, made, few) if made else iter([[]] * len(few))
    return Observed(
        runs=[
            {**dict(zip(made, row, strict=True)), **{name: one[name] for name in given}}
            for row, one in zip(islice(values, len(few)), few, strict=True)
        ]
    )

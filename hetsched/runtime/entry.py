"""A program's inputs, checked: at a glance when they are what they should be."""

from collections.abc import Mapping

import numpy as np

from hetsched._core import Glance
from hetsched.backends.base import HostValue
from hetsched.ir.graph import Graph
from hetsched.runtime.inputs import check_inputs, native_dtype


class Entry:
    """Checks the inputs of one graph; its rules and messages are those of `check_inputs`.

    Args:
        graph: whose inputs they are.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        rows = []
        for name in graph.inputs:
            tensor = graph.tensors[name]
            rows.append((name, native_dtype(tensor.dtype), tensor.shape))
        self._plain = Glance(np.ndarray, rows)

    def __call__(self, inputs: Mapping[str, HostValue]) -> Mapping[str, HostValue]:
        """The inputs as the stages want them.

        Raises:
            RunError: naming the input, what it is and what would be accepted.
        """
        return inputs if self._plain.holds(inputs) else check_inputs(self._graph, inputs)

"""A program's inputs, checked: at a glance when they are what they should be."""

from collections.abc import Mapping

import numpy as np

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
        self._plain: list[tuple[str, np.dtype, tuple[int | None, ...]]] = []
        for name in graph.inputs:
            tensor = graph.tensors[name]
            dtype = native_dtype(tensor.dtype)
            if dtype is not None and tensor.shape is not None:
                self._plain.append((name, dtype, tensor.shape))
        self._are_all_plain = len(self._plain) == len(graph.inputs)

    def __call__(self, inputs: Mapping[str, HostValue]) -> Mapping[str, HostValue]:
        """The inputs as the stages want them.

        Raises:
            RunError: naming the input, what it is and what would be accepted.
        """
        if not self._are_all_plain or len(inputs) != len(self._plain):
            return check_inputs(self._graph, inputs)
        for name, dtype, shape in self._plain:
            value = inputs.get(name)
            if (
                type(value) is not np.ndarray
                or value.dtype is not dtype
                or value.shape != shape
                or not value.flags.c_contiguous
            ):
                return check_inputs(self._graph, inputs)
        return inputs

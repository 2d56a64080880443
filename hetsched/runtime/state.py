"""State that a model hands on from request to request: which output feeds which input, and turns.

A recurrent model gives its state as an output and takes it as an input. Each stream of requests has
state of its own, and one request at a time in the model: the next one reads what this one leaves.
"""

import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Any

import numpy as np

from hetsched.errors import RunError
from hetsched.ir.graph import Graph, Tensor
from hetsched.runtime.inputs import describe, fits


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSpec:
    """An app's declared state.

    Attributes:
        feeds: the model's outputs to the inputs that take them at the next request.
    """

    feeds: Mapping[str, str]

    def check(self, graph: Graph, app: str) -> None:
        """Refuse what doesn't fit a model.

        Raises:
            RunError: naming the output or input, and what would be accepted.
        """
        for output, input_ in self.feeds.items():
            self._check_pair(
                graph, output, input_, f"state {output!r} -> {input_!r} of app {app!r}"
            )
        inputs = list(self.feeds.values())
        for name in inputs:
            if inputs.count(name) > 1:
                raise RunError(f"two outputs feed input {name!r} of app {app!r}: give one")

    def start(self, graph: Graph, given: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        """The state before the first request, by input: what is given, zeros for the rest.

        Raises:
            RunError: naming what isn't state, or doesn't fit.
        """
        given = given or {}
        for name, value in given.items():
            if name not in self.feeds.values():
                known = ", ".join(self.feeds.values())
                raise RunError(f"{name!r} is no state: give initial values of {known}")
            if not isinstance(value, np.ndarray) or not fits(graph.tensors[name], value):
                raise RunError(
                    f"initial {name!r} doesn't fit: give {describe(graph.tensors[name])}"
                )
        return {
            name: given[name].copy() if name in given else _zeros(graph.tensors[name])
            for name in self.feeds.values()
        }

    def split(self, outputs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """A request's outputs without state, and the state that it leaves, by input."""
        left = {self.feeds[name]: outputs[name] for name in self.feeds}
        return {name: value for name, value in outputs.items() if name not in self.feeds}, left

    def _check_pair(self, graph: Graph, output: str, input_: str, what: str) -> None:
        if output not in graph.outputs or input_ not in graph.inputs:
            missing = f"output {output!r}" if output not in graph.outputs else f"input {input_!r}"
            raise RunError(f"{what}: the model has no {missing}; {_accepted(graph)}")
        made, taken = graph.tensors[output], graph.tensors[input_]
        if not _is_plain(taken) or not _feeds(made, taken):
            raise RunError(
                f"{what}: the output is {describe(made)}, the input {describe(taken)}; "
                f"{_accepted(graph)}"
            )


def _feeds(made: Tensor, taken: Tensor) -> bool:
    """Whether an output can be an input, as far as its shape is known."""
    if made.dtype != taken.dtype or taken.shape is None:
        return False
    if made.shape is None:
        return True  # checked when it is made
    return len(made.shape) == len(taken.shape) and all(
        a is None or a == b for a, b in zip(made.shape, taken.shape, strict=True)
    )


def _is_plain(tensor: Tensor) -> bool:
    return (
        tensor.dtype not in (None, "string")
        and tensor.shape is not None
        and None not in tensor.shape
    )


def _accepted(graph: Graph) -> str:
    pairs = [
        f"{output!r}: {input_!r}"
        for output in graph.outputs
        for input_ in graph.inputs
        if _is_plain(graph.tensors[input_]) and _feeds(graph.tensors[output], graph.tensors[input_])
    ]
    return f"these fit: {', '.join(pairs) or 'none'}"


def _zeros(tensor: Tensor) -> np.ndarray:
    assert tensor.shape is not None
    assert tensor.dtype is not None
    return np.zeros([dim or 0 for dim in tensor.shape], np.dtype(tensor.dtype))


class Turns:
    """Who of a stream's requests is in the model: one at a time, in the order of the calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Future[None]] = deque()

    def take(self) -> "Future[None]":
        """A place at the end; it is done when its turn has come."""
        turn: Future[None] = Future()
        with self._lock:
            self._waiting.append(turn)
            is_first = len(self._waiting) == 1
        if is_first:
            _come(turn)
        return turn

    def leave(self, turn: "Future[None]") -> None:
        """Give a place up, whether its turn has come or not."""
        with self._lock:
            was_first = self._waiting[0] is turn
            self._waiting.remove(turn)
            following = self._waiting[0] if was_first and self._waiting else None
        if following is not None:
            _come(following)


def _come(turn: "Future[None]") -> None:
    try:
        turn.set_result(None)
    except InvalidStateError:
        return  # it was given up; whoever did so leaves the queue now

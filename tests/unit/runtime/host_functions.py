"""Functions that host processes import; each has one argument."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hetsched.stages.manners import slice_ns


@dataclass(frozen=True, slots=True)
class Box:
    """A result of one's own."""

    corner: tuple[int, int]
    mask: np.ndarray


class Pair(NamedTuple):
    """A named result."""

    left: int
    right: str


class Adder:
    """A stage with state that no process can be told of."""

    def __init__(self, number: float) -> None:
        self.number = number

    def __call__(self, value: Any) -> Any:
        return value + self.number


@dataclass(frozen=True, slots=True)
class Times:
    """A stage with a parameter."""

    factor: float

    def __call__(self, value: Any) -> Any:
        return value * self.factor


def as_x(array: np.ndarray) -> dict[str, np.ndarray]:
    return {"x": array}


def largest(outputs: dict[str, np.ndarray]) -> float:
    return float(outputs["y"].max())


def same(value: Any) -> Any:
    return value


def pid(_: Any) -> int:
    return os.getpid()


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def spins(_: Any) -> None:
    while True:
        pass


def raises(value: Any) -> Any:
    raise ValueError(f"no {value!r} here")


def gives_a_set(_: Any) -> set[int]:
    return {1}


def dies(_: Any) -> None:
    os._exit(3)


def dies_once(path: str) -> str:
    """Ends its process the first time that it is called with a path."""
    marker = Path(path)
    if not marker.exists():
        marker.write_text("x")
        os.kill(os.getpid(), 9)
    return "alive"


async def waits(value: Any) -> Any:
    import asyncio

    await asyncio.sleep(0)
    return value


def doubles_in_place(value: np.ndarray) -> np.ndarray:
    value *= 2
    return value


def manners(_: Any) -> tuple[int, int]:
    """Niceness and time slice in ns of whoever computes here."""
    return os.getpriority(os.PRIO_PROCESS, 0), slice_ns()

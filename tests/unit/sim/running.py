"""Words for tests of the simulator."""

import numpy as np

from hetsched._core import Simulation
from hetsched.dispatch import StageNode, Terms
from hetsched.sim import Arrivals, SimApp, SimSoc, SimUnit, Variation
from hetsched.trace import EVENT

FIELDS = ["time_ns", "kind", "unit", "request", "app", "stage", "value"]


def run_native(native: Simulation) -> None:
    while native.step(1000):
        pass


def rows(events: np.ndarray) -> list[tuple[int, ...]]:
    """(time, kind, unit, request, app, stage, value)s."""
    return list(zip(*(events[name].tolist() for name in FIELDS), strict=True))


def events_of(native: Simulation) -> list[tuple[int, ...]]:
    return rows(np.frombuffer(native.take_trace(), EVENT))


def one_stage(
    name: str,
    ns: int,
    arrivals: Arrivals | None,
    *,
    unit: int = 0,
    terms: Terms | None = None,
    variation: Variation | None = None,
) -> SimApp:
    """An app of one stage on one unit."""
    return SimApp(
        name=name,
        nodes=(StageNode(units=((unit, ns),), after=()),),
        arrivals=arrivals,
        terms=terms or Terms(),
        variations=() if variation is None else (variation,),
    )


def plain_soc(units: int = 1) -> SimSoc:
    """Units of which nothing is known but their names."""
    return SimSoc(units=tuple(SimUnit(name=f"u{index}") for index in range(units)))

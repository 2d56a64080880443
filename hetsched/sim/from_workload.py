"""From what a workload file says of stage times and units to the simulator's words."""

from dataclasses import replace

import numpy as np

from hetsched.errors import HetschedError, WorkloadError
from hetsched.sim.model import FIXED, SimApp, Variation
from hetsched.sim.soc import SimSoc, SimUnit
from hetsched.trace.events import Kind
from hetsched.trace.files import load_trace
from hetsched.trace.tables import runs
from hetsched.workload.model import App, Workload
from hetsched.workload.units import UnitCourse
from hetsched.workload.variation import Lognormal, Measured, Quantiles

FEWEST = 20
"""Runs of an app's stages that a distribution can be made of."""
_PROBABILITIES = 101


def varied(made: SimApp, app: App) -> SimApp:
    """The app with its run-to-run variation.

    Raises:
        WorkloadError: naming a trace that doesn't tell it.
    """
    found = _variation(app)
    return made if found is FIXED else replace(made, variations=(found,) * len(made.nodes))


def _variation(app: App) -> Variation:
    match app.variation:
        case Lognormal(sigma=sigma):
            return Variation(kind="lognormal", sigma=sigma)
        case Quantiles(factors=factors):
            return Variation(kind="quantiles", factors=factors)
        case Measured(file=file, app=name):
            return Variation(kind="quantiles", factors=measured_factors(file, name or app.name))
        case None:
            return FIXED


def measured_factors(file: str, app: str) -> tuple[float, ...]:
    """Quantiles of stage times over the median of their stage and unit, at each percent.

    Raises:
        WorkloadError: naming the trace, and what it lacks.
    """
    try:
        trace = load_trace(file)
    except HetschedError as error:
        raise WorkloadError(f"variation of app {app!r}: {error}") from error
    numbers = {each.name: each.number for each in trace.apps}
    if app not in numbers:
        known = ", ".join(numbers) or "none"
        raise WorkloadError(f"trace {file} has no app {app!r}: it has {known}")
    rows = runs(trace)
    rows = rows[(rows["app"] == numbers[app]) & (rows["outcome"] == Kind.ENDED)]
    if len(rows) < FEWEST:
        raise WorkloadError(
            f"trace {file} has {len(rows)} runs of stages of app {app!r}: {FEWEST} are needed"
        )
    times = (rows["end_ns"] - rows["start_ns"]).astype(np.float64)
    _, kinds = np.unique(rows[["stage", "unit"]], return_inverse=True)
    medians = np.array([np.median(times[kinds == kind]) for kind in range(kinds.max() + 1)])
    factors = times / np.maximum(medians[kinds], 1.0)
    quantiles = np.quantile(factors, np.linspace(0, 1, _PROBABILITIES))
    return tuple(float(each) for each in quantiles)


def with_courses(soc: SimSoc, workload: Workload) -> SimSoc:
    """The SoC with what happens to its units.

    Raises:
        WorkloadError: naming a unit or clock that it hasn't.
    """
    names = [unit.name for unit in soc.units]
    for name in workload.units:
        if name not in names:
            raise WorkloadError(
                f"units.{name}: {soc.name} has no such unit: it has {', '.join(names)}"
            )
    return replace(
        soc,
        units=tuple(
            _with_course(unit, workload.units[unit.name]) if unit.name in workload.units else unit
            for unit in soc.units
        ),
    )


def _with_course(unit: SimUnit, course: UnitCourse) -> SimUnit:
    outages = tuple(
        (int(each.from_ns), None if each.to_ns is None else int(each.to_ns))
        for each in course.outages
    )
    return replace(unit, outages=outages, level=_level(unit, course.mhz))


def _level(unit: SimUnit, mhz: float | None) -> int:
    if mhz is None:
        return unit.level
    clocks = [level.hz / 1e6 for level in unit.levels]
    for index, clock in enumerate(clocks):
        if abs(clock - mhz) < 0.5:
            return index
    known = ", ".join(f"{clock:g}" for clock in clocks) or "none that are known"
    raise WorkloadError(f"units.{unit.name}: it can't run at {mhz:g} MHz: its clocks are {known}")

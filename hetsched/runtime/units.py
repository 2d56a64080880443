"""The units of this machine, and which of them stands in for which unit of a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hetsched.backends.base import Backend
from hetsched.errors import BackendError, RunError
from hetsched.plan.model import Plan

if TYPE_CHECKING:
    from hetsched.cost.host import Core


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeUnit:
    """Something that runs one stage at a time.

    Attributes:
        name: unique among a runtime's units.
        backend: what executes there; units may share one, then it may optimise across them.
        cores: CPU cores that the unit's worker thread is pinned to, None to leave it free.
        isolation: `process` to have the backend work in a child process of this unit's own, pinned
            to the same cores: `backend` is then what talks to it.

    Raises:
        RunError: for another isolation, or a backend that can't be made anew in a child.
    """

    name: str
    backend: Backend
    cores: tuple[int, ...] | None = None
    isolation: str | None = None

    def __post_init__(self) -> None:
        """Put the backend behind a child process where that is asked for."""
        if self.isolation is None:
            return
        if self.isolation != "process":
            raise RunError(
                f"unit {self.name!r}: isolation {self.isolation!r} is neither 'process' nor None"
            )
        from hetsched.backends.isolated.wrap import isolated

        try:
            backend = isolated(self.backend, unit=self.name, cores=self.cores)
        except BackendError as error:
            raise RunError(str(error)) from error
        object.__setattr__(self, "backend", backend)  # the class is frozen


def host_units(threads: int = 1, *, plan: Plan | None = None) -> tuple[RuntimeUnit, ...]:
    """This machine's CPU: one unit per core or team of cores that the process may use.

    They are the units of the `host` profile, by the same names, the fastest first. One-core units
    share one ONNX Runtime CPU backend with one-thread sessions: a model's weights are in memory
    once. A unit of several cores has a backend of its own, whose sessions' threads have its cores.

    Args:
        threads: of one run of a stage, which is as many as the unit has cores.
        plan: one for this machine: then the count is the one that it was measured with.

    Raises:
        RunError: when no kind of core has that many.
    """
    from hetsched.backends.ort import OrtBackend  # heavy

    if plan is not None:
        threads = planned_threads([part.unit for part in plan.subgraphs])
    teams = _teams(threads)
    shared = OrtBackend(threads=1) if threads == 1 else None
    return tuple(
        RuntimeUnit(name=team.unit, backend=shared or OrtBackend(threads=threads), cores=team.cpus)
        for team in teams
    )


def _teams(threads: int) -> "tuple[Core, ...]":
    from hetsched.cost.host import host_clusters, in_teams

    clusters = host_clusters()
    most = max(len(cluster.cores) for cluster in clusters)
    if not 1 <= threads <= most:
        raise RunError(f"{threads} threads: this process may use {most} equal cores at most")
    return tuple(
        core
        for cluster in clusters
        if len(cluster.cores) >= threads
        for core in in_teams(cluster, threads).cores
    )


def planned_threads(names: Sequence[str]) -> int:
    """How many cores each unit of a plan for this machine has; 1 where the names don't tell."""
    from hetsched.cost.host import host_clusters

    for threads in range(2, max(len(cluster.cores) for cluster in host_clusters()) + 1):
        if set(names) <= {team.unit for team in _teams(threads)} and names:
            return threads
    return 1


def make_unit(
    backend: str,
    *,
    name: str | None = None,
    cores: tuple[int, ...] | None = None,
    isolation: str | None = None,
    **options: Any,
) -> RuntimeUnit:
    """A unit of a backend that is known by name.

    Args:
        backend: `ort`, `openvino`, `qnn`, `opencl` or `null`.
        name: of the unit; the backend's by default.
        cores: CPU cores to pin its worker to.
        isolation: see `RuntimeUnit`.
        options: the backend's own.

    Raises:
        BackendError: when there is no such backend, it isn't here, or it lacks such an option.
        RunError: see `RuntimeUnit`.
    """
    from hetsched.backends.registry import make_backend

    made = make_backend(backend, **options)
    return RuntimeUnit(name=name or backend, backend=made, cores=cores, isolation=isolation)


def units(*backends: str) -> tuple[RuntimeUnit, ...]:
    """This machine's units by the names of their backends: `units("ort", "openvino")`.

    `ort` stands for one unit per CPU core, `host_units()`; each other name for one unit.

    Raises:
        BackendError: when there is no such backend, or it isn't here.
        RunError: when none is named.
    """
    if not backends:
        raise RunError("no backend is named: units('ort') are this machine's CPU cores")
    found: list[RuntimeUnit] = []
    for backend in dict.fromkeys(backends):
        found.extend(host_units() if backend == "ort" else [make_unit(backend)])
    return tuple(found)


def map_units(
    planned: Sequence[str], units: Sequence[RuntimeUnit], chosen: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Which of the runtime's units runs what a plan has for each of its units.

    What isn't chosen goes to the unit of the same name, else to the runtime's units in turn if they
    are all of one backend.

    Args:
        planned: names of the plan's units.
        units: the runtime's.
        chosen: plan's unit to runtime's unit.

    Raises:
        RunError: naming a unit that isn't there, or one that must be chosen for.
    """
    chosen = dict(chosen or {})
    names = [unit.name for unit in units]
    for unit, target in chosen.items():
        if unit not in planned:
            raise RunError(f"the plan has no unit {unit!r}: it has {', '.join(planned) or 'none'}")
        if target not in names:
            raise RunError(f"unit {unit!r} is mapped to {target!r}: take one of {', '.join(names)}")
    for unit in planned:
        if unit in names:
            chosen.setdefault(unit, unit)
    left = [unit for unit in planned if unit not in chosen]
    if left and len({id(unit.backend) for unit in units}) > 1:
        raise RunError(
            f"the plan's unit {left[0]!r} has no namesake here, and the units here differ in their "
            f"backends: map it to one of {', '.join(names)}"
        )
    for index, unit in enumerate(left):
        chosen[unit] = names[index % len(names)]
    return {unit: chosen[unit] for unit in planned}

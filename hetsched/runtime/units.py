"""The units of this machine, and which of them stands in for which unit of a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hetsched.backends.base import Backend
from hetsched.errors import BackendError, RunError


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
        from hetsched.backends.isolated.backend import isolated

        try:
            backend = isolated(self.backend, unit=self.name, cores=self.cores)
        except BackendError as error:
            raise RunError(str(error)) from error
        object.__setattr__(self, "backend", backend)  # the class is frozen


def host_units() -> tuple[RuntimeUnit, ...]:
    """This machine's units: one per physical core that the process may use, the fastest first.

    They are the units of the `host` profile, by the same names. All share one ONNX Runtime CPU
    backend with one-thread sessions: a model's weights are in memory once, whatever its units here.
    """
    from hetsched.backends.ort import OrtBackend  # heavy
    from hetsched.cost.host import host_clusters

    backend = OrtBackend(threads=1)
    return tuple(
        RuntimeUnit(name=core.unit, backend=backend, cores=core.cpus)
        for cluster in host_clusters()
        for core in cluster.cores
    )


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

"""Which of the runtime's units stands in for which of the plan's."""

import os

import pytest

from hetsched.backends.null import NullBackend
from hetsched.cost.host import host_clusters
from hetsched.errors import RunError
from hetsched.runtime import RuntimeUnit, host_units, map_units

ONE = NullBackend(name="one")
TWO = NullBackend(name="two")


def units(*names: str, backends: tuple[NullBackend, ...] = (ONE,)) -> list[RuntimeUnit]:
    return [
        RuntimeUnit(name=name, backend=backends[i % len(backends)]) for i, name in enumerate(names)
    ]


def test_a_unit_goes_to_its_namesake_else_to_each_in_turn() -> None:
    mapping = map_units(["gpu", "a", "b", "c"], units("cpu0", "gpu"))
    assert mapping == {"gpu": "gpu", "a": "cpu0", "b": "gpu", "c": "cpu0"}


def test_what_is_chosen_comes_first() -> None:
    assert map_units(["a", "b"], units("a", "b"), {"a": "b"}) == {"a": "b", "b": "b"}


def test_different_backends_are_not_chosen_among() -> None:
    with pytest.raises(RunError, match=r"the plan's unit 'apu' has no namesake.*map it to one of"):
        map_units(["apu"], units("x", "y", backends=(ONE, TWO)))
    assert map_units(["apu"], units("x", "y", backends=(ONE, TWO)), {"apu": "y"}) == {"apu": "y"}


def test_wrong_choices_are_named() -> None:
    with pytest.raises(RunError, match="the plan has no unit 'z': it has a"):
        map_units(["a"], units("a"), {"z": "a"})
    with pytest.raises(RunError, match="unit 'a' is mapped to 'z': take one of x, y"):
        map_units(["a"], units("x", "y"), {"a": "z"})


def test_this_machines_units_are_the_host_profiles() -> None:
    found = host_units()
    cores = [core for cluster in host_clusters() for core in cluster.cores]
    assert [(unit.name, unit.cores) for unit in found] == [(c.unit, c.cpus) for c in cores]
    assert {cpu for core in cores for cpu in core.cpus} == os.sched_getaffinity(0)
    assert len({id(unit.backend) for unit in found}) == 1

"""Which of the runtime's units stands in for which of the plan's."""

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest

import hetsched as hs
from hetsched.backends.null import NullBackend
from hetsched.backends.ort import OrtBackend
from hetsched.cost.host import host_clusters
from hetsched.errors import BackendError, RunError
from hetsched.ir.model import Model
from hetsched.runtime import Runtime, RuntimeUnit, host_units, make_unit, map_units
from hetsched.runtime.standins import able_units
from hetsched.runtime.units import planned_threads
from hetsched.runtime.units import units as units_of
from tests.unit.backends.tiny import conv_chain
from tests.unit.runtime.fakes import make_model, op
from tests.unit.runtime.plans import plan_of

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


def most_cores() -> int:
    return max(len(cluster.cores) for cluster in host_clusters())


def test_a_sessions_threads_stay_on_the_units_cores(tmp_path: Path) -> None:
    """They get the mask of the worker that makes the session: see /proc/self/task."""
    core = min(os.sched_getaffinity(0))
    unit = RuntimeUnit(name="u", backend=OrtBackend(threads=2, cache_dir=tmp_path), cores=(core,))
    model = conv_chain(tmp_path)
    plan = plan_of(model, [("u", [op.name for op in model.graph.ops])])
    before = tasks()

    async def masks() -> list[set[int]]:
        async with Runtime([unit]) as runtime:
            app = await runtime.deploy(plan, name="a", model=model)
            await app({"x": np.ones((1, 16, 8, 8), np.float32)})
            return [os.sched_getaffinity(task) for task in tasks() - before]

    # The unit's worker, and the one other thread of its two-thread session.
    assert asyncio.run(masks()).count({core}) >= 2


def tasks() -> set[int]:
    return {int(path.name) for path in Path("/proc/self/task").iterdir()}


def chain_model() -> Model:
    return make_model([op("a", "Neg", "x", "y")], outputs=["y"])


def test_teams_have_backends_of_their_own() -> None:
    found = host_units(most_cores())
    assert len({id(unit.backend) for unit in found}) == len(found)
    most = most_cores()
    with pytest.raises(RunError, match=f"{most + 1} threads: this process may use {most} equal"):
        host_units(most + 1)


def test_a_plans_units_tell_its_threads() -> None:
    for threads in range(1, most_cores() + 1):
        assert planned_threads([unit.name for unit in host_units(threads)]) == threads
        plan = plan_of(chain_model(), [(host_units(threads)[0].name, ["a"])])
        assert host_units(plan=plan)[0].cores == host_units(threads)[0].cores
    assert planned_threads(["apu"]) == 1
    assert planned_threads([]) == 1


def test_units_by_the_name_of_their_backend() -> None:
    unit = make_unit("null", name="idle", cores=(0,))
    assert (unit.name, unit.backend.name, unit.cores) == ("idle", "null", (0,))
    names = [unit.name for unit in units_of("ort", "null", "qnn", "null")]
    assert names == [*(unit.name for unit in host_units()), "null", "qnn"]
    assert hs.units is units_of
    with pytest.raises(BackendError, match="there is no backend 'cuda': take one of ort, openvino"):
        make_unit("cuda")
    with pytest.raises(BackendError, match="unexpected keyword argument 'speed'"):
        make_unit("qnn", speed=2)
    with pytest.raises(RunError, match=r"units\('ort'\)"):
        units_of()


def test_an_emulated_unit_stands_in_for_another_only_where_it_is_named(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    plan = plan_of(model, [("cpu", [op.name for op in model.graph.ops])])
    (part,) = plan.subgraphs
    here = [RuntimeUnit(name="cpu", backend=ONE), make_unit("qnn"), *units("gpu", backends=(TWO,))]
    mapping = {"cpu": "cpu"}
    assert [index for index, _ in able_units(plan, part, here, mapping, "all")] == [0, 2]
    named = able_units(plan, part, here, mapping, {"cpu": ["qnn"]})
    assert [index for index, _ in named] == [0, 1]

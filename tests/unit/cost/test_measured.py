"""Measuring for real, on a small graph and on a zoo model: structure only, never the clock."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.cost.host import host_clusters
from hetsched.cost.measure_model import LEAST_WORK
from hetsched.cost.measured import host_costs, unit_facts, usable
from hetsched.cost.store import CostStore
from hetsched.cost.store_records import MODEL
from hetsched.cost.table import CostTable
from hetsched.errors import CostError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.quantity import Origin
from hetsched.soc.profile import Profile


def saved(folder: Path, nodes: list[onnx.NodeProto], **weights: np.ndarray) -> Path:
    """A model from X to Y, both (1, 4, 8, 8)."""
    shape = [1, 4, 8, 8]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "XY"]
    stored = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], stored)
    opset = helper.make_opsetid("", 17)
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Model:
    """Conv + Relu, which ONNX Runtime fuses, then a Softmax."""
    nodes = [
        helper.make_node("Conv", ["X", "W"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("Softmax", ["r"], ["Y"], "softmax", axis=1),
    ]
    weights = np.random.default_rng(0).standard_normal((4, 4, 3, 3)).astype(np.float32)
    return load(saved(tmp_path, nodes, W=weights))


def check_structure(model: Model, profile: Profile, costs: CostTable) -> None:
    """Every op in one group, in order; a measured cost everywhere, with a band around it."""
    held = [op for group in costs.groups for op in group.ops]
    assert sorted(held) == sorted(model.graph.op)
    done: set[str] = set(model.graph.inputs) | model.graph.constants
    for group in costs.groups:
        made = {name for op in group.ops for name in model.graph.op[op].writes}
        assert all(set(model.graph.op[op].reads) <= done | made for op in group.ops)
        done |= made
    units = [unit.name for unit in profile.units]
    assert costs.costs.keys() == {(group.name, unit) for group in costs.groups for unit in units}
    for cost in costs.costs.values():
        assert 0 <= cost.low_ns <= cost.latency_ns <= cost.high_ns
        assert (cost.origin, cost.dtype) == (Origin.MEASURED, "float32")
    assert sum(cost.latency_ns for cost in costs.costs.values()) > 0


def test_a_small_model_is_measured_once_and_found_the_next_time(
    small: Model, tmp_path: Path
) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    told: list[float] = []
    profile, costs = host_costs(small, budget_s=0.1, store=store, progress=told.append)
    check_structure(small, profile, costs)
    assert [group.ops for group in costs.groups] == [("conv", "relu"), ("softmax",)]
    assert told
    told.clear()
    assert host_costs(small, store=store.path, progress=told.append) == (profile, costs)
    assert told == []


def test_groups_and_a_dispatch_add_up_to_the_whole(small: Model, tmp_path: Path) -> None:
    store = CostStore(tmp_path / "costs.sqlite")
    profile, costs = host_costs(small, budget_s=0.1, store=store)
    for cluster in usable(host_clusters()):
        whole = store.get(MODEL, small.prepared_sha256, unit_facts(cluster))
        assert whole is not None
        unit = profile.unit(cluster.cores[0].unit)
        groups_ns = sum(costs.costs[group.name, unit.name].latency_ns for group in costs.groups)
        least_ns = round(LEAST_WORK * whole.latency_ns)
        assert groups_ns == max(least_ns, whole.latency_ns - unit.dispatch_ns)


def test_the_host_is_a_profile_of_cores_with_unknown_power(small: Model, tmp_path: Path) -> None:
    profile, _ = host_costs(small, budget_s=0.0, store=tmp_path / "costs.sqlite")
    assert profile.name == "host"
    assert profile.home == profile.units[0].name
    for unit in profile.units:
        assert (unit.kind, unit.dtype, unit.cores) == ("cpu", "float32", 1)
        assert (unit.framework, unit.backend) == ("onnxruntime", "cpu")
        assert unit.dispatch_ns > 0
        assert unit.dispatch_origin is Origin.MEASURED
        assert unit.power_mw is None
    assert len(profile.links) == len(profile.units) * (len(profile.units) - 1) // 2
    assert all(link.latency.origin is Origin.MEASURED for link in profile.links)


def test_measurements_of_other_groups_are_taken_anew(small: Model, tmp_path: Path) -> None:
    # As after a change in how ops are named: the stored parts don't fit the model any more.
    store = CostStore(tmp_path / "costs.sqlite")
    host_costs(small, budget_s=0.0, store=store)
    (cluster, *_) = usable(host_clusters())
    stored = store.get(MODEL, small.prepared_sha256, unit_facts(cluster))
    assert stored is not None
    import dataclasses

    store.put(dataclasses.replace(stored, parts=stored.parts[:1]), unit_facts(cluster))
    check_structure(small, *host_costs(small, budget_s=0.0, store=store))


def test_a_model_that_cant_run_is_refused_with_the_reason(tmp_path: Path) -> None:
    # Gather with an index of 9 on an axis of 4.
    nodes = [
        helper.make_node("Gather", ["X", "I"], ["g"], "pick", axis=1),
        helper.make_node("Expand", ["g", "S"], ["Y"], "grow"),
    ]
    shape = np.array([1, 4, 8, 8], np.int64)
    path = saved(tmp_path, nodes, I=np.array([9], np.int64), S=shape)
    with pytest.raises(CostError, match=r"model can't be measured .*Gather.*idx=9"):
        host_costs(load(path), budget_s=0.0, store=tmp_path / "costs.sqlite")


def test_an_input_that_is_a_shape_gets_a_value_that_works(tmp_path: Path) -> None:
    # Random zeros and ones would ask for a shape with a zero in it, which (1, 4, 8, 8) can't take.
    ports = [
        helper.make_tensor_value_info("X", TensorProto.FLOAT, [1, 4, 8, 8]),
        helper.make_tensor_value_info("S", TensorProto.INT64, [4]),
        helper.make_tensor_value_info("Y", TensorProto.FLOAT, None),
    ]
    nodes = [helper.make_node("Expand", ["X", "S"], ["Y"], "grow")]
    graph = helper.make_graph(nodes, "g", ports[:2], ports[2:])
    opset = helper.make_opsetid("", 17)
    onnx.save(
        helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "expand.onnx"
    )
    model = load(tmp_path / "expand.onnx")
    check_structure(model, *host_costs(model, budget_s=0.0, store=tmp_path / "costs.sqlite"))


def test_a_zoo_model_is_measured(tmp_path: Path) -> None:
    model = load("zoo:ppocr-cls")
    profile, costs = host_costs(model, budget_s=0.5, store=tmp_path / "costs.sqlite")
    check_structure(model, profile, costs)
    assert len(costs.groups) < len(model.graph.ops)

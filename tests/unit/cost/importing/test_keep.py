"""Rows as entries of the store, and what is refused on the way."""

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.cost.importing import ncnn
from hetsched.cost.importing.keep import convert
from hetsched.cost.importing.networks import network_mark
from hetsched.cost.importing.record import ImportedCost
from hetsched.cost.importing.table import read as read_table
from hetsched.cost.importing.target import Target
from hetsched.cost.importing.tflite import read as read_tflite
from hetsched.cost.signature import signature
from hetsched.cost.stored import whole_mark
from hetsched.errors import CostError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.quantity import Origin
from hetsched.soc.catalog import profile

from .samples import NCNN, TFLITE, WANTED, text, write_net

SOC = profile("helio-g90")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load(write_net(tmp_path / "net.onnx"))


def target(model: Model | None, unit: str = "gpu") -> Target:
    return Target(
        profile=SOC, unit=SOC.unit(unit), model=model, source="phone.txt", date="2026-11-22"
    )


def csv(content: str) -> list[ImportedCost]:
    return read_table(text(content, "t.csv"), WANTED)


def test_groups_are_kept_by_signature_with_where_they_come_from(model: Model) -> None:
    found = convert(csv("op,time_ms,n,framework,backend\nconv,2,9,mine,cl\n"), target(model))
    ((entries, facts),) = found.batches
    assert facts == {
        "profile": "helio-g90", "unit": "gpu", "framework": "mine", "backend": "cl",
        "dtype": "float16", "threads": 0,
    }  # fmt: skip
    (entry,) = entries
    assert entry.signature == signature(model.graph, ["conv", "relu"])
    assert (entry.latency_ns, entry.runs, entry.dtype) == (2_000_000, 9, "float16")
    assert (entry.model, entry.source, entry.measured_at) == ("net", "phone.txt", "2026-11-22")
    assert entry.origin is Origin.MEASURED
    assert (found.covered, found.split, found.total_ns) == (1, 0, 2_000_000)


def test_a_whole_table_covers_every_group_and_the_model(model: Model) -> None:
    found = convert(read_tflite(text(TFLITE), WANTED), target(model))
    assert found.covered == found.groups > 0
    assert found.total_ns == 1_000_000
    marks = {entry.signature for entries, _ in found.batches for entry in entries}
    assert whole_mark(model) in marks


def test_a_group_and_its_parts_are_both_kept(model: Model) -> None:
    found = convert(csv("op,time_ms\nconv,2\nrelu,1\n"), target(model))
    ((entries, _),) = found.batches
    by_mark = {entry.signature: entry for entry in entries}
    assert by_mark[signature(model.graph, ["conv", "relu"])].latency_ns == 3_000_000
    assert by_mark[signature(model.graph, ["relu"])].latency_ns == 1_000_000


def test_equal_work_in_one_model_becomes_one_entry(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Softmax", ["x"], ["m"], "first"),
        helper.make_node("Softmax", ["m"], ["y"], "second"),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    rows = csv("op,time_us,low,high\nfirst,10,9,12\nsecond,20,19,21\n")
    ((entries, _),) = convert(rows, target(load(tmp_path / "m.onnx"))).batches
    # The mean of 10 and 20 us, from the lowest low to the highest high.
    assert [(each.latency_ns, each.low_ns, each.high_ns) for each in entries] == [
        (15_000, 9_000, 21_000)
    ]
    assert entries[0].runs == 2


def test_work_of_unknown_shape_is_not_kept(tmp_path: Path) -> None:
    # How many elements NonZero finds, nobody knows before it runs.
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"], "sigmoid"),
        helper.make_node("NonZero", ["s"], ["n"], "nonzero"),
        helper.make_node("Transpose", ["n"], ["y"], "transpose"),
    ]
    ports = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8]),
        helper.make_tensor_value_info("y", TensorProto.INT64, [None, 2]),
    ]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    rows = csv("op,time_us\nsigmoid,10\nnonzero,20\ntranspose,30\n")
    found = convert(rows, target(load(tmp_path / "m.onnx")))
    ((entries, _),) = found.batches
    assert [entry.latency_ns for entry in entries] == [10_000]
    assert (found.covered, found.groups) == (1, 3)
    assert found.notes[0].startswith("2 groups have tensors of unknown shape, and no time now")


def test_ops_without_a_model_are_refused() -> None:
    with pytest.raises(CostError, match=r"t.csv:2 \(conv\): times of single ops .* with --model"):
        convert(csv("op,time_ms\nconv,2\n"), target(None))


def test_a_dtype_that_the_unit_does_not_compute_in_is_refused(model: Model) -> None:
    rows = csv("op,time_ms,dtype\nconv,2,fp32\n")
    with pytest.raises(CostError, match=r"dtype float32, but unit 'gpu' .* computes in float16"):
        convert(rows, target(model))


def test_more_threads_than_cores_are_refused(model: Model) -> None:
    rows = [replace(row, unit="cpu-big", threads=4) for row in csv("op,time_ms\nconv,2\n")]
    with pytest.raises(CostError, match=r"threads 4, but unit 'cpu-big' .* has 2 cores"):
        convert(rows, target(model, "cpu-big"))


def test_networks_without_a_graph_are_kept_by_name_and_input() -> None:
    rows = [row for row in ncnn.read(text(NCNN), WANTED) if row.dtype is None]
    found = convert([replace(row, threads=None) for row in rows], target(None))
    ((entries, _),) = found.batches
    assert [entry.signature for entry in entries] == [
        network_mark("squeezenet_v1.1", "1x3x227x227"),
        "network mynet",
    ]
    assert found.notes == (
        "no features are known of mynet: `hetsched calibrate` needs them with --features, and the "
        "input's shape",
    )


def test_a_row_of_the_given_model_is_kept_under_its_digest(model: Model) -> None:
    rows = csv("model,time_ms,input_shape\nnet,5,1x3x32x32\nother,6,1x3x32x32\n")
    found = convert(rows, target(model))
    ((entries, _),) = found.batches
    assert [entry.signature for entry in entries] == [
        whole_mark(model),
        network_mark("other", "1x3x32x32"),
    ]
    assert [row.name for row in found.networks] == [model.ref, "other"]
    with pytest.raises(CostError, match=r"t.csv:2 .*input_shape 1x3x9x9, but the model's is 1x3x3"):
        convert(csv("model,time_ms,input_shape\nnet,5,1x3x9x9\n"), target(model))


def test_a_network_faster_than_the_peak_is_refused() -> None:
    (row, *_) = ncnn.read(text(NCNN), WANTED)
    fast = replace(row, latency_ns=10_000, low_ns=9_000, high_ns=11_000, tick_ns=0, threads=None)
    with pytest.raises(CostError, match=r"log.txt:8: 0.01 ms for .* beyond the physical peak"):
        convert([fast], target(None))

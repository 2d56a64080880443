"""ONNX Runtime's profiles: real ones, made here, and edited ones."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnxruntime as ort
import pytest

from hetsched.cost.importing import read_measurements
from hetsched.cost.importing.anchor import anchor
from hetsched.cost.importing.onnxruntime import read
from hetsched.cost.importing.pieces import pieces
from hetsched.cost.importing.record import ImportedCost, Wanted
from hetsched.errors import CostError
from hetsched.ir.load import load
from hetsched.ir.model import Model

from .samples import WANTED, text, write_net

Event: TypeAlias = dict[str, Any]


def profiled(path: Path, runs: int) -> Path:
    """What ONNX Runtime writes about some runs of a model with the input x."""
    options = ort.SessionOptions()
    options.enable_profiling = True
    options.intra_op_num_threads = 1
    options.profile_file_prefix = str(path.parent / "prof")
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    for _ in range(runs):
        session.run(None, {"x": np.ones(shape, np.float32)})
    return Path(session.end_profiling())


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_net(tmp_path_factory.mktemp("net") / "net.onnx")


@pytest.fixture(scope="module")
def profile(net: Path) -> Path:
    return profiled(net, 4)


@pytest.fixture
def model(net: Path) -> Model:
    return load(net)


def rows_of(path: Path) -> list[ImportedCost]:
    return read_measurements(path, format=None, unit="cpu", dtype=None, threads=1)


def events(*kernels: tuple[str, int], provider: str = "CPUExecutionProvider") -> list[Event]:
    """Runs of one kernel each, by name and microseconds, each ended by a model_run."""
    found: list[Event] = []
    for name, dur in kernels:
        args = {"op_name": "Conv", "provider": provider, "node_index": "0"}
        found += [
            {"cat": "Node", "name": f"{name}_kernel_time", "dur": dur, "ts": 1, "args": args},
            {"cat": "Session", "name": "model_run", "dur": dur, "ts": 2, "args": {}},
        ]
    return found


def read_events(found: Sequence[Event], wanted: Wanted = WANTED) -> list[ImportedCost]:
    return read(text(json.dumps(found), "prof_2026-11-22_11-54-48_570.json"), wanted)


def test_every_kernel_of_a_real_profile_belongs_to_an_op(profile: Path, model: Model) -> None:
    rows = rows_of(profile)
    assert {(row.framework, row.backend, row.runs, row.tick_ns) for row in rows} == {
        ("onnxruntime", "cpu", 3, 1000)
    }
    assert all(0 <= row.low_ns <= row.latency_ns <= row.high_ns for row in rows)
    found = pieces(model.graph, rows, anchor(model.graph, rows, whole_table=True), ())
    held = [op for piece in found for op in piece.ops]
    assert sorted(held) == sorted(model.graph.op)
    # Relu goes into the convolution before it, as ONNX Runtime fuses it.
    assert any(set(piece.ops) >= {"conv", "relu"} for piece in found)
    assert sum(piece.latency_ns for piece in found) == sum(row.latency_ns for row in rows)


def test_the_date_is_that_of_the_files_name(profile: Path) -> None:
    assert rows_of(profile)[0].date == profile.name.split("_")[1]


def test_the_first_of_three_runs_warms_up() -> None:
    (row,) = read_events(events(("a", 900), ("a", 10), ("a", 30)))
    # Median of 10 and 30 us; 10th and 90th percentile lie 10% of the way in: 12 and 28 us.
    assert (row.latency_ns, row.low_ns, row.high_ns) == (20_000, 12_000, 28_000)
    (both,) = read_events(events(("a", 10), ("a", 30)))
    assert both.latency_ns == 20_000


def test_a_single_run_gets_the_assumed_band() -> None:
    (row,) = read_events(events(("a", 100)))
    assert (row.latency_ns, row.low_ns, row.high_ns, row.runs) == (100_000, 85_000, 115_000, 1)


def test_kernels_inside_a_body_count_with_the_op_around_them() -> None:
    def kernel(name: str, op: str, ts: int, dur: int) -> Event:
        args = {"op_name": op, "provider": "CPUExecutionProvider", "node_index": name}
        return {"cat": "Node", "name": f"{name}_kernel_time", "dur": dur, "ts": ts, "args": args}

    inner = kernel("inner", "Conv", 20, 5)
    around = kernel("if", "If", 10, 40)  # began before the inner one, and is written after it
    rows = read_events([kernel("first", "Conv", 1, 3), inner, around])
    assert [(row.name, row.latency_ns) for row in rows] == [("first", 3_000), ("if", 40_000)]


def test_several_providers_are_mixed_units() -> None:
    both = [*events(("a", 10)), *events(("b", 20), provider="NnapiExecutionProvider")]
    del both[1]  # one run
    with pytest.raises(CostError, match=r"mixes units: CPU \(1 kernels\), Nnapi \(1 kernels\)"):
        read_events(both)
    for only in ("nnapi", "NnapiExecutionProvider"):
        (row,) = read_events(both, Wanted(unit="apu", dtype=None, threads=None, only=only))
        assert (row.name, row.backend) == ("b", "nnapi")
    with pytest.raises(CostError, match="--only cuda: no kernel ran there, only on CPU"):
        read_events(both, Wanted(unit="apu", dtype=None, threads=None, only="cuda"))


def edited(path: Path, change: Callable[[Event], None]) -> list[ImportedCost]:
    found = json.loads(path.read_text())
    for event in found:
        if event["cat"] == "Node":
            change(event)
    return read_events(found)


def test_another_input_size_is_noticed(profile: Path, model: Model) -> None:
    def grow(event: Event) -> None:
        for shape in event["args"]["output_type_shape"]:
            shape["float"] = [dim * 2 if at > 1 else dim for at, dim in enumerate(shape["float"])]

    rows = edited(profile, grow)
    anchored = anchor(model.graph, rows, whole_table=True)
    with pytest.raises(CostError, match="output_type_shape 1x8x64x64, but the model makes 1x8x32"):
        pieces(model.graph, rows, anchored, ())


def test_another_models_profile_is_noticed(profile: Path, tmp_path: Path, model: Model) -> None:
    def rename(event: Event) -> None:
        event["name"] = f"other/{event['name']}"

    rows = edited(profile, rename)
    with pytest.raises(CostError, match=r"the model has no node 'other/.*give the model that was"):
        anchor(model.graph, rows, whole_table=True)


def test_a_compiled_part_does_not_say_which_ops_it_holds(model: Model) -> None:
    found = events(("Nnapi_7849384_1", 10), provider="NnapiExecutionProvider")
    found[0]["args"]["op_name"] = "NNAPI_7849384_1"
    rows = read_events(found)
    with pytest.raises(CostError, match="that provider nnapi compiled whole"):
        anchor(model.graph, rows, whole_table=True)

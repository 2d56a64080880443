"""Stages of a plan, timed for real: structure only, never the clock."""

from pathlib import Path

import pytest

from hetsched.backends.base import StageSpec
from hetsched.backends.ort import OrtBackend
from hetsched.cost.host import host_clusters
from hetsched.cost.measure_stages import measure_stages
from hetsched.errors import CostError
from hetsched.ir.load import load
from tests.unit.cli.models import write_model


def test_each_stage_has_a_time_and_the_cache_holds_what_was_compiled(tmp_path: Path) -> None:
    model = load(write_model(tmp_path / "tiny.onnx", "Relu", "Softmax"))
    stages = [
        StageSpec(id="s0", ops=("conv", "relu"), outputs=("t1",)),
        StageSpec(id="s1", ops=("softmax",), outputs=("t2",)),
    ]
    cores = [core.cpus for cluster in host_clusters() for core in cluster.cores]
    backend = OrtBackend(cache_dir=tmp_path / "cache")
    told: list[float] = []
    found = measure_stages(
        model, stages, [cores[0], cores[-1]], threads=1, budget_s=0.0, backend=backend,
        progress=told.append,
    )  # fmt: skip
    assert len(found) == 2
    assert all(0 < band.low_ns <= band.latency_ns <= band.high_ns for band in found)
    assert told[-1] == 1.0
    assert any((tmp_path / "cache").iterdir())


def test_a_stage_that_cant_run_is_refused_with_the_reason(tmp_path: Path) -> None:
    model = load(write_model(tmp_path / "tiny.onnx", "Relu"))
    twice = [StageSpec(id=f"s{n}", ops=("conv", "relu"), outputs=("t1",)) for n in range(2)]
    backend = OrtBackend(cache_dir=tmp_path / "cache")
    with pytest.raises(CostError, match="tiny: a subgraph can't be measured here"):
        measure_stages(model, twice, [(0,), (0,)], threads=1, budget_s=0.0, backend=backend)

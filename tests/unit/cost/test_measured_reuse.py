"""What one model taught isn't measured again in another. Kernel runs are counted, not timed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.backends import ort_profile
from hetsched.backends.ort_profile import RunTime
from hetsched.cost import measure_model as measuring
from hetsched.cost.measure_model import Measured
from hetsched.cost.measure_part import part
from hetsched.cost.measure_prepared import prepare
from hetsched.cost.measured import Host, costs_on, host
from hetsched.cost.store import CostStore
from hetsched.ir.load import load
from hetsched.ir.model import Model

LAYERS = 20


def chain(folder: Path, name: str, changed: frozenset[int] = frozenset()) -> Model:
    """Twenty convolutions of different size, each with a Relu; those changed are dilated."""
    nodes, weights = [], []
    for at in range(LAYERS):
        wide, narrow = 8 + at + 1, 8 + at
        weights.append(numpy_helper.from_array(
            np.full((wide, narrow, 3, 3), 0.01, np.float32), f"w{name}{at}"))  # fmt: skip
        pad, before = 2 if at in changed else 1, f"t{name}{at - 1}" if at else "X"
        nodes.append(helper.make_node(
            "Conv", [before, f"w{name}{at}"], [f"c{name}{at}"], f"conv{name}{at}",
            pads=[pad] * 4, dilations=[pad] * 2))  # fmt: skip
        after = "Y" if at == LAYERS - 1 else f"t{name}{at}"
        nodes.append(helper.make_node("Relu", [f"c{name}{at}"], [after], f"relu{name}{at}"))
    ports = [
        helper.make_tensor_value_info("X", TensorProto.FLOAT, [1, 8, 8, 8]),
        helper.make_tensor_value_info("Y", TensorProto.FLOAT, [1, 8 + LAYERS, 8, 8]),
    ]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], weights)
    opset = helper.make_opsetid("", 17)
    path = folder / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return load(path)


@pytest.fixture
def here(tmp_path: Path) -> Host:
    """The first kind of core only."""
    whole = host(CostStore(tmp_path / "costs.sqlite"))
    return replace(whole, clusters=whole.clusters[:1])


@pytest.fixture
def kernel_runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Kernels in each session that is measured, once per run of it."""
    counted: list[int] = []
    make, run = ort_profile.ProfilePair.__init__, ort_profile.ProfilePair.plain
    sizes: dict[int, int] = {}

    def init(self: ort_profile.ProfilePair, path: Path, *rest: object) -> None:
        sizes[id(self)] = len(onnx.load(path, load_external_data=False).graph.node)
        make(self, path, *rest)  # type: ignore[arg-type]  # handed through

    def plain(self: ort_profile.ProfilePair) -> RunTime:
        counted.append(sizes[id(self)])
        return run(self)

    monkeypatch.setattr(ort_profile.ProfilePair, "__init__", init)
    monkeypatch.setattr(ort_profile.ProfilePair, "plain", plain)
    # The same number of rounds for every session: none settles, and the budget is nil.
    monkeypatch.setattr("hetsched.cost.measure.BLOCK_NS", 0)
    monkeypatch.setattr("hetsched.cost.measure.WARM_UP_NS", 0)
    return counted


def measured(here: Host, model: Model) -> Measured | None:
    told: list[Measured] = []
    costs_on(here, model, budget_s=0.0, told=lambda _, done: told.append(done))
    return told[0] if told else None


def test_a_model_that_shares_80_percent_takes_a_fifth_of_the_kernel_runs(
    here: Host, tmp_path: Path, kernel_runs: list[int]
) -> None:
    first = measured(here, chain(tmp_path, "one"))
    assert first is not None
    assert (first.reused, first.interrupted) == (0, False)
    alone = sum(kernel_runs)
    kernel_runs.clear()
    second = measured(here, chain(tmp_path, "two", frozenset({3, 8, 12, 17})))
    assert second is not None
    # 4 of 20 convolutions are new, and none of the changes of layout at both ends.
    assert second.pieces - second.reused == 4
    assert second.measurement.latency_ns > 0
    # Besides the 4 kernels the part has a copy of each one's input.
    assert max(kernel_runs) == 8
    new = sum(kernel_runs) * 4 // 8
    assert new <= alone / 5


def test_a_model_of_known_groups_runs_nothing(
    here: Host, tmp_path: Path, kernel_runs: list[int]
) -> None:
    first = measured(here, chain(tmp_path, "one"))
    kernel_runs.clear()
    second = measured(here, chain(tmp_path, "two"))
    assert first is not None
    assert second is not None
    assert kernel_runs == []
    assert second.reused == second.pieces == first.pieces
    assert second.fresh == ()
    assert second.load is None
    # Equal parts in both, though the ops have other names.
    times = [[p.latency_ns for p in each.measurement.parts] for each in (first, second)]
    assert times[0] == times[1]


def test_a_part_computes_what_the_whole_does(tmp_path: Path) -> None:
    # The second half's nodes get the first half's result, and make the model's output of it.
    from hetsched.backends.ort_profile import run_once
    from hetsched.cost.measure_part import whole

    with_folder = tmp_path / "prepared"
    with_folder.mkdir()
    prepared = prepare(chain(tmp_path, "one"), 1, with_folder)
    wanted = [at for at, piece in enumerate(prepared.pieces) if piece.group >= LAYERS // 2]
    some, everything = part(prepared, wanted), whole(prepared)
    assert len(some.piece_of_node) < len(everything.piece_of_node)
    made = run_once(some.path, some.feeds)["Y"].value
    expected = run_once(everything.path, everything.feeds)["Y"].value
    np.testing.assert_array_equal(made.numpy(), expected.numpy())  # type: ignore[union-attr]  # tensors
    # Weights of the other half: 9 * 4 bytes * sum of (8 + i) * (9 + i) for i in 0..9.
    assert some.rest_bytes == 36 * sum((8 + i) * (9 + i) for i in range(10))


def test_an_interrupt_keeps_what_was_measured(
    here: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = iter(range(1000))
    plain = ort_profile.ProfilePair.plain

    def press(self: ort_profile.ProfilePair) -> RunTime:
        if next(runs) == 40:
            raise KeyboardInterrupt
        return plain(self)

    monkeypatch.setattr(ort_profile.ProfilePair, "plain", press)
    monkeypatch.setattr("hetsched.cost.measure.BLOCK_NS", 0)
    monkeypatch.setattr("hetsched.cost.measure.WARM_UP_NS", 0)
    monkeypatch.setattr("hetsched.cost.measure.SETTLED", -1.0)
    model = chain(tmp_path, "one")
    with pytest.raises(KeyboardInterrupt):
        costs_on(here, model, budget_s=1e9)
    monkeypatch.undo()
    again = measured(here, model)
    assert again is None  # all in the store
    assert measuring.MOST_IN_PART < 1

"""Parts of models: sound files, the same numbers, only their own weights."""

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from hetsched.errors import ModelError
from hetsched.ir.extract import part_inputs, save_part, save_whole
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from hetsched.ir.model import Model
from tests.unit.ir.files import Array, graph, model, relu_chain, run, save, value

RNG = np.random.default_rng(0)


def convolutions() -> onnx.ModelProto:
    """x -> Conv -> Relu -> Conv; and Relu -> Neg, joined by Add."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("Neg", ["b"], ["d"], name="neg"),
        helper.make_node("Add", ["c", "d"], ["y"], name="add"),
    ]
    weights = {n: RNG.standard_normal((8, 8, 3, 3)).astype(np.float32) for n in ("w1", "w2")}
    shape = (1, 8, 8, 8)
    return model(graph(nodes, [value("x", shape)], [value("y", shape)], weights))


@pytest.fixture
def loaded(tmp_path: Path) -> Model:
    return load(save(tmp_path / "m.onnx", convolutions()))


def test_part_inputs_are_what_comes_from_outside(loaded: Model) -> None:
    assert part_inputs(loaded.graph, ["first", "relu"]) == ("x",)
    assert part_inputs(loaded.graph, ["add"]) == ("c", "d")
    assert part_inputs(loaded.graph, ["add", "neg", "second"]) == ("b",)
    assert part_inputs(loaded.graph, [op.name for op in loaded.graph.ops]) == ("x",)


def test_a_part_has_its_own_weights_only(loaded: Model, tmp_path: Path) -> None:
    save_part(loaded, ["second", "add"], ["y"], tmp_path / "part.onnx")
    part = onnx.load(tmp_path / "part.onnx")
    onnx.checker.check_model(part, full_check=True)
    assert [entry.name for entry in part.graph.initializer] == ["w2"]
    assert [entry.name for entry in part.graph.input] == ["b", "d"]
    assert [dim.dim_value for dim in part.graph.input[0].type.tensor_type.shape.dim] == [1, 8, 8, 8]
    assert [entry.name for entry in part.graph.output] == ["y"]


def test_the_whole_gives_the_same_bits(loaded: Model, tmp_path: Path) -> None:
    save_whole(loaded, tmp_path / "whole.onnx")
    feeds = {"x": RNG.standard_normal((1, 8, 8, 8)).astype(np.float32)}
    (expected,), (found,) = run(loaded.path, feeds), run(tmp_path / "whole.onnx", feeds)
    assert expected.std() > 0
    assert np.array_equal(expected, found)


def test_external_weights_are_beside_the_part(loaded: Model, tmp_path: Path) -> None:
    save_whole(loaded, tmp_path / "inside.onnx")
    save_whole(loaded, tmp_path / "beside.onnx", external=True)
    assert (tmp_path / "beside.onnx").stat().st_size < (tmp_path / "inside.onnx").stat().st_size
    assert (tmp_path / "beside.onnx.data").stat().st_size >= 2 * 8 * 8 * 9 * 4
    feeds = {"x": RNG.standard_normal((1, 8, 8, 8)).astype(np.float32)}
    (expected,), (found,) = (run(tmp_path / f"{n}.onnx", feeds) for n in ("inside", "beside"))
    assert np.array_equal(expected, found)


def test_parts_of_a_model_with_external_data_can_live_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "parts").mkdir()
    path = tmp_path / "model" / "m.onnx"
    onnx.save(convolutions(), path, save_as_external_data=True, location="w", size_threshold=0)
    loaded = load(path)
    for name in ("plain", "external"):
        part = tmp_path / "parts" / f"{name}.onnx"
        save_part(loaded, ["first"], ["a"], part, external=name == "external")
        assert run(part, {"x": np.ones((1, 8, 8, 8), np.float32)})[0].std() > 0


def test_a_large_part_gets_external_weights(
    loaded: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hetsched.ir.extract.EXTERNAL_FROM_BYTES", 1000)
    save_whole(loaded, tmp_path / "whole.onnx")
    assert (tmp_path / "whole.onnx.data").exists()


@pytest.mark.parametrize(
    ("ops", "outputs", "told"),
    [(["third"], ["y"], "no op 'third'"), (["neg"], ["y"], "'y' can't be an output")],
)
def test_unknown_names_are_refused(
    loaded: Model, tmp_path: Path, ops: list[str], outputs: list[str], told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        save_part(loaded, ops, outputs, tmp_path / "part.onnx")
    assert not (tmp_path / "part.onnx").exists()


def test_a_folder_that_is_not_there(loaded: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't write"):
        save_whole(loaded, tmp_path / "no" / "whole.onnx")


def outputs_of(graph: Graph, ops: list[str]) -> list[str]:
    """Tensors that a part must hand on."""
    outside = {name for op in graph.ops if op.name not in ops for name in op.reads}
    made = [name for op in graph.ops if op.name in ops for name in op.writes]
    return [name for name in made if name in outside or name in graph.outputs]


def run_in_parts(
    loaded: Model, parts: list[list[str]], feeds: dict[str, Array], folder: Path
) -> list[Array]:
    values = dict(feeds)
    for index, ops in enumerate(parts):
        outputs = outputs_of(loaded.graph, ops)
        save_part(loaded, ops, outputs, folder / f"{index}.onnx")
        values.update(zip(outputs, run(folder / f"{index}.onnx", values), strict=True))
    return [values[name] for name in loaded.graph.outputs]


@given(cuts=st.sets(st.integers(1, 4)))
def test_any_cut_gives_the_numbers_of_the_whole(
    cuts: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    loaded = load(save(folder / "m.onnx", convolutions()))
    names = [op.name for op in loaded.graph.ops]
    bounds = [0, *sorted(cuts), len(names)]
    parts = [names[a:b] for a, b in itertools.pairwise(bounds)]
    feeds = {"x": np.random.default_rng(1).standard_normal((1, 8, 8, 8)).astype(np.float32)}
    (expected,) = run(loaded.path, feeds)
    (found,) = run_in_parts(loaded, parts, feeds, folder)
    assert np.allclose(expected, found, rtol=1e-4, atol=1e-5)


def test_bodies_get_what_they_capture(tmp_path: Path) -> None:
    then = graph([helper.make_node("Add", ["h", "w"], ["a"])], [], [value("a")])
    other = graph([helper.make_node("Mul", ["h", "x"], ["b"])], [], [value("b")])
    nodes = [
        helper.make_node("Relu", ["x"], ["h"], name="relu"),
        helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other, name="choice"),
    ]
    inputs = [value("x"), value("c", (), TensorProto.BOOL)]
    weights = {"w": np.arange(4, dtype=np.float32).reshape(1, 4)}
    path = save(tmp_path / "m.onnx", model(graph(nodes, inputs, [value("y")], weights)))
    loaded = load(path)
    assert part_inputs(loaded.graph, ["choice"]) == ("x", "c", "h")
    for condition in (True, False):
        feeds = {"x": np.array([[1, -2, 3, 4]], np.float32), "c": np.array(condition)}
        (expected,) = run(path, feeds)
        (found,) = run_in_parts(loaded, [["relu"], ["choice"]], feeds, tmp_path)
        assert np.array_equal(expected, found)


def test_sequences_cross_a_cut(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["s"], axis=1, name="split"),
        helper.make_node("SequenceAt", ["s", "i"], ["y"], name="at"),
    ]
    made = graph(nodes, [value("x")], [value("y", (1, 1))], {"i": np.array(2)})
    path = save(tmp_path / "m.onnx", model(made))
    loaded = load(path)
    feeds = {"x": np.array([[5, 6, 7, 8]], np.float32)}
    (found,) = run_in_parts(loaded, [["split"], ["at"]], feeds, tmp_path)
    assert found.tolist() == [[7.0]]


def test_a_constant_may_be_an_output_of_a_part(loaded: Model, tmp_path: Path) -> None:
    save_part(loaded, ["neg"], ["d", "w1"], tmp_path / "part.onnx")
    feeds = {"b": np.ones((1, 8, 8, 8), np.float32)}
    assert [array.shape for array in run(tmp_path / "part.onnx", feeds)] == [
        (1, 8, 8, 8), (8, 8, 3, 3),
    ]  # fmt: skip


def test_contributed_ops_bring_their_opset(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["h"], name="relu"),
        helper.make_node("Gelu", ["h"], ["y"], domain="com.microsoft", name="gelu"),
    ]
    proto = model(graph(nodes, [value("x")], [value("y")]), com_microsoft=1)
    loaded = load(save(tmp_path / "m.onnx", proto))
    save_part(loaded, ["relu"], ["h"], tmp_path / "relu.onnx")
    save_part(loaded, ["gelu"], ["y"], tmp_path / "gelu.onnx")
    domains = {
        name: {entry.domain for entry in onnx.load(tmp_path / f"{name}.onnx").opset_import}
        for name in ("relu", "gelu")
    }
    assert domains == {"relu": {""}, "gelu": {"", "com.microsoft"}}
    assert run(tmp_path / "gelu.onnx", {"h": np.ones((1, 4), np.float32)})[0].shape == (1, 4)


def test_preparing_changes_no_number(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", relu_chain(3, ("n", 4)))
    loaded = load(path, shapes={"x": (2, 4)})
    save_whole(loaded, tmp_path / "whole.onnx")
    feeds = {"x": RNG.standard_normal((2, 4)).astype(np.float32)}
    assert np.array_equal(run(path, feeds)[0], run(tmp_path / "whole.onnx", feeds)[0])

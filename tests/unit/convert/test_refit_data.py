"""Calibration data: what is accepted, and what is said of the rest."""

from pathlib import Path

import numpy as np
import pytest

from hetsched.convert.refit_data import Samples, read_samples
from hetsched.errors import ModelError
from hetsched.ir.graph import Graph
from hetsched.testing import chain_graph

GRAPH = chain_graph("Relu", shape=(1, 2, 4))
BATCHED = chain_graph("Relu", shape=(3, 2))


def saved(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]  # numpy's stub takes flags here too
    return path


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_samples_become_runs(tmp_path: Path) -> None:
    path = saved(tmp_path / "d.npz", x=ones(5, 2, 4), labels=np.arange(5))
    samples = read_samples(path, GRAPH)
    assert samples.inputs["x"].shape == (5, 1, 2, 4)
    assert samples.labels is not None
    assert samples.labels.tolist() == [[0], [1], [2], [3], [4]]
    assert [one["x"].shape for one in samples] == [(1, 2, 4)] * 5


def test_runs_stay_runs(tmp_path: Path) -> None:
    assert len(read_samples(saved(tmp_path / "d.npz", x=ones(4, 1, 2, 4)), GRAPH)) == 4


def test_a_batch_takes_several_samples(tmp_path: Path) -> None:
    """10 samples are 3 batches of 3; the one left over goes."""
    path = saved(tmp_path / "d.npz", x=ones(10, 2), labels=np.arange(10))
    samples = read_samples(path, BATCHED)
    assert samples.inputs["x"].shape == (3, 3, 2)
    assert samples.labels is not None
    assert samples.labels.shape == (3, 3)


def test_a_folder_holds_a_file_a_run(tmp_path: Path) -> None:
    for index in range(3):
        np.save(tmp_path / f"{index}.npy", ones(1, 2, 4) * index)
    samples = read_samples(tmp_path, GRAPH)
    assert samples.inputs["x"][:, 0, 0, 0].tolist() == [0, 1, 2]


def test_doubles_become_what_the_model_takes(tmp_path: Path) -> None:
    samples = read_samples(saved(tmp_path / "d.npz", x=np.ones((4, 2, 4))), GRAPH)
    assert samples.inputs["x"].dtype == np.float32


def test_a_quarter_is_held_out() -> None:
    samples = Samples(inputs={"x": np.arange(8)})
    fitting, judging = samples.divided()
    assert fitting.inputs["x"].tolist() == [0, 1, 2, 3, 4, 5]
    assert judging.inputs["x"].tolist() == [6, 7]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"z": ones(4, 2, 4)}, r"has no array 'x': it has z"),
        ({"x": ones(4, 2, 4), "z": ones(4)}, r"has an array 'z': the model's inputs are x"),
        ({"x": ones(4, 2, 5)}, r"'x' is \(4, 2, 5\), give \(samples, 2, 4\) for an input of"),
        ({"x": np.ones((4, 2, 4), np.int64)}, r"'x' is int64, the model's input float32"),
        ({"x": ones(1, 2, 4)}, r"holds 1 run of the model: give two or more"),
        ({"x": ones(4, 2, 4), "labels": ones(4)}, r"labels is float32 of \(4,\): give a whole"),
    ],
)
def test_what_does_not_fit_is_named(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=message):
        read_samples(saved(tmp_path / "d.npz", **arrays), GRAPH)


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone.npz can't be read: No such file"):
        read_samples(tmp_path / "gone.npz", GRAPH)
    (tmp_path / "text.npz").write_text("not an array")
    with pytest.raises(ModelError, match=r"text.npz is no .npz or .npy of plain arrays"):
        read_samples(tmp_path / "text.npz", GRAPH)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"holds no \.npy and no \.npz"):
        read_samples(tmp_path / "empty", GRAPH)


def test_pickles_are_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ModelError, match="of plain arrays"):
        read_samples(tmp_path / "d.npy", GRAPH)


def test_one_array_is_for_one_input(tmp_path: Path) -> None:
    two = Graph(
        ops=GRAPH.ops, tensors=GRAPH.tensors, inputs=("x", "y"), outputs=(), constants=frozenset()
    )
    np.save(tmp_path / "d.npy", ones(4, 2, 4))
    with pytest.raises(ModelError, match=r"is one array: give an .npz with x, y"):
        read_samples(tmp_path / "d.npy", two)

"""Lists of layers as chains: the listed shapes, seeded weights, and an ONNX file that runs."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from hetsched.errors import ModelError
from hetsched.ir.chain import chain_model, read_layers, save_chain
from hetsched.ir.load import load

HEADER = "model,layer,type,N,K,C,Y,X,R,S,stride_y,stride_x\n"
# b reads half the rows and columns of what a makes and twice the channels; c reads three times b's
# rows and half its channels; d reads exactly what c makes, with strides.
LAYERS = (
    "m,a,CONV,1,4,3,8,6,3,3,,\n"
    "m,b,CONV,1,6,8,4,3,1,1,,\n"
    "m,c,CONV,1,5,3,12,9,5,1,,\n"
    "m,d,CONV,1,2,5,12,9,3,3,2,2\n"
)


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    path = tmp_path / "layers.csv"
    path.write_text(HEADER + LAYERS)
    return path


def test_a_chain_computes_the_listed_layers(layers: Path) -> None:
    graph = chain_model(layers, "m").graph
    convs = [op for op in graph.ops if op.op_type == "Conv"]
    assert [op.name for op in convs] == ["a", "b", "c", "d"]
    shapes = [graph.tensors[op.inputs[0]].shape for op in convs]
    assert shapes == [(1, 3, 8, 6), (1, 8, 4, 3), (1, 3, 12, 9), (1, 5, 12, 9)]
    assert graph.tensors[graph.outputs[0]].shape == (1, 2, 6, 5)  # 12 / 2, and 9 / 2 rounded up
    between = [op.op_type for op in graph.ops if op.op_type != "Conv"]
    assert between == ["MaxPool", "Concat", "Resize", "Slice"]


def test_the_file_is_the_same_graph_and_runs(layers: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    save_chain(read_layers(layers, "m"), path, seed=3)
    planned, written = chain_model(layers, "m", seed=3), load(path)
    assert written.graph.tensors == planned.graph.tensors
    assert [op.attributes for op in written.graph.ops] == [
        op.attributes for op in planned.graph.ops
    ]
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"x": np.ones((1, 3, 8, 6), np.float32)})
    assert made.shape == (1, 2, 6, 5)
    assert made.std() > 0


def test_the_seed_makes_the_weights(layers: Path, tmp_path: Path) -> None:
    for at, seed in enumerate((0, 0, 1)):
        path = tmp_path / f"{at}.onnx"
        save_chain(read_layers(layers, "m"), path, seed=seed)
    assert load(tmp_path / "0.onnx").prepared_sha256 == load(tmp_path / "1.onnx").prepared_sha256
    assert load(tmp_path / "0.onnx").prepared_sha256 != load(tmp_path / "2.onnx").prepared_sha256
    first, other = chain_model(layers, "m", 0), chain_model(layers, "m", 1)
    assert first.sha256 == chain_model(layers, "m").sha256 != other.sha256


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,layer\n", "the columns must be model, layer, type"),
        (HEADER + "m,a,FC,1,4,3,8,6,3,3,,\n", "m a: type 'FC' is unknown: only CONV is"),
        (HEADER + "m,a,CONV,1,4,x,8,6,3,3,,\n", "must be whole numbers"),
        (HEADER + "m,a,CONV,1,4,-3,8,6,3,3,,\n", "C -3 must be 1 or more"),
        (HEADER + "n,a,CONV,1,4,3,8,6,3,3,,\n", "has no model 'm': it has n"),
    ],
)
def test_wrong_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "layers.csv"
    path.write_text(text)
    with pytest.raises(ModelError, match=message):
        read_layers(path, "m")


def test_one_of_several_models_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "layers.csv"
    path.write_text(HEADER + LAYERS + "n,a,CONV,1,4,3,8,6,3,3,,\n")
    with pytest.raises(ModelError, match="name one of m, n"):
        read_layers(path)

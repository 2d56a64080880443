"""Prepacked weights are where kernels can use them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hetsched.backends.ort.optimize import MODEL_FILE, WEIGHTS_FILE, optimize_file
from hetsched.ir.prepacked import ALIGNMENT, align_prepacked


def _places(model: onnx.ModelProto) -> dict[str, tuple[int, int]]:
    """Tensor to offset and length of its prepacked form."""
    return {
        tensor.name: (int(offset), int(length))
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key.startswith("prepacked_")
        for offset, length, _ in [entry.value.split("|")[1].split(";")]
    }


def _saved(folder: Path, offsets: dict[str, int]) -> tuple[Path, Path]:
    """A model whose tensors claim four prepacked bytes each, at the offsets."""
    weights, path = folder / WEIGHTS_FILE, folder / MODEL_FILE
    weights.write_bytes(bytes(range(200)))
    tensors = []
    for name, offset in offsets.items():
        tensor = numpy_helper.from_array(np.zeros(1, np.float32), name)
        for key, value in (("location", WEIGHTS_FILE), ("prepacked_0", f"Gemm+1|{offset};4;0")):
            tensor.external_data.add(key=key, value=value)
        tensors.append(tensor)
    graph = helper.make_graph([], "g", [], [], tensors)
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path, weights


def test_misaligned_bytes_are_copied_to_aligned_places(tmp_path: Path) -> None:
    path, weights = _saved(tmp_path, {"a": 64, "b": 68, "c": 100})
    assert align_prepacked(path, weights) == 2
    # 200 bytes: the next multiples of 64 are 256 and, after 4 bytes there, 320.
    assert _places(onnx.load_model(path, load_external_data=False)) == {
        "a": (64, 4),
        "b": (256, 4),
        "c": (320, 4),
    }
    content = weights.read_bytes()
    assert content[:200] == bytes(range(200))
    assert (content[256:260], content[320:324]) == (bytes(range(68, 72)), bytes(range(100, 104)))


def test_an_aligned_file_stays_as_it_is(tmp_path: Path) -> None:
    path, weights = _saved(tmp_path, {"a": 0, "b": 128})
    before = (path.read_bytes(), weights.read_bytes())
    assert align_prepacked(path, weights) == 0
    assert (path.read_bytes(), weights.read_bytes()) == before


def test_prepacked_forms_with_an_empty_part_go(tmp_path: Path) -> None:
    path, weights = _saved(tmp_path, {"a": 0, "b": 64})
    model = onnx.load_model(path, load_external_data=False)
    model.graph.initializer[0].external_data[1].value = "QLinearConv+1|64;0;0|64;4;0"
    path.write_bytes(model.SerializeToString())
    assert align_prepacked(path, weights) == 0
    assert _places(onnx.load_model(path, load_external_data=False)) == {"b": (64, 4)}


def test_what_onnx_runtime_saves_becomes_aligned(tmp_path: Path) -> None:
    # Weights of 4 * 5 * 77 = 1540 bytes, not a multiple of 64, push what follows out of line.
    nodes = [helper.make_node("MatMul", [f"t{i}", f"w{i}"], [f"t{i + 1}"]) for i in range(4)]
    sizes = [5, 77, 131, 77, 300]
    weights = [
        numpy_helper.from_array(np.ones(pair, np.float32), f"w{i}")
        for i, pair in enumerate(pairwise(sizes))
    ]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [3, size])
        for name, size in (("t0", 5), ("t4", 300))
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.save(model, tmp_path / "source.onnx")
    optimize_file(tmp_path / "source.onnx", threads=1)
    places = _places(onnx.load_model(tmp_path / MODEL_FILE, load_external_data=False))
    assert places
    assert all(offset % ALIGNMENT == 0 for offset, _ in places.values()), places

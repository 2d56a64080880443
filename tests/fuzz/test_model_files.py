"""Damaged model files: they load, or they are refused in one line; nothing else ever happens."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.errors import HetschedError
from hetsched.ir.load import load

SAMPLES = 150
FULL_SAMPLES = 5000


def small_model() -> bytes:
    """What loading looks into: weights, bodies, functions, quantisation."""
    tensor = helper.make_tensor_value_info
    x = tensor("x", TensorProto.FLOAT, (1, 3, 8, 8))
    y = tensor("y", TensorProto.FLOAT, ("n", "c"))
    then = helper.make_graph(
        [helper.make_node("Neg", ["pooled"], ["t"])], "then", [],
        [tensor("t", TensorProto.FLOAT, None)],
    )  # fmt: skip
    other = helper.make_graph(
        [helper.make_node("Own", ["pooled"], ["e"], domain="own")], "else", [],
        [tensor("e", TensorProto.FLOAT, None)],
    )  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c", "s", "z"], ["q"], name="quantise"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], name="dequantise"),
        helper.make_node("GlobalAveragePool", ["d"], ["pooled"], name="pool"),
        helper.make_node("ReduceMax", ["pooled"], ["m"], keepdims=0, name="max"),
        helper.make_node("Greater", ["m", "s"], ["cond"], name="greater"),
        helper.make_node("If", ["cond"], ["r"], then_branch=then, else_branch=other, name="if"),
        helper.make_node("Shape", ["r"], ["shape"], name="shape"),
        helper.make_node("Slice", ["shape", "zero", "two"], ["head"], name="slice"),
        helper.make_node("Reshape", ["r", "head"], ["flat"], name="reshape"),
        helper.make_node("Own", ["flat"], ["y"], domain="own", name="own"),
    ]
    constants = {
        "w": np.linspace(-1, 1, 54, dtype=np.float32).reshape(2, 3, 3, 3),
        "s": np.array(0.1, np.float32), "z": np.array(0, np.int8),
        "zero": np.array([0]), "two": np.array([2]),
    }  # fmt: skip
    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    own = helper.make_function(
        "own", "Own", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], opsets[:1]
    )
    graph = helper.make_graph(nodes, "g", [x], [y], initializer=stored)
    made = helper.make_model(graph, opset_imports=opsets, functions=[own], ir_version=8)
    return bytes(made.SerializeToString())


def light_model() -> bytes:
    """A real network's structure, as the onnx wheel has it."""
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    return (folder / "light_squeezenet.onnx").read_bytes()


def damaged(content: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.25:
        return content[: rng.randrange(len(content))]
    made = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def check(content: bytes, path: Path) -> bool:
    """Whether it loads; whatever else is raised fails the test."""
    path.write_bytes(content)
    try:
        load(path)
    except HetschedError as error:
        refusal = str(error)
    else:
        return True
    assert "\n" not in refusal
    return False


@pytest.mark.parametrize("source", [small_model, light_model])
def test_the_undamaged_model_loads(source: Callable[[], bytes], tmp_path: Path) -> None:
    assert check(source(), tmp_path / "m.onnx")


def test_every_truncation_is_refused_or_loads(tmp_path: Path) -> None:
    content = small_model()
    for length in range(0, len(content), 7):
        check(content[:length], tmp_path / "m.onnx")


@pytest.mark.parametrize("source", [small_model, light_model])
def test_damage_is_refused_or_loads(source: Callable[[], bytes], tmp_path: Path) -> None:
    rng = random.Random(0)
    content = source()
    loads = [check(damaged(content, rng), tmp_path / "m.onnx") for _ in range(SAMPLES)]
    assert True in loads
    assert False in loads


@pytest.mark.full
@pytest.mark.parametrize("source", [small_model, light_model])
def test_much_damage_is_refused_or_loads(source: Callable[[], bytes], tmp_path: Path) -> None:
    rng = random.Random(1)
    content = source()
    for _ in range(FULL_SAMPLES):
        check(damaged(content, rng), tmp_path / "m.onnx")

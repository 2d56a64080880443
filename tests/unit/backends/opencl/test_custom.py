"""Custom ops on the OpenCL device: layers against their NumPy references, and what is refused."""

import runpy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.backends.opencl.kernels.table import lower
from hetsched.backends.reference import reference_outputs
from hetsched.cli import main
from hetsched.errors import BackendError
from hetsched.ir.custom import CustomOp, custom_op, forget, register
from hetsched.ir.custom_kernel import OpenCLKernel
from hetsched.ir.load import load
from hetsched.ir.model import Model
from tests.unit.backends.opencl.running import EPSILON, device, normal, run_whole, whole

EXAMPLE = Path(__file__).parents[4] / "examples" / "custom_op" / "decode_boxes.py"
SHIFT = """
kernel void shift(global const float *from, global float *to, constant int *by, const float more,
                  const int count) {
  const int at = get_global_id(0);
  if (at >= count) return;
  to[at] = from[(at + by[0] * by[1]) % count] + more;
}
"""


def shifted(x: np.ndarray, by: tuple[int, ...] = (1, 1), more: float = 0.0) -> np.ndarray:
    """Elements moved by by[0] * by[1] places, `more` added."""
    return np.roll(x, -by[0] * by[1]) + np.float32(more)


KERNEL = OpenCLKernel(
    source=SHIFT,
    name="shift",
    numbers=lambda _, attributes: (tuple(attributes["by"]), float(attributes["more"])),
)


def op(**changes: Any) -> CustomOp:
    """A custom op with the kernel above."""
    fields: dict[str, Any] = {
        "domain": "com.example",
        "name": "Shift",
        "version": 1,
        "infer": lambda inputs, _: [(inputs[0].dtype, inputs[0].shape)],
        "reference": shifted,
        "opencl": KERNEL,
    }
    return CustomOp(**fields | changes)


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    """No registration outlives its test."""
    yield
    forget("com.example", "Shift")
    forget("com.example", "DecodeBoxes")


def model_of(folder: Path, *nodes: onnx.NodeProto, dtype: int = TensorProto.FLOAT) -> Model:
    """x (2, 65) through nodes to y; 65 isn't a whole number of work groups."""
    x, y = (helper.make_tensor_value_info(name, dtype, [2, 65]) for name in "xy")
    graph = helper.make_graph(list(nodes), "g", [x], [y])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return load(path)


def shift(read: str, made: str, **attributes: Any) -> onnx.NodeProto:
    """A node of it."""
    given = {"by": [3, 2], "more": 0.5} | attributes
    return helper.make_node("Shift", [read], [made], made, domain="com.example", **given)


def test_it_runs_between_other_kernels_and_gets_its_numbers(tmp_path: Path) -> None:
    register(op())
    model = model_of(
        tmp_path,
        helper.make_node("Abs", ["x"], ["a"], "abs"),
        shift("a", "b"),
        shift("b", "c", by=[1, 7], more=-1.0),
        helper.make_node("Neg", ["c"], ["y"], "neg"),
    )
    assert device().supports(model) == dict.fromkeys(("abs", "b", "c", "neg"))
    x = normal(np.random.default_rng(1), 2, 65)
    expected = -shifted(shifted(np.abs(x), (3, 2), 0.5), (1, 7), -1.0)
    np.testing.assert_array_equal(run_whole(model, {"x": x})["y"], expected)


def detector(folder: Path) -> Path:
    """Two images' offsets of 6 boxes, decoded, no corner below 0."""
    anchors = np.random.default_rng(2).uniform(1, 8, (6, 4)).astype(np.float32)
    nodes = [
        helper.make_node("Tanh", ["x"], ["offsets"], "tanh"),
        helper.make_node(
            "DecodeBoxes", ["offsets", "anchors"], ["b"], "decode", domain="com.example", scale=0.5
        ),
        helper.make_node("Relu", ["b"], ["y"], "relu"),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 6, 4]) for name in "xy")
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(anchors, "anchors")])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    path = folder / "detector.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def test_a_detectors_own_layer_is_that_of_numpy(tmp_path: Path) -> None:
    runpy.run_path(str(EXAMPLE))
    model = load(detector(tmp_path))
    # One item per box, not per number.
    (launch,) = lower(model.graph, model.graph.op["decode"]).launches
    assert (launch.items, launch.args[3:]) == (12, (0.5, 6))
    inputs = {"x": normal(np.random.default_rng(3), 2, 6, 4)}
    wanted = reference_outputs(model.path, inputs)["y"]
    assert isinstance(wanted, np.ndarray)
    assert wanted.max() > 1
    # A product of three, an exponential (3 ulp) and a tanh (5 ulp) of the largest corner, about.
    np.testing.assert_allclose(
        run_whole(model, inputs)["y"], wanted, rtol=0, atol=16 * EPSILON * float(wanted.max())
    )


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, plan = str(detector(tmp_path)), str(tmp_path / "p.json")
    commands = [
        ["plan", path, "--profile", "helio-g90", "-o", plan, "--time-limit", "1s"],
        ["run", plan, "--map", "cpu-big=opencl", "--verify"],
    ]
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main(["--ops", str(EXAMPLE), *command])
        assert not ended.value.code, capsys.readouterr().err
    assert "opencl" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dtypes": ("float32", "float16")}, "dtype float32 of 'y': float16"),
        ({"dtypes": ("float32",)}, "2 inputs and outputs: 'shift' has 1"),
        ({"numbers": lambda *_: 1 // 0}, "numbers of Shift's kernel failed: ZeroDivisionError"),
        ({"numbers": lambda *_: (2**31,)}, "2147483648 among the numbers of 'shift'"),
        ({"numbers": lambda *_: ("x",)}, "'x' among the numbers of 'shift': int, float"),
        ({"numbers": lambda *_: ((1, 2.0),)}, r"\(1, 2.0\) among the numbers"),
        ({"items": lambda *_: 0}, "0 items of 'shift': 1 to 2"),
    ],
)
def test_what_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    register(op(opencl=replace(KERNEL, **changes)))
    model = model_of(tmp_path, shift("x", "y"))
    with pytest.raises(BackendError, match=f"op 'y' can't run on OpenCL: .*{words}"):
        device().compile(model, [whole(model)])


def test_another_dtype_than_the_kernels_is_refused(tmp_path: Path) -> None:
    register(op())
    model = model_of(tmp_path, shift("x", "y"), dtype=TensorProto.DOUBLE)
    assert device().supports(model) == {"y": "dtype float64 of 'x': float32"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": "kernel void shift(wrong"}, "the OpenCL kernel of com.example.Shift isn't"),
        ({"name": "shaft"}, "OpenCL kernel 'shaft'"),
        ({"numbers": None}, "'shift' of com.example.Shift takes 5 arguments: it gets 3"),
    ],
)
def test_a_kernel_that_is_wrong_is_named(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    register(op(opencl=replace(KERNEL, **changes)))
    model = model_of(tmp_path, shift("x", "y"))
    with pytest.raises(BackendError, match=words):
        device().compile(model, [whole(model)])


def test_a_kernel_registered_anew_is_the_one_that_runs(tmp_path: Path) -> None:
    x = np.ones((2, 65), np.float32)
    for more in ("more", "2 * more"):
        source = SHIFT.replace("+ more", f"+ {more}")
        register(op(opencl=replace(KERNEL, source=source)))
        model = model_of(tmp_path, shift("x", "y"))
        expected = 1 + 0.5 * (2 if more != "more" else 1)
        np.testing.assert_array_equal(run_whole(model, {"x": x})["y"], np.full_like(x, expected))


def test_an_op_that_nobody_registered_has_no_kernel(tmp_path: Path) -> None:
    register(op())
    model = model_of(tmp_path, shift("x", "y"))
    forget("com.example", "Shift")
    assert custom_op("com.example", "Shift") is None
    assert device().supports(model) == {"y": "no kernel for com.example.Shift"}
    register(op(opencl=None))
    told = "no kernel for com.example.Shift: it is registered without one (opencl=)"
    assert device().supports(model) == {"y": told}

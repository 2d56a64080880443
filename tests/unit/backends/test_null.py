"""The do-nothing backend."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from hetsched.backends.base import StageSpec
from hetsched.backends.null import NullBackend
from hetsched.errors import BackendError
from tests.unit.backends.tiny import array, conv_chain, made, port, run, stages


def test_makes_zeros_of_the_right_shape(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=2)
    split = stages(model.graph, {op.name: int(op.name == "pool") for op in model.graph.ops})
    values = run(NullBackend().compile(model, split), {"x": np.ones((1, 16, 8, 8), np.float32)})
    assert array(values["y"]).shape == (1, 16, 1, 1)
    assert array(values["y"]).dtype == np.float32
    assert not array(values["y"]).any()


def test_reads_what_the_stage_reads(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    spec = StageSpec(id="s", ops=("relu0", "pool"), outputs=("y",))
    (executable,) = NullBackend().compile(model, [spec])
    assert executable.inputs == ("b0",)
    with pytest.raises(BackendError, match="stage 's': no value for its input 'b0'"):
        executable.run({})


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [
        (TensorProto.BFLOAT16, "bfloat16"),
        (TensorProto.INT64, "int64"),
        (TensorProto.FLOAT8E4M3FN, "float8_e4m3fn"),
    ],
)
def test_dtypes(tmp_path: Path, dtype: int, wanted: str) -> None:
    node = helper.make_node("Cast", ["x"], ["y"], "cast", to=dtype)
    model = made(tmp_path, [node], [port("x", (2,))], [port("y", (2,), dtype)])
    (executable,) = NullBackend().compile(model, [StageSpec(id="s", ops=("cast",), outputs=("y",))])
    (buffer,) = executable.run({"x": np.zeros(2, np.float32)})
    assert buffer.numpy().dtype.name == wanted


def test_strings(tmp_path: Path) -> None:
    node = helper.make_node("Cast", ["x"], ["y"], "cast", to=TensorProto.STRING)
    model = made(tmp_path, [node], [port("x", (2,))], [port("y", (2,), TensorProto.STRING)])
    (executable,) = NullBackend().compile(model, [StageSpec(id="s", ops=("cast",), outputs=("y",))])
    assert executable.run({"x": np.zeros(2, np.float32)})[0].numpy().tolist() == ["", ""]


def test_fails_as_scripted(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    spec = StageSpec(id="s", ops=tuple(op.name for op in model.graph.ops), outputs=("y",))
    backend = NullBackend(failures={"s": {1}}, delays_ns={"s": 1})
    (executable,) = backend.compile(model, [spec])
    feeds = {"x": np.ones((1, 16, 8, 8), np.float32)}
    executable.run(feeds)
    with pytest.raises(BackendError, match="stage 's': run 1 fails as scripted"):
        executable.run(feeds)
    executable.run(feeds)
    assert executable.runs == 3


def test_refuses_as_told(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    spec = StageSpec(id="s", ops=("conv0", "bn0", "relu0"), outputs=("r0",))
    with pytest.raises(BackendError, match="op 'relu0': the null backend was told to refuse Relu"):
        NullBackend(refused_op_types={"Relu"}).compile(model, [spec])


def test_refuses_unknown_shapes(tmp_path: Path) -> None:
    node = helper.make_node("NonZero", ["x"], ["y"], "nonzero")
    out = helper.make_tensor_value_info("y", TensorProto.INT64, [1, None])
    model = made(tmp_path, [node], [port("x", (2,))], [out])
    with pytest.raises(BackendError, match=r"static shapes, but 'y' is int64 of shape \(1, None\)"):
        NullBackend().compile(model, [StageSpec(id="s", ops=("nonzero",), outputs=("y",))])

"""Custom ops that a shared library registers with ONNX Runtime, on the whole way to a plan's run.

The library is the one of onnxruntime-extensions, the op its NegPos: what of the input is below 0,
and what is above.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxruntime_extensions import get_library_path

from hetsched.backends.base import StageSpec
from hetsched.backends.ort import OrtBackend
from hetsched.backends.ort.custom import ChainedExecutable
from hetsched.backends.reference import reference_outputs
from hetsched.errors import BackendError
from hetsched.ir.custom import CustomOp, forget, libraries, needs_reference, register
from hetsched.ir.load import load

DOMAIN = "ai.onnx.contrib"


def in_numpy(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Never called where the library is there."""
    raise AssertionError(f"NumPy was asked for {x.shape}")


NEG_POS = CustomOp(
    domain=DOMAIN,
    name="NegPos",
    version=1,
    infer=lambda inputs, _: [(inputs[0].dtype or "", inputs[0].shape or ())] * 2,
    reference=in_numpy,
    onnxruntime=Path(get_library_path()),
)
X = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """For the time of a test."""
    register(NEG_POS)
    yield
    forget(DOMAIN, "NegPos")


def saved(folder: Path) -> Path:
    """y = |x|, made of what is below and above 0."""
    nodes = [
        helper.make_node("NegPos", ["x"], ["n", "p"], "parts", domain=DOMAIN),
        helper.make_node("Sub", ["p", "n"], ["y"], "sub"),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in "xy")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
    proto = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y]), opset_imports=opsets, ir_version=8
    )
    onnx.save(proto, folder / "model.onnx")
    return folder / "model.onnx"


def test_it_is_onnx_runtimes_own_from_then_on(tmp_path: Path) -> None:
    assert libraries() == (Path(get_library_path()),)
    assert not needs_reference(DOMAIN, "NegPos")
    found = reference_outputs(saved(tmp_path), {"x": X})["y"]
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, np.abs(X))


@pytest.mark.parametrize("cut", [("parts", "sub"), ("parts",)])
def test_stages_run_it(tmp_path: Path, cut: tuple[str, ...]) -> None:
    """As one stage, and with a stage's border behind the op."""
    model = load(saved(tmp_path))
    outputs = ("y",) if "sub" in cut else ("n", "p")
    (stage,) = OrtBackend(cache_dir=tmp_path / "cache").compile(
        model, [StageSpec(id="s0", ops=cut, outputs=outputs)]
    )
    assert not isinstance(stage, ChainedExecutable)
    made = dict(zip(stage.outputs, (one.numpy() for one in stage.run({"x": X})), strict=True))
    below, above = np.minimum(X, 0), np.maximum(X, 0)
    expected = {"n": below, "p": above, "y": np.abs(X)}
    assert set(made) == set(outputs)
    for name, array in made.items():
        np.testing.assert_array_equal(array, expected[name])


def test_a_file_that_is_no_such_library_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.so"
    wrong.write_bytes(b"no library")
    register(replace(NEG_POS, onnxruntime=wrong))
    with pytest.raises(BackendError, match=r"library .*wrong\.so"):
        reference_outputs(saved(tmp_path), {"x": X})

"""Resizing against ONNX Runtime's Resize, normalising, letterboxes."""

from typing import Literal

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from hetsched.errors import RunError
from hetsched.stages import Letterbox, Normalise, Resize


def resize_session(how: str) -> ort.InferenceSession:
    mode = {"bilinear": "linear", "nearest": "nearest"}[how]
    node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], mode=mode)
    if how == "nearest":
        node.attribute.append(helper.make_attribute("nearest_mode", "round_prefer_floor"))
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "c", "h", "w"]),
            helper.make_tensor_value_info("s", TensorProto.INT64, [4]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.zeros(0, np.float32), "")][:0],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


SESSIONS = {how: resize_session(how) for how in ("bilinear", "nearest")}


@given(
    st.integers(0, 2**32),
    st.tuples(*[st.integers(1, 17)] * 4),
    st.sampled_from(["bilinear", "nearest"]),
)
def test_resize_is_onnx_resize(
    seed: int, sizes: tuple[int, int, int, int], how: Literal["bilinear", "nearest"]
) -> None:
    have_h, have_w, height, width = sizes
    image = np.random.default_rng(seed).random((have_h, have_w, 2), np.float32)
    got = Resize(height=height, width=width, how=how)(image)
    feeds = {
        "x": image.transpose(2, 0, 1)[None],
        "s": np.array([1, 2, height, width], np.int64),
    }
    wanted = SESSIONS[how].run(None, feeds)[0][0].transpose(1, 2, 0)
    assert got.shape == (height, width, 2)
    if how == "bilinear":
        np.testing.assert_allclose(got, wanted, atol=2e-6)
        return
    # Where a pixel lies midway between two, float32 in ONNX Runtime may round the other way.
    for size, have, axis in ((height, have_h, 0), (width, have_w, 1)):
        at = (np.arange(size) + 0.5) * have / size - 0.5
        clear = abs(at - np.floor(at) - 0.5) > 1e-4
        got, wanted = np.compress(clear, got, axis), np.compress(clear, wanted, axis)
    np.testing.assert_array_equal(got, wanted)


def test_bytes_by_hand() -> None:
    """0 and 100 to four pixels: at -0.25, 0.25, 0.75, 1.25 that is 0, 25, 75, 100."""
    image = np.array([[[0], [100]]], np.uint8)
    made = Resize(height=1, width=4)(image)
    assert made.dtype == np.uint8
    assert made.ravel().tolist() == [0, 25, 75, 100]
    # Of two pixels' middles at 0.5 between neighbours, the lower one is the nearest.
    wide = np.arange(4, dtype=np.uint8).reshape(1, 4, 1)
    assert Resize(height=1, width=2, how="nearest")(wide).ravel().tolist() == [0, 2]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 255))
def test_one_colour_stays_that(height: int, width: int, colour: int) -> None:
    image = np.full((3, 5, 3), colour, np.uint8)
    assert (Resize(height=height, width=width)(image) == colour).all()


def test_normalise_by_hand() -> None:
    """(255 / 255 - 0.5) / 0.5 = 1 and (0 - 0.5) / 0.5 = -1; channels first."""
    image = np.array([[[255, 0], [0, 255], [0, 0]]], np.uint8)
    made = Normalise(mean=(0.5,), std=(0.5,))(image)
    assert made.shape == (1, 2, 1, 3)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[0, :, 0], [[1, -1, -1], [-1, 1, -1]], atol=1e-7)
    assert made.flags.c_contiguous


def test_normalise_refuses_what_does_not_fit() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(RunError, match="mean has 2 numbers for 3 channels"):
        Normalise(mean=(0, 1))(image)
    with pytest.raises(RunError, match="std has a 0"):
        Normalise(std=(1, 0, 1))(image)
    with pytest.raises(RunError, match=r"\(H, W, C\), not \(2, 2\)"):
        Normalise()(image[..., 0])
    with pytest.raises(RunError, match=r"can't resize \(2, 2, 3\) to 0 x 4"):
        Resize(height=0, width=4)(image)


def test_a_letterbox_keeps_the_ratio() -> None:
    """4 x 8 in 10 x 10 becomes 5 x 10; 5 rows are free, 2 of them above."""
    stage = Letterbox(height=10, width=10, fill=7)
    assert stage.inside(4, 8) == (2, 0, 5, 10)
    made = stage(np.full((4, 8, 1), 200, np.uint8))
    assert (made[2:7] == 200).all()
    assert (made[:2] == 7).all()
    assert (made[7:] == 7).all()
    corner = Letterbox(height=10, width=10, place="corner")
    assert corner.inside(8, 4) == (0, 0, 10, 5)


@given(*[st.integers(1, 300)] * 4)
def test_an_image_is_inside_its_letterbox(a: int, b: int, height: int, width: int) -> None:
    stage = Letterbox(height=height, width=width)
    top, left, high, wide = stage.inside(a, b)
    assert 0 <= top <= top + high <= height
    assert 0 <= left <= left + wide <= width
    assert high == height or wide == width

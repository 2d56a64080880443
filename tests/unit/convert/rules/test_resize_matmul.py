"""Resize to matrix products."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_aligned_corners() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        None,
        np.asarray([1, 1, 2, 2], np.float32),
        mode="linear",
        coordinate_transformation_mode="align_corners",
    )
    assert replaced("resize-matmul", proto) == ["MatMul 1x2x8x4", "MatMul 1x2x8x8"]


def test_cubic_along_one_axis() -> None:
    proto = op(
        "Resize", Run((1, 2, 4, 4)), None, np.asarray([1, 1, 1, 1.5], np.float32), mode="cubic"
    )
    assert replaced("resize-matmul", proto) == ["MatMul 1x2x4x6"]


def test_antialiasing_stay() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        None,
        np.asarray([1, 1, 0.5, 0.5], np.float32),
        mode="linear",
        antialias=1,
        opset=18,
    )
    assert declined("resize-matmul", proto) == "it antialiases"


def test_cropping_stay() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        np.asarray([0, 0, 0, 0, 1, 1, 0.5, 0.5], np.float32),
        None,
        np.asarray([1, 2, 4, 3]),
        mode="linear",
        coordinate_transformation_mode="tf_crop_and_resize",
    )
    assert declined("resize-matmul", proto) == "it crops as well"


def test_aligned_corners_of_broken_sizes_stay() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        None,
        np.asarray([1, 1, 1.3, 2], np.float32),
        mode="linear",
        coordinate_transformation_mode="align_corners",
    )
    assert (
        declined("resize-matmul", proto)
        == "align_corners with a scale that isn't size by size: runtimes differ there"
    )


def test_scales_that_change_nothing_stay() -> None:
    proto = op(
        "Resize", Run((1, 2, 4, 4)), None, np.asarray([1, 1, 1.1, 2], np.float32), mode="linear"
    )
    assert (
        declined("resize-matmul", proto)
        == "a scale other than 1 changes no size: runtimes differ there"
    )


def test_aspect_ratio_stay() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        None,
        None,
        np.asarray([1, 2, 8, 9]),
        mode="linear",
        keep_aspect_ratio_policy="not_larger",
        opset=18,
    )
    assert declined("resize-matmul", proto) == "it keeps the aspect ratio"

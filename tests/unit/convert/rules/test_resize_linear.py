"""Bilinear Resize by whole scales to ConvTranspose."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_pixel_centres() -> None:
    proto = op(
        "Resize", Run((1, 2, 4, 4)), None, np.asarray([1, 1, 2, 3], np.float32), mode="linear"
    )
    assert replaced("resize-linear", proto) == ["Pad 1x2x6x6", "ConvTranspose 1x2x8x12"]


def test_corners() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        None,
        np.asarray([1, 1, 2, 2], np.float32),
        mode="linear",
        coordinate_transformation_mode="asymmetric",
    )
    assert replaced("resize-linear", proto) == ["Pad 1x2x6x6", "ConvTranspose 1x2x8x8"]


def test_upsample() -> None:
    proto = op(
        "Upsample", Run((1, 2, 4, 4)), np.asarray([1, 1, 2, 2], np.float32), mode="linear", opset=9
    )
    assert replaced("resize-linear", proto) == ["Pad 1x2x6x6", "ConvTranspose 1x2x8x8"]


def test_aligned_corners_stay() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        None,
        np.asarray([1, 1, 2, 2], np.float32),
        mode="linear",
        coordinate_transformation_mode="align_corners",
    )
    assert (
        declined("resize-linear", proto)
        == "not rank 4 with height and width times whole numbers, from pixel centres or corners"
    )


def test_nearest_stay() -> None:
    proto = op(
        "Resize", Run((1, 2, 4, 4)), None, np.asarray([1, 1, 2, 2], np.float32), mode="nearest"
    )
    assert declined("resize-linear", proto) == "not mode linear"

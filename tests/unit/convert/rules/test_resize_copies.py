"""Resize that repeats pixels to Concat."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_height_and_width() -> None:
    proto = op(
        "Resize", Run((1, 2, 2, 3)), None, np.asarray([1, 1, 2, 3], np.float32), mode="nearest"
    )
    assert replaced("resize-copies", proto) == [
        "Reshape 4x1x3",
        "Concat 4x2x3",
        "Reshape 1x2x4x3",
        "Reshape 24x1x1",
        "Concat 24x3x1",
        "Reshape 1x2x4x9",
    ]


def test_linear_stay() -> None:
    proto = op(
        "Resize", Run((1, 2, 2, 3)), None, np.asarray([1, 1, 2, 3], np.float32), mode="linear"
    )
    assert declined("resize-copies", proto) == "not mode nearest"


def test_broken_scales_stay() -> None:
    proto = op(
        "Resize", Run((1, 2, 2, 4)), None, np.asarray([1, 1, 1, 1.5], np.float32), mode="nearest"
    )
    assert declined("resize-copies", proto) == "it doesn't just repeat pixels"

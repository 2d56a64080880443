"""Resize of mode nearest to Gather."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_broken_scales() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        None,
        np.asarray([1, 1, 1, 1.5], np.float32),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    assert replaced("resize-gather", proto) == ["Gather 1x2x4x6"]


def test_sizes() -> None:
    proto = op(
        "Resize",
        Run((1, 2, 4, 4)),
        None,
        None,
        np.asarray([1, 2, 3, 7]),
        mode="nearest",
        coordinate_transformation_mode="align_corners",
    )
    assert replaced("resize-gather", proto) == ["Gather 1x2x3x4", "Gather 1x2x3x7"]


def test_linear_stay() -> None:
    proto = op(
        "Resize", Run((1, 2, 4, 4)), None, np.asarray([1, 1, 2, 2], np.float32), mode="linear"
    )
    assert declined("resize-gather", proto) == "not mode nearest"


def test_scales_at_run_time_stay() -> None:
    proto = op("Resize", Run((1, 2, 4, 4)), None, Run((4,)), mode="nearest")
    assert declined("resize-gather", proto) == "its shape isn't known"

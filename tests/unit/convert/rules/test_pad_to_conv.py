"""Pad with zeros to a Conv."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_height_and_width() -> None:
    proto = op("Pad", Run((1, 2, 3, 3)), np.asarray([0, 0, 1, 2, 0, 0, 0, 1]))
    assert replaced("pad-to-conv", proto) == ["Conv 1x2x4x6"]


def test_other_values_stay() -> None:
    proto = op(
        "Pad", Run((1, 2, 3, 3)), np.asarray([0, 0, 1, 2, 0, 0, 0, 1]), np.asarray(1, np.float32)
    )
    assert declined("pad-to-conv", proto) == "it doesn't pad with zeros"


def test_channels_stay() -> None:
    proto = op("Pad", Run((1, 2, 3, 3)), np.asarray([0, 1, 1, 2, 0, 0, 0, 1]))
    assert declined("pad-to-conv", proto) == "it doesn't just pad height and width"

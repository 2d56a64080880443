"""Resize by a whole fraction to Conv."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_half() -> None:
    proto = op(
        "Resize", Run((1, 2, 4, 6)), None, np.asarray([1, 1, 0.5, 0.5], np.float32), mode="linear"
    )
    assert replaced("resize-conv", proto) == ["Conv 1x2x2x3"]


def test_odd_fractions_stay() -> None:
    proto = op(
        "Resize", Run((1, 2, 4, 6)), None, np.asarray([1, 1, 0.75, 0.5], np.float32), mode="linear"
    )
    assert (
        declined("resize-conv", proto)
        == "not rank 4 with height and width divided by whole numbers"
    )


def test_cubic_kernels_reach_further_stay() -> None:
    proto = op(
        "Resize", Run((1, 2, 4, 6)), None, np.asarray([1, 1, 0.5, 0.5], np.float32), mode="cubic"
    )
    assert (
        declined("resize-conv", proto)
        == "not rank 4 with height and width divided by whole numbers"
    )

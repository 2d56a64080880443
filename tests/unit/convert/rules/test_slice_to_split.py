"""Slice to Split."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_the_middle() -> None:
    proto = op("Slice", Run((2, 6)), np.asarray([1]), np.asarray([4]), np.asarray([1]))
    assert replaced("slice-to-split", proto) == ["Split 2x1"]


def test_the_end() -> None:
    proto = op("Slice", Run((2, 6)), np.asarray([4]), np.asarray([100]), np.asarray([1]), opset=11)
    assert replaced("slice-to-split", proto) == ["Split 2x4"]


def test_two_axes_stay() -> None:
    proto = op("Slice", Run((2, 6)), np.asarray([1, 1]), np.asarray([2, 4]), np.asarray([0, 1]))
    assert declined("slice-to-split", proto) == "not neighbours along one axis"


def test_steps_stay() -> None:
    proto = op(
        "Slice", Run((2, 6)), np.asarray([0]), np.asarray([6]), np.asarray([1]), np.asarray([2])
    )
    assert declined("slice-to-split", proto) == "not neighbours along one axis"

"""Pad of other modes to Gather."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_edge() -> None:
    proto = op("Pad", Run((2, 3)), np.asarray([0, 4, 0, 0]), mode="edge")
    assert replaced("pad-to-gather", proto) == ["Gather 2x7"]


def test_reflect() -> None:
    proto = op("Pad", Run((3, 3)), np.asarray([1, 2, 2, 1]), mode="reflect")
    assert replaced("pad-to-gather", proto) == ["Gather 6x3", "Gather 6x6"]


def test_wrap() -> None:
    proto = op("Pad", Run((2, 3)), np.asarray([0, 2, 0, 1]), mode="wrap", opset=19)
    assert replaced("pad-to-gather", proto) == ["Gather 2x6"]


def test_constants_stay() -> None:
    proto = op("Pad", Run((2, 3)), np.asarray([0, 1, 0, 0]))
    assert declined("pad-to-gather", proto) == "mode constant"


def test_reflections_of_all_stay() -> None:
    proto = op("Pad", Run((2, 3)), np.asarray([0, 3, 0, 0]), mode="reflect")
    assert declined("pad-to-gather", proto) == "it adds more than the axis has"

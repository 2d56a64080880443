"""Transposes of more than 4 dimensions."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_axes_that_stay_together() -> None:
    proto = op("Transpose", Run((2, 3, 4, 5, 6)), perm=[0, 3, 4, 1, 2])
    assert replaced("transpose-4d", proto) == [
        "Reshape 2x12x30",
        "Transpose 2x30x12",
        "Reshape 2x5x6x3x4",
    ]


def test_a_pixel_shuffle() -> None:
    proto = op("Transpose", Run((1, 2, 3, 3, 4, 5)), perm=[0, 1, 4, 2, 5, 3])
    assert replaced("transpose-4d", proto) == [
        "Reshape 2x3x3x20",
        "Transpose 2x3x20x3",
        "Reshape 2x3x4x15",
        "Transpose 2x4x3x15",
        "Reshape 1x2x4x3x5x3",
    ]


def test_five_axes_reversed() -> None:
    proto = op("Transpose", Run((2, 3, 2, 3, 2)), perm=[4, 3, 2, 1, 0])
    assert replaced("transpose-4d", proto) == [
        "Reshape 2x6x3x2",
        "Transpose 2x6x2x3",
        "Reshape 2x3x2x6",
        "Transpose 6x2x3x2",
        "Reshape 2x3x2x3x2",
    ]


def test_a_window_partition() -> None:
    proto = op("Transpose", Run((2, 3, 4, 3, 4, 5)), perm=[0, 1, 3, 2, 4, 5])
    assert replaced("transpose-4d", proto) == [
        "Reshape 6x4x3x20",
        "Transpose 6x3x4x20",
        "Reshape 2x3x3x4x4x5",
    ]


def test_four_dimensions_stay() -> None:
    proto = op("Transpose", Run((2, 3, 4, 5)), perm=[3, 2, 1, 0])
    assert declined("transpose-4d", proto) == "it has at most 4 dimensions"


def test_too_many_axes_stay() -> None:
    proto = op("Transpose", Run((2,) * 8), perm=[7, 6, 5, 4, 3, 2, 1, 0])
    assert declined("transpose-4d", proto) == "too many axes to turn"

"""Slice with steps to plain Slices."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_whole_blocks() -> None:
    proto = op(
        "Slice", Run((2, 6)), np.asarray([0]), np.asarray([6]), np.asarray([1]), np.asarray([2])
    )
    assert replaced("slice-steps", proto) == ["Reshape 2x3x2x1", "Slice 2x3x1x1", "Reshape 2x3"]


def test_blocks_that_end_with_what_is_picked() -> None:
    proto = op(
        "Slice", Run((2, 7)), np.asarray([2]), np.asarray([7]), np.asarray([1]), np.asarray([2])
    )
    assert replaced("slice-steps", proto) == [
        "Slice 2x6",
        "Reshape 2x3x2x1",
        "Slice 2x3x1x1",
        "Reshape 2x3",
    ]


def test_the_last_on_its_own() -> None:
    proto = op(
        "Slice", Run((2, 5)), np.asarray([0]), np.asarray([5]), np.asarray([1]), np.asarray([2])
    )
    assert replaced("slice-steps", proto) == [
        "Slice 2x4",
        "Reshape 2x2x2x1",
        "Slice 2x2x1x1",
        "Reshape 2x2",
        "Slice 2x1",
        "Concat 2x3",
    ]


def test_step_1_stay() -> None:
    proto = op("Slice", Run((2, 6)), np.asarray([1]), np.asarray([6]), np.asarray([1]))
    assert declined("slice-steps", proto) == "it has no steps over 1"


def test_backwards_stay() -> None:
    proto = op(
        "Slice", Run((2, 6)), np.asarray([5]), np.asarray([0]), np.asarray([1]), np.asarray([-2])
    )
    assert declined("slice-steps", proto) == "a step is negative"


def test_nothing_stay() -> None:
    proto = op(
        "Slice", Run((2, 6)), np.asarray([3]), np.asarray([3]), np.asarray([1]), np.asarray([2])
    )
    assert declined("slice-steps", proto) == "it picks nothing"

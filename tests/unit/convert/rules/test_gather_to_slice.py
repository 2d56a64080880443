"""Gather to Slice."""

from pathlib import Path

import numpy as np

from tests.unit.convert.rules.harness import after, one, why_not

X = (4, 4, 6, 5)


def test_a_single_index(tmp_path: Path) -> None:
    assert after(tmp_path, one("Gather", X, np.array(2), axis=1), "Gather") == ["Slice", "Reshape"]


def test_neighbours(tmp_path: Path) -> None:
    assert after(tmp_path, one("Gather", X, np.array([-3, -2]), axis=2), "Gather") == ["Slice"]


def test_other_indices_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Gather", X, np.array([0, 2])), "gather-to-slice", "Gather")
    assert why == "its indices aren't neighbours"
